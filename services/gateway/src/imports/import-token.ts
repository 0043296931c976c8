/**
 * What lets a worker write on behalf of an import, and do nothing else:
 *
 *   token   := "shoalimport." claims "." mac
 *   claims  := base64url of JSON [version, tenant, embedding, import, last millisecond]
 *   mac     := base64url of HMAC-SHA256(secret, claims)
 *   secret  := HMAC-SHA256(root key, "shoal import token")
 *
 * Any gateway with the same root key checks it without asking anybody. It ends by its time, with its tenant, or with the root key.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { parseEmbeddingName, parseTenantId, type EmbeddingName, type ImportId, type TenantId } from '@shoal/protocol';

const PREFIX = 'shoalimport.';
const VERSION = 1;
const TOKEN_CHARS = 2_048;

export interface ImportClaims {
  readonly tenant: TenantId;
  readonly embedding: EmbeddingName;
  readonly id: ImportId;
  readonly lastMs: number;
}

export class ImportTokens {
  readonly #secret: Buffer;

  constructor(rootKey: string) {
    this.#secret = createHmac('sha256', rootKey).update('shoal import token').digest();
  }

  issue({ tenant, embedding, id, lastMs }: ImportClaims): string {
    const claims = Buffer.from(JSON.stringify([VERSION, tenant, embedding, id, lastMs])).toString('base64url');
    return `${PREFIX}${claims}.${this.#macOf(claims).toString('base64url')}`;
  }

  /** Undefined for anything that no gateway with this root key has issued. Whether its time is over is for the caller to look at. */
  read(text: string): ImportClaims | undefined {
    if (!text.startsWith(PREFIX) || text.length > TOKEN_CHARS) return undefined;
    const [claims = '', mac = ''] = text.slice(PREFIX.length).split('.');
    const expected = this.#macOf(claims);
    const given = Buffer.from(mac, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    const [version, tenant, embedding, id, lastMs] = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as readonly unknown[];
    if (version !== VERSION) return undefined;
    return { tenant: parseTenantId(tenant), embedding: parseEmbeddingName(embedding), id: id as ImportId, lastMs: Number(lastMs) };
  }

  #macOf(claims: string): Buffer {
    return createHmac('sha256', this.#secret).update(claims).digest();
  }
}
