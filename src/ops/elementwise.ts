import type { DTypeInfo } from '../dtype/dtype.ts';
import { BOOL } from '../dtype/dtype.ts';
import { toFloatType } from '../dtype/promotion.ts';
import { type Sample, type SampleTensor, t } from '../op/contract.ts';
import { wrapInteger } from '../scalar/expr.ts';
import { applyOne } from '../tensor/apply.ts';
import { mapInPlace } from '../tensor/inplace.ts';
import type { MapOperator } from '../tensor/map-operator.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError } from '../util/errors.ts';
import {
  type Described,
  type DescriptionInput,
  described,
  exactOperand,
  integerOnly,
  notBool,
  type Operand,
  realOnly,
  requireTensor,
  type Scalar,
} from './family.ts';

/** What the elementwise families share: dtype rules, calls with any mix of tensors and scalars, samples. */

/** One elementwise call, made ready: all checks are behind it. */
export interface Plan {
  readonly operator: MapOperator;
  readonly inputs: readonly Tensor[];
  readonly values: readonly number[];
  readonly compute: DTypeInfo;
}

export interface PlannedFunction<A extends readonly unknown[]> extends Described {
  (...args: A): Tensor;
  inPlace(...args: A): Tensor;
}

function wantsInPlace(args: readonly unknown[]): boolean {
  const last = args[args.length - 1];
  return typeof last === 'object' && last !== null && !isTensor(last) && (last as { readonly inplace?: unknown }).inplace === true;
}

/** An elementwise function whose arguments `plan` turns into one call, with its in-place form. `R`: what users see of it, see `described`. */
export function planned<A extends readonly unknown[], R extends object = PlannedFunction<A>>(
  name: string,
  plan: (...args: A) => Plan,
  description: DescriptionInput & { readonly signature: string },
): R {
  const own = name.slice(name.lastIndexOf('.') + 1);
  const inPlace = (...args: A): Tensor => {
    const { operator, inputs, values, compute } = plan(...args);
    return mapInPlace(`${own}_`, args[0] as Tensor, operator, inputs, { values, compute });
  };
  const hasOption = description.signature.includes('inplace');
  const f = (...args: A): Tensor => {
    if (hasOption && wantsInPlace(args)) return inPlace(...args);
    const { operator, inputs, values, compute } = plan(...args);
    return applyOne(operator, inputs, { values, compute });
  };
  return described<typeof f & { inPlace: typeof inPlace }, R>(name, Object.assign(f, { inPlace }), description);
}

/** The plan of a call in which scalars may stand for tensors: each becomes a uniform parameter after those of the operator itself. */
export function planOperands(operator: MapOperator, given: readonly Operand[], compute: DTypeInfo, values: readonly number[] = []): Plan {
  const operands = given.map((operand) => exactOperand(operator.name, operand));
  let target = operator;
  const all = [...values];
  for (let i = operands.length - 1; i >= 0; i--) {
    const operand = operands[i] as Operand;
    if (isTensor(operand)) continue;
    target = target.withScalar(i);
    all.push(Number(operand));
  }
  return { operator: target, inputs: operands.filter(isTensor), values: all, compute };
}

/** Refuses a scalar that the integer dtype `type` cannot hold; most operators let it wrap around, as PyTorch's do. */
export function requireFits(name: string, role: string, value: Scalar, type: DTypeInfo): void {
  if (!type.isInteger || typeof value === 'boolean') return;
  const whole = BigInt(Math.trunc(Number(value)));
  if (wrapInteger(whole, type) !== whole)
    throw new ArgumentError(`${name}: ${role} is ${value}, which dtype ${type.name} cannot hold; cast the input to a wider dtype`);
}

export function requireTensors(name: string, tensors: Readonly<Record<string, unknown>>): void {
  for (const [role, x] of Object.entries(tensors)) requireTensor(name, role, x);
}

// ---------------------------------------------------------------- dtype rules

/** Integers and bool become the default float; complex is refused. */
export function toRealFloat(common: DTypeInfo, name: string): DTypeInfo {
  return toFloatType(realOnly(common, name));
}

/** Floating dtypes only: no promotion, no complex. */
export function realFloatOnly(common: DTypeInfo, name: string): DTypeInfo {
  if (!common.isFloat) throw new DTypeError(`${name}: needs a floating dtype, got ${common.name}; cast with .to('float32')`);
  return common;
}

/** Integers and floats: no bool, no complex. */
export function realNumbers(common: DTypeInfo, name: string): DTypeInfo {
  return notBool(realOnly(common, name), name);
}

/** Integers: no bool. */
export function integersOnly(common: DTypeInfo, name: string): DTypeInfo {
  return notBool(integerOnly(common, name), name);
}

/** Bool becomes int64, as where PyTorch computes a power with a whole exponent. */
export function boolToInteger(int64: DTypeInfo): (common: DTypeInfo) => DTypeInfo {
  return (common) => (common === BOOL ? int64 : common);
}

// ---------------------------------------------------------------- samples

/** One operand: ranks 0 to 3, empty, and a dtype that promotes if `integers`. */
export function unarySamples(low = -2, high = 2, integers = false): Sample[] {
  const of = (shape: readonly number[], options: Partial<SampleTensor> = {}): Sample => ({ args: [t(shape, { low, high, ...options })] });
  const samples = [of([2, 3]), of([]), of([0, 3]), of([2, 1, 3])];
  return integers ? [...samples, { args: [t([3], { dtype: 'int64', values: [0, 1, 2], grad: false })] }] : samples;
}

/** Two operands: equal shapes, broadcast both ways, 0-d, empty; with a scalar second operand if there is one. */
export function binarySamples(low = -2, high = 2, scalar: Scalar | null = null): Sample[] {
  const x = (shape: readonly number[]): SampleTensor => t(shape, { low, high });
  const samples: Sample[] = [
    { args: [x([2, 3]), x([2, 3])] },
    { args: [x([2, 1, 3]), x([4, 1])] },
    { args: [x([]), x([2])] },
    { args: [x([0, 3]), x([3])] },
  ];
  return scalar === null ? samples : [...samples, { args: [x([2, 3]), scalar] }];
}

/** Shapes that do not broadcast. */
export const BAD_BROADCAST = [{ args: [t([2, 3]), t([4, 5])], error: /\[2, 3\].*\[4, 5\]/ }];

/** A complex operand, which has no order. */
export const BAD_COMPLEX = [{ args: [t([2], { dtype: 'complex64' })], error: /complex64/ }];

/** No tensor at all. */
export const BAD_NO_TENSOR = [{ args: [1], error: /input must be a tensor/ }];
