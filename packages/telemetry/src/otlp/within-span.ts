import { ShoalError } from '@shoal/protocol';
import type { TracedSpan } from './tracing.ts';

/** Does the work and ends the spans with it. */
export async function withinSpan<Result>(spans: readonly TracedSpan[], work: () => Promise<Result>): Promise<Result> {
  if (spans.length === 0) return work();
  try {
    const result = await work();
    for (const span of spans) span.end();
    return result;
  } catch (error) {
    for (const span of spans) span.end({}, error instanceof ShoalError ? error.code : 'internal');
    throw error;
  }
}
