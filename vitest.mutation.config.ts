import { defineConfig } from 'vitest/config';
import { sourceOf } from './test/support/own-name.ts';

/** The tests that mutants of the engine are held against: see stryker.config.json. */
const ownName = {
  name: 'nabla:own-name',
  enforce: 'pre' as const,
  resolveId: (id: string): string | undefined => (id === 'nabla' || id.startsWith('nabla/') ? sourceOf(id) : undefined),
};

export default defineConfig({
  plugins: [ownName],
  test: {
    include: ['test/engine/**/*.test.ts', 'test/autograd/[0-9]*.test.ts', 'test/transform/{in-place,nesting}.test.ts'],
    setupFiles: ['test/support/one-process.ts'],
    testTimeout: 30_000,
    // The library is loaded once for all files, which halves the time of a mutant.
    isolate: false,
  },
});
