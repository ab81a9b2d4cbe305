import { expect, test } from 'vitest';
import * as bessel from '../../src/scalar/bessel.ts';
import * as polynomials from '../../src/scalar/polynomials.ts';

/** Values of 17 digits, computed with numbers of 50. */
const ORACLE: readonly (readonly [x: number, j0: number, j1: number, y0: number, y1: number])[] = [
  [0.5, 0.9384698072408129, 0.24226845767487389, -0.44451873350670656, -1.4714723926702431],
  [1.5, 0.51182767173591813, 0.55793650791009964, 0.38244892379775886, -0.4123086269739113],
  [5, -0.1775967713143383, -0.32757913759146522, -0.30851762524903376, 0.14786314339122683],
  [7, 0.3000792705195556, -0.0046828234823458327, -0.025949743967209265, -0.30266723702418485],
  [20, 0.16702466434058315, 0.066833124175850046, 0.062640596809383831, -0.16551161436252129],
];

test('Bessel functions of the first and second kind', () => {
  for (const [x, ...expected] of ORACLE) {
    const actual = [bessel.besselJ0(x), bessel.besselJ1(x), bessel.besselY0(x), bessel.besselY1(x)];
    actual.forEach((value, i) => {
      expect(Math.abs(value - (expected[i] as number))).toBeLessThan(2e-15);
    });
  }
});

test('expansions meet where one takes over from another', () => {
  for (const [f, at] of [
    [bessel.besselJ0, 25],
    [bessel.besselJ1, 25],
    [bessel.besselY0, 25],
    [bessel.besselY1, 25],
    [bessel.i0e, 30],
    [bessel.i1e, 30],
    [bessel.airyAi, -7],
    [bessel.airyAiSlope, -7],
    [bessel.airyAi, 1],
    [bessel.airyAiSlope, 1],
  ] as const) {
    const [below, above] = [f(at - 1e-12), f(at + 1e-12)];
    expect(Math.abs(below - above)).toBeLessThan(2e-10);
  }
});

test('Wronskians hold: J₁ Y₀ - J₀ Y₁ = 2 / (π x), I₀ K₁ + I₁ K₀ = 1 / x', () => {
  for (const x of [0.01, 0.3, 1, 4, 11, 24, 26, 40]) {
    const cross = bessel.besselJ1(x) * bessel.besselY0(x) - bessel.besselJ0(x) * bessel.besselY1(x);
    expect(cross * x * (Math.PI / 2)).toBeCloseTo(1, 12);
    expect((bessel.i0e(x) * bessel.k1e(x) + bessel.i1e(x) * bessel.k0e(x)) * x).toBeCloseTo(1, 12);
  }
});

test('at the ends: 0, infinities, negative numbers', () => {
  expect([bessel.besselY0(0), bessel.besselY1(-1), bessel.k0(0), bessel.k1(-1)]).toEqual([-Infinity, Number.NaN, Infinity, Number.NaN]);
  expect([bessel.besselJ0(Infinity), bessel.i0(Infinity), bessel.i1(-Infinity), bessel.k0e(Infinity)]).toEqual([0, Infinity, -Infinity, 0]);
  expect(bessel.besselJ1(-2)).toBe(-bessel.besselJ1(2));
});

test('polynomials and their derivatives', () => {
  const x = 0.3;
  expect(polynomials.chebyshevT(x, 20, 0)).toBeCloseTo(Math.cos(20 * Math.acos(x)), 12);
  expect(polynomials.chebyshevT(x, 5, 1)).toBeCloseTo(5 * polynomials.chebyshevU(x, 4, 0), 12);
  expect(polynomials.hermiteH(x, 4, 2)).toBeCloseTo(4 * 3 * 4 * polynomials.hermiteH(x, 2, 0), 10);
  expect(polynomials.legendreP(x, 3, 1)).toBeCloseTo((15 * x * x - 3) / 2, 12);
  expect(polynomials.laguerreL(x, 2, 0)).toBeCloseTo((x * x - 4 * x + 2) / 2, 12);
  expect([polynomials.hermiteHe(x, -1, 0), polynomials.shiftedChebyshevW(x, 2.9, 0)]).toEqual([0, polynomials.chebyshevW(2 * x - 1, 2, 0)]);
});
