import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { PlainReporter } from './test/support/plain-reporter.ts';

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

/** The package's own name means the source, as it does for the compiler (tsconfig.json, paths). */
const ownName = {
  name: 'nabla:own-name',
  enforce: 'pre' as const,
  resolveId(id: string): string | undefined {
    if (id === 'nabla') return source('index.ts');
    if (!id.startsWith('nabla/')) return undefined;
    const part = id.slice('nabla/'.length);
    return existsSync(source(`${part}.ts`)) ? source(`${part}.ts`) : source(`${part}/index.ts`);
  },
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
    testTimeout: 30_000,
  },
});
