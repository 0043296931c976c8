// `npm run bench:metrics`: what metrics cost, measured on one gateway and one shard whose meters are switched off and on in turns.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

await ensureInstalled();
await ensureBuilt();
process.exitCode = await run('node', [join(root, 'test', 'metrics-cost', 'bench.ts'), ...process.argv.slice(2)], { env: toolEnvironment() });
