import type { IncomingMessage, ServerOptions as HttpOptions } from 'node:http';
import type { Socket } from 'node:net';
import swagger from '@fastify/swagger';
import { DEFAULT_TENANT, LIMITS, ShoalError, type Access, type TenantId } from '@shoal/protocol';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { BodyBudget } from '../body-budget.ts';
import type { Clock, Timers } from '@shoal/pacing';
import { JOB_PAGE_PATH, pageAuthorization } from '../imports/job-page.ts';
import type { ImportTokens } from '../imports/import-token.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import { COST_HEADER, costText, newRequestCost, type RequestCost } from '../tenancy/request-cost.ts';
import type { Tracing } from '@shoal/telemetry';
import type { Tenancy } from '../tenancy/tenancy.ts';
import { Authentication, type Principal } from './authentication.ts';
import { Admission } from './admission.ts';
import { answerClientError } from './client-errors.ts';
import { expectedError, problemDocument, problemHeaders, unexpectedError } from './problem.ts';
import { BodyReader, acceptBodies } from './request-body.ts';
import { requestIds } from './request-ids.ts';
import { addSecurityHeaders } from './security-headers.ts';
import type { TlsMaterial } from './tls-files.ts';
import { traceRequests } from './traced-requests.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose embeddings the request is about. */
    tenant: TenantId;
    caller: Principal;
    cost: RequestCost;
  }

  interface FastifyContextConfig {
    /** Who may call the route; only the root key where it is missing. */
    access?: Access;
  }
}

export interface HttpServerOptions {
  readonly rootKey: string;
  readonly version: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly tenancy: Tenancy;
  readonly importTokens: ImportTokens;
  /** Begins the ids of requests; random per process. */
  readonly requestIdPrefix: string;
  /** True from the moment when the gateway begins to close. */
  readonly isClosing: () => boolean;
  /** HTTPS with this certificate instead of HTTP. */
  readonly tls?: TlsMaterial;
  /** Nothing is traced without it. */
  readonly tracing?: Tracing;
}

/** The subjects of routes, in the order in which the document shows them. */
const TAGS: readonly (readonly [string, string])[] = [
  ['embeddings', 'Vector spaces.'],
  ['vectors', 'Writing, reading and deleting vectors.'],
  ['search', 'Nearest neighbours.'],
  ['aliases', 'Further names of embeddings.'],
  ['imports', 'Files, buckets and addresses into an embedding.'],
  ['tenants', 'Customers, their quotas, usage and limits.'],
  ['keys', 'API keys of a tenant.'],
  ['backup', 'Backups, and what restores need beyond writing.'],
  ['cluster', 'The state of this process and of the cluster.'],
];

/** Served without a key. Everything else that exists needs one. */
const isOpen = (request: FastifyRequest): boolean => request.routeOptions.config.access === 'open';

/** The HTTP server with everything that is the same for all routes; the routes are added to it. */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const nextRequestId = requestIds(options.requestIdPrefix);
  const app = fastify({
    // Requests are logged by the hook below, without bodies, keys or query strings.
    logger: false,
    genReqId: nextRequestId,
    bodyLimit: LIMITS.bodyBytes,
    connectionTimeout: GATEWAY_LIMITS.connectionTimeoutMs,
    keepAliveTimeout: GATEWAY_LIMITS.keepAliveTimeoutMs,
    requestTimeout: GATEWAY_LIMITS.requestTimeoutMs,
    ...serverOptions(options.tls),
    routerOptions: { maxParamLength: GATEWAY_LIMITS.headerBytes },
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply, options),
    clientErrorHandler: (error: Error, socket: Socket) => answerClientError(error, socket, `${options.requestIdPrefix}-connection`),
  });
  app.server.maxConnections = GATEWAY_LIMITS.connections;
  // Schemas document the requests; vectors by the million are checked by the parsers of the protocol.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  app.decorateRequest('tenant', DEFAULT_TENANT);
  app.decorateRequest('caller');
  app.decorateRequest('cost');
  app.decorateRequest('measured');
  app.decorateRequest('span');
  app.decorateRequest('failure');
  app.setErrorHandler((error: FastifyError, request, reply) => sendProblem(error, request, reply, options));
  app.setNotFoundHandler((request) => {
    throw routeNotFound(request);
  });
  await documentRoutes(app, options.version);
  answerExpectations(app);
  if (options.tracing !== undefined) traceRequests(app, options.tracing);
  addHooks(app, options);
  return app;
}

/**
 * Fastify's type for a server of TLS differs in nothing that is used here, so both count as plain HTTP. No protocol below TLS 1.2.
 */
function serverOptions(tls: TlsMaterial | undefined): { readonly http: HttpOptions } {
  const http: HttpOptions = { maxHeaderSize: GATEWAY_LIMITS.headerBytes, headersTimeout: GATEWAY_LIMITS.headersTimeoutMs, requireHostHeader: false };
  return tls === undefined ? { http } : ({ https: { ...http, ...tls, minVersion: 'TLSv1.2' } } as unknown as { readonly http: HttpOptions });
}

function addHooks(app: FastifyInstance, { rootKey, logger, clock, timers, tenancy, importTokens, isClosing, tls }: HttpServerOptions): void {
  const authentication = new Authentication({ rootKey, importTokens, directory: tenancy.directory, clock, loaded: () => tenancy.loaded });
  const admission = new Admission(timers, () => clock.nowMs());
  app.addHook('onReady', async () => admission.start());
  app.addHook('onClose', async () => admission.close());
  const bodies = new BodyReader(new BodyBudget(GATEWAY_LIMITS.bodyBytesInFlight));
  acceptBodies(app, bodies);
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
    // Closed when the answer is sent and when the connection breaks; `onResponse` comes in the first case only.
    reply.raw.once('close', () => bodies.release(request));
    // The server's own refusal would be no problem document.
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1') throw new ShoalError('malformed_body', 'The header Host is missing.', { field: 'headers' });
    if (request.is404) throw routeNotFound(request);
    if (isOpen(request)) return;
    const { 'x-shoal-tenant': tenantHeader } = request.headers;
    const authorization = pageAuthorization(request.routeOptions.url, request.headers.authorization);
    request.caller = authentication.callerOf(authorization, tenantHeader, request.routeOptions.config.access ?? 'root');
    request.tenant = request.caller.tenant;
    request.cost = newRequestCost();
    if (isClosing()) throw new ShoalError('not_ready', 'The gateway is closing.');
    // The root key is the way in to set a rate right.
    const { requestsPerSecond } = tenancy.quotasOf(request.tenant);
    if (requestsPerSecond !== undefined && request.caller.role !== 'root') await tenancy.rates.take(request.tenant, 'requestsPerSecond', requestsPerSecond, 1);
    const turn = admission.admit(request.tenant, announcedBytes(request), reply.raw);
    if (turn !== undefined) await turn;
  });
  const overTls = tls !== undefined;
  // With a callback instead of a promise, because it runs for every answer.
  app.addHook('onSend', (request, reply, payload, done) => {
    if (isClosing()) void reply.header('connection', 'close');
    if (reply.statusCode === 401 && request.routeOptions.url?.startsWith(JOB_PAGE_PATH) === true) void reply.header('www-authenticate', 'Basic realm="Shoal jobs"');
    addSecurityHeaders(reply, overTls);
    if (request.cost !== undefined) countCost(request, reply, payload, tenancy);
    done();
  });
  app.addHook('onResponse', async (request, reply) => {
    endUnfinishedRequest(request, timers);
    const { statusCode } = reply;
    const level = logLevelOf(request, statusCode);
    const ms = Math.round(reply.elapsedTime * 100) / 100;
    logger[level]({ requestId: request.id, method: request.method, route: request.routeOptions.url, status: statusCode, ms, ...traceOf(request) }, 'request');
  });
}

/** The length of the body by the headers; undefined where it comes in chunks. */
function announcedBytes({ headers }: FastifyRequest): number | undefined {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : undefined;
}

/** Where the request is found among traces, by the names that OpenTelemetry gives them in logs. */
function traceOf({ span }: FastifyRequest): { readonly trace_id?: string; readonly span_id?: string } {
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
}

/** Tells the caller what the request cost, and adds it to what the tenant has used. */
function countCost(request: FastifyRequest, reply: FastifyReply, payload: unknown, { usage }: Tenancy): void {
  const { cost, tenant } = request;
  const bytesOut = typeof payload === 'string' ? Buffer.byteLength(payload) : payload instanceof Uint8Array ? payload.byteLength : 0;
  void reply.header(COST_HEADER, costText(cost, bytesOut));
  const refused = reply.statusCode === 429 || reply.statusCode === 503 ? 1 : 0;
  usage.count(tenant, { refused, distances: cost.distances, vectorsWritten: cost.vectors, bytesIn: cost.bytesIn, bytesOut });
}

/** Probes ask often, and "not ready" is an answer they expect. */
function logLevelOf(request: FastifyRequest, statusCode: number): 'debug' | 'info' | 'warn' {
  if (statusCode < 400 || isOpen(request)) return 'debug';
  return statusCode >= 500 ? 'warn' : 'info';
}

const SHOWN_PATH_CHARS = 100;

function routeNotFound({ method, url }: FastifyRequest): ShoalError {
  const path = url.split('?', 1)[0] ?? '';
  const shown = path.length > SHOWN_PATH_CHARS ? `${path.slice(0, SHOWN_PATH_CHARS)}…` : path;
  return new ShoalError('route_not_found', `There is no route ${method} ${shown}; /openapi.json lists those that there are.`, { field: 'path' });
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, { logger, isClosing }: HttpServerOptions): void {
  let known = expectedError(error);
  if (known === undefined) {
    known = unexpectedError(error);
    logger.error({ err: error, requestId: request.id, method: request.method, route: request.routeOptions.url, ...traceOf(request) }, 'unexpected error');
  }
  request.failure = known.code;
  // The server would close the connection whenever a body was refused, and the client might never see the answer.
  if (isClosing() || isRefusedLeave(request.raw)) void reply.header('connection', 'close');
  else void reply.removeHeader('connection');
  void reply.code(known.status).headers({ ...problemHeaders(known), 'x-request-id': request.id }).send(problemDocument(known, request.id));
}

/**
 * A request that was answered before its body had arrived: the server reads the rest and throws it away, so that a client
 * that sends first and reads afterwards gets its answer. That has an end.
 */
function endUnfinishedRequest({ raw }: FastifyRequest, timers: Timers): void {
  if (raw.complete || raw.destroyed) return;
  const cancel = timers.after(GATEWAY_LIMITS.refusedBodyDrainMs, () => void raw.destroy());
  raw.once('end', cancel).once('close', cancel);
}

/** Whether a client asks for leave to send a body (Expect: 100-continue) that is too large: then the body never comes. */
const isRefusedLeave = ({ headers }: IncomingMessage): boolean =>
  headers.expect !== undefined && Number(headers['content-length'] ?? 0) > LIMITS.bodyBytes;

/** Gives leave to send a body, or the refusal at once; no further request can follow that one on its connection. */
function answerExpectations(app: FastifyInstance): void {
  app.server.on('checkContinue', (request, response) => {
    if (!isRefusedLeave(request)) response.writeContinue();
    app.server.emit('request', request, response);
  });
}

/** Says which key a route needs. */
function described<Schema extends object>(schema: Schema, access: Access = 'root'): Schema {
  if (access === 'open') return { ...schema, security: [] };
  return { ...schema, description: access === 'root' ? 'Needs the root key.' : `Needs a key with at least the role ${access}.` };
}

async function documentRoutes(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    transform: ({ schema, url, route }) => ({ schema: described(schema, route.config?.access), url }),
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Shoal', version, description: 'A vector database that scales out over a message bus.', license: { name: 'Apache-2.0' } },
      servers: [{ url: '/', description: 'The gateway that gave this document.' }],
      tags: TAGS.map(([name, description]) => ({ name, description })),
      components: { securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key of a tenant, or the root key.' } } },
      security: [{ apiKey: [] }],
    },
  });
}
