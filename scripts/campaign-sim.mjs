// `npm run campaign:sim`: whole clusters in virtual time, one seed each. Options: --seeds, --from, --no-planted.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

await ensureInstalled();
await ensureBuilt();
process.exitCode = await run('node', [join(root, 'test', 'sim', 'campaign.ts'), ...process.argv.slice(2)], { env: toolEnvironment() });
