/** Functions of `special`. */

export { specialLogSoftmax as logSoftmax, specialSoftmax as softmax } from '../nn/softmax.ts';
export * from '../special/bessel.ts';
export * from '../special/elementwise.ts';
export * from '../special/polynomials.ts';
