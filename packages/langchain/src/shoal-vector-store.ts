import { Document, type DocumentInterface } from '@langchain/core/documents';
import type { EmbeddingsInterface } from '@langchain/core/embeddings';
import { maximalMarginalRelevance } from '@langchain/core/utils/math';
import { VectorStore, type MaxMarginalRelevanceSearchOptions } from '@langchain/core/vectorstores';
import { ShoalClient, type EmbeddingHandle, type FieldType, type Filter, type Hit, type PayloadObject, type ReceiptJson, type ShoalClientOptions } from '@shoal/client';

export interface ShoalVectorStoreOptions {
  /** A client, or where and with which key to make one. */
  readonly client: ShoalClient | ShoalClientOptions;
  /** Name of the embedding; registered at the first write or search unless it is there. */
  readonly name: string;
  /** The model that makes the vectors; with dimension and distance it identifies the embedding. */
  readonly model: string;
  readonly distance?: 'cosine' | 'l2' | 'dot';
  /** Members of the metadata that filters may name, with their types. */
  readonly fields?: { readonly [member: string]: FieldType };
  /** Member of the payload that holds the text of a document; `pageContent` by default. */
  readonly textMember?: string;
}

export type ShoalFilter = Filter<PayloadObject>;

export interface AddOptions {
  /** Keys of the documents; else their own ids, else random ones. */
  readonly ids?: readonly string[];
}

export type DeleteParameters = { readonly ids: readonly string[] } | { readonly filter: ShoalFilter };

/** Nearer is greater, as LangChain has it: the cosine, the inner product, or 1 / (1 + Euclidean distance). */
function scoreOf(distance: number, kind: 'cosine' | 'l2' | 'dot'): number {
  switch (kind) {
    case 'cosine': return 1 - distance;
    case 'dot': return -distance;
    case 'l2': return 1 / (1 + distance);
  }
}

/**
 * Documents in Shoal: the text and the metadata of a document are the payload of its vector, metadata members as members of the payload, so that
 * declared ones can be filtered.
 *
 * Searches of a store include everything that was written or deleted through the same store: it keeps the receipts of its writes.
 */
export class ShoalVectorStore extends VectorStore {
  declare FilterType: ShoalFilter;
  readonly #client: ShoalClient;
  readonly #options: ShoalVectorStoreOptions;
  #handle: Promise<EmbeddingHandle> | undefined;
  #receipt: ReceiptJson = {};

  constructor(embeddings: EmbeddingsInterface, options: ShoalVectorStoreOptions) {
    super(embeddings, { name: options.name });
    this.#options = options;
    this.#client = options.client instanceof ShoalClient ? options.client : new ShoalClient(options.client);
  }

  override _vectorstoreType(): string {
    return 'shoal';
  }

  /** Embeds the documents and writes them; the keys under which they are stored. */
  override async addDocuments(documents: DocumentInterface[], options: AddOptions = {}): Promise<string[]> {
    const vectors = await this.embeddings.embedDocuments(documents.map(({ pageContent }) => pageContent));
    return this.addVectors(vectors, documents, options);
  }

  /** Throws what the client throws, `dimension_mismatch` for instance. A key that exists is replaced. */
  override async addVectors(vectors: number[][], documents: DocumentInterface[], options: AddOptions = {}): Promise<string[]> {
    const dim = vectors[0]?.length;
    if (dim === undefined) return [];
    const keys = documents.map(({ id }, index) => options.ids?.[index] ?? id ?? crypto.randomUUID());
    const handle = await this.#embedding(dim);
    const { receipt } = await handle.upsert(vectors.map((values, index) => ({ key: keys[index] ?? '', values, payload: this.#payloadOf(documents[index]) })));
    this.#remember(receipt);
    return keys;
  }

  override async delete(parameters: DeleteParameters): Promise<void> {
    // Nothing was written where there is no embedding yet.
    const handle = await (this.#handle ?? Promise.resolve(this.#client.embedding(this.#options.name)));
    const { receipt } = 'ids' in parameters ? await handle.delete(parameters.ids) : await handle.deleteMatching(parameters.filter);
    this.#remember(receipt);
  }

  override async similaritySearchVectorWithScore(query: number[], k: number, filter?: ShoalFilter): Promise<[DocumentInterface, number][]> {
    const hits = await this.#search(query, k, filter, ['payload']);
    return hits.map((hit) => [this.#documentOf(hit), scoreOf(hit.distance, this.#distance)]);
  }

  /** Documents that are near the query and unlike each other (Carbonell and Goldstein, SIGIR 1998). */
  override async maxMarginalRelevanceSearch(query: string, { k, fetchK = 20, lambda = 0.5, filter }: MaxMarginalRelevanceSearchOptions<ShoalFilter>): Promise<DocumentInterface[]> {
    const vector = await this.embeddings.embedQuery(query);
    const hits = await this.#search(vector, Math.max(k, fetchK), filter, ['payload', 'values']);
    const chosen = maximalMarginalRelevance(vector, hits.map(({ values }) => Array.from(values ?? [])), lambda, k);
    return chosen.flatMap((index) => {
      const hit = hits[index];
      return hit === undefined ? [] : [this.#documentOf(hit)];
    });
  }

  static override async fromTexts(texts: string[], metadatas: object[] | object, embeddings: EmbeddingsInterface, options: ShoalVectorStoreOptions): Promise<ShoalVectorStore> {
    const documents = texts.map((pageContent, index) => new Document({ pageContent, metadata: { ...(Array.isArray(metadatas) ? metadatas[index] : metadatas) } }));
    return ShoalVectorStore.fromDocuments(documents, embeddings, options);
  }

  static override async fromDocuments(documents: DocumentInterface[], embeddings: EmbeddingsInterface, options: ShoalVectorStoreOptions): Promise<ShoalVectorStore> {
    const store = new ShoalVectorStore(embeddings, options);
    await store.addDocuments(documents);
    return store;
  }

  get #distance(): 'cosine' | 'l2' | 'dot' {
    return this.#options.distance ?? 'cosine';
  }

  get #textMember(): string {
    return this.#options.textMember ?? 'pageContent';
  }

  async #search(vector: number[], k: number, filter: ShoalFilter | undefined, include: readonly ('payload' | 'values')[]): Promise<readonly Hit[]> {
    const handle = await this.#embedding(vector.length);
    const { hits } = await handle.search({ vector, k, include, after: this.#receipt, ...(filter === undefined ? {} : { filter }) });
    return hits;
  }

  /** The embedding, registered once; after a failure the next call tries again. */
  #embedding(dim: number): Promise<EmbeddingHandle> {
    const { name, model, fields } = this.#options;
    this.#handle ??= this.#client
      .register({ name, model, dim, distance: this.#distance, ...(fields === undefined ? {} : { fields }) })
      .then(({ handle }) => handle)
      .catch((error: unknown) => {
        this.#handle = undefined;
        throw error;
      });
    return this.#handle;
  }

  #payloadOf(document: DocumentInterface | undefined): PayloadObject {
    return { ...document?.metadata, [this.#textMember]: document?.pageContent ?? '' };
  }

  #documentOf({ key, payload = {} }: Hit): DocumentInterface {
    const { [this.#textMember]: pageContent, ...metadata } = payload;
    return new Document({ id: key, pageContent: typeof pageContent === 'string' ? pageContent : '', metadata });
  }

  #remember(receipt: ReceiptJson): void {
    const merged: Record<string, number> = { ...this.#receipt };
    for (const [slot, sequence] of Object.entries(receipt)) merged[slot] = Math.max(merged[slot] ?? 0, sequence);
    this.#receipt = merged;
  }
}
