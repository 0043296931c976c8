// A digest of the graph, so that two replicas, or two runs of the same operations, can be compared.

import { recordAt } from './arena';
import { IX_ENTRY, IX_HIGH_WATER, IX_GRAPH_RESERVED, IX_LINK_CURSOR, IX_LINKS, IX_M, IX_SEED, IX_VECTORS, R_UPPER } from './layout';
import { layerOf } from './layers';

@inline function fold(hash: u64, value: u32): u64 {
  return (hash ^ <u64>value) * 0x100000001b3;
}

function foldList(hash: u64, list: usize): u64 {
  const count = load<u32>(list);
  hash = fold(hash, count);
  for (let i: u32 = 0; i < count; i++) hash = fold(hash, load<u32>(list + (i << 2), 4));
  return hash;
}

/** FNV-1a over entry point, cursor and every list in order of id and layer. */
export function graphDigest(index: usize): u64 {
  let hash: u64 = 0xcbf29ce484222325;
  hash = fold(hash, load<u32>(index, IX_ENTRY));
  hash = fold(hash, load<u32>(index, IX_LINK_CURSOR));
  if (load<u32>(index, IX_GRAPH_RESERVED) == 0) return hash;
  const highWater = load<u32>(index, IX_HIGH_WATER);
  const m = load<u32>(index, IX_M);
  const seed = load<u32>(index, IX_SEED);
  for (let id: u32 = 0; id < highWater; id++) {
    hash = foldList(hash, recordAt(index + IX_LINKS, id));
    const upper: usize = load<u32>(recordAt(index + IX_VECTORS, id), R_UPPER);
    const layers: u32 = upper == 0 ? 0 : layerOf(seed, id, m);
    for (let layer: u32 = 0; layer < layers; layer++) hash = foldList(hash, upper + layer * ((m + 1) << 2));
  }
  return hash;
}
