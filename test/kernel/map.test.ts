import { describe, expect, test } from 'vitest';
import { map } from '../../src/backend/wasm/map.ts';
import { DTYPES, type DTypeInfo, dtypeInfo } from '../../src/dtype/dtype.ts';
import type { View } from '../../src/runtime/view.ts';
import * as S from '../../src/scalar/expr.ts';
import { expected, fill, makeView, offsets, toArray } from './map-oracle.ts';

const REAL = DTYPES.filter((type) => type.kind !== 'complex');
const INTEGERS = REAL.filter((type) => type.kind === 'int');
const f32 = dtypeInfo('float32');

/** A small generator with a fixed seed, so that failures repeat. */
function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function randomValues(type: DTypeInfo, count: number, random: () => number): (number | bigint)[] {
  return Array.from({ length: count }, () => {
    const r = random();
    if (type.kind === 'bool') return r < 0.5 ? 0 : 1;
    if (type.name === 'int64')
      return r < 0.2 ? BigInt(Math.trunc((random() - 0.5) * 2 ** 62)) * 2n : BigInt(Math.trunc((random() - 0.5) * 20));
    if (type.kind === 'int') {
      const small = Math.trunc((random() - (type.isSigned ? 0.5 : 0)) * 20);
      const wide = Math.trunc((random() - (type.isSigned ? 0.5 : 0)) * 2 ** (8 * type.itemsize));
      return r < 0.6 ? small : wide;
    }
    if (r < 0.05) return [0, -0, Infinity, -Infinity, Number.NaN][Math.trunc(random() * 5)]!;
    return Math.fround((random() - 0.5) * (r < 0.5 ? 4 : 400));
  });
}

/** Runs a launch and compares every element with the oracle, bit by bit but for the sign of zero and NaN payloads. */
function check(expr: S.Expr, out: View, ins: readonly View[], params: readonly number[], compute: DTypeInfo, tolerance = 0): void {
  const before = ins.map((view) => broadcastValues(view, out.shape));
  map(new S.MapProgram(expr, ins.length, params.length), out, ins, params, compute);
  const actual = toArray(out);
  actual.forEach((value, i) => {
    const wanted = expected(
      expr,
      before.map((values) => values[i]!),
      params,
      compute,
      out.type,
    );
    if (Number.isNaN(wanted) ? Number.isNaN(value) : wanted === value) return;
    if (tolerance > 0 && Math.abs(Number(value) - Number(wanted)) <= tolerance * Math.abs(Number(wanted))) return;
    const context = `${S.formatExpr(expr)} of ${before.map((v) => v[i])} in ${compute.name}, ${ins.map((v) => v.type.name)} to ${out.type.name}, element ${i} of [${out.shape}]`;
    expect.fail(`${value} instead of ${wanted}: ${context}`);
  });
}

function broadcastValues(view: View, shape: readonly number[]): (number | bigint)[] {
  const pad = shape.length - view.shape.length;
  const strides = shape.map((_, d) => (d < pad || view.shape[d - pad] === 1 ? 0 : view.strides[d - pad]!));
  return toArray({ ...view, shape, strides });
}

function random(type: DTypeInfo, shape: readonly number[], source: () => number, strides?: readonly number[], offset = 0): View {
  const view = makeView(type, shape, strides, offset);
  return fill(view, randomValues(type, Math.max(1, view.size), source));
}

const x = S.arg(0);
const y = S.arg(1);

describe('casts', () => {
  for (const from of REAL) {
    test(`from ${from.name} to every dtype`, () => {
      const source = randomSource(1);
      for (const to of REAL) {
        for (const n of [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33, 70]) {
          check(x, makeView(to, [n]), [random(from, [n], source, undefined, 1)], [], to);
          check(x, makeView(to, [n], [2]), [random(from, [n], source, [-3])], [], from);
        }
      }
    });
  }

  test('float16 to float32 and back keeps every value', () => {
    const half = dtypeInfo('float16');
    const all = makeView(half, [65536]);
    const same = makeView(half, [65536]);
    const wide = makeView(f32, [65536]);
    fill(makeView(half, [1]), [0]);
    const bits = Array.from({ length: 65536 }, (_, i) => i);
    const address = offsets(all);
    expect(address.length).toBe(65536);
    const raw = { ...all, type: dtypeInfo('int16') };
    fill(raw, bits);
    const program = new S.MapProgram(x, 1);
    map(program, wide, [all], [], f32);
    map(program, same, [wide], [], half);
    const wanted = toArray(all);
    expect(toArray(wide)).toEqual(wanted);
    expect(toArray(same)).toEqual(wanted);
  });
});

describe('layouts', () => {
  const sizes = [...Array(20).keys(), 31, 32, 33, 47, 64, 70];
  const sum = S.add(S.mul(x, 2), y);

  test('sizes, contiguous and one-element operands', () => {
    const source = randomSource(2);
    for (const type of REAL.filter((t) => t.kind !== 'bool')) {
      for (const n of sizes) {
        check(sum, makeView(type, [n]), [random(type, [n], source), random(type, [n], source, undefined, 3)], [], type);
        check(sum, makeView(type, [n]), [random(type, [1], source), random(type, [n], source)], [], type);
        check(sum, makeView(type, [n]), [random(type, [n], source), random(type, [], source)], [], type);
        check(S.add(x, S.param(0)), makeView(type, [n]), [random(type, [n], source)], [3], type);
      }
    }
  });

  test('strides: gaps, negative, broadcast, transposed, any rank', () => {
    const source = randomSource(3);
    for (const type of [f32, dtypeInfo('float64'), dtypeInfo('int64'), dtypeInfo('int16'), dtypeInfo('uint8')]) {
      const make = (shape: number[], strides?: number[]): View => random(type, shape, source, strides);
      const out = (shape: number[], strides?: number[]): View => makeView(type, shape, strides);
      check(sum, out([5, 7]), [make([5, 7], [1, 5]), make([5, 7])], [], type);
      check(sum, out([5, 7], [1, 5]), [make([5, 7]), make([7])], [], type);
      check(sum, out([5, 7], [-7, -1]), [make([5, 1]), make([1, 7])], [], type);
      check(sum, out([5, 7], [20, 2]), [make([5, 7], [0, 0]), make([5, 7], [-9, 1])], [], type);
      check(sum, out([2, 3, 4, 5, 3]), [make([3, 4, 1, 3]), make([2, 3, 4, 5, 3], [1, 2, 6, 24, 120])], [], type);
      check(sum, out([2, 1, 3, 1, 9]), [make([2, 1, 3, 1, 9], [100, 7, -10, 3, 1]), make([1, 9])], [], type);
      check(sum, out([]), [make([]), make([])], [], type);
      check(sum, out([0, 3]), [make([0, 3]), make([3])], [], type);
      check(sum, out([130, 200]), [make([130, 200], [1, 130]), make([130, 200])], [], type);
      check(sum, out([3, 70, 130]), [make([3, 70, 130], [1, 3, 210]), make([130])], [], type);
    }
  });

  test('nothing outside of the output is written', () => {
    for (const type of [f32, dtypeInfo('bool'), dtypeInfo('int64'), dtypeInfo('float16')]) {
      for (const n of sizes) {
        const whole = fill(makeView(type, [n + 40]), [1]);
        const inner: View = { ...whole, offset: whole.offset + 3, shape: [n], size: n };
        map(new S.MapProgram(S.constant(0), 0), inner, [], [], type);
        expect(toArray(whole).map(Number)).toEqual(Array.from({ length: n + 40 }, (_, i) => (i >= 3 && i < 3 + n ? 0 : 1)));
      }
    }
  });

  test('in place, through views', () => {
    const source = randomSource(4);
    for (const strides of [
      [7, 1],
      [1, 5],
      [-14, 2],
    ]) {
      const a = random(f32, [5, 7], source, strides);
      check(S.exp(S.mul(x, 0.001)), a, [a], [], f32, 3e-7);
    }
  });

  test('four and five operands', () => {
    const source = randomSource(5);
    const expr = S.add(S.mul(x, y), S.sub(S.arg(2), S.mul(S.arg(3), S.arg(4))));
    const ins = [0, 1, 2, 3, 4].map(() => random(f32, [37], source));
    check(expr, makeView(f32, [37]), ins, [], f32);
    check(expr, makeView(f32, [2, 37]), [...ins.slice(0, 4), random(f32, [2, 1], source)], [], f32);
  });
});

/** A random expression of operands 0 and 1, parameter 0 and constants. */
function randomExpr(source: () => number, depth: number, operations: readonly ((a: S.Expr, b: S.Expr, c: S.Expr) => S.Expr)[]): S.Expr {
  const r = source();
  if (depth === 0 || r < 0.1) return r < 0.5 ? x : r < 0.8 ? y : r < 0.9 ? S.param(0) : S.constant(Math.trunc(source() * 10) - 5);
  const operation = operations[Math.trunc(source() * operations.length)]!;
  const operand = (): S.Expr => randomExpr(source, depth - 1, operations);
  return operation(operand(), operand(), operand());
}

const COMPARISONS = [S.lt, S.le, S.gt, S.ge, S.eq, S.ne, S.and, S.or, S.xor, S.not, S.isnan, S.isinf, S.isfinite, S.signbit];
const FLOATS = [
  S.add,
  S.sub,
  S.mul,
  S.div,
  S.neg,
  S.abs,
  S.sign,
  S.floor,
  S.ceil,
  S.round,
  S.trunc,
  S.sqrt,
  S.reciprocal,
  S.max,
  S.min,
  S.fmax,
  S.fmin,
  S.fmod,
  S.remainder,
  S.floorDivide,
  S.copysign,
  S.select,
  S.select,
  S.select,
];
const INTEGER_OPERATIONS = [
  S.add,
  S.sub,
  S.mul,
  S.neg,
  S.abs,
  S.sign,
  S.floor,
  S.max,
  S.min,
  S.fmax,
  S.fmin,
  S.fmod,
  S.remainder,
  S.floorDivide,
  S.div,
  S.pow,
  S.gcd,
  S.select,
  S.bitAnd,
  S.bitOr,
  S.bitXor,
  S.bitNot,
  S.shiftLeft,
  S.shiftRight,
];

describe('random expressions agree with the oracle', () => {
  for (const type of REAL.filter((t) => t.isFloat)) {
    test(type.name, () => {
      const source = randomSource(6);
      for (let round = 0; round < 60; round++) {
        const expr = randomExpr(source, 3, [...FLOATS, ...COMPARISONS] as never);
        const n = Math.trunc(source() * 20);
        const out = makeView(round % 3 === 0 ? dtypeInfo('bool') : type, [n]);
        check(expr, out, [random(type, [n], source), random(round % 5 === 0 ? dtypeInfo('bool') : type, [n], source)], [2.5], type);
      }
    });
  }
  for (const type of [...INTEGERS, dtypeInfo('bool')]) {
    test(type.name, () => {
      const source = randomSource(7);
      const operations =
        type.kind === 'bool' ? [S.add, S.mul, S.max, S.min, S.bitAnd, S.bitOr, S.bitXor, S.bitNot, S.select] : INTEGER_OPERATIONS;
      for (let round = 0; round < 60; round++) {
        const expr = randomExpr(source, 2, [...operations, ...COMPARISONS] as never);
        const n = Math.trunc(source() * 40);
        const out = makeView(round % 3 === 0 ? dtypeInfo('bool') : type, [n]);
        check(expr, out, [random(type, [n], source), random(round % 5 === 0 ? dtypeInfo('bool') : type, [n], source)], [3], type);
      }
    });
  }

  test('lcm', () => {
    const source = randomSource(8);
    for (const type of INTEGERS) {
      const small = fill(
        makeView(type, [40]),
        Array.from({ length: 40 }, () => Math.trunc(source() * 9)).map((v) => (type.name === 'int64' ? BigInt(v) : v)),
      );
      check(S.lcm(x, y), makeView(type, [40]), [small, random(type, [40], source)], [], type);
    }
  });
});

describe('no kernel traps', () => {
  test('division of integers by zero and of the least integer by -1', () => {
    for (const type of INTEGERS) {
      const least = type.isSigned ? -(2 ** (8 * type.itemsize - 1)) : 0;
      const values = [least, 0, 1, -1, 7].map((v) => (type.name === 'int64' ? BigInt(v) : v));
      const a = fill(makeView(type, [5, 1]), values);
      const b = fill(makeView(type, [5]), values);
      for (const operation of [S.div, S.floorDivide, S.fmod, S.remainder, S.pow, S.gcd, S.lcm, S.shiftLeft, S.shiftRight]) {
        check(operation(x, y), makeView(type, [5, 5]), [a, b], [], type);
      }
    }
  });

  test('casts of what no integer holds', () => {
    const a = fill(makeView(dtypeInfo('float64'), [6]), [1e300, -1e300, Number.NaN, Infinity, -Infinity, 2 ** 31]);
    for (const type of INTEGERS) check(x, makeView(type, [6]), [a], [], type);
  });
});

describe('complex', () => {
  const c64 = dtypeInfo('complex64');
  const c128 = dtypeInfo('complex128');
  const identity = new S.MapProgram(x, 1);
  const parts = (view: View): View => ({
    ...view,
    type: view.type === c64 ? f32 : dtypeInfo('float64'),
    offset: 2 * view.offset,
    shape: [...view.shape, 2],
    strides: [...view.strides.map((s) => 2 * s), 1],
    size: 2 * view.size,
  });

  test('copies, casts between both, from and to real', () => {
    for (const from of [c64, c128]) {
      const source = makeView(from, [2, 3], [1, 2]);
      fill(parts(source), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0]);
      for (const to of [c64, c128]) {
        const out = makeView(to, [2, 3]);
        map(identity, out, [source], [], to);
        expect(toArray(parts(out))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0]);
      }
      const real = makeView(f32, [2, 3]);
      map(identity, real, [source], [], f32);
      expect(toArray(real)).toEqual([1, 3, 5, 7, 9, 0]);
      const truth = makeView(dtypeInfo('bool'), [2, 3]);
      map(identity, truth, [source], [], dtypeInfo('bool'));
      expect(toArray(truth)).toEqual([1, 1, 1, 1, 1, 0]);
      const back = makeView(from, [2, 3]);
      map(identity, back, [real], [], from);
      expect(toArray(parts(back))).toEqual([1, 0, 3, 0, 5, 0, 7, 0, 9, 0, 0, 0]);
    }
  });

  test('arithmetic is refused', () => {
    const view = makeView(c64, [2]);
    expect(() => map(new S.MapProgram(S.neg(x), 1), view, [view], [], c64)).toThrow(/real and imaginary parts/);
  });
});
