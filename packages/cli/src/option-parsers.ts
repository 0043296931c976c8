/** Parsers of option texts for commander; each refuses with a sentence that commander prints with the option's name. */
import { isAbsolute, resolve } from 'node:path';
import type { Filter } from '@shoal/client';
import { InvalidArgumentError } from 'commander';

export function wholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
      throw new InvalidArgumentError(`It must be a whole number from ${minimum} to ${maximum}.`);
    }
    return value;
  };
}

/** A quota, or the word none to take it away. */
export function quotaOrNone(text: string): number | 'none' {
  return text === 'none' ? text : wholeNumber(0, Number.MAX_SAFE_INTEGER)(text);
}

/** Words separated by commas. */
export function words(text: string): string[] {
  return text.split(',').map((word) => word.trim()).filter((word) => word !== '');
}

export function wholeNumbers(minimum: number, maximum: number): (text: string) => number[] {
  const parseOne = wholeNumber(minimum, maximum);
  return (text) => [...new Set(text.split(',').map((part) => parseOne(part.trim())))];
}

export function oneOf<const Choices extends readonly string[]>(choices: Choices): (text: string) => Choices[number] {
  return (text) => {
    if (!choices.includes(text)) throw new InvalidArgumentError(`It must be one of ${choices.join(', ')}.`);
    return text;
  };
}

export function someOf<const Choices extends readonly string[]>(choices: Choices): (text: string) => Choices[number][] {
  const parseOne = oneOf(choices);
  return (text) => [...new Set(text.split(',').map((part) => parseOne(part.trim())))];
}

export function finiteNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

export function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return value;
}

/** Undefined for a text that is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function numberArray(text: string): number[] {
  const value = parseJson(text);
  if (!Array.isArray(value) || !value.every((component) => typeof component === 'number')) {
    throw new InvalidArgumentError('It must be a JSON array of numbers, such as "[0.1, 0.2]".');
  }
  return value as number[];
}

/** A filter as the API takes it; what is in it the server judges. */
export function filterJson(text: string): Filter {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError('It must be a filter, such as \'{"field": "colour", "equals": "red"}\'.');
  }
  return value as Filter;
}

/** A receipt as a write printed it. */
export function receiptJson(text: string): Record<string, number> {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.values(value).every((sequence) => typeof sequence === 'number')) {
    throw new InvalidArgumentError('It must be a receipt, such as \'{"17": 4711}\'.');
  }
  return value as Record<string, number>;
}

export function pathFrom(workingDirectory: string, path: string): string {
  return isAbsolute(path) ? path : resolve(workingDirectory, path);
}
