/** `npm run bench:writes`: bytes that reach disks per vector written, and what lies there in the end. One shard, one server, one gateway. */
import { parseArgs } from 'node:util';
import { measureAmplification } from './amplification-run.ts';

const { values } = parseArgs({ options: { count: { type: 'string', default: '50000' }, dim: { type: 'string', default: '128' }, seed: { type: 'string', default: '1' }, json: { type: 'boolean', default: false } } });
const options = { count: Number(values.count), dim: Number(values.dim), seed: Number(values.seed) };
const report = await measureAmplification(options);
if (values.json) {
  console.log(JSON.stringify({ options, report }, undefined, 2));
} else {
  const { vectorBytes, liveVectors } = report;
  const times = (bytes: number, vectors: number): string => `${(bytes / vectors).toFixed(0)} B (${(bytes / vectors / vectorBytes).toFixed(1)}x)`;
  console.log(`a vector of ${options.dim} dimensions with its key: ${vectorBytes} B; per vector written, and as a multiple of that:`);
  console.log('| phase | vectors | log (NATS) | snapshots (NATS) | rows (shard) | indexes (shard) | all |\n|---|---|---|---|---|---|---|');
  for (const { name, vectors, natsBytes, snapshotBytes, shardBytes, indexBytes } of report.phases) {
    const cells = [natsBytes - snapshotBytes, snapshotBytes, shardBytes - indexBytes, indexBytes, natsBytes + shardBytes].map((bytes) => times(bytes, vectors));
    console.log(`| ${name} | ${vectors} | ${cells.join(' | ')} |`);
  }
  console.log(`on disk in the end, per living vector: log and snapshots ${times(report.natsDirectoryBytes, liveVectors)}, rows ${times(report.rowBytes, liveVectors)}, index ${times(report.indexFileBytes, liveVectors)}`);
}
