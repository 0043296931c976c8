/** From the addresses of a request to files that can be opened. */
import { JOB_LIMITS } from '../limits.ts';
import type { SourceFile } from './byte-source.ts';
import { httpSourceFile } from './http-files.ts';
import { localSourceFiles } from './local-files.ts';
import { s3SourceFiles, type S3Settings } from './s3-bucket.ts';
import { invalidSource } from './source-failure.ts';
import type { Spool } from './spooled-file.ts';

/** What imports may read; set by the operator of the process that reads. */
export interface SourcePolicy {
  /** Local directories, absolute; everything below them can be imported. */
  readonly directories: readonly string[];
  /** Hosts that may be fetched from: `host`, `host:port`, `*.domain` or `*`. */
  readonly hosts: readonly string[];
  /**
   * Whether a host that only a pattern allows may have an address of this machine or of a private network; one that is named in full always may.
   * False where others than the operator name the addresses.
   */
  readonly privateAddresses: boolean;
  readonly s3?: S3Settings;
}

async function filesOf(address: string, policy: SourcePolicy, spool: Spool | undefined): Promise<SourceFile[]> {
  if (/^https?:\/\//.test(address)) return [httpSourceFile(address, policy, spool)];
  if (address.startsWith('s3://')) return s3SourceFiles(address, policy.s3, spool);
  if (/^[a-z][a-z0-9+.-]*:\/\//.test(address) && !address.startsWith('file://')) {
    throw invalidSource(address, 'an address is a path, or begins with file://, http://, https:// or s3://.');
  }
  return localSourceFiles(address, policy.directories);
}

/**
 * All files of an import, in the order of the addresses and by name below a directory or prefix. `spool` keeps remote files whose format needs a local one;
 * each has a temporary one of its own otherwise.
 */
export async function sourceFiles(addresses: readonly string[], policy: SourcePolicy, spool?: Spool): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for (const address of addresses) {
    files.push(...(await filesOf(address, policy, spool)));
    if (files.length > JOB_LIMITS.files) throw invalidSource(address, `the import has more than ${JOB_LIMITS.files} files.`);
  }
  return files;
}

/** One file of an import again, by the address it came from and the name that planning gave it. */
export async function sourceFileOf(address: string, name: string, policy: SourcePolicy, spool?: Spool): Promise<SourceFile> {
  // The name of a remote file lacks what the address may hold as a secret; below a directory or prefix the name is an address itself.
  const [file] = await filesOf(/^https?:\/\//.test(address) ? address : name, policy, spool);
  if (file === undefined) throw invalidSource(name, 'it is not there any more.');
  return file;
}
