// `npm run campaign:soak`: readers and a writer on one engine, every answer checked. Options: --minutes, --readers, --threads, --count, --dim, --bits, --memory (full or codes), --seed, --report-seconds.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run, toolEnvironment } from './workspace.mjs';

await ensureInstalled();
await ensureBuilt();
process.exitCode = await run('node', [join(root, 'test', 'soak', 'campaign.ts'), ...process.argv.slice(2)], { env: toolEnvironment() });
