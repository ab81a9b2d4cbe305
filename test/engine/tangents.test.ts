/** Forward mode by the kind of an operator's derivative: each operand has its part, whichever of them have tangents. */
import { cat, type Tensor, tensor } from 'nabla';
import { jvp } from 'nabla/func';
import { describe, expect, test } from 'vitest';

const float64 = { dtype: 'float64' } as const;
const a = tensor(
  [
    [1, 2],
    [3, 4],
  ],
  float64,
);
const b = tensor([5, 6], float64);
const da = tensor(
  [
    [1, 0],
    [0, 10],
  ],
  float64,
);
const db = tensor([100, 1000], float64);

function tangent(f: (x: Tensor, y: Tensor) => Tensor, dx: Tensor | null, dy: Tensor | null): unknown {
  return jvp(f, [a, b], [dx, dy]).tangents[0]?.toArray() ?? null;
}

describe.each([
  // d(Ab) = dA b + A db
  ['matrix products', (x: Tensor, y: Tensor) => x.matmul(y), [5, 60], [2100, 4300], [2105, 4360]],
  // d(A ⊙ b), summed over rows
  ['elementwise products with broadcasting', (x: Tensor, y: Tensor) => x.mul(y).sum(0), [5, 60], [400, 6000], [405, 6060]],
  ['sums with broadcasting', (x: Tensor, y: Tensor) => x.add(y).sum(0), [1, 10], [200, 2000], [201, 2010]],
  ['stacked operands', (x: Tensor, y: Tensor) => x.sum(0).add(y.mul(2)), [1, 10], [200, 2000], [201, 2010]],
  ['joined operands', (x: Tensor, y: Tensor) => cat([x.sum(0), y]), [1, 10, 0, 0], [0, 0, 100, 1000], [1, 10, 100, 1000]],
] as const)('%s', (_name, f, left, right, both) => {
  test('the left operand alone', () => expect(tangent(f, da, null)).toEqual(left));
  test('the right operand alone', () => expect(tangent(f, null, db)).toEqual(right));
  test('both', () => expect(tangent(f, da, db)).toEqual(both));
  test('none', () => expect(tangent(f, null, null)).toBe(null));
});
