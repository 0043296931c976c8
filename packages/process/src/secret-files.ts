import { readFileSync } from 'node:fs';
import { ShoalError, setting, type Environment } from '@shoal/protocol';

/** Settings that are secrets or may hold one. Orchestrators hand them over as files: `NAME_FILE` names the file instead of the value. */
export const SECRET_SETTINGS = ['SHOAL_ROOT_KEY', 'SHOAL_NATS_URL', 'SHOAL_NATS_PASSWORD', 'SHOAL_NATS_TOKEN', 'SHOAL_REDIS_URL', 'SHOAL_S3_SECRET_KEY'] as const;

const SECRET_BYTES = 16 * 1024;

/**
 * The environment with every secret that is given as a file read in; blanks around it are left out. Throws `invalid_configuration`
 * naming the variable where the file cannot be read, is empty or too large, or the value is given as well.
 */
export function withSecretFiles(environment: Environment): Environment {
  const read: Record<string, string> = {};
  for (const name of SECRET_SETTINGS) {
    const variable = `${name}_FILE`;
    const path = setting(environment, variable);
    if (path === undefined) continue;
    if (setting(environment, name) !== undefined) throw new ShoalError('invalid_configuration', `${name} and ${variable} are both set; give one of them.`, { field: variable });
    read[name] = readSecret(variable, path);
  }
  return { ...environment, ...read };
}

function readSecret(variable: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new ShoalError('invalid_configuration', `The file that ${variable} names cannot be read; it must be one that this process may read.`, { field: variable, cause });
  }
  if (text === '' || Buffer.byteLength(text) > SECRET_BYTES) {
    throw new ShoalError('invalid_configuration', `The file that ${variable} names must hold 1 to ${SECRET_BYTES} bytes.`, { field: variable, limit: SECRET_BYTES });
  }
  return text;
}
