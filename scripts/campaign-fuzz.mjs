// `npm run campaign:fuzz`: random, mutated and adversarial requests against an embedded node. Options: --requests, --seed, --connections, --pipelined.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

await ensureInstalled();
await ensureBuilt();
process.exitCode = await run('node', [join(root, 'test', 'fuzz', 'campaign.ts'), ...process.argv.slice(2)], { env: toolEnvironment() });
