import { catTensors } from '../ops/join.ts';
import { sliceDim } from '../ops/movement.ts';
import { defaultGenerator } from '../runtime/random.ts';
import { formatShape } from '../shape/shape.ts';
import { describeTensor, describeValue } from '../tensor/messages.ts';
import { mode } from '../tensor/modes.ts';
import { structural } from '../tensor/structural.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { BatchedDraws, Batching, type RandomnessMode } from './batching.ts';
import { withInterpreter } from './interpret.ts';
import { isPlainObject, type Unshaped } from './tree.ts';

export { Batching, type RandomnessMode } from './batching.ts';

/** Dimensions for the tensors of a tree: one for all below, null for none, or a tree of the same structure. */
export type Dims = number | null | readonly Dims[] | { readonly [key: string]: Dims };

export interface VmapOptions {
  /** For each argument the dimension that is mapped over, or null, or a tree of these; one number for all. Default 0. */
  readonly inDims?: Dims;
  /** Where the mapped dimension goes in each result; null for a result that is the same for all members. Default 0. */
  readonly outDims?: Dims;
  /** What random draws inside do: `'error'` (the default), one for each member (`'different'`), or one for all (`'same'`). */
  readonly randomness?: RandomnessMode;
  /** How many members are computed at once; all of them by default. Less takes less memory. */
  readonly chunkSize?: number | null;
}

const VMAP_OPTIONS: ReadonlySet<string> = new Set(['inDims', 'outDims', 'randomness', 'chunkSize']);

/**
 * Vectorises `f`: the returned function takes arguments with one more dimension, runs `f` once on all members, and stacks the results. Arguments
 * and results are tensors, or arrays and objects of them. Each operator runs once on the whole batch; in-place operations write into the whole
 * batch, and are refused where a value that differs between members is written into one that does not.
 * Throws ArgumentError when nothing is mapped and for random draws unless `randomness` allows them, ShapeError when the mapped sizes differ.
 *
 * @example
 * const dots = vmap((a, b) => a.mul(b).sum());
 * dots(ones([5, 3]), ones([5, 3])); // tensor([3., 3., 3., 3., 3.])
 */
export function vmap<R>(f: (...inputs: Tensor[]) => R, options?: VmapOptions): (...inputs: Tensor[]) => Unshaped<R>;
export function vmap<A extends readonly unknown[], R>(f: (...args: A) => R, options?: VmapOptions): (...args: Unshaped<A>) => Unshaped<R>;
export function vmap(f: (...args: never[]) => unknown, options: VmapOptions = {}): (...args: never[]) => unknown {
  checkOptions('vmap', options, VMAP_OPTIONS);
  const { chunkSize, randomness = 'error' } = options;
  checkChunk('vmap', chunkSize);
  if (!['error', 'different', 'same'].includes(randomness))
    throw new ArgumentError(`vmap: randomness is 'error', 'different' or 'same', got ${describeValue(randomness)}`);
  return (...args) => {
    const { mapped, rebuild } = mappedArguments(args, options.inDims === undefined ? 0 : options.inDims);
    const size = commonSize(mapped);
    const fronts = mapped.map(({ x, dim }) => toFront(x, dim));
    const outDims = options.outDims === undefined ? 0 : options.outDims;
    const chunk = chunkSize ?? size;
    const runOn = (parts: readonly Tensor[], members: number): Found => runBatch(f, rebuild, parts, members, randomness, outDims);
    if (chunk >= size) return finish(runOn(fronts, size));
    const before = randomness === 'same' ? defaultGenerator.getState() : null;
    const found: Found[] = [];
    for (let at = 0; at < size; at += chunk) {
      if (before !== null) defaultGenerator.setState(before);
      const members = Math.min(chunk, size - at);
      found.push(
        runOn(
          fronts.map((x) => sliceDim(x, 0, at, members)),
          members,
        ),
      );
    }
    return finish(joined(found));
  };
}

/** @internal Refuses anything but a whole number above 0, or nothing. */
export function checkChunk(name: string, chunk: number | null | undefined): void {
  if (chunk !== null && chunk !== undefined && (!Number.isInteger(chunk) || chunk < 1))
    throw new ArgumentError(`${name}: chunkSize must be a whole number above 0, or null for everything at once, got ${chunk}`);
}

interface MappedLeaf {
  readonly x: Tensor;
  readonly dim: number;
  readonly path: string;
}

/** The tensors that are mapped over, and how to call the function with others in their places. */
function mappedArguments(
  args: readonly unknown[],
  inDims: Dims,
): { mapped: MappedLeaf[]; rebuild: (leaves: readonly Tensor[]) => readonly unknown[] } {
  if (inDims !== null && typeof inDims !== 'number' && !Array.isArray(inDims))
    throw new ArgumentError(
      `vmap: inDims is one dimension for all arguments or an array with an entry for each, got ${describeValue(inDims)}`,
    );
  if (Array.isArray(inDims) && inDims.length !== args.length) {
    throw new ArgumentError(
      `vmap: inDims has ${inDims.length} entries for ${args.length} argument${args.length === 1 ? '' : 's'}: give one for each, null for what is not mapped`,
    );
  }
  const mapped: MappedLeaf[] = [];
  const builders = args.map((arg, i) => walkArgument(arg, Array.isArray(inDims) ? (inDims[i] as Dims) : inDims, `argument ${i}`, mapped));
  return { mapped, rebuild: (leaves) => builders.map((build) => build(leaves)) };
}

type Builder = (leaves: readonly Tensor[]) => unknown;

function walkArgument(value: unknown, dims: Dims, path: string, mapped: MappedLeaf[]): Builder {
  if (dims === null || value === null || value === undefined) return () => value;
  if (isTensor(value)) {
    if (typeof dims !== 'number' || !Number.isInteger(dims))
      throw new ArgumentError(`vmap: ${path} is a tensor, so its entry in inDims is a dimension or null, got ${describeValue(dims)}`);
    const at = mapped.push({ x: value, dim: mappedDim(value, dims, path), path }) - 1;
    return (leaves) => leaves[at];
  }
  if (Array.isArray(value)) {
    if (Array.isArray(dims) && dims.length !== value.length)
      throw new ArgumentError(`vmap: ${path} is an array of ${value.length}, but its entry in inDims one of ${dims.length}`);
    const parts = value.map((item, i) => walkArgument(item, partOfDims(dims, i, path), `${path}[${i}]`, mapped));
    return (leaves) => parts.map((part) => part(leaves));
  }
  if (isPlainObject(value)) {
    const parts = Object.entries(value).map(
      ([key, item]) => [key, walkArgument(item, partOfDims(dims, key, path), `${path}.${key}`, mapped)] as const,
    );
    return (leaves) => Object.fromEntries(parts.map(([key, part]) => [key, part(leaves)]));
  }
  throw new ArgumentError(
    `vmap: ${path} must be a tensor to be mapped over, got ${describeValue(value)}: use null in inDims for what is not mapped, for example { inDims: [0, null] }`,
  );
}

/** The entry of a tree of dimensions for one branch. */
function partOfDims(dims: Dims, key: string | number, path: string): Dims {
  if (dims === null || typeof dims === 'number') return dims;
  const part = (dims as Record<string | number, Dims | undefined>)[key];
  if (part === undefined || Array.isArray(dims) !== (typeof key === 'number'))
    throw new ArgumentError(`vmap: inDims has no entry for ${path}${typeof key === 'number' ? `[${key}]` : `.${key}`}`);
  return part;
}

function mappedDim(x: Tensor, dim: number, path: string): number {
  const at = dim < 0 ? dim + x.ndim : dim;
  if (at < 0 || at >= x.ndim)
    throw new ShapeError(`vmap: inDims names dimension ${dim} of ${path}, a tensor of shape ${formatShape(x.shape)}`);
  return at;
}

function commonSize(mapped: readonly MappedLeaf[]): number {
  const sizes = mapped.map(({ x, dim }) => x.shape[dim] as number);
  const size = sizes[0];
  if (size === undefined) {
    throw new ArgumentError(
      'vmap: no argument is mapped over: at least one must be a tensor, and at least one entry of inDims must not be null',
    );
  }
  if (sizes.some((other) => other !== size)) {
    const list = mapped.map(({ x, dim, path }) => `${path} ${x.shape[dim]} (dimension ${dim} of ${formatShape(x.shape)})`).join(', ');
    throw new ShapeError(`vmap: the mapped dimensions have different sizes: ${sizes.join(', ')}. They must be equal: ${list}`);
  }
  return size;
}

/** @internal The dimension `dim`, from 0 on, in front of the others. */
export function toFront(x: Tensor, dim: number): Tensor {
  return dim === 0 ? x : structural().permute(x, [dim, ...x.shape.map((_, i) => i).filter((i) => i !== dim)]);
}

/** One tensor of the result: batched in front, with where its batch goes; or the same for all members, or no tensor at all. */
interface FoundLeaf {
  readonly value: unknown;
  readonly dim: number | null;
}

interface Found {
  readonly leaves: readonly FoundLeaf[];
  readonly rebuild: (values: readonly unknown[]) => unknown;
}

/** Runs `f` once on a batch of `size` members. */
function runBatch(
  f: (...args: never[]) => unknown,
  rebuild: (leaves: readonly Tensor[]) => readonly unknown[],
  parts: readonly Tensor[],
  size: number,
  randomness: RandomnessMode,
  outDims: Dims,
): Found {
  return withInterpreter((level) => {
    const batching = new Batching(level, size);
    const before = mode.randomness;
    mode.randomness = new BatchedDraws(batching, randomness);
    try {
      const result = f(...(rebuild(parts.map((x) => batching.lift(x))) as never[]));
      const leaves: FoundLeaf[] = [];
      const build = walkResult(batching, result, outDims, '', leaves);
      return { leaves, rebuild: build };
    } finally {
      mode.randomness = before;
      batching.ended = true;
    }
  });
}

function walkResult(
  batching: Batching,
  value: unknown,
  dims: Dims,
  path: string,
  leaves: FoundLeaf[],
): (values: readonly unknown[]) => unknown {
  const keep = (leaf: FoundLeaf): ((values: readonly unknown[]) => unknown) => {
    const at = leaves.push(leaf) - 1;
    return (values) => values[at];
  };
  if (isTensor(value)) return keep(resultLeaf(batching, value, dims, path));
  if (Array.isArray(value)) {
    if (Array.isArray(dims) && dims.length !== value.length)
      throw new ArgumentError(`vmap: result${path} is an array of ${value.length}, but its entry in outDims one of ${dims.length}`);
    const parts = value.map((item, i) => walkResult(batching, item, outPart(dims, i, path), `${path}[${i}]`, leaves));
    return (values) => parts.map((part) => part(values));
  }
  if (isPlainObject(value)) {
    const parts = Object.entries(value).map(
      ([key, item]) => [key, walkResult(batching, item, outPart(dims, key, path), `${path}.${key}`, leaves)] as const,
    );
    return (values) => Object.fromEntries(parts.map(([key, part]) => [key, part(values)]));
  }
  if (dims === null) return keep({ value, dim: null });
  const what = value instanceof Promise ? 'a promise, but it must be synchronous' : describeValue(value);
  throw new ArgumentError(
    `vmap: the function must return tensors, alone or in arrays and objects, got ${what}${path === '' ? '' : ` as result${path}`}: use null in outDims for what is no tensor`,
  );
}

function outPart(dims: Dims, key: string | number, path: string): Dims {
  if (dims === null || typeof dims === 'number') return dims;
  const part = (dims as Record<string | number, Dims | undefined>)[key];
  if (part === undefined)
    throw new ArgumentError(`vmap: outDims has no entry for result${path}${typeof key === 'number' ? `[${key}]` : `.${key}`}`);
  return part;
}

function resultLeaf(batching: Batching, y: Tensor, dims: Dims, path: string): FoundLeaf {
  if (dims !== null && (typeof dims !== 'number' || !Number.isInteger(dims)))
    throw new ArgumentError(`vmap: result${path} is a tensor, so its entry in outDims is a dimension or null, got ${describeValue(dims)}`);
  const batched = batching.valueOf(y) !== null;
  if (dims === null) {
    if (!batched) return { value: y, dim: null };
    throw new ArgumentError(
      `vmap: outDims is null for result${path}, ${describeTensor(y)}, but it differs between the members of the batch: name the dimension where the members go`,
    );
  }
  const rank = y.ndim + 1;
  if (dims < -rank || dims >= rank)
    throw new ShapeError(`vmap: outDims names dimension ${dims} of result${path}, which has ${rank} dimensions with the batch`);
  return { value: batching.whole(y), dim: dims < 0 ? dims + rank : dims };
}

function finish({ leaves, rebuild }: Found): unknown {
  return rebuild(leaves.map(({ value, dim }) => (dim === null || dim === 0 ? value : fromFront(value as Tensor, dim))));
}

/** The results of several chunks as those of one. What is the same for all members is that of the first chunk. */
function joined(found: readonly Found[]): Found {
  const first = found[0] as Found;
  const leaves = first.leaves.map((leaf, i) =>
    leaf.dim === null
      ? leaf
      : {
          value: catTensors(
            found.map((part) => part.leaves[i]?.value as Tensor),
            0,
          ),
          dim: leaf.dim,
        },
  );
  return { leaves, rebuild: first.rebuild };
}

function fromFront(x: Tensor, at: number): Tensor {
  const dims = x.shape.map((_, i) => i).slice(1);
  dims.splice(at, 0, 0);
  return structural().permute(x, dims);
}
