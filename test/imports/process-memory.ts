import { readFile } from 'node:fs/promises';
import type { ServiceProcess } from '../harness/service-process.ts';

/** Resident memory of a process, bytes; undefined while it is not there, and where the system does not tell. */
export async function residentBytes(process: ServiceProcess): Promise<number | undefined> {
  if (!process.running) return undefined;
  const text = await readFile(`/proc/${process.pid}/status`, 'utf8').catch(() => '');
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

export interface MemorySample {
  readonly rowsDone: number;
  readonly workerBytes: number | undefined;
  readonly gatewayBytes: number | undefined;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Median memory in the second and in the last quarter of the rows: in the first one everything is still warming up. */
export function memoryQuarters(samples: readonly MemorySample[], rows: number, part: 'workerBytes' | 'gatewayBytes'): { readonly secondMib: number; readonly lastMib: number } {
  const between = (from: number, to: number): number => {
    const values = samples.filter(({ rowsDone }) => rowsDone >= rows * from && rowsDone <= rows * to).flatMap((sample) => sample[part] ?? []);
    return Math.round(median(values) / 2 ** 20);
  };
  return { secondMib: between(0.25, 0.5), lastMib: between(0.75, 1) };
}
