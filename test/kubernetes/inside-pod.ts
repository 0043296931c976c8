/** A pod of the trial inside the cluster: it serves the file that an import reads, and searches through the Service as applications do. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { Kubectl } from './kubectl.ts';

const NAME = 'inside';
export const IMPORT_HOST = NAME;
const ROWS_FILE = 'rows.jsonl';
export const IMPORT_ADDRESS = `http://${NAME}:8080/${ROWS_FILE}`;

const script = (name: string): Promise<string> => readFile(fileURLToPath(new URL(name, import.meta.url)), 'utf8');

function documents(image: string, program: string): object[] {
  const labels = { 'app.kubernetes.io/name': NAME };
  const container = {
    name: NAME, image, command: ['node', '--input-type=module', '-e', program], ports: [{ name: 'http', containerPort: 8080 }],
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  };
  return [
    {
      apiVersion: 'v1', kind: 'Pod', metadata: { name: NAME, labels },
      spec: {
        automountServiceAccountToken: false, terminationGracePeriodSeconds: 5,
        securityContext: { runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [container], volumes: [{ name: 'tmp', emptyDir: {} }],
      },
    },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: NAME }, spec: { selector: labels, ports: [{ name: 'http', port: 8080, targetPort: 'http' }] } },
  ];
}

export async function startInsidePod(kubectl: Kubectl, image: string): Promise<void> {
  const all = documents(image, await script('file-server.mjs'));
  await kubectl.run(['apply', '--filename', '-'], all.map((each) => stringify(each)).join('---\n'));
  await kubectl.run(['wait', `pod/${NAME}`, '--for=condition=Ready', '--timeout=300s']);
}

/** Lays the lines where IMPORT_ADDRESS finds them. */
export async function putRows(kubectl: Kubectl, lines: readonly string[]): Promise<void> {
  const store = `require('node:stream').pipeline(process.stdin, require('node:fs').createWriteStream('/tmp/${ROWS_FILE}'), (error) => { if (error) throw error; })`;
  await kubectl.run(['exec', '--stdin', `pod/${NAME}`, '--', 'node', '-e', store], `${lines.join('\n')}\n`);
}

export interface ServiceSearches {
  readonly searches: number;
  readonly failed: readonly string[];
}

/** Searches through the Service until `work` is done. */
export async function whileSearchingInside(kubectl: Kubectl, target: { readonly apiKey: string; readonly embedding: string; readonly dim: number }, work: () => Promise<void>): Promise<ServiceSearches> {
  const command = kubectl.start(['exec', '--stdin', `pod/${NAME}`, '--', 'node', '--input-type=module', '-e', await script('service-searches.mjs')]);
  command.input.write(`${JSON.stringify(target)}\n`);
  await Promise.race([work(), command.output]).finally(() => command.input.end());
  return JSON.parse(await command.output) as ServiceSearches;
}
