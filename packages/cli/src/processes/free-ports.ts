/** Whether ports can be listened on, asked before anything is started that would have to be ended again. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { ShoalError } from '@shoal/protocol';

/** Fails with `port_in_use` for the first of `ports` that another program listens on, and with `invalid_configuration` for an address that is not of this machine or not allowed. */
export async function checkPortsFree(host: string, ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const probe = createServer().listen({ host, port });
    try {
      await once(probe, 'listening');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE') {
        throw new ShoalError('port_in_use', `Port ${port} on ${host} is taken by another program; stop it, or choose another with --port.`, { cause: error });
      }
      throw new ShoalError('invalid_configuration', `Nothing can listen at port ${port} of ${host} (${code ?? String(error)}); choose another port or address.`, { cause: error });
    }
    probe.close();
    await once(probe, 'close');
  }
}
