import { startFakeShoal, type FakeFault, type FakeShoal } from '@shoal/client/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestSystem } from '../testing/test-system.ts';

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

type Agreement = 'agrees' | 'disputed';

/** Two shards with two slots, of which each has read its rows as often as the cluster was asked. */
function serve(agreementOf: (slot: number) => Agreement): void {
  let asked = 0;
  const answer = (status: number, value: unknown): FakeFault => ({ status, body: JSON.stringify(value), headers: { 'content-type': 'application/json' } });
  const slotOf = (slot: number) => ({
    slot, ready: true, appliedSequence: 41, setAsideCount: 0, embeddingCount: 1, vectorCount: 5,
    content: { digest: 'd', agreement: agreementOf(slot), comparedSequence: 40, differsFrom: [], verifications: asked, rebuildCount: 0 },
  });
  fake.faultBefore = ({ method, url }) => {
    if (method === 'POST' && url === '/v1/cluster/verifications') return answer(202, { slots: [0, 1] });
    if (url !== '/v1/cluster') return undefined;
    asked += 1;
    const shards = ['a', 'b'].map((shard) => ({ shard, version: '1', ready: true, lastSeenMs: 1, engineMemoryBytes: 1, engineMemoryMaxBytes: 2, slots: [slotOf(0), slotOf(1)] }));
    return answer(200, { version: '1', mode: 'cluster', bus: { kind: 'nats', description: 'x', connected: true }, slots: 2, shards, unservedSlots: [] });
  };
}

const lines = (): string[] => shoal.out.trimEnd().split('\n');

test('verify shows every slot, and that all are equal', async () => {
  serve(() => 'agrees');
  expect(await shoal.run('verify')).toBe(0);
  expect(lines()).toEqual([
    'slot  sequence  replicas  verdict',
    '----  --------  --------  -------',
    '   0        40  a, b      equal',
    '   1        40  a, b      equal',
    '2 slots: all rows are what was written, on every replica',
  ]);
});

test('verify ends with 1 when replicas differ, and says which', async () => {
  serve((slot) => (slot === 1 ? 'disputed' : 'agrees'));
  expect(await shoal.run('verify', '--slots', '0,1', '--timeout', '5')).toBe(1);
  expect(lines().slice(-2)).toEqual(['   1        40  a (disputed), b (disputed)  different', '1 of 2 slots are not known to be equal']);
  expect(JSON.parse(String(fake.requests.find(({ method }) => method === 'POST')?.body))).toEqual({ slots: [0, 1] });
  expect(await shoal.run('verify', '--slots', 'x')).toBe(1);
});
