import type { TracedSpan, Tracing } from '@shoal/telemetry';
import { TRACE_PARENT } from '@shoal/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** The request's part of a trace; undefined where it is not traced. */
    span: TracedSpan | undefined;
  }
}

/** Traces every request except probes, from its first byte until its answer is sent or its connection broke. Add it before other hooks. */
export function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.config.access !== 'open') begin(request, reply, tracing);
    done();
  });
}

function begin(request: FastifyRequest, reply: FastifyReply, tracing: Tracing): void {
  const { method, routeOptions: { url: route }, headers: { [TRACE_PARENT]: header } } = request;
  const attributes = { 'http.request.method': method, 'url.scheme': request.protocol, 'shoal.request.id': request.id, ...(route === undefined ? {} : { 'http.route': route }) };
  const span = tracing.request(route === undefined ? method : `${method} ${route}`, typeof header === 'string' ? header : undefined, attributes);
  request.span = span;
  if (span === undefined) return;
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) return span.end({}, 'connection_closed');
    const { statusCode } = reply;
    span.end({ 'http.response.status_code': statusCode }, statusCode >= 500 ? (request.failure ?? String(statusCode)) : undefined);
  });
}
