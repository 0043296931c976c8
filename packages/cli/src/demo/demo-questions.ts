/** The questions of the demo. They are stored like any other vector, so that a curl line can search from their keys. */
export interface DemoQuestion {
  readonly key: string;
  readonly text: string;
}

export const QUESTION_PREFIX = 'question:';

export const DEMO_QUESTIONS: readonly DemoQuestion[] = [
  'How do I retry an operation that failed, with exponential backoff?',
  'Match file names against a glob pattern with wildcards',
  'Show a progress bar in the terminal',
].map((text, index) => ({ key: `${QUESTION_PREFIX}${index + 1}`, text }));

/** Neighbours asked for: the question itself is its own nearest one and is left out. */
export const DEMO_K = 4;
