// `npm run bench:writes`: bytes that reach disks per vector written. Options: --count, --dim, --seed, --json.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

await ensureInstalled();
await ensureBuilt();
process.exitCode = await run('node', [join(root, 'test', 'write-amplification', 'bench.ts'), ...process.argv.slice(2)], { env: toolEnvironment() });
