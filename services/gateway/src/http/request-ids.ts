import type { IncomingMessage } from 'node:http';

const USABLE = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Names requests: by the caller's `x-request-id` where it is harmless in a log, else by a number under a prefix that is
 * random per process.
 */
export function requestIds(prefix: string): (request: IncomingMessage) => string {
  let count = 0;
  return (request) => {
    const given = request.headers['x-request-id'];
    if (typeof given === 'string' && USABLE.test(given)) return given;
    count += 1;
    return `${prefix}-${count.toString(36)}`;
  };
}
