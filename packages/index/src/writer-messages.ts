import type { Address } from '@shoal/kernel';
import type { Group } from './group.ts';
import type { CreateParameters } from './kernel-parameters.ts';

/** What the main thread asks of the writer. Every job gets one answer. */
export type WriterRequest =
  | { readonly type: 'create'; readonly job: number; readonly parameters: CreateParameters }
  | { readonly type: 'apply'; readonly job: number; readonly index: Address; readonly dim: number; readonly group: Group }
  /** Writes the index to a file. */
  | { readonly type: 'export'; readonly job: number; readonly index: Address; readonly parameters: CreateParameters; readonly path: string }
  /** Ends an export under way, which then fails. It has no answer of its own. */
  | { readonly type: 'cancelExport'; readonly job: number }
  /** A new index from a file. */
  | { readonly type: 'import'; readonly job: number; readonly parameters: CreateParameters; readonly path: string }
  | { readonly type: 'rebase'; readonly job: number; readonly index: Address }
  | { readonly type: 'drop'; readonly job: number; readonly index: Address }
  | { readonly type: 'close'; readonly job: number };

export type WriterAnswer =
  | { readonly type: 'done'; readonly job: number; /** Of a create or an import the new index, of an export the bytes of the file. */ readonly value: number }
  /** The file of an import cannot be used. */
  | { readonly type: 'unusable'; readonly job: number; readonly reason: string }
  /** A file could not be written or read; nothing else came of it. */
  | { readonly type: 'failed'; readonly job: number; readonly message: string; readonly systemCode: string }
  | { readonly type: 'memoryFull'; readonly job: number }
  /** A programmer's error in the operations; nothing was applied. */
  | { readonly type: 'refused'; readonly job: number; readonly reason: string };
