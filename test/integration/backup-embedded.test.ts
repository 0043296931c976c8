import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPlace, restoreBackup } from '@shoal/backup';
import { runCli } from '@shoal/cli';
import { ShoalClient, type ReceiptJson } from '@shoal/client';
import { parseNodeEnvironment, startNode, type EmbeddedNode } from '@shoal/node';
import { SlotBackupDecoder } from '@shoal/protocol';
import { openServiceLog } from '@shoal/telemetry';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bitsOf, vectorsOf, visibleState, type VisibleState, type VisibleVector } from '../harness/visible-state.ts';
import { seededRandom, suiteSeed } from '../harness/workload.ts';

const ROOT_KEY = 'test-root-key';
const DIM = 16;
const random = seededRandom(suiteSeed('backup embedded'));

let directory: string;
let node: EmbeddedNode;
let before: VisibleState;
let acmeKey: string;
/** What the articles were at a receipt in the middle, and the time after it. */
let middle: { readonly receipt: ReceiptJson; readonly articles: Record<string, VisibleVector>; readonly timeMs: number };

/** Progress may be told on the way; an error would give another code. */
const DONE = { code: 0 };
const clientOf = (tenant: string): ShoalClient => new ShoalClient({ url: node.url, apiKey: ROOT_KEY, tenant });
const places = (name: string): string => join(directory, 'places', name);

/** A node on an empty directory, with another number of slots each time. */
async function startEmptyNode(name: string, slots: number): Promise<EmbeddedNode> {
  const settings = { ...parseNodeEnvironment({ SHOAL_HTTP_PORT: '0', SHOAL_DURABILITY: 'os', SHOAL_ENGINE_MEMORY_MB: '128', SHOAL_SEARCH_THREADS: '1', SHOAL_METRICS: 'off' }), directory: join(directory, name), rootKey: ROOT_KEY, slots, snapshotLogBytes: 40_000 };
  return startNode(settings, openServiceLog({ level: 'silent', base: {}, otlp: undefined }));
}

async function shoal(...words: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let out = '';
  let err = '';
  const code = await runCli(words, {
    stdout: { write: (text) => void (out += text), terminal: undefined },
    stderr: { write: (text) => void (err += text), terminal: undefined },
    workingDirectory: directory, url: node.url, apiKey: ROOT_KEY, childEnvironment: {}, nowMs: Date.now, interrupt: new AbortController().signal,
  });
  return { code, out, err };
}

const vectorFor = (): Float32Array => Float32Array.from({ length: DIM }, (_, index) => (index === 3 ? -0 : random() * 2 - 1));

async function fill(): Promise<void> {
  const root = clientOf('default');
  const articles = (await root.register({ name: 'articles', model: 'm', dim: DIM, distance: 'cosine', partitions: 2, fields: { year: 'integer', colour: 'keyword' } })).handle;
  for (const round of [0, 1, 2]) {
    await articles.upsert(Array.from({ length: 300 }, (_, index) => ({ key: `k${index}`, values: vectorFor(), payload: { year: 2000 + index, round, colour: index % 3 === 0 ? 'red' : 'blue' } })));
  }
  await articles.upsert([{ key: '..', values: vectorFor() }, { key: 'schlüssel / 鍵 🗝', values: vectorFor(), payload: { nested: { list: [1, 'two', null] } } }]);
  await articles.deleteMatching({ field: 'year', range: { gte: 2250 } }, { wait: 'applied' });
  await articles.declareFields({ round: 'integer' });
  await articles.updatePayloads([{ key: 'k1', payload: { colour: 'green', round: null } }], { wait: 'applied' });
  const { receipt } = await articles.delete(['k2', 'k3'], { wait: 'applied' });
  const all = (await root.backup.start()).receipt;
  middle = { receipt: { ...all, ...receipt }, articles: await vectorsOf(root, 'articles', all), timeMs: Date.now() };
  await articles.upsert([{ key: 'k4', values: vectorFor() }, { key: 'late', values: vectorFor(), payload: { year: 1 } }], { wait: 'applied' });
  await root.aliases.set('news', 'articles');
  await root.tenants.create({ tenant: 'acme', quotas: { vectors: 1000 } });
  const acme = clientOf('acme');
  acmeKey = (await acme.keys.create({ role: 'write', name: 'indexer', embeddings: ['items'] })).key;
  await acme.keys.create({ role: 'admin', expiresAt: '2099-01-01T00:00:00Z' });
  const items = (await acme.register({ name: 'items', model: 'm', dim: 3, distance: 'l2', hnsw: { m: 8, efConstruction: 50, seed: 7 } })).handle;
  await items.upsert([{ key: 'a', values: [1, 2, 3], payload: { x: 1.5 } }], { wait: 'applied' });
  await acme.register({ name: 'empty', model: 'other', dim: 2, distance: 'dot' });
}

/** Grows the log of one embedding until it has been trimmed, so that its slot begins from a snapshot. */
async function growUntilTrimmed(): Promise<void> {
  const { handle } = await clientOf('default').register({ name: 'churn', model: 'churn', dim: DIM, distance: 'l2' });
  for (let turn = 0; turn < 200; turn += 1) {
    const { receipt } = await handle.upsert(Array.from({ length: 100 }, (_, index) => ({ key: `c${index}`, values: vectorFor(), payload: { turn } })), { wait: 'applied' });
    const [slot = '0'] = Object.keys(receipt);
    if ((await new SlotBackupDecoder(clientOf('default').backup.slot(Number(slot))).header()).base > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the log was never trimmed');
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-backup-'));
  node = await startEmptyNode('first', 4);
  await fill();
  await growUntilTrimmed();
  before = await visibleState(clientOf);
});

afterAll(async () => {
  await node?.close();
  await rm(directory, { recursive: true, force: true });
});

it('a backup of everything brings back vectors, payloads, aliases, tenants and keys after everything was lost', async () => {
  const taken = await shoal('backup', places('all'), '--json');
  expect(taken).toMatchObject(DONE);
  // What comes after the backup is not in it.
  await clientOf('default').embedding('articles').upsert([{ key: 'after', values: vectorFor() }], { wait: 'applied' });
  await shoal('backup', places('articles'), '--embedding', 'articles');
  await node.close();
  await rm(join(directory, 'first'), { recursive: true });
  node = await startEmptyNode('second', 16);
  const restored = await shoal('restore', places('all'));
  expect(restored).toMatchObject(DONE);
  expect(restored.out).toContain('4 embeddings, 2 tenants, 2 keys and 1 aliases are back.');
  expect(await visibleState(clientOf)).toEqual(before);
  const own = new ShoalClient({ url: node.url, apiKey: acmeKey });
  expect((await own.embedding('items').get('a'))?.payload).toEqual({ x: 1.5 });
  await expect(own.embedding('empty').describe()).rejects.toMatchObject({ code: 'embedding_not_found' });
});

it('an embedding is restored beside itself under another name, to a receipt and to a time', async () => {
  for (const [name, ...until] of [['by-receipt', '--receipt', JSON.stringify(middle.receipt)], ['by-time', '--until', new Date(middle.timeMs).toISOString()]]) {
    const restored = await shoal('restore', places('all'), '--tenant', 'default', '--embedding', 'articles', '--as', name ?? '', '--model', name ?? '', ...until);
    expect(restored).toMatchObject(DONE);
    expect(await vectorsOf(clientOf('default'), name ?? '')).toEqual(middle.articles);
  }
  expect(Object.keys(middle.articles)).not.toContain('late');
});

it('a backup of one embedding holds nothing of others and goes into another tenant', async () => {
  const [folder = ''] = await readdir(places('articles'));
  for (const file of await readdir(join(places('articles'), folder, 'slots'))) {
    const bytes = await readFile(join(places('articles'), folder, 'slots', file));
    expect(bytes.includes('turn')).toBe(false);
  }
  expect(await readFile(join(places('articles'), folder, 'records.jsonl'), 'utf8')).not.toMatch(/secretHash|items|churn/);
  expect((await shoal('restore', places('articles'), '--into-tenant', 'acme', '--embedding', 'articles')).code).toBe(0);
  const there = await vectorsOf(clientOf('acme'), 'articles');
  expect(there).toMatchObject(before.vectors['default/articles'] ?? {});
  expect(Object.keys(there)).toContain('after');
});

it.each(['parquet', 'jsonl'])('an export as %s is imported again with every bit, payload and key', async (format) => {
  const file = join(directory, `articles.${format}`);
  const exported = await shoal('export', 'articles', '--tenant', 'acme', '--output', file);
  expect(exported).toMatchObject(DONE);
  const client = clientOf('default');
  await client.register({ name: `from-${format}`, model: format, dim: DIM, distance: 'cosine' });
  const imported = await shoal('import', file, '--embedding', `from-${format}`);
  expect(imported.out).toContain('vectors in and searchable');
  expect(await vectorsOf(client, `from-${format}`)).toEqual(await vectorsOf(clientOf('acme'), 'articles'));
});

it('what is there already is a conflict, and an interrupted restore that is resumed ends in the same state', async () => {
  const refused = await shoal('restore', places('all'));
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('(restore_conflict)');
  expect(refused.err).toContain('default/articles');
  const place = openPlace(places('all'));
  const [folder = ''] = await place.folders();
  await node.close();
  node = await startEmptyNode('third', 4);
  const stop = new AbortController();
  const run = { clientOf, place, folder, selection: {}, target: {}, resume: false };
  await expect(restoreBackup({ ...run, signal: stop.signal, onProgress: () => stop.abort(new Error('interrupted')) })).rejects.toThrow('interrupted');
  const again = await shoal('restore', places('all'), '--resume');
  expect(again).toMatchObject(DONE);
  expect(await visibleState(clientOf)).toEqual(before);
  expect((await shoal('restore', places('all'), '--resume')).code).toBe(0);
  expect(await visibleState(clientOf)).toEqual(before);
});

it('a backup that lost a file or a bit is refused, and restores nothing of that slot', async () => {
  const [folder = ''] = await readdir(places('all'));
  const [file = ''] = await readdir(join(places('all'), folder, 'slots'));
  await cp(places('all'), places('damaged'), { recursive: true });
  const path = join(places('damaged'), folder, 'slots', file);
  const bytes = await readFile(path);
  bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 4, bytes.length >> 1);
  await writeFile(path, bytes);
  await node.close();
  node = await startEmptyNode('fourth', 4);
  const damaged = await shoal('restore', places('damaged'));
  expect(damaged.code).toBe(1);
  expect(damaged.err).toMatch(/\((backup_corrupt|snapshot_corrupt)\)/);
  await rm(join(places('damaged'), folder, 'manifest.json'));
  expect((await shoal('restore', places('damaged'))).err).toContain('There is no backup');
});

it('a backup of the first format still restores', async () => {
  const fixture = new URL('../../packages/backup/src/fixtures/format-1/', import.meta.url).pathname;
  const expected = JSON.parse(await readFile(join(fixture, 'expected.json'), 'utf8')) as Record<string, { readonly values: number[]; readonly payload?: object }>;
  const restored = await shoal('restore', join(fixture, 'place'), '--as', 'from-format-1', '--embedding', 'articles', '--model', 'format-1');
  expect(restored).toMatchObject(DONE);
  const found = await vectorsOf(clientOf('default'), 'from-format-1');
  expect(found).toEqual(Object.fromEntries(Object.entries(expected).map(([key, { values, payload }]) => [key, { bits: bitsOf(Float32Array.from(values)), payload }])));
});

it('older backups go when so many are kept', async () => {
  for (let count = 0; count < 3; count += 1) expect((await shoal('backup', places('kept'), '--keep', '2', '--embedding', 'articles')).code).toBe(0);
  expect(await readdir(places('kept'))).toHaveLength(2);
  expect((await shoal('backups', places('kept'))).out.match(/embedding default\/articles/g)).toHaveLength(2);
});
