/** The request for one batch: the binary form when every vector is a Float32Array of one dimension without a condition, JSON otherwise. */
import { VECTOR_BODY_MEDIA_TYPE, encodeVectorBody, payloadToJson, type VectorInput, type Wait, type WriteMode } from '@shoal/protocol';
import type { HttpCall } from './http-transport.ts';
import type { BatchItem } from './vector-batches.ts';

/** Absent settings are left to the server: upsert, logged. */
export interface WriteSettings {
  readonly mode: WriteMode | undefined;
  readonly wait: Wait | undefined;
}

function isBinary(item: BatchItem, dim: number): item is VectorInput {
  return item.values instanceof Float32Array && item.values.length === dim && item.ifSequence === undefined;
}

function toJson(items: readonly BatchItem[], { mode, wait }: WriteSettings): string {
  const vectors = items.map(({ key, values, payload, ifSequence }) => ({
    key,
    values: values instanceof Float32Array ? Array.from(values) : values,
    payload: payload === undefined ? undefined : payloadToJson(payload),
    ifSequence,
  }));
  return JSON.stringify({ vectors, mode, wait });
}

export function writeCall(vectorsPath: string, items: readonly BatchItem[], settings: WriteSettings): HttpCall {
  const dim = items[0]?.values.length ?? 0;
  const inputs = items.filter((item) => isBinary(item, dim));
  if (inputs.length < items.length) {
    return { method: 'POST', once: true, path: vectorsPath, body: { mediaType: 'application/json', content: toJson(items, settings) } };
  }
  // The binary form has no place for settings, so they travel in the query string.
  const query = new URLSearchParams();
  if (settings.mode !== undefined) query.set('mode', settings.mode);
  if (settings.wait !== undefined) query.set('wait', settings.wait);
  const path = query.size === 0 ? vectorsPath : `${vectorsPath}?${query.toString()}`;
  return { method: 'POST', once: true, path, body: { mediaType: VECTOR_BODY_MEDIA_TYPE, content: encodeVectorBody(inputs, dim) } };
}
