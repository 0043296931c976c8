/** The manifests as the trial applies them: with the images of the moment, and with a source of rows that its worker may read. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import type { Kubectl } from './kubectl.ts';

export interface TrialImages {
  readonly shoal: string;
  readonly nats: string;
  readonly redis: string;
}

interface ManifestDocument {
  apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: Record<string, unknown>;
}

function imageEntry(name: string, image: string): object {
  const colon = image.lastIndexOf(':');
  return { name, newName: image.slice(0, colon), newTag: image.slice(colon + 1) };
}

/** Everything that the kustomization in `directory` makes, as text. `importHost` is the one host that workers may read from. */
export async function renderManifests(kubectl: Kubectl, directory: string, images: TrialImages, importHost: string): Promise<string> {
  const scratch = await mkdtemp(join(await realpath(tmpdir()), 'shoal-manifests-'));
  try {
    await mkdir(join(scratch, 'trial'));
    const patch = [{ op: 'add', path: '/spec/template/spec/containers/0/env/-', value: { name: 'SHOAL_IMPORT_HOSTS', value: importHost } }];
    const kustomization = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      // kustomize takes directories by a path that is relative.
      resources: [relative(join(scratch, 'trial'), await realpath(directory))],
      images: Object.entries(images).map(([name, image]: [string, string]) => imageEntry(name, image)),
      patches: [{ target: { kind: 'Deployment', name: 'worker' }, patch: stringify(patch) }],
    };
    await writeFile(join(scratch, 'trial', 'kustomization.yaml'), stringify(kustomization));
    return await kubectl.run(['kustomize', join(scratch, 'trial')]);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Versions of kinds that a server took before it knew the ones of the manifests, by the minor version that brought those. */
const OLDER: readonly { readonly kind: string; readonly since: number; readonly apiVersion: string }[] = [
  { kind: 'PodDisruptionBudget', since: 21, apiVersion: 'policy/v1beta1' },
  { kind: 'HorizontalPodAutoscaler', since: 23, apiVersion: 'autoscaling/v2beta2' },
];
const CLAIM_RETENTION_SINCE = 23;

/**
 * The manifests for a server that is older than the one they are written for, with what had to be said differently. Nothing changes for
 * Kubernetes 1.23 and newer.
 */
export function forServer(text: string, minor: number): { readonly text: string; readonly changes: string[] } {
  const changes: string[] = [];
  const documents = parseAllDocuments(text).map((each) => each.toJS() as ManifestDocument);
  for (const document of documents) {
    const older = OLDER.find(({ kind, since }) => kind === document.kind && minor < since);
    if (older !== undefined) {
      changes.push(`${document.kind} ${document.metadata.name} as ${older.apiVersion}`);
      document.apiVersion = older.apiVersion;
    }
    if (minor < CLAIM_RETENTION_SINCE && document.spec?.['persistentVolumeClaimRetentionPolicy'] !== undefined) {
      changes.push(`${document.kind} ${document.metadata.name} without persistentVolumeClaimRetentionPolicy`);
      delete document.spec['persistentVolumeClaimRetentionPolicy'];
    }
  }
  return changes.length === 0 ? { text, changes } : { text: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: documents }), changes };
}
