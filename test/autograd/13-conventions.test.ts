import { expect, test } from 'vitest';
import * as nabla from '../../src/index.ts';
import { total, values } from '../engine/support.ts';

type Tensor = nabla.Tensor;
const { functional } = nabla.nn;

function gradientOf(f: (x: Tensor) => Tensor, at: readonly number[]): unknown {
  const x = nabla.tensor(at, { dtype: 'float64', requiresGrad: true });
  total(f(x)).backward();
  return values(x.grad);
}

const like = (x: Tensor, value: number): Tensor => nabla.full([1], value, { dtype: x.dtype });

/** What PyTorch 2.13 gives where a derivative is a matter of convention. */
const CONVENTIONS: readonly (readonly [string, (x: Tensor) => Tensor, readonly number[], readonly number[]])[] = [
  ['max of all', (x) => x.max(), [1, 1], [0.5, 0.5]],
  ['max along a dimension', (x) => x.max(0).values, [1, 1], [1, 0]],
  ['amax', (x) => x.amax(), [1, 1], [0.5, 0.5]],
  ['relu', (x) => x.relu(), [0], [0]],
  ['abs', (x) => x.abs(), [0], [0]],
  ['clamp at its edges', (x) => x.clamp(0, 1), [0, 1, -1], [1, 1, 0]],
  ['norm of zeros', (x) => x.norm(), [0, 0], [0, 0]],
  ['sqrt of zero', (x) => x.sqrt(), [0], [Number.POSITIVE_INFINITY]],
  ['prod with two zeros', (x) => x.prod(), [0, 2, 0], [0, 0, 0]],
  ['prod with one zero', (x) => x.prod(), [0, 2, 3], [6, 0, 0]],
  ['x to the 0 at 0', (x) => x.pow(0), [0], [0]],
  ['x to the 2 at 0', (x) => x.pow(2), [0], [0]],
  ['median of equal values', (x) => x.median(), [1, 1, 1], [1 / 3, 1 / 3, 1 / 3]],
  ['leakyRelu', (x) => functional.leakyRelu(x), [0], [0.01]],
  ['hardtanh', (x) => functional.hardtanh(x), [-1, 1], [0, 0]],
  ['relu6', (x) => functional.relu6(x), [0, 6], [0, 0]],
  ['sign', (x) => x.sign(), [0], [0]],
  ['std of equal values', (x) => x.std(), [1, 1], [0, 0]],
  ['cumprod with a zero', (x) => x.cumprod(0), [0, 2], [3, 0]],
  ['logsumexp of minus infinities', (x) => x.logsumexp(0), [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY], [Number.NaN, Number.NaN]],
  ['atan2 of zeros', (x) => nabla.atan2(x, x), [0], [0]],
  ['where with a NaN in the branch not taken', (x) => nabla.where(x.gt(0), x.sqrt(), x.mul(0)), [0], [Number.NaN]],
  ['fmod', (x) => nabla.fmod(x, 2), [3], [1]],
  ['xlogy at 0', (x) => nabla.xlogy(x, x), [0], [Number.NaN]],
  ['0 to the x', (x) => nabla.pow(0, x), [0, 1], [0, 0]],
  ['minimum of NaN', (x) => nabla.minimum(x, x.mul(1)), [Number.NaN], [2]],
  ['max with a NaN', (x) => x.max(), [1, Number.NaN], [0, 1]],
  ['kthvalue of equal values', (x) => x.kthvalue(2).values, [1, 1], [0, 1]],
  ['aminmax of equal values', (x) => x.aminmax().min, [1, 1], [0.5, 0.5]],
  ['sinc at 0', (x) => x.sinc(), [0], [0]],
  ['hypot of zeros', (x) => nabla.hypot(x, x), [0], [Number.NaN]],
  ['softplus', (x) => functional.softplus(x), [0], [0.5]],
  ['celu', (x) => functional.celu(x), [0], [1]],
  ['elu', (x) => functional.elu(x), [0], [1]],
  ['hardswish at its edges', (x) => functional.hardswish(x), [-3, 3], [0, 1]],
  ['hardsigmoid at its edges', (x) => functional.hardsigmoid(x), [-3, 3], [0, 0]],
  ['prelu', (x) => functional.prelu(x, like(x, 0.25)), [0], [0.25]],
  ['dist of equal tensors', (x) => nabla.dist(x, x.detach()), [1], [0]],
  ['var of one element', (x) => nabla.var(x), [1], [Number.NaN]],
  ['smoothL1Loss at beta', (x) => functional.smoothL1Loss(x, like(x, 0)), [1], [1]],
  ['threshold', (x) => functional.threshold(x, 0, 0), [0], [0]],
  ['nanmean', (x) => x.nanmean(), [1, Number.NaN], [1, 0]],
  ['trunc', (x) => x.trunc(), [1.5], [0]],
  ['frac', (x) => x.frac(), [1.5], [1]],
  ['remainder', (x) => nabla.remainder(x, 2), [3], [1]],
];

const HEADING =
  'behaviour tie-breaking: max all equal / relu 0 / abs 0 / clamp boundary / max(a,b) equal / sort / median / norm 0 / sqrt 0 / pow 0 ** 0';

test.each(CONVENTIONS)(
  'behaviour tie-breaking: max all equal / relu 0 / abs 0 / clamp boundary / max(a,b) equal / sort / median / norm 0 / sqrt 0 / pow 0 ** 0: %s',
  (_name, f, at, expected) => expect(gradientOf(f, at)).toEqual(expected),
);

test(`${HEADING}: maximum of equal values halves between its arguments`, () => {
  const a = nabla.tensor([1], { requiresGrad: true });
  const b = nabla.tensor([1], { requiresGrad: true });
  total(nabla.maximum(a, b)).backward();
  expect([values(a.grad), values(b.grad)]).toEqual([[0.5], [0.5]]);
});
