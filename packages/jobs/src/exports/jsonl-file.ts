import { JOB_LIMITS } from '../limits.ts';
import type { ExportedVector } from './export-vectors.ts';

/** JSON drops the sign of -0, so it is written by hand; every other float32 is said exactly by its shortest decimal. */
const componentText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

function lineOf({ key, values, payload }: ExportedVector): string {
  const components = Array.from(values, componentText).join(',');
  return `{"key":${JSON.stringify(key)},"values":[${components}]${payload === undefined ? '' : `,"payload":${JSON.stringify(payload)}`}}\n`;
}

/** Lines of `{"key", "values", "payload"?}`. */
export async function* exportJsonl(vectors: AsyncIterable<ExportedVector>): AsyncGenerator<Uint8Array> {
  let lines: string[] = [];
  let chars = 0;
  for await (const vector of vectors) {
    const line = lineOf(vector);
    lines.push(line);
    chars += line.length;
    if (chars < JOB_LIMITS.exportTextBytes) continue;
    yield Buffer.from(lines.join(''), 'utf8');
    lines = [];
    chars = 0;
  }
  if (lines.length > 0) yield Buffer.from(lines.join(''), 'utf8');
}
