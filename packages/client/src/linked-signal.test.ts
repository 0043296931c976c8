import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { linkSignals } from './linked-signal.ts';

test('the first source that aborts gives its reason', () => {
  const sources = [new AbortController(), new AbortController()];
  const { signal } = linkSignals(sources.map((source) => source.signal));
  expect(signal.aborted).toBe(false);
  sources[1]?.abort(new Error('second'));
  sources[0]?.abort(new Error('first'));
  expect(signal.reason).toEqual(new Error('second'));
});

test('a source that has aborted already counts', () => {
  expect(linkSignals([new AbortController().signal, AbortSignal.abort(new Error('before'))]).signal.reason).toEqual(new Error('before'));
});

test('after its release a source holds nothing and says nothing', () => {
  const source = new AbortController();
  const { signal, release } = linkSignals([source.signal]);
  expect(getEventListeners(source.signal, 'abort').length).toBe(1);
  release();
  expect(getEventListeners(source.signal, 'abort').length).toBe(0);
  source.abort();
  expect(signal.aborted).toBe(false);
});
