import { ROUTES,
  filterBytes, decodeVectorBody, parseDeleteRequest, parsePayloadUpdate, parseWriteLines, parseWriteRequest, payloadToJson, receiptToJson,
  type DeleteOperation, type PutOperation, type VectorKey, type VectorResponse, type WriteRequest, type WriteResponse,
} from '@shoal/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import type { MeasuredRequest } from '../http/measured-operations.ts';
import { componentsToJson } from '../http/components-json.ts';
import { bodyOf, jsonBodyOf } from '../http/request-body.ts';
import type { Stock } from '../tenancy/storage-quotas.ts';
import type { WriteOrder, WriteResult } from '../writing/write-path.ts';
import { deleteOptions, idempotencyOf, readByKey, readOptions, writeOptions, writeTimeoutMs, type ReadOptions } from './query-string.ts';
import { embeddingOf, keyOf, withFields, type RouteContext } from './route-context.ts';

/** The write request of any of the three content types, checked as a whole. */
function writeRequestOf(request: FastifyRequest, { spec }: EmbeddingRecord): { readonly write: WriteRequest; readonly timeoutMs: number } {
  const body = bodyOf(request);
  switch (body.type) {
    case 'json':
      return { timeoutMs: writeTimeoutMs(request), write: parseWriteRequest(body.value, spec) };
    case 'ndjson': {
      const { options, timeoutMs } = writeOptions(request);
      return { timeoutMs, write: parseWriteLines(body.bytes, options, spec) };
    }
    case 'vectors': {
      const { options, timeoutMs } = writeOptions(request);
      return { timeoutMs, write: { vectors: decodeVectorBody(body.bytes, spec.dim, spec.distance, spec.fields), ...options } };
    }
  }
}

function putOperations({ vectors, mode }: WriteRequest): readonly PutOperation[] {
  return vectors.map(({ key, values, ...more }) => ({ type: mode, key, vector: values, ...more }));
}

const deleteOperations = (keys: readonly VectorKey[]): readonly DeleteOperation[] => keys.map((key) => ({ type: 'delete', key }));

function writeResponse({ receipt, ...result }: WriteResult): WriteResponse {
  return { ...result, receipt: receiptToJson(receipt) };
}

/** What a write adds to what its tenant stores, by the measure of the quotas. */
function stockOf({ vectors }: WriteRequest): Stock {
  return { vectors: vectors.length, bytes: vectors.reduce((sum, { values, payload }) => sum + values.byteLength + (payload?.byteLength ?? 0), 0) };
}

function measuredWrite({ spec }: EmbeddingRecord, { wait }: Pick<WriteOrder, 'wait'>, count: number): MeasuredRequest {
  return { code: spec.code, count, applied: wait === 'applied' };
}

const NOTHING_ADDED: Stock = { vectors: 0, bytes: 0 };

/** Writes, reads and deletes vectors. */
export function addVectorRoutes(app: FastifyInstance, { bus, catalogue, clock, fetchPath, tenancy, writePath }: RouteContext): void {
  const writeAdmitted = async (request: FastifyRequest, record: EmbeddingRecord, order: WriteOrder, added: Stock): Promise<WriteResponse> => {
    request.measured = measuredWrite(record, order, order.operations.length);
    await tenancy.admitVectors(request.tenant, order.operations.length, added);
    const result = await writePath.write(record, order, request.span);
    request.cost.vectors += result.accepted;
    return writeResponse(result);
  };

  app.route({
    ...ROUTES.writeVectors,
    handler: async (request) => {
      const record = await embeddingOf(request, catalogue);
      const { write, timeoutMs } = writeRequestOf(request, record);
      return writeAdmitted(request, record, { operations: putOperations(write), wait: write.wait, timeoutMs, ...idempotencyOf(request) }, stockOf(write));
    },
  });

  const read = async ({ span }: FastifyRequest, record: EmbeddingRecord, key: VectorKey, { after, timeoutMs }: ReadOptions): Promise<VectorResponse> => {
    const { values, payload, sequence } = await fetchPath.fetch(record, key, after, clock.nowMs() + timeoutMs, span);
    return { key, values: componentsToJson(values), ...(payload === undefined ? {} : { payload: payloadToJson(payload) }), ...(sequence === undefined ? {} : { sequence }) };
  };

  app.route({
    ...ROUTES.getVector,
    handler: async (request): Promise<VectorResponse> => {
      const record = await embeddingOf(request, catalogue);
      const key = keyOf(request);
      return read(request, record, key, readOptions(request, bus.log.slots));
    },
  });

  app.route({
    ...ROUTES.getVectorByQuery,
    handler: async (request): Promise<VectorResponse> => {
      const record = await embeddingOf(request, catalogue);
      const { key, ...options } = readByKey(request, bus.log.slots);
      return read(request, record, key, options);
    },
  });

  app.route({
    ...ROUTES.deleteVector,
    handler: async (request) => {
      const record = await embeddingOf(request, catalogue);
      const operations = deleteOperations([keyOf(request)]);
      return writeAdmitted(request, record, { operations, ...deleteOptions(request), ...idempotencyOf(request) }, NOTHING_ADDED);
    },
  });

  app.route({
    ...ROUTES.deleteVectors,
    handler: async (request) => {
      const timeoutMs = writeTimeoutMs(request);
      const { record, used } = await withFields(request, catalogue, ({ spec }) => parseDeleteRequest(jsonBodyOf(request), spec.fields));
      const order = { wait: used.wait, timeoutMs, ...idempotencyOf(request) };
      if ('keys' in used) return writeAdmitted(request, record, { operations: deleteOperations(used.keys), ...order }, NOTHING_ADDED);
      await tenancy.admitVectors(request.tenant, 1, NOTHING_ADDED);
      request.measured = measuredWrite(record, order, 1);
      const result = await writePath.deleteMatching(record, { filter: filterBytes(used.filter, record.spec.fields), ...order }, request.span);
      request.measured = measuredWrite(record, order, result.deleted ?? 1);
      request.cost.vectors += result.deleted ?? 0;
      return writeResponse(result);
    },
  });

  app.route({
    ...ROUTES.updatePayloads,
    handler: async (request) => {
      const timeoutMs = writeTimeoutMs(request);
      const record = await embeddingOf(request, catalogue);
      const { operations, wait } = parsePayloadUpdate(jsonBodyOf(request), record.spec.fields);
      const bytes = operations.reduce((sum, { payload }) => sum + payload.byteLength, 0);
      return writeAdmitted(request, record, { operations, wait, timeoutMs, ...idempotencyOf(request) }, { vectors: 0, bytes });
    },
  });
}
