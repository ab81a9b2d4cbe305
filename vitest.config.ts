import { defineConfig } from 'vitest/config';
import { sourceOf } from './test/support/own-name.ts';
import { PlainReporter } from './test/support/plain-reporter.ts';

/** The package's own name means the source. */
const ownName = {
  name: 'nabla:own-name',
  enforce: 'pre' as const,
  resolveId: (id: string): string | undefined => (id === 'nabla' || id.startsWith('nabla/') ? sourceOf(id) : undefined),
};

export default defineConfig({
  plugins: [ownName],
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', new PlainReporter()],
    // A process for each file: the engine keeps one WebAssembly memory a process, and the memory tests call the collector.
    pool: 'forks',
    execArgv: ['--expose-gc'],
    // Files run side by side already; the tests of threads ask for them.
    env: { NABLA_NUM_THREADS: '1' },
    testTimeout: 30_000,
  },
});
