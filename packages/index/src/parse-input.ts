// Checks of what callers pass. Their own input was parsed at the edge, so what fails here is a programmer's error and asserts.

import assert from 'node:assert';
import { MAX_DIM, MAX_EF, MAX_K, MAX_M, MAX_RERANK, MAX_VECTORS, MIN_M } from '@shoal/kernel';
import { BATCH_QUERIES_MAX, GROUP_OPS_MAX, GROUP_VECTOR_BYTES_MAX } from './limits.ts';
import type { IndexOp } from './index-op.ts';
import type { IndexSpec } from './index-spec.ts';
import { keepsCodesOnly } from './kernel-parameters.ts';
import type { SearchRequest, SearchSettings } from './search-request.ts';

/** Words are made only where something is wrong: every search is checked. */
function assertBetween(name: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  assert.fail(`${name} is ${value}, not an integer from ${low} to ${high}`);
}

export function assertSpec(spec: IndexSpec): void {
  assertBetween('dim', spec.dim, 1, MAX_DIM);
  assertBetween('m', spec.m, MIN_M, MAX_M);
  assertBetween('efConstruction', spec.efConstruction, 1, MAX_EF);
  assertBetween('seed', spec.seed, 0, 0xffff_ffff);
  assertBetween('flatThreshold', spec.flatThreshold ?? 0, 0, MAX_VECTORS);
  if (spec.rabitq !== undefined) {
    assert([1, 2, 4, 8].includes(spec.rabitq.bits), `codes of ${spec.rabitq.bits} bits are unknown`);
    assertBetween('rabitq.seed', spec.rabitq.seed, 0, 0xffff_ffff);
    assert(['full', 'codes'].includes(spec.rabitq.memory ?? 'full'), `rabitq.memory ${String(spec.rabitq.memory)} is unknown`);
  }
  assert(['cosine', 'l2', 'dot'].includes(spec.distance), `distance ${spec.distance} is unknown`);
}

export function assertSource(spec: IndexSpec, vectors: unknown): void {
  assert(!keepsCodesOnly(spec) || vectors !== undefined, 'an index that keeps codes alone is told where its vectors are');
}

export function assertGroup(ops: readonly IndexOp[], dim: number): void {
  assert(ops.length <= GROUP_OPS_MAX, `a group has at most ${GROUP_OPS_MAX} operations, not ${ops.length}`);
  assert(ops.length * dim * 4 <= GROUP_VECTOR_BYTES_MAX, `a group has at most ${GROUP_VECTOR_BYTES_MAX} bytes of vectors`);
  for (const op of ops) {
    assertBetween('id', op.id, 0, MAX_VECTORS - 1);
    if (op.type === 'put') assert.strictEqual(op.vector.length, dim, 'the vector has the dimension of its index');
  }
}

export function assertRequest(request: SearchRequest, spec: IndexSpec): void {
  assert.strictEqual(request.vector.length, spec.dim, 'the vector has the dimension of its index');
  assertSettings(request, spec);
}

/** `queries` are vectors back to back. */
export function assertBatch(queries: Float32Array, settings: SearchSettings, spec: IndexSpec): void {
  const count = queries.length / spec.dim;
  assert(Number.isInteger(count), 'queries are whole vectors of the dimension of their index');
  assert(count <= BATCH_QUERIES_MAX, `a batch has at most ${BATCH_QUERIES_MAX} queries, not ${count}`);
  assertSettings(settings, spec);
}

function assertSettings(settings: SearchSettings, spec: IndexSpec): void {
  assertBetween('k', settings.k, 1, MAX_K);
  assertBetween('ef', settings.ef, 1, MAX_EF);
  assertBetween('rerank', settings.rerank ?? 1, 1, MAX_RERANK);
  if (settings.filter !== undefined) assert(settings.filter.allowed.length <= MAX_VECTORS / 32, `a filter has at most ${MAX_VECTORS} bits`);
  assert(settings.path !== 'rabitq' || spec.rabitq !== undefined, 'the path rabitq needs an index with codes');
}
