/** The intrinsics, one row each, by family. */
export * from './intrinsics/arithmetic.ts';
export * from './intrinsics/composed.ts';
export * from './intrinsics/exponential.ts';
export * from './intrinsics/logic.ts';
export * from './intrinsics/special.ts';
export * from './intrinsics/trigonometric.ts';
