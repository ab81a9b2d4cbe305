import type { WholeDType } from '../dtype/types.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import { BAD_BROADCAST, integersOnly } from './elementwise.ts';
import { binary, integerOnly, unary } from './family.ts';
import type { BinaryPromote, BinaryTensors, UnarySame } from './types.ts';

/** Bits and divisors of integers. No gradients. */

const int = (shape: readonly number[]) => t(shape, { dtype: 'int64', low: 0, high: 9, grad: false });
const SAMPLES = [
  { args: [int([2, 3]), int([2, 3])] },
  { args: [int([2, 1, 3]), int([4, 1])] },
  { args: [int([]), int([2])] },
  { args: [int([0, 3]), int([3])] },
];
const SCALAR_SAMPLES = [...SAMPLES, { args: [int([2, 3]), 3] }];
const BAD_FLOAT = [
  ...BAD_BROADCAST.map(({ error }) => ({ args: [int([2, 3]), int([4, 5])], error })),
  { args: [t([2]), t([2])], error: /integer/ },
];

function bits<N extends string>(name: N, build: (x: S.Expr, y: S.Expr) => S.Expr, type = integerOnly): BinaryPromote<N, WholeDType> {
  return binary(name, build, { type, samples: SCALAR_SAMPLES, bad: BAD_FLOAT });
}

/**
 * The bits that both operands have, broadcast; either may be a number. For bool: logical and. Floating dtypes are refused.
 *
 * @example
 * bitwiseAnd(tensor([6n, 5n]), 3); // tensor([2, 1])
 */
export const bitwiseAnd = bits('bitwiseAnd', S.bitAnd);

/**
 * The bits that one operand or both have, broadcast; either may be a number. For bool: logical or. Floating dtypes are refused.
 *
 * @example
 * bitwiseOr(tensor([6n, 5n]), 3); // tensor([7, 7])
 */
export const bitwiseOr = bits('bitwiseOr', S.bitOr);

/**
 * The bits that exactly one operand has, broadcast; either may be a number. For bool: logical xor. Floating dtypes are refused.
 *
 * @example
 * bitwiseXor(tensor([6n, 5n]), 3); // tensor([5, 6])
 */
export const bitwiseXor = bits('bitwiseXor', S.bitXor);

/**
 * All bits inverted; for bool: logical not. Floating dtypes are refused.
 *
 * @example
 * bitwiseNot(tensor([0n, 5n])); // tensor([-1, -6])
 */
export const bitwiseNot: UnarySame<WholeDType> = unary('bitwiseNot', S.bitNot, {
  type: integerOnly,
  samples: [{ args: [int([2, 3])] }, { args: [int([])] }, { args: [t([3], { dtype: 'bool', grad: false })] }],
  bad: [{ args: [t([2])], error: /integer/ }],
});

/**
 * Bits shifted to the left, broadcast; either may be a number. Shifts by less than 0 or by the width or more give 0. Integers only.
 *
 * @example
 * bitwiseLeftShift(tensor([1n, 3n]), 2); // tensor([ 4, 12])
 */
export const bitwiseLeftShift = bits('bitwiseLeftShift', S.shiftLeft, integersOnly);

/**
 * Bits shifted to the right, keeping the sign, broadcast; either may be a number. Integers only.
 *
 * @example
 * bitwiseRightShift(tensor([4n, -4n]), 1); // tensor([ 2, -2])
 */
export const bitwiseRightShift = bits('bitwiseRightShift', S.shiftRight, integersOnly);

/**
 * The greatest common divisor, not negative, broadcast. Integers only.
 *
 * @example
 * gcd(tensor([12n, -9n]), tensor([8n, 6n])); // tensor([4, 3])
 */
export const gcd: BinaryTensors<'gcd', WholeDType> = binary('gcd', S.gcd, {
  type: integersOnly,
  scalars: 'none',
  samples: SAMPLES,
  bad: BAD_FLOAT,
});

/**
 * The least common multiple, not negative, broadcast. Integers only.
 *
 * @example
 * lcm(tensor([4n, 6n]), tensor([6n, 0n])); // tensor([12,  0])
 */
export const lcm: BinaryTensors<'lcm', WholeDType> = binary('lcm', S.lcm, {
  type: integersOnly,
  scalars: 'none',
  samples: SAMPLES,
  bad: BAD_FLOAT,
});
