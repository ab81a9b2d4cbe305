/** The functions that row kernels have of their own, at each level, against float64. */
import { afterAll, describe, expect, test } from 'vitest';
import { configureKernels, kernelLevels } from '../../src/backend/wasm/level.ts';
import { RowProgram, runRows } from '../../src/backend/wasm/rows.ts';
import { dtypeInfo } from '../../src/dtype/dtype.ts';
import * as S from '../../src/scalar/expr.ts';
import { expOfRest, shareOf } from '../../src/scalar/row-functions.ts';
import '../../src/index.ts';
import { fill, makeView, toArray } from './map-oracle.ts';

const float32 = dtypeInfo('float32');

/** Units in the last place of the exact value, those of the smallest normal numbers below them. */
function ulps(found: number, exact: number): number {
  return Math.abs(found - exact) / 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(exact)))) - 23);
}

function run(program: RowProgram, rows: number, values: readonly number[]): number[] {
  const shape = [rows, values.length / rows];
  const input = fill(makeView(float32, shape), values);
  const out = makeView(float32, shape);
  runRows(program, rows, values.length / rows, [input, out], []);
  return toArray(out) as number[];
}

describe.each(kernelLevels())('at the level %s', (level) => {
  afterAll(() => configureKernels({ level: 'wide' }));

  test('exponentials of what is left are right to 1.5 ulp, down to the smallest numbers', () => {
    configureKernels({ level });
    const points = Array.from({ length: 50_001 }, (_, i) => Math.fround(64 - (i * 168) / 50_000));
    const found = run(new RowProgram(['row', 'row'], 0, () => [{ store: [[1, expOfRest(S.arg(0))]] }]), 1, points);
    expect(Math.max(...found.map((value, i) => ulps(value, Math.exp(points[i]!))))).toBeLessThanOrEqual(1.5);
    expect(run(new RowProgram(['row', 'row'], 0, () => [{ store: [[1, expOfRest(S.arg(0))]] }]), 1, [-200, -Infinity, 0])).toEqual([
      0, 0, 1,
    ]);
  });

  test('shares of a sum are right to 2 ulp, the rounding of the sum included', () => {
    configureKernels({ level });
    const values = Array.from({ length: 60_000 }, (_, i) => Math.fround(((i * 7919) % 60_013) / 60_013 + 1e-6));
    const program = new RowProgram(['row', 'row'], 0, () => [
      { reduce: [['sum', S.arg(0)]] },
      { store: [[1, shareOf(S.arg(0), S.arg(2))]] },
    ]);
    const found = run(program, 300, values);
    let worst = 0;
    for (let row = 0; row < 300; row++) {
      const own = values.slice(200 * row, 200 * row + 200);
      const sum = own.reduce((a, b) => a + b, 0);
      // What the sum in float32 is away from the exact one is part of every share.
      own.forEach((value, i) => {
        worst = Math.max(worst, ulps(found[200 * row + i]!, value / sum));
      });
    }
    expect(worst).toBeLessThanOrEqual(2);
  });

  test('sums do not lose with the length of a row', () => {
    configureKernels({ level });
    const values = Array.from({ length: 300_001 }, (_, i) => Math.fround(((i * 7919) % 60_013) / 60_013));
    const exact = values.reduce((a, b) => a + b, 0);
    const program = new RowProgram(['row', 'each'], 0, () => [{ reduce: [['sum', S.arg(0)]] }, { store: [[1, S.arg(2)]] }]);
    const input = fill(makeView(float32, [1, values.length]), values);
    const out = makeView(float32, [1]);
    runRows(program, 1, values.length, [input, out], []);
    expect(ulps((toArray(out) as number[])[0]!, exact)).toBeLessThanOrEqual(2);
  });
});
