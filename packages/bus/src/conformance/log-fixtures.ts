/** What the suites of the log share: entries, and reading until a condition holds. */
import type { EmbeddingCode, OperationId, Partition, Slot } from '@shoal/protocol';
import type { LogEntry, LogMessage, MutationLog, ReadOptions } from '../mutation-log.ts';

let entryCount = 0;

export const slot = (index: number): Slot => index as Slot;

/** An entry whose bytes are the text. Its operation id is new, unless given. */
export function entry(slotIndex: number, text: string, operationId?: OperationId): LogEntry {
  entryCount++;
  return {
    address: { slot: slot(slotIndex), code: 7 as EmbeddingCode, partition: 3 as Partition },
    operationId: operationId ?? (`${process.pid.toString(16).padStart(8, '0')}${entryCount.toString(16).padStart(24, '0')}` as OperationId),
    bytes: new TextEncoder().encode(text),
  };
}

export const textOf = (message: LogMessage): string => new TextDecoder().decode(message.bytes);

export const WRITE = { timeoutMs: 20_000 } as const;

export interface ReadUntil {
  readonly from?: number;
  readonly maxMessages?: number;
  readonly maxBytes?: number;
  /** Reads until so many messages have come. */
  readonly count: number;
  readonly onGroup?: (group: readonly LogMessage[]) => void | Promise<void>;
}

/** The messages of the slot in the order in which `read` yields them. */
export async function readMessages(log: MutationLog, slotIndex: number, options: ReadUntil): Promise<LogMessage[]> {
  const controller = new AbortController();
  const messages: LogMessage[] = [];
  const readOptions: ReadOptions = {
    slot: slot(slotIndex),
    from: (options.from ?? 1) as ReadOptions['from'],
    signal: controller.signal,
    maxMessages: options.maxMessages ?? 100,
    maxBytes: options.maxBytes ?? 1024 * 1024,
  };
  for await (const group of log.read(readOptions)) {
    messages.push(...group);
    await options.onGroup?.(group);
    if (messages.length >= options.count) controller.abort();
  }
  return messages;
}
