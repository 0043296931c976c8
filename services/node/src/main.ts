import { join } from 'node:path';
import { VERSION, runProcess, withSecretFiles } from '@shoal/process';
import { openServiceLog } from '@shoal/telemetry';
import { parseNodeEnvironment } from './config.ts';
import { startNode } from './node.ts';

await runProcess('shoal', async () => {
  const config = parseNodeEnvironment(withSecretFiles(process.env));
  const node = await startNode(config, openServiceLog({ level: config.logLevel, base: { service: 'node' }, otlp: config.metrics.otlp }));
  console.log(`Shoal ${VERSION}, embedded, at ${node.url}`);
  console.log(`  data      ${config.directory}`);
  // What a service prints ends up in logs, where no key belongs.
  console.log(`  root key  ${node.rootKey.source === 'environment' ? 'the one in SHOAL_ROOT_KEY' : `in ${join(config.directory, 'root-key')}${node.rootKey.source === 'generated' ? ' (new)' : ''}`}`);
  console.log('  ctrl-C ends it');
  return node;
});
