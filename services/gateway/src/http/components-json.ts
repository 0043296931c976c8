/** `JSON.rawJSON`, which the language's library files do not name yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): number };
const NEGATIVE_ZERO = rawJSON('-0');

/** Components as JSON says them bit for bit: numbers as they are, but for -0, whose sign JSON.stringify drops. */
export function componentsToJson(values: Float32Array): number[] {
  const numbers = Array.from(values);
  for (let at = numbers.indexOf(0); at >= 0; at = numbers.indexOf(0, at + 1)) if (Object.is(numbers[at], -0)) numbers[at] = NEGATIVE_ZERO;
  return numbers;
}
