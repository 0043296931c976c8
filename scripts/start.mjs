// `npm start`: install, build, and run the embedded node with its demo. Needs Node 20 or newer, npm, and no server.
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root, run, say, toolEnvironment } from './workspace.mjs';

await ensureInstalled();
await ensureBuilt();
say('Starting the embedded node');
// The child gets the terminal's signals itself; this process only waits for it.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.exitCode = await run('node', [join(root, 'packages', 'cli', 'dist', 'main.js'), 'dev', '--demo', ...process.argv.slice(2)], { env: toolEnvironment() });
