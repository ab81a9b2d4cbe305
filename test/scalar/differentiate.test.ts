import { describe, expect, test } from 'vitest';
import { dtypeInfo } from '../../src/dtype/dtype.ts';
import { definedIntrinsics } from '../../src/scalar/core.ts';
import * as S from '../../src/scalar/expr.ts';

const f64 = dtypeInfo('float64');

/** Points for the operands of an intrinsic, away from kinks and inside its domain. */
const POINTS: Record<string, readonly (readonly number[])[]> = {
  acos: unit(),
  asin: unit(),
  atanh: unit(),
  erfinv: unit(),
  logit: positives(0.05, 0.95),
  acosh: positives(1.1, 5),
  log: positives(0.1, 5),
  log2: positives(0.1, 5),
  log10: positives(0.1, 5),
  log1p: positives(-0.9, 5),
  sqrt: positives(0.1, 5),
  rsqrt: positives(0.1, 5),
  lgamma: positives(0.2, 6),
  digamma: positives(0.2, 6),
  pow: positives(0.2, 3).map(([a], i) => [a!, (i % 7) - 3.5]),
  xlogy: positives(0.2, 3).map(([a], i) => [(i % 7) - 3.5, a!]),
  xlog1py: positives(0.2, 3).map(([a], i) => [(i % 7) - 3.5, a!]),
  zeta: positives(0.2, 3).map(([a]) => [2.5, a!]),
  polygamma: positives(0.3, 3).map(([a], i) => [i % 3, a!]),
};

/** Steps to a neighbouring number: differences of any size say nothing about them. */
const isStep = (name: string): boolean => name.startsWith('nextafter');

/** Operands whose derivative is given as zero although the function varies with them: it is not defined, or no use has been found. */
const NOT_DIFFERENTIABLE: Record<string, readonly number[]> = { zeta: [0], polygamma: [0] };

function positives(low: number, high: number): number[][] {
  return Array.from({ length: 23 }, (_, i) => [low + ((high - low) * (i + 0.3)) / 23]);
}

function unit(): number[][] {
  return positives(-0.95, 0.95);
}

function anywhere(arity: number): number[][] {
  return Array.from({ length: 23 }, (_, i) => Array.from({ length: arity }, (_, k) => Math.sin(i * 1.7 + k * 2.3) * 2.9 + 0.013));
}

function centralDifference(f: (x: number) => number, x: number): number {
  const h = 1e-4 * Math.max(1, Math.abs(x));
  // Fourth order.
  return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h);
}

describe('the derivative of every intrinsic agrees with finite differences', () => {
  for (const intrinsic of definedIntrinsics().values()) {
    if (intrinsic.isBoolean || Number.isNaN(intrinsic.evaluate(0.5, 0.25, 0.125)) || isStep(intrinsic.name)) continue;
    test(intrinsic.name, () => {
      const args = Array.from({ length: intrinsic.arity }, (_, k) => S.arg(k));
      const e = S.apply(intrinsic, args);
      for (let k = 0; k < intrinsic.arity; k++) {
        if (NOT_DIFFERENTIABLE[intrinsic.name]?.includes(k) || (intrinsic.name === 'select' && k === 0)) continue;
        const derivative = S.substitute(S.differentiate(e, k), args, e);
        for (const point of POINTS[intrinsic.name] ?? anywhere(intrinsic.arity)) {
          const at = (x: number): number => S.evaluate(e, point.with(k, x), [], f64);
          const wanted = centralDifference(at, point[k]!);
          const actual = S.evaluate(derivative, point, [], f64);
          if (!Number.isFinite(wanted)) continue;
          expect(Math.abs(actual - wanted), `${intrinsic.name} by operand ${k} at ${point}: ${actual} instead of ${wanted}`).toBeLessThan(
            2e-6 * Math.max(1, Math.abs(wanted)),
          );
        }
      }
    });
  }
});

describe('at kinks the derivative is that of PyTorch', () => {
  const at = (e: S.Expr, argument: number, ...point: number[]): number =>
    S.evaluate(S.substitute(S.differentiate(e, argument), [], e), point, [], f64);
  const [x, y] = [S.arg(0), S.arg(1)];

  test('one operand', () => {
    expect(at(S.abs(x), 0, 0)).toBe(0);
    expect(at(S.abs(x), 0, -2)).toBe(-1);
    expect(at(S.sign(x), 0, 3)).toBe(0);
    expect(at(S.round(x), 0, 0.3)).toBe(0);
    expect(at(S.sqrt(x), 0, 0)).toBe(Infinity);
  });

  test('ties of extrema', () => {
    for (const extremum of [S.max, S.min]) {
      expect(at(extremum(x, y), 0, 1, 1)).toBe(0.5);
      expect(at(extremum(x, y), 1, 1, 1)).toBe(0.5);
    }
    expect(at(S.max(x, y), 0, 2, 1)).toBe(1);
    expect(at(S.max(x, y), 1, 2, 1)).toBe(0);
    expect(at(S.fmax(x, y), 0, 1, 1)).toBe(1);
    expect(at(S.fmax(x, y), 1, 1, 1)).toBe(0);
    expect(at(S.fmax(x, y), 0, 1, Number.NaN)).toBe(1);
    expect(at(S.fmax(x, y), 1, Number.NaN, 1)).toBe(1);
  });

  test('powers and angles at 0', () => {
    expect(at(S.pow(x, y), 0, 0, 0)).toBe(0);
    expect(at(S.pow(x, y), 1, 0, 2)).toBe(0);
    expect(at(S.pow(x, y), 1, 0, 0)).toBe(0);
    expect(at(S.atan2(x, y), 0, 0, 0)).toBe(0);
    expect(at(S.copysign(x, y), 0, 0, 1)).toBe(0);
  });

  test('a branch that is not taken does no harm, however large its derivative', () => {
    const e = S.select(S.gt(x, 0), S.sqrt(x), 0);
    expect(at(e, 0, 0)).toBe(0);
    const inner = S.sqrt(S.select(S.gt(x, 0), x, 0));
    expect(at(inner, 0, 0)).toBe(0);
  });
});

describe('what a derivative reads', () => {
  const reads = (e: S.Expr, argument = 0): S.Reads => S.reads(S.differentiate(e, argument));

  test('tanh reads its output, sin its input, add nothing', () => {
    expect(reads(S.tanh(S.arg(0)))).toEqual({ args: [], params: [], out: true });
    expect(reads(S.sin(S.arg(0)))).toEqual({ args: [0], params: [], out: false });
    expect(reads(S.add(S.arg(0), S.arg(1)))).toEqual({ args: [], params: [], out: false });
    expect(reads(S.mul(S.arg(0), S.param(0)))).toEqual({ args: [], params: [0], out: false });
  });

  test('it is the constant 0 where nothing depends on the operand', () => {
    expect(S.differentiate(S.sin(S.arg(0)), 1)).toBe(S.constant(0));
    expect(S.differentiate(S.floor(S.arg(0)), 0)).toBe(S.constant(0));
    expect(S.differentiate(S.lt(S.arg(0), S.arg(1)), 0)).toBe(S.constant(0));
  });
});
