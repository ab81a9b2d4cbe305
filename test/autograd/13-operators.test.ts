import { expect, test } from 'vitest';
import {
  arange,
  autograd,
  cat,
  eye,
  indexReduce,
  jvp,
  manualSeed,
  ones,
  rand,
  randn,
  safeWhere,
  scatterReduce,
  stack,
  type Tensor,
  tensor,
  vmap,
  where,
  zeros,
} from '../../src/index.ts';
import { leaf, refused, values } from '../engine/support.ts';

const { grad, gradcheck, gradgradcheck } = autograd;

const random = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });

test('test_select_sum: the sum of a selected element passes both gradient checks', () => {
  const x = random(10);
  const select = (x: Tensor): Tensor => x.select(0, 1).sum();
  expect(gradcheck(select, [x])).toBe(true);
  expect(gradgradcheck(select, [x])).toBe(true);
});

test('test_diagonal_expanded_v: the gradient of a diagonal takes one that is expanded', () => {
  const value = rand([], { dtype: 'float64' });
  const a = rand([10, 10], { dtype: 'float64', requiresGrad: true });
  const [g] = grad(a.diagonal(), [a], value.expand([10]));
  expect(values(g)).toEqual(values(eye(10, { dtype: 'float64' }).mul(value)));
});

test('test_select_expanded_v: the gradient of a selection takes one that is expanded', () => {
  const v = rand([10]).expand([10, 10]);
  const a = rand([10, 10, 10], { requiresGrad: true });
  const [g] = grad(a.select(0, 0), [a], v);
  const expected = zeros([10, 10, 10]);
  expected.select(0, 0).copy_(v);
  expect(values(g)).toEqual(values(expected));
});

test('test_slice_expanded_v: the gradient of a slice takes one that is expanded', () => {
  const v = rand([10, 1]).expand([2, 10, 10]);
  const a = rand([10, 10, 10], { requiresGrad: true });
  const [g] = grad(a.narrow(0, 3, 2), [a], v);
  const expected = zeros([10, 10, 10]);
  expected.narrow(0, 3, 2).copy_(v);
  expect(values(g)).toEqual(values(expected));
});

test('test_pow_zero_tensor_gradient: 0 to the power 0 has the derivative 0 with respect to the base', () => {
  const cases: [number[], Tensor | number][] = [
    [[10], zeros([10])],
    [[10, 10], zeros([10, 10])],
    [[10], 0],
  ];
  for (const [shape, exponent] of cases) {
    const base = zeros(shape, { requiresGrad: true });
    const power = base.pow(exponent as number) as Tensor;
    power.sum().backward();
    expect(values(base.grad)).toEqual(values(zeros(shape)));
  }
});

test('test_power_function: the derivative of 0 to the power b with respect to b is -inf below 0 and 0 from there on', () => {
  const b = tensor([-1, 0, 1], { requiresGrad: true });
  zeros([3]).pow(b).sum().backward();
  expect(values(b.grad)).toEqual([Number.NEGATIVE_INFINITY, 0, 0]);
  const scalar = tensor([-1, 0, 1], { requiresGrad: true });
  tensor(0).pow(scalar).sum().backward();
  expect(values(scalar.grad)).toEqual([Number.NEGATIVE_INFINITY, 0, 0]);
});

test('test_min_max_median_backprops_to_all_values: equal extrema and medians share the gradient evenly, NaNs too', () => {
  const reductions: Record<string, (x: Tensor) => Tensor> = {
    min: (x) => x.min() as Tensor,
    max: (x) => x.max() as Tensor,
    median: (x) => x.median() as Tensor,
    nanmedian: (x) => x.nanmedian() as Tensor,
  };
  for (const [name, reduce] of Object.entries(reductions)) {
    for (const data of [
      [1, 0, 1, 0, 1, 0],
      [NaN, NaN, NaN],
    ]) {
      const x = tensor(data, { dtype: 'float64', requiresGrad: true });
      reduce(x).backward();
      const g = values(x.grad) as number[];
      expect(
        g.reduce((sum, each) => sum + each, 0),
        name,
      ).toBeCloseTo(1, 12);
      expect(g.filter((each) => Math.abs(each - 1 / 3) < 1e-12).length, `${name} of ${data}: ${g}`).toBe(3);
    }
  }
});

test('test_scatter_index_reduce_amin_amax_backprops_to_all_values: extrema that meet share the gradient evenly', () => {
  for (const reduce of ['amin', 'amax'] as const) {
    const input = random(2, 3);
    const source = input.detach().clone().requiresGrad_(true);
    const lines = arange(2);
    const places = lines.unsqueeze(-1).expand([2, 3]);
    const byScatter = (x: Tensor, s: Tensor): Tensor =>
      scatterReduce(x as never, 0, places as never, s as never, reduce as never) as Tensor;
    const byIndex = (x: Tensor, s: Tensor): Tensor => indexReduce(x as never, 0, lines as never, s as never, reduce as never) as Tensor;
    for (const f of [byScatter, byIndex]) {
      expect(gradcheck(f, [input, source])).toBe(true);
      const [gx, gs] = grad(f(input, source).sum(), [input, source]);
      expect(values(gx)).toEqual([
        [0.5, 0.5, 0.5],
        [0.5, 0.5, 0.5],
      ]);
      expect(values(gs)).toEqual(values(gx));
    }
  }
});

test('test_scatter_index_reduce_prod_gradgrad_error: products with two zeros have a gradient, and refuse the second one', () => {
  const input = tensor([1], { dtype: 'float64', requiresGrad: true });
  const source = tensor([0, 0], { dtype: 'float64', requiresGrad: true });
  const index = tensor([0n, 0n]);
  const byScatter = (x: Tensor, s: Tensor): Tensor => scatterReduce(x as never, 0, index as never, s as never, 'prod' as never) as Tensor;
  const byIndex = (x: Tensor, s: Tensor): Tensor => indexReduce(x as never, 0, index as never, s as never, 'prod' as never) as Tensor;
  for (const [name, f] of [
    ['scatterReduce', byScatter],
    ['indexReduce', byIndex],
  ] as const) {
    expect(gradcheck(f, [input, source])).toBe(true);
    refused(() => gradgradcheck(f, [input, source]), 'AutogradError', new RegExp(`${name}: with reduce 'prod'.*two zeros of src`));
    const oneZero = tensor([0, 3], { dtype: 'float64', requiresGrad: true });
    expect(gradgradcheck(f, [input, oneZero])).toBe(true);
  }
});

test('test_where_functional: both branches pass the gradient checks, broadcast too', () => {
  manualSeed(1);
  for (const [cond, left, right] of [
    [
      [5, 5, 5],
      [5, 5, 5],
      [5, 5, 5],
    ],
    [
      [5, 5, 5],
      [1, 5, 1],
      [5, 1],
    ],
    [
      [1, 5],
      [5, 5, 1],
      [5, 1, 1],
    ],
  ]) {
    const condition = randn(cond as number[]).gt(0);
    const f = (x: Tensor, y: Tensor): Tensor => where(condition as never, x as never, y as never) as Tensor;
    const inputs = [random(...(left as number[])), random(...(right as number[]))];
    expect(gradcheck(f, inputs)).toBe(true);
    expect(gradgradcheck(f, inputs)).toBe(true);
  }
});

test('test_where_scalar: a number may stand for either branch', () => {
  const condition = randn([5, 5]).gt(0);
  const x = random(5, 5);
  const left = (x: Tensor): Tensor => where(condition as never, 4 as never, x as never) as Tensor;
  const right = (x: Tensor): Tensor => where(condition as never, x as never, 4 as never) as Tensor;
  for (const f of [left, right]) {
    expect(gradcheck(f, [x])).toBe(true);
    expect(gradgradcheck(f, [x])).toBe(true);
  }
});

test('test_cat_stack_r_to_c: real and complex tensors join into complex ones, and each gets a gradient of its own kind', () => {
  const real = tensor([[1, 2]], { dtype: 'float64', requiresGrad: true });
  const complex = tensor(
    [
      [
        { re: 1, im: 2 },
        { re: 3, im: -1 },
      ],
    ],
    { dtype: 'complex128', requiresGrad: true },
  );
  for (const join of [cat, stack] as unknown as ((xs: readonly Tensor[], dim: number) => Tensor)[]) {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const f = (...xs: Tensor[]): Tensor =>
        join(
          order.map((k) => xs[k] as Tensor),
          0,
        );
      expect(f(real, complex).dtype).toBe('complex128');
      expect(gradcheck(f, [real, complex], { checkForwardAd: true } as never)).toBe(true);
      const g = complex.detach().reshape([-1]).expand([2, 2]).reshape(f(real, complex).shape);
      const [gReal, gComplex] = grad(f(real, complex), [real, complex], g as Tensor) as [Tensor, Tensor];
      expect([gReal.dtype, gComplex.dtype]).toEqual(['float64', 'complex128']);
      expect(values(gReal)).toEqual([[1, 3]]);
      expect(values(gComplex)).toEqual(values(complex));
    }
  }
});

const data = [-1, 0, 4];
const root = (x: Tensor): Tensor => safeWhere(x.gt(0) as Tensor, x, (y) => y.sqrt() as Tensor, 0);

test('safeWhere: where has NaN from the branch not taken, safeWhere has 0', () => {
  const x = tensor(data, { dtype: 'float64', requiresGrad: true });
  const plain = where(x.gt(0), x.sqrt(), 0) as Tensor;
  expect(values(grad(plain.sum(), [x])[0])).toEqual([NaN, NaN, 0.25]);
  expect(values(root(x))).toEqual([0, 0, 2]);
  expect(values(grad(root(x).sum(), [x])[0])).toEqual([0, 0, 0.25]);
});

test('safeWhere: second derivatives, tangents and vmap are safe too', () => {
  const x = tensor(data, { dtype: 'float64', requiresGrad: true });
  const [g] = grad(root(x).sum(), [x], null, { createGraph: true });
  expect(values(grad((g as Tensor).sum(), [x])[0])).toEqual([0, 0, -1 / 32]);
  const [, tangent] = jvp(root, [x.detach()], [ones([3], { dtype: 'float64' })]) as unknown as [Tensor, Tensor];
  expect(values(tangent)).toEqual([0, 0, 0.25]);
  const batch = tensor([data, [9, -1, 1], [-1, -2, -3]], { dtype: 'float64', requiresGrad: true });
  const mapped = vmap(root)(batch) as Tensor;
  expect(values(mapped)).toEqual([
    [0, 0, 2],
    [3, 0, 1],
    [0, 0, 0],
  ]);
  expect(values(grad(mapped.sum(), [batch])[0])).toEqual([
    [0, 0, 0.25],
    [1 / 6, 0, 0.5],
    [0, 0, 0],
  ]);
});

test('safeWhere: what the function closes over gets no NaN either, even where no element is selected', () => {
  const weight = leaf(1);
  for (const x of [tensor([-1, 2], { dtype: 'float64' }), tensor([-1, -2], { dtype: 'float64' })]) {
    const y = safeWhere(x.gt(0) as Tensor, x, (z) => z.log().mul(weight as never) as Tensor, 7);
    const [g] = grad(y.sum(), [weight]);
    expect(Number.isFinite((values(g) as number[])[0])).toBe(true);
  }
});

test('safeWhere: several inputs are broadcast, and other may be a tensor that gets the rest of the gradient', () => {
  const x = tensor([[1], [2]], { dtype: 'float64', requiresGrad: true });
  const y = tensor([0, 4], { dtype: 'float64', requiresGrad: true });
  const other = tensor([5, 5], { dtype: 'float64', requiresGrad: true });
  const out = safeWhere(y.ne(0) as Tensor, [x, y], (a, b) => (a as Tensor).div(b as never) as Tensor, other);
  expect(values(out)).toEqual([
    [5, 0.25],
    [5, 0.5],
  ]);
  const [gx, gy, gOther] = grad(out.sum(), [x, y, other]);
  expect([values(gx), values(gy), values(gOther)]).toEqual([
    [[0.25], [0.25]],
    [0, -3 / 16],
    [2, 0],
  ]);
  expect(
    gradcheck((a: Tensor, b: Tensor) => safeWhere(b.gt(1) as Tensor, [a, b], (p, q) => (p as Tensor).div(q as never) as Tensor, 0), [x, y]),
  ).toBe(true);
});

test('safeWhere: refuses what cannot be right', () => {
  const x = ones([2]);
  const mask = tensor([true, false]);
  refused(() => safeWhere(mask, x, (y) => y.sum() as Tensor, 0), 'ShapeError', /f returned shape \[\] for inputs of shape \[2\]/);
  refused(() => safeWhere(mask, x, (() => 3) as never, 0), 'ArgumentError', /the result of f must be a tensor/);
  refused(() => safeWhere(mask, [], () => x, 0), 'ArgumentError', /a tensor or a list of tensors/);
  refused(() => safeWhere(x, x, (y) => y as Tensor, 0), 'DTypeError', /condition must have dtype bool/);
  refused(() => safeWhere(mask, x, 3 as never, 0), 'ArgumentError', /f must be a function/);
  expect(values(safeWhere(zeros([0], { dtype: 'bool' }), zeros([0]), (y) => y.log() as Tensor, 0))).toEqual([]);
});
