import type { EmbeddingCode, EmbeddingName, TenantId } from '@shoal/protocol';
import type { EmbeddingRecord } from './records.ts';

interface CachedRecord {
  readonly record: EmbeddingRecord;
  readonly revision: number;
}

/** This gateway's view of the embeddings; fed by the watch and by its own reads and writes, newest revision wins. */
export class EmbeddingCache {
  readonly #byCode = new Map<EmbeddingCode, CachedRecord>();
  readonly #codeByName = new Map<TenantId, Map<EmbeddingName, EmbeddingCode>>();

  apply(record: EmbeddingRecord, revision: number): void {
    const { code } = record.spec;
    const known = this.#byCode.get(code);
    if (known !== undefined && known.revision >= revision) return;
    this.#byCode.set(code, { record, revision });
    this.#indexName(record);
  }

  forget(code: EmbeddingCode): void {
    const known = this.#byCode.get(code);
    if (known === undefined) return;
    this.#byCode.delete(code);
    this.#unindexName(known.record);
  }

  /** The embedding that serves under a name, if this gateway knows of one. */
  active(tenant: TenantId, name: EmbeddingName): EmbeddingRecord | undefined {
    const code = this.#codeByName.get(tenant)?.get(name);
    return code === undefined ? undefined : this.#byCode.get(code)?.record;
  }

  /** The embedding of a code, if this gateway knows it to serve. */
  activeByCode(code: EmbeddingCode): EmbeddingRecord | undefined {
    const record = this.#byCode.get(code)?.record;
    return record?.state === 'active' ? record : undefined;
  }

  /** Everything of a tenant that is not dropped, by name. */
  list(tenant: TenantId): readonly EmbeddingRecord[] {
    const found: EmbeddingRecord[] = [];
    for (const { record } of this.#byCode.values()) {
      if (record.spec.tenant === tenant && record.state !== 'dropped') found.push(record);
    }
    return found.sort((a, b) => (a.spec.name < b.spec.name ? -1 : a.spec.name > b.spec.name ? 1 : a.spec.code - b.spec.code));
  }

  activeCount(tenant: TenantId): number {
    return this.#codeByName.get(tenant)?.size ?? 0;
  }

  /** Registrations and drops that some gateway began and none has finished. */
  unfinished(): readonly { readonly record: EmbeddingRecord; readonly revision: number }[] {
    return [...this.#byCode.values()].filter(({ record }) => record.state === 'registering' || record.state === 'dropping');
  }

  #indexName(record: EmbeddingRecord): void {
    if (record.state !== 'active') {
      this.#unindexName(record);
      return;
    }
    let names = this.#codeByName.get(record.spec.tenant);
    if (names === undefined) {
      names = new Map();
      this.#codeByName.set(record.spec.tenant, names);
    }
    // A name passes from an embedding to a later one only, so the greater code is the present holder.
    const holder = names.get(record.spec.name);
    if (holder === undefined || holder < record.spec.code) names.set(record.spec.name, record.spec.code);
  }

  #unindexName(record: EmbeddingRecord): void {
    const names = this.#codeByName.get(record.spec.tenant);
    if (names?.get(record.spec.name) === record.spec.code) names.delete(record.spec.name);
  }
}
