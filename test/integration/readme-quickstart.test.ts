import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EmbeddedProcess } from '../harness/embedded-process.ts';

const readme = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');

let node: EmbeddedProcess;

beforeAll(async () => {
  node = await EmbeddedProcess.start();
});

afterAll(async () => {
  await node?.close();
});

/** Shell words of one command: quotes are taken off, $SHOAL_API_KEY is put in. */
function words(command: string, key: string): string[] {
  const found = command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g);
  return [...found].map((match) => match[1] ?? (match[2] ?? match[3] ?? '').replace('$SHOAL_API_KEY', key));
}

/** Does what the curl lines of the README do. A fresh machine may have no curl, so its few options are read here. */
async function runCurl(command: string): Promise<unknown> {
  const [program, ...rest] = words(command.replaceAll('\\\n', ' '), node.rootKey);
  expect(program).toBe('curl');
  const headers: Record<string, string> = {};
  let url = '';
  let body: string | undefined;
  for (let index = 0; index < rest.length; index += 1) {
    const word = rest[index] ?? '';
    if (word === '-H') {
      index += 1;
      const [name = '', value = ''] = (rest[index] ?? '').split(/:\s*/, 2);
      headers[name] = value;
    } else if (word === '-d') {
      index += 1;
      body = rest[index];
    } else if (word !== '-s') url = word;
  }
  const response = await fetch(url.replace('http://127.0.0.1:7700', node.url), { headers, ...(body === undefined ? {} : { method: 'POST', body }) });
  expect(response.ok, command).toBe(true);
  return response.json();
}

it('the curl lines of the README work as printed', async () => {
  const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  const commands = blocks.flatMap((block) => block.split(/\n\s*\n/)).filter((command) => command.startsWith('curl'));
  expect(commands.length).toBe(3);
  const answers: unknown[] = [];
  for (const command of commands) answers.push(await runCurl(command.trim()));
  expect(answers[0]).toMatchObject({ name: 'colours', dim: 3 });
  expect(answers[1]).toMatchObject({ accepted: 3 });
  expect(answers[2]).toMatchObject({ results: [{ key: 'orange', payload: { mood: 'warm' } }, { key: 'red' }] });
});

it('the TypeScript of the README runs as printed', async () => {
  const program = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  // Beside the suites, where the name of the client resolves as it does in the root folder.
  const folder = await mkdtemp(fileURLToPath(new URL('readme-', import.meta.url)));
  try {
    const file = join(folder, 'try.ts');
    await writeFile(file, program.replace('http://127.0.0.1:7700', node.url));
    const { stdout } = await promisify(execFile)(process.execPath, [file], { env: { ...process.env, SHOAL_API_KEY: node.rootKey } });
    const promised = /console\.log\(.*\); \/\/ (.*)/.exec(program)?.[1];
    expect(stdout.replace(/\s+/g, ' ').trim()).toBe(promised);
  } finally {
    await rm(folder, { recursive: true });
  }
});
