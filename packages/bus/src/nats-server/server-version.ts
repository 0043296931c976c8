/** Versions of nats-server: which is new enough, and how a binary tells its own. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ASK_TIMEOUT_MS = 5_000;

/** Atomic batch publishing came with 2.12. */
export const MINIMUM_SERVER_VERSION = '2.12.0';

/** Ascending order of `major.minor.patch`; anything behind the numbers (`-beta.1`) is ignored. */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string): number[] => (/^v?(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  for (let index = 0; index < 3; index += 1) {
    const difference = (left[index] ?? -1) - (right[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function isNewEnough(version: string): boolean {
  return compareVersions(version, MINIMUM_SERVER_VERSION) >= 0;
}

/** The version that `BINARY --version` prints, or undefined when it cannot be run. */
export async function versionOfBinary(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: ASK_TIMEOUT_MS });
    return /v?(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}
