/**
 * Where backups lie: a directory or a prefix of a bucket, with one folder per backup. Paths are relative, with slashes.
 *
 * Invariants:
 * 1. A file that `write` did not finish does not exist for `read` and `list`.
 * 2. Content is streamed both ways.
 */
export interface BackupPlace {
  /** For people, without credentials. */
  readonly name: string;
  /** Replaces a file of the same path. Rejects with `backup_unavailable`, or with whatever `content` throws. */
  write(path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Throws `backup_corrupt` when there is no such file, `backup_unavailable` when it cannot be read now. */
  read(path: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  exists(path: string): Promise<boolean>;
  /** Names of the folders at the place, in ascending order. */
  folders(): Promise<readonly string[]>;
  /** Removes a folder with its files, `first` before the others; one that is gone already is no error. */
  remove(folder: string, first: string): Promise<void>;
}
