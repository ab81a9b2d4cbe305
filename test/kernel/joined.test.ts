import { describe, expect, test } from 'vitest';
import * as nabla from '../../src/index.ts';
import { arg, mul, sub } from '../../src/scalar/expr.ts';
import { MapProgram } from '../../src/scalar/program.ts';

const { tensor } = nabla;
type Binary = (a: nabla.Tensor, b: nabla.Tensor) => nabla.Tensor;

const FLOAT = ['add', 'sub', 'mul', 'div', 'pow', 'maximum', 'minimum', 'fmod', 'remainder', 'atan2', 'eq', 'lt', 'hypot', 'logaddexp'];
const INTEGER = ['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'eq', 'ge', 'bitwiseAnd', 'bitwiseXor'];
const LONG = 5000;

function data(dtype: nabla.DType): nabla.Tensor {
  const special = [0, -0, 1, -1, 2.5, 1e30, -1e-30, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const isFloat = dtype.startsWith('float');
  return tensor(
    Array.from({ length: LONG }, (_, i) => (isFloat && i % 7 === 0 ? (special[i % special.length] as number) : (i % 201) - 100)),
    { dtype },
  );
}

describe('an operator on a tensor and itself', () => {
  for (const dtype of ['float32', 'float64', 'float16', 'int32', 'int64'] as const) {
    for (const name of dtype.startsWith('float') ? FLOAT : INTEGER) {
      test(`${name} of ${dtype} is what it is on a copy`, () => {
        const f = (nabla as unknown as Record<string, Binary>)[name] as Binary;
        const x = data(dtype);
        expect(f(x, x).toArray()).toEqual(f(x, x.clone()).toArray());
      });
    }
  }

  test('reads it once', () => {
    expect(new MapProgram(mul(arg(0), sub(arg(1), arg(0))), 2).joined.arity).toBe(1);
    const square = new MapProgram(mul(arg(0), arg(1)), 2).joined;
    expect(square.expr).toEqual(mul(arg(0), arg(0)));
  });

  test('writes in place where it reads', () => {
    const x = data('float32');
    const expected = x.mul(x.clone()).toArray();
    expect(x.mul_(x).toArray()).toEqual(expected);
  });
});
