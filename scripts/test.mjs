// `npm test`: install, build, check and run every suite. Arguments go to vitest, for example `npm test -- --project unit`.
import { ensureBuilt, ensureInstalled, mustRun, run, say, toolEnvironment } from './workspace.mjs';

const startedAtMs = Date.now();
const env = toolEnvironment();
await ensureInstalled();
await ensureBuilt();
say('Linting');
await mustRun('oxlint', ['--deny-warnings'], { env });
say('Checking types, tests included');
await mustRun('turbo', ['run', 'typecheck', '--output-logs=errors-only'], { env });
say('Running the suites');
const code = await run('vitest', ['run', ...process.argv.slice(2)], { env });
say(`${code === 0 ? 'Passed' : 'Failed'} after ${Math.round((Date.now() - startedAtMs) / 1000)} s`);
process.exitCode = code;
