import { INT32, INT64 } from '../dtype/dtype.ts';
import { type Operator, t } from '../op/contract.ts';
import { backend } from '../runtime/backend.ts';
import { normalizeDim } from '../shape/dims.ts';
import { asShape } from '../shape/reshape.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import { elementsOf, requirePlain, tensorOfElements } from '../tensor/data.ts';
import { IDENTITY } from '../tensor/identity.ts';
import { describeValue } from '../tensor/messages.ts';
import { isTensor, type Tensor, viewOf } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';
import { emptyTensor } from './create.ts';
import { compositeOperator, described, makeOperator, requireDims, requireTensor } from './family.ts';
import { indexFamily, replacingDim } from './indexed.ts';
import type { ShapeArguments } from './movement.ts';
import { alongDims, clone, expand, permute, reshape } from './structural.ts';
import type { FlipFunction, RepeatFunction, RollFunction, Rot90Function, TileFunction, UnarySame } from './types.ts';

/** Elements in another order, or several times. */

// ---------------------------------------------------------------- flip

const flipOperator = makeOperator<readonly number[]>({
  name: 'flip',
  forward: ([x], dims) => {
    const source = x as Tensor;
    const result = emptyTensor(source.shape, source.type);
    if (result.size === 0) return result;
    const strides = source.strides.map((stride, d) => (dims.includes(d) ? -stride : stride));
    const last = dims.reduce((at, d) => at + ((source.shape[d] as number) - 1) * (source.strides[d] as number), source.offset);
    backend().map(IDENTITY.program, result, [viewOf(source, source.shape, strides, last)], [], source.type);
    return result;
  },
  derivative: { kind: 'linear', transpose: (g, context) => flipDims(g, context.params) },
  batching: { kind: 'params', rewrite: (dims) => dims.map((d) => d + 1) },
});

/** Reversed along normalised dimensions: for other operators. */
export function flipDims(x: Tensor, dims: readonly number[]): Tensor {
  return applyOne(flipOperator, [x], dims);
}

function distinct(name: string, dims: readonly number[], ndim: number): number[] {
  const list = dims.map((d) => normalizeDim(name, d, ndim));
  if (new Set(list).size !== list.length) throw new ShapeError(`${name}: ${formatShape(dims)} names a dimension twice`);
  return ndim === 0 ? [] : list;
}

/**
 * The elements in reverse order along the dimensions `dims`: a copy.
 *
 * @example
 * flip(tensor([[1, 2], [3, 4]]), [1]); // tensor([[2., 1.], [4., 3.]])
 */
export const flip: FlipFunction<'flip'> = described(
  'flip',
  (input: Tensor, ...dims: ShapeArguments): Tensor => {
    return flipDims(input, distinct('flip', (dims.length === 1 && Array.isArray(dims[0]) ? dims[0] : dims) as number[], input.ndim));
  },
  {
    signature: 'input, dims',
    tensors: 1,
    samples: [
      { args: [t([2, 3]), [1]] },
      { args: [t([2, 3, 4]), [0, -1]] },
      { args: [t([2, 3]), []] },
      { args: [t([0, 3]), [0]] },
      { args: [t([]), [0]] },
    ],
    bad: [
      { args: [t([2, 3]), [0, 0]], error: /twice/ },
      { args: [t([2, 3]), [2]], error: /out of range/ },
    ],
  },
);

function flipping(name: string, dim: number): UnarySame {
  return described(
    name,
    (input: Tensor): Tensor => {
      requireDims(name, input, dim + 1);
      return flipDims(input, [dim]);
    },
    {
      signature: 'input',
      tensors: 1,
      samples: [{ args: [t([2, 3])] }, { args: [t([2, 3, 4])] }, { args: [t([2, 0])] }],
      bad: [{ args: [t([])], error: /at least/ }],
    },
  );
}

/**
 * The columns (dimension 1) in reverse order: a copy.
 *
 * @example
 * fliplr(tensor([[1, 2], [3, 4]])); // tensor([[2., 1.], [4., 3.]])
 */
export const fliplr = flipping('fliplr', 1);
/**
 * The rows (dimension 0) in reverse order: a copy.
 *
 * @example
 * flipud(tensor([[1, 2], [3, 4]])); // tensor([[3., 4.], [1., 2.]])
 */
export const flipud = flipping('flipud', 0);

/** Turns in the plane of two dimensions are flips and a swap. */
const rot90Operator = compositeOperator<{ readonly turns: number; readonly from: number; readonly to: number }>(
  'rot90',
  ([x], { turns, from, to }) => {
    const source = x as Tensor;
    const swap = (y: Tensor): Tensor =>
      permute(
        y,
        y.shape.map((_, d) => (d === from ? to : d === to ? from : d)),
      );
    if (turns === 0) return clone(source);
    if (turns === 2) return flipDims(source, [from, to]);
    return turns === 1 ? flipDims(swap(source), [from]) : flipDims(swap(source), [to]);
  },
);

/**
 * Turned by `k` times 90 degrees in the plane of the two dimensions `dims`, from the first towards the second.
 *
 * @example
 * rot90(tensor([[1, 2], [3, 4]])); // tensor([[2., 4.], [1., 3.]])
 */
export const rot90: Rot90Function<'rot90'> = described(
  'rot90',
  (input: Tensor, k = 1, dims: readonly number[] = [0, 1]): Tensor => {
    requireWhole('rot90', 'k', k);
    if (!Array.isArray(dims) || dims.length !== 2)
      throw new ArgumentError(`rot90: dims must name two dimensions, got ${Array.isArray(dims) ? formatShape(dims) : typeof dims}`);
    requireDims('rot90', input, 2);
    const [from, to] = distinct('rot90', dims, input.ndim) as [number, number];
    return applyOne(rot90Operator, [input], { turns: ((k % 4) + 4) % 4, from, to });
  },
  {
    signature: 'input, k?, dims?',
    tensors: 1,
    samples: [{ args: [t([2, 3])] }, { args: [t([2, 3, 4]), 3, [1, 2]] }, { args: [t([2, 3]), -2] }, { args: [t([2, 3]), 4] }],
    bad: [
      { args: [t([2]), 1], error: /at least 2/ },
      { args: [t([2, 2]), 1, [1, 1]], error: /twice/ },
    ],
  },
);

// ---------------------------------------------------------------- roll

interface RollParams {
  /** Shifts from 0 to below the size, and where. */
  readonly shifts: readonly number[];
  readonly dims: readonly number[];
}

function rolled(source: Tensor, shift: number, dim: number): Tensor {
  const result = emptyTensor(source.shape, source.type);
  const size = source.shape[dim] as number;
  const part = (x: Tensor, start: number, length: number): Tensor =>
    viewOf(
      x,
      x.shape.map((s, d) => (d === dim ? length : s)),
      x.strides,
      x.offset + start * (x.strides[dim] as number),
    );
  const move = (to: number, from: number, length: number): void => {
    if (length > 0) backend().map(IDENTITY.program, part(result, to, length), [part(source, from, length)], [], source.type);
  };
  move(shift, 0, size - shift);
  move(0, size - shift, shift);
  return result;
}

const rollOperator: Operator<Tensor, RollParams> = makeOperator<RollParams>({
  name: 'roll',
  forward: ([x], { shifts, dims }) => {
    let current = x as Tensor;
    if (current.size > 0) for (const [i, dim] of dims.entries()) if (shifts[i] !== 0) current = rolled(current, shifts[i] as number, dim);
    if (current !== x) return current;
    const result = emptyTensor(current.shape, current.type);
    backend().map(IDENTITY.program, result, [current], [], current.type);
    return result;
  },
  derivative: {
    kind: 'linear',
    transpose: (g, context) => {
      const { shifts, dims } = context.params;
      return applyOne(rollOperator, [g], {
        dims,
        shifts: shifts.map((shift, i) => (shift === 0 ? 0 : (g.shape[dims[i] as number] as number) - shift)),
      });
    },
  },
  batching: alongDims,
});

const rollFlatOperator = compositeOperator<RollParams>('roll', ([x], params) => {
  const source = x as Tensor;
  return reshape(applyOne(rollOperator, [reshape(source, [source.size])], params), source.shape);
});

function shiftWithin(shift: number, size: number): number {
  if (!Number.isInteger(shift)) throw new ArgumentError(`roll: shifts must be whole numbers, got ${String(shift)}`);
  return size === 0 ? 0 : ((shift % size) + size) % size;
}

/**
 * The elements moved on by `shifts` along `dims` (one shift for each), those past the end back in at the start. Without `dims` the tensor is rolled as
 * if it were flat.
 *
 * @example
 * roll(tensor([1, 2, 3, 4]), 1); // tensor([4., 1., 2., 3.])
 */
export const roll: RollFunction<'roll'> = described(
  'roll',
  (input: Tensor, shifts: number | readonly number[], dims: number | readonly number[] | null = null): Tensor => {
    const by = typeof shifts === 'number' ? [shifts] : shifts;
    if (!Array.isArray(by) || by.length === 0) throw new ArgumentError('roll: shifts must be a number or a non-empty list of numbers');
    const along = dims === null ? [] : typeof dims === 'number' ? [dims] : dims;
    if (along.length === 0 && by.length === 1)
      return applyOne(rollFlatOperator, [input], { shifts: [shiftWithin(by[0] as number, input.size)], dims: [0] });
    if (along.length !== by.length)
      throw new ArgumentError(`roll: ${by.length} shifts for ${along.length} dims: there must be one for each`);
    if (input.ndim === 0) normalizeDim('roll', 1, 0);
    const d = along.map((dim) => normalizeDim('roll', dim, input.ndim));
    return applyOne(rollOperator, [input], {
      shifts: by.map((shift, i) => shiftWithin(shift, input.shape[d[i] as number] as number)),
      dims: d,
    });
  },
  {
    signature: 'input, shifts, dims?',
    tensors: 1,
    samples: [
      { args: [t([5]), 2] },
      { args: [t([2, 3]), -1, 1] },
      { args: [t([2, 3]), [1, 2], [0, 1]] },
      { args: [t([2, 3]), 4] },
      { args: [t([]), 1] },
    ],
    bad: [
      { args: [t([5]), [1, 2], [0]], error: /one for each/ },
      { args: [t([5]), 1, 1], error: /out of range/ },
    ],
  },
);

// ---------------------------------------------------------------- repeat

/** Whole copies side by side: dimensions of size 1 in between are expanded. `repeats` has at least as many entries as there are dimensions. */
function repeated(x: Tensor, repeats: readonly number[]): Tensor {
  const sizes = [...Array<number>(repeats.length - x.ndim).fill(1), ...x.shape];
  if (repeats.every((r) => r === 1)) return clone(reshape(x, sizes));
  const apart = reshape(
    x,
    sizes.flatMap((size) => [1, size]),
  );
  const wide = expand(
    apart,
    sizes.flatMap((size, d) => [repeats[d] as number, size]),
  );
  const result = reshape(
    wide,
    sizes.map((size, d) => size * (repeats[d] as number)),
  );
  // Where only dimensions of size 1 are repeated, that is a view.
  return sizes.every((size, d) => size === 1 || repeats[d] === 1) ? clone(result) : result;
}

const repeatOperator = compositeOperator<readonly number[]>('repeat', ([x], repeats) => repeated(x as Tensor, repeats));
const tileOperator = compositeOperator<readonly number[]>('tile', ([x], repeats) => repeated(x as Tensor, repeats));

/**
 * Whole copies of `input` side by side: `repeats[d]` of them along dimension d, with new dimensions in front where there are more entries than
 * dimensions.
 *
 * @example
 * repeat(tensor([1, 2]), [2, 2]); // tensor([[1., 2., 1., 2.], [1., 2., 1., 2.]])
 */
export const repeat: RepeatFunction<'repeat'> = described(
  'repeat',
  (input: Tensor, ...repeats: ShapeArguments): Tensor => {
    const list = asShape('repeat', repeats);
    if (list.length < input.ndim)
      throw new ShapeError(`repeat: ${formatShape(list)} has fewer entries than ${formatShape(input.shape)} has dimensions: use tile`);
    return applyOne(repeatOperator, [input], list);
  },
  {
    signature: 'input, repeats',
    tensors: 1,
    samples: [
      { args: [t([2]), [3]] },
      { args: [t([2, 1]), [2, 1, 3]] },
      { args: [t([]), [2]] },
      { args: [t([2]), [0]] },
      { args: [t([2, 3]), [1, 1]] },
    ],
    bad: [{ args: [t([2, 3]), [2]], error: /fewer entries/ }],
  },
);

/**
 * As `repeat`, but missing leading entries of `dims` are 1.
 *
 * @example
 * tile(tensor([[1, 2]]), [2]); // tensor([[1., 2., 1., 2.]])
 */
export const tile: TileFunction = described(
  'tile',
  (input: Tensor, ...dims: ShapeArguments): Tensor => {
    const list = asShape('tile', dims);
    return applyOne(tileOperator, [input], [...Array<number>(Math.max(0, input.ndim - list.length)).fill(1), ...list]);
  },
  {
    signature: 'input, dims',
    tensors: 1,
    samples: [{ args: [t([2]), [3]] }, { args: [t([2, 1]), [2]] }, { args: [t([]), [2]] }, { args: [t([2, 3]), []] }],
    bad: [{ args: [t([2, 3]), [-2]], error: /negative/ }],
  },
);

const repeatFamily = indexFamily('repeatInterleave');

const repeatFlatOperator = compositeOperator<null>('repeatInterleave', ([x, line]) => {
  const source = reshape(x as Tensor, [(x as Tensor).size]);
  return applyOne(repeatFamily.gather, [source, line as Tensor], replacingDim(source.shape, 0, (line as Tensor).size));
});

/** How often each of `size` elements comes, as a line of indices. */
function repeatedIndices(repeats: number | Tensor, size: number | null): Tensor {
  const counts = typeof repeats === 'number' ? Array<number>(size ?? 0).fill(repeats) : countsOf(repeats, size);
  const line: number[] = [];
  counts.forEach((count, i) => {
    for (let k = 0; k < count; k++) line.push(i);
  });
  return tensorOfElements(line, [line.length], INT64);
}

function countsOf(repeats: Tensor, size: number | null): number[] {
  if (repeats.type !== INT32 && repeats.type !== INT64)
    throw new DTypeError(`repeatInterleave: repeats must have dtype int32 or int64, got ${repeats.dtype}`);
  if (repeats.ndim > 1) throw new ShapeError(`repeatInterleave: repeats must have 0 or 1 dimensions, got ${formatShape(repeats.shape)}`);
  requirePlain('repeatInterleave', repeats);
  const counts = elementsOf(repeats).map(Number);
  if (counts.some((count) => count < 0)) throw new ArgumentError(`repeatInterleave: repeats must not be negative`);
  if (size === null || counts.length === size) return counts;
  if (counts.length === 1) return Array<number>(size).fill(counts[0] as number);
  throw new ShapeError(`repeatInterleave: repeats has ${counts.length} entries for a dimension of size ${size}`);
}

/** `repeatInterleave` of a tensor, or of the positions of its counts. */
export interface RepeatInterleaveFunction {
  (input: Tensor, repeats: number | Tensor, dim?: number | null, options?: { readonly outputSize?: number | null }): Tensor;
  (repeats: Tensor): Tensor;
}

/**
 * Each element (slice along `dim`) `repeats` times, next to each other; `repeats` is a number or a line of counts, one for each. Without `dim` the
 * tensor is flattened first. With counts alone, the positions repeated so often.
 *
 * @example
 * repeatInterleave(tensor([1, 2]), 2); // tensor([1., 1., 2., 2.])
 */
export const repeatInterleave: RepeatInterleaveFunction = described(
  'repeatInterleave',
  ((input: Tensor, repeats?: number | Tensor, dim: number | null = null, options: { readonly outputSize?: number | null } = {}): Tensor => {
    requireTensor('repeatInterleave', 'input', input);
    if (repeats === undefined) return repeatedIndices(input.ndim === 1 ? input : onlyLine(input), null);
    if (!isTensor(repeats) && (!Number.isInteger(repeats) || repeats < 0)) {
      throw new ArgumentError(
        `repeatInterleave: repeats must be a whole number from 0 on or a tensor of them, got ${describeValue(repeats)}`,
      );
    }
    const flat = dim === null || input.ndim === 0;
    const d = dim === null ? 0 : normalizeDim('repeatInterleave', dim, input.ndim);
    const line = repeatedIndices(repeats, flat ? input.size : (input.shape[d] as number));
    const expected = options.outputSize ?? line.size;
    if (expected !== line.size)
      throw new ArgumentError(`repeatInterleave: outputSize is ${expected}, but the result has ${line.size} slices along dimension ${d}`);
    if (flat) return applyOne(repeatFlatOperator, [input, line], null);
    return applyOne(repeatFamily.gather, [input, line], replacingDim(input.shape, d, line.size));
  }) as RepeatInterleaveFunction,
  {
    signature: 'input, repeats?, dim?, *, output_size',
    samples: [
      { args: [t([2, 3]), 2] },
      { args: [t([2, 3]), t([2], { dtype: 'int64', values: [0, 3], grad: false }), 0] },
      { args: [t([2, 3]), 3, -1] },
      { args: [t([]), 2] },
    ],
    bad: [
      { args: [t([2]), -1], error: /from 0 on/ },
      { args: [t([2]), t([3], { dtype: 'int64', values: [1, 1, 1], grad: false }), 0], error: /3 entries/ },
    ],
  },
);

function onlyLine(repeats: Tensor): never {
  throw new ShapeError(`repeatInterleave: counts alone must have one dimension, got ${formatShape(repeats.shape)}`);
}
