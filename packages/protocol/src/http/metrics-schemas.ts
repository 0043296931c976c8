/** The answer about what the whole cluster did. */
import { Type } from 'typebox';
import { REPORTED_OPERATIONS } from '../metrics-report.ts';
import { closed, oneOf } from './value-schemas.ts';
import type { JsonOf } from './value-schemas.ts';

const count = (description: string) => Type.Integer({ minimum: 0, description });
const number = (description: string) => Type.Number({ minimum: 0, description });

const PercentileSchema = closed(
  {
    estimateMs: number('Interpolated inside the bucket.'),
    lowerMs: number('The true percentile is above this, or 0.'),
    upperMs: Type.Optional(number('And not above this; missing in the last bucket, which has no end.')),
  },
  'A percentile from buckets: an estimate, and the bounds between which the true one lies.',
);

const LatencySchema = closed({ meanMs: number('Exact.'), p50: PercentileSchema, p95: PercentileSchema, p99: PercentileSchema }, 'How long operations took that succeeded.');

const FiguresSchema = closed(
  {
    operation: oneOf(REPORTED_OPERATIONS, 'What was done.'),
    count: count('Operations that succeeded since the instances started.'),
    errorCount: count('Operations that failed.'),
    errors: Type.Record(Type.String(), Type.Integer({ minimum: 0 }), { description: 'Of these, by the code of their error.' }),
    perSecond: number('Operations that succeeded per second, over the last minute.'),
    latency: Type.Optional(LatencySchema),
    latencyLastMinute: Type.Optional(LatencySchema),
    buckets: Type.Array(Type.Integer({ minimum: 0 }), { description: 'Operations by bucket: up to 1 us, 2, 4, ... 262144 us, and above.' }),
  },
  'One kind of operation.',
);

const ServiceSchema = closed(
  {
    service: Type.String({ description: 'gateway: what callers asked for. shard: what came of it.' }),
    instances: count('Processes that were heard of in the last ten seconds.'),
    retiredInstances: count('Processes that ended; what they did still counts.'),
    operations: Type.Array(FiguresSchema),
  },
  'One service.',
);

const EmbeddingSchema = closed(
  {
    code: count('Number of the embedding.'),
    tenant: Type.Optional(Type.String({ description: 'Whose it is; missing when this gateway does not know it.' })),
    name: Type.Optional(Type.String({ description: 'Its name.' })),
    operations: Type.Array(FiguresSchema),
    recall: Type.Optional(closed({ recall: Type.Number({ minimum: 0, maximum: 1 }), searches: count('Searches that were run again exactly.') }, 'How many of the true nearest neighbours real searches found.')),
  },
  'One embedding, as gateways count it.',
);

export const MetricsSummarySchema = closed(
  {
    operations: Type.Array(FiguresSchema, { description: 'The cluster: sums over its gateways, for every request passes exactly one.' }),
    services: Type.Array(ServiceSchema),
    embeddings: Type.Array(EmbeddingSchema, { description: 'Those with the most operations, most first.' }),
  },
  'What all processes of the cluster did, those that ended included.',
);
export type MetricsSummary = JsonOf<typeof MetricsSummarySchema>;
export type MetricsFigures = MetricsSummary['operations'][number];
