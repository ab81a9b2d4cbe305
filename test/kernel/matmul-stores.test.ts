/** Expressions in the stores of a matrix product are compiled for all that is light, and taken only if they give the bits of the product and then the expression. */
import { expect, test } from 'vitest';
import { instantiateAt } from '../../src/backend/wasm/level.ts';
import { matmulKernels } from '../../src/backend/wasm/matmul-kernels.ts';
import { compileStored } from '../../src/backend/wasm/matmul-stores.ts';
import { FLOAT32, FLOAT64 } from '../../src/dtype/dtype.ts';
import { compileMap } from '../../src/kernel/map.ts';
import { isLight } from '../../src/kernel/matmul-stores.ts';
import type { KernelFunction } from '../../src/kernel/wasm/instantiate.ts';
import { add, arg, constant, type Expr, gt, mul, relu, select, tanh } from '../../src/scalar/expr.ts';

const x = arg(0);
const LIGHT: readonly Expr[] = [
  relu(x),
  select(gt(x, constant(0)), x, mul(x, constant(0.1))),
  add(mul(x, x), constant(1)),
  constant(7),
  gt(x, constant(0.5)),
];

test.each([FLOAT32, FLOAT64])('$name', (type) => {
  const kernels = matmulKernels(type === FLOAT32 ? 'f32' : 'f64');
  for (const expr of LIGHT) {
    const inPlace = (expected: Expr): ((address: number, elements: number) => unknown) => {
      const map = compileMap('map', {
        expr: expected,
        more: [],
        compute: type,
        output: type,
        inputs: [type],
        paramCount: 0,
        outputAccess: 'unit',
        inputAccess: ['unit'],
        nested: false,
      });
      const kernel = instantiateAt('plain', [map])['map'] as KernelFunction;
      return (address, elements) => kernel(elements, address, address);
    };
    for (const packed of [false, true]) {
      expect(compileStored(kernels, packed, expr, type, inPlace(expr))).not.toBeNull();
      expect(compileStored(kernels, packed, expr, type, inPlace(add(expr, constant(1))))).toBeNull();
    }
  }
});

test('light is what registers hold beside a tile', () => {
  let long: Expr = x;
  for (let i = 0; i < 13; i++) long = add(mul(long, x), constant(i));
  expect([...LIGHT, tanh(x), long].map((expr) => isLight([expr]))).toEqual([true, true, true, true, true, false, false]);
});
