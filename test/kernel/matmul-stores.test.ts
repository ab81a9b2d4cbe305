/** Programs in the stores of a matrix product are compiled for all that is light, and taken only if they give the bits of the product and then the program. */
import { expect, test } from 'vitest';
import { instantiateAt } from '../../src/backend/wasm/level.ts';
import { matmulKernels } from '../../src/backend/wasm/matmul-kernels.ts';
import { compileStored } from '../../src/backend/wasm/matmul-stores.ts';
import { FLOAT32, FLOAT64 } from '../../src/dtype/dtype.ts';
import { compileMap } from '../../src/kernel/map.ts';
import type { StoredProgram } from '../../src/kernel/matmul-stores.ts';
import type { KernelFunction } from '../../src/kernel/wasm/instantiate.ts';
import { add, arg, constant, type Expr, gt, mul, relu, select } from '../../src/scalar/expr.ts';

const [x, y, z] = [arg(0), arg(1), arg(2)];

/** Expressions of so many inputs, the first of them outputs too; which operands are the product, the output first; whether the product is stored besides. */
const PROGRAMS: readonly (readonly [exprs: readonly Expr[], inputs: number, product: readonly number[], keeps: boolean])[] = [
  [[relu(x)], 1, [0, 1], false],
  [[relu(x)], 1, [1], true],
  [[relu(x)], 1, [1], false],
  [[select(gt(y, constant(0)), x, constant(0))], 2, [0, 1], false],
  [[add(mul(y, y), z), mul(z, constant(2))], 3, [3], true],
  [[add(z, y), mul(z, y)], 3, [0, 3], false],
  [[constant(7), add(x, constant(1))], 1, [1], false],
];

test.each([FLOAT32, FLOAT64])('$name', (type) => {
  const kernels = matmulKernels(type === FLOAT32 ? 'f32' : 'f64');
  for (const [[expr, ...more], inputs, product, keeps] of PROGRAMS) {
    const mapOf = (first: Expr): KernelFunction => {
      const signature = {
        expr: first,
        more,
        compute: type,
        output: type,
        inputs: Array<typeof type>(inputs).fill(type),
        paramCount: 0,
        outputAccess: 'unit',
        inputAccess: Array<'unit'>(inputs).fill('unit'),
        nested: false,
      } as const;
      return instantiateAt('plain', [compileMap('map', signature)])['map'] as KernelFunction;
    };
    let others = 0;
    const stored: StoredProgram = {
      type,
      results: [expr as Expr, ...more].map((each, i) => [each, i - 1]),
      places: Array.from({ length: inputs + 1 }, (_, k) => (product.includes(k) ? -1 : others++)),
      keeps,
    };
    for (const packed of [false, true]) {
      expect(compileStored(kernels, packed, stored, mapOf(expr as Expr))).not.toBeNull();
      expect(compileStored(kernels, packed, stored, mapOf(add(expr as Expr, constant(1))))).toBeNull();
    }
  }
});
