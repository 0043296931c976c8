/**
 * Components of a vector from outside: one pass that copies to float32 and adds up the squares. Vectors are the bulk of
 * every request, so they are checked by hand and not by a schema.
 */
import type { Distance } from './embedding-spec.ts';
import { ShoalError } from './shoal-error.ts';

/**
 * The squared norm above which two vectors could be farther apart than float32 can say: |a - b|^2 <= 4 max(|a|^2, |b|^2),
 * and |a.b| is smaller still. 2^125 leaves room for rounding below the largest float32, just under 2^128.
 */
const SQUARED_NORM_MAX = 2 ** 125;
/** Smallest normal float32: a squared norm below it has lost its digits or is 0, and with it the direction. */
const SQUARED_NORM_MIN_COSINE = 2 ** -126;

/**
 * A JSON array of `dim` numbers as float32. Throws `dimension_mismatch` (limit: dim), `invalid_vector` (the component at
 * fault, or a vector too long for float32 distances) or `zero_vector` (cosine only). `field` is the path of the array.
 */
export function parseVectorValues(value: unknown, dim: number, distance: Distance, field: string): Float32Array {
  if (!Array.isArray(value)) throw new ShoalError('invalid_vector', `${field} must be an array of ${dim} numbers.`, { field });
  if (value.length !== dim) throw dimensionMismatch(value.length, dim, field);
  const vector = new Float32Array(dim);
  let squaredNorm = 0;
  for (let i = 0; i < dim; i++) {
    const component: unknown = value[i];
    if (typeof component !== 'number') throw invalidComponent(`${field}[${i}]`);
    vector[i] = component;
    const stored = vector[i] ?? 0;
    squaredNorm += stored * stored;
  }
  checkSquaredNorm(vector, squaredNorm, distance, field);
  return vector;
}

/** The same checks for components that came as float32. */
export function checkVector(vector: Float32Array, dim: number, distance: Distance, field: string): void {
  if (vector.length !== dim) throw dimensionMismatch(vector.length, dim, field);
  let squaredNorm = 0;
  for (let i = 0; i < dim; i++) {
    const component = vector[i] ?? 0;
    squaredNorm += component * component;
  }
  checkSquaredNorm(vector, squaredNorm, distance, field);
}

function dimensionMismatch(length: number, dim: number, field: string): ShoalError {
  return new ShoalError('dimension_mismatch', `${field} has ${length} components; the embedding has dimension ${dim}.`, { field, limit: dim });
}

function invalidComponent(field: string): ShoalError {
  return new ShoalError('invalid_vector', `${field} is not a finite number in the range of a 32-bit float.`, { field });
}

/** A sum of squares in float64 is finite exactly when every float32 component is, so one test stands for all of them. */
function checkSquaredNorm(vector: Float32Array, squaredNorm: number, distance: Distance, field: string): void {
  if (!Number.isFinite(squaredNorm)) {
    throw invalidComponent(`${field}[${vector.findIndex((component) => !Number.isFinite(component))}]`);
  }
  if (squaredNorm > SQUARED_NORM_MAX) {
    throw new ShoalError('invalid_vector', `${field} is so long that distances to it overflow a 32-bit float.`, { field });
  }
  if (distance === 'cosine' && squaredNorm < SQUARED_NORM_MIN_COSINE) {
    throw new ShoalError('zero_vector', `${field} is zero, or too near to zero for a 32-bit float, and so has no direction.`, { field });
  }
}
