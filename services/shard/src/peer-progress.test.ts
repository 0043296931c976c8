import { parseSequence, parseShardId, parseSlot, type ShardStatus } from '@shoal/protocol';
import { expect, it } from 'vitest';
import { SHARD_LIMITS } from './limits.ts';
import { PeerProgress } from './peer-progress.ts';

const slot = parseSlot(3);
const own = parseShardId('own');
let nowMs = 1_000_000;

function heardOf(peers: PeerProgress, shard: string, applied: number, over: { readonly ready?: boolean; readonly lagging?: true } = {}): void {
  const status: ShardStatus = {
    shard: parseShardId(shard), version: '1', count: 1, startedAtMs: 1, engineMemoryBytes: 0, engineMemoryMaxBytes: 0,
    slots: [{ slot, ready: true, appliedSequence: parseSequence(applied), setAsideCount: 0, embeddingCount: 0, vectorCount: 0, ...over }],
  };
  peers.hear(status);
}

const lags = (peers: PeerProgress, applied: number, lagged = false): boolean => peers.isLagging(slot, parseSequence(applied), lagged);

it('a replica lags that lacks what another one had some time ago, until it has come close', () => {
  const peers = new PeerProgress(own, () => nowMs);
  heardOf(peers, 'other', 100);
  nowMs += SHARD_LIMITS.laggingMs - 1;
  expect(lags(peers, 99)).toBe(false);
  nowMs += 1;
  expect(lags(peers, 99)).toBe(true);
  expect(lags(peers, 100)).toBe(false);
  heardOf(peers, 'other', 110);
  nowMs += SHARD_LIMITS.caughtUpMs;
  expect(lags(peers, 109, false)).toBe(false);
  expect(lags(peers, 109, true)).toBe(true);
  expect(lags(peers, 110, true)).toBe(false);
});

it('nobody lags behind itself, behind one that lags or is not ready, or behind one that fell silent', () => {
  const peers = new PeerProgress(own, () => nowMs);
  heardOf(peers, 'own', 100);
  heardOf(peers, 'recovering', 100, { ready: false });
  heardOf(peers, 'behind', 100, { lagging: true });
  nowMs += SHARD_LIMITS.laggingMs;
  expect(lags(peers, 1)).toBe(false);
  heardOf(peers, 'other', 100);
  nowMs += SHARD_LIMITS.laggingMs;
  expect(lags(peers, 1)).toBe(true);
  nowMs += SHARD_LIMITS.peerProgressMs;
  expect(lags(peers, 1, true)).toBe(false);
});
