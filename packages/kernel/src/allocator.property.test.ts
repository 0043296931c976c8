import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileKernel, createMemory, instantiateKernel } from './kernel.ts';

const module = compileKernel();
const PAGE_LIMIT = 128;

type Step = { readonly bytes: number } | { readonly release: number };

const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof(
  fc.record({ bytes: fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 1 << 20 })) }),
  fc.record({ release: fc.nat() })), { maxLength: 200, size: 'max' });

test('spans never overlap, keep their content, stay within the limit and all come back', () => {
  fc.assert(fc.property(steps, (run) => {
    const memory = createMemory(PAGE_LIMIT);
    const kernel = instantiateKernel(module, memory);
    kernel.initEngine(PAGE_LIMIT);
    const held: { span: number; bytes: number; mark: number }[] = [];
    const release = (at: number): void => {
      const [gone] = held.splice(at, 1);
      if (gone === undefined) return;
      const content = new Uint8Array(memory.buffer, gone.span, gone.bytes);
      expect(content.every((byte) => byte === gone.mark)).toBe(true);
      kernel.freeSpan(gone.span);
    };
    run.forEach((step, i) => {
      if ('release' in step) return release(held.length === 0 ? 0 : step.release % held.length);
      const span = kernel.allocateSpan(step.bytes) >>> 0;
      if (span === 0) return;
      const mark = (i % 255) + 1;
      expect(span % 16).toBe(0);
      expect(span + step.bytes).toBeLessThanOrEqual(memory.buffer.byteLength);
      new Uint8Array(memory.buffer, span, step.bytes).fill(mark);
      held.push({ span, bytes: step.bytes, mark });
    });
    expect(memory.buffer.byteLength).toBeLessThanOrEqual(PAGE_LIMIT * 65_536);
    while (held.length > 0) release(held.length - 1);
    expect(kernel.usedBytes()).toBe(0);
    // All free space is one span again, so nearly all the memory can be taken at once.
    expect(kernel.allocateSpan(memory.buffer.byteLength - (memory.buffer.byteLength >> 3)) >>> 0).toBeGreaterThan(0);
  }), { numRuns: 30 });
});

test('at the limit an allocation gives 0 and leaves the rest usable', () => {
  const kernel = instantiateKernel(module, createMemory(16));
  kernel.initEngine(16);
  expect(kernel.allocateSpan(2 << 20)).toBe(0);
  expect(kernel.allocateSpan(512 << 10) >>> 0).toBeGreaterThan(0);
});
