import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { ShoalError, setting, type Environment } from '@shoal/protocol';

/** Where certificate and key lie; both PEM. */
export interface TlsFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** What a server of TLS works with. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
}

const CERTIFICATE = 'SHOAL_TLS_CERT_FILE';
const KEY = 'SHOAL_TLS_KEY_FILE';

/** Undefined when neither file is named. Throws `invalid_configuration` when only one is. */
export function parseTlsFiles(environment: Environment): TlsFiles | undefined {
  const certificateFile = setting(environment, CERTIFICATE);
  const keyFile = setting(environment, KEY);
  if (certificateFile !== undefined && keyFile !== undefined) return { certificateFile, keyFile };
  if (certificateFile === undefined && keyFile === undefined) return undefined;
  const [given, missing] = certificateFile === undefined ? [KEY, CERTIFICATE] : [CERTIFICATE, KEY];
  throw new ShoalError('invalid_configuration', `${given} is set and ${missing} is not; TLS needs both.`, { field: missing });
}

async function read(name: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new ShoalError('invalid_configuration', `The file ${path} that ${name} names cannot be read.`, { field: name, cause });
  }
}

/** Certificate and key, checked to belong together. Throws `invalid_configuration`. */
export async function readTlsMaterial({ certificateFile, keyFile }: TlsFiles): Promise<TlsMaterial> {
  const cert = await read(CERTIFICATE, certificateFile);
  const key = await read(KEY, keyFile);
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new ShoalError('invalid_configuration', `${certificateFile} and ${keyFile} are not a certificate and its key in PEM.`, { field: CERTIFICATE, cause });
  }
  return { cert, key };
}
