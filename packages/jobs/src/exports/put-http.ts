import { Readable } from 'node:stream';
import { ShoalError } from '@shoal/protocol';

/** Sends content to an HTTP address by PUT, as it comes. Rejects with `source_unavailable`, or with whatever `content` throws. */
export async function putHttp(address: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  const url = new URL(address);
  const shown = `${url.origin}${url.pathname}`;
  let failure: unknown;
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* content;
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  let status: number;
  try {
    const request = { method: 'PUT', body: Readable.toWeb(Readable.from(watched(), { objectMode: false })), duplex: 'half', redirect: 'error', signal, headers: { 'content-type': 'application/octet-stream' } };
    const response = await fetch(url, request as unknown as RequestInit);
    await response.body?.cancel();
    ({ status } = response);
  } catch (cause) {
    if (failure !== undefined) throw failure;
    signal.throwIfAborted();
    throw new ShoalError('source_unavailable', `${shown} does not take the file.`, { field: 'output', cause });
  }
  if (status < 200 || status > 299) throw new ShoalError('source_unavailable', `${shown} answers with status ${status}.`, { field: 'output' });
}
