import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ShoalClient } from '@shoal/client';
import { startFakeShoal, type FakeShoal } from '@shoal/client/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DEMO_QUESTIONS } from './demo-questions.ts';
import { NGRAM_DIM, embedText } from './ngram-embedder.ts';
import { collectParagraphs, proseOf } from './paragraphs.ts';
import { runDemo } from './run-demo.ts';

let nodeModules: string;
let fake: FakeShoal;
beforeEach(async () => {
  nodeModules = await mkdtemp(join(tmpdir(), 'shoal-demo-'));
  fake = await startFakeShoal();
});
afterEach(async () => {
  await fake.close();
  await rm(nodeModules, { recursive: true });
});

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(nodeModules, path)), { recursive: true });
  await writeFile(join(nodeModules, path), text);
}

const cosineDistance = (a: Float32Array, b: Float32Array): number => 1 - a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);

const retrying = 'Retries a function that failed, waiting longer before every attempt: the backoff grows exponentially up to a maximum.';
const globbing = 'Matches names of files against glob patterns with wildcards such as stars, braces and question marks, on all platforms.';
const progress = 'Shows a progress bar in the terminal for long running operations, with percentage, rate and the estimated time left over.';

test('the embedder is frozen: the same text gives the same bits on every machine', () => {
  const vector = embedText('Streaming JSON-Parser für NodeJS, version 2 — fast & small');
  expect(vector.length).toBe(NGRAM_DIM);
  const rounded = Array.from(vector, (value) => Math.round(value * 1e5));
  expect(createHash('sha256').update(JSON.stringify(rounded)).digest('hex')).toBe('f7fc1bea9a2c41ab26a9ae297881a75564423a7d7283eef09afbc98f586c38d6');
});

test('vectors have length 1, also for a text without words', () => {
  for (const text of ['a glob', '', '!!!', 'the of and', 'x'.repeat(50_000)]) {
    expect(Math.hypot(...embedText(text))).toBeCloseTo(1, 5);
  }
});

test('a question is nearer to the text about its subject than to any other', () => {
  const texts = [retrying, globbing, progress];
  DEMO_QUESTIONS.forEach(({ text }, index) => {
    const distances = texts.map((other) => cosineDistance(embedText(text), embedText(other)));
    expect(distances.indexOf(Math.min(...distances))).toBe(index);
  });
});

test('inflected and compound words are near each other, unrelated ones are not', () => {
  const near = cosineDistance(embedText('retrying failed operations'), embedText('the operation fails and is retried'));
  const camel = cosineDistance(embedText('maxRetryDelay'), embedText('max retry delay'));
  const far = cosineDistance(embedText('retrying failed operations'), embedText('blue whales sing under water'));
  expect(camel).toBeLessThan(near);
  expect(near).toBeLessThan(far);
  expect(far).toBeGreaterThan(0.85);
});

test('prose is taken from Markdown, and code, tables, badges, link lists and licences are not', () => {
  const link = '[the guide](https://example.org/very/long/address)';
  const markdown = [
    '# Title',
    `${retrying} See ${link} for *more*.`,
    '```js\nconst a = "a block of code that is long enough to be taken for a paragraph of prose by its length alone";\n\nmore();\n```',
    `| ${globbing} | cell |`,
    '[![badge with a long text in it that goes on](https://img.example.org/a.svg)](https://example.org) [![second badge of some length](b.svg)](c)',
    '[reference]: https://example.org/this-is-a-definition-of-a-link-and-not-a-paragraph-of-text-at-all-however-long',
    'Copyright (c) Someone. Permission is hereby granted, free of charge, to any person obtaining a copy of this software.',
    'Too short.',
  ].join('\n\n');
  expect(proseOf(markdown)).toEqual([`${retrying} See the guide for more.`]);
});

test('paragraphs come in one order, once each, with package and file, and without licences and changelogs', async () => {
  await write('zeta/README.md', `${retrying}\n\n${globbing}`);
  await write('@scope/alpha/docs/guide.md', progress);
  await write('beta/node_modules/inner/readme.markdown', `${globbing} Again.`);
  await write('beta/LICENSE.md', `${retrying} License.`);
  await write('beta/CHANGELOG.md', `${retrying} Changelog.`);
  await write('beta/other.txt', `${retrying} Text.`);
  await write('zeta/more.md', retrying);
  await symlink(join(nodeModules, 'zeta'), join(nodeModules, 'circle'));
  expect((await collectParagraphs(nodeModules)).map(({ key, package: name, file }) => [key, name, file])).toEqual([
    ['@scope/alpha/docs/guide.md#0', '@scope/alpha', 'docs/guide.md'],
    ['beta/node_modules/inner/readme.markdown#0', 'inner', 'readme.markdown'],
    ['zeta/README.md#0', 'zeta', 'README.md'],
    ['zeta/README.md#1', 'zeta', 'README.md'],
  ]);
});

async function demo(signal = new AbortController().signal): Promise<string> {
  let out = '';
  const output = { write: (text: string) => void (out += text), terminal: undefined };
  const client = new ShoalClient({ url: fake.url });
  await runDemo({ client, keyFile: '/data/.shoal/root-key', output, nowMs: Date.now, signal, nodeModules });
  return out;
}

test('the demo loads once, answers from the documents, and prints curl lines that give the same answers', async () => {
  await write('retrier/README.md', retrying);
  await write('globber/README.md', globbing);
  await write('barber/README.md', progress);
  const first = await demo();
  expect(first).toContain('compares spelling, not meaning');
  expect(first).toContain('Loading 3 paragraphs of the documentation of 3 installed packages');
  for (const [question, answer] of [['exponential backoff\\?', 'retrier'], ['with wildcards', 'globber'], ['in the terminal', 'barber']]) {
    expect(first).toMatch(new RegExp(`${question}"  \\([^)]*\\)\\n  0\\.\\d{3}  ${answer}: `));
  }
  expect(first).toContain(`export SHOAL_API_KEY="$(cat '/data/.shoal/root-key')"`);
  const writesAfterFirst = fake.requests.filter((request) => request.url.includes('/vectors?')).length;
  const second = await demo();
  expect(second).toContain('The embedding "demo" holds 6 vectors from an earlier run; nothing is loaded.');
  expect(fake.requests.filter((request) => request.url.includes('/vectors?')).length).toBe(writesAfterFirst);
  const curls = [...second.matchAll(/^curl -s (\S+) .* -d '(.*)'$/gm)];
  expect(curls.length).toBe(3);
  for (const [index, curl] of curls.entries()) {
    const answer = await fetch(curl[1] ?? '', { method: 'POST', body: curl[2] ?? '' });
    const { results } = (await answer.json()) as { results: { key: string; payload: { package?: string } }[] };
    expect(results[0]?.key).toBe(`question:${index + 1}`);
    expect(results[1]?.payload.package).toBe(['retrier', 'globber', 'barber'][index]);
  }
});

test('a demo that was cut off while loading loads again', async () => {
  await write('retrier/README.md', retrying);
  const controller = new AbortController();
  fake.faultAfter = (request) => {
    if (request.url.includes('/vectors?')) controller.abort(new Error('cut off'));
    return undefined;
  };
  await expect(demo(controller.signal)).rejects.toThrow('cut off');
  fake.faultAfter = () => undefined;
  expect(await demo()).toContain('Loading 1 paragraphs');
  expect(fake.embeddings.get('demo')?.vectors.size).toBe(4);
});
