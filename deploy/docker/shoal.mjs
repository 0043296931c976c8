// The program of the image: `gateway`, `shard`, `worker` or `node` starts that service, `cli ...` runs the command, `health URL` asks a service.
// Node is the first process of the container: every service ends in order at SIGTERM, and none leaves children behind.
const SERVICES = ['gateway', 'shard', 'worker', 'node'];
const HEALTH_TIMEOUT_MS = 4_000;

const [name, ...rest] = process.argv.slice(2);

/** Ends with 0 when the address answers 2xx, with 1 otherwise: the image has neither curl nor a browser. */
async function health(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
    console.log(`${response.status} ${(await response.text()).slice(0, 500)}`);
    return response.ok ? 0 : 1;
  } catch (error) {
    console.log(`no answer: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

if (name === 'health' && rest.length === 1) {
  process.exitCode = await health(rest[0]);
} else if (name === 'cli') {
  process.argv.splice(2, 1);
  await import('@shoal/cli/main');
} else if (SERVICES.includes(name)) {
  await import(`@shoal/${name}/main`);
} else {
  console.error(`usage: ${SERVICES.join(' | ')} | cli COMMAND... | health URL`);
  process.exitCode = 2;
}
