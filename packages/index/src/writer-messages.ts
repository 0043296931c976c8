import type { Address } from '@shoal/kernel';
import type { Group } from './group.ts';
import type { CreateParameters } from './kernel-parameters.ts';

/** What the main thread asks of the writer. Every job gets one answer. */
export type WriterRequest =
  | { readonly type: 'create'; readonly job: number; readonly parameters: CreateParameters }
  | { readonly type: 'apply'; readonly job: number; readonly index: Address; readonly dim: number; readonly group: Group }
  | { readonly type: 'rebase'; readonly job: number; readonly index: Address }
  | { readonly type: 'drop'; readonly job: number; readonly index: Address }
  | { readonly type: 'close'; readonly job: number };

export type WriterAnswer =
  | { readonly type: 'done'; readonly job: number; /** The new index, of a create. */ readonly index: Address }
  | { readonly type: 'memoryFull'; readonly job: number }
  /** A programmer's error in the operations; nothing was applied. */
  | { readonly type: 'refused'; readonly job: number; readonly reason: string };
