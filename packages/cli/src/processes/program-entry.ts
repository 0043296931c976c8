/** Where the programs of the services lie. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ShoalError } from '@shoal/protocol';

export type ServiceEntry = '@shoal/node/main' | '@shoal/shard/main' | '@shoal/gateway/main';

/** The file of a service's program; `directory_unusable` when it is not built. */
export function programEntry(entry: ServiceEntry): string {
  const path = fileURLToPath(import.meta.resolve(entry));
  if (!existsSync(path)) throw new ShoalError('directory_unusable', `${entry} is not built: ${path} does not exist. Run \`npm run build\`.`);
  return path;
}
