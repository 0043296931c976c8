/** Numbers that stand for words in query messages. They are on the wire: never change one. */
import type { QueryRequest, SearchPath } from './query.ts';

export const QUERY_TYPES = { search: 1, fetch: 2, 'await-applied': 3, 'partition-stats': 4, count: 5, scroll: 6 } as const satisfies Record<QueryRequest['type'], number>;

export const SEARCH_PATH_NUMBERS = { auto: 1, exact: 2, rabitq: 3, flat: 4 } as const satisfies Record<SearchPath, number>;

/** The path of a number, by index. */
export const SEARCH_PATH_NAMES: readonly (SearchPath | undefined)[] = [undefined, 'auto', 'exact', 'rabitq', 'flat'];
