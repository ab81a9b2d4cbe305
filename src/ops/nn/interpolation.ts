import { FLOAT64 } from '../../dtype/dtype.ts';
import type { RealDType } from '../../dtype/types.ts';
import { t } from '../../op/contract.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import { describeValue } from '../../tensor/messages.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../util/errors.ts';
import { compositeOperator, described, requireTensor } from '../family.ts';
import type { InterpolationFunction } from '../types.ts';
import { adaptiveAverageOver } from './average-pooling.ts';
import { type InterpolationMode, interpolationTaps } from './interpolation-taps.ts';
import { resample } from './resample.ts';
import type { Taps } from './window-kernels.ts';

/** How to interpolate. */
export type ResizeMode = 'nearest' | 'nearest-exact' | 'linear' | 'bilinear' | 'bicubic' | 'trilinear' | 'area' | 'lanczos';

/** Options of `interpolate`: either `size` or `scaleFactor`. */
export interface InterpolateOptions {
  /** The new sizes of the spatial dimensions. */
  readonly size?: number | readonly number[] | null;
  /** By how much they grow. */
  readonly scaleFactor?: number | readonly number[] | null;
  /** Default 'nearest'. */
  readonly mode?: ResizeMode;
  /** The corners of input and output are the same points; for linear and cubic modes. Default false. */
  readonly alignCorners?: boolean | null;
  /** Take the factor from the rounded sizes. */
  readonly recomputeScaleFactor?: boolean | null;
  /** Average over what a smaller image leaves out; for 'bilinear', 'bicubic' and 'lanczos'. */
  readonly antialias?: boolean;
}

/** The kind of each mode, and how many spatial dimensions it is for; null: one to three. */
const MODES: Readonly<Record<Exclude<ResizeMode, 'area'>, readonly [kind: InterpolationMode, dims: number | null]>> = {
  nearest: ['nearest', null],
  'nearest-exact': ['nearest-exact', null],
  linear: ['linear', 1],
  bilinear: ['linear', 2],
  trilinear: ['linear', 3],
  bicubic: ['cubic', 2],
  lanczos: ['lanczos', 2],
};

const NAME = 'nn.functional.interpolate';

const interpolateOperator = compositeOperator<readonly Taps[]>(NAME, ([x], taps) =>
  taps.reduceRight<Tensor>((resized, each, d) => resample(resized, d + 2, each), x as Tensor),
);

function numbersFor(name: string, role: string, given: number | readonly number[], dims: number): number[] {
  const list: unknown = typeof given === 'number' ? Array<number>(dims).fill(given) : given;
  if (!Array.isArray(list) || list.length !== dims || list.some((x) => typeof x !== 'number'))
    throw new ArgumentError(`${name}: ${role} must be a number or a list of ${dims}, got ${describeValue(given)}`);
  return list as number[];
}

/** The new sizes, and the factors where the caller's count. */
function targetOf(
  name: string,
  sizes: readonly number[],
  { size, scaleFactor, recomputeScaleFactor, mode }: InterpolateOptions,
): readonly [outputs: number[], factors: readonly (number | null)[]] {
  const dims = sizes.length;
  if ((size ?? null) !== null) {
    if ((scaleFactor ?? null) !== null) throw new ArgumentError(`${name}: give size or scaleFactor, not both`);
    if (recomputeScaleFactor === true) throw new ArgumentError(`${name}: recomputeScaleFactor has no meaning with a size`);
    return [numbersFor(name, 'size', size as number, dims), sizes.map(() => null)];
  }
  if ((scaleFactor ?? null) === null) throw new ArgumentError(`${name}: give size or scaleFactor`);
  const factors = numbersFor(name, 'scaleFactor', scaleFactor as number, dims);
  const own = recomputeScaleFactor === true || mode === 'area';
  return [sizes.map((n, d) => Math.floor(n * (factors[d] as number))), own ? sizes.map(() => null) : factors];
}

function resize(name: string, input: Tensor, options: InterpolateOptions): Tensor {
  requireTensor(name, 'input', input);
  const mode = options.mode ?? 'nearest';
  const known = mode === 'area' ? (['linear', null] as const) : MODES[mode];
  if (known === undefined)
    throw new ArgumentError(`${name}: unknown mode '${String(mode)}': it is one of area, ${Object.keys(MODES).join(', ')}`);
  const [kind, forDims] = known;
  const dims = input.ndim - 2;
  if (dims < 1 || dims > 3 || (forDims !== null && dims !== forDims))
    throw new ShapeError(
      `${name}: mode '${mode}' needs an input of ${forDims === null ? '3 to 5' : forDims + 2} dimensions [N, C, …], got ${formatShape(input.shape)}`,
    );
  const antialias = options.antialias ?? false;
  const flat = mode === 'area' || kind === 'nearest' || kind === 'nearest-exact';
  if (flat && (options.alignCorners ?? null) !== null) throw new ArgumentError(`${name}: alignCorners has no meaning in mode '${mode}'`);
  if (antialias && !(dims === 2 && !flat))
    throw new ArgumentError(`${name}: antialias is for the modes bilinear, bicubic and lanczos, got '${mode}'`);
  if (mode === 'lanczos' && (!antialias || options.alignCorners === true))
    throw new ArgumentError(`${name}: mode 'lanczos' needs antialias, and no alignCorners`);
  if (!input.type.isFloat && !(kind.startsWith('nearest') && input.type.name === 'uint8'))
    throw new DTypeError(
      `${name}: needs a floating dtype${kind.startsWith('nearest') ? ' or uint8' : ''}, got ${input.dtype}; cast with .to('float32')`,
    );
  const sizes = input.shape.slice(2);
  const [outputs, factors] = targetOf(name, sizes, options);
  for (const n of outputs)
    if (!Number.isInteger(n) || n < 1)
      throw new ShapeError(`${name}: the new sizes must be whole numbers from 1 on, got ${formatShape(outputs)}`);
  if (input.shape.slice(1).includes(0))
    throw new ShapeError(`${name}: only the batch may be empty, got an input of ${formatShape(input.shape)}`);
  if (mode === 'area') return adaptiveAverageOver(dims as 1 | 2 | 3, input, outputs);
  const taps = sizes.map((size, d) =>
    interpolationTaps(kind, antialias, {
      input: size,
      output: outputs[d] as number,
      factor: factors[d] as number | null,
      alignCorners: options.alignCorners ?? false,
      single: input.type !== FLOAT64,
    }),
  );
  return applyOne(interpolateOperator, [input], taps);
}

const BAD = [
  { args: [t([1, 2, 3]), {}], error: /give size or scaleFactor/ },
  { args: [t([2, 3]), { size: 4 }], error: /dimensions/ },
  { args: [t([1, 2, 3]), { size: 0 }], error: /from 1 on/ },
];

/**
 * Another size of the spatial dimensions: `input` [N, C, L], [N, C, H, W] or [N, C, D, H, W] of a floating dtype (for 'nearest' also uint8). `size` or
 * `scaleFactor` says which. Modes: 'nearest', 'nearest-exact', 'linear' (1-d), 'bilinear' and 'bicubic' (2-d), 'trilinear' (3-d), 'area' (averages), 'lanczos' (2-d,
 * with `antialias`). Cubic weights after Keys, 1981.
 *
 * @example
 * nn.functional.interpolate(tensor([[[1, 3]]]), { size: 4, mode: 'linear' }); // tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
 */
export const interpolate: InterpolationFunction<RealDType, InterpolateOptions> = described(
  NAME,
  (input: Tensor, options: InterpolateOptions = {}): Tensor => resize(NAME, input, options),
  {
    signature: 'input, *, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias',
    samples: [
      { args: [t([1, 2, 3]), { size: 5 }] },
      { args: [t([1, 2, 4]), { scaleFactor: 1.5, mode: 'linear' }] },
      { args: [t([1, 1, 3, 4]), { size: [5, 3], mode: 'bilinear', alignCorners: true }] },
      { args: [t([1, 1, 3, 4]), { scaleFactor: 2, mode: 'bicubic' }] },
      { args: [t([1, 1, 5, 4]), { size: 2, mode: 'bicubic', antialias: true }] },
      { args: [t([1, 1, 3, 4, 2]), { size: [2, 5, 3], mode: 'trilinear' }] },
      { args: [t([1, 1, 3, 4]), { size: 2, mode: 'area' }] },
      { args: [t([1, 1, 3, 4]), { scaleFactor: [1.7, 0.6], mode: 'nearest-exact' }] },
    ],
    bad: [...BAD, { args: [t([1, 2, 3]), { size: 2, mode: 'bilinear' }], error: /needs an input of 4 dimensions/ }],
  },
);

/** Options of `upsample`. */
export type UpsampleOptions = Omit<InterpolateOptions, 'recomputeScaleFactor' | 'antialias'>;

/**
 * The same as `interpolate`, under its older name.
 *
 * @example
 * nn.functional.upsample(tensor([[[1, 3]]]), { scaleFactor: 2 }); // tensor([[[1., 1., 3., 3.]]])
 */
export const upsample: InterpolationFunction<RealDType, UpsampleOptions> = described(
  'nn.functional.upsample',
  (input: Tensor, options: UpsampleOptions = {}): Tensor => resize('nn.functional.upsample', input, options),
  {
    signature: 'input, *, size, scale_factor, mode, align_corners',
    samples: [{ args: [t([1, 2, 3]), { scaleFactor: 2 }] }, { args: [t([1, 2, 3, 2]), { size: 4, mode: 'bilinear', alignCorners: true }] }],
    bad: BAD,
  },
);

/** A new size or a factor. */
export type SizeOptions = Pick<InterpolateOptions, 'size' | 'scaleFactor'>;

/**
 * `interpolate` with the nearest elements.
 *
 * @example
 * nn.functional.upsampleNearest(tensor([[[1, 3]]]), { size: 3 }); // tensor([[[1., 1., 3.]]])
 */
export const upsampleNearest: InterpolationFunction<RealDType, SizeOptions> = described(
  'nn.functional.upsampleNearest',
  (input: Tensor, options: SizeOptions = {}): Tensor => resize('nn.functional.upsampleNearest', input, options),
  {
    signature: 'input, *, size, scale_factor',
    samples: [{ args: [t([1, 2, 3]), { size: 5 }] }, { args: [t([1, 2, 3, 2]), { scaleFactor: 2 }] }],
    bad: BAD,
  },
);

/**
 * `interpolate` for images, linear in each dimension, with the corners kept.
 *
 * @example
 * nn.functional.upsampleBilinear(tensor([[[[1, 3]]]]), { size: [1, 3] }); // tensor([[[[1., 2., 3.]]]])
 */
export const upsampleBilinear: InterpolationFunction<RealDType, SizeOptions> = described(
  'nn.functional.upsampleBilinear',
  (input: Tensor, options: SizeOptions = {}): Tensor =>
    resize('nn.functional.upsampleBilinear', input, { ...options, mode: 'bilinear', alignCorners: true }),
  {
    signature: 'input, *, size, scale_factor',
    samples: [{ args: [t([1, 2, 3, 2]), { size: 4 }] }, { args: [t([1, 1, 4, 3]), { scaleFactor: 0.6 }] }],
    bad: [{ args: [t([1, 2, 3]), { size: 4 }], error: /4 dimensions/ }],
  },
);
