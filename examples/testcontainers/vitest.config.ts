import { defineConfig } from 'vitest/config';

// A container takes seconds to start, and the first one on a busy machine longer.
export default defineConfig({ test: { hookTimeout: 180_000, testTimeout: 60_000 } });
