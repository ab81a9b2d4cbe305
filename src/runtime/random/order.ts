/** In which order a fill visits the elements of a tensor that is not contiguous. */

/**
 * The dimensions from the outermost loop to the innermost, as PyTorch's element-wise loops nest them: larger strides outside. Draws into a
 * transposed tensor thus follow memory, not the tensor's own order.
 *
 * @example
 * fillOrder([2, 3], [1, 2]);   // [1, 0]: the first dimension varies fastest
 */
export function fillOrder(shape: readonly number[], strides: readonly number[]): number[] {
  // Innermost first: an insertion sort, since a stride of 0 compares with nothing and the outcome depends on the order of comparisons.
  const order = shape.map((_, index) => shape.length - 1 - index);
  for (let position = 1; position < order.length; position++) {
    let outer = position;
    for (let inner = position - 1; inner >= 0; inner--) {
      const swap = comesOutside(order[inner]!, order[outer]!, shape, strides);
      if (swap > 0) {
        const kept = order[inner]!;
        order[inner] = order[outer]!;
        order[outer] = kept;
        outer = inner;
      } else if (swap < 0) {
        break;
      }
    }
  }
  return order.reverse();
}

/** Positive if `first`, now inside, must go outside of `second`; negative if they are in order; 0 if nothing decides. */
function comesOutside(first: number, second: number, shape: readonly number[], strides: readonly number[]): number {
  const firstStride = strides[first]!;
  const secondStride = strides[second]!;
  if (firstStride === 0 || secondStride === 0) return 0;
  if (firstStride !== secondStride) return firstStride > secondStride ? 1 : -1;
  return shape[first]! > shape[second]! ? 1 : 0;
}
