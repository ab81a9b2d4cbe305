import { type DTypeInfo, FLOAT64 } from '../dtype/dtype.ts';
import type { RealDType } from '../dtype/types.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import { mapInPlace } from '../tensor/inplace.ts';
import type { MapOperator } from '../tensor/map-operator.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { BAD_BROADCAST, binarySamples, planned, planOperands } from './elementwise.ts';
import { binary, callMap, commonType, described, isScalar, mapOperator, notBool, type Operand, realOnly, requireTensor } from './family.ts';
import type { BinaryPromote, BinaryTo } from './types.ts';

const general = binary('pow', S.pow);

/** Exponents with a cheaper and exact expression of their own. */
const special = new Map<number, MapOperator>([
  [2, power((x) => S.mul(x, x))],
  [3, power((x) => S.mul(S.mul(x, x), x))],
  [0.5, power((x) => S.sqrt(x))],
  [-0.5, power((x) => S.rsqrt(x))],
  [-1, power((x) => S.div(S.constant(1), x))],
  [-2, power((x) => S.div(S.constant(1), S.mul(x, x)))],
]);

function power(build: (x: S.Expr) => S.Expr): MapOperator {
  return mapOperator('pow', 1, 0, ([x]) => build(x as S.Expr));
}

function specialFor(input: Operand, exponent: Operand, compute: DTypeInfo): MapOperator | undefined {
  if (typeof exponent !== 'number' || isScalar(input)) return undefined;
  return compute.isFloat || exponent >= 2 ? special.get(exponent) : undefined;
}

function prepare(input: Operand, exponent: Operand): DTypeInfo {
  if (!isScalar(input)) requireTensor('pow', 'input', input);
  if (!isScalar(exponent)) requireTensor('pow', 'exponent', exponent);
  const compute = notBool(commonType([input, exponent]), 'pow');
  if (isScalar(exponent) && Number(exponent) < 0 && !compute.isFloat && !compute.isComplex) {
    throw new ArgumentError(
      `pow: the negative exponent ${exponent} is not defined for the integer dtype ${compute.name}: cast the input with .to('float32')`,
    );
  }
  return compute;
}

/**
 * Each element to a power; input and exponent broadcast, either may be a number. Integers cannot have a negative exponent.
 *
 * @example
 * pow(tensor([1, 2, 3]), 2); // tensor([1., 4., 9.])
 */
export const pow: BinaryPromote<'pow'> = described(
  'pow',
  Object.assign(
    (input: Operand, exponent: Operand): Tensor => {
      const compute = prepare(input, exponent);
      const own = specialFor(input, exponent, compute);
      return own === undefined ? general(input, exponent) : callMap(own, [input as Tensor], [], compute);
    },
    {
      inPlace: (input: Tensor, exponent: Operand): Tensor => {
        const compute = prepare(input, exponent);
        const own = specialFor(input, exponent, compute);
        return own === undefined ? general.inPlace(input, exponent) : mapInPlace('pow_', input, own, [input], { values: [], compute });
      },
    },
  ),
  {
    signature: 'input, exponent',
    samples: [
      { args: [t([2, 3]), 2] },
      { args: [t([2, 3], { low: 0.5, high: 2 }), 2.5] },
      { args: [t([2, 3], { low: 0.5, high: 2 }), t([3])] },
      { args: [2, t([3])] },
    ],
    bad: [{ args: [t([2], { dtype: 'int64' }), -1], error: /negative exponent/ }],
  },
);

const wide = mapOperator('floatPower', 2, 0, ([x, y]) => S.pow(x as S.Expr, y as S.Expr));

/**
 * Each element to a power in double precision: the result is float64 whatever the dtypes are. Input and exponent broadcast, either may be a
 * number; complex is refused.
 *
 * @example
 * floatPower(tensor([4n, 9n]), -0.5); // tensor([0.5000, 0.3333], dtype=float64)
 */
export const floatPower: BinaryTo<'float64', 'floatPower', RealDType> = planned(
  'floatPower',
  (input: Operand, exponent: Operand) => {
    if (!isTensor(exponent) || !isScalar(input)) requireTensor('floatPower', 'input', input);
    if (!isScalar(exponent)) requireTensor('floatPower', 'exponent', exponent);
    realOnly(commonType([input, exponent]), 'floatPower');
    return planOperands(wide, [input, exponent], FLOAT64);
  },
  { signature: 'input, exponent', samples: binarySamples(0.5, 2, 2), bad: BAD_BROADCAST },
);
