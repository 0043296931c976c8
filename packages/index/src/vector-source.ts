/** Where an index that keeps codes alone reads its vectors, for exact distances. */
export interface VectorSource {
  /** The vectors as they are now; taken before a search begins, so that what it sees and what it reads fit together. */
  view(): VectorView;
}

/**
 * Vectors of one moment, and those that were put since while the view is open: for an id of either it has the vector even if it was removed
 * meanwhile. The index gives no id of an open view to another vector.
 */
export interface VectorView {
  /** In the order of the ids; undefined where the id was removed before the view was taken. */
  read(ids: readonly number[]): Promise<readonly (Float32Array | undefined)[]>;
  close(): Promise<void>;
}
