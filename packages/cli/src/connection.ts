/** The client for a command: address and key from the options, the environment or the data directory of `shoal dev`. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ShoalClient } from '@shoal/client';
import type { CliSystem } from './cli-system.ts';
import { CLI_LIMITS } from './limits.ts';

export interface ConnectionOptions {
  readonly url?: string | undefined;
  readonly apiKey?: string | undefined;
}

export interface Patience {
  readonly retries: number;
  readonly timeoutMs?: number;
}

export interface Connection {
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly client: ShoalClient;
  /** Another client of the same gateway. */
  withPatience(patience: Patience): ShoalClient;
}

/** The key that a node keeps in its data directory; undefined when there is none that can be read. */
export async function readRootKey(dataDirectory: string): Promise<string | undefined> {
  const text = await readFile(join(dataDirectory, 'root-key'), 'utf8').catch(() => undefined);
  const key = text?.trim();
  return key === '' ? undefined : key;
}

/** `tenant` is for the root key: whom to speak for instead of the default tenant. */
export async function connect(options: ConnectionOptions, system: CliSystem, tenant?: string): Promise<Connection> {
  const url = options.url ?? system.url ?? CLI_LIMITS.defaultUrl;
  const dataDirectory = resolve(system.workingDirectory, CLI_LIMITS.defaultDataDirectory);
  const apiKey = options.apiKey ?? system.apiKey ?? (await readRootKey(dataDirectory));
  const withPatience = (patience: Patience): ShoalClient => new ShoalClient({ url, tenant, ...(apiKey === undefined ? {} : { apiKey }), ...patience });
  const client = withPatience({ retries: CLI_LIMITS.interactiveRetries });
  return { url: client.url, apiKey, client, withPatience };
}
