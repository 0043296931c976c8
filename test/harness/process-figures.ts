/** What Linux knows of a process and of files: memory, bytes written, and reading without what is cached. */
import { execFile } from 'node:child_process';
import { open, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ProcessMemory {
  readonly residentBytes: number;
  readonly peakBytes: number;
}

async function numbersOf(path: string): Promise<ReadonlyMap<string, number>> {
  const text = await readFile(path, 'utf8');
  return new Map([...text.matchAll(/^(\w+):\s+(\d+)/gm)].map(([, name, value]) => [name as string, Number(value)]));
}

export async function processMemory(pid: number): Promise<ProcessMemory> {
  const status = await numbersOf(`/proc/${pid}/status`);
  return { residentBytes: (status.get('VmRSS') ?? 0) * 1024, peakBytes: (status.get('VmHWM') ?? 0) * 1024 };
}

/** Bytes that the process has caused to be written to disks since it began. */
export async function diskBytesWritten(pid: number): Promise<number> {
  return (await numbersOf(`/proc/${pid}/io`)).get('write_bytes') ?? 0;
}

/** Processor time that the process has taken since it began. */
export async function processorMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold anything; user and system time are the 12th and 13th field after it, in hundredths of a second.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Every file below a directory. */
export async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Lets go of what the system has cached of the files, as far as it does what it is asked. */
export async function evict(files: readonly string[]): Promise<void> {
  for (const file of files) {
    await run('sync', [file]);
    await run('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
  }
}

/** Reads files from end to end; resolves with their bytes and the time it took. */
export async function readThrough(files: readonly string[]): Promise<{ readonly byteCount: number; readonly tookMs: number }> {
  const buffer = Buffer.alloc(1 << 20);
  const startedMs = performance.now();
  let byteCount = 0;
  for (const name of files) {
    const file = await open(name, 'r');
    try {
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length);
        if (bytesRead === 0) break;
        byteCount += bytesRead;
      }
    } finally {
      await file.close();
    }
  }
  return { byteCount, tookMs: performance.now() - startedMs };
}
