/** One change of an index. */
export type IndexOp =
  /** Gives `id` a vector. The id is new, or was removed by an earlier group. */
  | { readonly type: 'put'; readonly id: number; readonly vector: Float32Array }
  /** Ends the life of a live id. */
  | { readonly type: 'remove'; readonly id: number };
