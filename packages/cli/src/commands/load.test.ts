import { appendFile, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startFakeShoal, type FakeShoal } from '@shoal/client/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestSystem, fvecsOf } from '../testing/test-system.ts';

let fake: FakeShoal;
let shoal: TestSystem;
beforeEach(async () => {
  fake = await startFakeShoal();
  shoal = await TestSystem.create();
  shoal.url = fake.url;
});
afterEach(async () => {
  await fake.close();
  await shoal.remove();
});

const rowsOf = (count: number): number[][] => Array.from({ length: count }, (_unused, row) => [row, 1]);
const register = ['--model', 'm', '--distance', 'l2'];
const writeCounts = (name: string): Map<string, number> => fake.embeddings.get(name)?.writeCounts ?? new Map();
const isWrite = (url: string): boolean => url.includes('/vectors');

/** Every row was written exactly once, under its own key and with its own values. */
function expectExactlyOnce(name: string, rowCount: number, prefix = ''): void {
  const expected = Array.from({ length: rowCount }, (_unused, row) => `${prefix}${row}`);
  expect([...writeCounts(name).keys()].sort()).toEqual([...expected].sort());
  expect([...writeCounts(name).values()].every((count) => count === 1)).toBe(true);
  expect([...(fake.embeddings.get(name)?.vectors.get(`${prefix}${rowCount - 1}`)?.values ?? [])]).toEqual([rowCount - 1, 1]);
}

test('a missing embedding is registered from the file and every row is loaded under its key', async () => {
  await shoal.write('v.fvecs', fvecsOf(rowsOf(1_234)));
  expect(await shoal.run('load', 'v.fvecs', '--embedding', 'e', ...register, '--partitions', '3', '--memory', 'codes', '--key-prefix', 'row:', '--batch', '100')).toBe(0);
  expect(fake.embeddings.get('e')?.description).toMatchObject({ model: 'm', dim: 2, distance: 'l2', partitions: 3, rabitq: { memory: 'codes' } });
  expectExactlyOnce('e', 1_234, 'row:');
  expect(shoal.out).toMatch(/1,234 vectors durable in the log in \d+\.\d\d s, [\d,]+ vectors\/s/);
  expect(shoal.out).toContain('Receipt: {"3":13}');
  const last = fake.requests.at(-1);
  expect(last?.url).toBe('/v1/embeddings/e/search');
  expect(JSON.parse(String(last?.body))).toMatchObject({ after: { 3: 13 } });
});

test('keys and payloads of a JSON Lines file are kept', async () => {
  await shoal.write('v.jsonl', '{"key":"a","values":[1,2],"payload":{"x":1}}\n{"values":[3,4]}\n');
  expect(await shoal.run('load', 'v.jsonl', '--embedding', 'e', ...register, '--key-prefix', 'p', '--wait', 'applied')).toBe(0);
  expect([...(fake.embeddings.get('e')?.vectors.keys() ?? [])]).toEqual(['a', 'p1']);
  expect(Buffer.from(fake.embeddings.get('e')?.vectors.get('a')?.payload ?? []).toString()).toBe('{"x":1}');
  expect(shoal.out).toContain('2 vectors applied');
  expect(fake.requests.some((request) => request.url.endsWith('/search'))).toBe(false);
});

test('interrupted anywhere and continued, a load writes every row exactly once', async () => {
  let name = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 4 }), async (stops, inFlight) => {
      name += 1;
      await shoal.write(`v${name}.fvecs`, fvecsOf(rowsOf(200)));
      const words = ['load', `v${name}.fvecs`, '--embedding', `e${name}`, '--model', `m${name}`, '--distance', 'l2', '--batch', '10', '--in-flight', String(inFlight)];
      let interrupts = 0;
      for (const stopAfter of stops) {
        let batches = 0;
        fake.delay = async (request) => {
          if (isWrite(request.url) && (batches += 1) === stopAfter) shoal.interrupt();
        };
        const code = await shoal.run(...words);
        if (code === 0) break;
        expect(code).toBe(130);
        interrupts += 1;
        // An interrupt that comes with the last batches finds the load complete.
        const isComplete = writeCounts(`e${name}`).size === 200;
        expect(shoal.err).toMatch(isComplete ? /Everything is acknowledged/ : /Stopped at row \d+; everything below it is acknowledged/);
      }
      fake.delay = async () => {};
      expect(await shoal.run(...words)).toBe(0);
      if (interrupts > 0) expect(shoal.out).toMatch(/Continuing at row \d+, where an earlier run stopped|is loaded: 200 vectors/);
      expectExactlyOnce(`e${name}`, 200);
    }),
    { numRuns: 15 },
  );
});

test('interrupted while it waits until all is applied, a load is complete', async () => {
  await shoal.write('v.fvecs', fvecsOf(rowsOf(20)));
  const words = ['load', 'v.fvecs', '--embedding', 'e', ...register];
  fake.faultBefore = (request) => {
    if (!request.url.endsWith('/search')) return undefined;
    shoal.interrupt();
    return 'hang';
  };
  expect(await shoal.run(...words)).toBe(130);
  expect(shoal.out).toContain('Receipt: {"3":1}');
  expect(shoal.err).toBe('Everything is acknowledged; whether it is applied was not waited for.\n');
  expect(await shoal.run(...words)).toBe(0);
  expect(shoal.out).toContain('is loaded: 20 vectors');
  expectExactlyOnce('e', 20);
});

test('a failed batch ends the load with its place kept, and the next run continues there', async () => {
  await shoal.write('v.fvecs', fvecsOf(rowsOf(100)));
  const words = ['load', 'v.fvecs', '--embedding', 'e', ...register, '--batch', '10', '--in-flight', '1'];
  let writes = 0;
  const full = { status: 507, body: JSON.stringify({ code: 'engine_memory_full', detail: 'The memory is full.', retryable: false }) };
  fake.faultBefore = (request) => (isWrite(request.url) && (writes += 1) === 4 ? full : undefined);
  expect(await shoal.run(...words)).toBe(1);
  expect(shoal.err).toContain('Stopped at row 30;');
  expect(shoal.err).toContain('shoal: The memory is full. (engine_memory_full)\n');
  expect(shoal.err).not.toContain('    at ');
  expect(await shoal.run(...words)).toBe(0);
  expect(shoal.out).toContain('Continuing at row 30');
  expectExactlyOnce('e', 100);
});

test('a finished load is not repeated, unless it is restarted', async () => {
  await shoal.write('v.fvecs', fvecsOf(rowsOf(10)));
  const words = ['load', 'v.fvecs', '--embedding', 'e', ...register];
  await shoal.run(...words);
  expect(await shoal.run(...words)).toBe(0);
  expect(shoal.out).toContain('is loaded: 10 vectors in e; --restart loads it again.');
  expectExactlyOnce('e', 10);
  expect(await shoal.run(...words, '--restart')).toBe(0);
  expect([...writeCounts('e').values()]).toEqual(Array.from({ length: 10 }, () => 2));
});

test('a changed file, another prefix and a new embedding of the same name are loads of their own', async () => {
  const path = await shoal.write('v.fvecs', fvecsOf(rowsOf(5)));
  const words = ['load', 'v.fvecs', '--embedding', 'e', ...register];
  await shoal.run(...words);
  await appendFile(path, fvecsOf([[9, 9]]));
  expect(await shoal.run(...words)).toBe(0);
  expect(shoal.out).toContain('6 vectors durable');
  expect(await shoal.run(...words, '--key-prefix', 'p')).toBe(0);
  expect(shoal.out).toContain('6 vectors durable');
  fake.embeddings.delete('e');
  expect(await shoal.run(...words)).toBe(0);
  expect(shoal.out).toContain('6 vectors durable');
  expect(writeCounts('e').size).toBe(6);
});

test('a damaged progress file counts as none', async () => {
  await shoal.write('v.fvecs', fvecsOf(rowsOf(5)));
  const words = ['load', 'v.fvecs', '--embedding', 'e', ...register, '--progress-dir', 'places'];
  await shoal.run(...words);
  const [file = ''] = await readdir(join(shoal.directory, 'places'));
  const path = join(shoal.directory, 'places', file);
  await writeFile(path, (await readFile(path, 'utf8')).replace('"rowsBelow":5', '"rowsBelow":4'));
  expect(await shoal.run(...words)).toBe(0);
  expect(shoal.out).toContain('5 vectors durable');
});

test.each([
  ['an embedding that is missing and cannot be registered', ['load', 'v.fvecs', '--embedding', 'none'], /There is no embedding "none"; add --model and --distance to register it\. \(embedding_not_found\)/],
  ['a file of another dimension', ['load', 'wide.fvecs', '--embedding', 'e'], /The file has vectors of 3 components; the embedding "e" has dimension 2\. \(dimension_mismatch\)/],
  ['another model', ['load', 'v.fvecs', '--embedding', 'e', '--model', 'other', '--distance', 'l2'], /\(spec_conflict\)/],
  ['a file that is not there', ['load', 'absent.fvecs', '--embedding', 'e'], /absent\.fvecs: cannot be opened: there is no such file\. \(invalid_field\)/],
  ['a truncated file', ['load', 'cut.fvecs', '--embedding', 'e'], /cut\.fvecs, row 1 at byte 12: the file is truncated.*\(malformed_body\)/],
  ['an unknown format', ['load', 'v.fvecs', '--embedding', 'e', '--format', 'csv'], /It must be one of bvecs, fvecs, npy, hdf5, jsonl, ndjson/],
  ['no embedding', ['load', 'v.fvecs'], /required option '--embedding <name>' not specified/],
])('%s is refused in one sentence', async (_name, words, message) => {
  await shoal.write('v.fvecs', fvecsOf(rowsOf(3)));
  await shoal.write('wide.fvecs', fvecsOf([[1, 2, 3]]));
  await shoal.write('cut.fvecs', fvecsOf(rowsOf(2)).subarray(0, 20));
  await shoal.run('load', 'v.fvecs', '--embedding', 'e', ...register);
  expect(await shoal.run(...words)).toBe(1);
  expect(shoal.err).toMatch(message);
  expect(shoal.err.trim().split('\n').length).toBe(1);
});

test('a fault in the file says what became of the rows before it', async () => {
  const rows = Array.from({ length: 8 }, (_unused, row) => JSON.stringify({ key: `k${row}`, values: [row, 1] }));
  const words = ['--embedding', 'e', ...register, '--batch', '2', '--in-flight', '1'];
  await shoal.write('late.ndjson', [...rows, 'no json', ''].join('\n'));
  expect(await shoal.run('load', 'late.ndjson', ...words)).toBe(1);
  expect(shoal.err).toMatch(/Stopped at row \d+; everything below it is acknowledged\. The corrected file is loaded from its start/);
  expect(shoal.err).toMatch(/row 8 at byte \d+: the line is not valid JSON\. \(malformed_json\)/);
  await shoal.write('early.ndjson', [...rows.slice(0, 1), 'no json', ''].join('\n'));
  expect(await shoal.run('load', 'early.ndjson', ...words)).toBe(1);
  expect(shoal.err).toContain('Stopped before any row was acknowledged.\n');
});
