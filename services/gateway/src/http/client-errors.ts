import type { Socket } from 'node:net';
import { ShoalError } from '@shoal/protocol';
import { expectedError, problemDocument, problemHeaders } from './problem.ts';

/**
 * Answers what is not HTTP, or not in time, on the bare connection; then closes it. Nobody is there to answer when the
 * connection was reset.
 */
export function answerClientError(error: Error, socket: Socket, requestId: string): void {
  if (socket.destroyed || !socket.writable || ('code' in error && error.code === 'ECONNRESET')) {
    socket.destroy();
    return;
  }
  const known = expectedError(error) ?? new ShoalError('malformed_body', 'The request is not well-formed HTTP/1.1.', { field: 'headers' });
  const body = JSON.stringify(problemDocument(known, requestId));
  const headers = { ...problemHeaders(known), 'content-length': `${Buffer.byteLength(body)}`, 'x-request-id': requestId, connection: 'close' };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.end(`HTTP/1.1 ${known.status} ${known.code}\r\n${head}\r\n${body}`, () => socket.destroy());
}
