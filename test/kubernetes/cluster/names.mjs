// Reads services and endpoints as `kubectl get --output json` prints them, and writes the lines of a hosts file: the addresses of services, and
// of the pods behind those that have none of their own.
import { readFileSync } from 'node:fs';

const { items } = JSON.parse(readFileSync(0, 'utf8'));
const nameOf = ({ metadata }) => `${metadata.name}.${metadata.namespace}.svc.cluster.local`;
const services = items.filter(({ kind }) => kind === 'Service');
const headless = new Map(services.filter(({ spec }) => spec.clusterIP === 'None').map((service) => [nameOf(service), service.spec.publishNotReadyAddresses === true]));

const lines = services.filter(({ spec }) => spec.clusterIP && spec.clusterIP !== 'None').map((service) => `${service.spec.clusterIP} ${nameOf(service)}`);
for (const endpoints of items.filter((item) => item.kind === 'Endpoints' && headless.has(nameOf(item)))) {
  const name = nameOf(endpoints);
  for (const { addresses = [], notReadyAddresses = [] } of endpoints.subsets ?? []) {
    for (const { ip, hostname } of [...addresses, ...(headless.get(name) ? notReadyAddresses : [])]) {
      lines.push(`${ip} ${name}`);
      if (hostname) lines.push(`${ip} ${hostname}.${name}`);
    }
  }
}
process.stdout.write(`${[...new Set(lines)].toSorted().join('\n')}\n`);
