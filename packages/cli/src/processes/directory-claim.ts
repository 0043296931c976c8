/**
 * The claim of a cluster on its data directory. Two nats-servers on one directory would damage the log, and nats-server itself
 * does not refuse that. The claim is a Unix socket in Linux's abstract namespace: taking it is atomic, and it is gone with the
 * process however that ends, so no file of a dead process is ever in the way.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpath } from 'node:fs/promises';
import { createServer } from 'node:net';
import { ShoalError } from '@shoal/protocol';

/** Claims an existing directory until `release`; `directory_locked` when another process has it. */
export async function claimDirectory(directory: string): Promise<{ release(): Promise<void> }> {
  const name = createHash('sha256').update(await realpath(directory)).digest('hex');
  const claim = createServer((socket) => socket.destroy());
  claim.listen(`\0shoal-cluster-${name}`);
  try {
    await once(claim, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new ShoalError('directory_locked', `Another cluster uses the data directory ${directory}; stop it, or choose another with --data-dir.`, { cause: error });
  }
  const release = async (): Promise<void> => {
    claim.close();
    await once(claim, 'close');
  };
  return { release };
}
