/** float32 activations of gates, in multiply-adds that round once: to two units in the last place, and NaN stays. */
import type { VectorEmitter, VectorRule, Vectors } from './emitter.ts';

const float = (e: VectorEmitter, value: number): Vectors => e.splat('f32x4', value);
const madd = (e: VectorEmitter, a: Vectors, b: Vectors, c: Vectors): Vectors => e.op3('f32x4.relaxed_madd', a, b, c);

/** Adding this number (1.5 * 2^23) rounds a small float to an integer, which the low bits of the sum hold. */
const ROUNDER = 12582912;
const ROUNDER_BITS = 0x4b400000;
const LN2_HIGH = 0.693359375;
const LN2_LOW = -0.00021219444005469057;
/** exp(r) for |r| <= log(2) / 2, ascending: as in math-float32.ts. */
const EXP = [1, 1, 0.5, 0.16666577, 0.041666555, 0.008363179, 0.0013926184];

function polynomial(e: VectorEmitter, coefficients: readonly number[], x: Vectors): Vectors {
  let p = float(e, coefficients[coefficients.length - 1] as number);
  for (const coefficient of coefficients.slice(0, -1).reverse()) p = madd(e, p, x, float(e, coefficient));
  return p;
}

/** 2^n, from n as an integer in the low bits. */
function power(e: VectorEmitter, sum: Vectors): Vectors {
  return e.shift('i32x4.shl', e.op2('i32x4.add', sum, e.splat('i32x4', 127 - ROUNDER_BITS)), 23);
}

/** 1 / (1 + exp(-x)), where exp(-x) = 2^n exp(-s) with s = x + n log(2). */
function sigmoid(e: VectorEmitter, operand: Vectors): Vectors {
  const x = e.op2('f32x4.pmin', e.op2('f32x4.pmax', operand, float(e, -87)), float(e, 87));
  const sum = madd(e, x, float(e, -Math.LOG2E), float(e, ROUNDER));
  const n = e.op2('f32x4.sub', sum, float(e, ROUNDER));
  const s = madd(e, n, float(e, LN2_LOW), madd(e, n, float(e, LN2_HIGH), x));
  const signed = EXP.map((coefficient, k) => (k % 2 === 0 ? coefficient : -coefficient));
  const one = float(e, 1);
  return e.op2('f32x4.div', one, madd(e, polynomial(e, signed, s), power(e, sum), one));
}

/** m / (m + 2) with m = exp(2 |x|) - 1, under the sign of x. */
function tanh(e: VectorEmitter, x: Vectors): Vectors {
  const magnitude = e.op2('f32x4.pmin', e.op1('f32x4.abs', x), float(e, 9.5));
  const sum = madd(e, magnitude, float(e, 2 * Math.LOG2E), float(e, ROUNDER));
  const n = e.op2('f32x4.sub', sum, float(e, ROUNDER));
  const twice = e.op2('f32x4.add', magnitude, magnitude);
  const r = madd(e, n, float(e, -LN2_LOW), madd(e, n, float(e, -LN2_HIGH), twice));
  const q = e.op2('f32x4.mul', r, polynomial(e, EXP.slice(1), r));
  const scale = power(e, sum);
  const m = madd(e, q, scale, e.op2('f32x4.sub', scale, float(e, 1)));
  return e.select(float(e, -0), x, e.op2('f32x4.div', m, e.op2('f32x4.add', m, float(e, 2))));
}

/** Code for these intrinsics, by name. */
export const fusedGates: Record<string, VectorRule> = {
  sigmoid: (e, x) => sigmoid(e, x as Vectors),
  tanh: (e, x) => tanh(e, x as Vectors),
};
