import { describe, expect, it } from 'vitest';
import { parseEmbeddingName } from '@shoal/protocol';
import { TENANT, checkCatalogue, newCatalogue, recordsIn, wanted } from '../testing/catalogue-check.ts';
import { MemoryBus } from '../testing/memory-bus.ts';
import { SteppedGateway } from '../testing/stepped-gateway.ts';

const name = parseEmbeddingName('films');

/**
 * A gateway that has claimed its identity, has found the name taken, and is about to withdraw: the holder registered between
 * the claim and the look at the name. Calls: 0 identity, 1 name, 2 and 3 counter, 4 claim, 5 to 8 name and its holder, 9 withdrawal.
 */
async function aboutToWithdraw(bus: MemoryBus) {
  const withdrawing = new SteppedGateway(bus, [5, 9]);
  const registration = withdrawing.catalogue.register(TENANT, wanted({ name }));
  registration.catch(() => undefined);
  await withdrawing.stopped();
  await newCatalogue(bus).register(TENANT, wanted({ name, model: 'holder' }));
  withdrawing.goOn();
  await withdrawing.stopped();
  return { withdrawing, registration };
}

describe('a registration whose identity another gateway claims after it was read', () => {
  it('returns the embedding of that claim, whose name it finds taken', async () => {
    const bus = new MemoryBus();
    // Calls: 0 identity, 1 name.
    const slower = new SteppedGateway(bus, [1]);
    const registration = slower.catalogue.register(TENANT, wanted({ name }));
    await slower.stopped();
    const faster = await newCatalogue(bus).register(TENANT, wanted({ name }));
    slower.goOn();
    expect(await registration).toEqual({ record: faster.record, created: false });
    checkCatalogue(bus);
  });
});

describe('a claim that one gateway withdraws while another finishes it', () => {
  it('is withdrawn when nothing has changed', async () => {
    const bus = new MemoryBus();
    const { withdrawing, registration } = await aboutToWithdraw(bus);
    withdrawing.goOn();
    await expect(registration).rejects.toMatchObject({ code: 'name_taken' });
    checkCatalogue(bus);
  });

  it('becomes an embedding when the name fell free and the other was faster', async () => {
    const bus = new MemoryBus();
    const { withdrawing, registration } = await aboutToWithdraw(bus);
    await newCatalogue(bus).drop(TENANT, name);
    const finished = await newCatalogue(bus).register(TENANT, wanted({ name }));
    withdrawing.goOn();
    expect((await registration).record).toEqual(finished.record);
    checkCatalogue(bus);
  });

  it('is gone for both when the withdrawal comes first, and both agree on the next', async () => {
    const bus = new MemoryBus();
    const { withdrawing, registration } = await aboutToWithdraw(bus);
    await newCatalogue(bus).drop(TENANT, name);
    // Calls: 0 the claim, 1 the name, 2 the claim becomes named.
    const finishing = new SteppedGateway(bus, [2]);
    const finished = finishing.catalogue.register(TENANT, wanted({ name }));
    await finishing.stopped();
    withdrawing.goOn();
    // The withdrawn claim left the name behind; a caller that comes now takes it over.
    await registration.catch(() => undefined);
    finishing.goOn();
    const { record } = await finished;
    expect(record.state).toBe('active');
    const again = await newCatalogue(bus).register(TENANT, wanted({ name }));
    expect(again.record).toEqual(record);
    checkCatalogue(bus);
  });
});

describe('a gateway that was asleep for long', () => {
  it('cannot bring back what was dropped meanwhile', async () => {
    for (let stop = 5; stop <= 10; stop += 1) {
      const bus = new MemoryBus();
      const sleeper = new SteppedGateway(bus, [stop]);
      const registration = sleeper.catalogue.register(TENANT, wanted({ name, partitions: 2 }));
      await sleeper.stopped();
      const other = newCatalogue(bus);
      const first = await other.register(TENANT, wanted({ name, partitions: 2 }));
      await other.drop(TENANT, name);
      sleeper.goOn();
      const { record } = await registration;
      expect(record.state, `asleep before call ${stop}`).toBe('active');
      expect(record.spec.code).toBeGreaterThan(first.record.spec.code);
      expect(recordsIn(bus).map(({ state }) => state).sort()).toEqual(['active', 'dropped']);
      checkCatalogue(bus);
    }
  });

  it('cannot drop what was registered anew meanwhile', async () => {
    for (let stop = 0; stop <= 12; stop += 1) {
      const bus = new MemoryBus();
      const other = newCatalogue(bus);
      await other.register(TENANT, wanted({ name }));
      const sleeper = new SteppedGateway(bus, [stop]);
      const drop = sleeper.catalogue.drop(TENANT, name);
      await sleeper.stopped();
      await other.drop(TENANT, name).catch(() => undefined);
      const { record } = await other.register(TENANT, wanted({ name }));
      sleeper.goOn();
      await drop.catch(() => undefined);
      checkCatalogue(bus);
      const states = recordsIn(bus).map(({ spec, state }) => `${spec.code} ${state}`).sort();
      // Asleep before it had read whose name it is, it drops what has the name now; afterwards it cannot.
      expect(states, `asleep before call ${stop}`).toEqual(stop === 0 ? ['1 dropped', `${record.spec.code} dropped`] : ['1 dropped', `${record.spec.code} active`]);
    }
  });
});
