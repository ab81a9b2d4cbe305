import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { configureKernels, type KernelLevel, kernelLevels } from 'nabla';
import { afterEach, describe, expect, test } from 'vitest';
import { matmulKernels } from '../../src/backend/wasm/matmul-kernels.ts';
import { manualSeed, mm, randn } from '../../src/index.ts';
import { findRuntimes } from '../support/found.ts';

afterEach(() => configureKernels({ level: 'wide' }));

const products = (): number[][] =>
  [
    [7, 9, 19],
    [33, 70, 50],
    [130, 257, 99],
  ].flatMap(([m, k, n]) => {
    manualSeed(0);
    const [a, b] = [randn([m!, k!]), randn([k!, n!])];
    return [mm(a, b), mm(randn([k!, m!]).t(), b), mm(a, randn([n!, k!]).t())].map((x) => [...x.toTypedArray()].map(Number));
  });

function atLevel<R>(level: KernelLevel, body: () => R): R {
  configureKernels({ level });
  return body();
}

describe('levels of kernels', () => {
  test('the best one that is there is used, up to the limit', () => {
    for (const level of kernelLevels()) expect(atLevel(level, () => matmulKernels('f32').level)).toBe(level);
    expect(atLevel('plain', () => kernelLevels())).toEqual(['plain']);
  });

  test('a fused multiply-add changes the last bits alone', () => {
    const plain = atLevel('plain', products);
    for (const level of kernelLevels()) {
      const other = atLevel(level, products);
      const worst = Math.max(...plain.flatMap((values, i) => values.map((x, j) => Math.abs(x - other[i]![j]!))));
      expect(worst).toBeLessThan(1e-4);
    }
  });

  test('integers are multiplied by the plain kernels', () => {
    expect(matmulKernels('i64').level).toBe('plain');
  });

  test.each(findRuntimes().filter(({ name }) => name.startsWith('node')))(
    'on $name every level multiplies alike, and V8 is left as it was',
    (runtime) => {
      const program = fileURLToPath(new URL('programs/levels.ts', import.meta.url));
      const result = JSON.parse(execFileSync(runtime.command, ['--import', 'tsx', program], { encoding: 'utf8' })) as {
        levels: string[];
        worst: number;
        unchanged: boolean;
      };
      expect(result.levels.at(-1)).toBe('plain');
      expect(result.levels.length).toBeGreaterThan(1);
      expect(result.worst).toBe(0);
      expect(result.unchanged).toBe(true);
    },
  );

  test.each(findRuntimes().filter(({ name }) => name.startsWith('node')))(
    'on $name kernels that were widened give the same bits',
    (runtime) => {
      const program = fileURLToPath(new URL('programs/widen.ts', import.meta.url));
      const result = JSON.parse(execFileSync(runtime.command, ['--import', 'tsx', program], { encoding: 'utf8' })) as { different: number };
      expect(result.different).toBe(0);
    },
  );
});
