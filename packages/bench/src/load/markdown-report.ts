import { blocksToMarkdown } from '../charts/index.ts';
import type { BenchResult } from './concurrent-benchmark.ts';
import { reportBlocks, settingsBlocks } from './report-text.ts';

/** A result for people: speed, latency, errors, recall, and the targets of the preset. */
export function markdownReport(result: BenchResult): string {
  return blocksToMarkdown([...settingsBlocks(result), ...reportBlocks(result)]);
}
