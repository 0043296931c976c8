/** The routes that backups are made and keys restored by. */
import { Type } from 'typebox';
import { LIMITS } from '../limits.ts';
import { SLOT_BACKUP_MEDIA_TYPE } from '../slot-backup-codec.ts';
import { BackedUpEmbeddingsSchema, BackedUpTenantSchema, BackupStartSchema, RestoreKeySchema } from './backup-schemas.ts';
import { answer, problem, type Route } from './route.ts';
import { KeyIdSchema, KeySchema, PageQuerySchema, TenantIdSchema } from './tenant-schemas.ts';
import { closed, wholeNumber } from './value-schemas.ts';

const tenantParams = closed({ tenant: TenantIdSchema }, 'Which tenant.');

export const BACKUP_ROUTES = {
  startBackup: {
    method: 'GET',
    url: '/v1/backup',
    config: { access: 'root' },
    schema: {
      operationId: 'startBackup',
      tags: ['backup'],
      summary: 'Where the log stands, for a backup that begins now',
      response: { 200: answer('The sequence of every slot.', BackupStartSchema), default: problem },
    },
  },
  backUpTenant: {
    method: 'GET',
    url: '/v1/backup/tenants/:tenant',
    config: { access: 'root' },
    schema: {
      operationId: 'backUpTenant',
      tags: ['backup'],
      summary: 'A tenant with its quotas, aliases and the hashes of its keys',
      params: tenantParams,
      response: { 200: answer('The tenant.', BackedUpTenantSchema), default: problem },
    },
  },
  backUpEmbeddings: {
    method: 'GET',
    url: '/v1/backup/tenants/:tenant/embeddings',
    config: { access: 'root' },
    schema: {
      operationId: 'backUpEmbeddings',
      tags: ['backup'],
      summary: 'The embeddings of a tenant with their codes',
      params: tenantParams,
      querystring: PageQuerySchema,
      response: { 200: answer('A page of embeddings.', BackedUpEmbeddingsSchema), default: problem },
    },
  },
  backUpSlot: {
    method: 'GET',
    url: '/v1/backup/slots/:slot',
    config: { access: 'root' },
    schema: {
      operationId: 'backUpSlot',
      tags: ['backup'],
      summary: 'A slot as a stream: the oldest snapshot from which the log is whole, and the log after it',
      params: closed({ slot: wholeNumber(0, LIMITS.slots - 1, 'Which slot.') }, 'Which slot.'),
      querystring: closed({ to: Type.Optional(wholeNumber(1, Number.MAX_SAFE_INTEGER, 'The sequence to include; the last of the slot without it.')) }, 'How far.'),
      response: { 200: { description: 'The slot; docs/backup.md has its grammar.', content: { [SLOT_BACKUP_MEDIA_TYPE]: { schema: Type.String({ format: 'binary' }) } } }, default: problem },
    },
  },
  restoreKey: {
    method: 'PUT',
    url: '/v1/keys/:id',
    config: { access: 'root' },
    schema: {
      operationId: 'restoreKey',
      tags: ['backup'],
      summary: 'Bring back a key of a backup, which its owner then uses as before; repeating it changes nothing',
      params: closed({ id: KeyIdSchema }, 'Which key.'),
      body: RestoreKeySchema,
      response: { 200: answer('The key.', KeySchema), default: problem },
    },
  },
} as const satisfies Record<string, Route>;
