import { createHash } from 'node:crypto';
import type { Sequence } from '@shoal/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SnapshotDescription, Snapshots } from '../snapshots.ts';
import type { BusUnderTest, OpenBus } from './bus-conformance.ts';
import { slot } from './log-fixtures.ts';

const never = new AbortController().signal;
const sequence = (value: number): Sequence => value as Sequence;

/** Pieces of many sizes with content that a seed decides. */
async function* pieces(seed: number, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (const [index, size] of sizes.entries()) {
    const piece = new Uint8Array(size);
    for (let at = 0; at < size; at += 1) piece[at] = (at * 31 + index * 17 + seed) & 0xff;
    yield piece;
  }
}

async function digestOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of content) hash.update(piece);
  return hash.digest('hex');
}

const read = (snapshots: Snapshots, snapshot: SnapshotDescription): Promise<string> => digestOf(snapshots.read(snapshot, never));

export function snapshotsConformance(open: OpenBus): void {
  describe('snapshots', () => {
    let under: BusUnderTest;
    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.dispose());

    it('gives back what was put, whatever the sizes of its pieces', async () => {
      const { snapshots } = under.bus;
      for (const sizes of [[], [1], [3, 0, 100_000, 1], [9 * 1024 * 1024, 5, 8 * 1024 * 1024]]) {
        const put = await snapshots.put(slot(1), sequence(sizes.length + 1), pieces(1, sizes), never);
        expect(put.contentBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
        expect(await read(snapshots, put)).toBe(await digestOf(pieces(1, sizes)));
      }
    });

    it('lists the snapshots of one slot, newest first, to every client and after a restart', async () => {
      const { snapshots } = under.bus;
      for (const at of [5, 20, 7]) await snapshots.put(slot(1), sequence(at), pieces(at, [at]), never);
      await snapshots.put(slot(2), sequence(9), pieces(9, [9]), never);
      const peer = await under.peer();
      expect((await peer.snapshots.list(slot(1))).map((snapshot) => [snapshot.sequence, snapshot.contentBytes])).toEqual([[20, 20], [7, 7], [5, 5]]);
      expect(await peer.snapshots.list(slot(3))).toEqual([]);
      const reopened = await under.reopen();
      const [newest] = await reopened.snapshots.list(slot(1));
      expect(newest?.slot).toBe(1);
      expect(newest && (await read(reopened.snapshots, newest))).toBe(await digestOf(pieces(20, [20])));
    });

    it('keeps two snapshots of one sequence apart', async () => {
      const { snapshots } = under.bus;
      const one = await snapshots.put(slot(0), sequence(4), pieces(1, [10]), never);
      const two = await snapshots.put(slot(0), sequence(4), pieces(2, [10]), never);
      expect(await read(snapshots, one)).not.toBe(await read(snapshots, two));
      await snapshots.delete(one);
      expect((await snapshots.list(slot(0))).map((snapshot) => snapshot.name)).toEqual([two.name]);
    });

    it('lists nothing of a snapshot that was not finished', async () => {
      const { snapshots } = under.bus;
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield* pieces(1, [9 * 1024 * 1024]);
        throw new Error('the source failed');
      }
      await expect(snapshots.put(slot(1), sequence(1), failing(), never)).rejects.toThrow('the source failed');
      const controller = new AbortController();
      async function* aborting(): AsyncGenerator<Uint8Array> {
        yield* pieces(1, [9 * 1024 * 1024]);
        controller.abort();
        yield* pieces(1, [9 * 1024 * 1024]);
      }
      await expect(snapshots.put(slot(1), sequence(2), aborting(), controller.signal)).rejects.toThrow();
      expect(await snapshots.list(slot(1))).toEqual([]);
    });

    it('refuses to read one that was deleted', async () => {
      const { snapshots } = under.bus;
      const put = await snapshots.put(slot(1), sequence(1), pieces(1, [1_000]), never);
      await snapshots.delete(put);
      await snapshots.delete(put);
      await expect(read(snapshots, put)).rejects.toMatchObject({ code: expect.stringMatching(/^snapshot_/) });
    });
  });
}
