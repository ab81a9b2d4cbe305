/** Functions of `special`. */
export * from '../special/elementwise.ts';
