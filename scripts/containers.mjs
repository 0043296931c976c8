// A Docker engine and images for the container suites, prepared by a process of their own while `npm test` does other work.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root, toolEnvironment } from './workspace.mjs';

/**
 * `ready` resolves to `{prepared}` for the suites or `{reason}` why they cannot run; `end` ends the process, and the engine where it is
 * one of our own.
 */
export function beginContainers() {
  const child = spawn('node', [join(root, 'deploy', 'docker', 'prepare.ts')], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'], env: toolEnvironment() });
  const exited = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  let output = '';
  const ready = new Promise((resolve) => {
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (output.includes('\n')) resolve(JSON.parse(output.slice(0, output.indexOf('\n'))));
    });
    void exited.then(() => resolve({ reason: 'preparing the engine and the images ended early' }));
  });
  return {
    ready,
    async end() {
      child.stdin.end();
      await exited;
    },
  };
}
