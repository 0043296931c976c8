import {
  DEFAULTS, LIMITS, ROUTES, ShoalError, parseKeyRequest, parseTenantChange, parseTenantId, parseTenantRequest,
  type AuditResponse, type KeyDescription, type KeyListResponse, type LimitsResponse, type NewKeyResponse, type TenantId, type TenantListResponse,
  type TenantResponse, type UsageResponse,
} from '@shoal/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { tenantNotFound } from '../http/authentication.ts';
import { jsonBodyOf } from '../http/request-body.ts';
import { GATEWAY_LIMITS } from '../limits.ts';
import { storedBy } from '../reading/tenant-statistics.ts';
import type { KeyRecord, TenantRecord } from '../tenancy/access-records.ts';
import { CLUSTER_SCOPE, tenantScope, type AdministrativeAct } from '../tenancy/audit-log.ts';
import { pageOf, pageOptions, refuseQuery } from './query-string.ts';
import { parameterOf, type RouteContext } from './route-context.ts';

const timeOf = (timeMs: number): string => new Date(timeMs).toISOString();

const tenantToJson = ({ tenant, state, quotas, createdAtMs }: TenantRecord): TenantResponse => ({ tenant, state, quotas, createdAt: timeOf(createdAtMs) });

export function keyToJson({ id, role, name, embeddings, expiresAtMs, createdAtMs }: KeyRecord): KeyDescription {
  return {
    id, role,
    ...(name === undefined ? {} : { name }),
    ...(embeddings === undefined ? {} : { embeddings }),
    ...(expiresAtMs === undefined ? {} : { expiresAt: timeOf(expiresAtMs) }),
    createdAt: timeOf(createdAtMs),
  };
}

/** The tenant of the path. A name that cannot be one is a tenant that does not exist. */
export function tenantOf(request: FastifyRequest): TenantId {
  try {
    return parseTenantId(parameterOf(request, 'tenant'));
  } catch (cause) {
    if (cause instanceof ShoalError) throw tenantNotFound('tenant');
    throw cause;
  }
}

/** The tenant of the path, which is the caller's own unless the caller has the root key. Any other does not exist. */
function ownTenantOf(request: FastifyRequest): TenantId {
  const tenant = tenantOf(request);
  if (request.caller.role !== 'root' && tenant !== request.tenant) throw tenantNotFound('tenant');
  return tenant;
}

const actOf = (request: FastifyRequest, act: string, subject: string, detail?: AdministrativeAct['detail']): AdministrativeAct => ({
  act, subject, by: request.caller.keyId, requestId: request.id, ...(detail === undefined ? {} : { detail }),
});

/** Creates, describes, changes and deletes tenants; all but the description with the root key only. */
export function addTenantRoutes(app: FastifyInstance, { tenancy }: RouteContext): void {
  const { administration, audit, directory } = tenancy;

  app.route({
    ...ROUTES.createTenant,
    handler: async (request, reply): Promise<TenantResponse> => {
      refuseQuery(request);
      const { record, created } = await administration.createTenant(parseTenantRequest(jsonBodyOf(request)));
      if (created) await audit.note(CLUSTER_SCOPE, actOf(request, 'tenant.create', record.tenant, { quotas: record.quotas }));
      void reply.code(created ? 201 : 200);
      return tenantToJson(record);
    },
  });

  app.route({
    ...ROUTES.listTenants,
    handler: async (request): Promise<TenantListResponse> => {
      const { items, ...rest } = pageOf(directory.tenants(), ({ tenant }) => tenant, pageOptions(request));
      return { tenants: items.map(tenantToJson), ...rest };
    },
  });

  app.route({
    ...ROUTES.getTenant,
    handler: async (request): Promise<TenantResponse> => {
      refuseQuery(request);
      const record = directory.tenant(ownTenantOf(request));
      if (record === undefined) throw tenantNotFound('tenant');
      return tenantToJson(record);
    },
  });

  app.route({
    ...ROUTES.updateTenant,
    handler: async (request): Promise<TenantResponse> => {
      refuseQuery(request);
      const changes = parseTenantChange(jsonBodyOf(request));
      const record = await administration.updateTenant(tenantOf(request), changes);
      await audit.note(CLUSTER_SCOPE, actOf(request, 'tenant.update', record.tenant, { quotas: changes }));
      return tenantToJson(record);
    },
  });

  app.route({
    ...ROUTES.deleteTenant,
    handler: async (request, reply) => {
      refuseQuery(request);
      const tenant = tenantOf(request);
      await administration.deleteTenant(tenant);
      await audit.note(CLUSTER_SCOPE, actOf(request, 'tenant.delete', tenant));
      return reply.code(204).send();
    },
  });
}

/** Creates, lists and revokes the keys of the caller's tenant. */
export function addKeyRoutes(app: FastifyInstance, { tenancy }: RouteContext): void {
  const { administration, audit, directory } = tenancy;

  app.route({
    ...ROUTES.createKey,
    handler: async (request, reply): Promise<NewKeyResponse> => {
      refuseQuery(request);
      const { record, key } = await administration.createKey(request.tenant, parseKeyRequest(jsonBodyOf(request)));
      const description = keyToJson(record);
      await audit.note(tenantScope(request.tenant), actOf(request, 'key.create', record.id, { role: record.role }));
      void reply.code(201);
      return { ...description, key };
    },
  });

  app.route({
    ...ROUTES.listKeys,
    handler: async (request): Promise<KeyListResponse> => {
      const { items, ...rest } = pageOf(directory.keysOf(request.tenant), ({ id }) => id, pageOptions(request));
      return { keys: items.map(keyToJson), ...rest };
    },
  });

  app.route({
    ...ROUTES.revokeKey,
    handler: async (request, reply) => {
      refuseQuery(request);
      const id = parameterOf(request, 'id');
      await administration.revokeKey(request.tenant, id);
      await audit.note(tenantScope(request.tenant), actOf(request, 'key.revoke', id));
      return reply.code(204).send();
    },
  });
}

/** What a tenant has used, what was done in it, and what bounds it. */
export function addAccountRoutes(app: FastifyInstance, { tenancy, catalogue, bus, queries }: RouteContext): void {
  const { audit, directory, usage } = tenancy;

  app.route({
    ...ROUTES.getUsage,
    handler: async (request): Promise<UsageResponse> => {
      refuseQuery(request);
      const tenant = ownTenantOf(request);
      const record = directory.tenant(tenant);
      if (record === undefined) throw tenantNotFound('tenant');
      const [{ sinceMs, sums }, stored] = await Promise.all([usage.usageOf(tenant), storedBy(catalogue.list(tenant), bus.log.slots, queries)]);
      return { tenant, since: timeOf(sinceMs), ...sums, stored, quotas: record.quotas };
    },
  });

  app.route({
    ...ROUTES.getTenantAudit,
    handler: async (request): Promise<AuditResponse> => {
      refuseQuery(request);
      const tenant = ownTenantOf(request);
      if (directory.tenant(tenant) === undefined) throw tenantNotFound('tenant');
      return { events: await audit.events(tenantScope(tenant)) };
    },
  });

  app.route({
    ...ROUTES.getAudit,
    handler: async (request): Promise<AuditResponse> => {
      refuseQuery(request);
      return { events: await audit.events(CLUSTER_SCOPE) };
    },
  });

  app.route({
    ...ROUTES.getLimits,
    handler: async (request): Promise<LimitsResponse> => {
      refuseQuery(request);
      return { limits: LIMITS, defaults: DEFAULTS, gateway: GATEWAY_LIMITS, quotas: tenancy.quotasOf(request.tenant) };
    },
  });
}
