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

/** Stands around each search of a message: it calls `search` once and gives its answer back. */
export type AroundSearch = (item: SearchItem, index: number, search: (probe?: SearchProbe) => Promise<SearchAnswer | ItemFailure>) => Promise<SearchAnswer | ItemFailure>;
