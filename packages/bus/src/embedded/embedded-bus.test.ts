import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../bus.ts';
import { type BusUnderTest, busConformance } from '../conformance/bus-conformance.ts';
import { entry, readMessages, textOf, WRITE } from '../conformance/log-fixtures.ts';
import { openEmbeddedBus } from './embedded-bus.ts';
import { logKey } from './records.ts';

async function openFresh(): Promise<BusUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'shoal-bus-'));
  const options = { directory, slots: 4, durability: 'fsync' } as const;
  let bus: Bus = await openEmbeddedBus(options);
  return {
    bus,
    peer: async () => bus,
    reopen: async () => {
      await bus.close();
      bus = await openEmbeddedBus(options);
      return bus;
    },
    dispose: async () => {
      await bus.close();
      await rm(directory, { recursive: true });
    },
  };
}

busConformance('embedded', openFresh);

describe('embedded bus on disk', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'shoal-bus-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const open = (overrides: Partial<Parameters<typeof openEmbeddedBus>[0]> = {}): Promise<Bus> =>
    openEmbeddedBus({ directory, slots: 4, durability: 'os', ...overrides });

  it('lets one opener in and names the directory to the second', async () => {
    const bus = await open();
    await expect(open()).rejects.toMatchObject({ code: 'directory_locked', message: expect.stringContaining(directory) });
    await bus.close();
    await (await open()).close();
  });

  it('refuses another slot count, naming both', async () => {
    await (await open()).close();
    await expect(open({ slots: 8 })).rejects.toMatchObject({ code: 'log_incompatible', message: expect.stringMatching(/4 slots.*8/) });
    await (await open()).close();
  });

  it('refuses a directory that cannot be one', async () => {
    const file = join(directory, 'file');
    await writeFile(file, 'x');
    await expect(open({ directory: file })).rejects.toMatchObject({ code: 'directory_unusable' });
    await expect(open({ directory: join(file, 'below') })).rejects.toMatchObject({ code: 'directory_unusable' });
  });

  it('reports a database that is damaged', async () => {
    await (await open()).close();
    await writeFile(join(directory, 'CURRENT'), 'nonsense');
    await expect(open()).rejects.toMatchObject({ code: 'store_corrupt' });
  });

  it('reports a message that is damaged, after those before it', async () => {
    const bus = await open();
    await bus.log.publish([entry(1, 'a'), entry(1, 'b'), entry(1, 'c')], WRITE);
    await bus.close();
    await alter(directory, (level) => flipLastByte(level, logKey(1 as never, 2)));
    const reopened = await open();
    expect((await readMessages(reopened.log, 1, { count: 1, maxMessages: 1 })).map(textOf)).toEqual(['a']);
    await expect(readMessages(reopened.log, 1, { from: 2, count: 1 })).rejects.toMatchObject({ code: 'store_corrupt' });
    await reopened.close();
  });

  it('reports a message that is missing', async () => {
    const bus = await open();
    await bus.log.publish([entry(1, 'a'), entry(1, 'b'), entry(1, 'c')], WRITE);
    await bus.close();
    await alter(directory, (level) => level.del(logKey(1 as never, 2)));
    const reopened = await open();
    await expect(readMessages(reopened.log, 1, { count: 3 })).rejects.toMatchObject({ code: 'store_corrupt' });
    await reopened.close();
  });

  it('stamps messages with the clock it was given', async () => {
    const bus = await open({ now: () => 1_700_000_000_123 });
    await bus.log.publish([entry(0, 'a')], WRITE);
    expect((await readMessages(bus.log, 0, { count: 1 }))[0]?.timeMs).toBe(1_700_000_000_123);
    await bus.close();
  });

  it('reads a long log from disk in bounded groups', async () => {
    const bus = await open();
    const entries = Array.from({ length: 3_000 }, (_, index) => entry(0, `${index} ${'x'.repeat(500)}`));
    await bus.log.publish(entries, WRITE);
    await bus.close();
    const reopened = await open();
    const messages = await readMessages(reopened.log, 0, {
      count: 3_000,
      maxMessages: 1_000,
      maxBytes: 100_000,
      onGroup: (group) => expect(group.length).toBeLessThanOrEqual(200),
    });
    expect(messages.map((message) => Number(textOf(message).split(' ')[0]))).toEqual(entries.map((_, index) => index));
    await reopened.close();
  });
});

async function alter(directory: string, change: (level: ClassicLevel<Uint8Array, Uint8Array>) => Promise<void>): Promise<void> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' });
  await level.open();
  await change(level);
  await level.close();
}

async function flipLastByte(level: ClassicLevel<Uint8Array, Uint8Array>, key: Uint8Array): Promise<void> {
  const value = Uint8Array.from((await level.get(key)) ?? []);
  value[value.length - 1] = (value.at(-1) ?? 0) ^ 1;
  await level.put(key, value);
}
