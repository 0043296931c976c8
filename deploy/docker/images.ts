/**
 * `npm run images`: makes the images of a cluster with the Docker engine that answers here, under the names that docker-compose.yml has.
 * `--from-source` builds Shoal's image from the sources, as a release does; `--only NAME,NAME` takes some of them.
 */
import { parseArgs } from 'node:util';
import { ensureBaseImage, IMAGES, serverCache, type BaseImage } from './base-images.ts';
import { findEngine } from './engine.ts';
import { buildFromSource, ensurePreparedImage } from './shoal-image.ts';

const SHOAL_IMAGE = 'shoal:0.1.0';

const { values } = parseArgs({ options: { 'from-source': { type: 'boolean', default: false }, only: { type: 'string' } } });
const engine = await findEngine(process.env);
if (engine === undefined) throw new Error('no Docker engine answers; start one or set DOCKER_HOST');
const say = (text: string): void => console.log(text);
const work = { engine, cacheDirectory: serverCache, say };
say(engine.description);
const wanted = values.only?.split(',') ?? ['nats', 'redis', 'prometheus', 'shoal'];
for (const name of wanted.filter((each): each is BaseImage => each in IMAGES)) say(await ensureBaseImage(work, name));
if (wanted.includes('shoal')) {
  if (values['from-source']) await buildFromSource(work, SHOAL_IMAGE);
  else await engine.docker(['tag', await ensurePreparedImage(work), SHOAL_IMAGE]);
  say(SHOAL_IMAGE);
}
