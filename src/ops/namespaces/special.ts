/** Functions of `special`. */
export * from '../special/elementwise.ts';
export { specialLogSoftmax as logSoftmax, specialSoftmax as softmax } from '../nn/softmax.ts';
