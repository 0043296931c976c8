import type { ChaosReport } from './chaos-run.ts';

/** What must not have happened: each with its first examples. Empty when all is well. */
export function violations({ writes, searches, replicas, unequalDigests, searched, setAsideCount }: ChaosReport): readonly string[] {
  const found: readonly (readonly [string, readonly string[]])[] = [
    ['acknowledged writes lost', [...replicas.missing, ...searched.missing]],
    ['duplicates', [...replicas.duplicated, ...searched.duplicated]],
    ['phantoms', [...replicas.phantom, ...searched.phantom]],
    ['vectors in a wrong version', [...replicas.wrong, ...searched.stale]],
    ['wrong receipts', writes.flatMap(({ wrongReceipts }) => wrongReceipts)],
    ['wrong answers', searches.flatMap(({ wrongAnswers }) => wrongAnswers)],
    ['partitions whose replicas differ', replicas.unequal],
    ['slots whose replicas announce different digests', unequalDigests],
    ['messages set aside', setAsideCount === 0 ? [] : [String(setAsideCount)]],
  ];
  return found.flatMap(([what, examples]) => (examples.length === 0 ? [] : [`${examples.length} ${what}: ${examples.slice(0, 3).join('; ')}`]));
}

export interface Availability {
  readonly searches: number;
  readonly answered: number;
  readonly answeredAtOnce: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maximumMs: number;
  readonly failures: ReadonlyMap<string, number>;
}

export function availability({ searches }: ChaosReport): Availability {
  const durationsMs = searches.flatMap((tally) => tally.durationsMs).sort((a, b) => a - b);
  const failures = new Map<string, number>();
  for (const tally of searches) for (const [code, count] of tally.failures) failures.set(code, (failures.get(code) ?? 0) + count);
  const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
  const at = (share: number): number => Math.round(durationsMs[Math.floor((durationsMs.length - 1) * share)] ?? Number.NaN);
  return {
    searches: durationsMs.length + failed, answered: durationsMs.length, answeredAtOnce: searches.reduce((sum, { answeredAtOnce }) => sum + answeredAtOnce, 0),
    p50Ms: at(0.5), p99Ms: at(0.99), maximumMs: at(1), failures,
  };
}

export function describe(report: ChaosReport): readonly string[] {
  const { faults, durationMs, writes, liveKeys, deletedKeys, unsureKeys, replicas } = report;
  const sum = (of: (tally: ChaosReport['writes'][number]) => number): number => writes.reduce((total, tally) => total + of(tally), 0);
  const { searches, answered, answeredAtOnce, p50Ms, p99Ms, maximumMs, failures } = availability(report);
  const percent = (part: number): string => `${((100 * part) / searches).toFixed(3)} %`;
  const total = [...faults.values()].reduce((all, count) => all + count, 0);
  return [
    `${total} faults in ${Math.round(durationMs / 1_000)} s: ${[...faults].sort().map(([name, count]) => `${count} x ${name}`).join(', ')}`,
    `${sum(({ acknowledged }) => acknowledged)} batches acknowledged, ${sum(({ failed }) => failed)} given up; ${sum(({ newKeys }) => newKeys)} vectors loaded; ${liveKeys} keys live, ${deletedKeys} deleted, ${unsureKeys} unsure`,
    `${sum(({ receiptsChecked }) => receiptsChecked)} receipts checked by a read right after the write, ${sum(({ receiptsUnread }) => receiptsUnread)} such reads without an answer`,
    `${searches} searches during the faults: ${percent(answered)} answered, ${percent(answeredAtOnce)} by the gateway that was asked first; p50 ${p50Ms} ms, p99 ${p99Ms} ms, slowest ${maximumMs} ms${failures.size === 0 ? '' : `; failures ${[...failures].map(([code, count]) => `${count} x ${code}`).join(', ')}`}`,
    `${replicas.rowCount} rows read from all replicas at the end and compared`,
  ];
}
