import { defineConfig } from 'vitest/config';

/** Apart from the build's configuration, which must not need what only tests do. */
export default defineConfig({
  test: {
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
