// `npm test`: install, build, check and run every suite. Arguments go to vitest, for example `npm test -- --project unit`.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beginContainers } from './containers.mjs';
import { ensureBuilt, ensureInstalled, mustRun, root, run, runTask, say, toolEnvironment } from './workspace.mjs';

/** Without a server in CI the run fails; elsewhere the suites that need it are left out. */
function leaveOut(suites, need) {
  if (process.env.CI) {
    console.error(`The suites ${suites.join(', ')} need ${need}.`);
    process.exit(1);
  }
  say(`Leaving out the suites ${suites.join(', ')}: they need ${need}.`);
  return suites.map((suite) => `--project=!${suite}`);
}

/** What vitest is told about the suites that need a nats-server. */
async function withNatsServer() {
  if (process.env.SHOAL_NATS_URL) return [];
  const { findNatsServer } = await import('../packages/bus/dist/nats-server/index.js');
  const found = await findNatsServer({ cacheDirectory: join(root, '.cache', 'servers'), searchPath: process.env.PATH ?? '', say });
  if (found !== undefined) {
    say(`nats-server ${found.version} (${found.source})`);
    return [];
  }
  return leaveOut(['nats', 'integration', 'cluster', 'crash', 'imports'], 'nats-server 2.12 or newer: none on the PATH, and none could be fetched here; set SHOAL_NATS_URL or install it');
}

/** What vitest is told about the suites that need a redis-server, too. */
async function withRedisServer() {
  if (process.env.SHOAL_REDIS_URL) return [];
  const { findRedisServer } = await import('../packages/jobs/dist/redis-server/index.js');
  const found = await findRedisServer({ cacheDirectory: join(root, '.cache', 'servers'), searchPath: process.env.PATH ?? '', say });
  if (found !== undefined) {
    say(`redis-server ${found.version} (${found.source})`);
    return [];
  }
  return leaveOut(['imports'], 'redis-server 6.2 or newer: none on the PATH, and none could be fetched here; set SHOAL_REDIS_URL or install it');
}

/** Engine and images are prepared while the sources are checked; only where the suite is wanted. */
function containersWanted(args) {
  return args.length === 0 || args.some((arg) => arg.includes('containers'));
}

const startedAtMs = Date.now();
const env = toolEnvironment();
await ensureInstalled();
await ensureBuilt();
// One after the other, because both fetch the same server where there is none.
const nats = withNatsServer();
const redis = nats.then(withRedisServer);
const containers = redis.then(() => (containersWanted(process.argv.slice(2)) ? beginContainers() : undefined));
say('Linting');
await mustRun('oxlint', ['--deny-warnings'], { env });
say('Checking types, tests included');
await runTask('typecheck');
const suites = [...(await nats), ...(await redis)];
const engine = await containers;
const { prepared, reason } = (await engine?.ready) ?? {};
if (reason !== undefined) suites.push(...leaveOut(['containers'], `a Docker engine and images: ${reason}`));
if (prepared !== undefined) {
  say(prepared.description);
  env.SHOAL_CONTAINERS = JSON.stringify(prepared);
}
say(suites.length === 0 ? 'Running all suites' : 'Running the other suites');
const report = join(root, '.cache', 'test-report.json');
rmSync(report, { force: true });
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const code = await run('vitest', ['run', ...reporters, ...suites, ...process.argv.slice(2)], { env });
await engine?.end();
if (existsSync(report)) {
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
  console.log(`${numPassedTests} passed, ${numFailedTests} failed`);
}
say(`${code === 0 ? 'Passed' : 'Failed'} after ${Math.round((Date.now() - startedAtMs) / 1000)} s`);
process.exitCode = code;
