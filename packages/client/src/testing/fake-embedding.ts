/** One embedding of the fake server: a Map of vectors, searched by scanning. */
import {
  ShoalError,
  parseDeclaredFields,
  payloadToJson,
  type Distance,
  type EmbeddingDescription,
  type EmbeddingResponse,
  type Hit,
  type Outcome,
  type SearchRequestBody,
  type VectorRecord,
  type VectorSpace,
  type WriteMode,
} from '@shoal/protocol';

function distanceOf(distance: Distance, a: Float32Array, b: Float32Array): number {
  let dot = 0;
  let squares = 0;
  let normA = 0;
  let normB = 0;
  a.forEach((value, index) => {
    const other = b[index] ?? 0;
    dot += value * other;
    squares += (value - other) ** 2;
    normA += value * value;
    normB += other * other;
  });
  switch (distance) {
    case 'dot':
      return -dot;
    case 'l2':
      return Math.sqrt(squares);
    case 'cosine':
      return 1 - dot / Math.sqrt(normA * normB);
  }
}

export class FakeEmbedding {
  readonly description: EmbeddingDescription;
  readonly vectors = new Map<string, VectorRecord>();
  /** How often each key was written, whatever became of it. */
  readonly writeCounts = new Map<string, number>();
  sequence = 0;

  constructor(description: EmbeddingDescription) {
    this.description = description;
  }

  /** What writes and searches are checked against. */
  get space(): VectorSpace {
    const { dim, distance, fields } = this.description;
    return { dim, distance, fields: parseDeclaredFields(fields) };
  }

  write(records: readonly VectorRecord[], mode: WriteMode): Outcome[] {
    this.sequence += 1;
    return records.map((record) => {
      this.writeCounts.set(record.key, (this.writeCounts.get(record.key) ?? 0) + 1);
      const exists = this.vectors.has(record.key);
      if (exists && mode === 'insert') return 'exists';
      this.vectors.set(record.key, record);
      return exists ? 'replaced' : 'created';
    });
  }

  delete(keys: readonly string[]): Outcome[] {
    this.sequence += 1;
    return keys.map((key) => (this.vectors.delete(key) ? 'deleted' : 'absent'));
  }

  describe(): EmbeddingResponse {
    return { ...this.description, stats: { vectorCount: this.vectors.size, deletedCount: 0, memoryBytes: this.vectors.size * this.description.dim * 4, graph: false } };
  }

  search(request: SearchRequestBody): Hit[] | Hit[][] {
    const { query } = request;
    switch (query.type) {
      case 'vector':
        return this.#nearest(query.vector, request);
      case 'vectors':
        return query.vectors.map((vector) => this.#nearest(vector, request));
      case 'key': {
        const stored = this.vectors.get(query.key);
        if (stored === undefined) throw new ShoalError('vector_not_found', `No vector has the key "${query.key}".`, { field: 'key' });
        return this.#nearest(stored.values, request);
      }
    }
  }

  #nearest(vector: Float32Array, { k, includeValues, includePayload }: SearchRequestBody): Hit[] {
    const hits = [...this.vectors.values()].map(({ key, values, payload }) => ({
      key,
      distance: distanceOf(this.description.distance, vector, values),
      ...(includeValues ? { values: Array.from(values) } : {}),
      ...(includePayload && payload !== undefined ? { payload: payloadToJson(payload) } : {}),
    }));
    return hits.sort((a, b) => a.distance - b.distance).slice(0, k);
  }
}
