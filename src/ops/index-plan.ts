/** What stands between the brackets of an indexing, brought into an order of views and one gather. */
import { BOOL, INT32, INT64, UINT8 } from '../dtype/dtype.ts';
import { broadcastShapes, broadcastsTo } from '../shape/broadcast.ts';
import { formatShape, sameShape } from '../shape/shape.ts';
import { normalizeIndex, normalizeSlice, Slice } from '../shape/slice.ts';
import { elementsOf, flatten, type NestedElements, tensorOfElements } from '../tensor/data.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, IndexError, ShapeError } from '../util/errors.ts';
import type { Indexing } from './indexed.ts';
import { sliceDim, unsqueeze } from './movement.ts';
import { coordinateLines } from './nonzero.ts';
import { cast, expand, reshape, select } from './structural.ts';

/** The bounds of a slice, written out. */
export interface SliceBounds {
  readonly start?: number | null;
  readonly stop?: number | null;
  readonly step?: number | null;
}

/** A list of indices or of booleans, nested for more dimensions. */
export type IndexList = readonly (number | boolean | IndexList)[];

/**
 * One index: a number, ':' (all), '...' (the dimensions not named), null (a new dimension), a slice, a boolean, or a tensor or list of indices or
 * booleans.
 */
export type IndexItem = number | ':' | '...' | null | boolean | Slice | SliceBounds | Tensor | IndexList;

/** A view that one index asks for. */
export type ViewStep =
  | { readonly kind: 'select'; readonly dim: number; readonly index: number }
  | { readonly kind: 'slice'; readonly dim: number; readonly start: number; readonly length: number; readonly step: number }
  | { readonly kind: 'unsqueeze'; readonly dim: number };

/** An indexing, all but the indices themselves checked. */
export interface IndexPlan {
  /** Views, one of the other. */
  readonly steps: readonly ViewStep[];
  /** What is gathered from the last view; null: nothing. */
  readonly gather: { readonly indexing: Indexing; readonly indices: readonly Tensor[] } | null;
  /** The shape of the last view. */
  readonly viewed: readonly number[];
}

/** The view after all steps. */
export function applySteps(x: Tensor, steps: readonly ViewStep[]): Tensor {
  let view = x;
  for (const step of steps) {
    if (step.kind === 'select') view = select(view, step.dim, step.index);
    else if (step.kind === 'slice') view = sliceDim(view, step.dim, step.start, step.length, step.step);
    else view = unsqueeze(view, step.dim);
  }
  return view;
}

/** The steps for a tensor with a batch dimension in front. */
export function shiftSteps(steps: readonly ViewStep[]): ViewStep[] {
  return steps.map((step) => ({ ...step, dim: step.dim + 1 }));
}

/** A list as a tensor of indices or a mask; everything else as it is. */
function asItem(name: string, item: unknown): unknown {
  if (!Array.isArray(item)) return item;
  const { shape, elements } = flatten(name, item as NestedElements);
  if (elements.length > 0 && elements.every((value) => typeof value === 'boolean')) return tensorOfElements(elements, shape, BOOL);
  for (const value of elements) {
    if (!Number.isInteger(Number(value)) || typeof value === 'object')
      throw new IndexError(`${name}: a list of indices holds ${String(value)}, which is no whole number`);
  }
  return tensorOfElements(elements, shape, INT64);
}

const isMask = (x: Tensor): boolean => x.type === BOOL || x.type === UINT8;

/** How many dimensions an item stands for. */
function consumed(item: unknown): number {
  if (item === null || item === '...' || typeof item === 'boolean') return 0;
  return isTensor(item) && isMask(item) ? item.ndim : 1;
}

/** Walks along the indices; `shape` is that of the view so far, and `dim` the next dimension of it. */
class Planner {
  readonly steps: ViewStep[] = [];
  readonly gathered: { readonly dim: number; readonly index: Tensor }[] = [];
  shape: number[];
  dim = 0;
  readonly #name: string;

  constructor(name: string, shape: readonly number[]) {
    this.#name = name;
    this.shape = [...shape];
  }

  add(item: unknown): void {
    if (item === null) this.#unsqueeze();
    else if (typeof item === 'boolean') this.#chooseNewDim(item);
    else if (typeof item === 'number') this.#select(item);
    else if (item === ':') this.dim++;
    else if (isTensor(item)) this.#addTensor(item);
    else if (item instanceof Slice || isBounds(item)) this.#slice(item as SliceBounds);
    else
      throw new ArgumentError(
        `${this.#name}: an index must be a number, ':', '...', null, a slice, a boolean, or a tensor or list of indices, got ${describe(item)}`,
      );
  }

  #unsqueeze(): void {
    this.steps.push({ kind: 'unsqueeze', dim: this.dim });
    this.shape.splice(this.dim, 0, 1);
    this.dim++;
  }

  /** A boolean is a mask of a new dimension of size 1. */
  #chooseNewDim(keep: boolean): void {
    this.#unsqueeze();
    this.gathered.push({ dim: this.dim - 1, index: tensorOfElements(keep ? [0] : [], [keep ? 1 : 0], INT64) });
  }

  #select(index: number): void {
    const size = this.shape[this.dim] as number;
    this.steps.push({ kind: 'select', dim: this.dim, index: normalizeIndex(this.#name, index, size) });
    this.shape.splice(this.dim, 1);
  }

  #slice({ start = null, stop = null, step = null }: SliceBounds): void {
    const size = this.shape[this.dim] as number;
    const taken = normalizeSlice(start, stop, step, size);
    const whole = taken.length === size && taken.step === 1;
    if (!whole) {
      this.steps.push({
        kind: 'slice',
        dim: this.dim,
        start: taken.length === 0 ? 0 : taken.start,
        length: taken.length,
        step: taken.step,
      });
      this.shape[this.dim] = taken.length;
    }
    this.dim++;
  }

  #addTensor(index: Tensor): void {
    if (isMask(index)) this.#addMask(index);
    else if (index.type !== INT64 && index.type !== INT32) {
      throw new IndexError(`${this.#name}: a tensor as index must have dtype int64, int32 or bool, got ${index.dtype}`);
    } else if (index.ndim === 0 && index.wrapped === null) this.#select(Number(elementsOf(index)[0]));
    else {
      this.gathered.push({ dim: this.dim, index: cast(index, INT64) });
      this.dim++;
    }
  }

  /** A mask is the coordinates of its true elements. */
  #addMask(mask: Tensor): void {
    if (mask.ndim === 0) {
      this.#chooseNewDim(elementsOf(mask)[0] === true || elementsOf(mask)[0] === 1);
      return;
    }
    const masked = this.shape.slice(this.dim, this.dim + mask.ndim);
    if (!sameShape(masked, mask.shape)) {
      throw new IndexError(
        `${this.#name}: a mask of shape ${formatShape(mask.shape)} does not fit dimensions of sizes ${formatShape(masked)} (from dimension ${this.dim} on)`,
      );
    }
    for (const index of coordinateLines(mask)) {
      this.gathered.push({ dim: this.dim, index });
      this.dim++;
    }
  }
}

function isBounds(item: unknown): boolean {
  return typeof item === 'object' && item !== null && ('start' in item || 'stop' in item || 'step' in item);
}

function describe(item: unknown): string {
  return typeof item === 'string' ? `'${item}'` : item === undefined ? 'undefined' : typeof item;
}

/** Reads the indices of an indexing of a tensor of shape `shape`. */
export function planIndexing(name: string, shape: readonly number[], items: readonly unknown[]): IndexPlan {
  const list = items.map((item) => asItem(name, item));
  const used = list.reduce<number>((sum, item) => sum + consumed(item), 0);
  if (used > shape.length) throw new IndexError(`${name}: ${used} indices are too many for a tensor of shape ${formatShape(shape)}`);
  const ellipses = list.filter((item) => item === '...').length;
  if (ellipses > 1) throw new IndexError(`${name}: '...' may stand only once`);
  const planner = new Planner(name, shape);
  for (const item of list) {
    if (item === '...') planner.dim += shape.length - used;
    else planner.add(item);
  }
  return { steps: planner.steps, gather: planGather(name, planner.shape, planner.gathered), viewed: planner.shape };
}

/** PyTorch's (and NumPy's) placement: the dimensions of the indices stand where the indexed dimensions were if those are next to each other, else first. */
function planGather(
  name: string,
  shape: readonly number[],
  gathered: readonly { readonly dim: number; readonly index: Tensor }[],
): IndexPlan['gather'] {
  if (gathered.length === 0) return null;
  const common = commonShape(
    name,
    gathered.map(({ index }) => index.shape),
  );
  const dims = gathered.map(({ dim }) => dim);
  const first = dims[0] as number;
  const together = dims.every((dim, k) => dim === first + k);
  const at = together ? first : 0;
  const kept = shape.map((_, d) => d).filter((d) => !dims.includes(d));
  const positions = kept.map((d) => shape[d] as number);
  positions.splice(at, 0, ...common);
  const along = shape.map(() => -1);
  kept.forEach((d, k) => {
    along[d] = k < at ? k : k + common.length;
  });
  return {
    indexing: { source: shape, flat: false, along, dims, at, shape: positions, wrap: true },
    indices: gathered.map(({ index }) => aligned(index, common)),
  };
}

function commonShape(name: string, shapes: readonly (readonly number[])[]): readonly number[] {
  try {
    return broadcastShapes(name, ...shapes);
  } catch {
    throw new IndexError(`${name}: index tensors of shapes ${shapes.map(formatShape).join(', ')} do not broadcast together`);
  }
}

/** An index with all dimensions of the common shape, of size 1 where it repeats. */
function aligned(index: Tensor, common: readonly number[]): Tensor {
  const missing = common.length - index.ndim;
  return missing === 0 ? index : reshape(index, [...Array<number>(missing).fill(1), ...index.shape]);
}

/** How values get the shape of the places: null where they have it. Leading dimensions of size 1 that are too many fall away, the rest broadcasts. */
export function valuesFit(name: string, values: Tensor, shape: readonly number[]): ((values: Tensor) => Tensor) | null {
  if (sameShape(values.shape, shape)) return null;
  let fitted = values.shape;
  while (fitted.length > shape.length && fitted[0] === 1) fitted = fitted.slice(1);
  if (!broadcastsTo(fitted, shape)) {
    throw new ShapeError(
      `${name}: values of shape ${formatShape(values.shape)} do not broadcast to the places of shape ${formatShape(shape)}`,
    );
  }
  return (x) => expand(reshape(x, fitted), shape);
}
