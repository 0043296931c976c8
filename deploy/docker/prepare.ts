/**
 * An engine and the images that the container suites start. As a program it prints one line of JSON, the `Prepared` or the reason why
 * there is none, keeps an engine of its own running, and ends it at SIGTERM.
 */
import { fileURLToPath } from 'node:url';
import { ensureBaseImage, serverCache } from './base-images.ts';
import { findEngine, type DockerEngine } from './engine.ts';
import { cannotStartHere, startEngine } from './engine-start.ts';
import { ensurePreparedImage } from './shoal-image.ts';

/** What the suites need to know. */
export interface Prepared {
  /** As in DOCKER_HOST. */
  readonly dockerHost: string;
  readonly description: string;
  readonly image: string;
  readonly natsImage: string;
  readonly redisImage: string;
}

export type Preparation = { readonly prepared: Prepared; close(): Promise<void> } | { readonly reason: string };

/** An engine that answers; else, where `mayStart`, one of our own. */
async function anEngine(mayStart: boolean, say: (text: string) => void): Promise<DockerEngine | string> {
  const found = await findEngine(process.env);
  if (found !== undefined) return found;
  const hindrance = cannotStartHere();
  if (!mayStart || hindrance !== undefined) return `no Docker engine answers${hindrance === undefined ? '; SHOAL_START_DOCKER=1 runs one from Debian packages' : `, and ${hindrance}`}`;
  const started = await startEngine(serverCache, say);
  return started ?? 'no Docker engine answers, and none could be fetched here';
}

/** Never throws: what goes wrong is the reason. */
export async function prepare(mayStart: boolean, say: (text: string) => void): Promise<Preparation> {
  let engine: DockerEngine | string | undefined;
  try {
    engine = await anEngine(mayStart, say);
    if (typeof engine === 'string') return { reason: engine };
    const running = engine;
    const work = { engine: running, cacheDirectory: serverCache, say };
    const image = await ensurePreparedImage(work);
    const natsImage = await ensureBaseImage(work, 'nats');
    const redisImage = await ensureBaseImage(work, 'redis');
    return { prepared: { dockerHost: running.host, description: running.description, image, natsImage, redisImage }, close: () => running.close() };
  } catch (error) {
    if (typeof engine === 'object') await engine.close();
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/** In CI an engine is started where none answers; elsewhere only on request. */
export function mayStartEngine(environment: Readonly<Record<string, string | undefined>>): boolean {
  return [environment['CI'], environment['SHOAL_START_DOCKER']].some((value) => value !== undefined && value !== '' && value !== '0' && value !== 'false');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const preparation = await prepare(mayStartEngine(process.env), (text) => console.error(text));
  console.log(JSON.stringify('prepared' in preparation ? { prepared: preparation.prepared } : preparation));
  if ('prepared' in preparation) {
    const told = Promise.withResolvers<void>();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => told.resolve());
    // Whoever started this process holds its input open; when that ends, nobody needs the engine.
    process.stdin.on('end', () => told.resolve()).resume();
    await told.promise;
    await preparation.close();
    process.exit(0);
  }
}
