/** Where Shoal is installed. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ShoalError } from '@shoal/protocol';

/** The nearest folder above this program that has node_modules: the repository, or the project that installed the package. */
export function installationFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'node_modules', '@shoal'))) return folder;
    if (folder === dirname(folder)) throw new ShoalError('invalid_configuration', 'Shoal lies in no folder that has node_modules.');
  }
}
