import { BOOL, type DType, type DTypeInfo } from '../dtype/dtype.ts';
import type { NumericDType } from '../dtype/types.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import { mapInPlace } from '../tensor/inplace.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { type Plan, planned, planOperands, unarySamples } from './elementwise.ts';
import {
  type BinaryFunction,
  binary,
  callMap,
  commonType,
  type Described,
  described,
  isScalar,
  mapOperator,
  notBool,
  type Operand,
  requireTensor,
  type Scalar,
  unary,
} from './family.ts';
import type { BinaryOther, BinaryPromote, UnarySame } from './types.ts';

const SAMPLES = [
  { args: [t([2, 3]), t([2, 3])] },
  { args: [t([2, 3]), t([3])] },
  { args: [t([2, 1, 3]), t([4, 1])] },
  { args: [t([]), t([2])] },
  { args: [t([0, 3]), t([3])] },
  { args: [t([2, 3]), 2] },
];
const BAD = [{ args: [t([2, 3]), t([4, 5])], error: /\[2, 3\].*\[4, 5\]/ }];

/** Options of sums and differences. */
export interface AlphaOptions {
  /** Factor of the second operand. Default 1. */
  readonly alpha?: Scalar;
}

type ScaledFunction = (input: Operand, other: Operand, options?: AlphaOptions) => Tensor;

function checkAlpha(name: string, alpha: Scalar, compute: DTypeInfo): void {
  if (typeof alpha === 'number' && !Number.isInteger(alpha) && !compute.isFloat && !compute.isComplex) {
    throw new ArgumentError(
      `${name}: alpha is ${alpha}, but the operands have the integer dtype ${compute.name}: use a whole alpha or cast an operand`,
    );
  }
  if (typeof alpha === 'boolean' && compute !== BOOL)
    throw new ArgumentError(`${name}: a boolean alpha needs bool operands, not ${compute.name}`);
}

/** A difference is not defined where one side is bool. */
function refuseBool(name: string, input: Operand, other: Operand): void {
  for (const x of [input, other]) if (x === true || x === false || (isTensor(x) && x.type === BOOL)) notBool(BOOL, name);
}

/** `x ± alpha · y`: without alpha the plain two-operand expression. */
function scaledSum<R extends object>(
  name: string,
  build: (x: S.Expr, y: S.Expr) => S.Expr,
  check: (name: string, input: Operand, other: Operand) => void,
): R & Described {
  const plain: BinaryFunction = binary(name, build, { check: (input, other) => check(name, input, other) });
  const scaled = mapOperator(name, 2, 1, ([x, y], [alpha]) => build(x as S.Expr, S.mul(alpha as S.Expr, y as S.Expr)));
  const plan = (input: Operand, other: Operand, alpha: Scalar): Plan => {
    if (!isTensor(other) || !isScalar(input)) requireTensor(name, 'input', input);
    if (!isScalar(other)) requireTensor(name, 'other', other);
    check(name, input, other);
    const compute = commonType([input, other]);
    checkAlpha(name, alpha, compute);
    return planOperands(scaled, [input, other], compute, [Number(alpha)]);
  };
  const f: ScaledFunction = (input, other, options) => {
    const alpha = options?.alpha ?? 1;
    if (alpha === 1) return plain(input, other);
    const { operator, inputs, values, compute } = plan(input, other, alpha);
    return callMap(operator, inputs, values, compute);
  };
  const inPlace = (input: Tensor, other: Operand, options?: AlphaOptions): Tensor => {
    const alpha = options?.alpha ?? 1;
    if (alpha === 1) return plain.inPlace(input, other);
    const { operator, inputs, values, compute } = plan(input, other, alpha);
    return mapInPlace(`${name}_`, input, operator, inputs, { values, compute });
  };
  return described<typeof f, R>(name, Object.assign(f, { inPlace }), {
    signature: 'input, other, *, alpha',
    samples: [...SAMPLES, { args: [t([2, 3]), t([3]), { alpha: 0.5 }] }, { args: [t([2, 3]), 3, { alpha: 2 }] }],
    bad: BAD,
  });
}

/**
 * Element by element sum `input + alpha · other`, broadcast; either may be a number. Dtype: PyTorch's promotion. Throws ShapeError if the
 * shapes do not broadcast.
 *
 * @example
 * add(tensor([1, 2]), tensor([10, 20])); // tensor([11., 22.])
 */
export const add: BinaryPromote<'add', DType, [options?: AlphaOptions]> = scaledSum('add', S.add, () => {});

/**
 * Element by element difference `input - alpha · other`, broadcast; either may be a number. Not defined for bool.
 *
 * @example
 * sub(tensor([3, 5]), 1); // tensor([2., 4.])
 */
export const sub: BinaryPromote<'sub', NumericDType, [options?: AlphaOptions]> = scaledSum('sub', S.sub, refuseBool);

/**
 * Element by element product, broadcast; either operand may be a number.
 *
 * @example
 * mul(tensor([1, 2]), 3); // tensor([3., 6.])
 */
export const mul: BinaryPromote<'mul'> = binary('mul', S.mul, { samples: SAMPLES, bad: BAD });

/**
 * Minus each element; not defined for bool.
 *
 * @example
 * neg(tensor([1, -2])); // tensor([-1., 2.])
 */
export const neg: UnarySame<NumericDType> = unary('neg', S.neg, {
  type: notBool,
  samples: unarySamples(),
  bad: [{ args: [t([2], { dtype: 'bool' })], error: /bool/ }],
});

/**
 * Another name of `sub`.
 *
 * @example
 * subtract(tensor([3, 5]), 1); // tensor([2., 4.])
 */
export const subtract = sub;

/**
 * Another name of `mul`.
 *
 * @example
 * multiply(tensor([3, 5]), 2); // tensor([ 6., 10.])
 */
export const multiply = mul;

/**
 * Another name of `neg`.
 *
 * @example
 * negative(tensor([1, -2])); // tensor([-1.,  2.])
 */
export const negative = neg;

const reversed = mapOperator('rsub', 2, 1, ([x, y], [alpha]) => S.sub(y as S.Expr, S.mul(alpha as S.Expr, x as S.Expr)));
const reversedPlain = mapOperator('rsub', 2, 0, ([x, y]) => S.sub(y as S.Expr, x as S.Expr));

/**
 * The difference the other way round, `other - alpha · input`, broadcast; `other` may be a number. Not defined for bool.
 *
 * @example
 * rsub(tensor([1, 2]), 10); // tensor([9., 8.])
 */
export const rsub: BinaryOther<'rsub', NumericDType, [options?: AlphaOptions]> = planned(
  'rsub',
  (input: Tensor, other: Operand, options?: AlphaOptions) => {
    requireTensor('rsub', 'input', input);
    if (!isScalar(other)) requireTensor('rsub', 'other', other);
    refuseBool('rsub', input, other);
    const compute = commonType([input, other]);
    const alpha = options?.alpha ?? 1;
    checkAlpha('rsub', alpha, compute);
    return alpha === 1
      ? planOperands(reversedPlain, [input, other], compute)
      : planOperands(reversed, [input, other], compute, [Number(alpha)]);
  },
  {
    signature: 'input, other, *, alpha',
    samples: [...SAMPLES, { args: [t([2, 3]), t([3]), { alpha: 0.5 }] }],
    bad: [...BAD, { args: [2, t([2])], error: /input must be a tensor/ }],
  },
);

/**
 * `input` itself; not defined for bool.
 *
 * @example
 * positive(tensor([1, -2])); // tensor([ 1., -2.])
 */
export const positive: UnarySame<NumericDType> = described(
  'positive',
  (input: Tensor): Tensor => {
    notBool(input.type, 'positive');
    return input;
  },
  { signature: 'input', tensors: 1, samples: unarySamples(), bad: [{ args: [t([2], { dtype: 'bool' })], error: /bool/ }] },
);
