/** The engine's operating errors; tell them apart by class or `code`. */
export abstract class EngineError extends Error {
  abstract readonly code: string;
  override get name(): string { return this.constructor.name; }
}

/** The memory limit is reached: nothing of the group is visible, everything before it is and stays searchable. */
export class EngineMemoryFullError extends EngineError {
  readonly code = 'engine_memory_full';
  constructor() { super('the memory limit of the engine is reached'); }
}

/** A bounded queue is full; try again later. */
export class EngineOverloadedError extends EngineError {
  readonly code = 'engine_overloaded';
  constructor(queue: string) { super(`the engine has too many ${queue} waiting`); }
}

/** The engine was closed or the index dropped. */
export class EngineClosedError extends EngineError {
  readonly code = 'engine_closed';
  constructor(what: 'engine' | 'index') { super(what === 'engine' ? 'the engine is closed' : 'the index was dropped'); }
}

/** A thread of the engine died; its memory can no longer be trusted. `cause` says why. */
export class EngineFailedError extends EngineError {
  readonly code = 'engine_failed';
  constructor(cause: unknown) { super('a thread of the engine died', { cause }); }
}

/** A file of an index cannot be used: it is missing, damaged, or holds another index. */
export class IndexFileError extends EngineError {
  readonly code = 'index_file_unusable';
  readonly reason: string;
  constructor(reason: string) {
    super(`a file of an index cannot be used: ${reason}`);
    this.reason = reason;
  }
}

/** A file of an index could not be written or read: the disk is full, read-only or failing. Nothing else came of it. */
export class IndexFileFailedError extends EngineError {
  readonly code = 'index_file_failed';
  /** The system's name of the failure, like ENOSPC. */
  readonly systemCode: string;
  constructor(message: string, systemCode: string) {
    super(message);
    this.systemCode = systemCode;
  }
}
