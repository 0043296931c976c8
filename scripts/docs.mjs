// `npm run docs`: writes what the reference pages say about limits and routes from the code. With --check it only tells whether they are up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './workspace.mjs';

const built = (path) => import(pathToFileURL(join(root, path)).href);
const { LIMITS, DEFAULTS, ROUTES } = await built('packages/protocol/dist/index.js');
const { GATEWAY_LIMITS } = await built('services/gateway/dist/limits.js');

/** What the comment before each member of an object says in its source. */
function commentsOf(file, name) {
  const text = readFileSync(join(root, file), 'utf8');
  const block = text.slice(text.indexOf(`export const ${name} = {`)).split('\n} as const', 1)[0];
  const comments = new Map();
  for (const [, comment, member] of block.matchAll(/(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?\n?^ {2}(\w+):/gm)) {
    comments.set(member, (comment ?? '').replaceAll(/\n\s*\* ?/g, ' ').replaceAll(/^\s*\* ?/g, '').trim());
  }
  return comments;
}

const number = (value) => value.toLocaleString('en-US');

function limitTable(values, comments) {
  return ['| name | value | is |', '|---|---|---|', ...Object.entries(values).map(([name, value]) => `| \`${name}\` | ${number(value)} | ${comments.get(name) ?? ''} |`)].join('\n');
}

const KEYS = { open: 'none', read: 'read', write: 'write', admin: 'admin', root: 'root' };
function routeTable() {
  const rows = Object.values(ROUTES).sort((a, b) => a.schema.tags[0].localeCompare(b.schema.tags[0]) || a.url.localeCompare(b.url) || a.method.localeCompare(b.method));
  return ['| route | key | does |', '|---|---|---|', ...rows.map(({ method, url, config, schema }) => `| \`${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}\` | ${KEYS[config.access]} | ${schema.summary} |`)].join('\n');
}

const PARTS = {
  limits: () => limitTable(LIMITS, commentsOf('packages/protocol/src/limits.ts', 'LIMITS')),
  defaults: () => limitTable(DEFAULTS, commentsOf('packages/protocol/src/limits.ts', 'DEFAULTS')),
  gateway: () => limitTable(GATEWAY_LIMITS, commentsOf('services/gateway/src/limits.ts', 'GATEWAY_LIMITS')),
  routes: routeTable,
};

let stale = 0;
for (const page of ['docs/limits.md', 'docs/api.md']) {
  const path = join(root, page);
  const text = readFileSync(path, 'utf8');
  const written = text.replaceAll(/(<!-- from the code: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g, (_all, begin, part, end) => `${begin}\n${PARTS[part]()}\n\n${end}`);
  if (written === text) continue;
  stale += 1;
  if (process.argv.includes('--check')) console.error(`${page} is not what the code says; run npm run docs`);
  else writeFileSync(path, written);
}
process.exitCode = process.argv.includes('--check') && stale > 0 ? 1 : 0;
