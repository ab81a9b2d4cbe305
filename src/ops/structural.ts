import type { DTypeInfo } from '../dtype/dtype.ts';
import type { Operator } from '../op/contract.ts';
import { backend } from '../runtime/backend.ts';
import { add as addExpr, arg, sub as subExpr } from '../scalar/expr.ts';
import { viewStrides } from '../shape/reshape.ts';
import { contiguousStrides, formatShape, isContiguous } from '../shape/shape.ts';
import { apply, applyOne } from '../tensor/apply.ts';
import { IDENTITY } from '../tensor/identity.ts';
import { MapOperator } from '../tensor/map-operator.ts';
import { addressRange } from '../tensor/overlap.ts';
import { provideStructural } from '../tensor/structural.ts';
import { contiguousTensor, Tensor, viewOf } from '../tensor/tensor.ts';
import { InPlaceError, ShapeError } from '../util/errors.ts';
import { emptyTensor, fullTensor } from './create.ts';
import { makeOperator } from './family.ts';

/**
 * The movement, reduction and copy primitives that the tape, the interpreters and most operators are built on. Each is linear: its transpose is
 * its derivative. Dimensions in their parameters are normalised already.
 */

function sameSizes(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((size, i) => size === b[i]));
}

// ---------------------------------------------------------------- expand and its transpose

/** Strides of `x` seen as `shape`: 0 along what is repeated. */
export function expandedStrides(name: string, x: Tensor, shape: readonly number[]): number[] {
  const shift = shape.length - x.shape.length;
  return shape.map((size, i) => {
    const own = i < shift ? 1 : (x.shape[i - shift] as number);
    if (i >= shift && own === size) return x.strides[i - shift] as number;
    if (own === 1) return 0;
    throw new ShapeError(
      `${name}: dimension ${i - shift} of ${formatShape(x.shape)} has size ${own} and cannot be expanded to ${size} in ${formatShape(shape)}: only sizes of 1 can`,
    );
  });
}

export const expandOperator = makeOperator<readonly number[]>({
  name: 'expand',
  aliasing: 'view',
  forward: ([x], shape) => {
    const source = x as Tensor;
    if (shape.length < source.ndim) {
      throw new ShapeError(`expand: ${formatShape(source.shape)} has more dimensions than the target ${formatShape(shape)}`);
    }
    return viewOf(source, shape, expandedStrides('expand', source, shape), source.offset);
  },
  derivative: { kind: 'linear', transpose: (g, context) => sumTo(g, context.inputShape(0)) },
  batching: {
    kind: 'whole',
    rule: ([x], size, shape) => {
      const source = x as Tensor;
      const padding = shape.length - (source.ndim - 1);
      const padded = padding > 0 ? reshape(source, [size, ...Array<number>(padding).fill(1), ...source.shape.slice(1)]) : source;
      return expand(padded, [size, ...shape]);
    },
  },
});

/** A view in which dimensions of size 1 are repeated, and leading ones added. */
export function expand(x: Tensor, shape: readonly number[]): Tensor {
  return sameSizes(x.shape, shape) ? x : applyOne(expandOperator, [x], shape);
}

/** Sums over what broadcasting repeated, so that the result has `shape`. */
export function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  if (sameSizes(x.shape, shape)) return x;
  const shift = x.ndim - shape.length;
  const dims: number[] = [];
  x.shape.forEach((size, i) => {
    if (i < shift || (shape[i - shift] === 1 && size !== 1)) dims.push(i);
  });
  const summed = dims.length === 0 ? x : applyOne(sumDimsOperator, [x], { dims, type: x.type });
  return reshape(summed, shape);
}

/** On a batch an operator along a dimension, or several, works along the next one; a dimension below 0 is none. */
const behindBatch = (dim: number): number => (dim < 0 ? dim : dim + 1);

export const alongDim = {
  kind: 'params',
  rewrite: <P extends { readonly dim: number }>(params: P): P => ({ ...params, dim: behindBatch(params.dim) }),
} as const;

export const alongDims = {
  kind: 'params',
  rewrite: <P extends { readonly dims: readonly number[] }>(params: P): P => ({ ...params, dims: params.dims.map(behindBatch) }),
} as const;

export interface ReduceParams {
  readonly dims: readonly number[];
  /** The dtype that is accumulated and returned. */
  readonly type: DTypeInfo;
  /** Keep the reduced dimensions with size 1. */
  readonly keepdim?: boolean;
}

export function reducedShape(shape: readonly number[], dims: readonly number[], keep = false): number[] {
  const result: number[] = [];
  shape.forEach((size, i) => {
    if (!dims.includes(i)) result.push(size);
    else if (keep) result.push(1);
  });
  return result;
}

/** Sum over `dims`, which disappear unless they are kept. */
export const sumDimsOperator = makeOperator<ReduceParams>({
  name: 'sum',
  forward: ([x], params) => {
    const source = x as Tensor;
    const result = emptyTensor(reducedShape(source.shape, params.dims), params.type);
    backend().reduce('sum', result, source, params.dims);
    return params.keepdim === true ? contiguousTensor(result.storage, reducedShape(source.shape, params.dims, true), params.type) : result;
  },
  derivative: {
    kind: 'linear',
    transpose: (g, context) => {
      const shape = context.inputShape(0);
      return expand(reshape(g, reducedShape(shape, context.params.dims, true)), shape);
    },
  },
  batching: alongDims,
});

// ---------------------------------------------------------------- reshape, permute, strided views

/** The result of a reshape: a view where the strides allow it, else a copy. `shape` has the right number of elements. */
export const reshapeOperator = makeOperator<readonly number[]>({
  name: 'view',
  aliasing: 'view',
  forward: ([x], shape) => reshaped(x as Tensor, shape),
  derivative: { kind: 'linear', transpose: (g, context) => reshape(g, context.inputShape(0)) },
  batching: { kind: 'params', rewrite: (shape, _x, size) => [size, ...shape] },
});

function reshaped(source: Tensor, shape: readonly number[]): Tensor {
  const strides = source.rowMajor ? contiguousStrides(shape) : viewStrides(source.shape, source.strides, shape);
  if (strides !== null)
    return new Tensor(
      source.storage,
      source.offset,
      shape,
      strides,
      source.type,
      source.size,
      source.rowMajor || isContiguous(shape, strides),
    );
  const copy = emptyTensor(source.shape, source.type);
  backend().map(IDENTITY.program, copy, [source], [], source.type);
  return new Tensor(copy.storage, 0, shape, contiguousStrides(shape), source.type, source.size, true);
}

export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  return sameSizes(x.shape, shape) ? x : applyOne(reshapeOperator, [x], shape);
}

export const permuteOperator = makeOperator<readonly number[]>({
  name: 'permute',
  aliasing: 'view',
  forward: ([x], dims) => {
    const source = x as Tensor;
    return viewOf(
      source,
      dims.map((d) => source.shape[d] as number),
      dims.map((d) => source.strides[d] as number),
      source.offset,
    );
  },
  derivative: { kind: 'linear', transpose: (g, context) => permute(g, inversePermutation(context.params)) },
  batching: { kind: 'params', rewrite: (dims) => [0, ...dims.map((d) => d + 1)] },
});

export function permute(x: Tensor, dims: readonly number[]): Tensor {
  return dims.every((d, i) => d === i) ? x : applyOne(permuteOperator, [x], dims);
}

export function inversePermutation(dims: readonly number[]): number[] {
  const inverse: number[] = [];
  dims.forEach((d, i) => {
    inverse[d] = i;
  });
  return inverse;
}

/** Dimension `from` moved to the front or elsewhere, the others in order. */
export function moveDim(x: Tensor, from: number, to: number): Tensor {
  if (from === to) return x;
  const dims = x.shape.map((_, i) => i).filter((i) => i !== from);
  dims.splice(to, 0, from);
  return permute(x, dims);
}

export interface Geometry {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Any sizes and strides over the storage of the input; checked to stay inside it. */
export const asStridedOperator = makeOperator<Geometry & { readonly source: Geometry }>({
  name: 'asStrided',
  aliasing: 'view',
  forward: ([x], geometry) => {
    const source = x as Tensor;
    const view = viewOf(source, geometry.shape, geometry.strides, geometry.offset);
    const [low, high] = addressRange(view);
    if (low < 0 || (high + 1) * source.type.itemsize > source.storage.byteLength) {
      throw new ShapeError(
        `asStrided: sizes ${formatShape(geometry.shape)} with strides ${formatShape(geometry.strides)} from offset ${geometry.offset} reach element ${high} of a storage that has ${Math.floor(source.storage.byteLength / source.type.itemsize)}`,
      );
    }
    return view;
  },
  derivative: {
    kind: 'rules',
    vjp: ([g], context) => [g === null || g === undefined ? null : applyOne(stridedScatterOperator, [g], context.params)],
    jvp: ([tangent], context) => [stridedTangent(tangent as Tensor, context.params)],
  },
  // The members of a batch lie apart by its first stride; offsets are those of the first member.
  batching: {
    kind: 'params',
    rewrite: ({ shape, strides, offset }, x, size) => ({
      shape: [size, ...shape],
      strides: [x.strides[0] as number, ...strides],
      offset,
      source: { shape: x.shape, strides: x.strides, offset: x.offset },
    }),
  },
});

/** The same places of a tangent: a view of it where its elements lie as those of the primal do. */
export function stridedTangent(tangent: Tensor, { source, ...view }: Geometry & { readonly source: Geometry }): Tensor {
  const alike = tangent.strides.every((stride, i) => stride === source.strides[i] || (source.shape[i] as number) <= 1);
  const { start, extent } = reachOf(source, view);
  if (alike && extent === reachOf(source).extent)
    return asStridedOf(tangent, { ...view, offset: tangent.offset + view.offset - source.offset });
  return asStridedOf(inLayout(tangent, source, view).line, { ...view, offset: view.offset - start });
}

/** The transpose of a strided view: adds each element back where the view took it from; what lies outside the source is dropped. */
export const stridedScatterOperator: Operator<Tensor, Geometry & { readonly source: Geometry }> = makeOperator<
  Geometry & { readonly source: Geometry }
>({
  name: 'asStridedScatterAdd',
  forward: ([g], { source, ...view }) => {
    const range = reachOf(source, view);
    const buffer = fullTensor([range.extent], 0, (g as Tensor).type);
    const places = { ...view, offset: view.offset - range.start };
    // What overlaps nowhere need not be added to the zeros.
    if (overlappingDim(places) < 0)
      backend().map(IDENTITY.program, viewOf(buffer, places.shape, places.strides, places.offset), [g as Tensor], [], buffer.type);
    else scatterAddStrided(buffer, g as Tensor, places);
    return viewOf(buffer, source.shape, source.strides, source.offset - range.start);
  },
  derivative: {
    kind: 'linear',
    transpose: (g, context) => {
      const { source, ...view } = context.params;
      const { line, start } = inLayout(g, source, view);
      return asStridedOf(line, { ...view, offset: view.offset - start });
    },
  },
  // Each member of a batch gets a line of its own.
  batching: {
    kind: 'params',
    rewrite: ({ source, ...view }, _g, size) => {
      const { start, extent } = reachOf(source, view);
      const lines = (part: Geometry): Geometry => ({
        shape: [size, ...part.shape],
        strides: [extent, ...part.strides],
        offset: part.offset - start,
      });
      return { ...lines(view), source: lines(source) };
    },
  },
});

/** The elements that geometries reach: how many from the lowest to the highest, and where they start. */
function reachOf(...geometries: readonly Geometry[]): { readonly start: number; readonly extent: number } {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { shape, strides, offset } of geometries) {
    if (shape.includes(0)) continue;
    const reach = shape.map((size, i) => (size - 1) * (strides[i] as number));
    low = Math.min(low, offset + reach.reduce((sum, r) => sum + Math.min(0, r), 0));
    high = Math.max(high, offset + reach.reduce((sum, r) => sum + Math.max(0, r), 0));
  }
  return high < low ? { start: geometries[0]?.offset ?? 0, extent: 0 } : { start: low, extent: high - low + 1 };
}

const ADD = new MapOperator('add', () => addExpr(arg(0), arg(1)), 2, 0);

/** Adds `g` into the elements of `buffer` that the geometry names, one slice of it at a time where elements overlap. */
function scatterAddStrided(buffer: Tensor, g: Tensor, geometry: Geometry): void {
  const target = viewOf(buffer, geometry.shape, geometry.strides, geometry.offset);
  const overlapping = overlappingDim(geometry);
  if (overlapping < 0) {
    backend().map(ADD.program, target, [target, g], [], buffer.type);
    return;
  }
  const rest = (values: readonly number[]): number[] => values.filter((_, i) => i !== overlapping);
  for (let k = 0; k < (geometry.shape[overlapping] as number); k++) {
    const slice = viewOf(g, rest(g.shape), rest(g.strides), g.offset + k * (g.strides[overlapping] as number));
    scatterAddStrided(buffer, slice, {
      shape: rest(geometry.shape),
      strides: rest(geometry.strides),
      offset: geometry.offset + k * (geometry.strides[overlapping] as number),
    });
  }
}

/** A dimension to walk one by one, so that the others do not write an element twice; -1 if none does. */
function overlappingDim({ shape, strides }: Geometry): number {
  const order = shape
    .map((_, i) => i)
    .filter((i) => (shape[i] as number) > 1)
    .sort((a, b) => Math.abs(strides[a] as number) - Math.abs(strides[b] as number));
  let reach = 0;
  for (const dim of order) {
    if (Math.abs(strides[dim] as number) <= reach) return dim;
    reach += Math.abs(strides[dim] as number) * ((shape[dim] as number) - 1);
  }
  return order.length > 0 && strides[order[0] as number] === 0 ? (order[0] as number) : -1;
}

/** `g` as one line of memory laid out as `geometry`, long enough for `view` too, zeros where `g` has nothing; and where the line starts. */
function inLayout(g: Tensor, geometry: Geometry, view: Geometry): { readonly line: Tensor; readonly start: number } {
  const { start, extent } = reachOf(geometry, view);
  if (g.rowMajor && g.offset === 0 && extent === g.size && isContiguous(geometry.shape, geometry.strides))
    return { line: reshape(g, [g.size]), start };
  const line = applyOne(stridedScatterOperator, [g], { ...geometry, source: { shape: [extent], strides: [1], offset: start } });
  return { line, start };
}

function asStridedOf(x: Tensor, geometry: Geometry): Tensor {
  return applyOne(asStridedOperator, [x], { ...geometry, source: { shape: x.shape, strides: x.strides, offset: x.offset } });
}

/** A view of `x`'s storage with other sizes and strides. */
export function asStrided(x: Tensor, shape: readonly number[], strides: readonly number[], offset: number): Tensor {
  return asStridedOf(x, { shape, strides, offset });
}

/**
 * Base and value in, the base with the value written into one of its views out. It is only ever recorded, never run: the in-place operation did
 * the writing.
 */
export const copySlicesOperator = makeOperator<Geometry & { readonly base: Tensor }>({
  name: 'copySlices',
  backwardName: 'CopySlices',
  forward: () => {
    throw new InPlaceError('copySlices is recorded by in-place operations, never called');
  },
  derivative: {
    kind: 'linear',
    transpose: (g, context) => {
      const { base, ...geometry } = context.params;
      const source = { shape: base.shape, strides: base.strides, offset: base.offset };
      const { line, start } = inLayout(g, source, geometry);
      const inside: Geometry = { ...geometry, offset: geometry.offset - start };
      const value = context.needs(1) ? asStridedOf(line, inside) : null;
      if (!context.needs(0)) return [null, value];
      const written = applyOne(stridedScatterOperator, [asStridedOf(line, inside)], {
        ...inside,
        source: { shape: line.shape, strides: [1], offset: 0 },
      });
      const kept = applyOne(SUBTRACT, [line, written], { values: [], compute: line.type });
      return [asStridedOf(kept, { ...source, offset: source.offset - start }), value];
    },
  },
});
const SUBTRACT = new MapOperator('sub', () => subExpr(arg(0), arg(1)), 2, 0);

// ---------------------------------------------------------------- copies

/** A contiguous copy. */
export const cloneOperator = makeOperator<null>({
  name: 'clone',
  forward: ([x]) => copied(x as Tensor, (x as Tensor).type),
  derivative: { kind: 'linear', transpose: (g) => g },
  batching: { kind: 'leading' },
});

function copied(source: Tensor, type: DTypeInfo): Tensor {
  const result = emptyTensor(source.shape, type);
  backend().map(IDENTITY.program, result, [source], [], type);
  return result;
}

export function clone(x: Tensor): Tensor {
  return applyOne(cloneOperator, [x], null);
}

/** The same values in another dtype; the gradient is cast back. */
export const castOperator = makeOperator<DTypeInfo>({
  name: 'to',
  backwardName: 'ToCopyBackward',
  forward: ([x], type) => copied(x as Tensor, type),
  derivative: { kind: 'linear', transpose: (g, context) => cast(g, context.inputType(0) as DTypeInfo) },
  batching: { kind: 'leading' },
});

export function cast(x: Tensor, type: DTypeInfo): Tensor {
  return x.type === type ? x : applyOne(castOperator, [x], type);
}

/** `x` itself if its elements lie in row-major order, else a copy. */
export function contiguous(x: Tensor): Tensor {
  return x.rowMajor ? x : clone(x);
}

// ---------------------------------------------------------------- select and stack

/** One slice along a dimension, which disappears: a view. */
export const selectOperator = makeOperator<{ readonly dim: number; readonly index: number }>({
  name: 'select',
  aliasing: 'view',
  forward: ([x], { dim, index }) => {
    const source = x as Tensor;
    const rest = (values: readonly number[]): number[] => values.filter((_, i) => i !== dim);
    return viewOf(source, rest(source.shape), rest(source.strides), source.offset + index * (source.strides[dim] as number));
  },
  derivative: {
    kind: 'linear',
    transpose: (g, context) => applyOne(selectBackwardOperator, [g], { ...context.params, shape: context.inputShape(0) }),
  },
  batching: alongDim,
});

const selectBackwardOperator = makeOperator<{ readonly dim: number; readonly index: number; readonly shape: readonly number[] }>({
  name: 'selectBackward',
  forward: ([g], { dim, index, shape }) => {
    const result = fullTensor(shape, 0, (g as Tensor).type);
    const slot = selectOperator.forward([result], { dim, index }) as Tensor;
    backend().map(IDENTITY.program, slot, [g as Tensor], [], slot.type);
    return result;
  },
  derivative: { kind: 'linear', transpose: (g, context) => select(g, context.params.dim, context.params.index) },
  batching: {
    kind: 'params',
    rewrite: (params, _g, size) => ({ dim: params.dim + 1, index: params.index, shape: [size, ...params.shape] }),
  },
});

export function select(x: Tensor, dim: number, index: number): Tensor {
  return applyOne(selectOperator, [x], { dim, index });
}

/** Tensors of one shape along a new first dimension. */
export const stackOperator: Operator<Tensor, null> = makeOperator<null>({
  name: 'stack',
  forward: (xs) => {
    const first = xs[0] as Tensor;
    const result = emptyTensor([xs.length, ...first.shape], first.type);
    xs.forEach((x, i) => {
      const slot = selectOperator.forward([result], { dim: 0, index: i }) as Tensor;
      backend().map(IDENTITY.program, slot, [x], [], slot.type);
    });
    return result;
  },
  derivative: {
    kind: 'linear',
    transpose: (g, context) => Array.from({ length: g.shape[0] as number }, (_, i) => (context.needs(i) ? select(g, 0, i) : null)),
  },
  batching: {
    kind: 'whole',
    rule: (xs) => moveDim(stack(xs), 1, 0),
  },
});

export function stack(xs: readonly Tensor[]): Tensor {
  return applyOne(stackOperator, xs, null);
}

provideStructural({
  add: (a, b) => applyOne(ADD, [a, b], { values: [], compute: a.type }),
  accumulate: (a, b) => ADD.forwardInto(a, [a, b], { values: [], compute: a.type }),
  sumTo,
  cast,
  expand,
  reshape,
  permute,
  select,
  stack,
  clone,
  asStrided,
  copySlices: copySlicesOperator,
  call: (operator, inputs, params) => apply(operator, inputs, params) as Tensor,
  zeros: (shape, type) => fullTensor(shape, 0, type),
  ones: (shape, type) => fullTensor(shape, 1, type),
});
