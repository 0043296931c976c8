// Runs in a pod of the trial: serves the files of /tmp by ranges on port 8080.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, join } from 'node:path';

createServer((request, response) => {
  const path = join('/tmp', basename(request.url ?? ''));
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  if (size === undefined || range === null) return void response.writeHead(size === undefined ? 404 : 400).end();
  const start = Number(range[1]);
  const end = Math.min(Number(range[2]), size - 1);
  response.writeHead(206, { 'content-range': `bytes ${start}-${end}/${size}`, 'content-length': end - start + 1, etag: `"${size}"` });
  createReadStream(path, { start, end }).pipe(response);
}).listen(8080);
process.on('SIGTERM', () => process.exit(0));
