import { describe, expect, test } from 'vitest';
import { configureKernels, grad, kernelLevels, nn, ones, randint, type Tensor, tensor, vmap, zeros } from '../../src/index.ts';

const F = nn.functional as unknown as Record<string, (...args: unknown[]) => Tensor>;

interface Case {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** Shapes at which the kernels take different ways: one panel and many, edges, several blocks of rows, columns and depth, runs that rows break off. */
const CASES: readonly Case[] = [
  { x: [2, 3, 40], w: [5, 3, 3], options: { padding: 1 } },
  { x: [1, 2, 1100], w: [7, 2, 4], options: { stride: 3, dilation: 2, padding: 5 } },
  { x: [2, 8, 17, 20], w: [6, 4, 3, 3], options: { groups: 2, padding: 1 } },
  { x: [1, 40, 6, 5], w: [130, 40, 3, 3], options: { padding: [1, 2] } },
  { x: [3, 4, 9, 7], w: [4, 1, 3, 2], options: { groups: 4, stride: 2 } },
  { x: [2, 3, 12, 9], w: [2, 3, 2, 3], options: { stride: [3, 2], dilation: [1, 3], padding: [0, 4] } },
  { x: [1, 64, 8, 8], w: [9, 64, 1, 1], options: {} },
  { x: [3, 30, 19, 23], w: [37, 30, 3, 3], options: { padding: 1 } },
  { x: [3, 30, 19, 23], w: [37, 30, 2, 3], options: { padding: 1 } },
  { x: [2, 36, 13, 15], w: [40, 18, 3, 3], options: { groups: 2, padding: [2, 1] } },
  { x: [2, 16, 34, 34], w: [16, 16, 3, 3], options: {} },
  { x: [2, 40, 24, 21], w: [24, 20, 3, 3], options: { groups: 2, stride: 2, padding: [2, 1] } },
  { x: [2, 2, 5, 6, 7], w: [3, 2, 2, 3, 1], options: { stride: [1, 2, 1], padding: [1, 0, 2] } },
  { x: [1, 1, 3, 3], w: [1, 1, 3, 3], options: { padding: 5, dilation: 2, stride: 4 } },
  { x: [2, 5, 7, 39], w: [5, 1, 3, 3], options: { groups: 5, padding: 1 } },
  { x: [2, 3, 9, 41], w: [6, 1, 3, 5], options: { groups: 3, padding: [1, 2], stride: 2 } },
  { x: [3, 6, 131], w: [6, 2, 5], options: { groups: 3, dilation: 2, stride: 3, padding: 4 } },
  { x: [2, 6, 7, 7], w: [6, 1, 5, 5], options: { groups: 6, padding: 2 } },
  { x: [2, 4, 30, 29], w: [4, 1, 3, 3], options: { groups: 4, padding: 1, stride: [2, 1] } },
  { x: [2, 4, 28, 30], w: [4, 1, 3, 3], options: { groups: 4, padding: 1, stride: [3, 2], dilation: [1, 2] } },
  { x: [2, 3, 4, 9, 10], w: [6, 1, 2, 3, 3], options: { groups: 3, padding: 1, stride: [2, 1, 1] } },
  { x: [2, 32, 14, 15], w: [36, 32, 3, 3], options: { padding: 2, dilation: 2 } },
  { x: [2, 64, 20, 28], w: [72, 32, 3, 3], options: { groups: 2, padding: [1, 3], dilation: [3, 2] } },
  { x: [2, 33, 17, 9], w: [48, 33, 3, 3], options: { dilation: [2, 1] } },
  { x: [2, 32, 12, 19], w: [40, 32, 3, 3], options: { padding: [6, 7], dilation: [2, 3] } },
  { x: [2, 32, 7, 14, 14], w: [32, 32, 2, 3, 3], options: { padding: [1, 0, 2], dilation: [2, 1, 2] } },
  { x: [1, 64, 5, 10, 14], w: [64, 32, 3, 3, 3], options: { groups: 2, padding: 1 } },
  { x: [2, 32, 7, 14, 14], w: [32, 32, 3, 3, 3], options: { padding: [2, 1, 1], stride: [2, 1, 1] } },
];

const whole = (shape: readonly number[]): Tensor => randint(-3, 4, shape as number[], { dtype: 'int64' }) as Tensor;

/** Whole numbers are exact in every dtype, and integers take the way without packed windows: both must agree to the bit. */
describe.each(['float32', 'float64'] as const)('packed windows and written-out columns agree, %s', (dtype) => {
  test.each(CASES)('$x with $w, $options', ({ x, w, options }) => {
    const name = `conv${x.length - 2}d`;
    const [xi, wi, bi] = [whole(x), whole(w), whole([w[0] as number])];
    const [xf, wf] = [xi.to(dtype).requiresGrad_(), wi.to(dtype).requiresGrad_()];
    const expected = F[name]!(xi, wi, bi, options);
    const y = F[name]!(xf, wf, bi.to(dtype), options);
    expect(y.detach().to('int64').toArray()).toEqual(expected.toArray());
    const gi = whole(y.shape);
    const [gx, gw] = grad(y, [xf, wf], gi.to(dtype)) as unknown as [Tensor, Tensor];
    // The gradients by the definition: the sums of columns, and of products with them.
    const rest = {
      stride: options.stride ?? 1,
      padding: options.padding ?? 0,
      dilation: options.dilation ?? 1,
      groups: options.groups ?? 1,
    };
    const back = F[`convTranspose${x.length - 2}d`]!(gi, wi, null, { ...rest, outputPadding: missing(x, y.shape, w, rest) });
    expect(gx.to('int64').toArray()).toEqual(back.toArray());
    // ⟨gw, w⟩ = ⟨g, conv(x, w)⟩ for the weight itself, since the output is linear in it.
    const unbiased = F[name]!(xi, wi, null, options);
    expect(gw.to('int64').mul(wi).sum().toBigInt()).toBe(gi.mul(unbiased).sum().toBigInt());
  });
});

/** What a transposed convolution adds at the end to get back to the size of the input. */
function missing(x: readonly number[], y: readonly number[], w: readonly number[], rest: Readonly<Record<string, unknown>>): number[] {
  const at = (option: unknown, d: number): number => (Array.isArray(option) ? (option[d] as number) : (option as number));
  return x.slice(2).map((size, d) => {
    const reached =
      ((y[d + 2] as number) - 1) * at(rest.stride, d) - 2 * at(rest.padding, d) + at(rest.dilation, d) * ((w[d + 2] as number) - 1) + 1;
    return size - reached;
  });
}

test('the gradient of each element of a weight is a sum over the places of its window', () => {
  const x = tensor([[[1, 2, 3, 4]]]);
  const w = zeros([1, 1, 2]).requiresGrad_() as Tensor<[1, 1, 2]>;
  nn.functional.conv1d(x, w, null, { stride: 2 }).sum().backward();
  expect((w.grad as Tensor).toArray()).toEqual([[[4, 6]]]);
});

const SHAPES = [
  { x: [2, 5, 9, 9], w: [17, 5, 3, 3] },
  { x: [2, 20, 9, 15], w: [17, 20, 3, 3] },
  { x: [2, 5, 15, 29], w: [5, 1, 3, 3] },
];
const AT_LEVELS = kernelLevels().flatMap((level) => SHAPES.map((shapes) => ({ level, shapes })));

test.each(AT_LEVELS)('convolutions are right at the level $level, $shapes', ({ level, shapes }) => {
  configureKernels({ level });
  try {
    const x = whole(shapes.x);
    const w = whole(shapes.w);
    const options = { padding: 1, groups: shapes.x[1]! / shapes.w[1]! };
    const y = F.conv2d!(x.to('float32'), w.to('float32'), null, options);
    expect(y.to('int64').toArray()).toEqual(F.conv2d!(x, w, null, options).toArray());
  } finally {
    configureKernels({ level: 'wide' });
  }
});

test.each([1, 2])('an infinity is seen by the windows that have it alone, stride %s', (stride) => {
  const x = ones([1, 2, 9, 9]).to('float32') as Tensor;
  x.narrow(1, 0, 1).narrow(2, 0, 1).narrow(3, 0, 1).fill_(Infinity);
  x.requiresGrad_();
  const w = ones([2, 1, 3, 3]).requiresGrad_() as Tensor;
  const y = F.conv2d!(x, w, null, { groups: 2, stride });
  expect(y.isfinite().logicalNot().sum().item()).toBe(1);
  const [, gw] = grad(y, [x, w], y.detach().isfinite().to('float32')) as unknown as [Tensor, Tensor];
  expect(gw.isfinite().logicalNot().nonzero().toArray()).toEqual([[0, 0, 0, 0]]);
});

test('a batch of kernels is one convolution with more channels', () => {
  const x = whole([2, 4, 6, 6]).to('float64');
  const kernels = whole([3, 6, 2, 3, 3]).to('float64');
  const all = vmap((w: Tensor) => F.conv2d!(x, w, null, { groups: 2 }))(kernels) as Tensor;
  for (let i = 0; i < 3; i++) expect(all.select(0, i).toArray()).toEqual(F.conv2d!(x, kernels.select(0, i), null, { groups: 2 }).toArray());
});

describe('layers', () => {
  test('padding of other kinds goes around the input before the convolution', () => {
    const layer = new nn.Conv1d(1, 1, 3, { padding: 1, paddingMode: 'circular', bias: false });
    layer.weight = tensor([[[1, 0, 0]]]);
    expect(layer.forward(tensor([[[1, 2, 3]]])).toArray()).toEqual([[[3, 1, 2]]]);
  });

  test('a transposed convolution goes to the size that it is asked for', () => {
    const layer = new nn.ConvTranspose2d(1, 1, 3, { stride: 2, padding: 1 });
    const x = ones([1, 1, 4, 4]);
    expect(layer.forward(x).shape).toEqual([1, 1, 7, 7]);
    expect(layer.forward(x, [8, 7]).shape).toEqual([1, 1, 8, 7]);
    expect(() => layer.forward(x, [9, 7])).toThrow(/must lie between 7 and 8/);
  });

  test('channels that groups do not divide are refused', () => {
    expect(() => new nn.Conv2d(3, 4, 2, { groups: 2 })).toThrow(/2 groups do not divide 3 input/);
  });

  test('pooling with indices and back', () => {
    const pool = new nn.MaxPool2d(2, { returnIndices: true });
    const x = tensor([
      [
        [1, 2, 0, 4],
        [3, 0, 1, 1],
      ],
    ]);
    const [values, indices] = pool.forward(x) as unknown as [Tensor, Tensor];
    expect(values.toArray()).toEqual([[[3, 4]]]);
    expect(indices.toArray()).toEqual([[[4, 3]]]);
    expect(new nn.MaxUnpool2d(2).forward(values, indices).toArray()).toEqual([
      [
        [0, 0, 0, 4],
        [3, 0, 0, 0],
      ],
    ]);
  });
});

test('the largest element of a window: NaN wins, the first of equal ones is taken', () => {
  const [values, indices] = nn.functional.maxPool1d(tensor([[2, 2, Number.NaN, 1]]), 2, { returnIndices: true });
  expect((values as Tensor).toArray()).toEqual([[2, Number.NaN]]);
  expect((indices as Tensor).toArray()).toEqual([[0, 2]]);
});
