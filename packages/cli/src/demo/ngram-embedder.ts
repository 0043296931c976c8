/**
 * A small embedder without a model: it compares letters, not meanings. Words and their character n-grams are hashed into a
 * fixed number of dimensions with signs (feature hashing: Weinberger, Dasgupta, Langford, Smola, Attenberg, 2009; n-grams inside
 * word boundaries as in fastText: Bojanowski, Grave, Joulin, Mikolov, 2017), counts enter by 1 + ln(count), and the result has length 1.
 * A pure function of the text: no state, no randomness.
 */
export const NGRAM_DIM = 512;
export const NGRAM_MODEL = 'hashed-ngram-512';

const GRAM_MINIMUM = 3;
const GRAM_MAXIMUM = 5;
/** A whole word says more than a part of one. */
const WORD_WEIGHT = 3;
const TEXT_CHARS = 10_000;

/** English words that carry no topic; without them two texts are not near just because both are English. */
const STOP_WORDS = new Set(
  (
    'a about after all also an and any are as at be because been but by can do does each for from get had has have how if in into is it its ' +
    'just like may more most my no not of on one only or other our out over own same should so some such than that the their them then ' +
    'there these they this those to too under up use used using very want was way we were what when where which while who will with would you your'
  ).split(' '),
);

/** FNV-1a (Fowler, Noll, Vo) over UTF-16 units, then the finaliser of MurmurHash3 (Appleby). */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Letters and digits in lower case; a word in camel case counts as its parts as well. */
function wordsOf(text: string): string[] {
  const tokens = text.slice(0, TEXT_CHARS).normalize('NFKC').match(/[\p{L}\p{N}]+/gu) ?? [];
  const words: string[] = [];
  for (const token of tokens) {
    const parts = token.match(/\p{Lu}?[\p{Ll}\p{N}]+|\p{Lu}+(?!\p{Ll})|[\p{L}\p{N}]+/gu) ?? [];
    const candidates = parts.length > 1 ? [token, ...parts] : [token];
    for (const candidate of candidates) {
      const word = candidate.toLowerCase();
      if (word.length > 1 && !STOP_WORDS.has(word)) words.push(word);
    }
  }
  return words;
}

/** How often each feature occurs: words as `=word`, n-grams of `<word>`, so that the two kinds never meet. */
function countFeatures(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (feature: string): void => void counts.set(feature, (counts.get(feature) ?? 0) + 1);
  for (const word of wordsOf(text)) {
    add(`=${word}`);
    const bounded = `<${word}>`;
    for (let size = GRAM_MINIMUM; size <= GRAM_MAXIMUM; size += 1) {
      for (let start = 0; start + size <= bounded.length; start += 1) add(bounded.slice(start, start + size));
    }
  }
  return counts;
}

/** 512 components of length 1. A text without words gives the first unit vector, since a zero vector has no direction. */
export function embedText(text: string): Float32Array {
  const sums = new Float64Array(NGRAM_DIM);
  for (const [feature, count] of countFeatures(text)) {
    const hash = hashText(feature);
    const weight = (1 + Math.log(count)) * (feature.startsWith('=') ? WORD_WEIGHT : 1);
    // The low bits choose the dimension, the highest bit the sign, so the two are independent.
    const dimension = hash % NGRAM_DIM;
    sums[dimension] = (sums[dimension] ?? 0) + (hash >>> 31 === 0 ? weight : -weight);
  }
  const norm = Math.sqrt(sums.reduce((sum, value) => sum + value * value, 0));
  if (norm === 0) sums[0] = 1;
  return Float32Array.from(sums, (value) => (norm === 0 ? value : value / norm));
}
