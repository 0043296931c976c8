import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { Engine } from './engine.ts';
import { IndexFileError } from './errors.ts';
import type { CodeBits, Distance, IndexSpec } from './index-spec.ts';
import { LocalEngine } from './local-engine.ts';
import type { LocalIndex } from './local-engine.ts';
import { clusteredVectors } from './test-support/random-vectors.ts';
import { reseal, sectionsOf, type Section } from './test-support/reseal.ts';

let directory: string;
let engine: LocalEngine;
let fileCount = 0;
beforeAll(async () => {
  engine = LocalEngine.start({ memoryMaxBytes: 128 << 20 });
  directory = await mkdtemp(join(tmpdir(), 'shoal-index-'));
});
afterAll(() => rm(directory, { recursive: true }));

function newPath(): string {
  fileCount += 1;
  return join(directory, String(fileCount));
}

function specOf(dim: number, distance: Distance, bits?: CodeBits): IndexSpec {
  return { dim, distance, m: 4, efConstruction: 30, seed: 9, flatThreshold: 20, ...(bits === undefined ? {} : { rabitq: { bits, seed: 5 } }) };
}

function filled(spec: IndexSpec, vectors: readonly Float32Array[]): LocalIndex {
  const index = engine.openIndex(spec);
  index.apply(vectors.map((vector, id) => ({ type: 'put', id, vector })));
  index.apply(vectors.flatMap((_, id) => (id % 7 === 3 ? [{ type: 'remove' as const, id }] : [])));
  index.apply([{ type: 'put', id: 10, vector: vectors[0] as Float32Array }]);
  return index;
}

describe('an index that was written to a file and read back', () => {
  const cases: [Distance, CodeBits | undefined, number][] = [['cosine', 8, 7], ['l2', 4, 12], ['dot', undefined, 5], ['l2', 1, 33], ['cosine', undefined, 16]];
  test.each(cases)('%s, %s bits, dimension %i: has the same graph, figures and answers, and takes further writes alike', async (distance, bits, dim) => {
    const vectors = clusteredVectors(3, 3_000, dim);
    const spec = specOf(dim, distance, bits);
    const index = filled(spec, vectors.slice(0, 2_900));
    const path = newPath();
    const byteCount = await index.exportTo(path);
    expect((await readFile(path)).length).toBe(byteCount);
    const read = await engine.importIndex(spec, path);
    const same = (): void => {
      expect(read.graphDigest()).toBe(index.graphDigest());
      expect(read.entryId()).toBe(index.entryId());
      const { memoryBytes: _, ...figures } = read.stats();
      expect(index.stats()).toMatchObject(figures);
      expect(read.unreachableCount()).toBe(index.unreachableCount());
      for (let id = 0; id < 3_000; id += 1) expect(read.has(id)).toBe(index.has(id));
      for (const vector of vectors.slice(2_900, 2_950)) {
        for (const path of ['flat', 'auto', 'exact'] as const) {
          const [a, b] = [read, index].map((each) => each.search({ vector, k: 10, ef: 40, path }));
          expect(a?.ids).toEqual(b?.ids);
          expect(a?.distances).toEqual(b?.distances);
        }
      }
    };
    same();
    for (const each of [index, read]) {
      each.apply(vectors.slice(2_900).map((vector, i) => ({ type: 'put', id: 2_900 + i, vector })));
      each.apply([1, 2, 200, 2_950].map((id) => ({ type: 'remove', id })));
    }
    same();
    index.drop();
    read.drop();
  });

  it('has the same file again', async () => {
    const index = filled(specOf(6, 'l2', 8), clusteredVectors(3, 500, 6));
    const [first, second] = [newPath(), newPath()];
    await index.exportTo(first);
    const read = await engine.importIndex(specOf(6, 'l2', 8), first);
    await read.exportTo(second);
    expect((await readFile(second)).equals(await readFile(first))).toBe(true);
    index.drop();
    read.drop();
  });

  it('is read from a file that an earlier release wrote', async () => {
    const golden = Buffer.from((await readFile(new URL('./fixtures/index.v1.hex', import.meta.url), 'utf8')).replaceAll('\n', ''), 'hex');
    const [from, again] = [newPath(), newPath()];
    await writeFile(from, golden);
    const spec: IndexSpec = { dim: 3, distance: 'l2', m: 2, efConstruction: 20, seed: 1, flatThreshold: 0, rabitq: { bits: 8, seed: 2 } };
    const index = await engine.importIndex(spec, from);
    expect(index.stats()).toMatchObject({ vectorCount: 29, deletedCount: 1, graph: true });
    expect([...index.search({ vector: new Float32Array([10, 20, 3]), k: 3, ef: 30, path: 'auto' }).ids]).toEqual([10, 9, 11]);
    await index.exportTo(again);
    expect((await readFile(again)).equals(golden)).toBe(true);
    index.drop();
  });
});

describe('the file of an index that keeps codes alone', () => {
  const spec: IndexSpec = { dim: 3, distance: 'cosine', m: 2, efConstruction: 20, seed: 1, flatThreshold: 0, rabitq: { bits: 4, seed: 2, memory: 'codes' } };
  const vectors = Array.from({ length: 80 }, (_, id) => Float32Array.of(1 + id, 40 - id, id % 5));
  const vectorOf = (id: number): Float32Array | undefined => vectors[id];

  it('is read as its format was fixed, and written so again', async () => {
    const golden = Buffer.from((await readFile(new URL('./fixtures/index.v2.hex', import.meta.url), 'utf8')).replaceAll('\n', ''), 'hex');
    const [from, again] = [newPath(), newPath()];
    await writeFile(from, golden);
    const index = await engine.importIndex(spec, from, vectorOf);
    expect(index.stats()).toMatchObject({ vectorCount: 79, deletedCount: 1, graph: true });
    expect([...index.search({ vector: vectors[30] as Float32Array, k: 1, ef: 30, path: 'auto' }).ids]).toEqual([30]);
    await index.exportTo(again);
    expect((await readFile(again)).equals(golden)).toBe(true);
    index.drop();
  });

  it('is refused for one that keeps vectors, and the other way round', async () => {
    const path = newPath();
    const both: IndexSpec = { ...spec, rabitq: { bits: 4, seed: 2 } };
    const index = engine.openIndex(both);
    index.apply(vectors.map((vector, id) => ({ type: 'put', id, vector })));
    await index.exportTo(path);
    await expect(engine.importIndex(spec, path, vectorOf)).rejects.toThrow(/other parameters/);
    index.drop();
  });
});

describe('a file that is not what it should be', () => {
  const spec: IndexSpec = specOf(5, 'l2', 8);
  const idCount = 300;
  let good: Buffer;
  beforeAll(async () => {
    const path = newPath();
    const index = filled(spec, clusteredVectors(3, idCount, 5));
    await index.exportTo(path);
    index.drop();
    good = await readFile(path);
  });

  async function refused(bytes: Buffer, as: IndexSpec = spec): Promise<string> {
    const path = newPath();
    await writeFile(path, bytes);
    const before = engine.stats();
    const error: unknown = await engine.importIndex(as, path).then(() => undefined, (reason: unknown) => reason);
    expect(error).toBeInstanceOf(IndexFileError);
    const { indexCount, usedBytes } = engine.stats();
    expect({ indexCount, usedBytes }).toEqual({ indexCount: before.indexCount, usedBytes: before.usedBytes });
    return (error as IndexFileError).reason;
  }

  it('is refused wherever a bit is wrong, and leaves nothing behind', async () => {
    for (let at = 0; at < good.length; at += 1 + (at % 97)) {
      const bytes = Buffer.from(good);
      bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
      await refused(bytes);
    }
  });

  it('is refused when it ends early or goes on, when it is missing or empty', async () => {
    for (let length = 0; length < good.length; length += 1 + (length % 101)) await refused(good.subarray(0, length));
    expect(await refused(Buffer.concat([good, Buffer.alloc(1)]))).toMatch(/goes on/);
    await expect(engine.importIndex(spec, join(directory, 'none'))).rejects.toThrow(/missing/);
  });

  it('is refused for an index with other parameters, and in a version of the future', async () => {
    for (const other of [{ ...spec, dim: 6 }, { ...spec, seed: 1 }, { ...spec, m: 5 }, { ...spec, distance: 'dot' as const }, { ...spec, rabitq: { bits: 4 as const, seed: 5 } }]) {
      expect(await refused(good, other)).toMatch(/other parameters/);
    }
    const future = Buffer.from(good);
    future.writeUInt32LE(3, 4);
    expect(await refused(reseal(future, []))).toMatch(/version 3/);
  });

  it('never leads a walk astray, even with the right checksums: lists too long are refused, edges to nowhere left out', async () => {
    const upperBytes = good.length - 44 - 5 * 4 - 32 - idCount * (48 + 32 + 36);
    const sizes = [32, idCount * 48, idCount * 32, idCount * 36, upperBytes];
    expect(reseal(Buffer.from(good), sizes).equals(good)).toBe(true);
    const [vectors, links, upper] = [1, 3, 4].map((section) => sectionsOf(sizes)[section]) as [Section, Section, Section];
    for (const at of [links.at + 36 * 5, upper.at]) {
      const bytes = Buffer.from(good);
      bytes.writeUInt32LE(0xffff_fff0, at);
      expect(await refused(reseal(bytes, sizes))).toMatch(/too long/);
    }
    const wild = Buffer.from(good);
    let seed = 12_345;
    const random = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0);
    for (let id = 0; id < idCount; id += 1) {
      for (let i = 1; i <= 8; i += 1) wild.writeUInt32LE(random() % 3 === 0 ? random() : random() % idCount, links.at + id * 36 + i * 4);
    }
    for (let at = upper.at; at < upper.at + upperBytes; at += 20) for (let i = 1; i <= 4; i += 1) wild.writeUInt32LE(random() % (2 * idCount), at + 4 * i);
    for (let id = 0; id < idCount; id += 5) wild.writeUInt32LE(0, vectors.at + id * 48 + 4);
    wild.writeUInt32LE(0xff_0000_00 + 17, 36);
    const path = newPath();
    await writeFile(path, reseal(wild, sizes));
    const index = await engine.importIndex(spec, path);
    for (const vector of clusteredVectors(8, 40, 5)) {
      const found = index.search({ vector, k: 10, ef: 100, path: 'auto' });
      expect(found.ids.length).toBe(10);
      for (const id of found.ids) expect(index.has(id)).toBe(true);
    }
    index.apply(Array.from({ length: idCount }, (_, id) => id).filter((id) => index.has(id)).map((id) => ({ type: 'remove', id })));
    index.apply(clusteredVectors(3, idCount, 5).map((vector, id) => ({ type: 'put', id, vector })));
    expect(index.search({ vector: new Float32Array(5), k: 100, ef: 300, path: 'flat' }).ids.length).toBe(100);
    index.drop();
  });
});

describe('on the threads of an engine', () => {
  it('writes and searches go on while an index is written; what they changed is put again after it was read', async () => {
    const threaded = await Engine.start({ memoryMaxBytes: 256 << 20, searchThreadCount: 1 });
    const spec: IndexSpec = { dim: 32, distance: 'l2', m: 8, efConstruction: 40, seed: 9, rabitq: { bits: 8, seed: 5 } };
    const vectors = clusteredVectors(4, 9_000, 32);
    const index = await threaded.openIndex(spec);
    await index.apply(vectors.slice(0, 8_000).map((vector, id) => ({ type: 'put', id, vector })));
    const live = new Map(vectors.slice(0, 8_000).map((vector, id) => [id, vector]));
    const path = newPath();
    const changed = new Set<number>();
    let next = 8_000;
    const exporting = index.exportTo(path);
    for (let round = 0; round < 12; round += 1) {
      const removed = Array.from({ length: 40 }, (_, i) => (round * 640 + i * 13) % 8_000).filter((id) => live.has(id));
      for (const id of removed) live.delete(id);
      await index.apply(removed.map((id) => ({ type: 'remove', id })));
      // Half of the freed ids come back with another vector, and new ids come.
      const ids = [...removed.slice(20), ...Array.from({ length: 30 }, (_, i) => next + i)];
      next += 30;
      const puts = ids.map((id) => ({ type: 'put' as const, id, vector: vectors[(id * 7 + round) % 9_000] as Float32Array }));
      await index.apply(puts);
      for (const { id, vector } of puts) live.set(id, vector);
      for (const id of [...removed, ...ids]) changed.add(id);
      await index.search({ vector: vectors[8_999] as Float32Array, k: 10, ef: 40, path: 'auto' });
    }
    await exporting;
    expect(await readdir(directory)).not.toContain(`${path}.tmp`);
    const read = await threaded.importIndex(spec, path);
    await read.apply([...changed].filter((id) => read.has(id)).map((id) => ({ type: 'remove', id })));
    await read.apply([...changed].filter((id) => live.has(id)).map((id) => ({ type: 'put', id, vector: live.get(id) as Float32Array })));
    expect(read.stats().vectorCount).toBe(live.size);
    let found = 0;
    for (let q = 0; q < 100; q += 1) {
      const vector = vectors[q * 90] as Float32Array;
      const exact = await index.search({ vector, k: 10, ef: 100, path: 'flat' });
      expect((await read.search({ vector, k: 10, ef: 100, path: 'flat' })).distances).toEqual(exact.distances);
      const walked = await read.search({ vector, k: 10, ef: 100, path: 'auto' });
      expect(walked.path).not.toBe('flat');
      found += walked.distances.filter((distance) => distance <= (exact.distances.at(-1) as number)).length;
    }
    expect(found).toBeGreaterThan(970);
    await threaded.close();
  });

  it('a file that cannot be written or read rejects, and the engine goes on', async () => {
    const threaded = await Engine.start({ memoryMaxBytes: 64 << 20, searchThreadCount: 1 });
    const spec = specOf(4, 'l2', 8);
    const index = await threaded.openIndex(spec);
    await index.apply(clusteredVectors(3, 100, 4).map((vector, id) => ({ type: 'put', id, vector })));
    await expect(index.exportTo(join(directory, 'none', 'file'))).rejects.toMatchObject({ systemCode: 'ENOENT' });
    await expect(threaded.importIndex(spec, join(directory, 'none'))).rejects.toBeInstanceOf(IndexFileError);
    await expect(threaded.importIndex(spec, directory)).rejects.toMatchObject({ systemCode: 'EISDIR' });
    expect((await index.search({ vector: new Float32Array(4), k: 3, ef: 10, path: 'auto' })).ids.length).toBe(3);
    await threaded.close();
  });
});
