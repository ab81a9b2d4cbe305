/** Strided tensors as plain sets of positions: slow, and plainly right. */
import fc from 'fast-check';
import { contiguousStrides } from '../../src/shape/shape.ts';

export const size = fc.constantFrom(0, 1, 1, 2, 3, 4);
export const shape = fc.array(size, { maxLength: 4 });
/** No dimension is empty. */
export const filledShape = fc.array(fc.constantFrom(1, 1, 2, 3, 4), { maxLength: 4 });

/** All coordinates of a shape in row-major order. */
export function coordinates(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>((list, n) => list.flatMap((head) => Array.from({ length: n }, (_, i) => [...head, i])), [[]]);
}

/** The place in memory of every element in row-major order. */
export function positions(sizes: readonly number[], strides: readonly number[], offset = 0): number[] {
  return coordinates(sizes).map((at) => at.reduce((sum, i, d) => sum + i * (strides[d] as number), offset));
}

export interface Strided {
  readonly shape: number[];
  readonly strides: number[];
}

/** A view: a contiguous tensor whose dimensions were permuted, sliced with steps (also backwards) and repeated. */
export const strided: fc.Arbitrary<Strided> = filledShape.chain((base) =>
  fc
    .record({
      order: fc.shuffledSubarray(
        base.map((_, i) => i),
        { minLength: base.length, maxLength: base.length },
      ),
      steps: fc.array(fc.constantFrom(1, 1, 1, 2, -1), { minLength: base.length, maxLength: base.length }),
      repeated: fc.array(fc.constantFrom(false, false, false, true), { minLength: base.length, maxLength: base.length }),
    })
    .map(({ order, steps, repeated }) => {
      const stretched = base.map((n, i) => n * Math.abs(steps[i] as number));
      const strides = contiguousStrides(stretched).map((s, i) => (repeated[i] ? 0 : s * (steps[i] as number)));
      return { shape: order.map((i) => base[i] as number), strides: order.map((i) => strides[i] as number) };
    }),
);
