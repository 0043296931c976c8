// `npm run bench:filters`: recall and searches/s through the API under filters. Options: --count, --dim, --clients, --seconds, --queries, --seed, --json.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

await ensureInstalled();
await ensureBuilt();
process.exitCode = await run('node', [join(root, 'test', 'filters', 'bench.ts'), ...process.argv.slice(2)], { env: toolEnvironment() });
