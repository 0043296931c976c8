// `npm run bench:restart`: how soon a node answers after a restart. Options: --count, --dim, --ef-construction, --restarts, --queries, --seed, --without-files, --json.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

await ensureInstalled();
await ensureBuilt();
process.exitCode = await run('node', [join(root, 'test', 'restart', 'bench.ts'), ...process.argv.slice(2)], { env: toolEnvironment() });
