import { BOOL, type DTypeInfo } from '../dtype/dtype.ts';
import type { Derivative, Operator } from '../op/contract.ts';
import { backwardNameOf } from '../op/contract.ts';
import { backend } from '../runtime/backend.ts';
import { allocate } from '../runtime/storage.ts';
import { differentiate } from '../scalar/differentiate.ts';
import { arg, div, type Expr, mul, neg, param, select } from '../scalar/expr.ts';
import { MapProgram } from '../scalar/program.ts';
import { reads, substitute } from '../scalar/substitute.ts';
import { broadcastShapes } from '../shape/broadcast.ts';
import { contiguousStrides, numel } from '../shape/shape.ts';
import { DTypeError } from '../util/errors.ts';
import { Tensor } from './tensor.ts';

/** One elementwise call: the uniform scalars and the dtype that the expression is computed in. */
export interface MapParams {
  readonly values: readonly number[];
  readonly compute: DTypeInfo;
}

/** The derivative with respect to one input: an elementwise operator on the cotangent and what it reads; null where it is zero. */
export interface Partial {
  /** Null: the cotangent itself. */
  readonly operator: MapOperator | null;
  /** Inputs that it reads, in the order of its operands after the cotangent. */
  readonly inputs: readonly number[];
  /** Whether it reads the output, as the last operand. */
  readonly output: boolean;
}

function complexNotThere(name: string, type: DTypeInfo): DTypeError {
  return new DTypeError(
    `${name}: not defined for dtype ${type.name} yet: so far complex tensors can be made, cast, copied, summed, matrix-multiplied and printed`,
  );
}

let operators = 0;

const MAP = { kind: 'map' } as const;
const NONE = { kind: 'none' } as const;
const ALIGN = { kind: 'align' } as const;

/**
 * An operator that is a scalar expression of its inputs' elements. Value, vector-Jacobian product, tangent and all higher orders come from the
 * one expression: the derivative is symbolic, and what it reads is what the tape saves.
 *
 * The expression may be given as a function that builds it. It is then built at the first use: the library defines hundreds of operators, of
 * which a program uses a few.
 */
export class MapOperator implements Operator<Tensor, MapParams> {
  readonly name: string;
  /** Tells operators apart. */
  readonly serial: number = ++operators;
  readonly arity: number;
  readonly paramCount: number;
  readonly batching = ALIGN;
  readonly aliasing = 'fresh' as const;
  readonly composite = false;
  readonly #source: Expr | (() => Expr);
  readonly #differentiable: boolean;
  #program: MapProgram | null = null;
  #isBoolean = false;
  #partials: (Partial | undefined)[] | null = null;
  #withScalar: (MapOperator | undefined)[] | null = null;

  constructor(name: string, source: Expr | (() => Expr), arity: number, paramCount: number, differentiable = true) {
    this.name = name;
    this.arity = arity;
    this.paramCount = paramCount;
    this.#source = source;
    this.#differentiable = differentiable;
  }

  get backwardName(): string {
    return backwardNameOf(this.name);
  }

  /** The expression with the kernels that the device has compiled for it. */
  get program(): MapProgram {
    return this.#program ?? this.#open();
  }

  get expr(): Expr {
    return this.program.expr;
  }

  /** A boolean expression: the result has dtype bool and no gradient. */
  get isBoolean(): boolean {
    if (this.#program === null) this.#open();
    return this.#isBoolean;
  }

  get derivative(): Derivative<Tensor, MapParams> {
    return this.#differentiable && !this.isBoolean ? MAP : NONE;
  }

  #open(): MapProgram {
    const expr = typeof this.#source === 'function' ? this.#source() : this.#source;
    this.#isBoolean = expr.isBoolean;
    this.#program = new MapProgram(expr, this.arity, this.paramCount);
    return this.#program;
  }

  forward(inputs: readonly Tensor[], params: MapParams): Tensor {
    if (params.compute.isComplex) throw complexNotThere(this.name, params.compute);
    const result = emptyFor(inputs, this.name, this.isBoolean ? BOOL : params.compute);
    backend().map(this.program, result, inputs, params.values, params.compute);
    return result;
  }

  /** Writes the result into `target`, which has the broadcast shape. */
  forwardInto(target: Tensor, inputs: readonly Tensor[], params: MapParams): void {
    if (params.compute.isComplex) throw complexNotThere(this.name, params.compute);
    backend().map(this.program, target, inputs, params.values, params.compute);
  }

  /** The derivative with respect to input `index`. */
  partial(index: number): Partial {
    this.#partials ??= [];
    const known = this.#partials[index];
    if (known !== undefined) return known;
    const made = this.#makePartial(index);
    this.#partials[index] = made;
    return made;
  }

  #makePartial(index: number): Partial {
    const derivative = differentiate(this.expr, index);
    // Zero everywhere is a gradient of zeros, as PyTorch has it, not the absence of one.
    if (isConstant(derivative, 0))
      return { operator: new MapOperator(this.name, derivative, 1, this.paramCount), inputs: [], output: false };
    const wanted = reads(derivative);
    const remap: (Expr | undefined)[] = [];
    wanted.args.forEach((input, k) => {
      remap[input] = arg(k + 1);
    });
    const slot = wanted.args.length + 1;
    const body = scaled(arg(0), substitute(derivative, remap, arg(slot)));
    if (body === arg(0)) return { operator: null, inputs: [], output: false };
    const arity = 1 + wanted.args.length + (wanted.out ? 1 : 0);
    return { operator: new MapOperator(this.name, body, arity, this.paramCount), inputs: wanted.args, output: wanted.out };
  }

  /** The same operator with input `index` replaced by a uniform scalar, the last of the parameters. */
  withScalar(index: number): MapOperator {
    this.#withScalar ??= [];
    const known = this.#withScalar[index];
    if (known !== undefined) return known;
    const remap: (Expr | undefined)[] = [];
    for (let k = 0; k < this.arity; k++) remap[k] = k === index ? param(this.paramCount) : arg(k < index ? k : k - 1);
    const made = new MapOperator(
      this.name,
      substitute(this.expr, remap),
      this.arity - 1,
      this.paramCount + 1,
      this.derivative.kind === 'map',
    );
    this.#withScalar[index] = made;
    return made;
  }
}

function isConstant(e: Expr, value: number): boolean {
  return e.op === 'const' && e.value === value;
}

/** g · d, with the product pushed into selections and quotients: a derivative selects, it never multiplies by a mask (0 · inf is NaN). */
function scaled(g: Expr, d: Expr): Expr {
  if (d.op === 'const') return d.value === 1 ? g : d.value === 0 ? d : d.value === -1 ? neg(g) : mul(g, d);
  const [first, second, third] = d.args;
  const name = typeof d.op === 'string' ? d.op : d.op.name;
  if (name === 'select') return select(first as Expr, scaled(g, second as Expr), scaled(g, third as Expr));
  if (name === 'neg') return neg(scaled(g, first as Expr));
  if (name === 'div') return div(scaled(g, first as Expr), second as Expr);
  return mul(g, d);
}

/** An uninitialised contiguous result of the broadcast shape of `inputs`. */
export function emptyFor(inputs: readonly Tensor[], name: string, type: DTypeInfo): Tensor {
  const first = inputs[0] as Tensor;
  let shape = first.shape as readonly number[];
  for (let i = 1; i < inputs.length; i++) {
    const other = (inputs[i] as Tensor).shape as readonly number[];
    if (other !== shape && other.length > 0) shape = broadcastShapes(name, ...inputs.map((x) => x.shape));
  }
  if (shape === first.shape && first.rowMajor) {
    return new Tensor(allocate(first.size * type.itemsize), 0, shape, first.strides, type, first.size, true);
  }
  const size = numel(shape);
  return new Tensor(allocate(size * type.itemsize), 0, shape, contiguousStrides(shape), type, size, true);
}
