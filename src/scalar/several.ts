import { arg, type Expr } from './core.ts';
import { MapProgram } from './program.ts';
import { substitute } from './substitute.ts';

/**
 * A program that computes several expressions of the same operands in one pass; what they have in common is computed once. A launch gets the first
 * output as its output, and the others before its operands: `map(program, outs[0], [...outs.slice(1), ...ins], params, compute)`. All outputs
 * have the full shape of the launch. They may lie where operands lie: everything is computed before anything is stored. An update in place is
 * shorter as a `MapProgram` with `more`: the expressions read the outputs as operands.
 *
 * @example
 * const program = programOf([add(arg(0), arg(1)), mul(arg(0), arg(1))], 2);
 * backend().map(program, sum, [product, x, y], [], x.type);
 */
export function programOf(exprs: readonly Expr[], arity: number, paramCount = 0): MapProgram {
  const [first, ...more] = exprs;
  if (first === undefined) throw new RangeError('a program computes at least one expression');
  const shifted = Array.from({ length: arity }, (_, k) => arg(k + more.length));
  return new MapProgram(
    substitute(first, shifted),
    arity + more.length,
    paramCount,
    more.map((expr) => substitute(expr, shifted)),
  );
}
