import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { map } from '../../src/backend/wasm/map.ts';
import { type DTypeInfo, dtypeInfo } from '../../src/dtype/dtype.ts';
import { definedIntrinsics } from '../../src/scalar/core.ts';
import * as S from '../../src/scalar/expr.ts';
import { fill, makeView, toArray } from './map-oracle.ts';

const f32 = dtypeInfo('float32');
const f64 = dtypeInfo('float64');

/** The largest errors allowed, in units in the last place: float32, float64. docs/design/accuracy.md repeats them. */
const LIMITS: Record<string, readonly [number, number]> = {
  exp: [1.1, 1],
  exp2: [1.1, 1],
  expm1: [1.9, 2],
  log: [1, 1],
  log2: [1.3, 1],
  log10: [1.1, 1],
  log1p: [1.6, 2],
  sin: [1.6, 1],
  cos: [1.6, 1],
  tan: [0.51, 1],
  asin: [0.51, 1],
  acos: [0.51, 1],
  atan: [0.51, 1],
  sinh: [0.51, 1],
  cosh: [0.51, 1],
  tanh: [1.4, 2],
  asinh: [0.51, 1],
  acosh: [0.51, 1],
  atanh: [0.51, 1],
  sigmoid: [2.5, 2],
  erf: [1.6, 2],
  erfc: [0.51, 3],
  erfcx: [0.51, 3],
  erfinv: [0.51, 3],
  lgamma: [0.51, 30],
  digamma: [0.51, 12],
};

const REFERENCE = JSON.parse(readFileSync(new URL('data/float64-values.json', import.meta.url), 'utf8')) as Record<
  string,
  [number, number][]
>;

function unit(value: number, type: DTypeInfo): number {
  const [digits, least] = type === f32 ? [23, -126] : [52, -1022];
  const exponent = Math.max(least, Math.floor(Math.log2(Math.abs(value) || 1e-320)));
  return 2 ** (exponent - digits);
}

function errorIn(type: DTypeInfo, name: string, points: readonly number[], wanted: (x: number, i: number) => number): number {
  const intrinsic = definedIntrinsics().get(name)!;
  const program = new S.MapProgram(S.apply(intrinsic, [S.arg(0)]), 1);
  const input = fill(makeView(type, [points.length]), points);
  const out = makeView(type, [points.length]);
  map(program, out, [input], [], type);
  const actual = toArray(out) as number[];
  let worst = 0;
  toArray(input).forEach((x, i) => {
    const value = wanted(x as number, i);
    const rounded = type === f32 ? Math.fround(value) : value;
    if (Object.is(actual[i], rounded) || actual[i] === rounded) return;
    const error = Math.abs(actual[i]! - value) / unit(value, type);
    expect(Number.isNaN(error), `${name}(${x}) is ${actual[i]} instead of ${value}`).toBe(false);
    worst = Math.max(worst, error);
  });
  return worst;
}

/** Every exponent of float32 with a few significands each, and the values where functions have their limits. */
function everywhere(): number[] {
  const pattern = new Uint32Array(1);
  const value = new Float32Array(pattern.buffer);
  const points = [0, -0, 1, -1, Infinity, -Infinity, Number.NaN];
  for (let i = 0; i < 40000; i++) {
    pattern[0] = Math.imul(i, 107377) >>> 0;
    points.push(value[0]!);
  }
  for (let i = 0; i < 40000; i++) points.push(Math.fround((i / 40000 - 0.5) * (i % 2 === 0 ? 4 : 180)));
  return points;
}

describe('float32 against float64', () => {
  const points = everywhere();
  for (const [name, [limit]] of Object.entries(LIMITS)) {
    test(`${name} is right to ${limit} ulp`, () => {
      const { evaluate } = definedIntrinsics().get(name)!;
      expect(errorIn(f32, name, points, evaluate)).toBeLessThanOrEqual(limit);
    });
  }
});

test('the normal distribution function is right to 2.5e-7 in float32, and exact at its ends', () => {
  const points = [...everywhere(), 5.6, -5.6, 5.59];
  const { evaluate } = definedIntrinsics().get('normalCdf')!;
  const program = new S.MapProgram(S.normalCdf(S.arg(0)), 1);
  const input = fill(makeView(f32, [points.length]), points);
  const out = makeView(f32, [points.length]);
  map(program, out, [input], [], f32);
  const actual = toArray(out) as number[];
  (toArray(input) as number[]).forEach((x, i) => {
    if (Math.abs(x) >= 5.6) expect(actual[i]).toBe(x > 0 ? 1 : 0);
    else if (Number.isNaN(x)) expect(actual[i]).toBeNaN();
    else expect(Math.abs(actual[i]! - evaluate(x)), `at ${x}`).toBeLessThanOrEqual(2.5e-7);
  });
});

describe('float64 against values of high precision', () => {
  for (const [name, [, limit]] of Object.entries(LIMITS)) {
    test(`${name} is right to ${limit} ulp`, () => {
      const rows = REFERENCE[name]!;
      const error = errorIn(
        f64,
        name,
        rows.map(([x]) => x),
        (_, i) => rows[i]![1],
      );
      expect(error).toBeLessThanOrEqual(limit);
    });
  }

  test('the scalar functions agree to the same limits', () => {
    for (const [name, rows] of Object.entries(REFERENCE)) {
      const { evaluate } = definedIntrinsics().get(name)!;
      for (const [x, wanted] of rows) {
        const error = Math.abs(evaluate(x) - wanted) / unit(wanted, f64);
        expect(error, `${name}(${x})`).toBeLessThanOrEqual(Math.max(2, LIMITS[name]![1]));
      }
    }
  });
});

test('bits do not depend on where an element is', () => {
  for (const name of ['exp', 'tanh', 'erf', 'sin', 'log', 'tan', 'erfc', 'erfinv', 'lgamma', 'digamma']) {
    const intrinsic = definedIntrinsics().get(name)!;
    for (const type of [f32, f64]) {
      const program = new S.MapProgram(S.apply(intrinsic, [S.arg(0)]), 1);
      const values = Array.from({ length: 29 }, (_, i) => 0.137 * i + 0.01);
      const whole = makeView(type, [29]);
      map(program, whole, [fill(makeView(type, [29]), values)], [], type);
      const strided = makeView(type, [29], [3]);
      map(program, strided, [fill(makeView(type, [29], [-2]), values)], [], type);
      const single = values.map((v) => {
        const out = makeView(type, []);
        map(program, out, [fill(makeView(type, []), [v])], [], type);
        return toArray(out)[0];
      });
      expect(toArray(strided)).toEqual(toArray(whole));
      expect(single).toEqual(toArray(whole));
    }
  }
});
