/** An import that the server carries on by itself: asked for, followed until its end, and its report fetched. */
import type { ShoalClient } from '@shoal/client';
import type { ImportRequestJson, ImportResponse } from '@shoal/protocol';
import { INTERRUPTED_EXIT_CODE, type CliSystem } from '../cli-system.ts';
import { CommandFailure } from '../command-failure.ts';
import { CLI_LIMITS } from '../limits.ts';
import { formatCount, formatDuration } from '../text/quantities.ts';
import { RejectionReport } from './rejection-report.ts';

/** `12,000 of 50,000 rows, 3 rejected, 2,000/s, 19 s left`. */
export function progressText({ state, rows, rowsDone, rejected, rowsPerSecond, secondsLeft, error }: ImportResponse): string {
  const parts = [`${formatCount(rowsDone)} of ${rows === 0 ? '?' : formatCount(rows)} rows`, `${formatCount(rejected)} rejected`];
  if (rowsPerSecond !== undefined) parts.push(`${formatCount(rowsPerSecond)}/s`);
  if (secondsLeft !== undefined) parts.push(`${formatDuration(secondsLeft * 1_000)} left`);
  if (error !== undefined) parts.push(`${error.message} (${error.code})`);
  return `${state}: ${parts.join(', ')}`;
}

const ENDED: readonly ImportResponse['state'][] = ['done', 'failed', 'cancelled', 'paused'];

/** Follows an import until it ends or is paused. An interrupt leaves it to the server. */
export async function followImport(client: ShoalClient, id: string, system: CliSystem): Promise<ImportResponse> {
  let printedMs = system.nowMs();
  try {
    for (;;) {
      const status = await client.imports.get(id, { signal: system.interrupt });
      if (ENDED.includes(status.state)) return status;
      if (system.nowMs() - printedMs >= CLI_LIMITS.reportIntervalMs) {
        printedMs = system.nowMs();
        system.stderr.write(`  ${progressText(status)}\n`);
      }
      await pause(CLI_LIMITS.importPollMs, system.interrupt);
    }
  } catch (error) {
    if (!system.interrupt.aborted) throw error;
    system.stderr.write(`The import ${id} goes on without this command; \`shoal imports show ${id}\` tells how far it is.\n`);
    throw new CommandFailure(INTERRUPTED_EXIT_CODE);
  }
}

function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, durationMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

/** All of the report into a file, where there is any. */
export async function fetchReport(client: ShoalClient, id: string, path: string): Promise<number> {
  const report = new RejectionReport(path);
  let count = 0;
  try {
    for await (const rejection of client.imports.report(id)) {
      await report.add([rejection]);
      count += 1;
    }
  } finally {
    await report.close();
  }
  return count;
}

export interface ServerImportOptions {
  readonly detach: boolean;
  /** Where rejected rows are written. */
  readonly reportPath: string;
}

/** Throws `imports_unavailable` where the server runs none. */
export async function runServerImport(client: ShoalClient, request: ImportRequestJson, { detach, reportPath }: ServerImportOptions, system: CliSystem): Promise<void> {
  const { id } = await client.imports.create(request);
  system.stdout.write(`Import ${id}\n`);
  if (detach) return;
  const status = await followImport(client, id, system);
  if (status.rejected > 0) {
    const reported = await fetchReport(client, id, reportPath);
    system.stdout.write(`${formatCount(status.rejected)} rows rejected; ${reportPath} names ${reported === status.rejected ? 'each' : `the first ${formatCount(reported)}`} with its reason.\n`);
  }
  if (status.state !== 'done') {
    system.stderr.write(`${progressText(status)}\n`);
    throw new CommandFailure(1);
  }
  system.stdout.write(`${formatCount(status.accepted)} vectors in and searchable, ${formatCount(status.rowsPerSecond ?? 0)} rows/s.\nReceipt: ${JSON.stringify(status.receipt)}\n`);
}
