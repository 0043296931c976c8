import { LIMITS, parseEmbeddingCode } from '@shoal/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { SHARD_LIMITS } from './limits.ts';
import { MemoryShortages } from './memory-shortages.ts';

const [first, second] = [parseEmbeddingCode(1), parseEmbeddingCode(2)];

describe('embeddings whose writes found no memory', () => {
  let use: { usedBytes: number; vectorCount: number };
  let nowMs: number;
  let shortages: MemoryShortages;

  beforeEach(() => {
    use = { usedBytes: 1_000, vectorCount: 10 };
    nowMs = 0;
    shortages = new MemoryShortages(() => use, () => nowMs);
    shortages.note(first);
  });

  it('are told while nothing was freed, and new vectors of others change nothing', () => {
    expect(shortages.codes()).toEqual([first]);
    use = { usedBytes: 1_100, vectorCount: 12 };
    shortages.note(second);
    expect(shortages.codes()).toEqual([first, second]);
  });

  it.each([
    { freed: 'memory', now: { usedBytes: 999, vectorCount: 10 }, afterMs: 0 },
    { freed: 'a vector', now: { usedBytes: 1_000, vectorCount: 9 }, afterMs: 0 },
    { freed: 'nothing for long', now: { usedBytes: 1_000, vectorCount: 10 }, afterMs: SHARD_LIMITS.memoryShortageMs + 1 },
  ])('are forgotten when there was freed: $freed', ({ now, afterMs }) => {
    use = now;
    nowMs = afterMs;
    expect(shortages.codes()).toEqual([]);
    nowMs += 1;
    shortages.note(first);
    expect(shortages.codes()).toEqual([first]);
  });

  it('are bounded in number', () => {
    for (let code = 1; code <= LIMITS.embeddingsWithoutMemory + 5; code += 1) shortages.note(parseEmbeddingCode(code));
    expect(shortages.codes()).toHaveLength(LIMITS.embeddingsWithoutMemory);
    expect(shortages.codes()).toContain(first);
  });
});
