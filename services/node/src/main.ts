import { VERSION, runProcess } from '@shoal/process';
import { pino } from 'pino';
import { parseNodeEnvironment } from './config.ts';
import { startNode } from './node.ts';

await runProcess('shoal', async () => {
  const config = parseNodeEnvironment(process.env);
  const node = await startNode(config, pino({ level: config.logLevel, base: { service: 'node' } }));
  console.log(`Shoal ${VERSION}, embedded, at ${node.url}`);
  console.log(`  data      ${config.directory}`);
  console.log(`  root key  ${node.rootKey.key}${node.rootKey.source === 'generated' ? '  (new, kept in the data directory)' : ''}`);
  console.log('  ctrl-C ends it');
  return node;
});
