import { defineConfig } from 'vitest/config';

const natsSetup = ['./test/harness/nats-global-setup.ts'];

// One project per kind of suite: what it may need decides where a test goes. Files run two at a time, each with servers, ports and directories of its own;
// those of `nats` share one server, and those of `containers` one engine.
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'services/*/src/**/*.test.ts'],
          exclude: ['**/*.nats.test.ts', '**/*.redis.test.ts', '**/node_modules/**', '**/dist/**'],
          testTimeout: 60_000,
        },
      },
      { test: { name: 'sim', include: ['test/sim/**/*.test.ts'], testTimeout: 180_000 } },
      { test: { name: 'repository', include: ['test/repository/**/*.test.ts'], testTimeout: 60_000 } },
      // Short runs of the campaigns; the soak takes two minutes and runs beside the other suites.
      { test: { name: 'campaigns', include: ['test/deletion/**/*.test.ts', 'test/soak/**/*.test.ts'], testTimeout: 300_000 } },
      {
        test: {
          name: 'nats',
          include: ['packages/*/src/**/*.nats.test.ts', 'services/*/src/**/*.nats.test.ts'],
          globalSetup: natsSetup,
          fileParallelism: false,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'imports',
          include: ['packages/*/src/**/*.redis.test.ts', 'test/imports/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: natsSetup,
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          globalSetup: natsSetup,
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'crash',
          include: ['test/crash/**/*.test.ts'],
          globalSetup: natsSetup,
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'containers',
          include: ['test/containers/**/*.test.ts', 'examples/*/src/**/*.test.ts'],
          globalSetup: ['./test/harness/containers-global-setup.ts'],
          setupFiles: ['./test/containers/setup.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
