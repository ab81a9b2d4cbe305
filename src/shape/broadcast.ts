/** Broadcasting: sizes are aligned from the right, and a size of 1 repeats (NumPy's rule, which PyTorch follows). */
import { ShapeError } from '../util/errors.ts';
import { formatShape, sameShape } from './shape.ts';

/**
 * The shape that all operands broadcast to. Returns the array of an operand that already has it, the first one if several do.
 *
 * @throws ShapeError that names the operator, both shapes, the sizes that differ and their dimension.
 * @example
 * broadcastShapes('add', [2, 1], [3]); // [2, 3]
 */
export function broadcastShapes(name: string, ...shapes: readonly (readonly number[])[]): readonly number[] {
  let result = shapes[0] ?? [];
  for (let k = 1; k < shapes.length; k++) result = broadcastPair(name, result, shapes[k] as readonly number[]);
  return result;
}

/** `broadcastShapes` for two operands: allocates nothing where one of them already has the result's shape. */
export function broadcastPair(name: string, a: readonly number[], b: readonly number[]): readonly number[] {
  if (sameShape(a, b)) return a;
  const shift = a.length - b.length;
  // Whether the result is still the shape of a, of b.
  let isA = shift >= 0;
  let isB = shift <= 0;
  const overlap = shift > 0 ? b.length : a.length;
  for (let i = 1; i <= overlap; i++) {
    const x = a[a.length - i] as number;
    const y = b[b.length - i] as number;
    if (x === y) continue;
    if (x === 1) isA = false;
    else if (y === 1) isB = false;
    else throw new ShapeError(doNotBroadcast(name, a, b, i));
  }
  return isA ? a : isB ? b : merged(a, b);
}

/** The merged sizes of two shapes that broadcast. */
function merged(a: readonly number[], b: readonly number[]): number[] {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a];
  const result = long.slice();
  const shift = long.length - short.length;
  for (let i = shift; i < long.length; i++) if (result[i] === 1) result[i] = short[i - shift] as number;
  return result;
}

function doNotBroadcast(name: string, a: readonly number[], b: readonly number[], fromEnd: number): string {
  return `${name}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast: sizes ${a[a.length - fromEnd]} and ${b[b.length - fromEnd]} differ at dimension -${fromEnd}, and neither is 1`;
}

/**
 * Whether a tensor of shape `from` can be repeated to shape `to`, which keeps all its sizes.
 *
 * @example
 * broadcastsTo([3], [2, 3]); // true
 * broadcastsTo([2, 3], [3]); // false
 */
export function broadcastsTo(from: readonly number[], to: readonly number[]): boolean {
  const shift = to.length - from.length;
  if (shift < 0) return false;
  for (let i = 0; i < from.length; i++) if (from[i] !== 1 && from[i] !== to[i + shift]) return false;
  return true;
}

/**
 * The strides under which a tensor repeats itself to shape `to`: 0 along what repeats. The caller knows that it `broadcastsTo` that shape.
 *
 * @example
 * broadcastStrides([2, 1], [1, 1], [4, 2, 3]); // [0, 1, 0]
 */
export function broadcastStrides(shape: readonly number[], strides: readonly number[], to: readonly number[]): number[] {
  const shift = to.length - shape.length;
  const result = new Array<number>(to.length);
  for (let i = 0; i < to.length; i++) {
    result[i] = i < shift || (shape[i - shift] === 1 && to[i] !== 1) ? 0 : (strides[i - shift] as number);
  }
  return result;
}

/**
 * The dimensions of `to` along which a tensor of shape `from` was repeated, ascending: the gradient is summed over them.
 *
 * @example
 * repeatedDims([2, 1], [4, 2, 3]); // [0, 2]
 */
export function repeatedDims(from: readonly number[], to: readonly number[]): number[] {
  const shift = to.length - from.length;
  const dims: number[] = [];
  for (let i = 0; i < to.length; i++) if (i < shift || (from[i - shift] === 1 && to[i] !== 1)) dims.push(i);
  return dims;
}
