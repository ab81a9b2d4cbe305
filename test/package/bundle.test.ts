import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { Tensor } from '../../src/index.ts';
import { bundle } from './bundle.ts';
import { requireBuild } from './installed.ts';

interface Ceiling {
  readonly what: string;
  readonly code: string;
  readonly gzipped: number;
}

/** A ceiling moves only in the commit that needs it, with the reason. */
const ceilings = JSON.parse(readFileSync(fileURLToPath(new URL('./ceilings.json', import.meta.url)), 'utf8')) as Ceiling[];

beforeAll(requireBuild, 120_000);

describe('bundle size, minified and gzipped', () => {
  test.each(ceilings)('$what: at most $gzipped bytes', async ({ what, code, gzipped }) => {
    const size = await bundle(code);
    console.log(`bundle of ${what}: ${size.minified} bytes minified, ${size.gzipped} gzipped of ${gzipped}`);
    expect(size.gzipped).toBeGreaterThan(0);
    expect(size.gzipped).toBeLessThanOrEqual(gzipped);
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

describe('a minified bundle', () => {
  /** Names of functions are lost when a bundler minifies: what the library says about itself must not hang on them. */
  test('has every method under its name', async () => {
    const { code } = await bundle(
      `import { Tensor } from 'nabla'; export const methods = Object.getOwnPropertyNames(Tensor.prototype).sort();`,
    );
    const { methods } = (await import(dataUrl(code))) as { readonly methods: readonly string[] };
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
