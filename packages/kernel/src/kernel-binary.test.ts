import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const GLOBAL_SECTION = 6;
const DATA_SECTION = 11;

/** Section ids of a WebAssembly binary: after 8 bytes of header, each section is its id, its size in LEB128, its content. */
function sectionIds(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  for (let at = 8; at < bytes.length;) {
    ids.push(bytes[at++] as number);
    let size = 0;
    let byte: number;
    let shift = 0;
    do {
      byte = bytes[at++] as number;
      size |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte & 0x80);
    at += size;
  }
  return ids;
}

test('the kernel has no globals and no data, which each thread would have for itself or write over', () => {
  const ids = sectionIds(readFileSync(new URL('../dist/kernel.wasm', import.meta.url)));
  expect(ids).toContain(10);
  expect(ids).not.toContain(GLOBAL_SECTION);
  expect(ids).not.toContain(DATA_SECTION);
});
