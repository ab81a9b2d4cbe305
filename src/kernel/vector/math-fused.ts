/** float32 functions for passes over rows, in multiply-adds that round once. */
import type { VectorEmitter, VectorRule, Vectors } from './emitter.ts';

const float = (e: VectorEmitter, value: number): Vectors => e.splat('f32x4', value);
/** a b + c */
const madd = (e: VectorEmitter, a: Vectors, b: Vectors, c: Vectors): Vectors => e.op3('f32x4.relaxed_madd', a, b, c);

/** Adding this number (1.5 * 2^23) rounds a small float to an integer, which the low bits of the sum hold. */
const ROUNDER = 12582912;
const ROUNDER_BITS = 0x4b400000;
const LN2_HIGH = 0.693359375;
const LN2_LOW = -0.00021219444005469057;
/** exp(r) for |r| <= log(2) / 2, ascending: as in math-float32.ts. */
const EXP = [1, 1, 0.5, 0.16666577, 0.041666555, 0.008363179, 0.0013926184];
/** Powers of two are made this much too large and taken back by a product, so that results below the normal numbers round right. */
const LIFT = 32;

/** Exponentials of numbers up to 64: 2^n exp(r). */
function expOfRest(e: VectorEmitter, operand: Vectors): Vectors {
  const x = e.op2('f32x4.pmax', operand, float(e, -104));
  const sum = madd(e, x, float(e, Math.LOG2E), float(e, ROUNDER));
  const n = e.op2('f32x4.sub', sum, float(e, ROUNDER));
  const r = madd(e, n, float(e, -LN2_LOW), madd(e, n, float(e, -LN2_HIGH), x));
  let p = float(e, EXP[EXP.length - 1] as number);
  for (const coefficient of EXP.slice(0, -1).reverse()) p = madd(e, p, r, float(e, coefficient));
  const power = e.shift('i32x4.shl', e.op2('i32x4.add', sum, e.splat('i32x4', 127 + LIFT - ROUNDER_BITS)), 23);
  return e.op2('f32x4.mul', e.op2('f32x4.mul', p, power), float(e, 2 ** -LIFT));
}

/**
 * a / b from -b and r = 1 / b: the product with r, and what that misses times r (Markstein, "Computation of elementary functions on the IBM RISC
 * System/6000 processor", 1990).
 */
function quotient(e: VectorEmitter, a: Vectors, minusB: Vectors, r: Vectors): Vectors {
  const q = e.op2('f32x4.mul', a, r);
  return madd(e, madd(e, q, minusB, a), r, q);
}

/** Code for intrinsics of scalar/row-functions.ts, by name. */
export const fusedFunctions: Record<string, VectorRule> = {
  expOfRest: (e, x) => expOfRest(e, x as Vectors),
  quotient: (e, a, b, r) => quotient(e, a as Vectors, b as Vectors, r as Vectors),
};
