/** Every kind of write, repeated under its idempotency key through different gateways and across restarts, changes nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddingHandle, ShoalClient, WriteResult } from '@shoal/client';
import { EmbeddedProcess } from '../harness/embedded-process.ts';
import { startCluster } from '../harness/suite-cluster.ts';

interface Subject {
  readonly clients: readonly ShoalClient[];
  /** Kills what holds the vectors and starts it again. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

async function cluster(): Promise<Subject> {
  const { cluster: running, close } = await startCluster({ shardCount: 1, gatewayCount: 2 });
  return {
    clients: [running.client(0), running.client(1)],
    close,
    async restart() {
      await running.shards[0]?.end('SIGKILL');
      running.shards[0]?.start();
      await running.ready();
    },
  };
}

async function embedded(): Promise<Subject> {
  const node = await EmbeddedProcess.start();
  return {
    clients: [node.client()],
    close: () => node.close(),
    async restart() {
      await node.process.end('SIGKILL');
      await node.restart();
    },
  };
}

const values = (number: number): Float32Array => Float32Array.of(number, 1, 0);
const once = (idempotencyKey: string) => ({ idempotencyKey, wait: 'applied' as const });

type Handle = EmbeddingHandle;

/** Each write, and what becomes of its items the first time, after the writes before it. */
const WRITES: readonly (readonly [string, (handle: Handle) => Promise<Partial<WriteResult> & { readonly deleted?: number }>, unknown])[] = [
  ['upsert', (handle) => handle.upsert([{ key: 'a', values: values(1), payload: { colour: 'red' } }, { key: 'b', values: values(2), payload: { colour: 'red' } }], once('w1')), ['created', 'created']],
  ['insert', (handle) => handle.insert([{ key: 'b', values: values(9) }, { key: 'c', values: values(3) }], once('w2')), ['exists', 'created']],
  ['payload update', (handle) => handle.updatePayloads([{ key: 'a', payload: { colour: 'blue' } }, { key: 'x', payload: {} }], once('w3')), ['updated', 'absent']],
  ['delete by keys', (handle) => handle.delete(['c', 'x'], once('w4')), ['deleted', 'absent']],
  ['delete by filter', (handle) => handle.deleteMatching({ field: 'colour', equals: 'red' }, once('w5')), 1],
  ['conditional write', (handle) => handle.upsert([{ key: 'd', values: values(4), ifSequence: 0 }, { key: 'a', values: values(5), ifSequence: 0 }], once('w6')), ['created', 'conflict']],
];

async function stateOf(handle: Handle): Promise<unknown> {
  const vectors: unknown[] = [];
  for await (const { key, sequence, values: components, payload } of handle.scroll({ include: ['values', 'payload'] })) vectors.push({ key, sequence, components: Array.from(components ?? []), payload });
  return vectors;
}

const told = (result: Awaited<ReturnType<(typeof WRITES)[number][1]>>): unknown => result.deleted ?? result.outcomes?.map(({ outcome }) => outcome);

describe.each([['over NATS, with two gateways', cluster], ['embedded', embedded]] as const)('%s', (_name, start) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await start();
  });
  afterAll(() => subject.close());

  it('has no effect and the outcomes of the first time', async () => {
    const { clients } = subject;
    await clients[0]?.register({ name: 'repeated', model: 'm', dim: 3, distance: 'l2', partitions: 2, fields: { colour: 'keyword' } });
    const handles = clients.map((client) => client.embedding('repeated'));
    const pick = (number: number): Handle => handles[number % handles.length] as Handle;
    for (const [index, [name, write, expected]] of WRITES.entries()) expect(told(await write(pick(index))), name).toEqual(expected);
    // Written by others meanwhile: a repetition that took effect would undo it.
    const { receipt } = await pick(0).upsert([{ key: 'a', values: values(77), payload: { colour: 'red' } }, { key: 'b', values: values(78) }, { key: 'c', values: values(79), payload: { colour: 'red' } }]);
    await pick(0).waitUntilApplied(receipt);
    const before = await stateOf(pick(0));
    for (let round = 0; round < 3; round += 1) {
      for (const [index, [name, write, expected]] of WRITES.entries()) {
        for (const handle of handles) expect(told(await write(handle)), `${name}, round ${round}`).toEqual(expected);
        if (index === round) await subject.restart();
      }
      expect(await stateOf(pick(round))).toEqual(before);
    }
  });

  it('refuses a key that was used for another write', async () => {
    const other = (handle: Handle) => handle.upsert([{ key: 'a', values: values(55) }], once('w1'));
    for (const client of subject.clients) {
      const handle = client.embedding('repeated');
      const before = await stateOf(handle);
      await expect(other(handle)).rejects.toMatchObject({ code: 'idempotency_key_reused' });
      expect(await stateOf(handle)).toEqual(before);
    }
  });
});
