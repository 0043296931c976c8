// `npm run bench:concurrency`: latency of searches beside a writer and without, two search threads beside one. Options: --count, --dim, --seed, --windows, --window-ms, --ef.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

await ensureInstalled();
await ensureBuilt();
process.exitCode = await run('node', [join(root, 'test', 'concurrency', 'bench.ts'), ...process.argv.slice(2)], { env: toolEnvironment() });
