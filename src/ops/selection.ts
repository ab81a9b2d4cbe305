import { BOOL, type DType, type DTypeInfo, UINT8 } from '../dtype/dtype.ts';
import type { FloatDType, RealDType } from '../dtype/types.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError } from '../util/errors.ts';
import { type Plan, planned, planOperands, realFloatOnly, requireFits, requireTensors, unarySamples } from './elementwise.ts';
import {
  commonType,
  isScalar,
  mapOperator,
  notBool,
  type Operand,
  realOnly,
  requireSameType,
  requireTensor,
  type Scalar,
} from './family.ts';
import type { AddProductFunction, LerpFunction, UnarySame } from './types.ts';

/** Selection and interpolation: functions of three operands. */

const [x, y, z] = [S.arg(0), S.arg(1), S.arg(2)];
const WHERE = mapOperator('where', 3, 0, () => S.select(x, y, z));

/** The plan of a selection by a bool tensor. */
export function planWhere(condition: Tensor, input: Operand, other: Operand): Plan {
  requireTensor('where', 'condition', condition);
  if (condition.type !== BOOL && condition.type !== UINT8) {
    throw new DTypeError(`where: condition must have dtype bool, got ${condition.dtype}: compare it, for example with .ne(0)`);
  }
  for (const [role, operand] of [
    ['input', input],
    ['other', other],
  ] as const)
    if (!isScalar(operand)) requireTensor('where', role, operand);
  const compute = commonType([input, other]);
  for (const [role, operand] of [
    ['input', input],
    ['other', other],
  ] as const)
    if (isScalar(operand)) requireFits('where', role, operand, compute);
  return planOperands(WHERE, [condition, input, other], compute);
}

const LERP = mapOperator('lerp', 3, 0, () => S.lerp(x, y, z));

/**
 * Linear interpolation, input + weight · (end - input), broadcast; `weight` may be a number. All tensors need one floating dtype.
 *
 * @example
 * lerp(tensor([0, 10]), tensor([10, 20]), 0.5); // tensor([ 5., 15.])
 */
export const lerp: LerpFunction<'lerp', FloatDType> = planned(
  'lerp',
  (input: Tensor, end: Tensor, weight: Tensor | Scalar): Plan => {
    requireTensors('lerp', { input, end });
    requireSameType('lerp', 'end', input, end);
    if (!isScalar(weight)) {
      requireTensor('lerp', 'weight', weight);
      requireSameType('lerp', 'weight', input, weight);
    }
    return planOperands(LERP, [input, end, weight], realFloatOnly(input.type, 'lerp'));
  },
  {
    signature: 'input, end, weight',
    samples: [
      { args: [t([2, 3]), t([2, 3]), 0.25] },
      { args: [t([2, 3]), t([3]), t([2, 1], { low: 0, high: 1 })] },
      { args: [t([]), t([]), 0.75] },
    ],
    bad: [{ args: [t([2]), t([2], { dtype: 'float64' }), 0.5], error: /float32.*float64/ }],
  },
);

/** Options of `addcmul` and `addcdiv`. */
export interface ValueOptions {
  /** Factor of the product or quotient. Default 1. */
  readonly value?: Scalar;
}

const ADDCMUL = mapOperator('addcmul', 3, 0, () => S.add(x, S.mul(y, z)));
const ADDCMUL_SCALED = mapOperator('addcmul', 3, 1, (_, [v]) => S.add(x, S.mul(S.mul(v as S.Expr, y), z)));
const ADDCDIV = mapOperator('addcdiv', 3, 0, () => S.add(x, S.div(y, z)));
const ADDCDIV_SCALED = mapOperator('addcdiv', 3, 1, (_, [v]) => S.add(x, S.div(S.mul(v as S.Expr, y), z)));

const THREE = [
  { args: [t([2, 3]), t([2, 3]), t([2, 3], { low: 0.5, high: 2 })] },
  { args: [t([2, 3]), t([3]), t([2, 1], { low: 0.5, high: 2 }), { value: 0.5 }] },
  { args: [t([]), t([]), t([], { low: 0.5, high: 2 })] },
];

function planProduct(
  name: string,
  plain: typeof ADDCMUL,
  scaled: typeof ADDCMUL,
  tensors: readonly [Tensor, Tensor, Tensor],
  value: Scalar | undefined,
): Plan {
  requireTensors(name, { input: tensors[0], tensor1: tensors[1], tensor2: tensors[2] });
  const compute: DTypeInfo = notBool(commonType(tensors), name);
  if (value === undefined || value === 1) return { operator: plain, inputs: tensors, values: [], compute };
  return { operator: scaled, inputs: tensors, values: [Number(value)], compute };
}

/**
 * input + value · tensor1 · tensor2, broadcast. Not defined for bool.
 *
 * @example
 * addcmul(tensor([1]), tensor([2]), tensor([3]), { value: 10 }); // tensor([61.])
 */
export const addcmul: AddProductFunction<'addcmul', DType, [options?: ValueOptions]> = planned(
  'addcmul',
  (input: Tensor, tensor1: Tensor, tensor2: Tensor, options?: ValueOptions): Plan =>
    planProduct('addcmul', ADDCMUL, ADDCMUL_SCALED, [input, tensor1, tensor2], options?.value),
  { signature: 'input, tensor1, tensor2, *, value', samples: THREE, bad: [{ args: [t([2]), t([3]), t([2])], error: /\[3\]/ }] },
);

/**
 * input + value · tensor1 / tensor2, broadcast. The quotient needs a floating dtype.
 *
 * @example
 * addcdiv(tensor([1]), tensor([6]), tensor([3]), { value: 10 }); // tensor([21.])
 */
export const addcdiv: AddProductFunction<'addcdiv', DType, [options?: ValueOptions]> = planned(
  'addcdiv',
  (input: Tensor, tensor1: Tensor, tensor2: Tensor, options?: ValueOptions): Plan => {
    const plan = planProduct('addcdiv', ADDCDIV, ADDCDIV_SCALED, [input, tensor1, tensor2], options?.value);
    const quotient = commonType([tensor1, tensor2]);
    if (!quotient.isFloat && !quotient.isComplex) {
      throw new DTypeError(
        `addcdiv: tensor1 / tensor2 of dtype ${quotient.name} is an integer division: cast one with .to('float32'), or use div with roundingMode`,
      );
    }
    return plan;
  },
  {
    signature: 'input, tensor1, tensor2, *, value',
    samples: THREE,
    bad: [{ args: [t([2]), t([2], { dtype: 'int64', grad: false }), t([2], { dtype: 'int64', grad: false })], error: /integer division/ }],
  },
);

/** Options of `nanToNum`. */
export interface NanToNumOptions {
  /** What NaN becomes. Default 0. */
  readonly nan?: number | null;
  /** What Infinity becomes. Default: the largest number of the dtype. */
  readonly posinf?: number | null;
  /** What -Infinity becomes. Default: the least number of the dtype. */
  readonly neginf?: number | null;
}

const NAN_TO_NUM = mapOperator('nanToNum', 1, 3, (_, [nan, high, low]) =>
  S.select(S.isnan(x), nan as S.Expr, S.select(S.eq(x, Infinity), high as S.Expr, S.select(S.eq(x, -Infinity), low as S.Expr, x))),
);
const UNCHANGED = mapOperator('nanToNum', 1, 0, () => x);

/** The largest finite number of each floating dtype. */
const LARGEST: Readonly<Record<string, number>> = {
  float64: Number.MAX_VALUE,
  float32: (2 - 2 ** -23) * 2 ** 127,
  float16: 65504,
  bfloat16: (2 - 2 ** -7) * 2 ** 127,
};

/**
 * NaN and infinities replaced by numbers; everything else, integers included, stays. Complex is refused.
 *
 * @example
 * nanToNum(tensor([NaN, Infinity, 1]), { posinf: 9 }); // tensor([0., 9., 1.])
 */
export const nanToNum: UnarySame<RealDType, [options?: NanToNumOptions]> = planned(
  'nanToNum',
  (input: Tensor, options: NanToNumOptions = {}): Plan => {
    requireTensor('nanToNum', 'input', input);
    const compute = realOnly(input.type, 'nanToNum');
    if (!compute.isFloat) return { operator: UNCHANGED, inputs: [input], values: [], compute };
    const largest = LARGEST[compute.name] as number;
    const values = [options.nan ?? 0, options.posinf ?? largest, options.neginf ?? -largest];
    if (values.some((value) => typeof value !== 'number')) throw new ArgumentError('nanToNum: nan, posinf and neginf must be numbers');
    return { operator: NAN_TO_NUM, inputs: [input], values, compute };
  },
  {
    signature: 'input, *, nan, posinf, neginf',
    samples: [
      ...unarySamples(),
      { args: [t([3], { values: [Number.NaN, Number.POSITIVE_INFINITY, 1] }), { nan: 2, posinf: 3 }], skipNumericGradient: true },
    ],
    bad: [{ args: [t([2], { dtype: 'complex64' })], error: /complex64/ }],
  },
);
