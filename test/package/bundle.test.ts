import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { Tensor } from '../../src/index.ts';
import { bundle, gzipped, terse } from './bundle.ts';
import { requireBuild } from './installed.ts';

interface Ceiling {
  readonly what: string;
  readonly code: string;
  /** As esbuild minifies it. */
  readonly esbuild: number;
  /** As terser minifies it after esbuild. */
  readonly terser: number;
}

/** A ceiling moves only in the commit that needs it, with the reason. */
const ceilings = JSON.parse(readFileSync(fileURLToPath(new URL('./ceilings.json', import.meta.url)), 'utf8')) as Ceiling[];

beforeAll(requireBuild, 120_000);

describe('bundle size, minified and gzipped', () => {
  test.each(ceilings)('$what: at most $terser bytes with terser, $esbuild with esbuild alone', async (ceiling) => {
    const { code } = await bundle(ceiling.code);
    const esbuild = gzipped(code);
    const terser = gzipped(await terse(code));
    console.log(`bundle of ${ceiling.what}: ${esbuild} bytes of ${ceiling.esbuild}, with terser ${terser} of ${ceiling.terser}`);
    expect(Math.min(esbuild, terser)).toBeGreaterThan(0);
    expect(esbuild).toBeLessThanOrEqual(ceiling.esbuild);
    expect(terser).toBeLessThanOrEqual(ceiling.terser);
  });
});

describe('for browsers', () => {
  const manifest = JSON.parse(readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8')) as {
    readonly exports: object;
  };
  const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json');

  test.each(subpaths)('%s imports nothing of Node', async (subpath) => {
    const { code } = await bundle(`export * from '${subpath.replace('.', 'nabla')}';`, false);
    expect(code.match(/^import .*node:.*$/gm) ?? []).toEqual([]);
    expect(code.match(/getBuiltinModule|setFlagsFromString|new \S*AsyncLocalStorage|\bprocess\./g) ?? []).toEqual([]);
  });
});

describe('a bundle that imports one operator', () => {
  // Each operator's definition carries its name, so the names in the bundle are the operators in it.
  const others = ['cosh', 'erfinv', 'matmul', 'cumsum', 'logsumexp', 'crossEntropy', 'conv2d', 'softmax', 'linalg.'];

  test('has no other', async () => {
    const { code } = await bundle(`import { sin } from 'nabla/ops'; globalThis.result = sin;`, false);
    expect(code).toMatch(/["']sin["']/);
    const operators = others.filter((name) => new RegExp(`["'](?:[\\w.]+\\.)?${name.replace('.', '\\.')}`).test(code));
    expect(operators).toEqual([]);
  });

  test('has no samples', async () => {
    const { code } = await bundle(`export * from 'nabla/ops';`, false);
    expect(code).not.toMatch(/\b(SAMPLES|BAD)\b/);
    const operators = await describedOperators(code);
    expect(operators.length).toBeGreaterThan(100);
    expect(operators.filter(({ samples, bad }) => samples.length + bad.length > 0).map(({ name }) => name)).toEqual([]);
  });
});

describe('a bundle of an application with every method', () => {
  const code = (names: string): string => `import { ${names} } from 'nabla'; globalThis.result = [${names}];`;
  const of = (modules: readonly string[], pattern: RegExp): string[] => modules.filter((path) => pattern.test(path));

  test('has no decomposition', async () => {
    const decompositions = /\/(svd|jacobi|decompositions?|decomposition-kernels|nuclear-norm)\.js$/;
    expect(of((await bundle(code('ones, tensor, Variable'))).modules, decompositions)).toEqual([]);
    expect(of((await bundle(code('ones, norm'))).modules, decompositions).length).toBeGreaterThan(2);
  });

  test('has no threads before it asks for them', async () => {
    const threads = /\/(runtime\/threads|worker-source|share-map)\.js$/;
    expect(of((await bundle(code('ones, tensor, Variable'))).modules, threads)).toEqual([]);
    expect(of((await bundle(code('ones, setNumThreads'))).modules, threads).length).toBe(3);
  });
});

describe('a minified bundle', () => {
  /** Names of functions are lost when a bundler minifies: what the library says about itself must not hang on them. */
  test.each(['esbuild', 'terser'])('has every method under its name: %s', async (minifier) => {
    const { code } = await bundle(
      `import { Tensor } from 'nabla'; export const methods = Object.getOwnPropertyNames(Tensor.prototype).sort();`,
    );
    const minified = minifier === 'terser' ? await terse(code) : code;
    const { methods } = (await import(dataUrl(minified))) as { readonly methods: readonly string[] };
    expect(methods).toEqual(Object.getOwnPropertyNames(Tensor.prototype).sort());
  });
});

interface DescribedOperator {
  readonly name: string;
  readonly samples: readonly unknown[];
  readonly bad: readonly unknown[];
}

function dataUrl(code: string): string {
  return `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`;
}

async function describedOperators(code: string): Promise<DescribedOperator[]> {
  const module = (await import(dataUrl(code))) as Record<string, unknown>;
  return Object.values(module).flatMap((value) =>
    typeof value === 'function' && 'operator' in value ? [value.operator as DescribedOperator] : [],
  );
}
