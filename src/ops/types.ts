/** The types of all functions and methods, by kind. */
export type * from './types/counting.ts';
export type * from './types/creation.ts';
export type * from './types/elementwise.ts';
export type * from './types/indexing.ts';
export type * from './types/linalg.ts';
export type * from './types/matrices.ts';
export type * from './types/movement.ts';
export type * from './types/nn.ts';
export type * from './types/operands.ts';
export type * from './types/products.ts';
export type * from './types/reduction.ts';
export type * from './types/windows.ts';
