import type { MetricsReport } from '@shoal/protocol';
import { addFigures } from './report-sums.ts';

/** One report per service that holds the sums of many; what their embeddings did stays in the totals alone. */
export function folded(sums: readonly MetricsReport[], report: MetricsReport): MetricsReport[] {
  const sum = sums.find(({ service }) => service === report.service);
  if (sum === undefined) return [...sums, { ...report, instance: 'folded', startedAtMs: 0, embeddings: [], recall: [] }];
  const added: MetricsReport = { ...sum, count: sum.count + 1, operations: addFigures([sum.operations, report.operations]) };
  return sums.map((one) => (one === sum ? added : one));
}
