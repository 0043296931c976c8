import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GroupCommit, type Pending } from './group-commit.ts';

type Item = { readonly name: string; readonly bytes: number };
type Group = readonly Pending<Item, string>[];

const item = (name: string, bytes = 1): Item => ({ name, bytes });
const bytesOf = ({ bytes }: Item): number => bytes;
const BOUNDS = { queuedEntries: 20, queuedBytes: 1_000, groupEntries: 5, groupBytes: 100 };
const LONG_MS = 60_000;

/** Commits whose end the test decides. */
class Recorder {
  readonly groups: string[][] = [];
  readonly #gates: PromiseWithResolvers<void>[] = [];

  readonly commit = async (group: Group): Promise<void> => {
    this.groups.push(group.map((pending) => pending.item.name));
    const gate = Promise.withResolvers<void>();
    this.#gates.push(gate);
    await gate.promise;
    for (const pending of group) pending.resolve(`${pending.item.name}!`);
  };

  async end(index: number, error?: Error): Promise<void> {
    while (this.#gates[index] === undefined) await Promise.resolve();
    if (error === undefined) this.#gates[index].resolve();
    else this.#gates[index].reject(error);
  }
}

describe('group commit', () => {
  it('gathers what arrives while a group is under way, and keeps the order', async () => {
    const recorder = new Recorder();
    const commits = new GroupCommit<Item, string>({ ...BOUNDS, commit: recorder.commit });
    const first = commits.submit([item('a')], bytesOf, LONG_MS);
    while (recorder.groups.length < 1) await Promise.resolve();
    const rest = [commits.submit([item('b'), item('c')], bytesOf, LONG_MS), commits.submit([item('d')], bytesOf, LONG_MS)];
    await recorder.end(0);
    await recorder.end(1);
    expect(await first).toEqual(['a!']);
    expect(await Promise.all(rest)).toEqual([['b!', 'c!'], ['d!']]);
    expect(recorder.groups).toEqual([['a'], ['b', 'c', 'd']]);
  });

  it('keeps groups inside their bounds, whatever the calls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.integer({ min: 0, max: 130 }), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 }), async (calls) => {
        const groups: Item[][] = [];
        const commits = new GroupCommit<Item, string>({
          ...BOUNDS,
          queuedBytes: 10_000,
          commit: async (group) => {
            groups.push(group.map((pending) => pending.item));
            await Promise.resolve();
            for (const pending of group) pending.resolve(pending.item.name);
          },
        });
        const results = await Promise.all(calls.map((sizes, call) => commits.submit(sizes.map((bytes, index) => item(`${call}.${index}`, bytes)), bytesOf, LONG_MS)));
        const names = calls.map((sizes, call) => sizes.map((_, index) => `${call}.${index}`));
        expect(results).toEqual(names);
        expect(groups.flat().map(({ name }) => name)).toEqual(names.flat());
        for (const group of groups) {
          expect(group.length).toBeLessThanOrEqual(BOUNDS.groupEntries);
          if (group.length > 1) expect(group.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(BOUNDS.groupBytes);
        }
      }),
    );
  });

  it('rejects the calls of a group that failed, and no other', async () => {
    const recorder = new Recorder();
    const commits = new GroupCommit<Item, string>({ ...BOUNDS, commit: recorder.commit });
    const failing = commits.submit([item('a')], bytesOf, LONG_MS);
    while (recorder.groups.length < 1) await Promise.resolve();
    const other = commits.submit([item('b')], bytesOf, LONG_MS);
    await recorder.end(0, new Error('disk'));
    await expect(failing).rejects.toThrow('disk');
    await recorder.end(1);
    expect(await other).toEqual(['b!']);
  });

  it('rejects a call whose deadline passes, and leaves out what of it had not started', async () => {
    const recorder = new Recorder();
    const commits = new GroupCommit<Item, string>({ ...BOUNDS, commit: recorder.commit });
    const stuck = commits.submit([item('a')], bytesOf, LONG_MS);
    while (recorder.groups.length < 1) await Promise.resolve();
    await expect(commits.submit([item('b')], bytesOf, 5)).rejects.toMatchObject({ code: 'log_unavailable' });
    const later = commits.submit([item('c')], bytesOf, LONG_MS);
    await recorder.end(0);
    await recorder.end(1);
    expect(await Promise.all([stuck, later])).toEqual([['a!'], ['c!']]);
    expect(recorder.groups).toEqual([['a'], ['c']]);
  });

  it('refuses a call beyond its queue whole, and has room again afterwards', async () => {
    const recorder = new Recorder();
    const commits = new GroupCommit<Item, string>({ ...BOUNDS, commit: recorder.commit });
    const held = commits.submit([item('held')], bytesOf, LONG_MS);
    while (recorder.groups.length < 1) await Promise.resolve();
    const filling = commits.submit([item('x', 600)], bytesOf, LONG_MS);
    await expect(commits.submit([item('y', 200), item('z', 300)], bytesOf, LONG_MS)).rejects.toMatchObject({ code: 'overloaded' });
    const many = Array.from({ length: BOUNDS.queuedEntries }, (_, index) => item(String(index)));
    await expect(commits.submit(many, bytesOf, LONG_MS)).rejects.toMatchObject({ code: 'overloaded' });
    const fitting = commits.submit([item('w', 400)], bytesOf, LONG_MS);
    for (const index of [0, 1, 2]) await recorder.end(index);
    await Promise.all([held, filling, fitting]);
    expect(recorder.groups).toEqual([['held'], ['x'], ['w']]);
  });

  it('finishes on close what it has, and rejects what does not finish in time', async () => {
    const recorder = new Recorder();
    const commits = new GroupCommit<Item, string>({ ...BOUNDS, commit: recorder.commit });
    const under = commits.submit([item('a')], bytesOf, LONG_MS);
    const closed = commits.close(LONG_MS);
    await expect(commits.submit([item('b')], bytesOf, LONG_MS)).rejects.toMatchObject({ code: 'not_ready' });
    await recorder.end(0);
    await closed;
    expect(await under).toEqual(['a!']);

    const slow = new GroupCommit<Item, string>({ ...BOUNDS, commit: recorder.commit });
    const stuck = expect(slow.submit([item('c')], bytesOf, LONG_MS)).rejects.toMatchObject({ code: 'not_ready' });
    const closing = slow.close(5);
    await stuck;
    await recorder.end(1);
    await closing;
  });
});
