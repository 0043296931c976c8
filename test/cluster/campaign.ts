/** `npm run campaign:rebalance`: a cluster under load gains a shard and loses another; what failed, how the slots lie, whether replicas agree. */
import { parseArgs } from 'node:util';
import { CLEAN_AUDIT, suiteSeed } from '../harness/workload.ts';
import { runRebalance } from './rebalance-run.ts';

const { values } = parseArgs({
  options: {
    shards: { type: 'string', default: '4' },
    slots: { type: 'string', default: '64' },
    embeddings: { type: 'string', default: '8' },
    keys: { type: 'string', default: '5000' },
    dim: { type: 'string', default: '64' },
    'steady-seconds': { type: 'string', default: '20' },
    batch: { type: 'string', default: '100' },
    'pause-ms': { type: 'string', default: '600' },
  },
});

const report = await runRebalance({
  seed: suiteSeed('rebalance'),
  shards: Number(values.shards), slots: Number(values.slots), embeddings: Number(values.embeddings), keysPerEmbedding: Number(values.keys),
  dim: Number(values.dim), steadyMs: Number(values['steady-seconds']) * 1_000, batch: Number(values.batch), writePauseMs: Number(values['pause-ms']),
}, console.log);

const { failures, slotsPerShard, moveMs, writeCount, vectorCount, searchCount, audits, comparison } = report;
console.log(`${writeCount} writes of ${vectorCount} vectors and ${searchCount} searches, ${failures.length} failed; the moves took ${(moveMs / 1_000).toFixed(1)} s`);
console.log(`slots: ${Object.entries(slotsPerShard).map(([shard, slots]) => `${shard} ${slots}`).join(', ')}`);
console.log(`${comparison.replicaCount} replicas of ${comparison.partitionCount} partitions with ${comparison.vectorCount} vectors compared: ${comparison.different.length === 0 ? 'all equal' : comparison.different.join('; ')}; digests of slots ${report.digestsEqual ? 'equal' : 'NOT equal'}; all rows read again: ${report.unverifiedSlots.length === 0 ? 'every slot equal' : `slots ${report.unverifiedSlots.join(', ')} are not`}`);
for (const failure of failures.slice(0, 20)) console.log(`failed: ${failure}`);
const isClean = audits.every((each) => JSON.stringify(each) === JSON.stringify(CLEAN_AUDIT));
console.log(isClean ? 'every acknowledged write is there, once' : `lost or wrong: ${JSON.stringify(audits)}`);
process.exitCode = failures.length === 0 && comparison.different.length === 0 && report.digestsEqual && report.unverifiedSlots.length === 0 && isClean ? 0 : 1;
