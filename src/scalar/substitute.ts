/** Leaves of scalar expressions: which ones there are, and their replacement. */
import { apply, type Expr, forEachNode } from './core.ts';

/** What an expression reads: the numbers of its operands in ascending order, and whether it reads the output. */
export interface Reads {
  readonly args: readonly number[];
  readonly params: readonly number[];
  readonly out: boolean;
}

/** Which operands an expression, or several, read: for a derivative, what the tape must save. */
export function reads(e: Expr | readonly Expr[]): Reads {
  const args: number[] = [];
  const params: number[] = [];
  let readsOut = false;
  forEachNode(e, (node) => {
    if (node.op === 'arg') args.push(node.index);
    else if (node.op === 'param') params.push(node.index);
    else if (node.op === 'out') readsOut = true;
  });
  const ascending = (a: number, b: number): number => a - b;
  return { args: args.sort(ascending), params: params.sort(ascending), out: readsOut };
}

/** Rebuilds an expression with its leaves replaced; `replace` returns undefined for a leaf that stays. */
export function replaceLeaves(e: Expr, replace: (leaf: Expr) => Expr | undefined): Expr {
  const done = new Map<Expr, Expr>();
  forEachNode(e, (node) => {
    if (typeof node.op === 'string') {
      done.set(node, replace(node) ?? node);
      return;
    }
    const args = node.args.map((operand) => done.get(operand) ?? operand);
    done.set(node, args.every((operand, i) => operand === node.args[i]) ? node : apply(node.op, args));
  });
  return done.get(e) ?? e;
}

/** Replaces operands (undefined: stays), the output, and parameters: all that fusion needs. */
export function substitute(e: Expr, args: readonly (Expr | undefined)[], output?: Expr, params: readonly (Expr | undefined)[] = []): Expr {
  return replaceLeaves(e, (leaf) => {
    if (leaf.op === 'arg') return args[leaf.index];
    if (leaf.op === 'param') return params[leaf.index];
    return leaf.op === 'out' ? output : undefined;
  });
}
