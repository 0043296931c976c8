import { describe, expect, it } from 'vitest';
import { LOG_LEVELS, choiceSetting, requiredSetting, setting, wholeNumberSetting } from './environment.ts';

const range = { fallback: 5, minimum: 1, maximum: 10 };

describe('settings', () => {
  it('take the fallback for what is not set or empty', () => {
    expect(setting({ A: '' }, 'A')).toBeUndefined();
    expect(wholeNumberSetting({}, 'A', range)).toBe(5);
    expect(choiceSetting({ A: '' }, 'A', LOG_LEVELS, 'info')).toBe('info');
  });

  it('take what is set', () => {
    expect(wholeNumberSetting({ A: '10' }, 'A', range)).toBe(10);
    expect(choiceSetting({ A: 'debug' }, 'A', LOG_LEVELS, 'info')).toBe('debug');
    expect(requiredSetting({ A: 'x' }, 'A', 'y')).toBe('x');
  });

  it.each(['0', '11', '1.5', '1e1', ' 5', '-1', 'x'])('refuse %j where a whole number from 1 to 10 is wanted', (text) => {
    expect(() => wholeNumberSetting({ A: text }, 'A', range)).toThrow(expect.objectContaining({ code: 'invalid_configuration', field: 'A' }) as Error);
  });

  it('refuse an unknown choice and a missing variable', () => {
    expect(() => choiceSetting({ A: 'loud' }, 'A', LOG_LEVELS, 'info')).toThrow(/A is "loud"; it must be one of fatal/);
    expect(() => requiredSetting({}, 'A', 'y')).toThrow(/A is not set; for example A=y/);
  });
});
