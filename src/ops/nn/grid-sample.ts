import { FLOAT64, INT64 } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import { tensorOfElements } from '../../tensor/data.ts';
import { describeValue } from '../../tensor/messages.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../util/errors.ts';
import { add, mul } from '../arithmetic.ts';
import { realFloatOnly } from '../elementwise.ts';
import { callMap, compositeOperator, described, mapOperator, requireTensor } from '../family.ts';
import { gatherAlong } from '../gather.ts';
import { matrixProduct } from '../matmul.ts';
import { cast, expand, permute, reshape, select } from '../structural.ts';
import type { AffineGridFunction, GridSampleFunction } from '../types.ts';

type Expr = S.Expr;

/** Values of an image between its elements, at places that a grid gives. */

export type SampleMode = 'bilinear' | 'nearest' | 'bicubic';
export type SamplePadding = 'zeros' | 'border' | 'reflection';

interface SampleParams {
  readonly mode: SampleMode;
  readonly padding: SamplePadding;
  readonly alignCorners: boolean;
}

const zero = S.constant(0);
const one = S.constant(1);
const half = S.constant(0.5);

/** From [-1, 1] to places in a dimension of `size` elements. */
const PLACE = mapOperator('gridPlace', 1, 1, ([x], [size]) =>
  S.sub(S.mul(S.div(S.add(x as Expr, one), S.constant(2)), size as Expr), half),
);
const PLACE_ALIGNED = mapOperator('gridPlace', 1, 1, ([x], [size]) =>
  S.mul(S.div(S.add(x as Expr, one), S.constant(2)), S.sub(size as Expr, one)),
);

/** Kept between 0 and `high`; no slope at the ends. */
function clipped(x: Expr, high: Expr): Expr {
  return S.select(S.and(S.gt(x, zero), S.lt(x, high)), x, S.select(S.ge(x, high), high, zero));
}

/** Mirrored at `low` and `low + span` until it lies between them. */
function reflected(x: Expr, low: Expr, span: Expr): Expr {
  const distance = S.abs(S.sub(x, low));
  const turns = S.floor(S.div(distance, span));
  const rest = S.sub(distance, S.mul(turns, span));
  const even = S.eq(S.sub(turns, S.mul(S.floor(S.mul(turns, half)), S.constant(2))), zero);
  return S.add(S.select(even, rest, S.sub(span, rest)), low);
}

const BORDER = mapOperator('gridBorder', 1, 1, ([x], [size]) => clipped(x as Expr, S.sub(size as Expr, one)));
const MIRROR = mapOperator('gridReflection', 1, 1, ([x], [size]) =>
  clipped(reflected(x as Expr, S.neg(half), size as Expr), S.sub(size as Expr, one)),
);
const MIRROR_ALIGNED = mapOperator('gridReflection', 1, 1, ([x], [size]) =>
  clipped(reflected(x as Expr, zero, S.sub(size as Expr, one)), S.sub(size as Expr, one)),
);

const ZEROS = mapOperator('gridZeros', 1, 0, ([x]) => S.mul(x as Expr, zero), false);

/** A place outside of the image brought into it; with zeros it stays outside. */
function padded(x: Tensor, size: number, { padding, alignCorners }: SampleParams): Tensor {
  if (padding === 'zeros') return x;
  if (padding === 'border') return callMap(BORDER, [x], [size], x.type);
  if (!alignCorners) return callMap(MIRROR, [x], [size], x.type);
  return size === 1 ? callMap(ZEROS, [x], [], x.type) : callMap(MIRROR_ALIGNED, [x], [size], x.type);
}

function inside(i: Expr, size: Expr): Expr {
  return S.and(S.ge(i, zero), S.lt(i, size));
}

/** An index that may lie outside, moved inside: what it names there counts nothing. */
const INDEX = mapOperator('gridIndex', 1, 1, ([x], [size]) => S.select(inside(x as Expr, size as Expr), x as Expr, zero), false);
// The nearest element does not change with the place but in jumps: the gradient is there, and zero.
const ROUND = mapOperator('gridNearest', 1, 0, ([x]) => S.round(x as Expr));
const FLOOR = mapOperator('gridFloor', 1, 1, ([x], [k]) => S.add(S.floor(x as Expr), k as Expr), false);
const INSIDE = mapOperator('gridInside', 1, 1, ([i], [size]) => S.select(inside(i as Expr, size as Expr), one, zero));
/** The weight of the element below and above a place. */
const BELOW = mapOperator('gridWeight', 1, 1, ([x], [size]) =>
  S.select(inside(S.floor(x as Expr), size as Expr), S.sub(S.add(S.floor(x as Expr), one), x as Expr), zero),
);
const ABOVE = mapOperator('gridWeight', 1, 1, ([x], [size]) =>
  S.select(inside(S.add(S.floor(x as Expr), one), size as Expr), S.sub(x as Expr, S.floor(x as Expr)), zero),
);

const SLOPE = S.constant(-0.75);

/** Cubic convolution's weight at a distance below 1, and between 1 and 2. */
function cubicNear(d: Expr): Expr {
  const a2 = S.add(SLOPE, S.constant(2));
  return S.add(S.mul(S.mul(S.sub(S.mul(a2, d), S.add(SLOPE, S.constant(3))), d), d), one);
}
function cubicFar(d: Expr): Expr {
  const inner = S.add(S.mul(S.sub(S.mul(SLOPE, d), S.mul(SLOPE, S.constant(5))), d), S.mul(SLOPE, S.constant(8)));
  return S.sub(S.mul(inner, d), S.mul(SLOPE, S.constant(4)));
}
const fraction = (x: Expr): Expr => S.sub(x, S.floor(x));
const CUBIC = [
  mapOperator('gridCubic', 1, 0, ([x]) => cubicFar(S.add(fraction(x as Expr), one))),
  mapOperator('gridCubic', 1, 0, ([x]) => cubicNear(fraction(x as Expr))),
  mapOperator('gridCubic', 1, 0, ([x]) => cubicNear(S.sub(one, fraction(x as Expr)))),
  mapOperator('gridCubic', 1, 0, ([x]) => cubicFar(S.sub(S.constant(2), fraction(x as Expr)))),
];

/** What one element along one dimension counts: its index, and its weight. */
interface Tap {
  readonly index: Tensor;
  readonly weight: Tensor;
}

function indexOf(i: Tensor, size: number): Tensor {
  return cast(callMap(INDEX, [i], [size], i.type), INT64);
}

/** The elements along one dimension that a coordinate from [-1, 1] draws on. */
function tapsAt(coordinate: Tensor, size: number, params: SampleParams): Tap[] {
  const { type } = coordinate;
  const place = callMap(params.alignCorners ? PLACE_ALIGNED : PLACE, [coordinate], [size], type);
  const tapAt = (i: Tensor, weight: Tensor): Tap => ({ index: indexOf(i, size), weight });
  if (params.mode === 'bicubic') {
    return CUBIC.map((cubic, k) => {
      const i = padded(callMap(FLOOR, [place], [k - 1], type), size, params);
      return tapAt(i, mul(callMap(cubic, [place], [], type), callMap(INSIDE, [i], [size], type)));
    });
  }
  const x = padded(place, size, params);
  if (params.mode === 'nearest') {
    const i = callMap(ROUND, [x], [], type);
    return [tapAt(i, callMap(INSIDE, [i], [size], type))];
  }
  return [BELOW, ABOVE].map((weight, k) => tapAt(callMap(FLOOR, [x], [k], type), callMap(weight, [x], [size], type)));
}

/** The sum over all combinations of taps: `input` [N, C, …], `grid` [N, …, dimensions], its last entry being the place in a row. */
function sampled(input: Tensor, grid: Tensor, params: SampleParams): Tensor {
  const [n, channels, ...sizes] = input.shape as readonly [number, number, ...number[]];
  const outputs = grid.shape.slice(1, -1);
  const count = outputs.reduce((a, b) => a * b, 1);
  const taps = sizes.map((size, d) => tapsAt(reshape(select(grid, grid.ndim - 1, sizes.length - 1 - d), [n, count]), size, params));
  const flat = reshape(input, [n, channels, sizes.reduce((a, b) => a * b, 1)]);
  let result: Tensor | null = null;
  const visit = (d: number, index: Tensor | null, weight: Tensor | null): void => {
    if (d === sizes.length) {
      const at = expand(reshape(index as Tensor, [n, 1, count]), [n, channels, count]);
      const part = mul(gatherAlong(flat, at, 2), reshape(weight as Tensor, [n, 1, count]));
      result = result === null ? part : add(result, part);
      return;
    }
    for (const tap of taps[d] as Tap[]) {
      const next = index === null ? tap.index : add(mul(index, sizes[d] as number), tap.index);
      visit(d + 1, next, weight === null ? tap.weight : mul(weight, tap.weight));
    }
  };
  visit(0, null, null);
  return reshape(result as unknown as Tensor, [n, channels, ...outputs]);
}

function samplingOperator(name: string) {
  return compositeOperator<SampleParams>(name, ([input, grid], params) => sampled(input as Tensor, grid as Tensor, params));
}

const MODES: readonly SampleMode[] = ['bilinear', 'nearest', 'bicubic'];
const PADDINGS: readonly SamplePadding[] = ['zeros', 'border', 'reflection'];

function checkSampling(name: string, input: Tensor, grid: Tensor, { mode, padding }: SampleParams, dims: number | null): void {
  if (!MODES.includes(mode)) throw new ArgumentError(`${name}: mode must be one of ${MODES.join(', ')}, got ${describeValue(mode)}`);
  if (!PADDINGS.includes(padding))
    throw new ArgumentError(`${name}: paddingMode must be one of ${PADDINGS.join(', ')}, got ${describeValue(padding)}`);
  realFloatOnly(input.type, name);
  if (grid.type !== input.type)
    throw new DTypeError(`${name}: input has dtype ${input.dtype} and grid ${grid.dtype}: they must be equal, cast one with .to(…)`);
  const spatial = input.ndim - 2;
  if ((dims === null ? spatial < 2 || spatial > 3 : spatial !== dims) || grid.ndim !== input.ndim)
    throw new ShapeError(
      `${name}: input and grid must both have 4 or both 5 dimensions, got ${formatShape(input.shape)} and ${formatShape(grid.shape)}`,
    );
  if (grid.shape[0] !== input.shape[0] || grid.shape[grid.ndim - 1] !== spatial)
    throw new ShapeError(
      `${name}: grid must be [${input.shape[0]}, …, ${spatial}] for an input of ${formatShape(input.shape)}, got ${formatShape(grid.shape)}`,
    );
  if (input.shape.slice(2).includes(0)) throw new ShapeError(`${name}: input ${formatShape(input.shape)} has no elements to sample`);
  if (mode === 'bicubic' && spatial !== 2)
    throw new ShapeError(`${name}: mode 'bicubic' needs an input of 4 dimensions, got ${formatShape(input.shape)}`);
}

/** Options of `gridSample`. */
export interface GridSampleOptions {
  /** Default 'bilinear', which for volumes is linear in all three dimensions. */
  readonly mode?: SampleMode;
  /** What lies outside of the image. Default 'zeros'. */
  readonly paddingMode?: SamplePadding;
  /** Whether -1 and 1 are the centres of the outermost elements, or their outer edges (the default). */
  readonly alignCorners?: boolean | null;
}

const sampleOperator = samplingOperator('nn.functional.gridSample');

/**
 * Values of `input` [N, C, H, W] (or [N, C, D, H, W]) at the places of `grid` [N, H', W', 2] (or [N, D', H', W', 3]), whose last dimension holds x, y (and z) from -1
 * to 1 across the image. One floating dtype. Jaderberg et al., "Spatial transformer networks", 2015.
 *
 * @example
 * nn.functional.gridSample(tensor([[[[1, 3]]]]), tensor([[[[0, 0]]]])); // tensor([[[[2.]]]])
 */
export const gridSample: GridSampleFunction<[options?: GridSampleOptions]> = described(
  'nn.functional.gridSample',
  (input: Tensor, grid: Tensor, options: GridSampleOptions = {}): Tensor => {
    const params = {
      mode: options.mode ?? 'bilinear',
      padding: options.paddingMode ?? 'zeros',
      alignCorners: options.alignCorners ?? false,
    };
    checkSampling('nn.functional.gridSample', input, grid, params, null);
    return applyOne(sampleOperator, [input, grid], params);
  },
  {
    signature: 'input, grid, *, mode, padding_mode, align_corners',
    tensors: 2,
    samples: [
      { args: [t([1, 2, 3, 4]), t([1, 2, 2, 2], { low: -1.4, high: 1.4 })] },
      { args: [t([1, 1, 3, 4]), t([1, 2, 3, 2], { low: -0.9, high: 0.9 }), { mode: 'bicubic', paddingMode: 'border' }] },
      { args: [t([2, 1, 3, 2]), t([2, 1, 2, 2], { low: -1.4, high: 1.4 }), { paddingMode: 'reflection', alignCorners: true }] },
      { args: [t([1, 1, 2, 3, 2]), t([1, 1, 2, 2, 3], { low: -0.9, high: 0.9 })] },
      { args: [t([1, 1, 3, 4]), t([1, 2, 2, 2], { low: -0.9, high: 0.9 }), { mode: 'nearest' }], skipNumericGradient: true },
    ],
    bad: [
      { args: [t([1, 1, 3, 4]), t([1, 2, 2, 3])], error: /grid must be/ },
      { args: [t([1, 1, 3]), t([1, 2, 2])], error: /4 or both 5/ },
      { args: [t([1, 1, 3, 4]), t([1, 2, 2, 2], { dtype: 'float64' })], error: /float32 and grid float64/ },
    ],
  },
);

function numberedSampler(dims: 2 | 3) {
  const name = `gridSampler${dims}d`;
  const operator = samplingOperator(name);
  return (input: Tensor, grid: Tensor, interpolationMode: number, paddingMode: number, alignCorners: boolean): Tensor => {
    const params = { mode: MODES[interpolationMode] as SampleMode, padding: PADDINGS[paddingMode] as SamplePadding, alignCorners };
    checkSampling(name, input, grid, params, dims);
    return applyOne(operator, [input, grid], params);
  };
}

type Numbered = GridSampleFunction<[interpolationMode: number, paddingMode: number, alignCorners: boolean]>;

/**
 * `gridSample` for images, the modes as numbers: 0 bilinear, 1 nearest, 2 bicubic; padding 0 zeros, 1 border, 2 reflection.
 *
 * @example
 * nn.functional.gridSampler2d(tensor([[[[1, 3]]]]), tensor([[[[0, 0]]]]), 0, 0, false); // tensor([[[[2.]]]])
 */
export const gridSampler2d: Numbered = described('gridSampler2d', numberedSampler(2), {
  signature: 'input, grid, interpolation_mode, padding_mode, align_corners',
  tensors: 2,
  samples: [{ args: [t([1, 2, 3, 4]), t([1, 2, 2, 2], { low: -0.9, high: 0.9 }), 0, 1, true] }],
  bad: [{ args: [t([1, 1, 3, 4]), t([1, 2, 2, 2]), 7, 0, true], error: /mode must be one of/ }],
});

/**
 * `gridSample` for volumes, the modes as numbers: 0 trilinear, 1 nearest; padding 0 zeros, 1 border, 2 reflection.
 *
 * @example
 * nn.functional.gridSampler3d(ones([1, 1, 2, 2, 2]), zeros([1, 1, 1, 1, 3]), 0, 0, false); // tensor([[[[[1.]]]]])
 */
export const gridSampler3d: Numbered = described('gridSampler3d', numberedSampler(3), {
  signature: 'input, grid, interpolation_mode, padding_mode, align_corners',
  tensors: 2,
  samples: [{ args: [t([1, 1, 2, 3, 2]), t([1, 1, 2, 2, 3], { low: -0.9, high: 0.9 }), 0, 0, false] }],
  bad: [{ args: [t([1, 1, 3, 4]), t([1, 2, 2, 2]), 0, 0, true], error: /5 dimensions/ }],
});

// ---------------------------------------------------------------- affineGrid

/** Evenly spaced places from -1 to 1: the outermost elements' centres, or edges. */
function linePlaces(count: number, alignCorners: boolean): number[] {
  if (count === 1) return [0];
  const scale = alignCorners ? 1 : (count - 1) / count;
  return Array.from({ length: count }, (_, i) => (-1 + (2 * i) / (count - 1)) * scale);
}

const affineOperator = compositeOperator<{ readonly size: readonly number[]; readonly alignCorners: boolean }>(
  'nn.functional.affineGrid',
  ([theta], { size, alignCorners }) => {
    const sizes = size.slice(2);
    const lines = sizes.map((count) => linePlaces(count, alignCorners));
    const places = lines.reduce<number[][]>((all, line) => all.flatMap((front) => line.map((x) => [x, ...front])), [[]]);
    const base = tensorOfElements(
      places.flatMap((place) => [...place, 1]),
      [1, places.length, sizes.length + 1],
      FLOAT64,
    );
    const grid = matrixProduct(cast(base, (theta as Tensor).type), permute(theta as Tensor, [0, 2, 1]));
    return reshape(grid, [size[0] as number, ...sizes, sizes.length]);
  },
);

/**
 * The grid for `gridSample` that an affine map of the output's places gives: `theta` [N, 2, 3] with `size` [N, C, H, W], or [N, 3, 4] with [N, C, D, H, W], of a floating
 * dtype.
 *
 * @example
 * nn.functional.affineGrid(tensor([[[1, 0, 0], [0, 1, 0]]]), [1, 1, 1, 2]); // tensor([[[[-0.5000,  0.0000], [ 0.5000,  0.0000]]]])
 */
export const affineGrid: AffineGridFunction = described(
  'nn.functional.affineGrid',
  (theta: Tensor, size: readonly number[], options: { readonly alignCorners?: boolean | null } = {}): Tensor => {
    const name = 'nn.functional.affineGrid';
    requireTensor(name, 'theta', theta);
    if (!theta.type.isFloat) throw new DTypeError(`${name}: theta must have a floating dtype, got ${theta.dtype}`);
    if (!Array.isArray(size) || size.length < 4 || size.length > 5 || size.some((n) => !Number.isInteger(n) || n < 1))
      throw new ArgumentError(`${name}: size must be 4 or 5 whole numbers from 1 on, got ${describeValue(size)}`);
    const dims = size.length - 2;
    const expected = [size[0] as number, dims, dims + 1];
    if (theta.ndim !== 3 || theta.shape.some((n, d) => n !== expected[d]))
      throw new ShapeError(
        `${name}: theta must have shape ${formatShape(expected)} for a size of ${formatShape(size)}, got ${formatShape(theta.shape)}`,
      );
    return applyOne(affineOperator, [theta], { size, alignCorners: options.alignCorners ?? false });
  },
  {
    signature: 'theta, size, *, align_corners',
    samples: [{ args: [t([2, 2, 3]), [2, 1, 2, 3]] }, { args: [t([1, 3, 4]), [1, 1, 2, 1, 3], { alignCorners: true }] }],
    bad: [{ args: [t([1, 2, 3]), [2, 1, 2, 2]], error: /theta must have shape \[2, 2, 3\]/ }],
  },
);
