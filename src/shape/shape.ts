/**
 * Number of elements of a shape.
 *
 * @example
 * numel([2, 3]); // 6
 */
export function numel(shape: readonly number[]): number {
  let count = 1;
  for (let i = 0; i < shape.length; i++) count *= shape[i] as number;
  return count;
}

/**
 * Row-major strides of a shape, in elements. Dimensions of size 0 count as 1, so that no stride is 0.
 *
 * @example
 * contiguousStrides([2, 3, 4]); // [12, 4, 1]
 */
export function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    const size = shape[i] as number;
    if (size > 1) step *= size;
  }
  return strides;
}

/**
 * Whether elements with these strides lie one after the other in row-major order. Strides of dimensions of size 1 do not matter, nor does any
 * stride where there are no elements.
 *
 * @example
 * isContiguous([2, 3], [3, 1]); // true
 * isContiguous([3, 2], [1, 3]); // false
 */
export function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i] as number;
    if (size === 1) continue;
    if (strides[i] !== step) return numel(shape) === 0;
    step *= size;
  }
  return true;
}

/** Whether two shapes have the same sizes. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * A shape as messages show it.
 *
 * @example
 * formatShape([2, 3]); // '[2, 3]'
 */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
