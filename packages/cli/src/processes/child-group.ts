/** Child processes that are started in order and ended in the reverse order. */
import { CLI_LIMITS } from '../limits.ts';
import { exitCodeOfChild, startChild, type ChildExit, type ChildProgram, type RunningChild } from './child-process.ts';

export type ExitListener = (name: string, exit: ChildExit) => void;

export class ChildGroup {
  readonly #children: RunningChild[] = [];
  readonly #onUnexpectedExit: ExitListener;
  #isEnding = false;

  /** `onUnexpectedExit` is told of every child that ends before `endAll` is called. */
  constructor(onUnexpectedExit: ExitListener) {
    this.#onUnexpectedExit = onUnexpectedExit;
  }

  start(program: ChildProgram): RunningChild {
    const child = startChild(program);
    this.#children.push(child);
    const report = (exit: ChildExit): void => {
      if (!this.#isEnding) this.#onUnexpectedExit(program.name, exit);
    };
    // A program that could not be run at all counts as one that ended with 127, the shell's code for that.
    child.exited.then(report, () => report({ code: 127, signal: null }));
    return child;
  }

  /** Ends the children one after the other, the last one first; SIGKILL after the deadline. */
  async endAll(): Promise<void> {
    this.#isEnding = true;
    for (const child of this.#children.splice(0).reverse()) await child.end('SIGTERM', CLI_LIMITS.childEndMs).catch(() => undefined);
  }
}

export function describeExit(name: string, exit: ChildExit): string {
  return exit.signal === null ? `${name} ended with exit code ${exitCodeOfChild(exit)}` : `${name} was ended by ${exit.signal}`;
}
