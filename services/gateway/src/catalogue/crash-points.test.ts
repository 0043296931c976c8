import { describe, expect, it } from 'vitest';
import { ShoalError, parseEmbeddingName } from '@shoal/protocol';
import { systemTimers, type Timers } from '@shoal/pacing';
import { GATEWAY_LIMITS } from '../limits.ts';
import { TENANT, checkCatalogue, newCatalogue, recordsIn, wanted } from '../testing/catalogue-check.ts';
import { DeadGateway, FaultyBus, type FaultKind } from '../testing/faulty-bus.ts';
import { MemoryBus } from '../testing/memory-bus.ts';

const name = parseEmbeddingName('films');
const other = parseEmbeddingName('books');
const KINDS: readonly FaultKind[] = ['before', 'after'];

/** Runs `work` on a gateway that dies at its n-th call, for every n at which it is still at work. */
async function atEveryCrashPoint(
  prepare: (bus: MemoryBus) => Promise<void>,
  work: (bus: FaultyBus) => Promise<unknown>,
  thereafter: (bus: MemoryBus, crashPoint: string) => Promise<void>,
): Promise<number> {
  let crashPoints = 0;
  for (const kind of KINDS) {
    for (let diesAt = 0; ; diesAt += 1) {
      const bus = new MemoryBus();
      await prepare(bus);
      const faulty = new FaultyBus(bus, diesAt, kind);
      const died = await work(faulty).then(() => false, (error: unknown) => {
        if (error instanceof DeadGateway) return true;
        throw error;
      });
      if (!died) break;
      crashPoints += 1;
      await thereafter(bus, `${kind} call ${diesAt}`);
    }
  }
  return crashPoints;
}

const register = (bus: FaultyBus) => newCatalogue(bus).register(TENANT, wanted({ name, partitions: 2 }));
const nothing = () => Promise.resolve();

describe('a gateway that dies while it registers', () => {
  it('leaves a registration that the next caller finishes', async () => {
    const crashPoints = await atEveryCrashPoint(nothing, register, async (bus, crashPoint) => {
      const { record } = await newCatalogue(bus).register(TENANT, wanted({ name, partitions: 2 }));
      expect(record.state, crashPoint).toBe('active');
      expect((await newCatalogue(bus).resolve(TENANT, name)).spec, crashPoint).toEqual(record.spec);
      checkCatalogue(bus);
    });
    expect(crashPoints).toBeGreaterThan(15);
  });

  it('leaves an embedding that is there or not, for whoever looks', async () => {
    await atEveryCrashPoint(nothing, register, async (bus, crashPoint) => {
      const found = await newCatalogue(bus).resolve(TENANT, name).then((record) => record.state, (error: unknown) => error instanceof ShoalError && error.code);
      expect(['active', 'embedding_not_found'], crashPoint).toContain(found);
      checkCatalogue(bus);
    });
  });

  it('leaves a name that another embedding gets, or finds taken by one that then exists', async () => {
    await atEveryCrashPoint(nothing, register, async (bus, crashPoint) => {
      const catalogue = newCatalogue(bus);
      const outcome = await catalogue.register(TENANT, wanted({ name, model: 'another' })).then(({ record }) => record.spec.model, (error: unknown) => error instanceof ShoalError && error.code);
      const holder = await catalogue.resolve(TENANT, name);
      expect(holder.spec.model, crashPoint).toBe(outcome === 'name_taken' ? 'model' : 'another');
      const first = await catalogue.register(TENANT, wanted({ name: outcome === 'name_taken' ? name : other }));
      expect(first.record.state, crashPoint).toBe('active');
      checkCatalogue(bus);
    });
  });

  it('leaves an embedding that can be dropped', async () => {
    await atEveryCrashPoint(nothing, register, async (bus, crashPoint) => {
      const catalogue = newCatalogue(bus);
      const found = await catalogue.resolve(TENANT, name).then(() => true, () => false);
      const dropped = await catalogue.drop(TENANT, name).then(() => true, () => false);
      expect(dropped, crashPoint).toBe(found);
      const again = await catalogue.register(TENANT, wanted({ name, partitions: 2 }));
      expect(again.record.state).toBe('active');
      checkCatalogue(bus);
    });
  });
});

describe('a gateway that dies while it withdraws a registration', () => {
  it('leaves the name with its holder and the identity free', async () => {
    const prepare = async (bus: MemoryBus): Promise<void> => {
      // A claim from before the holder had the name: the withdrawal that a race would bring.
      await register(new FaultyBus(bus, 4, 'after')).catch(() => undefined);
      await newCatalogue(bus).register(TENANT, wanted({ name, model: 'holder' }));
    };
    const crashPoints = await atEveryCrashPoint(prepare, (bus) => register(bus).catch(ignoreNameTaken), async (bus, crashPoint) => {
      expect((await newCatalogue(bus).resolve(TENANT, name)).spec.model, crashPoint).toBe('holder');
      await expect(newCatalogue(bus).register(TENANT, wanted({ name }))).rejects.toMatchObject({ code: 'name_taken' });
      expect((await newCatalogue(bus).register(TENANT, wanted({ name: other }))).record.state).toBe('active');
      checkCatalogue(bus);
    });
    expect(crashPoints).toBeGreaterThan(3);
  });
});

function ignoreNameTaken(error: unknown): void {
  if (!(error instanceof ShoalError) || error.code !== 'name_taken') throw error;
}

describe('a gateway that dies while it drops', () => {
  const prepare = async (bus: MemoryBus): Promise<void> => {
    await newCatalogue(bus).register(TENANT, wanted({ name, partitions: 2 }));
  };
  const drop = (bus: FaultyBus) => newCatalogue(bus).drop(TENANT, name);

  it('leaves a drop that the next one finishes', async () => {
    const crashPoints = await atEveryCrashPoint(prepare, drop, async (bus, crashPoint) => {
      const catalogue = newCatalogue(bus);
      await catalogue.drop(TENANT, name).catch((error: unknown) => {
        if (!(error instanceof ShoalError) || error.code !== 'embedding_not_found') throw error;
      });
      expect(recordsIn(bus).map(({ state }) => state), crashPoint).toEqual(['dropped']);
      await expect(catalogue.resolve(TENANT, name)).rejects.toMatchObject({ code: 'embedding_not_found' });
      checkCatalogue(bus);
    });
    expect(crashPoints).toBeGreaterThan(15);
  });

  it('leaves an identity and a name that can be registered again', async () => {
    await atEveryCrashPoint(prepare, drop, async (bus, crashPoint) => {
      const { record } = await newCatalogue(bus).register(TENANT, wanted({ name, partitions: 2 }));
      expect(record.state, crashPoint).toBe('active');
      checkCatalogue(bus);
    });
  });

  it('leaves a name that another embedding gets as soon as the drop is done', async () => {
    await atEveryCrashPoint(prepare, drop, async (bus, crashPoint) => {
      const catalogue = newCatalogue(bus);
      await catalogue.drop(TENANT, name).catch(() => undefined);
      expect((await catalogue.register(TENANT, wanted({ name, model: 'another' }))).record.spec.name, crashPoint).toBe(name);
      checkCatalogue(bus);
    });
  });
});

describe('a gateway that only watches', () => {
  it.each([
    ['registration', 'registering', 'active', (bus: FaultyBus) => register(bus)],
    ['drop', 'dropping', 'dropped', (bus: FaultyBus) => newCatalogue(bus).drop(TENANT, name)],
  ] as const)('finishes a %s that has stood still for a whole period', async (_what, left, finished, work) => {
    let crashPoints = 0;
    for (let diesAt = 0; ; diesAt += 1) {
      const bus = new MemoryBus();
      if (left === 'dropping') await newCatalogue(bus).register(TENANT, wanted({ name, partitions: 2 }));
      const died = await work(new FaultyBus(bus, diesAt, 'after')).then(() => false, () => true);
      if (!died) break;
      if (recordsIn(bus)[0]?.state !== left) continue;
      crashPoints += 1;
      const sweeps: (() => void)[] = [];
      const timers: Timers = { after: (delayMs, callback) => (delayMs === GATEWAY_LIMITS.unfinishedSweepMs ? (sweeps.push(callback), () => undefined) : systemTimers.after(delayMs, callback)) };
      const watcher = newCatalogue(bus, timers);
      await watcher.start();
      sweeps[0]?.();
      await expect.poll(() => sweeps.length).toBe(2);
      expect(recordsIn(bus)[0]?.state, 'after one look').toBe(left);
      sweeps[1]?.();
      await expect.poll(() => recordsIn(bus)[0]?.state).toBe(finished);
      await watcher.close();
      checkCatalogue(bus);
    }
    expect(crashPoints).toBeGreaterThan(1);
  });
});
