import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeOutcomes, type DropMutation, type Mutation, type OperationId, type Partition, type Sequence, type Slot } from '@shoal/protocol';
import { ShardStore, StoreBatch } from '@shoal/store';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { IdempotencyWindow } from './idempotency-window.ts';
import { SlotState } from './slot-state.ts';

const SLOT = 0 as Slot;
const BOUNDS = { entries: 5, ms: 100 };
const idOf = (number: number): OperationId => (number + 1).toString(16).padStart(32, '0') as OperationId;

/** Keyed messages, each so many milliseconds after the one before, cut into runs. */
const runs = fc.array(fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 10 });

it('remembers the newest within its bounds, forgets the rest, and does not care about runs', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-window-'));
  let storeCount = 0;
  const play = async (groups: readonly (readonly number[])[]) => {
    const store = await ShardStore.open({ directory: join(directory, String((storeCount += 1))), slots: 1 });
    const state = new SlotState(SLOT, undefined);
    let number = 0;
    let timeMs = 0;
    for (const group of groups) {
      const batch = new StoreBatch();
      const keyed = group.map((pauseMs) => ({ number: number++, timeMs: (timeMs += pauseMs) }));
      const mutations = keyed.map(({ number: one }): Mutation & { readonly idempotencyId: OperationId } => ({ type: 'delete_matching', operationId: idOf(one), idempotencyId: idOf(one), code: 1 as DropMutation['code'], partition: 0 as Partition, filter: new Uint8Array(2) }));
      const window = await IdempotencyWindow.open(state, store, batch, mutations, BOUNDS);
      for (const one of keyed) {
        const sequence = (one.number + 1) as Sequence;
        window.add({ sequence, subject: '', timeMs: one.timeMs, bytes: new Uint8Array() }, idOf(one.number), { sequence, operationId: idOf(one.number), outcomes: encodeOutcomes(['created']) });
      }
      ({ head: state.idempotencyHead, tail: state.idempotencyTail } = window.bounds);
      await store.commit(batch, { sync: false });
    }
    const known = await store.idempotency(SLOT, Array.from({ length: number }, (_, one) => idOf(one)));
    const entries = await store.idempotencyEntries(SLOT, state.idempotencyHead, state.idempotencyTail);
    await store.close();
    return { known: known.map((one) => one !== undefined), entries };
  };
  try {
    await fc.assert(
      fc.asyncProperty(runs, async (groups) => {
        const { known, entries } = await play(groups);
        expect(await play(groups.flat().map((pauseMs) => [pauseMs]))).toEqual({ known, entries });
        const times = groups.flat().reduce<number[]>((all, pauseMs) => [...all, (all.at(-1) ?? 0) + pauseMs], []);
        const nowMs = times.at(-1) ?? 0;
        known.forEach((isKnown, number) => {
          const later = known.length - 1 - number;
          // Within both bounds a key is never forgotten; beyond the count it always is.
          if (later < BOUNDS.entries && (times[number] ?? 0) > nowMs - BOUNDS.ms) expect(isKnown).toBe(true);
          if (later >= BOUNDS.entries) expect(isKnown).toBe(false);
        });
        expect(entries.length).toBe(known.filter(Boolean).length);
      }),
      { numRuns: 40 },
    );
  } finally {
    await rm(directory, { recursive: true });
  }
});
