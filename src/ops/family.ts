import { BOOL, type DType, type DTypeInfo, dtypeInfo, INT64 } from '../dtype/dtype.ts';
import { resultType, scalarType, toFloatType } from '../dtype/promotion.ts';
import {
  type BadSample,
  type Batching,
  backwardNameOf,
  type Derivative,
  type Description,
  type Operator,
  type Sample,
} from '../op/contract.ts';
import { arg, type Expr, param } from '../scalar/expr.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import { tensorOfBytes } from '../tensor/data.ts';
import { mapInPlace } from '../tensor/inplace.ts';
import { MapOperator, type MapParams } from '../tensor/map-operator.ts';
import { describeValue, isForeignTensor } from '../tensor/messages.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../util/errors.ts';
import { checkOptions, isOptions, leftOut, optionNames, positionalName } from '../util/options.ts';

/** A number, boolean or bigint where a tensor may stand: a scalar that promotes as PyTorch's scalars do. */
export type Scalar = number | boolean | bigint;
export type Operand = Tensor | Scalar;

/** A user-facing function that knows what it is. */
export interface Described {
  readonly operator: Description;
}

export interface DescriptionInput {
  readonly signature?: string;
  readonly samples?: readonly Sample[];
  readonly bad?: readonly BadSample[];
  readonly random?: boolean;
  /** How many of the first parameters must be tensors; 0 where `f` sees to it. */
  readonly tensors?: number;
}

/**
 * Attaches the description to the function that the user calls. Refuses options that the signature does not name, since a misspelt option would
 * otherwise be ignored silently, and anything but tensors for the first `tensors` parameters. Options may stand in the place of optional parameters that
 * are left out.
 *
 * `f` is written with dynamic tensors. `R` is what users see of it, with shapes and dtypes: the type that the result is declared with. The compiler
 * cannot hold the one against the other; test/types does, by running the samples.
 */
export function described<F extends object, R extends object = F>(
  name: string,
  f: F,
  d: DescriptionInput & { readonly signature: string },
): R & Described {
  const operator: Description = {
    name,
    signature: d.signature,
    samples: d.samples ?? [],
    bad: d.bad ?? [],
    ...(d.random === undefined ? {} : { random: d.random }),
  };
  const guarded = Object.assign(guard(operator, f as unknown as AnyFunction, d.tensors ?? 0), f);
  Object.defineProperty(guarded, 'name', { value: name.slice(name.lastIndexOf('.') + 1), configurable: true });
  return Object.assign(guarded as unknown as R, { operator });
}

type AnyFunction = (...args: unknown[]) => unknown;

function guard({ name, signature }: Description, f: AnyFunction, tensors: number): AnyFunction {
  return (...args) => {
    for (let i = args.length - 1; i > 0; i--) {
      const last = args[i];
      if (last === undefined) continue;
      if (isOptions(last)) {
        checkOptions(name, last, optionNames(signature));
        for (let skipped = leftOut(signature, i); skipped > 0; skipped--) args.splice(i, 0, undefined);
      }
      break;
    }
    for (let i = 0; i < tensors; i++) if (!isTensor(args[i])) requireTensor(name, positionalName(signature, i), args[i]);
    return f(...args);
  };
}

/** Throws unless `x` is a tensor: `name` is the operator, `role` the parameter. */
export function requireTensor(name: string, role: string, x: unknown): asserts x is Tensor {
  if (isTensor(x)) return;
  throw new ArgumentError(
    `${name}: ${role} must be a tensor, got ${describeValue(x)}${isForeignTensor(x) ? '' : '; wrap data in tensor(…)'}`,
  );
}

/** Refuses operands that PyTorch would not promote. */
export function requireSameType(name: string, role: string, input: Tensor, other: Tensor): void {
  if (input.type === other.type) return;
  throw new DTypeError(
    `${name}: input has dtype ${input.dtype} but ${role} has ${other.dtype}: they must be equal, cast one with .to('${input.dtype}')`,
  );
}

/** Throws unless `x` has `least` dimensions or more. */
export function requireDims(name: string, x: Tensor, least: number): void {
  if (x.ndim < least)
    throw new ShapeError(`${name}: needs at least ${least} dimension${least === 1 ? '' : 's'}, got ${formatShape(x.shape)}`);
}

export function isScalar(x: unknown): x is Scalar {
  return typeof x === 'number' || typeof x === 'boolean' || typeof x === 'bigint';
}

/** The dtype that an operation on `operands` is computed in: PyTorch's result type, 0-d tensors and scalars yielding to dimensioned ones. */
export function commonType(operands: readonly Operand[]): DTypeInfo {
  if (operands.length === 2) {
    const [a, b] = operands as readonly [Operand, Operand];
    if (isTensor(a) && isTensor(b) && a.type === b.type) return a.type;
  }
  return resultType(
    operands.map((x) => (isTensor(x) ? { type: x.type, ndim: x.ndim } : { type: scalarType(x as Scalar), ndim: 0, wrapped: true })),
  );
}

/** What an elementwise result is computed in: `promote` as it is, `float` with integers and booleans made the default float. */
export type TypeRule = 'promote' | 'float' | ((common: DTypeInfo, name: string) => DTypeInfo);

export function computeType(rule: TypeRule, common: DTypeInfo, name: string): DTypeInfo {
  if (rule === 'promote') return common;
  return rule === 'float' ? toFloatType(common) : rule(common, name);
}

/** Refuses bool: `sub`, `neg`, … have no meaning on it in PyTorch. */
export function notBool(common: DTypeInfo, name: string): DTypeInfo {
  if (common === BOOL) throw new DTypeError(`${name}: not defined for dtype bool; use a logical operator, or cast with .to('int64')`);
  return common;
}

/** Refuses complex: order, rounding and the like need real numbers. */
export function realOnly(common: DTypeInfo, name: string): DTypeInfo {
  if (common.isComplex) throw new DTypeError(`${name}: not defined for dtype ${common.name}: it needs real numbers`);
  return common;
}

/** Needs a floating or complex dtype as it is (no promotion of integers). */
export function floatOnly(common: DTypeInfo, name: string): DTypeInfo {
  if (!common.isFloat && !common.isComplex)
    throw new DTypeError(`${name}: needs a floating dtype, got ${common.name}; cast with .to('float32')`);
  return common;
}

/** Needs integers or booleans. */
export function integerOnly(common: DTypeInfo, name: string): DTypeInfo {
  if (common.isFloat || common.isComplex) throw new DTypeError(`${name}: needs an integer or bool dtype, got ${common.name}`);
  return common;
}

const EMPTY: readonly number[] = [];

export interface UnaryOptions extends DescriptionInput {
  readonly type?: TypeRule;
  readonly differentiable?: boolean;
}

export interface UnaryFunction extends Described {
  (input: Tensor): Tensor;
  inPlace(input: Tensor): Tensor;
}

/** An elementwise function of one tensor: everything follows from its scalar expression. `R`: what users see of it, see `described`. */
export function unary<R extends object = UnaryFunction>(name: string, build: (x: Expr) => Expr, options: UnaryOptions = {}): R {
  const operator = new MapOperator(name, () => build(arg(0)), 1, 0, options.differentiable ?? true);
  const rule = options.type ?? 'float';
  const paramsFor = (input: Tensor): MapParams => {
    requireTensor(name, 'input', input);
    return { values: EMPTY, compute: computeType(rule, input.type, name) };
  };
  const f = Object.assign((input: Tensor): Tensor => applyOne(operator, [input], paramsFor(input)), {
    inPlace: (input: Tensor): Tensor => mapInPlace(`${name}_`, input, operator, [input], paramsFor(input)),
  });
  return described<typeof f, R>(name, f, { signature: 'input', ...options });
}

export interface BinaryOptions extends DescriptionInput {
  readonly type?: TypeRule;
  readonly differentiable?: boolean;
  /** Which operands may be scalars, though never both: either, only the second, or none. Default: either. */
  readonly scalars?: 'either' | 'other' | 'none';
  /** The operator to run instead of one over the built expression. */
  readonly operator?: MapOperator;
  /** Checks before anything is computed (integer division by zero, …). */
  check?(input: Operand, other: Operand, compute: DTypeInfo): void;
}

export interface BinaryFunction extends Described {
  (input: Operand, other: Operand): Tensor;
  inPlace(input: Tensor, other: Operand): Tensor;
  readonly map: MapOperator;
}

/** An elementwise function of two operands, either of which may be a scalar. `R`: what users see of it, see `described`. */
export function binary<R extends object = BinaryFunction>(name: string, build: (x: Expr, y: Expr) => Expr, options: BinaryOptions = {}): R {
  const operator = options.operator ?? new MapOperator(name, () => build(arg(0), arg(1)), 2, 0, options.differentiable ?? true);
  const rule = options.type ?? 'promote';
  const scalars = options.scalars ?? 'either';
  const prepare = (input: Operand, other: Operand): DTypeInfo => {
    if (scalars !== 'either') requireTensor(name, 'input', input);
    if (scalars === 'none') requireTensor(name, 'other', other);
    checkOperands(name, input, other);
    const compute = computeType(rule, commonType([input, other]), name);
    options.check?.(input, other, compute);
    return compute;
  };
  const f = Object.assign((input: Operand, other: Operand): Tensor => callBinary(operator, input, other, prepare(input, other)), {
    inPlace: (input: Tensor, given: Operand): Tensor => {
      const compute = prepare(input, given);
      const other = exactOperand(name, given);
      if (isTensor(other)) return mapInPlace(`${name}_`, input, operator, [input, other], { values: EMPTY, compute });
      return mapInPlace(`${name}_`, input, operator.withScalar(1), [input], { values: [Number(other)], compute });
    },
    map: operator,
  });
  return described<typeof f, R>(name, f, { signature: 'input, other', ...options });
}

function checkOperands(name: string, input: unknown, other: unknown): void {
  if (isTensor(input) && (isTensor(other) || isScalar(other))) return;
  if (isTensor(other) && isScalar(input)) return;
  if (isTensor(input) || isScalar(input)) requireTensor(name, 'other', isScalar(input) && isScalar(other) ? null : other);
  else requireTensor(name, 'input', input);
}

/** Applies a two-operand map, with scalars as uniform parameters. */
export function callBinary(operator: MapOperator, input: Operand, other: Operand, compute: DTypeInfo): Tensor {
  if (typeof input === 'bigint' || typeof other === 'bigint') return callExact(operator, input, other, compute);
  return callPlain(operator, input, other, compute);
}

function callExact(operator: MapOperator, input: Operand, other: Operand, compute: DTypeInfo): Tensor {
  return callPlain(operator, exactOperand(operator.name, input), exactOperand(operator.name, other), compute);
}

/** A bigint that no number holds exactly becomes a tensor without dimensions. What dtype comes out has been decided before, by the scalar. */
export function exactOperand(name: string, x: Operand): Operand {
  if (typeof x !== 'bigint' || Number.isSafeInteger(Number(x))) return x;
  if (BigInt.asIntN(64, x) !== x) throw new ArgumentError(`${name}: the scalar ${x} does not fit into int64`);
  return tensorOfBytes(new Uint8Array(BigInt64Array.of(x).buffer), [], INT64);
}

function callPlain(operator: MapOperator, input: Operand, other: Operand, compute: DTypeInfo): Tensor {
  if (isTensor(input)) {
    if (isTensor(other)) return applyOne(operator, [input, other], { values: EMPTY, compute });
    return applyOne(operator.withScalar(1), [input], { values: [Number(other)], compute });
  }
  return applyOne(operator.withScalar(0), [other as Tensor], { values: [Number(input)], compute });
}

/** Any elementwise expression of tensors and uniform scalars: `build` gets `arity` arguments and `scalars` parameters. */
export function mapOperator(
  name: string,
  arity: number,
  scalars: number,
  build: (xs: readonly Expr[], ps: readonly Expr[]) => Expr,
  differentiable = true,
): MapOperator {
  const expr = (): Expr =>
    build(
      Array.from({ length: arity }, (_, i) => arg(i)),
      Array.from({ length: scalars }, (_, i) => param(i)),
    );
  return new MapOperator(name, expr, arity, scalars, differentiable);
}

/** Calls such an expression. */
export function callMap(operator: MapOperator, inputs: readonly Tensor[], values: readonly number[], compute: DTypeInfo): Tensor {
  return applyOne(operator, inputs, { values, compute });
}

/** A primitive or composite operator from its fields, with the defaults that fit most. */
export function makeOperator<P>(definition: {
  readonly name: string;
  readonly backwardName?: string;
  forward(inputs: readonly Tensor[], params: P): Tensor | Tensor[];
  readonly derivative: Derivative<Tensor, P>;
  readonly batching?: Batching<Tensor, P>;
  readonly aliasing?: 'fresh' | 'view' | 'multi-view';
  readonly composite?: boolean;
  readonly nonDifferentiableOutputs?: readonly number[];
}): Operator<Tensor, P> {
  const composite = definition.composite ?? definition.derivative.kind === 'composite';
  return {
    name: definition.name,
    backwardName: definition.backwardName ?? backwardNameOf(definition.name),
    forward: definition.forward,
    derivative: definition.derivative,
    batching: definition.batching ?? (composite ? { kind: 'composite' } : { kind: 'loop' }),
    aliasing: definition.aliasing ?? 'fresh',
    composite,
    ...(definition.nonDifferentiableOutputs === undefined ? {} : { nonDifferentiableOutputs: definition.nonDifferentiableOutputs }),
  };
}

/**
 * A composite operator: `compose` is written in other operators and is recorded as one node. With `vjp` it has an explicit backward rule that
 * a test holds equal to the composition.
 */
export function compositeOperator<P>(
  name: string,
  compose: (inputs: readonly Tensor[], params: P) => Tensor | Tensor[],
  derivative: Derivative<Tensor, P> = { kind: 'composite' },
): Operator<Tensor, P> {
  return makeOperator<P>({ name, forward: compose, derivative, composite: true });
}

/** The dtype named by an option, or null. */
export function optionalType(dtype: DType | null | undefined): DTypeInfo | null {
  return dtype === null || dtype === undefined ? null : dtypeInfo(dtype);
}
