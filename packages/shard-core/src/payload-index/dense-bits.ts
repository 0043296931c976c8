/** Sets of VecIds as bits: id 32 w + b is in the set when bit b of word w is set. Ids beyond the last word are not in it. */

export const WORD_BITS = 32;

export function wordsFor(idCount: number): number {
  return Math.ceil(idCount / WORD_BITS);
}

export function hasBit(words: Uint32Array, id: number): boolean {
  return (((words[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1;
}

export function setBit(words: Uint32Array, id: number): void {
  words[id >>> 5] = (words[id >>> 5] ?? 0) | (1 << (id & 31));
}

export function clearBit(words: Uint32Array, id: number): void {
  words[id >>> 5] = (words[id >>> 5] ?? 0) & ~(1 << (id & 31));
}

/** The functions below take sets of the same number of words. */
export function intersect(into: Uint32Array, other: Uint32Array): void {
  for (let word = 0; word < into.length; word += 1) into[word] = (into[word] ?? 0) & (other[word] ?? 0);
}

export function unite(into: Uint32Array, other: Uint32Array): void {
  for (let word = 0; word < into.length; word += 1) into[word] = (into[word] ?? 0) | (other[word] ?? 0);
}

export function subtract(from: Uint32Array, other: Uint32Array): void {
  for (let word = 0; word < from.length; word += 1) from[word] = (from[word] ?? 0) & ~(other[word] ?? 0);
}

/** Bits set in one word (Hacker's Delight, figure 5-2). */
function bitCount(word: number): number {
  let count = word - ((word >>> 1) & 0x5555_5555);
  count = (count & 0x3333_3333) + ((count >>> 2) & 0x3333_3333);
  count = (count + (count >>> 4)) & 0x0f0f_0f0f;
  return Math.imul(count, 0x0101_0101) >>> 24;
}

export function countBits(words: Uint32Array): number {
  let count = 0;
  for (let word = 0; word < words.length; word += 1) count += bitCount(words[word] ?? 0);
  return count;
}

/** The ids of the set, ascending. */
export function* idsOf(words: Uint32Array): Generator<number> {
  for (let word = 0; word < words.length; word += 1) {
    let bits = words[word] ?? 0;
    while (bits !== 0) {
      yield word * WORD_BITS + (31 - Math.clz32(bits & -bits));
      bits &= bits - 1;
    }
  }
}

/** The same set with room for at least so many words. */
export function grown(words: Uint32Array<ArrayBuffer>, wordCount: number): Uint32Array<ArrayBuffer> {
  if (wordCount <= words.length) return words;
  const larger = new Uint32Array(Math.max(wordCount, words.length * 2));
  larger.set(words);
  return larger;
}
