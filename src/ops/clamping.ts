import type { RealDType } from '../dtype/types.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import type { MapOperator } from '../tensor/map-operator.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { BAD_BROADCAST, BAD_COMPLEX, binarySamples, type Plan, planned, planOperands, requireFits } from './elementwise.ts';
import { binary, commonType, isScalar, mapOperator, type Operand, realOnly, requireTensor, type Scalar } from './family.ts';
import type { BinaryOther, BinaryTensors, ClampFunction } from './types.ts';

/** The larger and the smaller of two, and clamping. Complex is refused. */

function extremum<N extends string>(name: N, build: (x: S.Expr, y: S.Expr) => S.Expr): BinaryTensors<N, RealDType> {
  return binary(name, build, { type: realOnly, scalars: 'none', samples: binarySamples(), bad: BAD_BROADCAST });
}

/**
 * The larger of two elements, broadcast; NaN wins. Equal elements share the gradient.
 *
 * @example
 * maximum(tensor([1, 5]), tensor([3, 2])); // tensor([3., 5.])
 */
export const maximum = extremum('maximum', S.max);

/**
 * The smaller of two elements, broadcast; NaN wins. Equal elements share the gradient.
 *
 * @example
 * minimum(tensor([1, 5]), tensor([3, 2])); // tensor([1., 2.])
 */
export const minimum = extremum('minimum', S.min);

/**
 * The larger of two elements, broadcast; a number wins over NaN.
 *
 * @example
 * fmax(tensor([1, NaN]), tensor([3, 2])); // tensor([3., 2.])
 */
export const fmax = extremum('fmax', S.fmax);

/**
 * The smaller of two elements, broadcast; a number wins over NaN.
 *
 * @example
 * fmin(tensor([1, NaN]), tensor([3, 2])); // tensor([1., 2.])
 */
export const fmin = extremum('fmin', S.fmin);

const [x, y, z] = [S.arg(0), S.arg(1), S.arg(2)];
const lowOnly = mapOperator('clamp', 2, 0, () => S.clampMin(x, y));
const highOnly = mapOperator('clamp', 2, 0, () => S.clampMax(x, y));
const both = mapOperator('clamp', 3, 0, () => S.clampMax(S.clampMin(x, y), z));

/** A bound: a tensor that broadcasts, a number, or none. */
export type Bound = Operand | null;

function planClamp(name: string, input: Tensor, min: Bound | undefined, max: Bound | undefined): Plan {
  requireTensor(name, 'input', input);
  const low = min ?? null;
  const high = max ?? null;
  if (low === null && high === null) throw new ArgumentError(`${name}: needs a bound: min, max or both`);
  for (const [role, bound] of [
    ['min', low],
    ['max', high],
  ] as const)
    if (bound !== null && !isScalar(bound)) requireTensor(name, role, bound);
  if (low !== null && high !== null && isTensor(low) !== isTensor(high)) {
    throw new ArgumentError(`${name}: min and max must both be tensors or both be numbers; wrap the number in tensor(…)`);
  }
  const operands = [input, low, high].filter((operand) => operand !== null);
  const compute = realOnly(commonType(operands), name);
  for (const [role, bound] of [
    ['min', low],
    ['max', high],
  ] as const)
    if (isScalar(bound)) requireFits(name, role, bound, compute);
  const operator = high === null ? lowOnly : low === null ? highOnly : both;
  return planOperands(operator, operands, compute);
}

const CLAMP_SAMPLES = [
  { args: [t([2, 3]), -0.5, 0.5] },
  { args: [t([2, 3]), null, 0.5] },
  { args: [t([]), 0] },
  { args: [t([2, 3]), t([3], { low: -1, high: 0 }), t([2, 1], { low: 0, high: 1 })] },
  { args: [t([0, 3]), 0, 1] },
];

/**
 * Each element brought into [min, max]; bounds are numbers or tensors that broadcast, one may be left out. NaN stays; where min > max the result is
 * max. An element on a bound keeps its gradient. Dtype: PyTorch's promotion of all operands.
 *
 * @example
 * clamp(tensor([-2, 0.5, 2]), 0, 1); // tensor([0.0000, 0.5000, 1.0000])
 */
export const clamp: ClampFunction<'clamp', RealDType> = planned(
  'clamp',
  (input: Tensor, min?: Bound, max?: Bound): Plan => planClamp('clamp', input, min, max),
  {
    signature: 'input, min?, max?',
    samples: CLAMP_SAMPLES,
    bad: [
      ...BAD_COMPLEX.map(({ error }) => ({ args: [t([2], { dtype: 'complex64' }), 0], error })),
      { args: [t([2])], error: /needs a bound/ },
    ],
  },
);

/**
 * Another name of `clamp`.
 *
 * @example
 * clip(tensor([-2, 2]), 0, 1); // tensor([0., 1.])
 */
export const clip = clamp;

function bound<N extends string>(name: N, role: 'min' | 'max', operator: MapOperator): BinaryOther<N, RealDType> {
  return planned(
    name,
    (input: Tensor, limit: Tensor | Scalar): Plan => {
      requireTensor(name, 'input', input);
      if (!isScalar(limit)) requireTensor(name, role, limit);
      const compute = realOnly(commonType([input, limit]), name);
      if (isScalar(limit)) requireFits(name, role, limit, compute);
      return planOperands(operator, [input, limit], compute);
    },
    { signature: `input, ${role}`, samples: binarySamples(-2, 2, 0), bad: BAD_BROADCAST },
  );
}

/**
 * Each element, but at least `min`, a number or a tensor that broadcasts.
 *
 * @example
 * clampMin(tensor([-2, 2]), 0); // tensor([0., 2.])
 */
export const clampMin = bound(
  'clampMin',
  'min',
  mapOperator('clampMin', 2, 0, () => S.clampMin(x, y)),
);

/**
 * Each element, but at most `max`, a number or a tensor that broadcasts.
 *
 * @example
 * clampMax(tensor([-2, 2]), 0); // tensor([-2., 0.])
 */
export const clampMax = bound(
  'clampMax',
  'max',
  mapOperator('clampMax', 2, 0, () => S.clampMax(x, y)),
);
