import type { TestProject } from 'vitest/node';
import { NatsServer } from '@shoal/bus/nats-server';
import { containerNatsServer } from './nats-container.ts';
import { findServer } from './nats-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of a nats-server with JetStream that suites of one run share. */
    natsUrl: string;
  }
}

interface SharedServer {
  readonly url: string;
  readonly description: string;
  readonly close: () => Promise<void>;
}

/** In this order: the server that SHOAL_NATS_URL names, a container where an engine and the image answer, a process of our own. */
async function sharedServer(): Promise<SharedServer | undefined> {
  const given = process.env['SHOAL_NATS_URL'];
  if (given !== undefined && given !== '') return { url: given, description: `at ${new URL(given).host} (SHOAL_NATS_URL)`, close: async () => {} };
  const container = await containerNatsServer();
  if (container !== undefined) return container;
  const binary = await findServer();
  if (binary === undefined) return undefined;
  const server = await NatsServer.start({ binary });
  return { url: server.url, description: `${server.version} (${server.source})`, close: () => server.close() };
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await sharedServer();
  if (server === undefined) throw new Error('these suites need nats-server 2.12 or newer: set SHOAL_NATS_URL, install nats-server, or run where it can be fetched');
  console.log(`${project.name}: nats-server ${server.description}`);
  project.provide('natsUrl', server.url);
  return server.close;
}
