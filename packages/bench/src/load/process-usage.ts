import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

export interface ProcessUsage {
  /** CPU time over elapsed time, all processes together: 2 means two cores fully busy. Undefined where the system does not tell. */
  readonly cores: number | undefined;
  /** The largest sum of resident memory that was seen. */
  readonly peakRssBytes: number | undefined;
}

/** Linux counts CPU time in hundredths of a second here, whatever its own tick (USER_HZ). */
const TICKS_PER_SECOND = 100;
const SAMPLE_INTERVAL_MS = 500;

interface Reading {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

/** From /proc; undefined on other systems, and for a process that has ended. */
async function readProcess(pid: number): Promise<Reading | undefined> {
  try {
    const [stat, status] = await Promise.all([readFile(`/proc/${pid}/stat`, 'latin1'), readFile(`/proc/${pid}/status`, 'latin1')]);
    // The name in parentheses may hold blanks: fields are counted from behind it. utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const rssKb = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND, rssBytes: rssKb * 1024 };
  } catch {
    return undefined;
  }
}

async function readAll(pids: readonly number[]): Promise<Reading | undefined> {
  const readings = (await Promise.all(pids.map(readProcess))).filter((reading) => reading !== undefined);
  if (readings.length === 0) return undefined;
  return {
    cpuSeconds: readings.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    rssBytes: readings.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
  };
}

/** Watches processes until the signal aborts. */
export async function watchUsage(pids: readonly number[], nowMs: () => number, signal: AbortSignal): Promise<ProcessUsage> {
  const startedAtMs = nowMs();
  const first = await readAll(pids);
  let peakRssBytes = first?.rssBytes;
  while (!signal.aborted) {
    await pause(SAMPLE_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    const reading = await readAll(pids);
    if (reading !== undefined) peakRssBytes = Math.max(peakRssBytes ?? 0, reading.rssBytes);
  }
  const last = await readAll(pids);
  const cores = first === undefined || last === undefined ? undefined : (last.cpuSeconds - first.cpuSeconds) / ((nowMs() - startedAtMs) / 1000);
  return { cores, peakRssBytes };
}
