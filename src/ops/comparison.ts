import type { DTypeInfo } from '../dtype/dtype.ts';
import { resultType, toFloatType } from '../dtype/promotion.ts';
import type { RealDType } from '../dtype/types.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import { applyOne } from '../tensor/apply.ts';
import { MapOperator } from '../tensor/map-operator.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { BAD_BROADCAST, BAD_COMPLEX, binarySamples, requireTensors, unarySamples } from './elementwise.ts';
import { binary, described, mapOperator, realOnly, requireSameType, unary } from './family.ts';
import { everyElement } from './truth.ts';
import type { CloseElements, Closeness, Comparison, EqualFunction, TensorComparison, UnaryBool } from './types.ts';

/** Comparisons, logic and classification. Results have dtype bool and no gradient. */

const SAMPLES = binarySamples(-2, 2, 1);

function comparison<N extends string>(name: N, build: (x: S.Expr, y: S.Expr) => S.Expr): Comparison<N> {
  return binary(name, build, { scalars: 'other', samples: SAMPLES, bad: BAD_BROADCAST });
}

function ordering<N extends string>(name: N, build: (x: S.Expr, y: S.Expr) => S.Expr): Comparison<N, RealDType> {
  return binary(name, build, { type: realOnly, scalars: 'other', samples: SAMPLES, bad: BAD_BROADCAST });
}

/**
 * Where elements are equal, broadcast; `other` may be a number. NaN equals nothing.
 *
 * @example
 * eq(tensor([1, 2]), 2); // tensor([False,  True])
 */
export const eq = comparison('eq', S.eq);

/**
 * Where elements differ, broadcast; `other` may be a number.
 *
 * @example
 * ne(tensor([1, 2]), 2); // tensor([ True, False])
 */
export const ne = comparison('ne', S.ne);

/**
 * Where `input` is less, broadcast; `other` may be a number. Complex is refused.
 *
 * @example
 * lt(tensor([1, 2]), 2); // tensor([ True, False])
 */
export const lt = ordering('lt', S.lt);

/**
 * Where `input` is less or equal, broadcast; `other` may be a number. Complex is refused.
 *
 * @example
 * le(tensor([1, 2, 3]), 2); // tensor([ True,  True, False])
 */
export const le = ordering('le', S.le);

/**
 * Where `input` is greater, broadcast; `other` may be a number. Complex is refused.
 *
 * @example
 * gt(tensor([1, 2, 3]), 2); // tensor([False, False,  True])
 */
export const gt = ordering('gt', S.gt);

/**
 * Where `input` is greater or equal, broadcast; `other` may be a number. Complex is refused.
 *
 * @example
 * ge(tensor([1, 2, 3]), 2); // tensor([False,  True,  True])
 */
export const ge = ordering('ge', S.ge);

/**
 * Another name of `ne`.
 *
 * @example
 * notEqual(tensor([1, 2]), 2); // tensor([ True, False])
 */
export const notEqual = ne;
/**
 * Another name of `lt`.
 *
 * @example
 * less(tensor([1, 2]), 2); // tensor([ True, False])
 */
export const less = lt;
/**
 * Another name of `le`.
 *
 * @example
 * lessEqual(tensor([1, 3]), 2); // tensor([ True, False])
 */
export const lessEqual = le;
/**
 * Another name of `gt`.
 *
 * @example
 * greater(tensor([1, 3]), 2); // tensor([False,  True])
 */
export const greater = gt;
/**
 * Another name of `ge`.
 *
 * @example
 * greaterEqual(tensor([1, 2]), 2); // tensor([False,  True])
 */
export const greaterEqual = ge;

function logical<N extends string>(name: N, build: (x: S.Expr, y: S.Expr) => S.Expr): TensorComparison<N> {
  return binary(name, build, { scalars: 'none', samples: binarySamples(), bad: BAD_BROADCAST });
}

/**
 * Where both elements are not 0, broadcast; any dtypes.
 *
 * @example
 * logicalAnd(tensor([true, true]), tensor([true, false])); // tensor([ True, False])
 */
export const logicalAnd = logical('logicalAnd', S.and);

/**
 * Where one element or both are not 0, broadcast; any dtypes.
 *
 * @example
 * logicalOr(tensor([false, true]), tensor([false, false])); // tensor([False,  True])
 */
export const logicalOr = logical('logicalOr', S.or);

/**
 * Where exactly one element is not 0, broadcast; any dtypes.
 *
 * @example
 * logicalXor(tensor([true, true]), tensor([true, false])); // tensor([False,  True])
 */
export const logicalXor = logical('logicalXor', S.xor);

function test(name: string, build: (x: S.Expr) => S.Expr, type: 'promote' | typeof realOnly = 'promote'): UnaryBool {
  return unary(name, build, {
    type,
    samples: unarySamples(-2, 2, true),
    bad: type === realOnly ? BAD_COMPLEX : [{ args: [1], error: /must be a tensor/ }],
  });
}

/**
 * Where elements are 0; any dtype.
 *
 * @example
 * logicalNot(tensor([0, 2])); // tensor([ True, False])
 */
export const logicalNot = test('logicalNot', S.not);

/**
 * Where elements are NaN; never for integers.
 *
 * @example
 * isnan(tensor([1, NaN])); // tensor([False,  True])
 */
export const isnan = test('isnan', S.isnan);

/**
 * Where elements are infinite; never for integers.
 *
 * @example
 * isinf(tensor([1, -Infinity])); // tensor([False,  True])
 */
export const isinf = test('isinf', S.isinf);

/**
 * Where elements are neither infinite nor NaN; everywhere for integers.
 *
 * @example
 * isfinite(tensor([1, NaN])); // tensor([ True, False])
 */
export const isfinite = test('isfinite', S.isfinite);

/**
 * Where elements are positive infinity. Complex is refused.
 *
 * @example
 * isposinf(tensor([Infinity, -Infinity])); // tensor([ True, False])
 */
export const isposinf: UnaryBool<RealDType> = test('isposinf', (x) => S.and(S.isinf(x), S.gt(x, 0)), realOnly);

/**
 * Where elements are negative infinity. Complex is refused.
 *
 * @example
 * isneginf(tensor([Infinity, -Infinity])); // tensor([False,  True])
 */
export const isneginf: UnaryBool<RealDType> = test('isneginf', (x) => S.and(S.isinf(x), S.lt(x, 0)), realOnly);

/**
 * Where elements have no imaginary part: everywhere for real dtypes.
 *
 * @example
 * isreal(tensor([1, 2])); // tensor([True, True])
 */
export const isreal = test('isreal', (x) => S.or(S.eq(x, x), S.ne(x, x)));

/** Options of `isclose` and `allclose`. */
export interface CloseOptions {
  /** Allowed difference relative to `other`. Default 1e-5. */
  readonly rtol?: number;
  /** Allowed difference. Default 1e-8. */
  readonly atol?: number;
  /** Count NaN as close to NaN. Default false. */
  readonly equalNan?: boolean;
}

function closeTo(x: S.Expr, y: S.Expr, relative: S.Expr, absolute: S.Expr): S.Expr {
  const difference = S.abs(S.sub(x, y));
  const allowed = S.add(absolute, S.abs(S.mul(relative, y)));
  return S.or(S.eq(x, y), S.and(S.isfinite(difference), S.le(difference, allowed)));
}

const bothNan = (x: S.Expr, y: S.Expr): S.Expr => S.and(S.isnan(x), S.isnan(y));
const close = mapOperator('isclose', 2, 2, ([x, y], [r, a]) => closeTo(x as S.Expr, y as S.Expr, r as S.Expr, a as S.Expr));
const closeOrNan = mapOperator('isclose', 2, 2, ([x, y], [r, a]) =>
  S.or(bothNan(x as S.Expr, y as S.Expr), closeTo(x as S.Expr, y as S.Expr, r as S.Expr, a as S.Expr)),
);
const same = mapOperator('isclose', 2, 0, ([x, y]) => S.eq(x as S.Expr, y as S.Expr));
const sameOrNan = mapOperator('isclose', 2, 0, ([x, y]) => S.or(bothNan(x as S.Expr, y as S.Expr), S.eq(x as S.Expr, y as S.Expr)));

function closeness(name: string, input: Tensor, other: Tensor, options: CloseOptions = {}): Tensor {
  requireTensors(name, { input, other });
  requireSameType(name, 'other', input, other);
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = options;
  for (const [role, value] of [
    ['rtol', rtol],
    ['atol', atol],
  ] as const) {
    if (!(value >= 0)) throw new ArgumentError(`${name}: ${role} must not be negative, got ${value}`);
  }
  const exact = rtol === 0 && atol === 0;
  const operator = exact ? (equalNan ? sameOrNan : same) : equalNan ? closeOrNan : close;
  return applyOne(operator, [input, other], { values: exact ? [] : [rtol, atol], compute: exact ? input.type : toFloatType(input.type) });
}

const CLOSE_SAMPLES = [
  ...binarySamples(),
  { args: [t([2, 3]), t([2, 3]), { rtol: 0.5, atol: 0.1 }] },
  { args: [t([3]), t([3]), { equalNan: true }] },
];
const BAD_CLOSE = [
  { args: [t([2]), t([2]), { rtol: -1 }], error: /rtol must not be negative/ },
  { args: [t([2]), t([2], { dtype: 'float64' })], error: /float32.*float64/ },
];

/**
 * Where |input - other| <= atol + rtol · |other|, broadcast; infinities are close to themselves. Both need one dtype. Result: bool.
 *
 * @example
 * isclose(tensor([1, 2]), tensor([1.000001, 2.1])); // tensor([ True, False])
 */
export const isclose: CloseElements<'isclose', [options?: CloseOptions]> = described(
  'isclose',
  (input: Tensor, other: Tensor, options?: CloseOptions): Tensor => closeness('isclose', input, other, options),
  { signature: 'input, other, *, rtol, atol, equal_nan', samples: CLOSE_SAMPLES, bad: BAD_CLOSE },
);

/**
 * Whether all elements are close in the sense of `isclose`: a JavaScript boolean.
 *
 * @example
 * allclose(tensor([1, 2]), tensor([1.000001, 2])); // true
 */
export const allclose: Closeness<boolean, 'allclose', [options?: CloseOptions]> = described(
  'allclose',
  (input: Tensor, other: Tensor, options?: CloseOptions): boolean => everyElement('allclose', closeness('allclose', input, other, options)),
  { signature: 'input, other, *, rtol, atol, equal_nan', samples: CLOSE_SAMPLES, bad: BAD_CLOSE },
);

const EQUAL = new MapOperator('equal', () => S.eq(S.arg(0), S.arg(1)), 2, 0);

function commonOf(input: Tensor, other: Tensor): DTypeInfo {
  return resultType([input, other].map((x) => ({ type: x.type, ndim: x.ndim })));
}

/**
 * Whether two tensors have the same shape and the same elements: a JavaScript boolean. NaN equals nothing.
 *
 * @example
 * equal(tensor([1, 2]), tensor([1, 2])); // true
 */
export const equal: EqualFunction = described(
  'equal',
  (input: Tensor, other: Tensor): boolean => {
    requireTensors('equal', { input, other });
    if (input.ndim !== other.ndim || input.shape.some((size, i) => size !== other.shape[i])) return false;
    return everyElement('equal', applyOne(EQUAL, [input, other], { values: [], compute: commonOf(input, other) }));
  },
  { signature: 'input, other', samples: binarySamples(), bad: [{ args: [t([2]), 1], error: /other must be a tensor/ }] },
);
