import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMutation, emptyWriteBytes, encodeMutation, mutationVersionOf } from './mutation-codec.ts';
import { mutation, operationId, operations } from './testing/arbitraries.ts';
import { misaligned, refusal, resealed, testDamageIsRefused } from './testing/damage.ts';
import { sampleMutations } from './testing/samples.ts';
import { encodedOperationBytes } from './write-operations-codec.ts';
import { splitWriteOperations } from './write-splitting.ts';
import type { EmbeddingCode, OperationId, Partition, VectorKey } from './ids.ts';
import { LIMITS } from './limits.ts';
import type { VectorOperation } from './mutation.ts';

const messages = Object.values(sampleMutations).map(encodeMutation);

describe('mutation messages', () => {
  test('decode to what was encoded, aligned or not', () => {
    fc.assert(
      fc.property(mutation, (value) => {
        const bytes = encodeMutation(value);
        expect(decodeMutation(bytes)).toEqual(value);
        expect(decodeMutation(misaligned(bytes))).toEqual(value);
      }),
    );
  });

  test('decode the same from a Buffer, with plain arrays inside', () => {
    const decoded = decodeMutation(Buffer.from(encodeMutation(sampleMutations.write)));
    expect(decoded).toEqual(sampleMutations.write);
    expect(decoded.type === 'write' && decoded.operations.some((operation) => 'payload' in operation && Buffer.isBuffer(operation.payload))).toBe(false);
  });

  test('have one encoding only: what decodes encodes to the same bytes', () => {
    const sealed = [sampleMutations.write, sampleMutations['write-v2'], sampleMutations.drop].map(encodeMutation);
    fc.assert(
      fc.property(fc.constantFrom(...sealed), fc.nat(), fc.nat(255), (message, at, value) => {
        const copy = resealed(message, (bytes) => (bytes[at % (bytes.byteLength - 4)] = value));
        if (refusal(decodeMutation, copy) === 'accepted') expect(encodeMutation(decodeMutation(copy))).toEqual(copy);
      }),
      { numRuns: 3_000 },
    );
  });

  test('of a newer version are told from damaged ones', () => {
    for (const message of messages) {
      expect(refusal(decodeMutation, resealed(message, (bytes) => (bytes[4] = 3)))).toBe('unsupported_version');
    }
  });

  test('with counts beyond their size are refused before anything is allocated', () => {
    const write = encodeMutation(sampleMutations.write);
    const dimAt = emptyWriteBytes(1) - 4 - 8;
    for (const at of [dimAt, dimAt + 4]) {
      expect(refusal(decodeMutation, resealed(write, (bytes) => bytes.fill(0xff, at, at + 4)))).toBe('corrupt_message');
    }
  });

  test('refuse a definition of another embedding', () => {
    const define = encodeMutation(sampleMutations.define);
    expect(refusal(decodeMutation, resealed(define, (bytes) => (bytes[8] = 99)))).toBe('corrupt_message');
  });

  testDamageIsRefused({
    messages,
    decode: decodeMutation,
    code: 'corrupt_message',
    resealedCodes: ['corrupt_message', 'unsupported_version'],
  });
});

describe('splitting writes', () => {
  const target = { code: 7 as EmbeddingCode, partition: 3 as Partition };
  const identify = (_operations: unknown, index: number) => ({ operationId: index.toString(16).padStart(32, '0') as OperationId });

  test('keeps every operation, in order, in messages within the limits', () => {
    const large = fc.tuple(fc.integer({ min: 1, max: 300 }), fc.constantFrom(1, 1_500, LIMITS.dim), operations(1)).map(([count, dim, some]) => {
      const list: VectorOperation[] = [];
      for (let i = 0; i < count; i++) {
        list.push({ type: 'upsert', key: `key ${i}` as VectorKey, vector: new Float32Array(dim).fill(i) });
        const other = some[i % Math.max(1, some.length)];
        if (other?.type === 'delete') list.push(other);
      }
      return { dim, list };
    });
    fc.assert(
      fc.property(large, ({ dim, list }) => {
        const split = splitWriteOperations({ ...target, dim, operations: list, identify });
        expect(split.flatMap((message) => message.operations)).toEqual(list);
        expect(new Set(split.map((message) => message.operationId)).size).toBe(split.length);
        for (const message of split) {
          expect(encodeMutation(message).byteLength).toBeLessThanOrEqual(LIMITS.mutationBytes);
          expect(message.operations.length).toBeLessThanOrEqual(LIMITS.mutationOperations);
        }
      }),
      { numRuns: 20 },
    );
  });

  test('fills messages: two neighbours never fit into one', () => {
    const list = Array.from({ length: 1_000 }, (_, i): VectorOperation => ({ type: 'insert', key: `k${i}` as VectorKey, vector: new Float32Array(512) }));
    const split = splitWriteOperations({ ...target, dim: 512, operations: list, identify });
    expect(split.length).toBeGreaterThan(1);
    for (let i = 1; i < split.length; i++) {
      const first = split[i]?.operations[0];
      const before = split[i - 1];
      expect(first).toBeDefined();
      if (first === undefined || before === undefined) continue;
      expect(encodeMutation(before).byteLength + 16 + 8 * before.operations.length + encodedOperationBytes(first, 512, 2)).toBeGreaterThan(LIMITS.mutationBytes);
    }
  });

  test('cuts at the limit of operations', () => {
    const list = Array.from({ length: LIMITS.mutationOperations + 1 }, (_, i): VectorOperation => ({ type: 'delete', key: `k${i}` as VectorKey }));
    const split = splitWriteOperations({ ...target, dim: 2, operations: list, identify });
    expect(split.map((message) => message.operations.length)).toEqual([LIMITS.mutationOperations, 1]);
  });

  test('makes no message of no operation, and one of the largest there can be', () => {
    expect(splitWriteOperations({ ...target, dim: 2, operations: [], identify })).toEqual([]);
    const largest: VectorOperation = {
      type: 'upsert',
      key: 'k'.repeat(LIMITS.keyBytes) as VectorKey,
      vector: new Float32Array(LIMITS.dim),
      payload: new Uint8Array(LIMITS.payloadBytes).fill(0x20),
    };
    const split = splitWriteOperations({ ...target, dim: LIMITS.dim, operations: [largest], identify });
    expect(split.map(encodeMutation).map(decodeMutation)).toEqual(split);
  });

  test('sizes an operation as the codec does', () => {
    fc.assert(
      fc.property(operations(3), operationId, (list, id) => {
        const write = { type: 'write', operationId: id, ...target, dim: 3, operations: list } as const;
        const version = mutationVersionOf(write);
        const sum = list.reduce((total, operation) => total + encodedOperationBytes(operation, 3, version), emptyWriteBytes(version));
        expect(encodeMutation(write).byteLength).toBe(sum);
      }),
    );
  });
});
