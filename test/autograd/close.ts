import { expect } from 'vitest';
import { allclose, type Tensor } from '../../src/index.ts';

/** Expects a tensor of the same shape whose elements differ by rounding alone. */
export function close(actual: Tensor | null | undefined, expected: Tensor, tolerance = 1e-9): void {
  expect(actual?.shape).toEqual(expected.shape);
  const [a, b] = [(actual as Tensor).detach(), expected.detach()].map((x) => x.to('float64')) as [Tensor, Tensor];
  if (!allclose(a, b, { rtol: tolerance, atol: tolerance })) expect(a.toArray()).toEqual(b.toArray());
}
