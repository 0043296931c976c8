/** Shoal's own image, built by deploy/docker/Dockerfile and kept by what is in it. */
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBaseImage, IMAGES, makeBaseImage, SYSTEM_CERTIFICATES, type ImageWork } from './base-images.ts';
import { gather } from './gather.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PREPARED = join(root, '.cache', 'image');
const BUILDKIT = { DOCKER_BUILDKIT: '1' };

async function contentHash(directory: string, files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const path of [...paths.sort(), ...files]) hash.update(`${path}\0`).update(await readFile(path));
  return hash.digest('hex').slice(0, 16);
}

/** The image of the workspace as it is built now; `shoal:test-HASH`, built only when that one is not there. */
export async function ensurePreparedImage(work: ImageWork): Promise<string> {
  await gather(PREPARED);
  const tag = `shoal:test-${await contentHash(PREPARED, [join(root, 'deploy/docker/Dockerfile')])}`;
  if (await work.engine.has(tag)) return tag;
  await ensureBaseImage(work, 'node');
  const startedAtMs = Date.now();
  const build = ['build', '--quiet', '-f', join(root, 'deploy/docker/Dockerfile'), '--target', 'prepared', '-t', tag, root];
  // A command that came without its BuildKit plugin still has the old builder, which stops at the stage that is asked for.
  await work.engine.docker(build, { environment: BUILDKIT }).catch(() => work.engine.docker(build, { environment: { DOCKER_BUILDKIT: '0' } }));
  await removeOthers(work, tag);
  work.say(`${tag}: built in ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`);
  return tag;
}

/** Images of earlier builds of the workspace, where no container uses them. */
async function removeOthers({ engine }: ImageWork, tag: string): Promise<void> {
  const tags = (await engine.docker(['images', '--format', '{{.Repository}}:{{.Tag}}', 'shoal'])).split('\n');
  for (const other of tags) if (other.startsWith('shoal:test-') && other !== tag) await engine.docker(['rmi', other]).catch(() => {});
}

/**
 * The image as anybody builds it: installed and compiled inside, in the network of this machine. Where no registry has the image
 * of Node, one with this machine's Node and npm stands in.
 */
export async function buildFromSource(work: ImageWork, tag: string): Promise<void> {
  const standIn = 'shoal-base/node-npm:24';
  const pulled = await work.engine.docker(['pull', '--quiet', IMAGES.node]).then(() => true, () => false);
  if (!pulled) await makeBaseImage(work, 'node', standIn, { npm: true });
  const base = pulled ? [] : ['--build-arg', `NODE_IMAGE=${standIn}`, '--build-arg', `NODE_EXTRA_CA_CERTS=${SYSTEM_CERTIFICATES}`];
  await work.engine.docker(['build', '--network', 'host', ...base, '-f', join(root, 'deploy/docker/Dockerfile'), '-t', tag, root], { environment: BUILDKIT });
}
