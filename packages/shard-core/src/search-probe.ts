import type { IdFilter, SearchHits } from '@shoal/index';
import type { ItemFailure, SearchAnswer, SearchItem } from '@shoal/protocol';
import type { ActivePartition } from './partition-state.ts';

/** One run of a search in the engine. */
export interface EngineSearch {
  readonly partition: ActivePartition;
  readonly item: SearchItem;
  readonly filter: IdFilter | undefined;
  readonly found: SearchHits;
  /** Operations of the partition when the search began. */
  readonly operationCount: number;
}

/** Watches a search from inside. It must not throw, and changes nothing. */
export interface SearchProbe {
  /** Called when the engine is asked; what it returns, when the engine has answered. A search may ask more than once. */
  engineAsked(): (search: EngineSearch) => void;
}

/** Watches the searches of one message. It must not throw, and changes nothing. */
export interface SearchWatch {
  /** Called when a search begins; may look inside. */
  begun(item: SearchItem): SearchProbe | undefined;
  /** Called when it was answered, or failed. */
  answered(item: SearchItem, answer: SearchAnswer | ItemFailure): void;
}
