import { Readable } from 'node:stream';
import {
  ROUTES, SLOT_BACKUP_MEDIA_TYPE, ShoalError, parseKeyToRestore, receiptToJson,
  type BackedUpEmbeddings, type BackedUpTenant, type BackupStart, type EmbeddingDescription, type KeyDescription, type Sequence, type Slot, type TenantId,
} from '@shoal/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { openSlotStream } from '../backup/slot-stream.ts';
import { tenantNotFound } from '../http/authentication.ts';
import { jsonBodyOf } from '../http/request-body.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import { CLUSTER_SCOPE, tenantScope } from '../tenancy/audit-log.ts';
import { describe } from './embedding-routes.ts';
import { backupEnd, pageOf, pageOptions, refuseQuery } from './query-string.ts';
import { parameterOf, type RouteContext } from './route-context.ts';
import { keyToJson, tenantOf } from './tenant-routes.ts';

function slotOf(request: FastifyRequest, slots: number): Slot {
  const text = parameterOf(request, 'slot');
  if (!/^\d{1,4}$/.test(text) || Number(text) >= slots) {
    throw new ShoalError('invalid_field', `slot must be a number from 0 to ${slots - 1}.`, { field: 'slot', limit: slots - 1 });
  }
  return Number(text) as Slot;
}

/** What backups are made of, and keys brought back; all with the root key only. */
export function addBackupRoutes(app: FastifyInstance, context: RouteContext): void {
  const { bus, clock, version, catalogue, tenancy } = context;
  const { audit, directory } = tenancy;
  let streams = 0;

  app.route({
    ...ROUTES.startBackup,
    handler: async (request): Promise<BackupStart> => {
      refuseQuery(request);
      const receipt = new Map<Slot, Sequence>();
      for (let slot = 0 as Slot; slot < bus.log.slots; slot = (slot + 1) as Slot) {
        const sequence = await bus.log.lastSequence(slot);
        if (sequence > 0) receipt.set(slot, sequence);
      }
      await audit.note(CLUSTER_SCOPE, { act: 'backup.start', subject: 'cluster', by: request.caller.keyId, requestId: request.id });
      return { version, at: new Date(clock.nowMs()).toISOString(), slots: bus.log.slots, receipt: receiptToJson(receipt) };
    },
  });

  /** The active tenant of the path. */
  const activeTenant = (request: FastifyRequest): TenantId => {
    const tenant = tenantOf(request);
    if (directory.tenant(tenant)?.state !== 'active') throw tenantNotFound('tenant');
    return tenant;
  };

  app.route({
    ...ROUTES.backUpTenant,
    handler: async (request): Promise<BackedUpTenant> => {
      refuseQuery(request);
      const tenant = activeTenant(request);
      const record = directory.tenant(tenant);
      if (record === undefined) throw tenantNotFound('tenant');
      return {
        tenant,
        quotas: record.quotas,
        createdAt: new Date(record.createdAtMs).toISOString(),
        keys: directory.keysOf(tenant).map((key) => ({ ...keyToJson(key), secretHash: key.secretHash })),
        aliases: catalogue.listAliases(tenant).map(({ alias, record: { spec } }) => ({ alias, embedding: spec.name, code: spec.code })),
      };
    },
  });

  app.route({
    ...ROUTES.backUpEmbeddings,
    handler: async (request): Promise<BackedUpEmbeddings> => {
      const options = pageOptions(request);
      const active = catalogue.list(activeTenant(request)).filter(({ state }) => state === 'active');
      const { items, ...rest } = pageOf(active, ({ spec }) => spec.name, options);
      const embeddings: EmbeddingDescription[] = [];
      for (const record of items) {
        try {
          embeddings.push(describe(await catalogue.upToDate(record)));
        } catch (error) {
          // It was dropped since it was listed.
          if (!(error instanceof ShoalError) || error.code !== 'embedding_dropped') throw error;
        }
      }
      return { embeddings, ...rest };
    },
  });

  app.route({
    ...ROUTES.backUpSlot,
    handler: async (request, reply) => {
      const to = backupEnd(request);
      const slot = slotOf(request, bus.log.slots);
      if (streams >= GATEWAY_LIMITS.backupStreams) throw new ShoalError('overloaded', `This gateway streams ${GATEWAY_LIMITS.backupStreams} slots already.`, { limit: GATEWAY_LIMITS.backupStreams });
      streams += 1;
      const gone = new AbortController();
      reply.raw.once('close', () => {
        streams -= 1;
        gone.abort();
      });
      const { content } = await openSlotStream(bus, slot, to, gone.signal);
      return reply.type(SLOT_BACKUP_MEDIA_TYPE).send(Readable.from(content, { objectMode: false }));
    },
  });

  app.route({
    ...ROUTES.restoreKey,
    handler: async (request): Promise<KeyDescription> => {
      refuseQuery(request);
      const { record, created } = await tenancy.administration.restoreKey(request.tenant, parameterOf(request, 'id'), parseKeyToRestore(jsonBodyOf(request)));
      if (created) await audit.note(tenantScope(request.tenant), { act: 'key.restore', subject: record.id, by: request.caller.keyId, requestId: request.id, detail: { role: record.role } });
      return keyToJson(record);
    },
  });
}
