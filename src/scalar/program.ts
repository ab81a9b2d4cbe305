import { arg, type Expr } from './core.ts';
import { reads, substitute } from './substitute.ts';

const NOTHING_MORE: readonly Expr[] = [];

/**
 * An expression that a device can launch, with the kernels that the device has compiled for it. The slots belong to the device: it keys
 * kernels by dtypes and layout, and remembers the last one, which is mostly the next one too.
 */
export class MapProgram {
  readonly expr: Expr;
  /**
   * What a launch computes besides, at the same elements: `more[k]` is written to the memory of operand k, of which expressions read what was there
   * before. See `several.ts`.
   */
  readonly more: readonly Expr[];
  /** How many tensor operands a launch passes. */
  readonly arity: number;
  /** How many numbers a launch passes. */
  readonly paramCount: number;
  /** Compiled kernels by dtypes and layout: written and read by the device alone. */
  readonly kernels = new Map<number | string, unknown>();
  /** The key of the last kernel launched; -1 at first. */
  lastKey = -1;
  lastKernel: unknown = null;
  #joined: MapProgram | null = null;

  constructor(expr: Expr, arity: number, paramCount = 0, more: readonly Expr[] = NOTHING_MORE) {
    const used = reads([expr, ...more]);
    for (const index of used.args) if (index >= arity) throw new RangeError(`the expression reads operand ${index} of ${arity}`);
    for (const index of used.params)
      if (index >= paramCount) throw new RangeError(`the expression reads parameter ${index} of ${paramCount}`);
    if (used.out) throw new RangeError('a derivative must have its output bound to an operand before it can run');
    this.expr = expr;
    this.more = more;
    this.arity = arity;
    this.paramCount = paramCount;
  }
  /** What a program of two operands is where both are the same tensor: it reads half as much. */
  get joined(): MapProgram {
    this.#joined ??= new MapProgram(substitute(this.expr, [undefined, arg(0)]), 1, this.paramCount);
    return this.#joined;
  }
}
