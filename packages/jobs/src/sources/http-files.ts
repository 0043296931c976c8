/** Files at HTTP and HTTPS addresses, read by ranges. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ShoalError } from '@shoal/protocol';
import { fetch, type Response } from 'undici';
import { JOB_LIMITS } from '../limits.ts';
import type { ByteSource, SourceFile } from './byte-source.ts';
import { PUBLIC_AGENT, PrivateAddressError, checkLiteralHost } from './public-addresses.ts';
import { invalidSource, refusedSource, unavailableSource } from './source-failure.ts';
import { SpooledFile, type Spool } from './spooled-file.ts';

const ATTEMPTS = 4;
const FIRST_WAIT_MS = 250;

/** The address as it may be shown: without user, password and query, which may hold a signature. */
function shownAddress(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** What of a policy counts for HTTP. */
export interface HostPolicy {
  readonly hosts: readonly string[];
  readonly privateAddresses: boolean;
}

/** `named`: the operator has named this very host; `pattern`: it is one of many that are open. */
export function hostOpening({ host, hostname }: URL, hosts: readonly string[]): 'named' | 'pattern' | undefined {
  if (hosts.some((open) => open === host || open === hostname)) return 'named';
  return hosts.some((open) => open === '*' || (open.startsWith('*.') && hostname.endsWith(open.slice(1)))) ? 'pattern' : undefined;
}

function refusedHost(address: URL): ShoalError {
  return refusedSource(shownAddress(address), 'its host is not open to imports; SHOAL_IMPORT_HOSTS of the worker (of the node, when embedded) lists those that are.');
}

function refusedAddress(address: URL): ShoalError {
  return refusedSource(shownAddress(address), 'its host has no public address; name it in SHOAL_IMPORT_HOSTS of the worker (of the node, when embedded) if it is to be read all the same.');
}

const isPrivateAddress = (error: unknown): boolean => error instanceof PrivateAddressError || (error instanceof Error && error.cause !== undefined && isPrivateAddress(error.cause));

async function fetchAllowed(address: URL, headers: Record<string, string>, { hosts, privateAddresses }: HostPolicy): Promise<Response> {
  const opening = hostOpening(address, hosts);
  if (opening === undefined || !/^https?:$/.test(address.protocol)) throw refusedHost(address);
  const isGuarded = opening === 'pattern' && !privateAddresses;
  try {
    if (isGuarded) checkLiteralHost(address);
    return await fetch(address, { headers, redirect: 'manual', signal: AbortSignal.timeout(JOB_LIMITS.httpTimeoutMs), ...(isGuarded ? { dispatcher: PUBLIC_AGENT } : {}) });
  } catch (error) {
    if (isPrivateAddress(error)) throw refusedAddress(address);
    throw error;
  }
}

async function fetchFollowing(url: URL, headers: Record<string, string>, policy: HostPolicy): Promise<Response> {
  let address = url;
  for (let redirects = 0; ; redirects += 1) {
    const response = await fetchAllowed(address, headers, policy);
    const location = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || location === null) return response;
    await response.body?.cancel();
    if (redirects >= JOB_LIMITS.httpRedirects) throw invalidSource(shownAddress(url), `it redirects more than ${JOB_LIMITS.httpRedirects} times.`);
    address = new URL(location, address);
  }
}

async function getRange(url: URL, range: string, policy: HostPolicy): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    let fault: string;
    let cause: unknown;
    try {
      const response = await fetchFollowing(url, { range, 'accept-encoding': 'identity' }, policy);
      if (response.status === 206 || response.status === 200 || response.status === 416) return response;
      await response.body?.cancel();
      fault = `it answers with status ${response.status}.`;
      if (response.status < 500 && response.status !== 429 && response.status !== 408) throw invalidSource(shownAddress(url), fault);
    } catch (error) {
      if (error instanceof ShoalError) throw error;
      fault = 'it does not answer.';
      cause = error;
    }
    if (attempt >= ATTEMPTS) throw unavailableSource(shownAddress(url), fault, cause);
    await sleep(FIRST_WAIT_MS * 2 ** attempt);
  }
}

async function openHttpFile(url: URL, policy: HostPolicy, shared: Spool | undefined): Promise<ByteSource> {
  const name = shownAddress(url);
  const head = await getRange(url, 'bytes=0-0', policy);
  await head.body?.cancel();
  const total = /\/(\d+)$/.exec(head.headers.get('content-range') ?? '')?.[1];
  if (head.status === 200 || total === undefined) throw invalidSource(name, 'the server does not answer range requests, which an import needs.');
  const sizeBytes = Number(total);
  const validator = head.headers.get('etag') ?? head.headers.get('last-modified') ?? '';
  const spool = validator === '' ? new SpooledFile() : (shared ?? new SpooledFile());
  const version = `${sizeBytes}-${validator}`;
  const source: ByteSource = {
    name,
    sizeBytes,
    version,
    async read(offset, length) {
      const end = Math.min(offset + length, sizeBytes);
      if (end <= offset) return Buffer.alloc(0);
      const response = await getRange(url, `bytes=${offset}-${end - 1}`, policy);
      const bytes = Buffer.from(await response.arrayBuffer().catch((cause: unknown) => {
        throw unavailableSource(name, 'the connection broke.', cause);
      }));
      if (bytes.length !== end - offset) throw unavailableSource(name, `the server sent ${bytes.length} of ${end - offset} bytes.`);
      return bytes;
    },
    // With the whole address: what it asks for may stand in its query.
    localPath: () => spool.path(source, JSON.stringify([url.href, version])),
    close: () => spool.release(),
  };
  return source;
}

export function httpSourceFile(address: string, policy: HostPolicy, shared?: Spool): SourceFile {
  const url = URL.parse(address);
  if (url === null) throw invalidSource('the source', 'the address is not a valid URL.');
  return { name: shownAddress(url), open: () => openHttpFile(url, policy, shared) };
}
