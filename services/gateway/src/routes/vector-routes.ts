import { ROUTES,
  decodeVectorBody, parseDeleteRequest, parseWriteLines, parseWriteRequest, payloadToJson, receiptToJson,
  type DeleteOperation, type PutOperation, type VectorKey, type VectorResponse, type WriteRequest, type WriteResponse,
} from '@shoal/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { EmbeddingRecord } from '../catalogue/records.ts';
import { bodyOf, jsonBodyOf } from '../http/request-body.ts';
import type { WriteResult } from '../writing/write-path.ts';
import { deleteOptions, readOptions, writeOptions, writeTimeoutMs } from './query-string.ts';
import { embeddingOf, keyOf, type RouteContext } from './route-context.ts';

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
      return { timeoutMs, write: { vectors: decodeVectorBody(body.bytes, spec.dim, spec.distance), ...options } };
    }
  }
}

function putOperations({ vectors, mode }: WriteRequest): readonly PutOperation[] {
  return vectors.map(({ key, values, payload }) => ({ type: mode, key, vector: values, ...(payload === undefined ? {} : { payload }) }));
}

const deleteOperations = (keys: readonly VectorKey[]): readonly DeleteOperation[] => keys.map((key) => ({ type: 'delete', key }));

function writeResponse({ accepted, receipt, outcomes }: WriteResult): WriteResponse {
  return { accepted, receipt: receiptToJson(receipt), ...(outcomes === undefined ? {} : { outcomes }) };
}

/** Writes, reads and deletes vectors. */
export function addVectorRoutes(app: FastifyInstance, { bus, catalogue, clock, fetchPath, writePath }: RouteContext): void {
  app.route({
    ...ROUTES.writeVectors,
    handler: async (request) => {
      const record = await embeddingOf(request, catalogue);
      const { write, timeoutMs } = writeRequestOf(request, record);
      return writeResponse(await writePath.write(record, { operations: putOperations(write), wait: write.wait, timeoutMs }));
    },
  });

  app.route({
    ...ROUTES.getVector,
    handler: async (request): Promise<VectorResponse> => {
      const record = await embeddingOf(request, catalogue);
      const key = keyOf(request);
      const { after, timeoutMs } = readOptions(request, bus.log.slots);
      const { values, payload } = await fetchPath.fetch(record, key, after, clock.nowMs() + timeoutMs);
      return { key, values: Array.from(values), ...(payload === undefined ? {} : { payload: payloadToJson(payload) }) };
    },
  });

  app.route({
    ...ROUTES.deleteVector,
    handler: async (request) => {
      const record = await embeddingOf(request, catalogue);
      const operations = deleteOperations([keyOf(request)]);
      return writeResponse(await writePath.write(record, { operations, ...deleteOptions(request) }));
    },
  });

  app.route({
    ...ROUTES.deleteVectors,
    handler: async (request) => {
      const record = await embeddingOf(request, catalogue);
      const timeoutMs = writeTimeoutMs(request);
      const { keys, wait } = parseDeleteRequest(jsonBodyOf(request));
      return writeResponse(await writePath.write(record, { operations: deleteOperations(keys), wait, timeoutMs }));
    },
  });
}
