import type { DTypeInfo } from '../dtype/dtype.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import { mapInPlace } from '../tensor/inplace.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import {
  binary,
  callMap,
  commonType,
  described,
  isScalar,
  mapOperator,
  notBool,
  type Operand,
  requireTensor,
  type Scalar,
  unary,
} from './family.ts';

const SAMPLES = [
  { args: [t([2, 3]), t([2, 3])] },
  { args: [t([2, 3]), t([3])] },
  { args: [t([2, 1, 3]), t([4, 1])] },
  { args: [t([]), t([2])] },
  { args: [t([0, 3]), t([3])] },
  { args: [t([2, 3]), 2] },
];
const BAD = [{ args: [t([2, 3]), t([4, 5])], error: /\[2, 3\].*\[4, 5\]/ }];

export interface AlphaOptions {
  /** Factor of the second operand. Default 1. */
  readonly alpha?: Scalar;
}

interface ScaledFunction {
  (input: Operand, other: Operand, options?: AlphaOptions): Tensor;
}

/** `x ± alpha · y`: without alpha the plain two-operand expression. */
function scaledSum(name: string, build: (x: S.Expr, y: S.Expr) => S.Expr, type: 'promote' | typeof notBool) {
  const plain = binary(name, build, { type });
  const scaled = mapOperator(name, 2, 1, ([x, y], [alpha]) => build(x as S.Expr, S.mul(alpha as S.Expr, y as S.Expr)));
  const prepare = (input: Operand, other: Operand, alpha: Scalar): DTypeInfo => {
    const compute = commonType([input, other]);
    if (typeof alpha === 'number' && !Number.isInteger(alpha) && !compute.isFloat && !compute.isComplex) {
      throw new ArgumentError(`${name}: alpha is ${alpha}, but the operands have the integer dtype ${compute.name}: use a whole alpha or cast an operand`);
    }
    return compute;
  };
  const f: ScaledFunction = (input, other, options) => {
    const alpha = options?.alpha ?? 1;
    if (alpha === 1) return plain(input, other);
    if (isScalar(other)) return plain(input, Number(alpha) * Number(other));
    if (!isTensor(input)) return plain(input, mul(other, alpha));
    return callMap(scaled, [input, other], [Number(alpha)], prepare(input, other, alpha));
  };
  const inPlace = (input: Tensor, other: Operand, options?: AlphaOptions): Tensor => {
    const alpha = options?.alpha ?? 1;
    if (alpha === 1) return plain.inPlace(input, other);
    if (isScalar(other)) return plain.inPlace(input, Number(alpha) * Number(other));
    requireTensor(name, 'input', input);
    return mapInPlace(`${name}_`, input, scaled, [input, other], { values: [Number(alpha)], compute: prepare(input, other, alpha) });
  };
  return described(name, Object.assign(f, { inPlace }), {
    signature: 'input, other, *, alpha',
    samples: [...SAMPLES, { args: [t([2, 3]), t([3]), { alpha: 0.5 }] }],
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
export const add = scaledSum('add', S.add, 'promote');

/** Element by element difference `input - alpha · other`, broadcast; not defined for bool. */
export const sub = scaledSum('sub', S.sub, notBool);

/**
 * Element by element product, broadcast; either operand may be a number.
 *
 * @example
 * mul(tensor([1, 2]), 3); // tensor([3., 6.])
 */
export const mul = binary('mul', S.mul, { samples: SAMPLES, bad: BAD });

/** Minus each element; not defined for bool. */
export const neg = unary('neg', S.neg, { type: notBool, samples: [{ args: [t([2, 3])] }] });

