import { ShoalError } from '@shoal/protocol';
import { pino } from 'pino';
import { parseNodeEnvironment } from './config.ts';
import { startNode, type EmbeddedNode } from './node.ts';
import { VERSION } from './version.ts';

const CLOSE_TIMEOUT_MS = 10_000;

async function main(): Promise<void> {
  // Signals count from the first moment, so that ctrl-C during a long recovery ends the process too.
  const ended = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  const config = parseNodeEnvironment(process.env);
  const node = await startNode(config, pino({ level: config.logLevel, base: { service: 'node' } }));
  console.log(`Shoal ${VERSION}, embedded, at ${node.url}`);
  console.log(`  data      ${config.directory}`);
  console.log(`  root key  ${node.rootKey.key}${node.rootKey.source === 'generated' ? '  (new, kept in the data directory)' : ''}`);
  console.log('  ctrl-C ends it');
  await ended;
  await endWithDeadline(node);
}

async function endWithDeadline(node: EmbeddedNode): Promise<void> {
  const deadline = setTimeout(() => {
    console.error(`shoal: closing took longer than ${CLOSE_TIMEOUT_MS} ms`);
    process.exit(1);
  }, CLOSE_TIMEOUT_MS);
  await node.close();
  clearTimeout(deadline);
  process.exit(0);
}

main().catch((error: unknown) => {
  // An operating error is one sentence for the operator; anything else is a defect and shows where it came from.
  console.error(error instanceof ShoalError ? `shoal: ${error.message} (${error.code})` : error);
  process.exit(1);
});
