import type { DTypeInfo } from '../dtype/dtype.ts';
import type { RealDType } from '../dtype/types.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import { substitute } from '../scalar/substitute.ts';
import { MapOperator, type MapParams } from '../tensor/map-operator.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { BAD_BROADCAST, binarySamples, realNumbers } from './elementwise.ts';
import { type BinaryFunction, binary, described, isScalar, type Operand } from './family.ts';
import { everyElement } from './truth.ts';
import type { BinaryOther, BinaryPromote, QuotientFunction } from './types.ts';

function zeroDivisor(name: string): never {
  throw new ArgumentError(`${name}: integer division by zero; cast an operand with .to('float32') to get infinities and NaN instead`);
}

/** A quotient or remainder: the last operand is a divisor, in which integers must not have a zero. */
class DivisionOperator extends MapOperator {
  override forward(inputs: readonly Tensor[], params: MapParams): Tensor {
    this.#check(inputs, params);
    return super.forward(inputs, params);
  }

  override forwardInto(target: Tensor, inputs: readonly Tensor[], params: MapParams): void {
    this.#check(inputs, params);
    super.forwardInto(target, inputs, params);
  }

  override withScalar(index: number): MapOperator {
    if (index !== 0) return super.withScalar(index);
    this.#scalarDividend ??= new DivisionOperator(
      this.name,
      substitute(this.expr, [S.param(0), S.arg(0)]),
      1,
      1,
      this.derivative.kind === 'map',
    );
    return this.#scalarDividend;
  }
  #scalarDividend: DivisionOperator | undefined;

  #check(inputs: readonly Tensor[], { compute }: MapParams): void {
    if (!compute.isInteger || inputs.some((x) => x.size === 0)) return;
    if (!everyElement(this.name, inputs[inputs.length - 1] as Tensor)) zeroDivisor(this.name);
  }
}

function checkScalar(name: string, other: Operand, compute: DTypeInfo): void {
  if (!compute.isInteger || !isScalar(other)) return;
  // As for every operator, the scalar wraps around to the dtype first.
  if (S.wrapInteger(BigInt(Math.trunc(Number(other))), compute) === 0n) zeroDivisor(name);
}

const SAMPLES = binarySamples(0.5, 2, 2);
const BAD_INTEGER = [...BAD_BROADCAST, { args: [t([2], { dtype: 'int64', grad: false }), 0], error: /division by zero/ }];

function division<R extends object = BinaryFunction>(
  name: string,
  build: (x: S.Expr, y: S.Expr) => S.Expr,
  options: { differentiable?: boolean; scalars?: 'either' | 'other' } = {},
): R {
  const differentiable = options.differentiable ?? true;
  return binary(name, build, {
    type: realNumbers,
    operator: new DivisionOperator(name, () => build(S.arg(0), S.arg(1)), 2, 0, differentiable),
    ...(options.scalars === undefined ? {} : { scalars: options.scalars }),
    check: (_, other, compute) => checkScalar(name, other, compute),
    samples: SAMPLES.map((sample) => ({ ...sample, skipNumericGradient: true })),
    bad: BAD_INTEGER,
  });
}

const exact: BinaryFunction = binary('div', S.div, { type: 'float' });
const floored = division('div', S.floorDivide);
const truncated = division('div', (x, y) => S.trunc(S.div(x, y)));

/** Options of `div`. */
export interface DivOptions {
  /** `'floor'` or `'trunc'`: round the quotient. Default null: the exact quotient. */
  readonly roundingMode?: 'floor' | 'trunc' | null;
}

function divisionFor(mode: DivOptions['roundingMode']): typeof exact {
  if (mode === null || mode === undefined) return exact;
  if (mode === 'floor') return floored;
  if (mode === 'trunc') return truncated;
  throw new ArgumentError(`div: roundingMode must be null, 'floor' or 'trunc', got '${String(mode)}'`);
}

type DivFunction = (input: Operand, other: Operand, options?: DivOptions) => Tensor;

const divide_: DivFunction = (input, other, options) => divisionFor(options?.roundingMode)(input, other);

/**
 * The quotient `input / other`, broadcast; either may be a number. Integers and bool give the default float, unless `roundingMode` is `'floor'` or
 * `'trunc'`: then the dtype is PyTorch's promotion and bool is refused. Throws ArgumentError for a rounded integer division by zero.
 *
 * @example
 * div(tensor([7, -7]), 2, { roundingMode: 'floor' }); // tensor([ 3., -4.])
 */
export const div: QuotientFunction<'div'> = described(
  'div',
  Object.assign(divide_, {
    inPlace: (input: Tensor, other: Operand, options?: DivOptions): Tensor => divisionFor(options?.roundingMode).inPlace(input, other),
  }),
  {
    signature: 'input, other, *, rounding_mode',
    samples: [
      ...SAMPLES,
      { args: [t([2, 3]), 2, { roundingMode: 'floor' }], skipNumericGradient: true },
      { args: [t([2, 3]), t([3], { low: 1, high: 2 }), { roundingMode: 'trunc' }], skipNumericGradient: true },
    ],
    bad: [...BAD_BROADCAST, { args: [t([2], { dtype: 'int64', grad: false }), 0, { roundingMode: 'floor' }], error: /division by zero/ }],
  },
);

/**
 * Another name of `div`.
 *
 * @example
 * divide(tensor([1, 3]), 2); // tensor([0.5000, 1.5000])
 */
export const divide = div;

/**
 * The exact quotient; another name of `div`.
 *
 * @example
 * trueDivide(tensor([1, 3]), 2); // tensor([0.5000, 1.5000])
 */
export const trueDivide = div;

/**
 * The floor of the quotient, consistent with `remainder`. Dtype: PyTorch's promotion; bool and complex are refused; carries no gradient. Throws
 * ArgumentError for an integer division by zero.
 *
 * @example
 * floorDivide(tensor([7, -7]), 2); // tensor([ 3., -4.])
 */
export const floorDivide: BinaryPromote<'floorDivide', RealDType> = division('floorDivide', S.floorDivide, { differentiable: false });

/**
 * The remainder with the sign of the divisor: `input - other * floor(input / other)`. Dtype: PyTorch's promotion; bool and complex are refused.
 * Throws ArgumentError for an integer division by zero.
 *
 * @example
 * remainder(tensor([-3, 3]), 2); // tensor([1., 1.])
 */
export const remainder: BinaryPromote<'remainder', RealDType> = division('remainder', S.remainder);

/**
 * The remainder with the sign of the dividend, as C's fmod. Dtype: PyTorch's promotion; bool and complex are refused. Throws ArgumentError for an
 * integer division by zero.
 *
 * @example
 * fmod(tensor([-3, 3]), 2); // tensor([-1., 1.])
 */
export const fmod: BinaryOther<'fmod', RealDType> = division('fmod', S.fmod, { scalars: 'other' });
