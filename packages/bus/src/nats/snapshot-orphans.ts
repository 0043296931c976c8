/**
 * What writers that died left in the object store: parts without a manifest, and chunks of an object that never was. Neither can be
 * told from one that is being written now except by its age.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { ObjectInfo, ObjectStore } from '@nats-io/obj';

const ORPHAN_AGE_MS = 60 * 60 * 1000;
const MANIFEST = 'manifest';

export interface OrphanParts {
  readonly jsm: JetStreamManager;
  readonly bucket: string;
  readonly store: ObjectStore;
}

/** Resolves with the number of objects and chunk runs that were removed. */
export async function removeOrphans({ jsm, bucket, store }: OrphanParts, ageMs: number = ORPHAN_AGE_MS): Promise<number> {
  const oldestMs = Date.now() - ageMs;
  const objects = (await store.list()).filter((object) => !object.deleted);
  const whole = new Set(objects.filter(isManifest).map((object) => snapshotOf(object)));
  let removedCount = 0;
  for (const object of objects) {
    if (whole.has(snapshotOf(object)) || Date.parse(object.mtime) > oldestMs) continue;
    await store.delete(object.name);
    removedCount += 1;
  }
  return removedCount + (await removeChunks(jsm, bucket, new Set(objects.map((object) => object.nuid)), oldestMs));
}

async function removeChunks(jsm: JetStreamManager, bucket: string, known: ReadonlySet<string>, oldestMs: number): Promise<number> {
  const stream = `OBJ_${bucket}`;
  const prefix = `$O.${bucket}.C.`;
  const { state } = await jsm.streams.info(stream, { subjects_filter: `${prefix}>` });
  let removedCount = 0;
  for (const subject of Object.keys(state.subjects ?? {})) {
    if (known.has(subject.slice(prefix.length))) continue;
    const last = await jsm.streams.getMessage(stream, { last_by_subj: subject });
    if (last === null || last.time.getTime() > oldestMs) continue;
    await jsm.streams.purge(stream, { filter: subject });
    removedCount += 1;
  }
  return removedCount;
}

function isManifest(object: ObjectInfo): boolean {
  return object.name.endsWith(`.${MANIFEST}`);
}

function snapshotOf(object: ObjectInfo): string {
  return object.name.slice(0, object.name.lastIndexOf('.'));
}
