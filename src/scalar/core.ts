/**
 * Scalar expressions: what an elementwise kernel computes for one element. An expression names no dtype: the same expression is evaluated
 * in the compute dtype of each launch. Expressions are immutable and hash-consed, so that equal expressions are one object, common
 * subexpressions are shared, and caches may be keyed by `id`.
 */

/** An expression, and where it does not hold: there the function of float64 is called. */
export type Narrow = readonly [value: Expr, except?: Expr];

/** How one intrinsic is evaluated and differentiated: a row of the tables in `intrinsics/`. */
export interface Intrinsic {
  readonly name: string;
  readonly arity: number;
  /** Whether every result is 0 or 1. */
  readonly isBoolean: boolean;
  /** The value in float64. Other float types round it. */
  readonly evaluate: (...operands: number[]) => number;
  /** Whether other float types have another value than the float64 one rounded. */
  readonly perType: boolean;
  /** The partial derivatives, from the value `y` and the operands; null stands for zero everywhere. */
  readonly partials: ((y: Expr, ...operands: Expr[]) => readonly (Expr | null)[]) | null;
  /** For an intrinsic that is made of others, what it is made of; targets need no code of their own for it. */
  readonly expand: ((...operands: Expr[]) => Expr) | null;
  /** What float32 is computed from, in float64, so that rounding gives the function's own rounded value nearly always; or null. */
  readonly narrow: ((x: Expr) => Narrow) | null;
  /** An expression of the same value for every dtype, or null. */
  readonly simplify: ((...operands: Expr[]) => Expr | null) | null;
}

/** A node of a scalar expression. */
export interface Expr {
  /** Unique for each distinct expression; operands have smaller ids than what is made of them. */
  readonly id: number;
  readonly op: Intrinsic | 'arg' | 'param' | 'const' | 'out';
  readonly args: readonly Expr[];
  /** The number of an 'arg' or 'param', else -1. */
  readonly index: number;
  /** The value of a 'const', else NaN. */
  readonly value: number;
  /** Whether the value is 0 or 1 always. */
  readonly isBoolean: boolean;
}

const interned = new Map<string, Expr>();
const NO_OPERANDS: readonly Expr[] = [];

function intern(key: string, op: Expr['op'], args: readonly Expr[], index: number, value: number, isBoolean: boolean): Expr {
  let expr = interned.get(key);
  if (expr === undefined) {
    expr = { id: interned.size, op, args, index, value, isBoolean };
    interned.set(key, expr);
  }
  return expr;
}

/** The element of tensor operand `index`, converted to the compute dtype. */
export function arg(index: number): Expr {
  return intern(`arg ${index}`, 'arg', NO_OPERANDS, index, Number.NaN, false);
}

/** A number that is passed at launch and is the same for all elements, converted to the compute dtype. */
export function param(index: number): Expr {
  return intern(`param ${index}`, 'param', NO_OPERANDS, index, Number.NaN, false);
}

/** A number that is part of the kernel. */
export function constant(value: number): Expr {
  return intern(`const ${Object.is(value, -0) ? '-0' : value}`, 'const', NO_OPERANDS, -1, value, false);
}

/** The value of the whole expression that is differentiated; it occurs in derivatives only. */
export function out(): Expr {
  return intern('out', 'out', NO_OPERANDS, -1, Number.NaN, false);
}

/** What an operand of an intrinsic may be: a number stands for `constant(number)`. */
export type Operand = Expr | number;

export function toExpr(operand: Operand): Expr {
  return typeof operand === 'number' ? constant(operand) : operand;
}

/** Whether `e` is the constant `value`; 0 and -0 differ. */
export function isConstant(e: Expr, value: number): boolean {
  return e.op === 'const' && Object.is(e.value, value);
}

/** Whether the fold of constants is the same in every dtype: small integers of integers, which have no -0, or a value that no integer dtype could hold. */
function foldsInEveryType(intrinsic: Intrinsic, args: readonly Expr[], value: number): boolean {
  if (intrinsic.perType) return false;
  if (args.some((a) => !Number.isInteger(a.value))) return true;
  return Number.isInteger(value) && Math.abs(value) <= 127 && !args.some((a) => Object.is(a.value, -0));
}

/** Applies an intrinsic: folds constants and uses the simplifications that hold for every value of every dtype. */
export function apply(intrinsic: Intrinsic, operands: readonly Operand[]): Expr {
  const args = operands.map(toExpr);
  if (args.every((a) => a.op === 'const')) {
    const value = intrinsic.evaluate(...args.map((a) => a.value));
    if (foldsInEveryType(intrinsic, args, value)) return constant(value);
  }
  const simpler = intrinsic.simplify?.(...args);
  if (simpler) return simpler;
  return intern(`${intrinsic.name} ${args.map((a) => a.id).join(' ')}`, intrinsic, args, -1, Number.NaN, intrinsic.isBoolean);
}

/** What the rows of the tables may leave out. */
export interface IntrinsicOptions {
  readonly perType?: boolean;
  readonly partials?: (y: Expr, ...operands: Expr[]) => readonly (Expr | null)[];
  readonly expand?: (...operands: Expr[]) => Expr;
  readonly narrow?: (x: Expr) => Narrow;
  readonly simplify?: (...operands: Expr[]) => Expr | null;
  readonly boolean?: boolean;
}

const intrinsics = new Map<string, Intrinsic>();

function define(name: string, arity: number, evaluate: (...operands: number[]) => number, options: IntrinsicOptions): Intrinsic {
  const intrinsic: Intrinsic = {
    name,
    arity,
    evaluate,
    isBoolean: options.boolean ?? false,
    perType: options.perType ?? false,
    partials: options.partials ?? null,
    expand: options.expand ?? null,
    narrow: options.narrow ?? null,
    simplify: options.simplify ?? null,
  };
  intrinsics.set(name, intrinsic);
  return intrinsic;
}

/** Every intrinsic that has been defined so far, by name. */
export function definedIntrinsics(): ReadonlyMap<string, Intrinsic> {
  return intrinsics;
}

/** Defines an intrinsic of one operand and returns the function that applies it. */
export function unary(name: string, evaluate: (x: number) => number, options: IntrinsicOptions = {}): (x: Operand) => Expr {
  const intrinsic = define(name, 1, evaluate, options);
  return (x) => apply(intrinsic, [x]);
}

/** Defines an intrinsic of two operands and returns the function that applies it. */
export function binary(
  name: string,
  evaluate: (a: number, b: number) => number,
  options: IntrinsicOptions = {},
): (a: Operand, b: Operand) => Expr {
  const intrinsic = define(name, 2, evaluate, options);
  return (a, b) => apply(intrinsic, [a, b]);
}

/** Defines an intrinsic of three operands and returns the function that applies it. */
export function ternary(
  name: string,
  evaluate: (a: number, b: number, c: number) => number,
  options: IntrinsicOptions = {},
): (a: Operand, b: Operand, c: Operand) => Expr {
  const intrinsic = define(name, 3, evaluate, options);
  return (a, b, c) => apply(intrinsic, [a, b, c]);
}

/** Visits each distinct node of an expression, or of several, once: operands first. */
export function forEachNode(e: Expr | readonly Expr[], visit: (node: Expr) => void): void {
  const seen = new Set<Expr>();
  const walk = (node: Expr): void => {
    if (seen.has(node)) return;
    seen.add(node);
    for (const operand of node.args) walk(operand);
    visit(node);
  };
  for (const root of [e].flat()) walk(root);
}

/** The expression as text, for messages and tests: `add(arg 0, 1)`. */
export function formatExpr(e: Expr): string {
  if (e.op === 'const') return String(e.value);
  if (typeof e.op === 'string') return e.index < 0 ? e.op : `${e.op} ${e.index}`;
  return `${e.op.name}(${e.args.map(formatExpr).join(', ')})`;
}
