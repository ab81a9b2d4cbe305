import { promoteTypes } from '../dtype/promotion.ts';
import { type Operator, t } from '../op/contract.ts';
import { backend } from '../runtime/backend.ts';
import { normalizeDim } from '../shape/dims.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import { IDENTITY } from '../tensor/identity.ts';
import { describeValue } from '../tensor/messages.ts';
import { isTensor, type Tensor, viewOf } from '../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../util/errors.ts';
import { emptyTensor, fullTensor } from './create.ts';
import { compositeOperator, described, makeOperator, requireTensor } from './family.ts';
import { sliceDim } from './movement.ts';
import { cast, reshape } from './structural.ts';
import type { CatFunction, StackFunction } from './types.ts';
import { replaced } from './view.ts';

/** Tensors one after the other along a dimension; the parameters are checked. Jointly linear: the transpose is slices of the cotangent. */
export const catOperator: Operator<Tensor, number> = makeOperator<number>({
  name: 'cat',
  forward: (all, dim) => {
    const xs = all.some((x) => !isNothing(x.shape)) ? all.filter((x) => !isNothing(x.shape)) : all;
    const first = xs[0] as Tensor;
    const total = xs.reduce((sum, x) => sum + (x.shape[dim] as number), 0);
    const result = emptyTensor(replaced(first.shape, dim, total), first.type);
    let at = 0;
    for (const x of xs) {
      const slot = viewOf(result, x.shape, result.strides, at * (result.strides[dim] as number));
      backend().map(IDENTITY.program, slot, [x], [], slot.type);
      at += x.shape[dim] as number;
    }
    return result;
  },
  derivative: {
    kind: 'linear',
    transpose: (g, context) => {
      const dim = context.params;
      const parts: (Tensor | null)[] = [];
      let at = 0;
      for (let i = 0; i < context.inputCount; i++) {
        if (isNothing(context.inputShape(i))) {
          parts.push(context.needs(i) ? fullTensor([0], 0, g.type) : null);
          continue;
        }
        const length = context.inputShape(i)[dim] as number;
        parts.push(context.needs(i) ? sliceDim(g, dim, at, length) : null);
        at += length;
      }
      return parts;
    },
  },
  batching: {
    kind: 'whole',
    rule: (xs, _size, dim) => {
      // With the batch in front an empty vector no longer looks like nothing.
      const something = xs.filter((x) => !isNothing(x.shape.slice(1)));
      return catTensors(something.length > 0 ? something : xs, dim + 1);
    },
  },
});

/** PyTorch lets an empty vector stand for nothing beside tensors of any shape. */
function isNothing(shape: readonly number[]): boolean {
  return shape.length === 1 && shape[0] === 0;
}

/** Tensors of checked shapes and one dtype along `dim`. */
export function catTensors(xs: readonly Tensor[], dim: number): Tensor {
  return applyOne(catOperator, xs, dim);
}

/** The tensors of a list, cast to their common dtype. Throws for an empty list or an entry that is no tensor. */
export function commonTensors(name: string, tensors: readonly Tensor[]): Tensor[] {
  if (!Array.isArray(tensors))
    throw new ArgumentError(`${name}: expected a list of tensors, got ${isTensor(tensors) ? 'one tensor' : describeValue(tensors)}`);
  if (tensors.length === 0) throw new ArgumentError(`${name}: expected a non-empty list of tensors`);
  for (const [i, x] of tensors.entries()) requireTensor(name, `tensors[${i}]`, x);
  const type = tensors.map((x) => x.type).reduce(promoteTypes);
  return tensors.map((x) => cast(x, type));
}

/** Refuses lists whose shapes differ outside `dim`. */
function checkJoin(name: string, xs: readonly Tensor[], dim: number): void {
  const first = xs[0] as Tensor;
  xs.forEach((x, k) => {
    if (x.ndim !== first.ndim)
      throw new ShapeError(
        `${name}: tensors 0 and ${k} have different numbers of dimensions: ${formatShape(first.shape)} and ${formatShape(x.shape)}`,
      );
    x.shape.forEach((size, i) => {
      if (i !== dim && size !== first.shape[i]) {
        throw new ShapeError(
          `${name}: shapes ${formatShape(first.shape)} and ${formatShape(x.shape)} of tensors 0 and ${k} differ outside dimension ${dim}`,
        );
      }
    });
  });
}

function concatenating<N extends string>(name: N): CatFunction<N> {
  return described(
    name,
    (tensors: readonly Tensor[], dim = 0): Tensor => {
      const xs = commonTensors(name, tensors);
      const present = xs.filter((x) => !isNothing(x.shape));
      const parts = present.length === 0 ? xs.slice(0, 1) : present;
      const first = parts[0] as Tensor;
      if (xs.some((x) => x.ndim === 0)) throw new ShapeError(`${name}: 0-d tensors have no dimension to join along: use stack`);
      const d = normalizeDim(name, dim, first.ndim);
      checkJoin(name, parts, d);
      return catTensors(xs, d);
    },
    {
      signature: 'tensors, dim?',
      samples: [{ args: [[t([2, 3]), t([4, 3])]] }, { args: [[t([2, 3]), t([2, 1])], -1] }, { args: [[t([0]), t([2, 3])]] }],
      bad: [
        { args: [[]], error: /non-empty/ },
        { args: [[t([2, 3]), t([2, 4])]], error: /differ outside dimension 0/ },
      ],
    },
  );
}

/**
 * Joins tensors along an existing dimension; dtypes are promoted.
 *
 * @example
 * cat([ones([2, 3]), zeros([1, 3])]).shape; // [3, 3]
 */
export const cat = concatenating('cat');
/**
 * `cat` under another name.
 *
 * @example
 * concat([tensor([1, 2]), tensor([3])]); // tensor([1., 2., 3.])
 */
export const concat = concatenating('concat');
/**
 * `cat` under NumPy's name.
 *
 * @example
 * concatenate([tensor([1, 2]), tensor([3])]); // tensor([1., 2., 3.])
 */
export const concatenate = concatenating('concatenate');

const stackAlongOperator = compositeOperator<number>('stack', (xs, dim) =>
  catTensors(
    xs.map((x) => reshape(x, [...x.shape.slice(0, dim), 1, ...x.shape.slice(dim)])),
    dim,
  ),
);

/** Tensors of one shape along a new dimension. */
export function stackTensors(name: string, tensors: readonly Tensor[], dim: number): Tensor {
  const xs = commonTensors(name, tensors);
  const first = xs[0] as Tensor;
  xs.forEach((x, k) => {
    if (formatShape(x.shape) !== formatShape(first.shape)) {
      throw new ShapeError(
        `${name}: shapes ${formatShape(first.shape)} and ${formatShape(x.shape)} of tensors 0 and ${k} differ: all must be equal`,
      );
    }
  });
  return applyOne(stackAlongOperator, xs, normalizeDim(name, dim, first.ndim + 1));
}

/**
 * Joins tensors of one shape along a new dimension.
 *
 * @example
 * stack([ones([3]), zeros([3])]).shape; // [2, 3]
 */
export const stack: StackFunction<'stack'> = described(
  'stack',
  (tensors: readonly Tensor[], dim = 0): Tensor => stackTensors('stack', tensors, dim),
  {
    signature: 'tensors, dim?',
    samples: [{ args: [[t([2, 3]), t([2, 3])]] }, { args: [[t([3]), t([3])], -1] }, { args: [[t([]), t([])]] }],
    bad: [{ args: [[t([2]), t([3])]], error: /differ/ }],
  },
);
