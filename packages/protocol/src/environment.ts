/** Settings from environment variables, for the config.ts of each service. Every refusal names the variable and what it takes. */
import { ShoalError } from './shoal-error.ts';

export type Environment = { readonly [name: string]: string | undefined };

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** `invalid_configuration` naming the variable. */
export function invalidSetting(name: string, value: string, expected: string): ShoalError {
  return new ShoalError('invalid_configuration', `${name} is "${value}"; it must be ${expected}.`, { field: name });
}

/** The text of a variable; empty counts as not set. */
export function setting(environment: Environment, name: string): string | undefined {
  const text = environment[name];
  return text === '' ? undefined : text;
}

export function requiredSetting(environment: Environment, name: string, example: string): string {
  const text = setting(environment, name);
  if (text === undefined) throw new ShoalError('invalid_configuration', `${name} is not set; for example ${name}=${example}.`, { field: name });
  return text;
}

export interface NumberRange {
  readonly fallback: number;
  readonly minimum: number;
  readonly maximum: number;
}

export function wholeNumberSetting(environment: Environment, name: string, { fallback, minimum, maximum }: NumberRange): number {
  const text = setting(environment, name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < minimum || value > maximum) throw invalidSetting(name, text, `a whole number from ${minimum} to ${maximum}`);
  return value;
}

export function choiceSetting<Choice extends string>(environment: Environment, name: string, choices: readonly Choice[], fallback: Choice): Choice {
  const text = setting(environment, name);
  if (text === undefined) return fallback;
  const choice = choices.find((known) => known === text);
  if (choice === undefined) throw invalidSetting(name, text, `one of ${choices.join(', ')}`);
  return choice;
}
