// The estimate for one vector with its error bound (Gao and Long 2024, theorem 3.2; multi-bit: Gao et al. 2025). Traversal needs neither
// the bound nor the query's summand; this is for whoever wants to know how far an estimate can be trusted.
//
//   bound = e0 |r| (|q'| sqrt((|r|^2 |u|^2 / <r,u>^2 - 1) / (dim - 1)) + |q' - q8| / sqrt(dim)),  twice that for l2
//
// The first term is the code's error, the second that of the query's own 8-bit code; e0 deviations of a nearly normal error each.

import { recordAt } from './arena';
import { codeQuery, productOf, topOf } from './code';
import { estimates4 } from './code-distance';
import {
  IX_CENTRE, IX_CODE_BITS, IX_CODE_BYTES, IX_CODES, IX_DIM, IX_DISTANCE, IX_VECTORS, L2, C_RESCALE, RECORD_HEADER_BYTES,
} from './layout';
import { S_QUERY_BIAS, S_QUERY_CODE, S_QUERY_SCALE, S_ROTATED } from './scratch';

/** Deviations that the bound spans: a normal error stays within 1.9 of them 94 times in 100. */
const DEVIATIONS: f64 = 1.9;

function squaredDistance(a: usize, b: usize, dim: u32): f64 {
  let sum: f64 = 0;
  for (let at: u32 = 0; at < dim << 2; at += 4) {
    const difference = <f64>load<f32>(a + at) - <f64>load<f32>(b + at);
    sum += difference * difference;
  }
  return sum;
}

/** What estimates leave out of the distance to `query`: the same for all vectors. */
export function summandOf(index: usize, query: usize): f64 {
  const dim = load<u32>(index, IX_DIM);
  const centre = <usize>load<u32>(index, IX_CENTRE);
  return load<u32>(index, IX_DISTANCE) == L2 ? squaredDistance(query, centre, dim) : productOf(centre, centre, dim) - productOf(query, centre, dim);
}

/** Squared length of the code as a vector about its middle. */
function squaredCode(code: usize, dim: u32, bits: u32): f64 {
  const share = 8 / bits;
  const mask = topOf(bits);
  const middle = <f64>mask * 0.5;
  let sum: f64 = 0;
  for (let i: u32 = 0; i < dim; i++) {
    const block = i >> 4;
    const level = (<u32>load<u8>(code + (block / share << 4) + (i & 15)) >> (block % share * bits)) & mask;
    sum += (<f64>level - middle) * (<f64>level - middle);
  }
  return sum;
}

/** Squared length of what the query's code leaves out of the rotated query. */
function squaredQueryError(scratch: usize, dim: u32): f64 {
  const scale = <f64>load<f32>(scratch, S_QUERY_SCALE);
  let sum: f64 = 0;
  for (let i: u32 = 0; i < dim; i++) {
    const difference = <f64>load<f32>(scratch + S_ROTATED + (i << 2)) - scale * <f64>load<i8>(scratch + S_QUERY_CODE + i);
    sum += difference * difference;
  }
  return sum;
}

/**
 * Writes two f64 at `out`: the estimated distance of a linked vector to `query`, squared for l2 and the negated inner product else, and
 * the bound of its error. `query` is as stored vectors are: normalised for cosine, padded.
 */
export function estimate(scratch: usize, index: usize, query: usize, id: u32, out: usize): void {
  const dim = load<u32>(index, IX_DIM);
  const bits = load<u32>(index, IX_CODE_BITS);
  const isL2 = load<u32>(index, IX_DISTANCE) == L2;
  const centre = <usize>load<u32>(index, IX_CENTRE);
  const code = recordAt(index + IX_CODES, id);
  codeQuery(scratch, index, query);
  const own = squaredDistance(query, centre, dim);
  const four = estimates4(
    scratch + S_QUERY_CODE, load<f32>(scratch, S_QUERY_SCALE), load<f32>(scratch, S_QUERY_BIAS), bits,
    load<u32>(index, IX_CODE_BYTES), code, code, code, code);
  store<f64>(out, <f64>f32x4.extract_lane(four, 0) + summandOf(index, query));
  const length = squaredDistance(recordAt(index + IX_VECTORS, id) + RECORD_HEADER_BYTES, centre, dim);
  const rescale = -<f64>load<f32>(code, C_RESCALE) * (isL2 ? 0.5 : 1);
  const spread = length > 0 ? rescale * rescale * squaredCode(code + RECORD_HEADER_BYTES, dim, bits) / length - 1 : 0;
  const codeError = Math.sqrt(own * max<f64>(0, spread) / <f64>max<u32>(1, dim - 1));
  const queryError = Math.sqrt(squaredQueryError(scratch, dim) / <f64>dim);
  store<f64>(out, (isL2 ? 2 : 1) * DEVIATIONS * Math.sqrt(length) * (codeError + queryError), 8);
}
