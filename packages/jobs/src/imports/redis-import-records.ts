/**
 * Imports in Redis. Everything that must happen together is one script, which Redis runs as a whole.
 *
 *   shoal:imports:of:<tenant>    set      ids
 *   shoal:imports:active         set      ids of imports that should be going on
 *   shoal:import:<id>            hash     record, token, error: JSON; state; run, files, rows, ... as numbers
 *   shoal:import:<id>:files      list     files, as JSON
 *   shoal:import:<id>:chunks     list     chunks, as JSON
 *   shoal:import:<id>:done       hash     index of a chunk that is recorded -> 1
 *   shoal:import:<id>:rejections zset     rejections as JSON by row
 *   shoal:import:<id>:receipt    hash     slot -> sequence
 */
import { LIMITS, type ImportId, type ImportState, type TenantId } from '@shoal/protocol';
import type { Redis } from 'ioredis';
import { JOB_LIMITS } from '../limits.ts';
import { ACTIVE_STATES, FIRST_PROGRESS, type ChunkResult, type ImportChunk, type ImportFile, type ImportPlan, type ImportProgress, type ImportRecord, type ImportStatus, type Rejection } from './import-record.ts';
import type { ImportMove, ImportRecords } from './import-records.ts';
import { tooManyImports } from './level-import-records.ts';

const ACTIVE = 'shoal:imports:active';
const ofTenant = (tenant: TenantId): string => `shoal:imports:of:${tenant}`;
const keyOf = (id: ImportId): string => `shoal:import:${id}`;

const CREATE = `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if redis.call('SCARD', KEYS[2]) >= tonumber(ARGV[2]) then return -1 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('SADD', KEYS[3], ARGV[1])
return 1`;

/** ARGV: id, run or '', number of states, the states, whether it is active then, names and values; an empty value deletes. */
const MOVE = `
local state = redis.call('HGET', KEYS[1], 'state')
local fits = false
local count = tonumber(ARGV[3])
for index = 4, 3 + count do if ARGV[index] == state then fits = true end end
if not fits then return 0 end
if ARGV[2] ~= '' and redis.call('HGET', KEYS[1], 'run') ~= ARGV[2] then return 0 end
for index = 5 + count, #ARGV, 2 do
  if ARGV[index + 1] == '' then redis.call('HDEL', KEYS[1], ARGV[index]) else redis.call('HSET', KEYS[1], ARGV[index], ARGV[index + 1]) end
end
if ARGV[4 + count] == '1' then redis.call('SADD', KEYS[2], ARGV[1]) elseif ARGV[4 + count] == '0' then redis.call('SREM', KEYS[2], ARGV[1]) end
return 1`;

/** KEYS: import, files and chunks as they were brought, files and chunks for good. ARGV: run, names and values. */
const PLAN = `
if redis.call('HGET', KEYS[1], 'state') ~= 'planning' or redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then
  redis.call('DEL', KEYS[2], KEYS[3])
  return 0
end
for index = 2, 3 do
  if redis.call('EXISTS', KEYS[index]) == 1 then
    redis.call('RENAME', KEYS[index], KEYS[index + 2])
    redis.call('PERSIST', KEYS[index + 2])
  end
end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1`;

/** KEYS: import, done, rejections, receipt. ARGV: chunk, accepted, rejected, most of the report, number of slots, slots and sequences, rows and rejections. */
const RECORD = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('HSETNX', KEYS[2], ARGV[1], '1') == 0 then return 0 end
redis.call('HINCRBY', KEYS[1], 'chunksDone', 1)
redis.call('HINCRBY', KEYS[1], 'accepted', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'rejected', ARGV[3])
local slots = tonumber(ARGV[5])
for index = 6, 5 + 2 * slots, 2 do
  local known = redis.call('HGET', KEYS[4], ARGV[index])
  if not known or tonumber(known) < tonumber(ARGV[index + 1]) then redis.call('HSET', KEYS[4], ARGV[index], ARGV[index + 1]) end
end
local room = tonumber(ARGV[4]) - tonumber(redis.call('HGET', KEYS[1], 'reported') or '0')
local added = 0
for index = 6 + 2 * slots, #ARGV, 2 do
  if added >= room then break end
  redis.call('ZADD', KEYS[3], ARGV[index], ARGV[index + 1])
  added = added + 1
end
if added > 0 then redis.call('HINCRBY', KEYS[1], 'reported', added) end
return 1`;

const DELETE = `
local state = redis.call('HGET', KEYS[1], 'state')
if state ~= 'done' and state ~= 'failed' and state ~= 'cancelled' then return 0 end
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[1], unpack(KEYS, 3))
return 1`;

const NUMBERS = ['run', 'files', 'rows', 'chunks', 'chunksDone', 'accepted', 'rejected', 'reported', 'startedAtMs', 'finishedAtMs', 'runStartedAtMs', 'runStartRows'] as const;
const PART_NAMES = ['files', 'chunks', 'done', 'rejections', 'receipt'] as const;
const keysOfParts = (id: ImportId): string[] => PART_NAMES.map((part) => `${keyOf(id)}:${part}`);
const partKey = (id: ImportId, part: (typeof PART_NAMES)[number]): string => `${keyOf(id)}:${part}`;

/** Texts of a hash, as the scripts take them; null becomes the empty text, which deletes. */
function pairs(members: object): string[] {
  return Object.entries(members).flatMap(([name, value]) => [name, value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)]);
}

function statusOf(hash: Readonly<Record<string, string>>, receipt: Readonly<Record<string, string>>): ImportStatus | undefined {
  const { record, state, token, error } = hash;
  if (record === undefined) return undefined;
  const numbers = Object.fromEntries(NUMBERS.filter((name) => hash[name] !== undefined).map((name) => [name, Number(hash[name])]));
  const progress = {
    ...FIRST_PROGRESS, ...numbers, state: state as ImportState, token: token ?? '',
    receipt: Object.fromEntries(Object.entries(receipt).map(([slot, sequence]) => [slot, Number(sequence)])),
    ...(error === undefined ? {} : { error: JSON.parse(error) as NonNullable<ImportProgress['error']> }),
  };
  return { record: JSON.parse(record) as ImportRecord, progress };
}

export class RedisImportRecords implements ImportRecords {
  readonly #redis: Redis;
  #planCount = 0;
  /** Per import, a chunk before which all are recorded; what was recorded stays so, short of a Redis that lost its newest second. */
  readonly #doneBefore = new Map<ImportId, number>();

  /** The connection belongs to whoever opened it. */
  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async create(record: ImportRecord, token: string): Promise<{ readonly status: ImportStatus; readonly created: boolean }> {
    const { receipt: _none, ...first } = FIRST_PROGRESS;
    const members = pairs({ ...first, token, record });
    const made = await this.#redis.eval(CREATE, 3, keyOf(record.id), ofTenant(record.tenant), ACTIVE, record.id, LIMITS.importsPerTenant, ...members);
    if (made === -1) throw tooManyImports();
    const status = await this.find(record.id);
    return { status: status ?? { record, progress: { ...FIRST_PROGRESS, token } }, created: made === 1 };
  }

  async find(id: ImportId): Promise<ImportStatus | undefined> {
    const [hash, receipt] = await Promise.all([this.#redis.hgetall(keyOf(id)), this.#redis.hgetall(partKey(id, 'receipt'))]);
    return statusOf(hash, receipt);
  }

  async list(tenant: TenantId): Promise<readonly ImportStatus[]> {
    return this.#find((await this.#redis.smembers(ofTenant(tenant))).sort() as ImportId[]);
  }

  async active(): Promise<readonly ImportStatus[]> {
    return this.#find((await this.#redis.smembers(ACTIVE)).slice(0, JOB_LIMITS.sweptImports) as ImportId[]);
  }

  async move(id: ImportId, { from, run, to }: ImportMove): Promise<boolean> {
    const isActiveThen = to.state === undefined ? '' : ACTIVE_STATES.includes(to.state) ? '1' : '0';
    return (await this.#redis.eval(MOVE, 2, keyOf(id), ACTIVE, id, run ?? '', from.length, ...from, isActiveThen, ...pairs(to))) === 1;
  }

  async plan(id: ImportId, run: number, { files, chunks, rows }: ImportPlan, nowMs: number): Promise<boolean> {
    const brought = { files: `${partKey(id, 'files')}:${run}:${process.pid}:${this.#planCount}`, chunks: `${partKey(id, 'chunks')}:${run}:${process.pid}:${this.#planCount}` };
    this.#planCount += 1;
    await this.#append(brought.files, files);
    await this.#append(brought.chunks, chunks);
    const members = pairs({ state: 'running', files: files.length, rows, chunks: chunks.length, startedAtMs: nowMs, runStartedAtMs: nowMs, runStartRows: 0 });
    return (await this.#redis.eval(PLAN, 5, keyOf(id), brought.files, brought.chunks, partKey(id, 'files'), partKey(id, 'chunks'), run, ...members)) === 1;
  }

  /** Chunks are done about in their order, so the search begins where the last one found all done; before it is said that none is left, everything is looked at. */
  async pending(id: ImportId, limit: number): Promise<readonly ImportChunk[]> {
    const begin = this.#doneBefore.get(id) ?? 0;
    const found = await this.#pendingFrom(id, begin, limit);
    return found.length > 0 || begin === 0 ? found : this.#pendingFrom(id, 0, limit);
  }

  async file(id: ImportId, index: number): Promise<ImportFile | undefined> {
    const text = await this.#redis.lindex(partKey(id, 'files'), index);
    return text === null ? undefined : (JSON.parse(text) as ImportFile);
  }

  async record(id: ImportId, chunk: number, { accepted, rejections, receipt }: ChunkResult): Promise<boolean> {
    const slots = Object.entries(receipt);
    const keys = [keyOf(id), partKey(id, 'done'), partKey(id, 'rejections'), partKey(id, 'receipt')];
    const report = rejections.flatMap((rejection) => [String(rejection.row), JSON.stringify(rejection)]);
    return (await this.#redis.eval(RECORD, keys.length, ...keys, chunk, accepted, rejections.length, LIMITS.importRejections, slots.length, ...slots.flat(), ...report)) === 1;
  }

  async rejections(id: ImportId, first: number, limit: number): Promise<readonly Rejection[]> {
    const texts = await this.#redis.zrange(partKey(id, 'rejections'), String(first), String(first + limit - 1));
    return texts.map((text) => JSON.parse(text) as Rejection);
  }

  async delete(id: ImportId): Promise<boolean> {
    const status = await this.find(id);
    if (status === undefined) return false;
    const keys = [keyOf(id), ofTenant(status.record.tenant), ...keysOfParts(id)];
    return (await this.#redis.eval(DELETE, keys.length, ...keys, id)) === 1;
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  async #pendingFrom(id: ImportId, begin: number, limit: number): Promise<readonly ImportChunk[]> {
    const found: ImportChunk[] = [];
    const count = Number((await this.#redis.hget(keyOf(id), 'chunks')) ?? 0);
    for (let first = begin; first < count && found.length < limit; first += JOB_LIMITS.recordsPerCommand) {
      const indexes = Array.from({ length: Math.min(JOB_LIMITS.recordsPerCommand, count - first) }, (_, offset) => String(first + offset));
      const done = await this.#redis.hmget(partKey(id, 'done'), ...indexes);
      if (done.every((mark) => mark !== null)) {
        if (found.length === 0 && indexes.length === JOB_LIMITS.recordsPerCommand) this.#remember(id, first + indexes.length);
        continue;
      }
      const texts = await this.#redis.lrange(partKey(id, 'chunks'), first, first + indexes.length - 1);
      found.push(...texts.filter((_, offset) => done[offset] === null).map((text) => JSON.parse(text) as ImportChunk));
    }
    return found.slice(0, limit);
  }

  #remember(id: ImportId, chunk: number): void {
    if (this.#doneBefore.size >= JOB_LIMITS.sweptImports) this.#doneBefore.clear();
    this.#doneBefore.set(id, chunk);
  }

  async #find(ids: readonly ImportId[]): Promise<readonly ImportStatus[]> {
    const found = await Promise.all(ids.map((id) => this.find(id)));
    return found.filter((status) => status !== undefined);
  }

  /** A list that nobody refers to yet; should nobody ever, it goes away by itself. */
  async #append(key: string, items: readonly unknown[]): Promise<void> {
    for (let first = 0; first < items.length; first += JOB_LIMITS.recordsPerCommand) {
      await this.#redis.rpush(key, ...items.slice(first, first + JOB_LIMITS.recordsPerCommand).map((item) => JSON.stringify(item)));
      await this.#redis.expire(key, JOB_LIMITS.unusedPlanSeconds);
    }
  }
}
