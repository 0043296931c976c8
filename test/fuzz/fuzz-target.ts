/** Prepares a node for fuzzing and reads its memory. */
import { readFileSync } from 'node:fs';
import type { FuzzKeys } from './request-generator.ts';

export interface FuzzTarget {
  readonly url: string;
  readonly rootKey: string;
}

async function post(target: FuzzTarget, path: string, body: unknown, headers: Record<string, string> = {}): Promise<{ readonly key?: string }> {
  const response = await fetch(target.url + path, {
    method: 'POST', body: JSON.stringify(body), headers: { authorization: `Bearer ${target.rootKey}`, 'content-type': 'application/json', ...headers },
  });
  return (await response.json()) as { key?: string };
}

/** Two embeddings, a tenant, and keys of every role. */
export async function prepareTarget(target: FuzzTarget): Promise<FuzzKeys> {
  await post(target, '/v1/tenants', { tenant: 'fuzz-a' });
  const others: string[] = [];
  for (const tenant of ['default', 'fuzz-a']) {
    for (const role of ['read', 'write', 'admin']) others.push((await post(target, '/v1/keys', { role }, { 'x-shoal-tenant': tenant })).key ?? '');
    await post(target, '/v1/embeddings', { name: 'fuzz', model: 'm', dim: 4, distance: 'l2', fields: { n: 'integer', tag: 'keyword' } }, { 'x-shoal-tenant': tenant });
  }
  await post(target, '/v1/embeddings', { name: 'angles', model: 'm', dim: 4, distance: 'cosine' });
  return { root: target.rootKey, others };
}

/** Resident memory of a process, from the system; undefined where the system does not tell. */
export function residentBytes(pid: number): number | undefined {
  try {
    const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
