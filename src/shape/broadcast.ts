import { ShapeError } from '../util/errors.ts';
import { formatShape } from './shape.ts';

/**
 * The shape that all operands broadcast to: sizes aligned from the right, a size of 1 repeats. Returns the first shape itself where nothing has
 * to be repeated in it. Throws ShapeError that names the operator, both shapes and the sizes that differ.
 */
export function broadcastShapes(name: string, ...shapes: readonly (readonly number[])[]): readonly number[] {
  let result = shapes[0] ?? [];
  for (let k = 1; k < shapes.length; k++) result = broadcastTwo(name, result, shapes[k] as readonly number[]);
  return result;
}

function broadcastTwo(name: string, a: readonly number[], b: readonly number[]): readonly number[] {
  if (a === b) return a;
  const rank = Math.max(a.length, b.length);
  let first = a.length === rank;
  let second = b.length === rank;
  const result = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = i <= a.length ? (a[a.length - i] as number) : 1;
    const y = i <= b.length ? (b[b.length - i] as number) : 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError(`${name}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast: sizes ${x} and ${y} differ at dimension -${i}, and neither is 1`);
    }
    const size = x === 1 ? y : x;
    result[rank - i] = size;
    if (size !== x) first = false;
    if (size !== y) second = false;
  }
  return first ? a : second ? b : result;
}
