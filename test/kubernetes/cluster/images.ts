/** Lays the images of a trial where the node imports them: Shoal as it is built, NATS, Redis, and the pause of every pod. */
import { mkdir, mkdtemp, copyFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBaseImage, serverCache } from '../../../deploy/docker/base-images.ts';
import { findEngine } from '../../../deploy/docker/engine.ts';
import { startEngine } from '../../../deploy/docker/engine-start.ts';
import { ensurePreparedImage } from '../../../deploy/docker/shoal-image.ts';

const cache = fileURLToPath(new URL('../../../.cache/kubernetes', import.meta.url));
const SHOAL_IMAGE = 'shoal:0.1.0';
const PAUSE_IMAGE = 'pause:trial';
const say = (text: string): void => console.log(text);

const engine = (await findEngine(process.env)) ?? (await startEngine(serverCache, say));
if (engine === undefined) throw new Error('no Docker engine answers, and none could be run here');
const scratch = await mkdtemp(join(tmpdir(), 'shoal-pause-'));
try {
  const work = { engine, cacheDirectory: serverCache, say };
  await engine.docker(['tag', await ensurePreparedImage(work), SHOAL_IMAGE]);
  await copyFile(join(cache, 'programs', 'pause'), join(scratch, 'pause'));
  await engine.docker(['import', '--change', 'ENTRYPOINT ["/pause"]', '-', PAUSE_IMAGE], { from: ['tar', '-C', scratch, '-c', 'pause'] });
  await mkdir(join(cache, 'images'), { recursive: true });
  const images = [SHOAL_IMAGE, await ensureBaseImage(work, 'nats'), await ensureBaseImage(work, 'redis'), PAUSE_IMAGE];
  for (const image of images) {
    await engine.docker(['save', '--output', join(cache, 'images', `${image.replace(/[/:]/g, '-')}.tar`), image]);
    say(image);
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
  await engine.close();
}
