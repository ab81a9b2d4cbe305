import type { Intrinsic } from '../scalar/expr.ts';
import type { ImportedFunction } from './wasm/encoder.ts';

type MathFunction = {
  [K in keyof Math]: Math[K] extends (...args: number[]) => number ? K : never;
}[keyof Math];

function float64Import(name: string, arity: number, implementation: (...args: number[]) => number): ImportedFunction {
  return { module: 'math', name, params: Array.from({ length: arity }, () => 'f64' as const), results: ['f64'], implementation };
}

/** A function of `Math`, to hand to `FunctionBuilder.call`: engines call their own code for it directly. Operands and result are f64. */
export function mathImport(name: MathFunction, arity: number): ImportedFunction {
  return float64Import(`Math.${name}`, arity, Math[name] as (...args: number[]) => number);
}

/** The float64 evaluation of an intrinsic, for kernels without code of their own for it. */
export function intrinsicImport(intrinsic: Intrinsic): ImportedFunction {
  return float64Import(intrinsic.name, intrinsic.arity, intrinsic.evaluate);
}
