// `npm run bench:fairness`: how far a noisy tenant moves another's p99. Options: --quota, --times, --quiet-rate, --window-ms, --windows, --seed.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

await ensureInstalled();
await ensureBuilt();
process.exitCode = await run('node', [join(root, 'test', 'fairness', 'bench.ts'), ...process.argv.slice(2)], { env: toolEnvironment() });
