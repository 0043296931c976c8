import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SUBJECTS, encodeShardStatus, parseSequence, parseShardId, parseSlot, type ClusterResponse, type ShardStatus } from '@shoal/protocol';
import { pino } from 'pino';
import { GATEWAY_LIMITS } from '../limits.ts';
import { GatewayFixture, startTestGateway } from '../testing/gateway-fixture.ts';
import { MemoryRequests } from '../testing/memory-requests.ts';
import { ClusterAgreement } from './agreement.ts';
import { ClusterView, type HeardShard } from './cluster-view.ts';
import { slotRanges } from './slot-ranges.ts';

let nowMs = 1_000_000;
const requests = new MemoryRequests();
const view = new ClusterView({ requests, slots: 4, clock: { nowMs: () => nowMs }, logger: pino({ level: 'silent' }) });
beforeAll(() => view.start());
afterAll(() => view.close());

function announce(shard: string, slots: readonly (readonly [slot: number, applied: number, ready?: boolean])[], over: Partial<ShardStatus> = {}): void {
  requests.announce(SUBJECTS.shardStatus, encodeShardStatus({
    shard: parseShardId(shard), version: '1', count: 1, startedAtMs: 1, engineMemoryBytes: 0, engineMemoryMaxBytes: 0,
    slots: slots.map(([slot, applied, ready = true]) => ({
      slot: parseSlot(slot), ready, appliedSequence: parseSequence(applied), setAsideCount: 0, embeddingCount: 0, vectorCount: 0,
    })),
    ...over,
  }));
}

describe('the view of the cluster', () => {
  it('knows who serves, and what every ready shard of a slot has applied', () => {
    expect(view.unservedSlots()).toEqual([0, 1, 2, 3]);
    announce('a', [[0, 10], [1, 20], [2, 30, false]]);
    announce('b', [[1, 15], [2, 5]]);
    expect(view.unservedSlots()).toEqual([3]);
    expect([0, 1, 2, 3].map((slot) => view.appliedFloor(parseSlot(slot)))).toEqual([10, 15, 5, 0]);
    expect(view.shards().map(({ status }) => status.shard)).toEqual(['a', 'b']);
  });

  it('ignores announcements that are older than what it heard, and damaged ones', () => {
    announce('a', [[0, 12]], { count: 5 });
    announce('a', [[0, 11]], { count: 4 });
    announce('a', [[0, 99]], { count: 9, startedAtMs: 0 });
    requests.announce(SUBJECTS.shardStatus, Buffer.from('damaged'));
    expect(view.appliedFloor(parseSlot(0))).toBe(12);
    announce('a', [[0, 3]], { count: 1, startedAtMs: 2 });
    expect(view.appliedFloor(parseSlot(0))).toBe(3);
  });

  it('forgets a shard that fell silent', () => {
    nowMs += GATEWAY_LIMITS.shardSilenceMs - 1;
    announce('b', [[1, 16], [2, 6]], { count: 2 });
    nowMs += 2;
    expect(view.shards().map(({ status }) => status.shard)).toEqual(['b']);
    expect(view.unservedSlots()).toEqual([0, 3]);
    nowMs += GATEWAY_LIMITS.shardSilenceMs;
    expect(view.shards()).toEqual([]);
    expect(view.unservedSlots()).toEqual([0, 1, 2, 3]);
  });

  it('hears a shard again that started, by its own clock, before its earlier run', () => {
    announce('late', [[0, 7]], { startedAtMs: 100 });
    announce('late', [[0, 8]], { startedAtMs: 50 });
    expect(view.appliedFloor(parseSlot(0))).not.toBe(8);
    nowMs += GATEWAY_LIMITS.shardSilenceMs + 1;
    announce('late', [[0, 9]], { startedAtMs: 50, count: 2 });
    expect(view.appliedFloor(parseSlot(0))).toBe(9);
  });
});

describe('the agreement of replicas', () => {
  it('is shown per slot and shard, from what they announced', () => {
    const content = (digest: string) => ({ version: 1, digest: digest.repeat(16), marks: [], rebuildCount: 0, verified: { count: 2, sequence: parseSequence(7) } });
    const heard = (shard: string, digest: string | undefined): Pick<HeardShard, 'status'> => ({
      status: {
        shard: parseShardId(shard), version: '1', count: 1, startedAtMs: 1, engineMemoryBytes: 0, engineMemoryMaxBytes: 0,
        slots: [{ slot: parseSlot(3), ready: true, appliedSequence: parseSequence(9), setAsideCount: 0, embeddingCount: 0, vectorCount: 0, ...(digest === undefined ? {} : { content: content(digest) }) }],
      },
    });
    const shards = [heard('a', '1'), heard('b', '2'), heard('c', undefined)];
    const agreement = new ClusterAgreement(shards);
    const shown = shards.map(({ status }) => status.slots.map((slot) => agreement.slotToJson(status.shard, slot).content));
    expect(shown).toEqual([
      [{ digest: '1111111111111111', agreement: 'disputed', comparedSequence: 9, differsFrom: ['b'], verifications: 2, verifiedSequence: 7, rebuildCount: 0 }],
      [expect.objectContaining({ digest: '2222222222222222', agreement: 'disputed', differsFrom: ['a'] })],
      [undefined],
    ]);
  });
});

describe('slot ranges', () => {
  it.each([[[], ''], [[3], '3'], [[0, 1, 2], '0-2'], [[0, 2, 3, 7, 8, 9], '0, 2-3, 7-9']])('%j is %j', (slots, text) => {
    expect(slotRanges(slots)).toBe(text);
  });
});

describe('readiness', () => {
  it('names everything that is missing', async () => {
    const fixture = new GatewayFixture(4);
    fixture.gateway = await startTestGateway(fixture.bus);
    const before = await fixture.call('GET', '/readyz');
    expect(before.json()).toMatchObject({ code: 'not_ready', status: 503, retryable: true, detail: 'Not ready: no shard is ready for slots 0-3.' });
    expect(before.headers.get('retry-after')).toBe('1');
    await fixture.shard.start();
    expect((await fixture.call('GET', '/readyz')).json()).toEqual({ status: 'ready' });
    fixture.shard.announce([0, 3]);
    fixture.bus.isConnected = false;
    expect((await fixture.call('GET', '/readyz')).json()).toMatchObject({ detail: 'Not ready: the message bus is not connected; no shard is ready for slots 1-2.' });
    expect((await fixture.call('GET', '/healthz')).json()).toEqual({ status: 'ok', version: '0.0.0-test' });
    fixture.bus.isConnected = true;
    const cluster = (await fixture.call('GET', '/v1/cluster')).json<ClusterResponse>();
    expect(cluster).toMatchObject({ version: '0.0.0-test', mode: 'embedded', bus: { kind: 'embedded', description: 'in memory', connected: true }, slots: 4, unservedSlots: [1, 2] });
    expect(cluster.shards).toMatchObject([{ shard: 'flat', ready: true, engineMemoryBytes: 1, engineMemoryMaxBytes: 2, slots: [{ slot: 0 }, { slot: 3 }] }]);
    await fixture.close();
  });
});
