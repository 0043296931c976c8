/**
 * Finds where a text stops being JSON (RFC 8259). Only used for texts that JSON.parse refused: the position is for the
 * person who reads the error, and the engine's own message is no interface.
 */
const WHITE_SPACE = /[ \t\n\r]*/y;
/** \p{Cc} are the control characters; those above U+007E may stand in a string. */
const STRING_PATTERN = String.raw`"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"`;
const STRING = new RegExp(STRING_PATTERN, 'uy');
const SCALAR = new RegExp(String.raw`${STRING_PATTERN}|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+\-]?\d+)?|true|false|null`, 'uy');

function endOfMatch(pattern: RegExp, text: string, start: number): number | undefined {
  pattern.lastIndex = start;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

const skipSpace = (text: string, start: number): number => endOfMatch(WHITE_SPACE, text, start) ?? start;

/** What may come next: a value, a member name, or what follows a value. `first` allows the container to close at once. */
type Expected = 'value' | 'first value' | 'name' | 'first name' | 'end of value';

/** Index of the first character that cannot stand where it does; the length of the text when it ends too early; undefined when it is JSON. */
export function findJsonError(text: string): number | undefined {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let at = skipSpace(text, 0);
  for (;;) {
    const character: string | undefined = text[at];
    if (expected === 'end of value') {
      const container = open.at(-1);
      if (container === undefined) return character === undefined ? undefined : at;
      if (character === ',') expected = container === '{' ? 'name' : 'value';
      else if (character === (container === '{' ? '}' : ']')) open.pop();
      else return at;
      at += 1;
    } else if (expected === 'first value' && character === ']') {
      open.pop();
      expected = 'end of value';
      at += 1;
    } else if (expected === 'first name' && character === '}') {
      open.pop();
      expected = 'end of value';
      at += 1;
    } else if (expected === 'name' || expected === 'first name') {
      const endOfName = endOfMatch(STRING, text, at);
      if (endOfName === undefined) return at;
      at = skipSpace(text, endOfName);
      if (text[at] !== ':') return at;
      expected = 'value';
      at += 1;
    } else if (character === '{' || character === '[') {
      open.push(character);
      expected = character === '{' ? 'first name' : 'first value';
      at += 1;
    } else {
      const endOfScalar = endOfMatch(SCALAR, text, at);
      if (endOfScalar === undefined) return at;
      expected = 'end of value';
      at = endOfScalar;
    }
    at = skipSpace(text, at);
  }
}
