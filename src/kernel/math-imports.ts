import type { ImportedFunction } from './wasm/encoder.ts';

/** The float64 functions that kernels may call; engines compile those of `Math` to direct calls of their own code. */
export const mathImports = {
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  log2: Math.log2,
  log10: Math.log10,
  atan2: Math.atan2,
  pow: Math.pow,
};

export type MathImport = keyof typeof mathImports;

/** The declaration of a 'math' import, to hand to `FunctionBuilder.call`: all operands and the result are f64. */
export function mathImport(name: MathImport, arity: number): ImportedFunction {
  return { module: 'math', name, params: Array.from({ length: arity }, () => 'f64' as const), results: ['f64'] };
}
