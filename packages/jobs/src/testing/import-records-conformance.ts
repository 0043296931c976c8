/** What every adapter of `ImportRecords` must do. */
import { parseEmbeddingName, parseTenantId, type ImportId } from '@shoal/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ImportPlan, ImportRecord } from '../imports/import-record.ts';
import type { ImportRecords } from '../imports/import-records.ts';

const TENANT = parseTenantId('acme');
let madeIds = 0;
const newId = (): ImportId => (madeIds += 1).toString(16).padStart(8, '0').padEnd(32, Date.now().toString(16)) as ImportId;

function recordOf(id: ImportId): ImportRecord {
  return { id, tenant: TENANT, embedding: parseEmbeddingName('e'), code: 7, dim: 2, distance: 'l2', createdAtMs: 1, request: { embedding: parseEmbeddingName('e'), sources: ['https://a'], mapping: {}, keyPrefix: '' } };
}

const plan = (chunkCount: number): ImportPlan => ({
  rows: chunkCount * 10,
  files: [{ source: 0, name: 'https://a', format: 'npy', settings: {}, version: 'v', firstRow: 0 }],
  chunks: Array.from({ length: chunkCount }, (_, index) => ({ index, file: 0, range: { firstRow: index * 10, rowCount: 10 } })),
});

const rejectionsOf = (chunk: number, count: number) => Array.from({ length: count }, (_, index) => ({ file: 'https://a', row: chunk * 10 + index, code: 'invalid_vector' as const, reason: 'NaN' }));

export function describeImportRecords(open: () => Promise<ImportRecords>): void {
  describe('import records', () => {
    let records: ImportRecords;
    let id: ImportId;
    beforeEach(async () => {
      records = await open();
      id = newId();
      await records.create(recordOf(id), 'token');
    });
    afterEach(() => records.close());

    const planned = async (chunkCount: number): Promise<void> => {
      await records.move(id, { from: ['queued'], to: { state: 'planning' } });
      expect(await records.plan(id, 1, plan(chunkCount), 5)).toBe(true);
    };

    it('keeps the first of two records with one id, and finds it', async () => {
      const again = await records.create({ ...recordOf(id), dim: 99 }, 'other');
      expect(again).toMatchObject({ created: false, status: { record: { dim: 2 }, progress: { state: 'queued', run: 1, token: 'token', receipt: {} } } });
      expect((await records.list(TENANT)).map(({ record }) => record.id)).toContain(id);
      expect(await records.list(parseTenantId('other'))).toEqual([]);
      expect((await records.active()).map(({ record }) => record.id)).toContain(id);
    });

    it('moves by compare-and-set of state and run', async () => {
      expect(await records.move(id, { from: ['running'], to: { state: 'paused' } })).toBe(false);
      expect(await records.move(id, { from: ['queued'], run: 2, to: { state: 'paused' } })).toBe(false);
      expect(await records.move(id, { from: ['queued'], run: 1, to: { state: 'failed', finishedAtMs: 9, error: { code: 'source_invalid', message: 'x' } } })).toBe(true);
      expect(await records.find(id)).toMatchObject({ progress: { state: 'failed', finishedAtMs: 9, error: { code: 'source_invalid' } } });
      expect((await records.active()).map(({ record }) => record.id)).not.toContain(id);
      expect(await records.move(id, { from: ['failed'], to: { state: 'queued', run: 2, finishedAtMs: null, error: null } })).toBe(true);
      const status = await records.find(id);
      expect(status?.progress).toMatchObject({ state: 'queued', run: 2 });
      expect(status?.progress.error).toBeUndefined();
      expect(status?.progress.finishedAtMs).toBeUndefined();
    });

    it('takes up a plan once, in its run and as a whole', async () => {
      expect(await records.plan(id, 1, plan(3), 5)).toBe(false);
      expect(await records.pending(id, 10)).toEqual([]);
      await records.move(id, { from: ['queued'], to: { state: 'planning' } });
      expect(await records.plan(id, 2, plan(3), 5)).toBe(false);
      expect(await records.plan(id, 1, plan(3), 5)).toBe(true);
      expect(await records.plan(id, 1, plan(4), 6)).toBe(false);
      expect(await records.find(id)).toMatchObject({ progress: { state: 'running', rows: 30, chunks: 3, files: 1, startedAtMs: 5, runStartRows: 0 } });
      expect((await records.pending(id, 2)).map(({ index }) => index)).toEqual([0, 1]);
      expect(await records.file(id, 0)).toEqual(plan(1).files[0]);
      expect(await records.file(id, 1)).toBeUndefined();
    });

    it('counts a chunk once, however often and by whomever it is reported', async () => {
      await planned(4);
      const result = (chunk: number) => ({ accepted: 8, rejections: rejectionsOf(chunk, 2), receipt: { '3': 10 + chunk, [String(chunk)]: 1 } });
      const answers = await Promise.all([2, 0, 2, 2, 0].map((chunk) => records.record(id, chunk, result(chunk))));
      expect(answers.filter((first) => first)).toHaveLength(2);
      expect(await records.find(id)).toMatchObject({ progress: { chunksDone: 2, accepted: 16, rejected: 4, reported: 4, receipt: { '0': 1, '2': 1, '3': 12 } } });
      expect((await records.pending(id, 10)).map(({ index }) => index)).toEqual([1, 3]);
      expect((await records.rejections(id, 0, 10)).map(({ row }) => row)).toEqual([0, 1, 20, 21]);
      expect((await records.rejections(id, 1, 2)).map(({ row }) => row)).toEqual([1, 20]);
    });

    it('finds what is left of thousands of chunks, and none when all are done', async () => {
      await planned(2_500);
      const nothing = { accepted: 10, rejections: [], receipt: {} };
      for (let chunk = 0; chunk < 2_500; chunk += 1) if (chunk !== 2_345) await records.record(id, chunk, nothing);
      expect((await records.pending(id, 10)).map(({ index }) => index)).toEqual([2_345]);
      await records.record(id, 2_345, nothing);
      expect(await records.pending(id, 10)).toEqual([]);
      expect(await records.pending(id, 10)).toEqual([]);
    });

    it('forgets what has ended, and takes nothing for it any more', async () => {
      await planned(2);
      expect(await records.delete(id)).toBe(false);
      await records.move(id, { from: ['running'], to: { state: 'cancelled' } });
      expect(await records.delete(id)).toBe(true);
      expect(await records.find(id)).toBeUndefined();
      expect(await records.record(id, 0, { accepted: 1, rejections: [], receipt: {} })).toBe(false);
      expect(await records.list(TENANT)).not.toContainEqual(expect.objectContaining({ record: expect.objectContaining({ id }) }));
      expect(await records.delete(id)).toBe(false);
    });
  });
}
