import { tapsOf } from './resample.ts';
import type { Taps } from './window-kernels.ts';

/** Where elements of a resized dimension come from, for each way to interpolate. */

export type InterpolationMode = 'nearest' | 'nearest-exact' | 'linear' | 'cubic' | 'lanczos';

/** How one dimension is resized. */
export interface Resizing {
  readonly input: number;
  readonly output: number;
  /** The factor that was asked for, or null: then the sizes say it. */
  readonly factor: number | null;
  readonly alignCorners: boolean;
  /** Whether positions are rounded to float32, as PyTorch has them for such tensors. */
  readonly single: boolean;
}

const exact = (x: number): number => x;

/** Steps of the input for one of the output. */
function stepOf({ input, output, factor, alignCorners, single }: Resizing): number {
  const round = single ? Math.fround : exact;
  if (alignCorners) return output > 1 ? round((input - 1) / (output - 1)) : 0;
  return round(factor !== null && factor > 0 ? 1 / factor : input / output);
}

function nearestTaps(resizing: Resizing, shift: number): Taps {
  // PyTorch finds neighbours in float32 for every dtype.
  const step = stepOf({ ...resizing, single: true, alignCorners: false });
  return tapsOf(resizing.input, resizing.output, (i) => [[Math.min(Math.floor(Math.fround((i + shift) * step)), resizing.input - 1), 1]]);
}

/** The position in the input that an element of the output lies at. */
function positionOf(i: number, step: number, { alignCorners, single }: Resizing): number {
  const round = single ? Math.fround : exact;
  return alignCorners ? round(step * i) : round(round(step * (i + 0.5)) - 0.5);
}

function linearTaps(resizing: Resizing): Taps {
  const { input, output, single } = resizing;
  const step = stepOf(resizing);
  return tapsOf(input, output, (i) => {
    if (input === output) return [[i, 1]];
    const position = Math.max(positionOf(i, step, resizing), 0);
    const low = Math.min(Math.floor(position), input - 1);
    const part = Math.min(Math.max(single ? Math.fround(position - low) : position - low, 0), 1);
    return low < input - 1
      ? [
          [low, 1 - part],
          [low + 1, part],
        ]
      : [[low, 1]];
  });
}

/** Keys, "Cubic convolution interpolation for digital image processing", 1981: the weight of an element at a distance; `a` is the slope at 1. */
export function cubicWeight(x: number, a: number): number {
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

function cubicTaps(resizing: Resizing): Taps {
  const { input, output } = resizing;
  const step = stepOf(resizing);
  return tapsOf(input, output, (i) => {
    const position = positionOf(i, step, resizing);
    const low = Math.min(Math.floor(position), input - 1);
    const part = Math.min(Math.max(position - low, 0), 1);
    return [-1, 0, 1, 2].map((k) => [Math.min(Math.max(low + k, 0), input - 1), cubicWeight(part - k, -0.75)] as const);
  });
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The filters that average over all that a smaller image leaves out, and how far they reach. */
const FILTERS: Readonly<Record<'linear' | 'cubic' | 'lanczos', { readonly reach: number; weight(x: number): number }>> = {
  linear: { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  cubic: { reach: 2, weight: (x) => cubicWeight(x, -0.5) },
  lanczos: { reach: 3, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function filteredTaps(resizing: Resizing, { reach, weight }: { readonly reach: number; weight(x: number): number }): Taps {
  const { input, output } = resizing;
  const step = stepOf(resizing);
  const support = step >= 1 ? reach * step : reach;
  return tapsOf(input, output, (i) => {
    const centre = step * (i + 0.5);
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), input);
    const line = Array.from(
      { length: Math.max(end - first, 0) },
      (_, k) => [first + k, weight((first + k - centre + 0.5) / Math.max(step, 1))] as const,
    );
    const total = line.reduce((sum, [, w]) => sum + w, 0);
    return total === 0 ? line : line.map(([index, w]) => [index, w / total] as const);
  });
}

/** The taps of one dimension. */
export function interpolationTaps(mode: InterpolationMode, antialias: boolean, resizing: Resizing): Taps {
  if (mode === 'nearest') return nearestTaps(resizing, 0);
  if (mode === 'nearest-exact') return nearestTaps(resizing, 0.5);
  if (antialias || mode === 'lanczos') return filteredTaps(resizing, FILTERS[mode]);
  return mode === 'linear' ? linearTaps(resizing) : cubicTaps(resizing);
}
