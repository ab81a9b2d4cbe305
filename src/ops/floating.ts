import { type DTypeInfo, FLOAT32, INT32 } from '../dtype/dtype.ts';
import { resultType, toFloatType } from '../dtype/promotion.ts';
import type { FloatDType, RealDType } from '../dtype/types.ts';
import { t } from '../op/contract.ts';
import { backend } from '../runtime/backend.ts';
import * as S from '../scalar/expr.ts';
import { applyOne } from '../tensor/apply.ts';
import { MapOperator } from '../tensor/map-operator.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { emptyTensor } from './create.ts';
import { BAD_BROADCAST, binarySamples, planned, realFloatOnly, requireTensors, toRealFloat, unarySamples } from './elementwise.ts';
import { binary, commonType, described, makeOperator, mapOperator, realOnly, requireSameType } from './family.ts';
import { type NamedResults, namedResults } from './results.ts';
import type { BinaryOtherFloat, BinarySameDType, BinaryTensors, FrexpFunction, LdexpFunction } from './types.ts';

/** Functions of how numbers are represented: signs, exponents, neighbours. */

/**
 * The magnitude of `input` with the sign of `other` (a number or a tensor, broadcast). Integers and bool give the default float; complex is
 * refused. The derivative at 0 is 0.
 *
 * @example
 * copysign(tensor([1, -2]), -1); // tensor([-1., -2.])
 */
export const copysign: BinaryOtherFloat<'copysign', RealDType> = binary('copysign', S.copysign, {
  type: toRealFloat,
  scalars: 'other',
  samples: binarySamples(0.5, 2, -1),
  bad: BAD_BROADCAST,
});

/** By dtype; float32 and float64 share an expression. */
const NEXT: Readonly<Record<string, MapOperator>> = {
  float64: new MapOperator('nextafter', () => S.nextafter(S.arg(0), S.arg(1)), 2, 0),
  float16: new MapOperator('nextafter', () => S.nextafterFloat16(S.arg(0), S.arg(1)), 2, 0),
  bfloat16: new MapOperator('nextafter', () => S.nextafterBfloat16(S.arg(0), S.arg(1)), 2, 0),
};

/**
 * The next number of the dtype after `input` towards `other`, broadcast. Floating dtypes. The derivative by `input` is 1, but 0 where both are equal.
 *
 * @example
 * nextafter(tensor([1]), tensor([2])).sub(1); // tensor([1.1921e-07])
 */
export const nextafter: BinaryTensors<'nextafter', RealDType> = planned(
  'nextafter',
  (input: Tensor, other: Tensor) => {
    requireTensors('nextafter', { input, other });
    const compute = realFloatOnly(commonType([input, other]), 'nextafter');
    return { operator: (NEXT[compute.name] ?? NEXT.float64) as MapOperator, inputs: [input, other], values: [], compute };
  },
  {
    signature: 'input, other',
    samples: binarySamples().map((sample) => ({ ...sample, skipNumericGradient: true })),
    bad: [
      ...BAD_BROADCAST,
      { args: [t([2], { dtype: 'int64', grad: false }), t([2], { dtype: 'int64', grad: false })], error: /floating/ },
    ],
  },
);

const LDEXP = mapOperator('ldexp', 2, 0, ([x, y]) => S.mul(x as S.Expr, S.exp2(y as S.Expr)));

function scaledType(input: Tensor, other: Tensor): DTypeInfo {
  return resultType([
    { type: input.type, ndim: input.ndim },
    { type: toFloatType(other.type), ndim: other.ndim },
  ]);
}

/**
 * input · 2 ** other, broadcast. Integer exponents count as the default float in the promotion.
 *
 * @example
 * ldexp(tensor([1, 3]), tensor([2n, 4n])); // tensor([ 4., 48.])
 */
export const ldexp: LdexpFunction = planned(
  'ldexp',
  (input: Tensor, other: Tensor) => {
    requireTensors('ldexp', { input, other });
    return { operator: LDEXP, inputs: [input, other], values: [], compute: scaledType(input, other) };
  },
  { signature: 'input, other', samples: binarySamples(), bad: [{ args: [t([2]), 1], error: /other must be a tensor/ }] },
);

const MANTISSA = new MapOperator('frexp', () => S.mantissa(S.arg(0)), 1, 0);
const EXPONENT = new MapOperator('frexpExponent', () => S.binaryExponent(S.arg(0)), 1, 0, false);

const exponentOperator = makeOperator<null>({
  name: 'frexpExponent',
  forward: ([x]) => {
    const source = x as Tensor;
    const result = emptyTensor(source.shape, INT32);
    backend().map(EXPONENT.program, result, [source], [], source.type.itemsize < 4 ? FLOAT32 : source.type);
    return result;
  },
  derivative: { kind: 'none' },
  batching: { kind: 'leading' },
});

/** What `frexp` returns. */
export type Frexp = NamedResults<'mantissa' | 'exponent'>;

/**
 * Each element as mantissa · 2 ** exponent, with a mantissa of magnitude in [0.5, 1) in the input's dtype and an int32 exponent; 0, infinities and
 * NaN have exponent 0. Floating dtypes.
 *
 * @example
 * frexp(tensor([3, 0.25])); // mantissa: tensor([0.7500, 0.5000]), exponent: tensor([ 2, -1], dtype=int32)
 */
export const frexp: FrexpFunction<FloatDType> = described(
  'frexp',
  (input: Tensor): Frexp => {
    const compute = realFloatOnly(input.type, 'frexp');
    return namedResults(
      ['mantissa', 'exponent'],
      [applyOne(MANTISSA, [input], { values: [], compute }), applyOne(exponentOperator, [input], null)],
    );
  },
  {
    signature: 'input',
    tensors: 1,
    samples: unarySamples(0.6, 0.9),
    bad: [{ args: [t([2], { dtype: 'int64', grad: false })], error: /floating/ }],
  },
);

const HEAVISIDE = mapOperator(
  'heaviside',
  2,
  0,
  ([x, v]) => S.select(S.eq(x as S.Expr, 0), v as S.Expr, S.select(S.gt(x as S.Expr, 0), 1, 0)),
  false,
);

/**
 * 0 for negative elements, 1 for positive ones, and `values` (broadcast) where `input` is 0. Both need one dtype; carries no gradient.
 *
 * @example
 * heaviside(tensor([-1, 0, 2]), tensor([0.5])); // tensor([0.0000, 0.5000, 1.0000])
 */
export const heaviside: BinarySameDType<'heaviside', RealDType> = planned(
  'heaviside',
  (input: Tensor, values: Tensor) => {
    requireTensors('heaviside', { input, values });
    requireSameType('heaviside', 'values', input, values);
    return { operator: HEAVISIDE, inputs: [input, values], values: [], compute: realOnly(input.type, 'heaviside') };
  },
  {
    signature: 'input, values',
    samples: binarySamples(),
    bad: [{ args: [t([2]), t([2], { dtype: 'float64' })], error: /float32.*float64/ }],
  },
);
