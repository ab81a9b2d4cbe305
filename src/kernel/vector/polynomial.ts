import type { VectorEmitter, Vectors } from './emitter.ts';

/** Degree up to which Horner's rule is as quick as anything, since vectors are computed side by side; longer chains of operations would stall. */
const LONGEST_CHAIN = 6;
/** Degree from which on it is again: there are too few registers for the parts of a longer polynomial. */
const SHORTEST_SPILLED = 13;

/** A polynomial with ascending coefficients: by Horner's rule, or that on even and odd powers apart (Estrin 1960). Measured. */
export function polynomial(e: VectorEmitter, shape: 'f32x4' | 'f64x2', coefficients: readonly number[], x: Vectors): Vectors {
  const add = (a: Vectors, b: Vectors): Vectors => e.op2(`${shape}.add`, a, b);
  const mul = (a: Vectors, b: Vectors): Vectors => e.op2(`${shape}.mul`, a, b);
  const number = (index: number): Vectors => e.splat(shape, coefficients[index] ?? 0);
  const last = coefficients.length - 1;
  if (last > LONGEST_CHAIN && last < SHORTEST_SPILLED) {
    const square = mul(x, x);
    const even = coefficients.filter((_, i) => i % 2 === 0);
    const odd = coefficients.filter((_, i) => i % 2 === 1);
    return add(polynomial(e, shape, even, square), mul(polynomial(e, shape, odd, square), x));
  }
  let sum = number(last);
  for (let i = last - 1; i >= 0; i--) sum = add(mul(sum, x), number(i));
  return sum;
}
