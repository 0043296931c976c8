import type { FastifyReply } from 'fastify';

const ALWAYS: { readonly [header: string]: string } = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};
/** Answers are data; a browser that is led to show one may load and frame nothing. Pages that are meant to be shown set their own. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";
const ONE_YEAR = 'max-age=31536000';

/** Tells browsers to take answers for what they are. */
export function addSecurityHeaders(reply: FastifyReply, overTls: boolean): void {
  for (const header in ALWAYS) if (!reply.hasHeader(header)) void reply.header(header, ALWAYS[header]);
  if (!reply.hasHeader('content-security-policy')) void reply.header('content-security-policy', DATA_POLICY);
  if (overTls) void reply.header('strict-transport-security', ONE_YEAR);
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

/** Whether an address can be reached from this machine alone. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);
