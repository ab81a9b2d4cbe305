/**
 * What all indexing is made of: positions that take elements from a tensor where indices say, and that write them there. Gathering is linear in the
 * tensor; its transpose adds the cotangent back where it came from, and the transpose of that gathers again.
 */
import { INT32, INT64 } from '../dtype/dtype.ts';
import type { Batching, Operator, RuleContext } from '../op/contract.ts';
import { backend, type IndexedDim, type ScatterMode } from '../runtime/backend.ts';
import { formatShape, numel } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import { type Tensor, viewOf } from '../tensor/tensor.ts';
import { DTypeError } from '../util/errors.ts';
import { invariant } from '../util/invariant.ts';
import { emptyTensor, fillTensor, fullTensor } from './create.ts';
import { compositeOperator, makeOperator, requireTensor } from './family.ts';
import { cast, cloneOperator, reshape } from './structural.ts';

/** How index tensors address a tensor. */
export interface Indexing {
  /** The shape of the tensor that is addressed. */
  readonly source: readonly number[];
  /** Its elements are addressed in row-major order by one index tensor: `along` and `dims` are [-1] and [0]. */
  readonly flat: boolean;
  /** For each of its dimensions the dimension of the positions that it runs along; -1 where indices decide. */
  readonly along: readonly number[];
  /** For each index tensor the dimension that it addresses; -1 for none, where only index 0 exists. */
  readonly dims: readonly number[];
  /** The dimension of the positions that the first dimension of the index tensors lies at; they broadcast from there. */
  readonly at: number;
  /** The shape of the positions. */
  readonly shape: readonly number[];
  /** Whether negative indices count from the end. */
  readonly wrap: boolean;
}

/** Indices along `dim`, of the rank of the tensor: `gather` and `scatter`. `shape` is that of the indices. */
export function alongDim(source: readonly number[], dim: number, shape: readonly number[]): Indexing {
  return {
    source,
    flat: false,
    along: source.map((_, d) => (d === dim ? -1 : d)),
    dims: [source.length === 0 ? -1 : dim],
    at: 0,
    shape,
    wrap: false,
  };
}

/** One line of indices that replaces `dim`: `indexSelect`. Of a 0-d tensor the indices are 0-d too. */
export function replacingDim(source: readonly number[], dim: number, count: number, wrap = false): Indexing {
  if (source.length === 0) return { source, flat: false, along: [], dims: [-1], at: 0, shape: [], wrap };
  const shape = source.map((size, d) => (d === dim ? count : size));
  return { source, flat: false, along: source.map((_, d) => (d === dim ? -1 : d)), dims: [dim], at: dim, shape, wrap };
}

/** Indices into the tensor as if it were flat: `take`. */
export function flatIndexing(source: readonly number[], shape: readonly number[], wrap = true): Indexing {
  return { source, flat: true, along: [-1], dims: [0], at: 0, shape, wrap };
}

// ---------------------------------------------------------------- launches

/** The sizes and strides that dimensions of `x` have for the index tensors; `x` is contiguous where it is addressed flat. */
function addressed(x: Tensor, indexing: Indexing): { readonly sizes: readonly number[]; readonly strides: readonly number[] } {
  return indexing.flat ? { sizes: [x.size], strides: [1] } : { sizes: x.shape, strides: x.strides };
}

/** `x` seen with the shape of the positions. */
function seenFrom(x: Tensor, indexing: Indexing): Tensor {
  const { strides } = addressed(x, indexing);
  const seen = indexing.shape.map(() => 0);
  indexing.along.forEach((position, d) => {
    if (position >= 0) seen[position] = (seen[position] as number) + (strides[d] as number);
  });
  return viewOf(x, indexing.shape, seen, x.offset);
}

function indexedDims(x: Tensor, indices: readonly Tensor[], indexing: Indexing): IndexedDim[] {
  const { sizes, strides } = addressed(x, indexing);
  return indices.map((index, k) => {
    const dim = indexing.dims[k] as number;
    return {
      index: viewOf(index, indexing.shape, indexStrides(index, indexing), index.offset),
      size: dim < 0 ? 1 : (sizes[dim] as number),
      stride: dim < 0 ? 0 : (strides[dim] as number),
      wrap: indexing.wrap,
      dim: indexing.flat ? -1 : Math.max(dim, 0),
    };
  });
}

function indexStrides(index: Tensor, { shape, at }: Indexing): number[] {
  return shape.map((size, position) => {
    const d = position - at;
    if (d < 0 || d >= index.ndim) return 0;
    if (index.shape[d] === size) return index.strides[d] as number;
    invariant(index.shape[d] === 1, `indices of shape ${formatShape(index.shape)} do not lie along positions ${formatShape(shape)}`);
    return 0;
  });
}

/** `x`, or a copy of it whose elements lie in order. */
export function rowMajor(x: Tensor): Tensor {
  return x.rowMajor ? x : (cloneOperator.forward([x], null) as Tensor);
}

function gathered(name: string, x: Tensor, indices: readonly Tensor[], indexing: Indexing): Tensor {
  const source = indexing.flat ? rowMajor(x) : x;
  const result = emptyTensor(indexing.shape, x.type);
  backend().gather(name, result, seenFrom(source, indexing), indexedDims(source, indices, indexing));
  return result;
}

/** Writes `values` (of the shape of the positions) into `target`, which is contiguous where it is addressed flat. */
export function scatterInto(
  name: string,
  mode: ScatterMode,
  target: Tensor,
  values: Tensor,
  indices: readonly Tensor[],
  indexing: Indexing,
): void {
  backend().scatter(name, mode, seenFrom(target, indexing), values, indexedDims(target, indices, indexing));
}

function scattered(name: string, mode: ScatterMode, x: Tensor, values: Tensor, indices: readonly Tensor[], indexing: Indexing): Tensor {
  const result = cloneOperator.forward([x], null) as Tensor;
  scatterInto(name, mode, result, values, indices, indexing);
  return result;
}

/** One value at all positions: a scatter of a single element that repeats itself. */
function repeated(value: number, indexing: Indexing, type: Tensor['type']): Tensor {
  const one = emptyTensor([], type);
  fillTensor(one, value);
  return viewOf(
    one,
    indexing.shape,
    indexing.shape.map(() => 0),
    0,
  );
}

// ---------------------------------------------------------------- batching

/** Index tensors with a leading dimension that is that of the positions too. */
function batchedIndices(indices: readonly Tensor[], { at }: Indexing): Tensor[] {
  const padding = Array<number>(at).fill(1);
  return indices.map((index) => reshape(index, [index.shape[0] as number, ...padding, ...index.shape.slice(1)]));
}

/** The indexing of a tensor with a batch dimension in front of `source`, or of the same one by batched indices. */
function batchedIndexing<P extends Indexing>(indexing: P, size: number, tensorBatched: boolean): P {
  const shape = [size, ...indexing.shape];
  const along = indexing.along.map((position) => (position < 0 ? -1 : position + 1));
  if (!tensorBatched) return { ...indexing, along, at: 0, shape };
  const source = [size, ...(indexing.flat ? [numel(indexing.source)] : indexing.source)];
  return { ...indexing, source, flat: false, along: [0, ...along], dims: indexing.dims.map((d) => (d < 0 ? d : d + 1)), at: 0, shape };
}

/** A tensor that is addressed flat by batched indices, one row for each member. */
function asRows(x: Tensor, indexing: Indexing): Tensor {
  return indexing.flat ? reshape(x, [x.shape[0] as number, numel(indexing.source)]) : x;
}

/** Batching of operators on a tensor, `values` more tensors with the shape of the positions, and indices; the result has the tensor's shape. */
export function scatterBatching<P extends Indexing>(operator: () => Operator<Tensor, P>, values: number): Batching<Tensor, P> {
  return {
    kind: 'whole',
    rule: ([x, ...others], size, indexing) => {
      const indices = batchedIndices(others.slice(values), indexing);
      const result = applyOne(
        operator(),
        [asRows(x as Tensor, indexing), ...others.slice(0, values), ...indices],
        batchedIndexing(indexing, size, true),
      );
      return reshape(result, [size, ...indexing.source]);
    },
  };
}

// ---------------------------------------------------------------- operators

/** A write of values that `fit` first brings to the shape of the positions and the dtype of the tensor. */
export interface FittedIndexing extends Indexing {
  readonly mode: 'add' | 'set';
  fit(values: Tensor): Tensor;
}

/** The operators of one public name. */
export interface IndexFamily {
  /** [x, ...indices] → the elements at the positions. */
  readonly gather: Operator<Tensor, Indexing>;
  /** [values, ...indices] → zeros of the shape of the source with the values added. */
  readonly spread: Operator<Tensor, Indexing>;
  /** [x, values, ...indices] → x with the values added. */
  readonly add: Operator<Tensor, Indexing>;
  /** [x, values, ...indices] → x with the values in place of its own. */
  readonly set: Operator<Tensor, Indexing>;
  /** [x, ...indices] → x with one value at the positions. */
  fill(value: number): Operator<Tensor, Indexing>;
  /** [x, values, ...indices] → `add` or `set` of the values as they must be made to fit: one node for both. */
  readonly fitted: Operator<Tensor, FittedIndexing>;
}

function saveIndices(first: number): (needs: readonly boolean[], indexing: Indexing) => { readonly inputs: readonly number[] } {
  return (_needs, indexing) => ({ inputs: indexing.dims.map((_, k) => first + k) });
}

function savedIndices(context: RuleContext<Tensor, Indexing>, first: number): Tensor[] {
  return context.params.dims.map((_, k) => context.input(first + k));
}

/** Makes the operators that share a name and a name on the tape. */
export function indexFamily(name: string): IndexFamily {
  const gather: Operator<Tensor, Indexing> = makeOperator<Indexing>({
    name,
    forward: ([x, ...indices], indexing) => gathered(name, x as Tensor, indices, indexing),
    derivative: {
      kind: 'rules',
      saves: saveIndices(1),
      vjp: ([g], context) => [applyOne(spread, [g as Tensor, ...savedIndices(context, 1)], context.params)],
      jvp: ([tangent], context) => [tangent == null ? null : applyOne(gather, [tangent, ...savedIndices(context, 1)], context.params)],
    },
    batching: {
      kind: 'rule',
      rule: ([x, ...indices], [xBatched, ...batched], size, indexing) => {
        const source = xBatched === true ? asRows(x as Tensor, indexing) : (x as Tensor);
        // Indices that are the same for all members are read once.
        const leading = indices.map((index, k) => (batched[k] === true ? index : reshape(index, [1, ...index.shape])));
        return applyOne(gather, [source, ...batchedIndices(leading, indexing)], batchedIndexing(indexing, size, xBatched === true));
      },
    },
  });
  const spread: Operator<Tensor, Indexing> = makeOperator<Indexing>({
    name: `${name}Backward`,
    forward: ([values, ...indices], indexing) => {
      const result = fullTensor(indexing.source, 0, (values as Tensor).type);
      scatterInto(name, 'add', result, values as Tensor, indices, indexing);
      return result;
    },
    derivative: {
      kind: 'rules',
      saves: saveIndices(1),
      vjp: ([g], context) => [applyOne(gather, [g as Tensor, ...savedIndices(context, 1)], context.params)],
      jvp: ([tangent], context) => [tangent == null ? null : applyOne(spread, [tangent, ...savedIndices(context, 1)], context.params)],
    },
    batching: {
      kind: 'whole',
      rule: ([values, ...indices], size, indexing) => {
        const result = applyOne(spread, [values as Tensor, ...batchedIndices(indices, indexing)], batchedIndexing(indexing, size, true));
        return reshape(result, [size, ...indexing.source]);
      },
    },
  });
  const add: Operator<Tensor, Indexing> = makeOperator<Indexing>({
    name,
    forward: ([x, values, ...indices], indexing) => scattered(name, 'add', x as Tensor, values as Tensor, indices, indexing),
    derivative: {
      kind: 'rules',
      saves: saveIndices(2),
      vjp: ([g], context) => [
        g as Tensor,
        context.needs(1) ? applyOne(gather, [g as Tensor, ...savedIndices(context, 2)], context.params) : null,
      ],
      jvp: ([x, values], context) => {
        if (values == null) return [x ?? null];
        const indices = savedIndices(context, 2);
        return [
          x == null ? applyOne(spread, [values, ...indices], context.params) : applyOne(add, [x, values, ...indices], context.params),
        ];
      },
    },
    batching: scatterBatching(() => add, 1),
  });
  const fills = new Map<number, Operator<Tensor, Indexing>>();
  const fill = (value: number): Operator<Tensor, Indexing> => {
    const known = fills.get(value);
    if (known !== undefined) return known;
    const made = fillOperator(name, value, () => fill(0));
    // Only the one of every derivative is worth keeping.
    if (value === 0) fills.set(value, made);
    return made;
  };
  const set: Operator<Tensor, Indexing> = makeOperator<Indexing>({
    name,
    forward: ([x, values, ...indices], indexing) => scattered(name, 'set', x as Tensor, values as Tensor, indices, indexing),
    derivative: {
      kind: 'rules',
      saves: saveIndices(2),
      vjp: ([g], context) => {
        const indices = savedIndices(context, 2);
        return [
          context.needs(0) ? applyOne(fill(0), [g as Tensor, ...indices], context.params) : null,
          context.needs(1) ? applyOne(gather, [g as Tensor, ...indices], context.params) : null,
        ];
      },
      jvp: ([x, values], context) => {
        const type = (x ?? values)?.type as Tensor['type'];
        const indices = savedIndices(context, 2);
        if (values == null) return [applyOne(fill(0), [x as Tensor, ...indices], context.params)];
        return [applyOne(set, [x ?? fullTensor(context.inputShape(0), 0, type), values, ...indices], context.params)];
      },
    },
    batching: scatterBatching(() => set, 1),
  });
  const fitted = compositeOperator<FittedIndexing>(name, ([x, values, ...indices], indexing) =>
    applyOne(indexing.mode === 'add' ? add : set, [x as Tensor, indexing.fit(values as Tensor), ...indices], indexing),
  );
  return { gather, spread, add, set, fill, fitted };
}

function fillOperator(name: string, value: number, zeroed: () => Operator<Tensor, Indexing>): Operator<Tensor, Indexing> {
  const fill: Operator<Tensor, Indexing> = makeOperator<Indexing>({
    name,
    forward: ([x, ...indices], indexing) => {
      const source = x as Tensor;
      return scattered(name, 'set', source, repeated(value, indexing, source.type), indices, indexing);
    },
    derivative: {
      kind: 'rules',
      saves: saveIndices(1),
      vjp: ([g], context) => [applyOne(zeroed(), [g as Tensor, ...savedIndices(context, 1)], context.params)],
      jvp: ([tangent], context) => [tangent == null ? null : applyOne(zeroed(), [tangent, ...savedIndices(context, 1)], context.params)],
    },
    batching: scatterBatching(() => fill, 0),
  });
  return fill;
}

// ---------------------------------------------------------------- arguments

/** Which dtypes an operator takes as indices. */
export type IndexTypes = 'int64' | 'int32 or int64';

/** An index tensor as int64. Throws for other dtypes than those allowed, unless it is empty. */
export function requireIndex(name: string, role: string, index: unknown, types: IndexTypes): Tensor {
  requireTensor(name, role, index);
  const allowed = index.type === INT64 || (types !== 'int64' && index.type === INT32) || (index.size === 0 && index.type.isInteger);
  if (!allowed) throw new DTypeError(`${name}: ${role} must have dtype ${types}, got ${index.dtype}; cast it with .to('int64')`);
  return cast(index, INT64);
}
