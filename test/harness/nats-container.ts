import { existsSync } from 'node:fs';

const START_TIMEOUT_MS = 60_000;
const IMAGE = 'nats:2.15';
const PORT = 4222;

/** A nats-server in a container, where a Docker engine answers and has the image or can get it; undefined elsewhere. */
export async function containerNatsServer(): Promise<{ url: string; description: string; close: () => Promise<void> } | undefined> {
  if (process.env['DOCKER_HOST'] === undefined && !existsSync('/var/run/docker.sock')) return undefined;
  // Its reaper is one more image, which a machine without a registry cannot get; the container is stopped by us.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  const { GenericContainer, Wait } = await import('testcontainers');
  try {
    const container = await new GenericContainer(IMAGE)
      .withCommand(['--jetstream'])
      .withExposedPorts(PORT)
      .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
      .withStartupTimeout(START_TIMEOUT_MS)
      .start();
    return { url: `nats://${container.getHost()}:${container.getMappedPort(PORT)}`, description: `${IMAGE} (container)`, close: async () => void (await container.stop()) };
  } catch (error) {
    console.log(`no container of ${IMAGE}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
    return undefined;
  }
}
