/** Changes JSON values and bytes at random places. */
import type { SeededChoice } from './seeded-choice.ts';

const EDGES: readonly unknown[] = [
  null, true, false, 0, -0, -1, 1, 0.5, 1e308, -1e308, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e-320, '', ' ', '\u0000', '\ud800', '💥', 'a'.repeat(600), 'A', '..', '.', '__proto__',
  'constructor', 'toString', '1', '-1', 'NaN', '2030-01-01T00:00:00Z', '0000-00-00T00:00:00Z', [], {}, [[]], [null], { '': '' }, [1, 2], ['a'], { a: { b: { c: {} } } },
  { must: [] }, { key: 'k1', equals: 1 }, { '0': 1 }, { '99999': 1 },
];

function deep(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}

/** A copy of the value in which one place is another. */
export function mutate(value: unknown, choice: SeededChoice): unknown {
  if (choice.chance(0.25) || typeof value !== 'object' || value === null) return choice.of(EDGES);
  if (Array.isArray(value)) {
    const copy: unknown[] = [...value];
    const at = choice.below(copy.length + 1);
    const kind = choice.below(4);
    if (kind === 0) copy.splice(at, 1);
    else if (kind === 1) copy.splice(at, 0, choice.of(EDGES));
    else if (kind === 2 && copy.length > 0) copy.push(...copy.slice(0, 8));
    else copy[at] = mutate(copy[at], choice);
    return copy;
  }
  const entries = Object.entries(value);
  const kind = choice.below(4);
  if (kind === 0 && entries.length > 0) entries.splice(choice.below(entries.length), 1);
  else if (kind === 1) entries.push([choice.of(['x', '__proto__', 'constructor', 'toString', 'k', 'vector', 'filter', 'after', 'role', 'quotas', '']), choice.of(EDGES)]);
  else if (entries.length > 0) {
    const at = choice.below(entries.length);
    const [name, member] = entries[at] ?? ['', undefined];
    entries[at] = [name, mutate(member, choice)];
  }
  // JSON text with a member __proto__ is made by hand, so that it is a member and no prototype.
  return Object.assign(Object.create(null) as object, Object.fromEntries(entries));
}

/** The text of a JSON value, sometimes damaged. */
export function damagedText(value: unknown, choice: SeededChoice): Buffer {
  const text = JSON.stringify(value) ?? 'null';
  switch (choice.below(8)) {
    case 0: return Buffer.from(text.slice(0, choice.below(text.length + 1)));
    case 1: return Buffer.from(text.replace('{', choice.of(['{{', '[', '{"__proto__":{"x":1},', '{"x":NaN,', '{"x":1e999,', '{,']))) ;
    case 2: return Buffer.from(deep(1 + choice.below(20_000)));
    case 3: return Buffer.from(`{"vectors":${deep(1 + choice.below(2_000))}}`);
    default: return flipped(Buffer.from(text), choice);
  }
}

/** A copy with a few bytes changed, cut or doubled. */
export function flipped(bytes: Uint8Array, choice: SeededChoice): Buffer {
  let copy = Buffer.from(bytes);
  for (let count = 1 + choice.below(4); count > 0 && copy.length > 0; count -= 1) {
    const at = choice.below(copy.length);
    const kind = choice.below(3);
    if (kind === 0) copy[at] = choice.below(256);
    else if (kind === 1) copy = Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + choice.below(8))]);
    else copy = Buffer.concat([copy.subarray(0, at), choice.bytes(1 + choice.below(8)), copy.subarray(at)]);
  }
  return copy;
}
