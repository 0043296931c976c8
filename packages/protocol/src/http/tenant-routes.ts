/** The routes of tenants, keys, usage, limits and the audit log. */
import { Type } from 'typebox';
import { answer, problem, type Route } from './route.ts';
import {
  AuditSchema, KeyIdSchema, KeyListSchema, KeyRequestSchema, LimitsSchema, NewKeySchema, PageQuerySchema, TenantChangeSchema,
  TenantIdSchema, TenantListSchema, TenantRequestSchema, TenantSchema, UsageSchema,
} from './tenant-schemas.ts';
import { closed } from './value-schemas.ts';

const tenantParams = closed({ tenant: TenantIdSchema }, 'Which tenant.');

export const TENANT_ROUTES = {
  createTenant: {
    method: 'POST',
    url: '/v1/tenants',
    config: { access: 'root' },
    schema: {
      operationId: 'createTenant',
      tags: ['tenants'],
      summary: 'Create a tenant; repeating it with the same quotas changes nothing',
      body: TenantRequestSchema,
      response: { 200: answer('It was there with the same quotas.', TenantSchema), 201: answer('It is new.', TenantSchema), default: problem },
    },
  },
  listTenants: {
    method: 'GET',
    url: '/v1/tenants',
    config: { access: 'root' },
    schema: {
      operationId: 'listTenants',
      tags: ['tenants'],
      summary: 'List tenants',
      querystring: PageQuerySchema,
      response: { 200: answer('The tenants.', TenantListSchema), default: problem },
    },
  },
  getTenant: {
    method: 'GET',
    url: '/v1/tenants/:tenant',
    config: { access: 'admin' },
    schema: {
      operationId: 'getTenant',
      tags: ['tenants'],
      summary: 'Describe a tenant',
      params: tenantParams,
      response: { 200: answer('The tenant.', TenantSchema), default: problem },
    },
  },
  updateTenant: {
    method: 'PATCH',
    url: '/v1/tenants/:tenant',
    config: { access: 'root' },
    schema: {
      operationId: 'updateTenant',
      tags: ['tenants'],
      summary: 'Change the quotas of a tenant',
      params: tenantParams,
      body: TenantChangeSchema,
      response: { 200: answer('The tenant as it is now.', TenantSchema), default: problem },
    },
  },
  deleteTenant: {
    method: 'DELETE',
    url: '/v1/tenants/:tenant',
    config: { access: 'root' },
    schema: {
      operationId: 'deleteTenant',
      tags: ['tenants'],
      summary: 'Delete a tenant with its keys and embeddings',
      params: tenantParams,
      response: { 204: Type.Null({ description: 'It is gone.' }), default: problem },
    },
  },
  getUsage: {
    method: 'GET',
    url: '/v1/tenants/:tenant/usage',
    config: { access: 'admin' },
    schema: {
      operationId: 'getUsage',
      tags: ['tenants'],
      summary: 'What a tenant has used and has',
      params: tenantParams,
      response: { 200: answer('The sums.', UsageSchema), default: problem },
    },
  },
  getTenantAudit: {
    method: 'GET',
    url: '/v1/tenants/:tenant/audit',
    config: { access: 'admin' },
    schema: {
      operationId: 'getTenantAudit',
      tags: ['tenants'],
      summary: 'The administrative acts of a tenant',
      params: tenantParams,
      response: { 200: answer('The acts.', AuditSchema), default: problem },
    },
  },
  getAudit: {
    method: 'GET',
    url: '/v1/audit',
    config: { access: 'root' },
    schema: {
      operationId: 'getAudit',
      tags: ['tenants'],
      summary: 'What was done to tenants',
      response: { 200: answer('The acts.', AuditSchema), default: problem },
    },
  },
  createKey: {
    method: 'POST',
    url: '/v1/keys',
    config: { access: 'admin' },
    schema: {
      operationId: 'createKey',
      tags: ['keys'],
      summary: 'Create an API key of the tenant',
      body: KeyRequestSchema,
      response: { 201: answer('The key; its secret is shown only here.', NewKeySchema), default: problem },
    },
  },
  listKeys: {
    method: 'GET',
    url: '/v1/keys',
    config: { access: 'admin' },
    schema: {
      operationId: 'listKeys',
      tags: ['keys'],
      summary: 'List the keys of the tenant',
      querystring: PageQuerySchema,
      response: { 200: answer('The keys.', KeyListSchema), default: problem },
    },
  },
  revokeKey: {
    method: 'DELETE',
    url: '/v1/keys/:id',
    config: { access: 'admin' },
    schema: {
      operationId: 'revokeKey',
      tags: ['keys'],
      summary: 'Revoke a key, everywhere within a second',
      params: closed({ id: KeyIdSchema }, 'Which key.'),
      response: { 204: Type.Null({ description: 'It is revoked.' }), default: problem },
    },
  },
  getLimits: {
    method: 'GET',
    url: '/v1/limits',
    config: { access: 'read' },
    schema: {
      operationId: 'getLimits',
      tags: ['tenants'],
      summary: 'The limits that apply to the caller',
      response: { 200: answer('The limits.', LimitsSchema), default: problem },
    },
  },
} as const satisfies Record<string, Route>;
