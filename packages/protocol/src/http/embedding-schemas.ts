/** Requests and answers about embeddings. */
import { Type } from 'typebox';
import { DISTANCES, RABITQ_BITS, STORAGES, VECTOR_MEMORIES } from '../embedding-spec.ts';
import type { RabitqBits } from '../embedding-spec.ts';
import { DEFAULTS, LIMITS } from '../limits.ts';
import { FieldsSchema } from './payload-schemas.ts';
import { closed, EmbeddingNameSchema, oneOf, wholeNumber } from './value-schemas.ts';
import type { JsonOf } from './value-schemas.ts';

export const EMBEDDING_STATES = ['registering', 'active', 'dropping', 'dropped'] as const;
/** `registering` and `dropping` last moments, or until another gateway finishes what one that died had begun. */
export type EmbeddingState = (typeof EMBEDDING_STATES)[number];

const model = Type.String({
  minLength: 1,
  maxLength: LIMITS.modelChars,
  description: 'The model that makes the vectors; any text, it only tells vector spaces apart.',
  examples: ['text-embedding-3-small'],
});
const dim = wholeNumber(1, LIMITS.dim, 'Number of components of every vector.', { examples: [1536] });
const distance = oneOf(
  DISTANCES,
  'cosine is 1 - cos, l2 the Euclidean distance (not squared), dot the negated inner product: lower is nearer everywhere.',
);
const m = wholeNumber(2, LIMITS.hnswM, 'Links per vector and upper layer; twice as many on the lowest.', { default: DEFAULTS.m });
const efConstruction = wholeNumber(1, LIMITS.hnswEfConstruction, 'Candidates considered when a vector is linked.', {
  default: DEFAULTS.efConstruction,
});
const hnswSeed = wholeNumber(0, LIMITS.seed, 'Seed of the layers of vectors: equal seeds build equal graphs.', { default: DEFAULTS.hnswSeed });
const rabitqSeed = wholeNumber(0, LIMITS.seed, 'Seed of the random rotation.', { default: DEFAULTS.rabitqSeed });
const bits = Type.Unsafe<RabitqBits>(Type.Integer({ enum: [...RABITQ_BITS], default: DEFAULTS.rabitqBits, description: 'Bits per component of a code.' }));
const memory = oneOf(
  VECTOR_MEMORIES,
  'What stays in memory: full keeps vectors and codes; codes keeps the codes alone, and searches read the vectors that they re-rank from disk.',
);
const storage = oneOf(STORAGES, 'How components are stored. Only f32 can be registered in this release.');
const partitions = wholeNumber(1, LIMITS.partitions, 'Parts into which keys are spread; each has its own index.', { default: DEFAULTS.partitions });
const replicas = wholeNumber(1, LIMITS.replicas, 'Shards that should hold each part.', { default: DEFAULTS.replicas });

export const RegisterRequestSchema = closed(
  {
    name: Type.Optional(EmbeddingNameSchema),
    model,
    dim,
    distance,
    hnsw: Type.Optional(
      closed({ m: Type.Optional(m), efConstruction: Type.Optional(efConstruction), seed: Type.Optional(hnswSeed) }, 'Parameters of the graph.'),
    ),
    rabitq: Type.Optional(closed({ bits: Type.Optional(bits), seed: Type.Optional(rabitqSeed), memory: Type.Optional(memory) }, 'Parameters of the quantisation.')),
    storage: Type.Optional(storage),
    partitions: Type.Optional(partitions),
    replicas: Type.Optional(replicas),
    fields: Type.Optional(FieldsSchema),
  },
  'An embedding to register. Without a name it is named after model, dimension and distance.',
);
export type RegisterRequest = JsonOf<typeof RegisterRequestSchema>;

const descriptionMembers = {
  code: Type.Integer({ minimum: 1, description: 'Number of the embedding; never reused.', examples: [7] }),
  name: EmbeddingNameSchema,
  model,
  dim,
  distance,
  hnsw: closed({ m, efConstruction, seed: hnswSeed }, 'Parameters of the graph.'),
  rabitq: closed({ bits, seed: rabitqSeed, memory }, 'Parameters of the quantisation.'),
  storage,
  partitions,
  replicas,
  fields: FieldsSchema,
  state: oneOf(EMBEDDING_STATES, 'Where the embedding is in its life; it takes writes and searches while active.'),
  createdAt: Type.String({ format: 'date-time', description: 'When it was registered.', examples: ['2026-01-31T12:00:00.000Z'] }),
};

export const EmbeddingDescriptionSchema = closed(descriptionMembers, 'An embedding.');
export type EmbeddingDescription = JsonOf<typeof EmbeddingDescriptionSchema>;

/** 201 for a new embedding, 200 for one that was there with the same parameters. */
export type RegisterResponse = EmbeddingDescription;

export const EmbeddingStatsSchema = closed(
  {
    vectorCount: Type.Integer({ minimum: 0, description: 'Vectors that a search can find.' }),
    deletedCount: Type.Integer({ minimum: 0, description: 'Deleted vectors whose place in the index is not reused yet.' }),
    memoryBytes: Type.Integer({ minimum: 0, description: 'Memory that the indexes take, one replica of each partition counted.' }),
    graph: Type.Boolean({ description: 'Whether a partition has grown past being scanned and is searched by its graph.' }),
    recall: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'Share of the true nearest neighbours that real searches found, as far as they were run again exactly.' })),
    recallSearches: Type.Optional(Type.Integer({ minimum: 1, description: 'Searches that the recall is of.' })),
  },
  'Counts over all partitions.',
);
export type EmbeddingStats = JsonOf<typeof EmbeddingStatsSchema>;

export const EmbeddingResponseSchema = closed(
  {
    ...descriptionMembers,
    stats: EmbeddingStatsSchema,
    statsComplete: Type.Optional(Type.Literal(false, { description: 'There when a partition did not answer and its counts are missing.' })),
  },
  'An embedding with its counts.',
);
export type EmbeddingResponse = JsonOf<typeof EmbeddingResponseSchema>;

export const EmbeddingListResponseSchema = closed(
  {
    embeddings: Type.Array(EmbeddingDescriptionSchema),
    next: Type.Optional(Type.String({ description: 'There when more follow: the cursor of the next page.' })),
  },
  'The embeddings that the key may use, ordered by name.',
);
export type EmbeddingListResponse = JsonOf<typeof EmbeddingListResponseSchema>;
