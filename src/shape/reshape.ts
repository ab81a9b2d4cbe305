import { ArgumentError, ShapeError } from '../util/errors.ts';
import { contiguousStrides, formatShape, numel } from './shape.ts';

/** The target of a reshape with its one -1 worked out. Throws ShapeError where the elements do not fit. */
export function inferReshape(name: string, shape: readonly number[], target: readonly number[]): number[] {
  const total = numel(shape);
  const wild = target.indexOf(-1);
  if (wild >= 0 && target.indexOf(-1, wild + 1) >= 0) throw new ShapeError(`${name}: only one size may be -1, got ${formatShape(target)}`);
  for (const size of target) {
    if (!Number.isInteger(size) || size < -1) throw new ShapeError(`${name}: sizes must be whole numbers, not negative except for one -1, got ${formatShape(target)}`);
  }
  if (wild < 0) {
    if (numel(target) !== total) throw new ShapeError(`${name}: ${formatShape(shape)} has ${total} elements but ${formatShape(target)} has ${numel(target)}`);
    return [...target];
  }
  const known = target.reduce((product, size) => (size === -1 ? product : product * size), 1);
  if (known === 0 || total % known !== 0) {
    throw new ShapeError(
      known === 0
        ? `${name}: the -1 in ${formatShape(target)} could be any size, since the others multiply to 0: name it`
        : `${name}: ${formatShape(shape)} (${total} elements) cannot be divided into ${formatShape(target)}`,
    );
  }
  return target.map((size) => (size === -1 ? total / known : size));
}

/** Strides under which the same elements have `target` as their shape, or null if they must be copied. PyTorch's rule for `view`. */
export function viewStrides(shape: readonly number[], strides: readonly number[], target: readonly number[]): number[] | null {
  if (numel(shape) === 0) return contiguousStrides(target);
  const result = new Array<number>(target.length).fill(0);
  let viewDim = target.length - 1;
  let chunkStride = shape.length === 0 ? 1 : (strides[shape.length - 1] as number);
  let chunkSize = 1;
  let viewSize = 1;
  if (shape.length === 0) return target.map(() => 1);
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    chunkSize *= shape[dim] as number;
    const ends = dim === 0 || ((shape[dim - 1] as number) !== 1 && strides[dim - 1] !== chunkSize * chunkStride);
    if (!ends) continue;
    while (viewDim >= 0 && (viewSize < chunkSize || target[viewDim] === 1)) {
      result[viewDim] = viewSize * chunkStride;
      viewSize *= target[viewDim] as number;
      viewDim--;
    }
    if (viewSize !== chunkSize) return null;
    if (dim > 0) {
      chunkStride = strides[dim - 1] as number;
      chunkSize = 1;
      viewSize = 1;
    }
  }
  return viewDim === -1 ? result : null;
}

/** A shape given as an array or as numbers. Throws for anything that is not a list of sizes. */
export function asShape(name: string, args: readonly (number | readonly number[])[], allowWild = false): number[] {
  const list = args.length === 1 && Array.isArray(args[0]) ? (args[0] as readonly number[]) : (args as readonly number[]);
  for (const size of list) {
    if (typeof size !== 'number' || !Number.isInteger(size) || size < (allowWild ? -1 : 0)) {
      throw new ArgumentError(`${name}: a shape is a list of whole numbers, got ${formatShape(list as readonly number[])}`);
    }
  }
  return [...list];
}
