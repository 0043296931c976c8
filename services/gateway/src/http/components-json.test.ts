import fc from 'fast-check';
import { expect, it } from 'vitest';
import { componentsToJson } from './components-json.ts';

const bitsOf = (values: Float32Array): number[] => [...new Uint32Array(values.buffer)];

it('components come back from JSON bit for bit, the sign of zero included', () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0))), (numbers) => {
    const values = Float32Array.from(numbers);
    expect(bitsOf(Float32Array.from(JSON.parse(JSON.stringify(componentsToJson(values))) as number[]))).toEqual(bitsOf(values));
  }));
});
