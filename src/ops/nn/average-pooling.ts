import { FLOAT64 } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { applyOne } from '../../tensor/apply.ts';
import { tensorOfElements } from '../../tensor/data.ts';
import { describeValue } from '../../tensor/messages.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError } from '../../util/errors.ts';
import { mul } from '../arithmetic.ts';
import { realFloatOnly } from '../elementwise.ts';
import { callMap, compositeOperator, described, mapOperator } from '../family.ts';
import { DIV } from '../maps.ts';
import { pow } from '../power.ts';
import { sumKept } from '../reduction.ts';
import { abs, sign } from '../rounding.ts';
import { cast } from '../structural.ts';
import type { PoolingFunctions } from '../types.ts';
import { relu } from './activation.ts';
import { maxOperator, maxOver, windowLine } from './max-pooling-core.ts';
import { adaptiveSizes, adaptiveWindow, checkPooled, type WindowOptions, type WindowSizes, windowSizes } from './pooling-sizes.ts';
import { resample, tapsOf } from './resample.ts';
import type { PerDim } from './window-arguments.ts';
import type { Taps } from './window-kernels.ts';

/** The sums over windows, and by what they are divided: one number, or one for each place along each dimension. */
interface AverageParams {
  readonly taps: readonly Taps[];
  readonly divisors: number | readonly (readonly number[])[];
}

const DIVIDE = mapOperator('div', 1, 1, ([x], [n]) => S.div(x as S.Expr, n as S.Expr));
const DIVIDE_WHOLE = mapOperator('div', 1, 1, ([x], [n]) => S.trunc(S.div(x as S.Expr, n as S.Expr)), false);

/** Divides by one number, or by a product of one along each of the last dimensions. Integers are divided towards zero, as in PyTorch. */
function divided(sum: Tensor, divisors: AverageParams['divisors']): Tensor {
  const { type } = sum;
  if (typeof divisors === 'number') {
    if (divisors === 1) return sum;
    if (type.isFloat) return callMap(DIVIDE, [sum], [divisors], type);
    return cast(callMap(DIVIDE_WHOLE, [cast(sum, FLOAT64)], [divisors], FLOAT64), type);
  }
  const shape = divisors.map((line) => line.length);
  const counts = divisors.reduce<number[]>((all, line) => all.flatMap((a) => line.map((b) => a * b)), [1]);
  if (!type.isFloat) {
    const whole = callMap(DIV, [cast(sum, FLOAT64), tensorOfElements(counts, shape, FLOAT64)], [], FLOAT64);
    return cast(whole, type);
  }
  return callMap(DIV, [sum, tensorOfElements(counts, shape, type)], [], type);
}

function averageOperator(name: string) {
  return compositeOperator<AverageParams>(name, ([x], { taps, divisors }) => {
    const input = x as Tensor;
    const first = input.ndim - taps.length;
    return divided(
      input.type.isFloat && taps.every(isWhole)
        ? sumKept(
            input,
            taps.map((_, d) => first + d),
          )
        : windowSums(input, taps, first),
      divisors,
    );
  });
}

/** The last dimension comes last, when there is the least left of the others: it is the one that is not made of vectors. */
function windowSums(input: Tensor, taps: readonly Taps[], first: number): Tensor {
  return taps.reduce<Tensor>((partial, each, d) => resample(partial, first + d, each), input);
}

/** Whether there is one window, which has all elements. */
function isWhole({ starts, indices, size }: Taps): boolean {
  return starts.length === 2 && indices.length === size;
}

function boxTaps({ size, kernel, stride, padding, output }: WindowSizes): Taps {
  return tapsOf(size, output, function* (i) {
    const start = i * stride - padding;
    for (let at = Math.max(start, 0); at < Math.min(start + kernel, size); at++) yield [at, 1];
  });
}

/** How many elements each window has: with those of the padding, or only real ones. */
function windowCounts({ size, kernel, stride, padding, output }: WindowSizes, withPadding: boolean): number[] {
  return Array.from({ length: output }, (_, i) => {
    const start = i * stride - padding;
    if (withPadding) return Math.min(start + kernel, size + padding) - start;
    return Math.min(start + kernel, size) - Math.max(start, 0);
  });
}

/** Options of average pooling. */
export interface AveragePoolingOptions extends Omit<WindowOptions, 'dilation'> {
  /** The padding's zeros count in the average. Default true. */
  readonly countIncludePad?: boolean;
  /** What sums are divided by instead of the sizes of windows. */
  readonly divisorOverride?: number | null;
}

function averagePooling(dims: 1 | 2 | 3) {
  const name = `nn.functional.avgPool${dims}d`;
  const operator = averageOperator(name);
  return (input: Tensor, kernelSize: PerDim, options: AveragePoolingOptions = {}): Tensor => {
    checkPooled(name, input, dims);
    const windows = windowSizes(name, input, kernelSize, dims, options);
    const override = options.divisorOverride ?? null;
    if (override !== null && (!Number.isInteger(override) || override === 0))
      throw new ArgumentError(`${name}: divisorOverride must be a whole number other than 0, got ${describeValue(override)}`);
    const counts = windows.map((window) => windowCounts(window, options.countIncludePad ?? true));
    const even = counts.every((line) => line.every((n) => n === line[0]));
    const divisors = override ?? (even ? counts.reduce((n, line) => n * (line[0] as number), 1) : counts);
    return applyOne(operator, [input], { taps: windows.map(boxTaps), divisors });
  };
}

const ADAPTIVE = {
  1: averageOperator('nn.functional.adaptiveAvgPool1d'),
  2: averageOperator('nn.functional.adaptiveAvgPool2d'),
  3: averageOperator('nn.functional.adaptiveAvgPool3d'),
};

/** Averages over as many windows of the last dimensions as `outputs` says. */
export function adaptiveAverageOver(dims: 1 | 2 | 3, input: Tensor, outputs: readonly number[]): Tensor {
  const sizes = input.shape.slice(input.ndim - dims);
  const windows = outputs.map((count, d) => Array.from({ length: count }, (_, i) => adaptiveWindow(i, count, sizes[d] as number)));
  const taps = windows.map((line, d) =>
    tapsOf(sizes[d] as number, line.length, function* (i) {
      const [start, end] = line[i] as readonly [number, number];
      for (let at = start; at < end; at++) yield [at, 1];
    }),
  );
  return applyOne(ADAPTIVE[dims], [input], { taps, divisors: windows.map((line) => line.map(([start, end]) => end - start)) });
}

function adaptiveAverage(dims: 1 | 2 | 3) {
  const name = `nn.functional.adaptiveAvgPool${dims}d`;
  return (input: Tensor, outputSize: PerDim | readonly (number | null)[]): Tensor => {
    checkPooled(name, input, dims);
    realFloatOnly(input.type, name);
    return adaptiveAverageOver(dims, input, adaptiveSizes(name, input, outputSize, dims));
  };
}

/** Options of power-average pooling. */
export type NormPoolingOptions = Pick<WindowOptions, 'stride' | 'ceilMode'>;

function normPooling(dims: 1 | 2 | 3, average: (x: Tensor, kernelSize: PerDim, options: AveragePoolingOptions) => Tensor) {
  const name = `nn.functional.lpPool${dims}d`;
  const largest = maxOperator(name);
  const operator = compositeOperator<{
    readonly p: number;
    readonly kernel: PerDim;
    readonly count: number;
    readonly options: NormPoolingOptions;
  }>(name, ([x], { p, kernel, count, options }) => {
    const out = average(pow(x as Tensor, p), kernel, { stride: options.stride ?? null, ceilMode: options.ceilMode ?? false });
    return pow(mul(mul(sign(out), relu(abs(out))), count), 1 / p);
  });
  const infinite = compositeOperator<{ readonly direction: number; readonly lines: Parameters<typeof maxOver>[2] }>(
    name,
    ([x], { direction, lines }) => {
      const pooled = maxOver(largest, mul(abs(x as Tensor), direction), lines)[0];
      return direction > 0 ? pooled : mul(pooled, -1);
    },
  );
  return (input: Tensor, normType: number, kernelSize: PerDim, options: NormPoolingOptions = {}): Tensor => {
    checkPooled(name, input, dims);
    if (typeof normType !== 'number' || Number.isNaN(normType) || normType === 0)
      throw new ArgumentError(`${name}: normType must be a number other than 0, got ${describeValue(normType)}`);
    realFloatOnly(input.type, name);
    const windows = windowSizes(name, input, kernelSize, dims, options);
    if (!Number.isFinite(normType)) return applyOne(infinite, [input], { direction: Math.sign(normType), lines: windows.map(windowLine) });
    const count = windows.reduce((n, { kernel }) => n * kernel, 1);
    return applyOne(operator, [input], { p: normType, kernel: kernelSize, count, options });
  };
}

/**
 * The average of each window: `input` [N, C, L] or [C, L] of a real dtype. `padding` adds zeros, which count unless `countIncludePad` is false.
 * Throws ShapeError where a window is larger than the padded input.
 *
 * @example
 * nn.functional.avgPool1d(tensor([[1, 2, 3, 4]]), 2); // tensor([[1.5000, 3.5000]])
 */
export const avgPool1d: PoolingFunctions['avgPool1d'] = described('nn.functional.avgPool1d', averagePooling(1), {
  signature: 'input, kernel_size, *, stride, padding, ceil_mode, count_include_pad',
  samples: [
    { args: [t([2, 6]), 2] },
    { args: [t([2, 1, 6]), 3, { stride: 2, padding: 1, ceilMode: true, countIncludePad: false }] },
    { args: [t([2, 1, 6]), 2, { stride: [1], padding: 1, countIncludePad: true }] },
  ],
  bad: [
    { args: [t([2, 6]), 2, { padding: 2 }], error: /at most half/ },
    { args: [t([2, 1]), 2], error: /larger than the padded input/ },
  ],
});

/**
 * The average of each window: `input` [N, C, H, W] or [C, H, W] of a real dtype. `padding` adds zeros, which count unless `countIncludePad` is false; `divisorOverride` replaces what
 * sums are divided by. Throws ShapeError where a window is larger than the padded input.
 *
 * @example
 * nn.functional.avgPool2d(tensor([[[1, 2], [3, 4]]]), 2); // tensor([[[2.5000]]])
 */
export const avgPool2d: PoolingFunctions['avgPool2d'] = described('nn.functional.avgPool2d', averagePooling(2), {
  signature: 'input, kernel_size, *, stride, padding, ceil_mode, count_include_pad, divisor_override',
  samples: [
    { args: [t([2, 5, 4]), 2] },
    { args: [t([2, 1, 5, 4]), 3, { stride: 2, padding: 1, ceilMode: true, countIncludePad: false }] },
    { args: [t([2, 1, 5, 4]), 2, { stride: [1, 1], padding: 1, divisorOverride: 2 }] },
  ],
  bad: [
    { args: [t([2, 5, 4]), 2, { padding: 2 }], error: /at most half/ },
    { args: [t([2, 1, 1]), 2], error: /larger than the padded input/ },
  ],
});

/**
 * The average of each window: `input` [N, C, D, H, W] or [C, D, H, W] of a real dtype. `padding` adds zeros, which count unless `countIncludePad` is false; `divisorOverride` replaces what
 * sums are divided by. Throws ShapeError where a window is larger than the padded input.
 *
 * @example
 * nn.functional.avgPool3d(ones([1, 2, 2, 2]), 2); // tensor([[[[1.]]]])
 */
export const avgPool3d: PoolingFunctions['avgPool3d'] = described('nn.functional.avgPool3d', averagePooling(3), {
  signature: 'input, kernel_size, *, stride, padding, ceil_mode, count_include_pad, divisor_override',
  samples: [
    { args: [t([2, 3, 4, 3]), 2] },
    { args: [t([2, 1, 3, 4, 3]), 3, { stride: 2, padding: 1, ceilMode: true, countIncludePad: false }] },
    { args: [t([2, 1, 3, 4, 3]), 2, { stride: [1, 1, 1], padding: 1, divisorOverride: 2 }] },
  ],
  bad: [
    { args: [t([2, 3, 4, 3]), 2, { padding: 2 }], error: /at most half/ },
    { args: [t([2, 1, 1, 1]), 2], error: /larger than the padded input/ },
  ],
});

/**
 * Averages over as many windows as `outputSize` says, which share the input evenly: `input` [N, C, L] or [C, L] of a floating dtype; null keeps a size.
 *
 * @example
 * nn.functional.adaptiveAvgPool1d(tensor([[1, 2, 3, 4]]), 2); // tensor([[1.5000, 3.5000]])
 */
export const adaptiveAvgPool1d: PoolingFunctions['adaptiveAvgPool1d'] = described('nn.functional.adaptiveAvgPool1d', adaptiveAverage(1), {
  signature: 'input, output_size',
  samples: [{ args: [t([2, 6]), 2] }, { args: [t([2, 1, 6]), [4]] }],
  bad: [
    { args: [t([2, 6]), -1], error: /from 0 on/ },
    { args: [t([2]), 1], error: /dimensions/ },
  ],
});

/**
 * Averages over as many windows as `outputSize` says, which share the input evenly: `input` [N, C, H, W] or [C, H, W] of a floating dtype; null keeps a size.
 *
 * @example
 * nn.functional.adaptiveAvgPool2d(tensor([[[1, 2], [3, 4]]]), 1); // tensor([[[2.5000]]])
 */
export const adaptiveAvgPool2d: PoolingFunctions['adaptiveAvgPool2d'] = described('nn.functional.adaptiveAvgPool2d', adaptiveAverage(2), {
  signature: 'input, output_size',
  samples: [{ args: [t([2, 5, 4]), 2] }, { args: [t([2, 1, 5, 4]), [4, null]] }],
  bad: [
    { args: [t([2, 5, 4]), -1], error: /from 0 on/ },
    { args: [t([2]), 1], error: /dimensions/ },
  ],
});

/**
 * Averages over as many windows as `outputSize` says, which share the input evenly: `input` [N, C, D, H, W] or [C, D, H, W] of a floating dtype; null keeps a size.
 *
 * @example
 * nn.functional.adaptiveAvgPool3d(ones([1, 2, 4, 2]), [1, 2, 1]); // tensor([[[[1.], [1.]]]])
 */
export const adaptiveAvgPool3d: PoolingFunctions['adaptiveAvgPool3d'] = described('nn.functional.adaptiveAvgPool3d', adaptiveAverage(3), {
  signature: 'input, output_size',
  samples: [{ args: [t([2, 3, 4, 3]), 2] }, { args: [t([2, 1, 3, 4, 3]), [4, null, 5]] }],
  bad: [
    { args: [t([2, 3, 4, 3]), -1], error: /from 0 on/ },
    { args: [t([2]), 1], error: /dimensions/ },
  ],
});

/**
 * The p-norm of each window, p being `normType`: `input` [N, C, L] or [C, L] of a floating dtype. An infinite one gives the largest absolute value.
 *
 * @example
 * nn.functional.lpPool1d(tensor([[3, 4]]), 2, 2); // tensor([[5.]])
 */
export const lpPool1d: PoolingFunctions['lpPool1d'] = described('nn.functional.lpPool1d', normPooling(1, averagePooling(1)), {
  signature: 'input, norm_type, kernel_size, *, stride, ceil_mode',
  samples: [
    { args: [t([2, 6], { low: 0.5, high: 2 }), 2, 2] },
    { args: [t([2, 1, 6], { low: 0.5, high: 2 }), 3, 2, { stride: 1, ceilMode: true }] },
    { args: [t([2, 6]), Number.POSITIVE_INFINITY, 2] },
  ],
  bad: [{ args: [t([2, 6]), 0, 2], error: /other than 0/ }],
});

/**
 * The p-norm of each window, p being `normType`: `input` [N, C, H, W] or [C, H, W] of a floating dtype. An infinite one gives the largest absolute value.
 *
 * @example
 * nn.functional.lpPool2d(tensor([[[3, 4]]]), 2, [1, 2]); // tensor([[[5.]]])
 */
export const lpPool2d: PoolingFunctions['lpPool2d'] = described('nn.functional.lpPool2d', normPooling(2, averagePooling(2)), {
  signature: 'input, norm_type, kernel_size, *, stride, ceil_mode',
  samples: [
    { args: [t([2, 5, 4], { low: 0.5, high: 2 }), 2, 2] },
    { args: [t([2, 1, 5, 4], { low: 0.5, high: 2 }), 3, 2, { stride: 1, ceilMode: true }] },
    { args: [t([2, 5, 4]), Number.POSITIVE_INFINITY, 2] },
  ],
  bad: [{ args: [t([2, 5, 4]), 0, 2], error: /other than 0/ }],
});

/**
 * The p-norm of each window, p being `normType`: `input` [N, C, D, H, W] or [C, D, H, W] of a floating dtype. An infinite one gives the largest absolute value.
 *
 * @example
 * nn.functional.lpPool3d(tensor([[[[3, 4]]]]), 2, [1, 1, 2]); // tensor([[[[5.]]]])
 */
export const lpPool3d: PoolingFunctions['lpPool3d'] = described('nn.functional.lpPool3d', normPooling(3, averagePooling(3)), {
  signature: 'input, norm_type, kernel_size, *, stride, ceil_mode',
  samples: [
    { args: [t([2, 3, 4, 3], { low: 0.5, high: 2 }), 2, 2] },
    { args: [t([2, 1, 3, 4, 3], { low: 0.5, high: 2 }), 3, 2, { stride: 1, ceilMode: true }] },
    { args: [t([2, 3, 4, 3]), Number.POSITIVE_INFINITY, 2] },
  ],
  bad: [{ args: [t([2, 3, 4, 3]), 0, 2], error: /other than 0/ }],
});
