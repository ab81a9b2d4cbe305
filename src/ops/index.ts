/** All operators, by family. */
export * from './arithmetic.ts';
export * from './creation.ts';
export * from './matmul.ts';
export * from './movement.ts';
export * from './power.ts';
export { mean, sum } from './reduce.ts';
