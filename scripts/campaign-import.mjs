// `npm run campaign:import`: a million vectors through BullMQ while processes are killed and servers restarted. Options: --rows, --dim, --shards, --bare, --seed, --minutes.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

await ensureInstalled();
await ensureBuilt();
process.exitCode = await run('node', [join(root, 'test', 'imports', 'campaign.ts'), ...process.argv.slice(2)], { env: toolEnvironment() });
