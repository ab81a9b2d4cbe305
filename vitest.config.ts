import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^nabla$/, replacement: source('index.ts') },
      { find: /^nabla\/(.+)$/, replacement: `${source('')}$1/index.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // The engine keeps one WebAssembly memory a process; the collector must be callable for the memory tests.
    pool: 'forks',
    execArgv: ['--expose-gc'],
    testTimeout: 30_000,
  },
});
