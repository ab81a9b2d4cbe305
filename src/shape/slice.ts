/** Slices and indices along one dimension. */
import { ArgumentError, IndexError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';

type Bound = number | null;

/** A part of a dimension, as it was asked for: Python's `start:stop:step`. Made by `slice`. */
export class Slice<Start extends Bound = Bound, Stop extends Bound = Bound, Step extends number = number> {
  readonly start: Start;
  readonly stop: Stop;
  readonly step: Step;
  constructor(start: Start, stop: Stop, step: Step) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
}

/**
 * Python's `start:stop:step`, for indexing. null stands for an end of the dimension; negative bounds count from the end.
 *
 * @example
 * slice(1, -1); // all but the first and the last
 * slice(null, null, 2); // every other one
 */
export function slice<Start extends Bound = null, Stop extends Bound = null, Step extends number = 1>(
  start: Start = null as Start,
  stop: Stop = null as Stop,
  step: Step = 1 as Step,
): Slice<Start, Stop, Step> {
  return new Slice(start, stop, step);
}

/** Which elements of a dimension a slice takes: `length` of them, from `start`, `step` apart. */
export interface NormalizedSlice {
  readonly start: number;
  readonly length: number;
  readonly step: number;
}

/**
 * The elements that `start:stop:step` takes of a dimension. Negative edges count from the end; edges beyond an end stop there; null and undefined
 * stand for the ends. A negative step walks backwards and takes the same elements as Python's does.
 *
 * @throws ArgumentError for a step of 0 and for what is no whole number.
 * @example
 * normalizeSlice(1, -1, 2, 6); // { start: 1, length: 2, step: 2 }
 * normalizeSlice(null, null, -1, 3); // { start: 2, length: 3, step: -1 }
 */
export function normalizeSlice(
  start: number | null | undefined,
  stop: number | null | undefined,
  step: number | null | undefined,
  size: number,
): NormalizedSlice {
  const stride = step ?? 1;
  if (!Number.isInteger(stride) || stride === 0)
    throw new ArgumentError(`slice: the step must be a whole number other than 0, got ${stride}`);
  // Going backwards, the edges lie one further to the left: the walk ends before the first element, at -1.
  const low = stride > 0 ? 0 : -1;
  const high = stride > 0 ? size : size - 1;
  const first = edge(start, stride > 0 ? low : high, size, low, high);
  const end = edge(stop, stride > 0 ? high : low, size, low, high);
  const length = Math.max(0, Math.ceil((end - first) / stride));
  return { start: first, length, step: stride };
}

/** One edge of a slice, within `low` to `high`. */
function edge(value: number | null | undefined, fallback: number, size: number, low: number, high: number): number {
  if (value === null || value === undefined) return fallback;
  if (!Number.isInteger(value) && Math.abs(value) !== Number.POSITIVE_INFINITY) {
    throw new ArgumentError(`slice: the edges must be whole numbers, got ${value}`);
  }
  return Math.min(Math.max(value < 0 ? value + size : value, low), high);
}

/**
 * An index into a dimension, counted from the front.
 *
 * @throws IndexError where the dimension is too small, ArgumentError for what is no whole number.
 * @example
 * normalizeIndex('select', -1, 4); // 3
 */
export function normalizeIndex(name: string, index: number, size: number): number {
  requireWhole(name, 'an index', index);
  if (index < -size || index >= size) {
    throw new IndexError(
      size === 0
        ? `${name}: index ${index} is out of range for a dimension of size 0`
        : `${name}: index ${index} is out of range for a dimension of size ${size} (${-size} to ${size - 1})`,
    );
  }
  return index < 0 ? index + size : index;
}
