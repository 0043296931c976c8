import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ShoalClient } from '@shoal/client';
import { startFakeShoal, type FakeShoal } from '@shoal/client/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestSystem, fvecsOf, ivecsOf } from '../testing/test-system.ts';

let fake: FakeShoal;
let shoal: TestSystem;
beforeEach(async () => {
  fake = await startFakeShoal();
  shoal = await TestSystem.create();
  shoal.url = fake.url;
  const { handle } = await new ShoalClient({ url: fake.url }).register({ name: 'e', model: 'm', dim: 2, distance: 'l2' });
  await handle.upsert(Array.from({ length: 20 }, (_unused, row) => ({ key: `r${row}`, values: Float32Array.of(row, 0), payload: { row } })));
  await shoal.write('q.fvecs', fvecsOf([[3.1, 0], [17.2, 0]]));
});
afterEach(async () => {
  await fake.close();
  await shoal.remove();
});

const lines = (): string[] => shoal.out.trimEnd().split('\n');

test('a search by vector prints the nearest first', async () => {
  expect(await shoal.run('search', 'e', '--vector', '[4, 0.5]', '--k', '2', '--include', 'payload,values')).toBe(0);
  expect(lines()).toEqual([
    '#  key  distance  payload    values',
    '-  ---  --------  ---------  ------',
    '1  r4   0.500000  {"row":4}  [4,0]',
    '2  r3   1.118034  {"row":3}  [3,0]',
    'path flat, 20 distances, 0.10 ms in the server',
  ]);
});

test('a search by key and by row of a file, as JSON', async () => {
  expect(await shoal.run('search', 'e', '--key', 'r7', '--k', '1', '--ef', '50', '--path', 'exact', '--after', '{"3":1}', '--json')).toBe(0);
  expect(JSON.parse(shoal.out)).toMatchObject({ results: [{ key: 'r7', distance: 0 }], path: 'exact' });
  expect(JSON.parse(String(fake.requests.at(-1)?.body))).toEqual({ key: 'r7', k: 1, ef: 50, path: 'exact', after: { 3: 1 } });
  expect(await shoal.run('search', 'e', '--file', 'q.fvecs', '--row', '1', '--k', '1', '--json')).toBe(0);
  expect(JSON.parse(shoal.out)).toMatchObject({ results: [{ key: 'r17' }] });
});

test.each([
  [['search', 'e'], /one of --vector, --key and --file/],
  [['search', 'e', '--vector', '[1,2]', '--key', 'r1'], /one of --vector, --key and --file/],
  [['search', 'e', '--vector', '[1,"2"]'], /It must be a JSON array of numbers/],
  [['search', 'e', '--vector', '1,2'], /It must be a JSON array of numbers, such as/],
  [['search', 'e', '--vector', '[1,2]', '--k', '0'], /It must be a whole number from 1 to 1000/],
  [['search', 'e', '--key', 'r1', '--after', '7'], /It must be a receipt/],
  [['search', 'e', '--file', 'q.fvecs', '--row', '2'], /q\.fvecs, row 2: the file has 2 rows\. \(invalid_field\)/],
  [['search', 'none', '--key', 'r1'], /There is no embedding "none"\. \(embedding_not_found\)/],
  [['search', 'e', '--vector', '[1]'], /dimension_mismatch/],
  [['swim'], /unknown command 'swim'/],
])('%j is refused with exit code 1 and one sentence', async (words, message) => {
  expect(await shoal.run(...words)).toBe(1);
  expect(shoal.err).toMatch(message);
  expect(shoal.err).not.toContain('    at ');
});

test('recall stands beside speed, for every path and ef', async () => {
  await shoal.write('t.ivecs', ivecsOf([[3, 4, 2], [17, 18, 5]]));
  const words = ['recall', 'e', '--queries', 'q.fvecs', '--truth', 't.ivecs', '--k', '3', '--ef', '50,100', '--path', 'exact,flat', '--key-prefix', 'r'];
  expect(await shoal.run(...words)).toBe(0);
  const [head, , ...rows] = lines();
  expect(head).toMatch(/^path +ef +recall@3 +searches\/s +p50 ms +p99 ms$/);
  expect(rows.slice(0, 3).map((row) => row.split(/ +/).slice(0, 3))).toEqual([['exact', '50', '0.8333'], ['exact', '100', '0.8333'], ['flat', '-', '0.8333']]);
  expect(await shoal.run(...words, '--in-flight', '2', '--json')).toBe(0);
  const flat = { path: 'flat', ef: 50, recall: expect.closeTo(5 / 6, 12) };
  expect(JSON.parse(shoal.out)).toMatchObject({ k: 3, queryCount: 2, inFlight: 2, rows: [{ path: 'exact', ef: 50 }, { path: 'exact', ef: 100 }, flat] });
});

test('recall below the wanted one fails, and shows the table all the same', async () => {
  await shoal.write('t.ivecs', ivecsOf([[3, 4, 2], [17, 18, 5]]));
  const words = ['recall', 'e', '--queries', 'q.fvecs', '--truth', 't.ivecs', '--k', '3', '--key-prefix', 'r', '--min-recall'];
  expect(await shoal.run(...words, '0.83')).toBe(0);
  expect(await shoal.run(...words, '0.84')).toBe(1);
  expect(shoal.out).toContain('0.8333');
  expect(shoal.err).toBe('shoal: recall 0.8333 is below the wanted 0.84.\n');
  expect(await shoal.run(...words, '1.1')).toBe(1);
});

test('ground truth that is too short or too narrow is refused', async () => {
  await shoal.write('t.ivecs', ivecsOf([[3, 4]]));
  expect(await shoal.run('recall', 'e', '--queries', 'q.fvecs', '--truth', 't.ivecs', '--k', '2')).toBe(1);
  expect(shoal.err).toContain('2 queries need as many rows of ground truth; there are 1. (invalid_field)');
  await shoal.write('t.ivecs', ivecsOf([[3, 4], [1, 2]]));
  expect(await shoal.run('recall', 'e', '--queries', 'q.fvecs', '--truth', 't.ivecs', '--k', '3')).toBe(1);
  expect(shoal.err).toContain('The ground truth has 2 neighbours per query, fewer than k = 3. (invalid_field)');
});

test('status shows shards and embeddings, also when an embedding cannot be counted', async () => {
  expect(await shoal.run('status')).toBe(0);
  expect(shoal.out).toMatch(/^Shoal 0\.0\.0 at http:\/\/127\.0\.0\.1:\d+, embedded; bus memory; 64 slots\n/);
  expect(shoal.out).toMatch(/fake +ready +0-63 +63 +0 +0 +20 +3\.0 MiB of 4\.0 GiB +0\.0 s ago/);
  expect(shoal.out).toMatch(/e +m +2 +l2 +1 +20 +scan +0\.2 KiB/);
  const unserved = { status: 503, body: JSON.stringify({ code: 'slot_unavailable', retryable: true, detail: 'gone' }) };
  fake.faultBefore = (request) => (request.url === '/v1/embeddings/e' ? unserved : undefined);
  expect(await shoal.run('status')).toBe(0);
  expect(shoal.out).toMatch(/e +m +2 +l2 +1 +\? +\? +\?/);
  fake.faultBefore = () => undefined;
  expect(await shoal.run('status', '--json')).toBe(0);
  expect(JSON.parse(shoal.out)).toMatchObject({ embeddingCount: 1, embeddings: [{ name: 'e', stats: { vectorCount: 20 } }], cluster: { mode: 'embedded' } });
});

test('status shows a tenant its embeddings, whose key is not for the cluster', async () => {
  const forbidden = { status: 403, body: JSON.stringify({ code: 'forbidden', retryable: false, detail: 'This needs the root key.' }) };
  fake.faultBefore = (request) => (request.url === '/v1/cluster' ? forbidden : undefined);
  expect(await shoal.run('status')).toBe(0);
  expect(shoal.out).toMatch(/^Shoal at http:\/\/127\.0\.0\.1:\d+; only the root key shows its shards\n/);
  expect(shoal.out).toMatch(/e +m +2 +l2 +1 +20 +scan/);
  expect(await shoal.run('status', '--json')).toBe(0);
  expect(JSON.parse(shoal.out)).toMatchObject({ embeddingCount: 1 });
  fake.faultBefore = () => undefined;
});

test('a refused connection says what to do', async () => {
  await fake.close();
  expect(await shoal.run('status')).toBe(1);
  expect(shoal.err).toBe(`shoal: Nothing answers at ${fake.url} (ECONNREFUSED); start it with \`shoal dev\`, or name another address with --url. (not_ready)\n`);
});

test('the stack of an error shows only with --verbose', async () => {
  await shoal.run('search', 'none', '--key', 'a');
  expect(shoal.err).not.toContain('    at ');
  await shoal.run('search', 'none', '--key', 'a', '--verbose');
  expect(shoal.err).toContain('    at ');
});

test('address and key come from options, then the environment, then the data directory', async () => {
  const sentKey = (): string | undefined => fake.requests.at(-1)?.headers.authorization;
  await shoal.run('status');
  expect(sentKey()).toBeUndefined();
  await mkdir(join(shoal.directory, '.shoal'));
  await writeFile(join(shoal.directory, '.shoal', 'root-key'), 'from-file\n');
  await shoal.run('status');
  expect(sentKey()).toBe('Bearer from-file');
  shoal.apiKey = 'from-environment';
  await shoal.run('status');
  expect(sentKey()).toBe('Bearer from-environment');
  await shoal.run('status', '--key', 'from-option');
  expect(sentKey()).toBe('Bearer from-option');
  await shoal.run('--key', 'from-program', 'search', 'e', '--key', 'r1');
  expect(sentKey()).toBe('Bearer from-program');
  await shoal.run('search', 'e', '--key', 'r1', '--api-key', 'from-search');
  expect(sentKey()).toBe('Bearer from-search');
  shoal.url = 'http://127.0.0.1:1';
  expect(await shoal.run('--url', fake.url, 'status')).toBe(0);
  expect(await shoal.run('status', '--url', fake.url)).toBe(0);
});

test('help is printed with exit code 0', async () => {
  expect(await shoal.run('--help')).toBe(0);
  for (const command of ['dev', 'cluster', 'load', 'search', 'recall', 'status', 'demo']) expect(shoal.out).toMatch(new RegExp(`^  ${command} `, 'm'));
});

test('a refused key says where to give one', async () => {
  fake.faultBefore = () => ({ status: 401, body: JSON.stringify({ code: 'unauthorized', retryable: false, detail: 'no' }) });
  expect(await shoal.run('status')).toBe(1);
  expect(shoal.err).toMatch(/^shoal: The API key is missing or not valid; give it with --api-key or SHOAL_API_KEY\..*\(unauthorized\)\n$/);
});

test('--version prints the version of the package', async () => {
  const manifest = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  expect(await shoal.run('--version')).toBe(0);
  expect(shoal.out).toBe(`${manifest.version}\n`);
});

test('help shows defaults as they are typed, and none for switches that are off', async () => {
  expect(await shoal.run('recall', '--help')).toBe(0);
  expect(shoal.out).toMatch(/--ef <sizes> .*\(default: 100\)/);
  expect(shoal.out).not.toMatch(/default: (false|\[|"")/);
});

test('a filtered search sends the filter, and refuses one that is none', async () => {
  await shoal.run('search', 'e', '--key', 'r7', '--filter', '{"key_in":["r1"]}', '--max-distance', '-0.5', '--offset', '3');
  expect(JSON.parse(String(fake.requests.at(-1)?.body))).toMatchObject({ filter: { key_in: ['r1'] }, maxDistance: -0.5, offset: 3 });
  expect(await shoal.run('count', 'e', '--filter', '[]')).toBe(1);
  expect(shoal.err).toMatch(/It must be a filter/);
  expect(await shoal.run('fields', 'e', '--declare', 'year=number')).toBe(1);
  expect(shoal.err).toMatch(/types are keyword, keywords/);
});
