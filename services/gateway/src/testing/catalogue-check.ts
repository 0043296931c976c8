import { decodeMutation, identityOf, parseRegistration, parseTenantId, slotOf, type EmbeddingCode, type Registration } from '@shoal/protocol';
import { pino } from 'pino';
import { expect } from 'vitest';
import { Catalogue } from '../catalogue/catalogue.ts';
import { WantedEmbedding } from '../catalogue/explicit-parameters.ts';
import { CATALOGUE_KEYS } from '../catalogue/keys.ts';
import { decodeIdentityClaim, decodeNameClaim, decodeRecord, type EmbeddingRecord } from '../catalogue/records.ts';
import { systemTimers, type Timers } from '@shoal/pacing';
import { newOperationId } from './gateway-fixture.ts';
import type { FaultyBus } from './faulty-bus.ts';
import type { MemoryBus } from './memory-bus.ts';

export const TENANT = parseTenantId('default');

export function newCatalogue(bus: MemoryBus | FaultyBus, timers: Timers = systemTimers): Catalogue {
  return new Catalogue({ bus, clock: { nowMs: () => 1_700_000_000_000 }, timers, logger: pino({ level: 'silent' }), newOperationId });
}

export function wanted(body: { readonly [field: string]: unknown }): WantedEmbedding {
  const full = { model: 'model', dim: 4, distance: 'l2', ...body };
  return new WantedEmbedding(parseRegistration(full), full);
}

export function recordsIn(bus: MemoryBus): EmbeddingRecord[] {
  return [...bus.registry.entries.values()].filter(({ key }) => key.startsWith('embedding.')).map(({ key, value }) => decodeRecord(key, value));
}

/** Types of the definitions in the log, in order, for one partition. */
export function definitionsOf(bus: MemoryBus, code: EmbeddingCode, partition: number): string[] {
  return bus.log.messages.flatMap((message) => {
    const mutation = decodeMutation(message.bytes);
    if (mutation.code !== code || mutation.partition !== partition) return [];
    expect(message.slot).toBe(slotOf(code, mutation.partition, bus.log.slots));
    return [mutation.type];
  });
}

const identityKeyOf = (registration: Registration): string => CATALOGUE_KEYS.identity(identityOf(TENANT, registration));

/** Everything that must hold of the registry and the log at any moment at which no gateway is inside a call. */
export function checkCatalogue(bus: MemoryBus): void {
  const records = recordsIn(bus);
  const living = records.filter(({ state }) => state !== 'dropped');
  expect(new Set(records.map(({ spec }) => spec.code)).size).toBe(records.length);
  expect(new Set(living.map(({ spec }) => spec.name)).size, 'living embeddings of one name').toBe(living.length);
  expect(new Set(living.map(({ spec }) => identityKeyOf(spec))).size, 'living embeddings of one identity').toBe(living.length);
  for (const { spec, state, definedAt } of records) {
    const definitions = Array.from({ length: spec.partitions }, (_, partition) => definitionsOf(bus, spec.code, partition));
    if (state === 'active') {
      expect(definedAt).toHaveLength(spec.partitions);
      for (const types of definitions) {
        expect(types[0]).toBe('define');
        expect(types).not.toContain('drop');
      }
      const identityKey = identityKeyOf(spec);
      const nameKey = CATALOGUE_KEYS.name(TENANT, spec.name);
      const identityEntry = bus.registry.entries.get(identityKey);
      const nameEntry = bus.registry.entries.get(nameKey);
      expect(identityEntry && decodeIdentityClaim(identityKey, identityEntry.value).spec).toEqual(spec);
      expect(nameEntry && decodeNameClaim(nameKey, nameEntry.value).code).toBe(spec.code);
    }
    if (state === 'dropped') for (const types of definitions) expect(types).toContain('drop');
  }
}
