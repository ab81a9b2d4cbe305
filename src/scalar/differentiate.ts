/** Symbolic derivatives of scalar expressions. */
import { constant, type Expr, forEachNode, type Intrinsic, isConstant, out } from './core.ts';
import { add, div, mul, neg, select } from './intrinsics.ts';

const zero = constant(0);

function isCall(e: Expr, name: string): boolean {
  return typeof e.op !== 'string' && e.op.name === name;
}

function operand(e: Expr, index: number): Expr {
  return e.args[index] ?? zero;
}

/**
 * A partial derivative times a factor (a cotangent, a tangent or an inner derivative). A constant 0 is a structural zero: it stays 0
 * whatever the factor is, and a selection selects products instead of multiplying by a mask, so that an infinite factor in the
 * branch not taken does no harm.
 */
export function chain(partial: Expr, factor: Expr): Expr {
  if (isConstant(partial, 0) || isConstant(factor, 0)) return zero;
  if (isSelectionOfZero(partial)) {
    return select(operand(partial, 0), chain(operand(partial, 1), factor), chain(operand(partial, 2), factor));
  }
  if (isSelectionOfZero(factor)) {
    return select(operand(factor, 0), chain(partial, operand(factor, 1)), chain(partial, operand(factor, 2)));
  }
  if (isConstant(factor, 1)) return partial;
  if (isCall(partial, 'neg')) return neg(chain(operand(partial, 0), factor));
  if (isCall(partial, 'reciprocal')) return div(factor, operand(partial, 0));
  return mul(factor, partial);
}

/** Whether one of the branches of a selection is a constant (then the product is cheaper inside, and exact for 0). */
function isSelectionOfZero(e: Expr): boolean {
  return isCall(e, 'select') && (operand(e, 1).op === 'const' || operand(e, 2).op === 'const');
}

function sum(a: Expr | null, b: Expr): Expr {
  return a === null ? b : add(a, b);
}

function differentiateCall(intrinsic: Intrinsic, e: Expr, value: Expr, inner: readonly (Expr | null)[]): Expr | null {
  if (isCall(e, 'select')) {
    const [, first, second] = inner;
    return first || second ? select(operand(e, 0), first ?? zero, second ?? zero) : null;
  }
  const partials = intrinsic.partials?.(value, ...e.args);
  let total: Expr | null = null;
  partials?.forEach((partial, i) => {
    const derivative = inner[i];
    if (partial === null || !derivative) return;
    const term = chain(partial, derivative);
    if (!isConstant(term, 0)) total = sum(total, term);
  });
  return total;
}

/**
 * The derivative of `e` by tensor operand `argIndex`; the constant 0 where it does not depend on it. The value of the whole of `e` is
 * written `out()` in the result, so that it can be saved instead of being computed again.
 *
 * @example
 * formatExpr(differentiate(tanh(arg(0)), 0)); // 'sub(1, mul(out, out))'
 */
export function differentiate(e: Expr, argIndex: number): Expr {
  const derivatives = new Map<Expr, Expr | null>();
  forEachNode(e, (node) => {
    let derivative: Expr | null = null;
    if (typeof node.op !== 'string') {
      const inner = node.args.map((a) => derivatives.get(a) ?? null);
      if (inner.some((d) => d !== null)) derivative = differentiateCall(node.op, node, node === e ? out() : node, inner);
    } else if (node.op === 'arg' && node.index === argIndex) {
      derivative = constant(1);
    }
    derivatives.set(node, derivative);
  });
  return derivatives.get(e) ?? zero;
}
