import { describe, expect, it } from 'vitest';
import { parseShardEnvironment, parseSlotRanges } from './config.ts';

const complete = { SHOAL_NATS_URL: 'nats://127.0.0.1:4222', SHOAL_SHARD_ID: 'shard-1', SHOAL_SHARD_SLOTS: '0-3', SHOAL_DATA_DIR: '/data', SHOAL_SLOTS: '8' };

describe('parseShardEnvironment', () => {
  it('takes a complete environment and fills in defaults', () => {
    const config = parseShardEnvironment(complete);
    expect(config).toMatchObject({ shard: 'shard-1', ownedSlots: [0, 1, 2, 3], slots: 8, streams: 4, directory: '/data' });
    expect(config.searchThreadCount).toBeGreaterThanOrEqual(1);
  });

  it.each([
    ['SHOAL_NATS_URL', undefined],
    ['SHOAL_SHARD_ID', 'Not A Name'],
    ['SHOAL_SHARD_SLOTS', '0-8'],
    ['SHOAL_SHARD_SLOTS', '3-1'],
    ['SHOAL_SHARD_SLOTS', 'all'],
    ['SHOAL_SLOTS', '0'],
    ['SHOAL_SLOTS', '1e2'],
    ['SHOAL_STREAMS', '9'],
    ['SHOAL_SEARCH_THREADS', '-1'],
    ['SHOAL_DATA_DIR', ''],
  ])('refuses %s = %s and names it', (name, value) => {
    expect(() => parseShardEnvironment({ ...complete, [name]: value })).toThrow(expect.objectContaining({ field: name }) as Error);
  });
});

describe('parseSlotRanges', () => {
  it('joins ranges and single slots, ascending and without repetition', () => {
    expect(parseSlotRanges('5, 0-2,1-3', 8)).toEqual([0, 1, 2, 3, 5]);
  });
});

describe('a shard without slots of its own', () => {
  const { SHOAL_SHARD_SLOTS: _slots, ...placed } = complete;

  it('takes slots in proportion to its memory, unless its capacity is set', () => {
    expect(parseShardEnvironment({ ...placed, SHOAL_ENGINE_MEMORY_MB: '512' })).toMatchObject({ placement: { capacity: 512, replicas: 2 } });
    expect(parseShardEnvironment(placed)).not.toHaveProperty('ownedSlots');
    expect(parseShardEnvironment({ ...placed, SHOAL_SHARD_CAPACITY: '3', SHOAL_REPLICAS: '1' }).placement).toEqual({ capacity: 3, replicas: 1 });
  });

  it.each([['SHOAL_SHARD_CAPACITY', '0'], ['SHOAL_REPLICAS', '9']])('refuses %s = %s and names it', (name, value) => {
    expect(() => parseShardEnvironment({ ...placed, [name]: value })).toThrow(expect.objectContaining({ field: name }) as Error);
  });
});
