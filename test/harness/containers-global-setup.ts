import type { TestProject } from 'vitest/node';
import { mayStartEngine, prepare, type Prepared } from '../../deploy/docker/prepare.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The engine and the images of this run. */
    containers: Prepared;
  }
}

/** `npm test` prepares engine and images while other work is done, and says here what they are; without it they are prepared now. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['SHOAL_CONTAINERS'];
  const preparation = given === undefined ? await prepare(mayStartEngine(process.env), console.log) : { prepared: JSON.parse(given) as Prepared, close: async () => {} };
  if ('reason' in preparation) throw new Error(`the container suites need a Docker engine and images: ${preparation.reason}`);
  console.log(`${project.name}: ${preparation.prepared.description}, ${preparation.prepared.image}`);
  project.provide('containers', preparation.prepared);
  return () => preparation.close();
}
