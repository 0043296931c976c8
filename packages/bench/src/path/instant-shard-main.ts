/**
 * A shard that answers every search at once with the same neighbours: what the path around the index costs. One argument:
 * {"natsUrl", "slots", "streams", "firstSlot", "lastSlot"}.
 */
import { connectNatsBus } from '@shoal/bus';
import {
  SUBJECTS, decodeQueryRequest, encodeQueryResponse, encodeShardStatus, parseShardId, parseSlot, parseVectorKey,
  type QueryRequest, type QueryResponse, type SearchHit, type Sequence,
} from '@shoal/protocol';

interface Arguments {
  readonly natsUrl: string;
  readonly slots: number;
  readonly streams: number;
  readonly firstSlot: number;
  readonly lastSlot: number;
}

const ANNOUNCE_INTERVAL_MS = 500;
/** Beyond every receipt that a benchmark can hold. */
const APPLIED = 2 ** 40 as Sequence;
const HITS: readonly SearchHit[] = Array.from({ length: 1_000 }, (_, index) => ({ key: parseVectorKey(String(10_000 + index)), distance: index / 7 }));

function answer(request: QueryRequest): QueryResponse {
  if (request.type !== 'search') {
    return { type: request.type, items: request.items.map(() => ({ ok: false as const, error: 'internal' as const, message: 'Only searches are answered here.' })) };
  }
  return {
    type: 'search',
    items: request.items.map(({ k }) => ({ ok: true as const, appliedSequence: APPLIED, path: 'rabitq' as const, distanceComputations: 0, hits: HITS.slice(0, k) })),
  };
}

const { natsUrl, slots, streams, firstSlot, lastSlot } = JSON.parse(process.argv[2] ?? '{}') as Arguments;
const bus = await connectNatsBus({ servers: natsUrl, slots, streams, timeoutMs: 15_000, name: 'instant-shard' });
const shard = parseShardId('instant');
const owned = Array.from({ length: lastSlot - firstSlot + 1 }, (_, index) => parseSlot(firstSlot + index));
for (const slot of owned) {
  for (const subject of [SUBJECTS.query(slot), SUBJECTS.queryOf(slot, shard)]) await bus.requests.serve(subject, async (payload) => encodeQueryResponse(answer(decodeQueryRequest(payload))));
}
const startedAtMs = Date.now();
let count = 0;
setInterval(() => {
  count += 1;
  const status = owned.map((slot) => ({ slot, ready: true, appliedSequence: APPLIED, setAsideCount: 0, embeddingCount: 1, vectorCount: 0 }));
  bus.requests.announce(SUBJECTS.shardStatus, encodeShardStatus({
    shard: shard, version: 'instant', count, startedAtMs, slots: status, engineMemoryBytes: 0, engineMemoryMaxBytes: 0,
  }));
}, ANNOUNCE_INTERVAL_MS);
process.once('SIGTERM', () => process.exit(0));
