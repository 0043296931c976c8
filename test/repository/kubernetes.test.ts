import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SECRET_SETTINGS } from '@shoal/process';
import { parseShardEnvironment } from '@shoal/shard';
import { parseGatewayConfig } from '../../services/gateway/src/config.ts';
import { parseWorkerConfig } from '../../services/worker/src/config.ts';
import { forServer } from '../kubernetes/manifests.ts';
import { parseKubernetes, schemaFault, type KubernetesDocument } from './kubernetes-documents.ts';
import { readFile, repositoryFiles } from './source-files.ts';

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } } }[];
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly resources: { readonly requests: object; readonly limits: { readonly memory?: string } };
  readonly securityContext: object;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly startupProbe?: object;
  readonly livenessProbe?: object;
  readonly readinessProbe?: object;
}

interface Workload extends KubernetesDocument {
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly automountServiceAccountToken: boolean;
        readonly securityContext: { readonly runAsNonRoot: boolean };
        readonly containers: readonly [Container];
        readonly volumes: readonly { readonly name: string; readonly secret?: { readonly secretName: string; readonly items: readonly { readonly key: string; readonly path: string }[] } }[];
      };
    };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
    readonly podManagementPolicy?: string;
  };
}

interface Kustomization {
  readonly namespace: string;
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly [{ readonly name: string; readonly literals: readonly string[] }];
  readonly images: readonly [{ readonly name: string; readonly newTag: string }];
}

const FOLDER = 'deploy/kubernetes';
const LOG_FOLDER = `${FOLDER}/nats`;
const kustomization = parse(readFile(`${FOLDER}/kustomization.yaml`)) as Kustomization;
const logKustomization = parse(readFile(`${LOG_FOLDER}/kustomization.yaml`)) as Kustomization & { readonly configMapGenerator: readonly [{ readonly files: readonly string[] }] };
const read = (folder: string, { resources }: Kustomization): KubernetesDocument[] => resources.flatMap((name) => parseKubernetes(readFile(`${folder}/${name}`)));
const documents = [...read(FOLDER, kustomization), ...read(LOG_FOLDER, logKustomization)];
const workloads = documents.filter((document): document is Workload => document.kind === 'StatefulSet' || document.kind === 'Deployment');
const settings = Object.fromEntries(kustomization.configMapGenerator[0].literals.map((literal) => [literal.slice(0, literal.indexOf('=')), literal.slice(literal.indexOf('=') + 1)]));

function ofKind<Spec>(kind: string): { readonly metadata: { readonly name: string }; readonly spec: Spec }[] {
  return documents.filter((document) => document.kind === kind) as { readonly metadata: { readonly name: string }; readonly spec: Spec }[];
}

function workload(name: string): Workload {
  const found = workloads.find((each) => each.metadata.name === name);
  if (found === undefined) throw new Error(`there is no workload ${name}`);
  return found;
}

/** The environment of a pod as its process sees it, with every secret given by value. */
function environmentOf(name: string): Record<string, string> {
  const [container] = workload(name).spec.template.spec.containers;
  const shared = container.envFrom?.some(({ configMapRef }) => configMapRef.name === 'shoal') === true ? settings : {};
  const own = Object.fromEntries((container.env ?? []).map((each) => [each.name, each.value ?? (each.valueFrom?.fieldRef.fieldPath === 'metadata.name' ? `${name}-0` : '')]));
  return Object.fromEntries(Object.entries({ ...shared, ...own }).map(([key, value]) => [key.replace(/_FILE$/, ''), key === 'SHOAL_REDIS_URL_FILE' ? 'redis://redis:6379' : value]));
}

describe('the Kubernetes manifests', () => {
  it('are what the schemas of Kubernetes allow', () => {
    expect(documents.length).toBeGreaterThan(10);
    expect(documents.map(schemaFault).filter((fault) => fault !== undefined)).toEqual([]);
    expect(schemaFault({ ...workload('shard'), spec: { replicas: 'three' } } as KubernetesDocument)).toMatch(/replicas must be integer/);
  });

  it('are all named by the kustomization, with the version of this release', () => {
    const files = repositoryFiles().filter((path) => path.startsWith(`${FOLDER}/`)).map((path) => path.slice(FOLDER.length + 1));
    const ofLog = ['kustomization.yaml', ...logKustomization.resources, ...logKustomization.configMapGenerator[0].files].map((name) => `nats/${name}`);
    expect(files.filter((name) => !['kustomization.yaml', 'nats-values.yaml', ...kustomization.resources, ...ofLog].includes(name))).toEqual([]);
    expect(kustomization.images[0]).toEqual({ name: 'shoal', newTag: (JSON.parse(readFile('package.json')) as { version: string }).version });
  });

  it('start services with settings that they take', () => {
    expect(parseGatewayConfig(environmentOf('gateway')).redisUrl).toBe('redis://redis:6379');
    expect(parseWorkerConfig(environmentOf('worker')).gatewayUrls).toEqual(['http://gateway:7700']);
    const shard = parseShardEnvironment({ SHOAL_DATA_DIR: '/var/lib/shoal', ...environmentOf('shard') });
    expect([String(shard.shard), shard.ownedSlots]).toEqual(['shard-0', undefined]);
    expect(shard.nats.servers.split(',')).toHaveLength(3);
    expect(workload('shard').spec.podManagementPolicy).toBe('Parallel');
  });

  it('take secrets as files out of one Secret, whose keys the script writes', () => {
    const script = readFile('deploy/docker/secrets.mjs');
    for (const { metadata, spec } of workloads) {
      const [container] = spec.template.spec.containers;
      const secrets = spec.template.spec.volumes.flatMap(({ secret }) => (secret === undefined ? [] : [secret]));
      const paths = secrets.flatMap(({ items }) => items.map(({ path }) => `/run/secrets/shoal/${path}`));
      expect(secrets.map(({ secretName }) => secretName)).toEqual(['shoal']);
      for (const { items } of secrets) for (const { key } of items) expect(script).toContain(`secret('${key}'`);
      const named = Object.entries({ ...(container.envFrom === undefined ? {} : settings), ...Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value])) }).filter(([name]) => name.endsWith('_FILE'));
      expect(named.filter(([name, path]) => !SECRET_SETTINGS.some((setting) => `${setting}_FILE` === name) || !paths.includes(path ?? '')), metadata.name).toEqual([]);
    }
  });

  it('run without rights, with limits, probes and volumes for everything that is written', () => {
    for (const { metadata, spec } of workloads) {
      const pod = spec.template.spec;
      const [container] = pod.containers;
      expect(pod.containers, metadata.name).toHaveLength(1);
      expect([pod.automountServiceAccountToken, pod.securityContext.runAsNonRoot]).toEqual([false, true]);
      expect(container.securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
      expect(container.resources.limits.memory).toBeDefined();
      expect([container.startupProbe, container.livenessProbe, container.readinessProbe]).not.toContain(undefined);
      const volumes = [...pod.volumes.map(({ name }) => name), ...(spec.volumeClaimTemplates ?? []).map((claim) => claim.metadata.name)];
      expect(container.volumeMounts.map(({ name }) => name).toSorted()).toEqual(volumes.toSorted());
      expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
    }
  });

  it('point services, budgets, policies and the autoscaler at pods and ports that are there', () => {
    const pods = workloads.map(({ spec }) => ({ labels: spec.template.metadata.labels, ports: spec.template.spec.containers[0].ports.map(({ name }) => name) }));
    const matching = (labels: Readonly<Record<string, string>>): typeof pods => pods.filter((pod) => Object.entries(labels).every(([key, value]) => pod.labels[key] === value));
    for (const { metadata, spec } of ofKind<{ selector: Record<string, string>; ports: { targetPort: string }[] }>('Service')) {
      const [pod] = matching(spec.selector);
      expect(spec.ports.filter(({ targetPort }) => pod?.ports.includes(targetPort) !== true), metadata.name).toEqual([]);
    }
    for (const { metadata, spec } of ofKind<{ selector: { matchLabels: Record<string, string> } }>('PodDisruptionBudget')) expect(matching(spec.selector.matchLabels), metadata.name).toHaveLength(1);
    for (const { metadata, spec } of ofKind<{ podSelector: { matchLabels?: Record<string, string> }; ingress: { ports: { port: string }[] }[] }>('NetworkPolicy')) {
      const selected = matching(spec.podSelector.matchLabels ?? {});
      expect(spec.ingress.flatMap(({ ports }) => ports).filter(({ port }) => !selected.some((pod) => pod.ports.includes(port))), metadata.name).toEqual([]);
    }
    for (const { spec } of ofKind<{ scaleTargetRef: { kind: string; name: string } }>('HorizontalPodAutoscaler')) expect(workload(spec.scaleTargetRef.name).kind).toBe(spec.scaleTargetRef.kind);
  });

  it('keep three copies of the log, each synced to disk, under the names that Shoal connects to, with the chart and without', () => {
    const values = parse(readFile(`${FOLDER}/nats-values.yaml`)) as { config: { cluster: object; jetstream: { merge: object }; merge: { authorization: { user: string } } }; container: { image: { tag: string } } };
    expect(values.config.cluster).toEqual({ enabled: true, replicas: 3 });
    expect(values.config.jetstream.merge).toEqual({ sync_interval: 'always' });
    expect(values.config.merge.authorization.user).toBe(settings['SHOAL_NATS_USER']);
    expect(readFile('docker-compose.yml')).toContain(`nats:${values.container.image.tag}`);
    const configuration = readFile(`${LOG_FOLDER}/nats.conf`);
    const servers = [...configuration.matchAll(/nats-route:\/\/([a-z0-9.-]+):6222/g)].map(([, host]) => `nats://${host}:4222`);
    expect(servers.join(',')).toBe(settings['SHOAL_NATS_URL']);
    expect(configuration).toMatch(/^\s*sync_interval: always$/m);
    expect(logKustomization.images).toEqual([{ name: 'nats', newTag: values.container.image.tag }]);
    expect(workload('nats').spec).toMatchObject({ replicas: 3, serviceName: 'nats-headless', podManagementPolicy: 'Parallel' });
  });

  it('are made smaller by patches of workloads that are there', () => {
    const small = parse(readFile('deploy/kubernetes-small/kustomization.yaml')) as { resources: string[]; patches: { target: { kind: string; name: string } }[] };
    expect(small.resources.map((path) => `deploy/${path.slice(3)}`)).toEqual([FOLDER, LOG_FOLDER]);
    expect(small.patches.map(({ target }) => workload(target.name).kind === target.kind)).not.toContain(false);
    // A patch there names this setting by its place.
    expect(workload('nats').spec.template.spec.containers[0].env?.[1]?.name).toBe('MAX_FILE_STORE');
  });

  it('go to an older server in the versions that it takes, and to any other as they are', () => {
    const text = readFile(`${FOLDER}/shards.yaml`);
    expect(forServer(text, 30)).toEqual({ text, changes: [] });
    const { text: older, changes } = forServer(text, 20);
    expect(changes).toEqual(['StatefulSet shard without persistentVolumeClaimRetentionPolicy', 'PodDisruptionBudget shard as policy/v1beta1']);
    const { items } = JSON.parse(older) as { items: KubernetesDocument[] };
    expect(items.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)).toEqual(['apps/v1 StatefulSet', 'v1 Service', 'policy/v1beta1 PodDisruptionBudget']);
    expect(JSON.stringify(items)).not.toContain('persistentVolumeClaimRetentionPolicy');
  });
});
