/**
 * What PyTorch's own gradient check does around an operator: before it, inputs are made Hermitian or triangular (small steps would leave that
 * set); after it, masked elements become zero, or only the part of a decomposition counts that does not depend on arbitrary phases.
 */
import type { PlannedCall } from './exceptions.ts';
import type { Handle, Library } from './library.ts';

type Operator = (call: PlannedCall) => unknown;

interface Mask {
  readonly shape: readonly number[];
  readonly values: Uint8Array;
}

function readMask(tensor: Handle): Mask {
  return { shape: tensor.shape, values: tensor.toBytes() };
}

/** Expands a mask to a shape it broadcasts to. */
export function broadcastMask(mask: Mask, shape: readonly number[]): Mask {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const values = new Uint8Array(size);
  const lead = shape.length - mask.shape.length;
  for (let element = 0; element < size; element++) {
    let rest = element;
    let stride = 1;
    let source = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const index = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
      const extent = axis < lead ? 1 : mask.shape[axis - lead]!;
      if (axis >= lead && extent !== 1) source += index * stride;
      stride *= extent;
    }
    values[element] = mask.values[source]!;
  }
  return { shape, values };
}

/** Whether any element along `dims` is set; `dims` null means all of them. */
export function anyAlong(mask: Mask, dims: readonly number[] | null, keepdim: boolean): Mask {
  const rank = mask.shape.length;
  const reduced = new Set(dims === null ? mask.shape.keys() : dims.map((dim) => (dim < 0 ? dim + rank : dim)));
  const kept = mask.shape.map((extent, axis) => (reduced.has(axis) ? 1 : extent));
  const values = new Uint8Array(kept.reduce((product, extent) => product * extent, 1));
  for (let element = 0; element < mask.values.length; element++) {
    let rest = element;
    let target = 0;
    let stride = 1;
    for (let axis = rank - 1; axis >= 0; axis--) {
      const index = rest % mask.shape[axis]!;
      rest = Math.floor(rest / mask.shape[axis]!);
      if (!reduced.has(axis)) target += index * stride;
      stride *= kept[axis]!;
    }
    values[target]! |= mask.values[element]!;
  }
  return { shape: keepdim ? kept : kept.filter((_, axis) => !reduced.has(axis)), values };
}

const ELEMENTWISE_MASK = new Set(['softmax', 'log_softmax', 'softmin', 'normalize', 'cumsum', 'cumprod']);

function dimsOf(dim: unknown): readonly number[] | null {
  if (dim === null || dim === undefined) return null;
  return typeof dim === 'number' ? [dim] : (dim as number[]);
}

/** Elements of the result of which at least one unmasked element was an input. */
function outputMask(name: string, { args, kwargs }: PlannedCall): Mask {
  const input = args[0] as Handle;
  const mask = broadcastMask(readMask(kwargs.mask as Handle), input.shape);
  if (ELEMENTWISE_MASK.has(name)) return mask;
  const rest = name === 'norm' ? args.slice(2) : args.slice(1);
  return anyAlong(mask, dimsOf(rest[0] ?? kwargs.dim), kwargs.keepdim === true);
}

function zeroWhereMasked(library: Library, output: unknown, mask: Mask): unknown {
  const condition = library.need('fromBytes')(mask.values, mask.shape, 'bool');
  const result = output as Handle;
  const zero = library.need('zeros')([], { dtype: result.dtype });
  return library.need('where')(condition, result, zero);
}

function maskedOperation(library: Library, op: string, operator: Operator, call: PlannedCall): unknown {
  const output = operator(call);
  if (!library.isTensor(call.kwargs.mask)) return output;
  return zeroWhereMasked(library, output, outputMask(op.slice(op.lastIndexOf('.') + 1), call));
}

function maskedPointwise(library: Library, operator: Operator, call: PlannedCall): unknown {
  const output = operator(call);
  const { input_mask: first, other_mask: second } = call.kwargs;
  if (!library.isTensor(first) || !library.isTensor(second)) return output;
  const shape = (call.args[0] as Handle).shape;
  const [left, right] = [broadcastMask(readMask(first), shape), broadcastMask(readMask(second), shape)];
  return zeroWhereMasked(library, output, { shape, values: left.values.map((set, index) => set & right.values[index]!) });
}

function withArgument(call: PlannedCall, index: number, value: unknown): PlannedCall {
  return { args: call.args.map((arg, position) => (position === index ? value : arg)), kwargs: call.kwargs };
}

/** Keeps one triangle of an argument, and says which one in the place after the tensors. */
function triangular(library: Library, call: PlannedCall, index: number): PlannedCall {
  const { upper = false, ...kwargs } = call.kwargs;
  const half = library.need(upper === true ? 'triu' : 'tril')(call.args[index]);
  return { args: [...withArgument(call, index, half).args, upper], kwargs };
}

function withUnitDiagonal(library: Library, call: PlannedCall): PlannedCall {
  const [matrix] = call.args as [Handle];
  const diagonal = library.need('diagonal')(matrix, { dim1: -2, dim2: -1 });
  const embed = library.need('diagEmbed');
  const without = library.need('sub')(matrix, embed(diagonal));
  return withArgument(call, 0, library.need('add')(without, embed(library.need('onesLike')(diagonal))));
}

/** Calls the operator in the given wrap. */
export function callWrapped(library: Library, wrap: string | undefined, op: string, operator: Operator, call: PlannedCall): unknown {
  const input = call.args[0];
  switch (wrap) {
    case undefined:
      return operator(call);
    case 'masked_operation':
      return maskedOperation(library, op, operator, call);
    case 'masked_pointwise_operation':
      return maskedPointwise(library, operator, call);
    case 'hermitian_input':
      return operator(withArgument(call, 0, library.need('add')(input, library.need('mH')(input))));
    case 'ctc_loss':
      return operator(withArgument(call, 0, library.need('logSoftmax')(input, 2)));
    case 'triangular_input':
      return operator(triangular(library, call, 1));
    case 'triangular_input_real_positive_diagonal':
      return operator(triangular(library, withUnitDiagonal(library, call), 0));
    default:
      throw new Error(`unknown wrap ${wrap} in the vectors`);
  }
}

/** Results as a list: several results come as an iterable object. */
export function asList(library: Library, result: unknown): readonly unknown[] {
  if (library.isTensor(result) || typeof result !== 'object' || result === null || !(Symbol.iterator in result)) return [result];
  return [...(result as Iterable<unknown>)];
}

function svdParts(library: Library, op: string, result: unknown): { u: unknown; s: Handle; vh: unknown } {
  const [u, s, v] = asList(library, result) as [Handle, Handle, Handle];
  const narrow = library.need('narrow');
  const rank = s.shape.at(-1)!;
  const vh = op === 'svd' ? library.need('mH')(v) : v;
  return { u: narrow(u, -1, 0, rank), s, vh: narrow(vh, -2, 0, rank) };
}

/** What is compared instead of the raw result. */
export function postProcess(library: Library, post: string | undefined, op: string, result: unknown): unknown {
  if (post === undefined) return result;
  const abs = library.need('abs');
  if (post === 'second_and_third') {
    const parts = asList(library, result);
    return op === 'linalg.lu' || op === 'lu_unpack' ? parts.slice(1, 3) : parts;
  }
  if (post === 'first_abs_second') {
    const parts = asList(library, result);
    return parts.length === 2 ? [parts[0], abs(parts[1])] : result;
  }
  const { u, s, vh } = svdParts(library, op, result);
  if (post === 'svd_abs_U') return abs(u);
  if (post === 'svd_S') return s;
  if (post === 'svd_S_abs_Vh') return [s, abs(vh)];
  if (post === 'svd_UVh_S') return [library.need('matmul')(u, vh), s];
  throw new Error(`unknown post ${post} in the vectors`);
}
