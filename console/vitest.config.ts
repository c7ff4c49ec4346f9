import { defineConfig } from 'vitest/config';

/** Apart from the build's configuration, which must not need what only tests do. */
export default defineConfig({
  test: {
    fileParallelism: false,
    // They only bound failures: tests wait for states, and a busy machine takes its time.
    expect: { poll: { timeout: 60_000 } },
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
});
