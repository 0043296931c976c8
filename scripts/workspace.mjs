// Installs and builds the workspace. Runs on Node 20 and newer without any package, because it is what installs them.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const stampPath = join(root, 'node_modules', '.shoal-installed');

export function say(text) {
  // Bold where somebody looks on; what goes to a file or a pipe is plain text.
  console.log(process.stdout.isTTY ? `\u001b[1m==>\u001b[0m ${text}` : `==> ${text}`);
}

/** The environment for everything after the install: the workspace's own Node and tools come first. */
export function toolEnvironment(extra = {}) {
  const path = join(root, 'node_modules', '.bin') + delimiter + (process.env.PATH ?? '');
  return { ...process.env, PATH: path, TURBO_TELEMETRY_DISABLED: '1', NO_UPDATE_NOTIFIER: '1', ...extra };
}

/** Runs a command with its output shown; resolves with its exit code. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32', ...options });
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

export async function mustRun(command, args, options) {
  const code = await run(command, args, options);
  if (code !== 0) {
    console.error(`${[command, ...args].join(' ')} ended with code ${code}`);
    process.exit(code);
  }
}

function lockHash() {
  return createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
}

/** Installs the locked dependencies unless exactly these are installed already. */
export async function ensureInstalled() {
  const wanted = lockHash();
  if (existsSync(stampPath) && readFileSync(stampPath, 'utf8') === wanted) return;
  say('Installing dependencies (once; about half a minute)');
  await mustRun('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stampPath, wanted);
}

/** Runs a turbo task over the packages; what it prints is shown only when it fails. */
export async function runTask(task) {
  let output = '';
  const child = spawn('turbo', ['run', task, '--output-logs=errors-only'], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: toolEnvironment(), shell: process.platform === 'win32' });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code === 0) return;
  console.error(output);
  console.error(`The task ${task} failed.`);
  process.exit(1);
}

export async function ensureBuilt() {
  say('Building (unchanged packages come from the cache)');
  await runTask('build');
}

/**
 * The engine's benchmark, built, for the script at `scriptUrl`. Where this Node is older than the workspace's own,
 * runs the script again with that one and ends this process.
 */
export async function engineBench(scriptUrl) {
  const built = join(root, 'packages', 'bench', 'dist', 'engine', 'index.js');
  const isOwnNode = Number(process.versions.node.split('.')[0]) >= 24;
  await ensureInstalled();
  await ensureBuilt();
  if (!isOwnNode) process.exit(await run('node', [fileURLToPath(scriptUrl), ...process.argv.slice(2)], { env: toolEnvironment() }));
  return import(pathToFileURL(built).href);
}
