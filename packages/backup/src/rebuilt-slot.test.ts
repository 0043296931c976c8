import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SlotBackupDecoder, SlotBackupEncoder, type EmbeddingCode } from '@shoal/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listBackups } from './kept-backups.ts';
import { readWhole } from './measured-content.ts';
import { DirectoryPlace } from './places/directory-place.ts';
import { RebuiltSlot, type RebuildLimit } from './rebuilt-slot.ts';
import { decodeTenants } from './records.ts';
import { SlotTranscript } from './slot-transcript.ts';

/** A backup of the first format, kept as it was written: a snapshot at sequence 5 and the log up to 23. */
const fixture = new URL('./fixtures/format-1/', import.meta.url).pathname;
const place = new DirectoryPlace(join(fixture, 'place'));
const never = new AbortController().signal;
const ARTICLES = 1 as EmbeddingCode;

let directory: string;
let slot: Uint8Array;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-rebuilt-'));
  const [manifest] = await listBackups(place, never);
  slot = await readWhole(place.read(`${manifest?.folder}/slots/0000`, never), 1 << 20);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function* oneOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function vectorsAt(content: AsyncIterable<Uint8Array>, limit: RebuildLimit): Promise<Record<string, unknown>> {
  const rebuilt = await RebuiltSlot.rebuild(content, await mkdtemp(join(directory, 'slot-')), limit, never);
  const found: Record<string, unknown> = {};
  for await (const { key, values, payload } of rebuilt.vectorsOf(ARTICLES)) found[key] = { values: Array.from(values), ...(payload === undefined ? {} : { payload }) };
  await rebuilt.close();
  return found;
}

describe('a backup of the first format', () => {
  it('gives its vectors bit for bit and its payloads', async () => {
    const expected = JSON.parse(await readFile(join(fixture, 'expected.json'), 'utf8')) as Record<string, unknown>;
    expect(await vectorsAt(oneOf(slot), {})).toEqual(expected);
  });

  it('gives the state at every sequence that it reaches back to', async () => {
    expect(await vectorsAt(oneOf(slot), { sequence: 22 })).not.toHaveProperty('c');
    expect(await vectorsAt(oneOf(slot), { sequence: 21 })).toHaveProperty('b');
    expect(await vectorsAt(oneOf(slot), { sequence: 5 })).toMatchObject({ a: { values: [0, 0, 3.5], payload: { year: 2000 } } });
    await expect(vectorsAt(oneOf(slot), { sequence: 4 })).rejects.toMatchObject({ code: 'invalid_field' });
  });

  it('gives the state at a time, and refuses one that may lie before its snapshot', async () => {
    const decoder = new SlotBackupDecoder(oneOf(slot));
    await decoder.header();
    await readWhole(decoder.base(), 1 << 20);
    const times = new Map<number, number>();
    for await (const { sequence, timeMs } of decoder.messages()) times.set(sequence, timeMs);
    expect(await vectorsAt(oneOf(slot), { timeMs: times.get(20) ?? 0 })).toMatchObject({ a: { payload: { year: 2000 } } });
    await expect(vectorsAt(oneOf(slot), { timeMs: Math.min(...times.values()) - 1 })).rejects.toMatchObject({ code: 'invalid_field' });
  });

  it('gives its tenants, keys, aliases and quotas', async () => {
    const [manifest] = await listBackups(place, never);
    const tenants = decodeTenants(await readWhole(place.read(`${manifest?.folder}/records.jsonl`, never), 1 << 20));
    expect(tenants).toMatchObject([
      { tenant: 'acme', quotas: { vectors: 10 }, keys: [{ role: 'read', name: 'reader' }], embeddings: [] },
      { tenant: 'default', aliases: [{ alias: 'news', embedding: 'articles' }], embeddings: [{ spec: { code: 1, name: 'articles', dim: 3 } }] },
    ]);
  });
});

describe('a transcript', () => {
  it('of no embedding keeps the place in the log and nothing that anybody wrote', async () => {
    const bytes = await readWhole(new SlotTranscript(oneOf(slot), () => false).pieces(), 1 << 20);
    expect(bytes.includes('fixture')).toBe(false);
    expect(bytes.includes('year')).toBe(false);
    expect(await vectorsAt(oneOf(bytes), {})).toEqual({});
  });

  it('of an embedding gives the same vectors as the whole', async () => {
    const bytes = await readWhole(new SlotTranscript(oneOf(slot), (code) => code === ARTICLES).pieces(), 1 << 20);
    expect(await vectorsAt(oneOf(bytes), {})).toEqual(await vectorsAt(oneOf(slot), {}));
  });
});

describe('damage', () => {
  it('shows before a vector is given', async () => {
    for (const at of [10, 200, slot.length >> 1, slot.length - 3]) {
      const damaged = Buffer.from(slot);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
      await expect(vectorsAt(oneOf(damaged), {})).rejects.toMatchObject({ code: expect.stringMatching(/corrupt/) });
    }
    await expect(vectorsAt(oneOf(slot.subarray(0, slot.length - 20)), {})).rejects.toMatchObject({ code: 'backup_corrupt' });
  });

  it('of a base without a sequence is told', async () => {
    const encoder = new SlotBackupEncoder();
    const bytes = Buffer.concat([encoder.header({ slot: 0 as never, slots: 1, base: 0 as never, to: 0 as never }), encoder.base(Uint8Array.of(1)), encoder.end()]);
    await expect(vectorsAt(oneOf(bytes), {})).rejects.toMatchObject({ code: 'backup_corrupt' });
  });
});
