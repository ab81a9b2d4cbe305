import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Instrumenter } from '@stryker-mutator/instrumenter';
import { build } from 'esbuild';
import { sourceOf } from '../../test/support/own-name.ts';
import config from '../../vitest.mutation.config.ts';

export interface Mutant {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  /** Stryker's name of the kind of change. */
  readonly kind: string;
  readonly replacement: string;
}

const silent = (): void => {};
/** As much of a logger as the instrumenter calls. */
const logger = { isDebugEnabled: () => false, debug: silent, info: silent, warn: silent };

/** The test files of vitest.mutation.config.ts, as vitest finds them. */
function testFiles(root: string): string[] {
  const list = ['node_modules/vitest/vitest.mjs', 'list', '--filesOnly', '--json', '--config', 'vitest.mutation.config.ts'];
  const found = JSON.parse(execFileSync(process.execPath, list, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 24 })) as { file: string }[];
  return found.map(({ file }) => file).sort();
}

/** Writes one program of the tests, the library with all mutants of `files` switched off in it, and child.ts, which switches them on one by one. */
export async function bundle(root: string, files: readonly string[], outfile: string): Promise<Mutant[]> {
  const sources = files.map((file) => ({ name: join(root, file), mutate: true, content: readFileSync(join(root, file), 'utf8') }));
  const result = await new Instrumenter(logger as unknown as ConstructorParameters<typeof Instrumenter>[0]).instrument(sources, {
    plugins: null,
    excludedMutations: [],
    ignorers: [],
  });
  const instrumented = new Map(result.files.map(({ name, content }) => [name, content]));

  const standIn = join(root, 'scripts/mutation/vitest.ts');
  const load = (path: string): string => `import ${JSON.stringify(path)};`;
  const lines = [config.test?.setupFiles ?? []].flat().map((file) => load(join(root, file)));
  lines.push(load('say:endSetup()'));
  for (const file of testFiles(root)) lines.push(load(`say:beginFile(${JSON.stringify(relative(root, file))})`), load(file));
  lines.push(load(join(root, 'scripts/mutation/child.ts')));
  await build({
    stdin: { contents: lines.join('\n'), resolveDir: root },
    bundle: true,
    // The package lists what has side effects in dist/, which says nothing of src/.
    ignoreAnnotations: true,
    // Tests name functions and classes, two of which may have one name in the bundle.
    keepNames: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    outfile,
    logLevel: 'error',
    banner: { js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);" },
    plugins: [
      {
        name: 'mutants',
        setup(host) {
          host.onResolve({ filter: /^say:/ }, ({ path }) => ({ path, namespace: 'say' }));
          host.onLoad({ filter: /.*/, namespace: 'say' }, ({ path }) => ({
            contents: `import { beginFile, endSetup } from ${JSON.stringify(standIn)}; ${path.slice('say:'.length)};`,
            resolveDir: root,
          }));
          host.onResolve({ filter: /^vitest$/ }, () => ({ path: standIn }));
          host.onResolve({ filter: /^nabla($|\/)/ }, ({ path }) => ({ path: sourceOf(path) }));
          host.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
            const contents = instrumented.get(path);
            return contents === undefined ? undefined : { contents, loader: 'ts' };
          });
        },
      },
    ],
  });
  return result.mutants
    .filter(({ status }) => status === undefined)
    .map(({ id, fileName, location, mutatorName, replacement }) => ({
      id,
      file: relative(root, fileName),
      line: location.start.line + 1,
      kind: mutatorName,
      replacement: replacement ?? '',
    }));
}
