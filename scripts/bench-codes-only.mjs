// `npm run bench:codes-only`: an embedding that keeps codes alone beside one that keeps vectors too. Options: --shapes, --bits, --efs, --windows, --window-ms, --readers, --seed.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

await ensureInstalled();
await ensureBuilt();
process.exitCode = await run('node', [join(root, 'test', 'codes-only', 'bench.ts'), ...process.argv.slice(2)], { env: toolEnvironment() });
