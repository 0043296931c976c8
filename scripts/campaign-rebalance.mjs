// `npm run campaign:rebalance`: a cluster under load gains a shard and loses another. Options: --shards, --slots, --embeddings, --keys, --dim, --steady-seconds, --batch, --pause-ms.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

await ensureInstalled();
await ensureBuilt();
process.exitCode = await run('node', [join(root, 'test', 'cluster', 'campaign.ts'), ...process.argv.slice(2)], { env: toolEnvironment() });
