import { ROUTES, type EmbeddingCode, type ErrorCode } from '@shoal/protocol';
import type { Operation, ServiceMeter } from '@shoal/telemetry';
import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** What a request turned out to be; handlers of measured routes say it as soon as they know. */
    measured: MeasuredRequest | undefined;
    /** Why the request was answered with a problem. */
    failure: ErrorCode | undefined;
  }
}

export interface MeasuredRequest {
  readonly code: EmbeddingCode;
  /** Vectors or queries: each is an operation that took as long as the request. */
  readonly count: number;
  /** False for a write whose caller waited for the log only: it counts as VectorLog, for nobody knows here when it was applied. */
  readonly applied?: boolean;
}

const MEASURED: readonly (readonly [{ readonly method: string; readonly url: string }, Operation])[] = [
  [ROUTES.search, 'VectorSearch'],
  [ROUTES.writeVectors, 'VectorInsert'],
  [ROUTES.deleteVector, 'VectorDelete'],
  [ROUTES.deleteVectors, 'VectorDelete'],
];
/** By path, then by method: a text made of both would be made anew for each request. */
const OPERATIONS_AT = Map.groupBy(MEASURED, ([{ url }]) => url);

function operationOf({ method, routeOptions: { url = '' } }: FastifyRequest): Operation | undefined {
  return OPERATIONS_AT.get(url)?.find(([route]) => route.method === method)?.[1];
}

/**
 * Records each request to the routes of vectors once, when it is answered: from its first byte to the last of its answer. A request
 * that failed counts as one error of its kind.
 */
export function measureOperations(app: FastifyInstance, meter: ServiceMeter): void {
  app.addHook('onResponse', (request, reply, done) => {
    const operation = operationOf(request);
    if (operation !== undefined) {
      const { measured, failure } = request;
      if (failure !== undefined) meter.recordError(operation, failure, 1, measured?.code);
      else if (measured !== undefined) meter.record(measured.applied === false ? 'VectorLog' : operation, reply.elapsedTime * 1_000, measured.count, measured.code);
    }
    done();
  });
}
