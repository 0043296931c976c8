// `npm run bench:embeddings`: what many small embeddings cost. Options: --embeddings, --vectors, --dim, --workers, --windows, --searches, --json.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

await ensureInstalled();
await ensureBuilt();
process.exitCode = await run('node', [join(root, 'test', 'many-embeddings', 'bench.ts'), ...process.argv.slice(2)], { env: toolEnvironment() });
