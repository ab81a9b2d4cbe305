import { describe, expect, test } from 'vitest';
import { map } from '../../src/backend/wasm/map.ts';
import { type DType, dtypeInfo } from '../../src/dtype/dtype.ts';
import type { View } from '../../src/runtime/view.ts';
import * as S from '../../src/scalar/expr.ts';
import { fill, makeView, toArray } from './map-oracle.ts';

const [x, y] = [S.arg(0), S.arg(1)];
const [p, q] = [S.param(0), S.param(1)];
const EXPRS = [
  S.add(S.mul(p, x), S.mul(q, y)),
  S.sub(x, S.div(S.add(S.mul(p, x), S.mul(q, y)), S.add(S.abs(y), 1))),
  S.lt(x, y),
  S.exp(S.neg(S.abs(S.mul(x, y)))),
];
const PARAMS = [0.75, -1.25];

function filled(type: DType, shape: readonly number[], seed: number, strides?: readonly number[]): View {
  const view = makeView(dtypeInfo(type), shape, strides, 3);
  return fill(
    view,
    Array.from({ length: Math.max(1, view.size) }, (_, i) => (((i + seed) * 7919) % 41) / 4 - 5),
  );
}

const copyOf = (view: View): View => fill(makeView(view.type, view.shape, view.strides), toArray(view));

/** One launch an expression: what a launch of several must equal bit by bit. */
function apart(ins: readonly View[], outs: readonly View[]): unknown[] {
  return EXPRS.map((expr, k) => {
    const { type, shape } = outs[k] as View;
    const out = makeView(type, shape);
    map(new S.MapProgram(expr, 2, 2), out, ins, PARAMS, (outs[0] as View).type);
    return toArray(out);
  });
}

function outputs(shape: readonly number[], strides: readonly (readonly number[] | undefined)[]): View[] {
  return (['float32', 'float32', 'bool', 'float64'] as const).map((type, k) => makeView(dtypeInfo(type), shape, strides[k]));
}

function launch(outs: readonly View[], ins: readonly View[]): unknown[] {
  const program = S.programOf(EXPRS, 2, 2);
  map(program, outs[0] as View, [...outs.slice(1), ...ins], PARAMS, (outs[0] as View).type);
  return outs.map(toArray);
}

describe('a program of several expressions', () => {
  test.each([1, 2, 3, 4, 5, 8, 15, 16, 17, 33, 70, 1001])('of %i elements gives what programs of one give', (n) => {
    const ins = [filled('float32', [n], 1), filled('float32', [n], 5)];
    const outs = outputs([n], []);
    expect(launch(outs, ins)).toEqual(apart(ins, outs));
  });

  test('takes operands of any layout and dtype, one element, and outputs of any strides', () => {
    const shape = [5, 7];
    const cases: [View[], (readonly number[] | undefined)[]][] = [
      [[filled('float32', [1], 1), filled('float32', shape, 5)], []],
      [[filled('float64', shape, 1), filled('int32', shape, 5)], []],
      [[filled('float16', [7], 1), filled('float32', shape, 5, [1, 5])], []],
      [
        [filled('float32', shape, 1), filled('float32', shape, 5)],
        [[1, 5], [7, 1], [14, 2], undefined],
      ],
      [
        [filled('float32', [5, 1], 1), filled('uint8', shape, 5, [-7, 1])],
        [undefined, [1, 5]],
      ],
    ];
    for (const [ins, strides] of cases) {
      const outs = outputs(shape, strides);
      expect(launch(outs, ins)).toEqual(apart(ins, outs));
    }
  });

  test('computes everything before it stores anything: outputs may be operands', () => {
    for (const n of [1, 6, 40, 333]) {
      const ins = [filled('float32', [n], 1), filled('float32', [n], 5)];
      const [a, b] = ins.map(copyOf) as [View, View];
      const outs = [b, a, ...outputs([n], []).slice(2)];
      const expected = apart(ins, outs);
      expect(launch(outs, [a, b])).toEqual(expected);
    }
  });

  test('in place names each output once', () => {
    const program = new S.MapProgram(S.sub(S.arg(2), S.mul(p, S.add(x, y))), 3, 1, [S.add(x, y)]);
    const [momentum, grad, weight] = [filled('float32', [19], 1), filled('float32', [19], 5), filled('float32', [19], 9)];
    const [m, g, w] = [momentum, grad, weight].map((view) => toArray(view).map(Number)) as [number[], number[], number[]];
    map(program, weight, [momentum, grad, weight], [0.5], weight.type);
    expect(toArray(momentum)).toEqual(m.map((value, i) => value + (g[i] as number)));
    expect(toArray(weight)).toEqual(w.map((value, i) => value - 0.5 * ((m[i] as number) + (g[i] as number))));
  });

  test('does not take an operand that is also an output for one operand given twice', () => {
    const n = 4096;
    const a = filled('float32', [n], 1);
    const before = toArray(a).map(Number);
    const out = makeView(a.type, [n]);
    map(S.programOf([S.add(x, 1), S.mul(x, 2)], 1), out, [a, a], [], a.type);
    expect(toArray(out)).toEqual(before.map((value) => value + 1));
    expect(toArray(a)).toEqual(before.map((value) => value * 2));
  });

  test('needs an expression', () => {
    expect(() => S.programOf([], 1)).toThrow(RangeError);
  });
});
