import { type Operator, t } from '../op/contract.ts';
import { normalizeDim } from '../shape/dims.ts';
import { formatShape } from '../shape/shape.ts';
import { applyMany } from '../tensor/apply.ts';
import { elementsOf } from '../tensor/data.ts';
import { isTensor, type Tensor, viewOf } from '../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';
import { fullTensor } from './create.ts';
import { described, makeOperator, requireDims, requireTensor } from './family.ts';
import { catTensors, stackTensors } from './join.ts';
import { needsComposition } from './reduction.ts';
import { alongDim } from './structural.ts';
import type { ChunkFunction, SectionsFunction, Sizes, SplitFunction, UnbindFunction } from './types.ts';
import { replaced, without } from './view.ts';

/** Cotangents with zeros where none arrived. */
function filledCotangents(gs: readonly (Tensor | null)[], shapes: readonly (readonly number[])[]): Tensor[] {
  const like = gs.find((g) => g !== null) as Tensor;
  return gs.map((g, i) => g ?? fullTensor(shapes[i] as readonly number[], 0, like.type));
}

/** Cotangents that lie in one tensor as pieces of it, which nobody else sees, as that tensor: whoever made them laid them out for this. */
function joined(gs: readonly (Tensor | null)[], dim: number): Tensor | null {
  const first = gs[0] ?? null;
  if (first === null || needsComposition(first) || first.storage.holders !== gs.length) return null;
  const { storage, strides, shape } = first;
  const stride = strides[dim] as number;
  let size = 0;
  for (const g of gs) {
    if (g === null || g.storage !== storage || g.wrapped !== null || g.offset !== first.offset + size * stride) return null;
    if (g.strides.some((each, d) => each !== strides[d])) return null;
    size += g.shape[dim] as number;
  }
  const whole = viewOf(first, replaced(shape, dim, size), strides, first.offset);
  return whole.rowMajor ? whole : null;
}

interface SplitParams {
  readonly dim: number;
  readonly sizes: readonly number[];
}

/** `fresh`: the pieces count as tensors of their own, though they share memory, so that each may be written in place. */
function splitOperatorNamed(name: string, aliasing: 'multi-view' | 'fresh' = 'multi-view'): Operator<Tensor, SplitParams> {
  const operator: Operator<Tensor, SplitParams> = makeOperator<SplitParams>({
    name,
    aliasing,
    forward: ([x], { dim, sizes }) => {
      const source = x as Tensor;
      let at = 0;
      return sizes.map((size) => {
        const view = viewOf(
          source,
          replaced(source.shape, dim, size),
          source.strides,
          source.offset + at * (source.strides[dim] as number),
        );
        at += size;
        return view;
      });
    },
    derivative: {
      kind: 'rules',
      vjp: (gs, context) => {
        const { dim, sizes } = context.params;
        const shapes = sizes.map((size) => replaced(context.inputShape(0), dim, size));
        return [joined(gs, dim) ?? catTensors(filledCotangents(gs, shapes), dim)];
      },
      jvp: ([tangent], context) => applyMany(operator, [tangent as Tensor], context.params),
    },
    batching: alongDim,
  });
  return operator;
}

const splitOperator = splitOperatorNamed('split');
const splitWithSizesOperator = splitOperatorNamed('splitWithSizes');
const unsafeSplitOperator = splitOperatorNamed('unsafeSplit', 'fresh');

const unbindOperator: Operator<Tensor, number> = makeOperator<number>({
  name: 'unbind',
  aliasing: 'multi-view',
  forward: ([x], dim) => {
    const source = x as Tensor;
    return Array.from({ length: source.shape[dim] as number }, (_, i) =>
      viewOf(source, without(source.shape, dim), without(source.strides, dim), source.offset + i * (source.strides[dim] as number)),
    );
  },
  derivative: {
    kind: 'rules',
    vjp: (gs, context) => {
      const shape = without(context.inputShape(0), context.params);
      return [
        stackTensors(
          'unbind',
          filledCotangents(
            gs,
            gs.map(() => shape),
          ),
          context.params,
        ),
      ];
    },
    jvp: ([tangent], context) => applyMany(unbindOperator, [tangent as Tensor], context.params),
  },
  batching: { kind: 'params', rewrite: (dim) => dim + 1 },
});

function dimensioned(name: string, x: Tensor, dim: number): number {
  requireTensor(name, 'input', x);
  if (x.ndim === 0) throw new ShapeError(`${name}: a 0-d tensor has no dimension to split`);
  return normalizeDim(name, dim, x.ndim);
}

/**
 * All slices along a dimension, which disappears. Views.
 *
 * @example
 * unbind(tensor([[1, 2], [3, 4]])); // [tensor([1., 2.]), tensor([3., 4.])]
 */
export const unbind: UnbindFunction<'unbind'> = described(
  'unbind',
  (input: Tensor, dim = 0): Tensor[] => applyMany(unbindOperator, [input], dimensioned('unbind', input, dim)),
  {
    signature: 'input, dim?',
    samples: [{ args: [t([2, 3])] }, { args: [t([2, 3]), -1] }, { args: [t([4])] }],
    bad: [{ args: [t([])], error: /0-d/ }],
  },
);

function sizesOf(name: string, total: number, sections: number): number[] {
  if (!Number.isInteger(sections) || sections < 0 || (sections === 0 && total !== 0)) {
    throw new ArgumentError(`${name}: the size of a piece must be a whole number above 0, got ${sections}`);
  }
  const count = total === 0 ? 1 : Math.ceil(total / sections);
  return Array.from({ length: count }, (_, i) => Math.min(sections, total - i * sections));
}

function checkSizes(name: string, sizes: readonly number[], total: number): void {
  const sum = sizes.reduce((a, b) => a + b, 0);
  if (sizes.some((size) => !Number.isInteger(size) || size < 0) || sum !== total) {
    throw new ShapeError(
      `${name}: the sizes ${formatShape(sizes)} must not be negative and must add up to ${total}, the size of the dimension (they add up to ${sum})`,
    );
  }
}

function splitting<R extends object>(name: string, operator: Operator<Tensor, SplitParams>): R {
  return described(
    name,
    (input: Tensor, splitSize: number | readonly number[], dim = 0): Tensor[] => {
      const d = dimensioned(name, input, dim);
      const total = input.shape[d] as number;
      const sizes = typeof splitSize === 'number' ? sizesOf(name, total, splitSize) : splitSize;
      checkSizes(name, sizes, total);
      return applyMany(operator, [input], { dim: d, sizes });
    },
    {
      signature: name === 'splitWithSizes' ? 'input, split_sizes, dim?' : 'input, split_size, dim?',
      samples: [{ args: [t([5, 2]), [2, 3]] }, { args: [t([2, 5]), [4, 1], 1] }],
      bad: [{ args: [t([5]), [2, 2]], error: /add up to 5/ }],
    },
  );
}

/**
 * Pieces of one size (the last may be smaller) or of the sizes given, along a dimension. Views.
 *
 * @example
 * split(arange(5), 2); // [tensor([0, 1]), tensor([2, 3]), tensor([4])]
 */
export const split: SplitFunction<'split'> = splitting('split', splitOperator);
/**
 * Pieces of the sizes given. Views.
 *
 * @example
 * splitWithSizes(arange(4), [1, 3])[1]; // tensor([1, 2, 3])
 */
export const splitWithSizes: SplitFunction<'splitWithSizes', Sizes> = splitting('splitWithSizes', splitWithSizesOperator);
/**
 * `split` whose pieces count as tensors of their own, not as views: each may be written in place, the input no longer follows.
 *
 * @example
 * unsafeSplit(arange(4), 3)[1]; // tensor([3])
 */
export const unsafeSplit: SplitFunction<'unsafeSplit'> = splitting('unsafeSplit', unsafeSplitOperator);

function chunking<N extends string>(name: N, operator: Operator<Tensor, SplitParams>): ChunkFunction<N> {
  return described(
    name,
    (input: Tensor, chunks: number, dim = 0): Tensor[] => {
      const d = dimensioned(name, input, dim);
      requireWhole(name, 'chunks', chunks, 1);
      const total = input.shape[d] as number;
      const size = Math.ceil(total / chunks);
      const sizes = total === 0 ? new Array<number>(chunks).fill(0) : sizesOf(name, total, size);
      return applyMany(operator, [input], { dim: d, sizes });
    },
    {
      signature: 'input, chunks, dim?',
      samples: [{ args: [t([5, 2]), 2] }, { args: [t([2, 6]), 4, 1] }],
      bad: [{ args: [t([5]), 0], error: /from 1 on/ }],
    },
  );
}

/**
 * At most `chunks` pieces of equal size, the last smaller where it does not divide. Views.
 *
 * @example
 * chunk(arange(5), 2); // [tensor([0, 1, 2]), tensor([3, 4])]
 */
export const chunk = chunking('chunk', splitOperator);
/**
 * `chunk` whose pieces count as tensors of their own, not as views: each may be written in place, the input no longer follows.
 *
 * @example
 * unsafeChunk(arange(4), 2)[1]; // tensor([2, 3])
 */
export const unsafeChunk = chunking('unsafeChunk', unsafeSplitOperator);

/** Where to cut: a number of nearly equal sections, or the indices of the cuts. */
export type Sections = number | readonly number[] | Tensor;

function cuts(name: string, total: number, sections: Sections): number[] {
  const given = isTensor(sections) ? tensorSections(name, sections) : sections;
  if (typeof given === 'number') {
    requireWhole(name, 'number of sections', given, 1);
    const small = Math.floor(total / given);
    const larger = total % given;
    return Array.from({ length: given }, (_, i) => small + (i < larger ? 1 : 0));
  }
  if (!Array.isArray(given) || !given.every(Number.isInteger)) {
    throw new ArgumentError(
      `${name}: where to cut must be a number of sections or a list of whole indices, got ${typeof given === 'object' ? formatShape(given as readonly number[]) : typeof given}`,
    );
  }
  const clamp = (i: number): number => Math.min(total, Math.max(0, i < 0 ? i + total : i));
  const edges = [0, ...given.map(clamp), total];
  return edges.slice(1).map((end, i) => Math.max(0, end - (edges[i] as number)));
}

function tensorSections(name: string, sections: Tensor): number | number[] {
  if (sections.type.name !== 'int64')
    throw new ArgumentError(`${name}: sections or indices as a tensor must have dtype int64, got ${sections.dtype}`);
  if (sections.ndim > 1)
    throw new ShapeError(`${name}: sections or indices must have 0 or 1 dimensions, got ${formatShape(sections.shape)}`);
  const values = elementsOf(sections).map(Number);
  return sections.ndim === 0 ? (values[0] as number) : values;
}

/** Pieces between cuts: each is a view, also where cuts run backwards and pieces are empty. */
function splitAt(name: string, input: Tensor, sections: Sections, dim: number): Tensor[] {
  const total = input.shape[dim] as number;
  const sizes = cuts(name, total, sections);
  if (sizes.reduce((a, b) => a + b, 0) === total) return applyMany(splitOperator, [input], { dim, sizes });
  const given = isTensor(sections) ? (tensorSections(name, sections) as number[]) : (sections as readonly number[]);
  const edges = [0, ...given.map((i) => Math.min(total, Math.max(0, i < 0 ? i + total : i))), total];
  return sizes.map((size, i) => sliceOf(input, dim, edges[i] as number, size));
}

function sliceOf(input: Tensor, dim: number, start: number, length: number): Tensor {
  const before = length === 0 ? 0 : start;
  const total = input.shape[dim] as number;
  return applyMany(splitOperator, [input], { dim, sizes: [before, length, total - before - length] })[1] as Tensor;
}

/**
 * Sections as NumPy's `array_split` makes them: nearly equal ones, or cut at indices. Views.
 *
 * @example
 * tensorSplit(arange(5), 3); // [tensor([0, 1]), tensor([2, 3]), tensor([4])]
 */
export const tensorSplit: SectionsFunction<[indicesOrSections: Sections, dim?: number]> = described(
  'tensorSplit',
  (input: Tensor, indicesOrSections: Sections, dim = 0): Tensor[] =>
    splitAt('tensorSplit', input, indicesOrSections, dimensioned('tensorSplit', input, dim)),
  {
    signature: 'input, indices_or_sections, dim?',
    samples: [{ args: [t([7, 2]), 3] }, { args: [t([2, 7]), [2, 5], 1] }],
    bad: [{ args: [t([5]), 0], error: /from 1 on/ }],
  },
);

function alongFixed(
  name: string,
  minimum: number,
  dimFor: (ndim: number) => number,
): SectionsFunction<[indicesOrSections: number | readonly number[]]> {
  return described(
    name,
    (input: Tensor, indicesOrSections: number | readonly number[]): Tensor[] => {
      requireDims(name, input, minimum);
      const dim = dimFor(input.ndim);
      const total = input.shape[dim] as number;
      if (typeof indicesOrSections === 'number' && (indicesOrSections < 1 || total % indicesOrSections !== 0)) {
        throw new ShapeError(
          `${name}: dimension ${dim} of ${formatShape(input.shape)} cannot be divided into ${indicesOrSections} equal sections: use tensorSplit`,
        );
      }
      return splitAt(name, input, indicesOrSections, dim);
    },
    {
      signature: 'input, indices_or_sections',
      tensors: 1,
      samples: [{ args: [t([4, 6, 2]), 2] }, { args: [t([4, 6, 4]), [1, 3]] }],
      bad: [{ args: [t([]), 2], error: /at least/ }],
    },
  );
}

/**
 * Sections along the columns (dimension 1, or 0 of a vector). Views.
 *
 * @example
 * hsplit(tensor([[1, 2], [3, 4]]), 2)[0]; // tensor([[1.], [3.]])
 */
export const hsplit = alongFixed('hsplit', 1, (ndim) => (ndim === 1 ? 0 : 1));
/**
 * Sections along the rows. Views.
 *
 * @example
 * vsplit(tensor([[1, 2], [3, 4]]), 2)[0]; // tensor([[1., 2.]])
 */
export const vsplit = alongFixed('vsplit', 2, () => 0);
/**
 * Sections along the third dimension. Views.
 *
 * @example
 * dsplit(ones([2, 3, 4]), 2)[0].shape; // [2, 3, 2]
 */
export const dsplit = alongFixed('dsplit', 3, () => 2);
