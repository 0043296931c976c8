/** The demo: loads paragraphs of installed documentation once, then asks three questions through the public API. */
import { join } from 'node:path';
import type { EmbeddingHandle, Hit, ShoalClient, VectorToWrite } from '@shoal/client';
import type { TextOutput } from '../cli-system.ts';
import { installationFolder } from '../installation.ts';
import { formatCount, perSecond } from '../text/quantities.ts';
import { shorten } from '../text/text-table.ts';
import { DEMO_K, DEMO_QUESTIONS, QUESTION_PREFIX, type DemoQuestion } from './demo-questions.ts';
import { NGRAM_DIM, NGRAM_MODEL, embedText } from './ngram-embedder.ts';
import { collectParagraphs, type Paragraph } from './paragraphs.ts';

export const DEMO_EMBEDDING = 'demo';

export interface DemoRun {
  readonly client: ShoalClient;
  /** Where the API key can be read, for the printed curl lines; undefined when it was given another way. */
  readonly keyFile?: string;
  readonly output: TextOutput;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  /** Stands for the folder of the installed packages. */
  readonly nodeModules?: string;
}

/** The questions come last: when the last one is stored, an earlier run has loaded everything. */
async function isLoaded(handle: EmbeddingHandle, signal: AbortSignal): Promise<boolean> {
  return (await handle.get(DEMO_QUESTIONS.at(-1)?.key ?? '', { signal })) !== undefined;
}

function toVector({ key, text, ...place }: Paragraph | (DemoQuestion & { package?: undefined })): VectorToWrite {
  return { key, values: embedText(text), payload: { ...place, text } };
}

async function load(run: DemoRun, handle: EmbeddingHandle): Promise<void> {
  const paragraphs = await collectParagraphs(run.nodeModules ?? join(installationFolder(), 'node_modules'));
  const packageCount = new Set(paragraphs.map((paragraph) => paragraph.package)).size;
  run.output.write(`Loading ${formatCount(paragraphs.length)} paragraphs of the documentation of ${packageCount} installed packages …\n`);
  const startedMs = run.nowMs();
  const { accepted } = await handle.upsert(paragraphs.map(toVector), { wait: 'applied', signal: run.signal });
  const durationMs = run.nowMs() - startedMs;
  await handle.upsert(DEMO_QUESTIONS.map(toVector), { wait: 'applied', signal: run.signal });
  const rate = formatCount(perSecond(accepted, durationMs));
  run.output.write(`${formatCount(accepted)} vectors embedded, logged and applied in ${(durationMs / 1000).toFixed(2)} s, ${rate} vectors/s.\n`);
}

async function prepare(run: DemoRun): Promise<EmbeddingHandle> {
  const handle = run.client.embedding(DEMO_EMBEDDING);
  const exists = (await run.client.embeddings({ signal: run.signal })).some((embedding) => embedding.name === DEMO_EMBEDDING);
  if (exists && (await isLoaded(handle, run.signal))) {
    const { stats } = await handle.describe({ signal: run.signal });
    run.output.write(`The embedding "${DEMO_EMBEDDING}" holds ${formatCount(stats.vectorCount)} vectors from an earlier run; nothing is loaded.\n`);
    return handle;
  }
  await run.client.register({ name: DEMO_EMBEDDING, model: NGRAM_MODEL, dim: NGRAM_DIM, distance: 'cosine' }, { signal: run.signal });
  await load(run, handle);
  return handle;
}

function describeHit({ distance, payload }: Hit): string {
  const from = payload?.['package'];
  const text = payload?.['text'];
  return `  ${distance.toFixed(3)}  ${typeof from === 'string' ? from : '?'}: ${shorten(typeof text === 'string' ? text : '', 100)}\n`;
}

async function ask(run: DemoRun, handle: EmbeddingHandle, question: DemoQuestion): Promise<void> {
  const { hits, tookMs, path } = await handle.search({ vector: embedText(question.text), k: DEMO_K, include: ['payload'], signal: run.signal });
  run.output.write(`\n"${question.text}"  (${tookMs.toFixed(1)} ms, ${path})\n`);
  for (const hit of hits) if (!hit.key.startsWith(QUESTION_PREFIX)) run.output.write(describeHit(hit));
}

function curlLines({ client, keyFile }: DemoRun): string {
  const key = keyFile === undefined ? "'your key'" : `"$(cat '${keyFile.replaceAll("'", "'\\''")}')"`;
  const searches = DEMO_QUESTIONS.map(({ key: from }) => {
    const body = JSON.stringify({ key: from, k: DEMO_K, include: ['payload'] });
    return `curl -s ${client.url}/v1/embeddings/${DEMO_EMBEDDING}/search -H "Authorization: Bearer $SHOAL_API_KEY" -H 'Content-Type: application/json' -d '${body}'\n`;
  });
  return `\nThe same searches by hand (the first answer is the question itself):\n\nexport SHOAL_API_KEY=${key}\n${searches.join('')}`;
}

export async function runDemo(run: DemoRun): Promise<void> {
  run.output.write(`\nDemo: embedded by ${NGRAM_MODEL}, which hashes words and letter sequences: it compares spelling, not meaning, and needs no model.\n`);
  const handle = await prepare(run);
  for (const question of DEMO_QUESTIONS) await ask(run, handle, question);
  run.output.write(`${curlLines(run)}\n`);
}
