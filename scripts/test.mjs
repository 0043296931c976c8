// `npm test`: install, build, check and run every suite. Arguments go to vitest, for example `npm test -- --project unit`.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, mustRun, root, run, runTask, say, toolEnvironment } from './workspace.mjs';

/** Vitest's arguments: none for everything; without any nats-server the suites that need one are left out, and in CI that is a failure. */
async function suitesThatCanRun() {
  if (process.env.SHOAL_NATS_URL) return [];
  const { findNatsServer } = await import('../packages/bus/dist/nats-server/index.js');
  const found = await findNatsServer({ cacheDirectory: join(root, '.cache', 'servers'), searchPath: process.env.PATH ?? '', say });
  if (found !== undefined) {
    say(`nats-server ${found.version} (${found.source})`);
    return [];
  }
  const need = 'nats-server 2.12 or newer: none on the PATH, and none could be fetched here; set SHOAL_NATS_URL or install it';
  if (process.env.CI) {
    console.error(`The suites need ${need}.`);
    process.exit(1);
  }
  say(`Leaving out the suites nats, integration and crash: they need ${need}.`);
  return ['--project', 'unit', '--project', 'repository', '--project', 'campaigns'];
}

const startedAtMs = Date.now();
const env = toolEnvironment();
await ensureInstalled();
await ensureBuilt();
say('Linting');
await mustRun('oxlint', ['--deny-warnings'], { env });
say('Checking types, tests included');
await runTask('typecheck');
const suites = await suitesThatCanRun();
say(suites.length === 0 ? 'Running all suites' : 'Running the suites that need no server');
const report = join(root, '.cache', 'test-report.json');
rmSync(report, { force: true });
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const code = await run('vitest', ['run', ...reporters, ...suites, ...process.argv.slice(2)], { env });
if (existsSync(report)) {
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
  console.log(`${numPassedTests} passed, ${numFailedTests} failed`);
}
say(`${code === 0 ? 'Passed' : 'Failed'} after ${Math.round((Date.now() - startedAtMs) / 1000)} s`);
process.exitCode = code;
