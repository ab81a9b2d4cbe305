/** Shapes as arguments, the size that -1 stands for, and which reshapes need no copy. */
import { ArgumentError, ShapeError } from '../util/errors.ts';
import { contiguousStrides, formatShape, numel, sameShape } from './shape.ts';

/**
 * A shape given as one array or as numbers: `([2, 3])` or `(2, 3)`.
 *
 * @param allowWild whether -1 may stand for a size.
 * @throws ArgumentError for anything that is not a list of sizes.
 * @example
 * asShape('zeros', [[2, 3]]); // [2, 3]
 * asShape('zeros', [2, 3]); // [2, 3]
 */
export function asShape(name: string, args: readonly (number | readonly number[])[], allowWild = false): number[] {
  const sizes = (args.length === 1 && Array.isArray(args[0]) ? args[0] : args) as readonly number[];
  for (const size of sizes) {
    if (Number.isInteger(size) && size >= (allowWild ? -1 : 0)) continue;
    throw new ArgumentError(
      `${name}: a shape is a list of whole numbers that are not negative${allowWild ? ' (but for -1)' : ''}, got ${formatShape(sizes)}`,
    );
  }
  return [...sizes];
}

/**
 * The target of a reshape with its one -1 worked out.
 *
 * @throws ShapeError where the elements do not fit.
 * @example
 * inferReshape('reshape', [2, 6], [3, -1]); // [3, 4]
 */
export function inferReshape(name: string, shape: readonly number[], target: readonly number[]): number[] {
  const total = numel(shape);
  let known = 1;
  let wild = -1;
  for (let i = 0; i < target.length; i++) {
    const size = target[i] as number;
    if (size === -1 && wild >= 0) throw new ShapeError(`${name}: only one size may be -1, got ${formatShape(target)}`);
    if (size === -1) wild = i;
    else if (Number.isInteger(size) && size >= 0) known *= size;
    else throw new ShapeError(`${name}: sizes must be whole numbers, not negative except for one -1, got ${formatShape(target)}`);
  }
  const result = target.slice();
  if (wild >= 0) result[wild] = wildSize(name, shape, target, total, known);
  else if (known !== total)
    throw new ShapeError(`${name}: ${formatShape(shape)} has ${total} elements but ${formatShape(target)} has ${known}`);
  return result;
}

/** The size that -1 stands for. */
function wildSize(name: string, shape: readonly number[], target: readonly number[], total: number, known: number): number {
  if (known === 0) {
    throw new ShapeError(
      total === 0
        ? `${name}: the -1 in ${formatShape(target)} could be any size, since the others multiply to 0: name it`
        : `${name}: ${formatShape(shape)} has ${total} elements, but ${formatShape(target)} has none whatever -1 stands for`,
    );
  }
  if (total % known === 0) return total / known;
  throw new ShapeError(`${name}: ${formatShape(shape)} (${total} elements) is not divisible into ${formatShape(target)}`);
}

/**
 * Strides under which the same elements have the shape `target`, in the same order, or null if they must be copied first. This is PyTorch's rule for
 * `view`: the dimensions fall into runs that step through memory evenly, and each run is divided up by itself.
 *
 * @param target a shape of as many elements.
 * @example
 * viewStrides([2, 3], [3, 1], [3, 2]); // [2, 1]
 * viewStrides([3, 2], [1, 3], [6]); // null
 */
export function viewStrides(shape: readonly number[], strides: readonly number[], target: readonly number[]): number[] | null {
  if (sameShape(shape, target)) return strides.slice();
  if (shape.length === 0 || numel(shape) === 0) return contiguousStrides(target);
  const result = new Array<number>(target.length);
  let next = target.length - 1;
  let last = shape.length - 1;
  while (last >= 0) {
    const step = strides[last] as number;
    let runSize = shape[last] as number;
    // A dimension belongs to the run if its stride continues it; one of size 1 does whatever its stride.
    while (last > 0 && (shape[last - 1] === 1 || strides[last - 1] === runSize * step)) runSize *= shape[--last] as number;
    let covered = 1;
    while (next >= 0 && (covered < runSize || target[next] === 1)) {
      result[next] = covered * step;
      covered *= target[next--] as number;
    }
    if (covered !== runSize) return null;
    last--;
  }
  return next < 0 ? result : null;
}
