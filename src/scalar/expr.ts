/** Scalar expressions, for the layers above: `import * as S from '../scalar/expr.ts'`. */

export {
  apply,
  arg,
  binary,
  constant,
  type Expr,
  formatExpr,
  type Intrinsic,
  isConstant,
  type Operand,
  out,
  param,
  ternary,
  unary,
} from './core.ts';
export { chain, differentiate } from './differentiate.ts';
export { evaluate, evaluateInteger, wrapInteger } from './evaluate.ts';
export * from './intrinsics.ts';
export { MapProgram } from './program.ts';
export { programOf } from './several.ts';
export { type Reads, reads, substitute } from './substitute.ts';
