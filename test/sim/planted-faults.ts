/**
 * Faults that are put into a cluster on purpose, one at a time, to show that the simulation would notice them. Each spoils one
 * promise of the ports or of the disk, and nothing of the product is changed for it.
 */
import type { Bus, LogMessage, MutationLog, ReadOptions, Registry, Requests } from '@shoal/bus';
import type { SimWorld } from '@shoal/bus/sim';
import { decodeMutation, decodeQueryRequest, encodeMutation, encodeQueryRequest, type Mutation, type Sequence, type Slot } from '@shoal/protocol';
import type { PlantedFault } from './sim-cluster.ts';

/** The same port with some of its methods replaced. */
function spoil<Port extends object>(port: Port, replaced: Partial<Port>): Port {
  return new Proxy(port, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in replaced ? replaced : target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const withLog = (spoiled: (log: MutationLog, world: SimWorld) => Partial<MutationLog>) => (bus: Bus, world: SimWorld): Bus => spoil(bus, { log: spoil(bus.log, spoiled(bus.log, world)) });
const withRequests = (spoiled: (requests: Requests, world: SimWorld) => Partial<Requests>) => (bus: Bus, world: SimWorld): Bus => spoil(bus, { requests: spoil(bus.requests, spoiled(bus.requests, world)) });
const withRegistry = (spoiled: (registry: Registry) => Partial<Registry>) => (bus: Bus): Bus => spoil(bus, { registry: spoil(bus.registry, spoiled(bus.registry)) });

/** Reads with each group changed on its way to the shard. */
function changedReads(change: (group: readonly LogMessage[], world: SimWorld) => readonly LogMessage[]): PlantedFault {
  return {
    shardBus: withLog((log, world) => ({
      read: async function* (options: ReadOptions) {
        for await (const group of log.read(options)) {
          const changed = change(group, world);
          if (changed.length > 0) yield changed;
        }
      },
    })),
  };
}

/** What no reader of the simulation looks at: another member in every payload. */
function withUnseenMember(mutation: Mutation): Mutation {
  if (mutation.type !== 'write') return mutation;
  const operations = mutation.operations.map((operation) => {
    if (!('payload' in operation) || operation.payload === undefined) return operation;
    const payload = JSON.parse(new TextDecoder().decode(operation.payload)) as object;
    return { ...operation, payload: new TextEncoder().encode(JSON.stringify({ ...payload, unseen: 1 })) };
  });
  return { ...mutation, operations } as Mutation;
}

const differsUnseen = changedReads((group) => group.map((message) => ({ ...message, bytes: encodeMutation(withUnseenMember(decodeMutation(message.bytes))) })));

/** Every search is answered as if it carried no receipt. */
const ignoresReceipts: PlantedFault = {
  shardBus: withRequests((requests) => ({
    serve: (subject, handler) => requests.serve(subject, (payload) => {
      const request = decodeQueryRequest(payload);
      if (request.type !== 'search') return handler(payload);
      return handler(encodeQueryRequest({ ...request, items: request.items.map((item) => ({ ...item, after: 0 as Sequence })) }));
    }),
  })),
};

export const PLANTED_FAULTS: Readonly<Record<string, PlantedFault>> = {
  'acknowledges before publishing': {
    gatewayBus: withLog((log) => ({
      publish: async (entries, options) => {
        log.publish(entries, options).catch(() => undefined);
        return entries.map(() => 1 as Sequence);
      },
    })),
  },
  'acknowledges what was never published': {
    gatewayBus: withLog((log, world) => ({
      publish: (entries, options) => (world.happens(0.03) ? Promise.resolve(entries.map(() => 1 as Sequence)) : log.publish(entries, options)),
    })),
  },
  'publishes a part of a write': {
    gatewayBus: withLog((log, world) => ({
      publish: async (entries, options) => {
        if (entries.length < 2 || !world.happens(0.1)) return log.publish(entries, options);
        const sequences = await log.publish(entries.slice(1), options);
        return [sequences[0] ?? (1 as Sequence), ...sequences];
      },
    })),
  },
  'skips a message of the log': changedReads((group, world) => (world.happens(0.05) ? group.slice(1) : group)),
  'applies messages out of order': changedReads((group, world) => (group.length > 1 && world.happens(0.3) ? group.toReversed() : group)),
  'skips messages when it begins to read': {
    shardBus: withLog((log) => ({ read: (options) => log.read({ ...options, from: (options.from + (options.from > 1 ? 1 : 0)) as Sequence }) })),
  },
  'answers before a receipt is applied': ignoresReceipts,
  'leaves batches half on the disk after a crash': { disk: { tornBatches: true } },
  'loses a batch and keeps the next after a crash': { disk: { losesMiddle: true } },
  'trims the log though no snapshot holds it': {
    shardBus: withLog((log, world) => ({
      lastSequence: async (slot: Slot) => {
        const last = await log.lastSequence(slot);
        if (world.happens(0.5)) await log.trim(slot, last);
        return last;
      },
    })),
  },
  'holds on one replica what no answer shows': {
    needsReplicas: true,
    shardBus: (bus, world, shard) => (shard === 1 ? (differsUnseen.shardBus?.(bus, world, shard) ?? bus) : bus),
  },
  'takes every change of the registry for granted': {
    gatewayBus: withRegistry((registry) => ({
      create: async (key, value) => (await registry.create(key, value)) ?? 1,
      update: async (key, value, expected) => (await registry.update(key, value, expected)) ?? expected + 1,
    })),
  },
};
