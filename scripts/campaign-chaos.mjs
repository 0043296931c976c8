// `npm run campaign:chaos`: a cluster whose processes are killed and stopped under load, and a comparison with everything that was acknowledged. Options: --faults, --vectors, --dim, --partitions, --writers, --searchers, --searched, --seed, --placement fixed.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

await ensureInstalled();
await ensureBuilt();
process.exitCode = await run('node', [join(root, 'test', 'chaos', 'campaign.ts'), ...process.argv.slice(2)], { env: toolEnvironment() });
