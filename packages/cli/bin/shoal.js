#!/usr/bin/env node
// The installed command. It stands outside dist/ so that an install links it before anything is built.
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('shoal: it is not built yet; `npm run build` builds it.\n');
  process.exitCode = 1;
}
