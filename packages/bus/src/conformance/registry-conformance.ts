import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Registry, RegistryChange } from '../registry.ts';
import type { BusUnderTest, OpenBus } from './bus-conformance.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined): string | undefined => (bytes === undefined ? undefined : new TextDecoder().decode(bytes));

export function registryConformance(open: OpenBus): void {
  describe('registry', () => {
    let under: BusUnderTest;
    let registry: Registry;
    beforeEach(async () => {
      under = await open();
      registry = under.bus.registry;
    });
    afterEach(() => under.dispose());

    it('creates, reads, updates and deletes', async () => {
      expect(await registry.get('embedding.1')).toBeUndefined();
      const created = (await registry.create('embedding.1', utf8('one'))) ?? 0;
      expect(created).toBeGreaterThan(0);
      expect(await registry.get('embedding.1')).toEqual({ key: 'embedding.1', value: utf8('one'), revision: created });
      const updated = (await registry.update('embedding.1', utf8('two'), created)) ?? 0;
      expect(updated).toBeGreaterThan(created);
      expect(textOf((await registry.get('embedding.1'))?.value)).toBe('two');
      expect(await registry.delete('embedding.1', updated)).toBe(true);
      expect(await registry.get('embedding.1')).toBeUndefined();
    });

    it('refuses what does not fit the present revision', async () => {
      const first = (await registry.create('counter', utf8('1'))) ?? 0;
      expect(await registry.create('counter', utf8('x'))).toBeUndefined();
      const second = (await registry.update('counter', utf8('2'), first)) ?? 0;
      expect(await registry.update('counter', utf8('x'), first)).toBeUndefined();
      expect(await registry.update('absent', utf8('x'), 1)).toBeUndefined();
      expect(await registry.delete('counter', first)).toBe(false);
      expect(await registry.delete('absent', 1)).toBe(false);
      expect(await registry.get('counter')).toEqual({ key: 'counter', value: utf8('2'), revision: second });
    });

    it('lets a deleted key be created again, with a higher revision', async () => {
      const first = (await registry.create('name.a', utf8('1'))) ?? 0;
      await registry.delete('name.a', first);
      expect(await registry.update('name.a', utf8('x'), first)).toBeUndefined();
      const second = (await registry.create('name.a', utf8('2'))) ?? 0;
      expect(second).toBeGreaterThan(first);
      expect(await registry.create('name.a', utf8('3'))).toBeUndefined();
      expect(textOf((await registry.get('name.a'))?.value)).toBe('2');
    });

    it('lets one of many concurrent creators win', async () => {
      const peer = (await under.peer()).registry;
      const outcomes = await Promise.all(Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? registry : peer).create('race', utf8(String(index)))));
      const winners = outcomes.flatMap((revision, index) => (revision === undefined ? [] : [{ revision, index }]));
      expect(winners).toHaveLength(1);
      expect(await peer.get('race')).toEqual({ key: 'race', value: utf8(String(winners[0]?.index)), revision: winners[0]?.revision });
    });

    it('counts right when many increment by compare-and-set', async () => {
      const peer = (await under.peer()).registry;
      await registry.create('counter', utf8('0'));
      const increment = async (through: Registry): Promise<void> => {
        for (;;) {
          const entry = await through.get('counter');
          const next = utf8(String(Number(textOf(entry?.value)) + 1));
          if ((await through.update('counter', next, entry?.revision ?? 0)) !== undefined) return;
        }
      };
      await Promise.all(Array.from({ length: 12 }, (_, index) => increment(index % 2 === 0 ? registry : peer)));
      expect(textOf((await registry.get('counter'))?.value)).toBe('12');
    });

    it('lists the keys under a prefix in order, up to a limit', async () => {
      for (const key of ['embedding.3', 'embedding.1', 'embedding.2.x', 'embedding', 'embeddings.1', 'other.1']) await registry.create(key, utf8(key));
      const gone = (await registry.create('embedding.9', utf8('gone'))) ?? 0;
      await registry.delete('embedding.9', gone);
      expect((await registry.list('embedding', 100)).map((entry) => [entry.key, textOf(entry.value)])).toEqual([
        ['embedding.1', 'embedding.1'], ['embedding.2.x', 'embedding.2.x'], ['embedding.3', 'embedding.3'],
      ]);
      expect((await registry.list('embedding', 2)).map((entry) => entry.key)).toEqual(['embedding.1', 'embedding.2.x']);
      expect(await registry.list('nothing', 10)).toEqual([]);
    });

    it('watches: the present first, then ready, then each change in order', async () => {
      await registry.create('embedding.1', utf8('a'));
      await registry.create('other.1', utf8('z'));
      const seen: string[] = [];
      const enough = Promise.withResolvers<void>();
      const controller = new AbortController();
      const onChange = (change: RegistryChange): void => {
        seen.push(`${change.key}=${textOf(change.value) ?? 'deleted'}`);
        if (change.key === 'embedding.end') enough.resolve();
      };
      await (await under.peer()).registry.watch('embedding', { onChange, onReady: () => void seen.push('ready'), signal: controller.signal });
      const revision = (await registry.create('embedding.2', utf8('b'))) ?? 0;
      await untilSeen(seen, 'embedding.2=b');
      await registry.delete('embedding.2', revision);
      await registry.create('other.2', utf8('y'));
      await registry.create('embedding.end', utf8('c'));
      await enough.promise;
      controller.abort();
      expect(seen).toEqual(['embedding.1=a', 'ready', 'embedding.2=b', 'embedding.2=deleted', 'embedding.end=c']);
      await registry.create('embedding.3', utf8('unseen'));
      expect(seen.at(-1)).toBe('embedding.end=c');
    });

    it('watches an empty prefix: ready at once', async () => {
      const ready = Promise.withResolvers<void>();
      const controller = new AbortController();
      await registry.watch('nothing', { onChange: () => ready.reject(new Error('nothing changed')), onReady: ready.resolve, signal: controller.signal });
      await ready.promise;
      controller.abort();
    });
  });
}

async function untilSeen(seen: readonly string[], line: string): Promise<void> {
  while (!seen.includes(line)) await new Promise((resolve) => setTimeout(resolve, 2));
}
