import { BOOL } from '../dtype/dtype.ts';
import { promoteTypes } from '../dtype/promotion.ts';
import { t } from '../op/contract.ts';
import { broadcastShapes } from '../shape/broadcast.ts';
import { normalizeDim } from '../shape/dims.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../util/errors.ts';
import { add, mul } from './arithmetic.ts';
import { compositeOperator, described, requireTensor, type Scalar } from './family.ts';
import { addedProduct, checkProduct, matmul, matrixProduct } from './matmul.ts';
import { cast, permute, reshape, sumDimsOperator } from './structural.ts';
import type { AddedProduct, AddrFunction, KronFunction, OuterFunction, ProductFunction, TensordotFunction } from './types.ts';

/** Products of matrices and vectors, composed from the batched matrix product. */

function ranks(name: string, x: Tensor, role: string, ndim: number): void {
  requireTensor(name, role, x);
  if (x.ndim !== ndim)
    throw new ShapeError(`${name}: ${role} must have ${ndim} dimension${ndim === 1 ? '' : 's'}, got ${formatShape(x.shape)}`);
}

function sameType(name: string, ...tensors: Tensor[]): void {
  const [first, ...rest] = tensors as [Tensor, ...Tensor[]];
  for (const x of rest) {
    if (x.type !== first.type)
      throw new DTypeError(
        `${name}: the operands have dtypes ${first.dtype} and ${x.dtype}: a matrix product does not promote, cast one with .to(…)`,
      );
  }
}

/** A product of operands of fixed ranks that `matmul` computes. */
function product<R extends object>(
  name: string,
  left: number,
  right: number,
  roles: readonly [string, string],
  samples: readonly (readonly [number[], number[]])[],
): R {
  const operator = compositeOperator<null>(name, ([a, b]) => matmul(a as Tensor, b as Tensor));
  return described(
    name,
    (input: Tensor, other: Tensor): Tensor => {
      ranks(name, input, roles[0], left);
      ranks(name, other, roles[1], right);
      checkProduct(name, input, other);
      if (left === 3 && input.shape[0] !== other.shape[0]) {
        throw new ShapeError(
          `${name}: the batch sizes ${input.shape[0]} and ${other.shape[0]} differ in ${formatShape(input.shape)} @ ${formatShape(other.shape)}`,
        );
      }
      return applyOne(operator, [input, other], null);
    },
    {
      signature: `${roles[0]}, ${roles[1]}`,
      samples: samples.map(([a, b]) => ({ args: [t(a), t(b)] })),
      bad: [{ args: [t(Array<number>(left).fill(2)), t(Array<number>(right).fill(3))], error: /differ/ }],
    },
  );
}

/**
 * Matrix product of two matrices.
 *
 * @example
 * mm(ones([2, 3]), ones([3, 4])).shape; // [2, 4]
 */
export const mm: ProductFunction<'mm'> = product(
  'mm',
  2,
  2,
  ['input', 'mat2'],
  [
    [
      [2, 3],
      [3, 4],
    ],
    [
      [0, 3],
      [3, 2],
    ],
  ],
);

/**
 * Matrix products of two batches of matrices of one size.
 *
 * @example
 * bmm(ones([5, 2, 3]), ones([5, 3, 4])).shape; // [5, 2, 4]
 */
export const bmm: ProductFunction<'bmm'> = product(
  'bmm',
  3,
  3,
  ['input', 'mat2'],
  [
    [
      [5, 2, 3],
      [5, 3, 4],
    ],
    [
      [0, 2, 3],
      [0, 3, 4],
    ],
  ],
);

/**
 * Matrix times vector.
 *
 * @example
 * mv(tensor([[1, 2], [3, 4]]), tensor([1, 1])); // tensor([3., 7.])
 */
export const mv: ProductFunction<'mv'> = product('mv', 2, 1, ['input', 'vec'], [[[2, 3], [3]]]);

/**
 * Dot product of two vectors.
 *
 * @example
 * dot(tensor([1, 2]), tensor([3, 4])); // tensor(11.)
 */
export const dot: ProductFunction<'dot'> = product(
  'dot',
  1,
  1,
  ['input', 'tensor'],
  [
    [[3], [3]],
    [[0], [0]],
  ],
);

/**
 * Dot product that conjugates its first operand; of real vectors the same as `dot`.
 *
 * @example
 * vdot(tensor([1, 2]), tensor([3, 4])); // tensor(11.)
 */
export const vdot: ProductFunction<'dot', 'vdot'> = product('vdot', 1, 1, ['input', 'other'], [[[3], [3]]]);

function outerNamed<N extends string>(name: N): OuterFunction<N> {
  const operator = compositeOperator<null>(name, ([a, b]) => mul(reshape(a as Tensor, [(a as Tensor).size, 1]), b as Tensor));
  return described(
    name,
    (input: Tensor, vec2: Tensor): Tensor => {
      ranks(name, input, 'input', 1);
      ranks(name, vec2, 'vec2', 1);
      return applyOne(operator, [input, vec2], null);
    },
    {
      signature: 'input, vec2',
      samples: [{ args: [t([3]), t([4])] }, { args: [t([0]), t([2])] }],
      bad: [{ args: [t([2, 2]), t([2])], error: /1 dimension/ }],
    },
  );
}
/**
 * All products of an element of one vector and one of another: a matrix.
 *
 * @example
 * outer(tensor([1, 2]), tensor([3, 4])); // tensor([[3., 4.], [6., 8.]])
 */
export const outer = outerNamed('outer');
/**
 * `outer` under its older name.
 *
 * @example
 * ger(tensor([1, 2]), tensor([3, 4])); // tensor([[3., 4.], [6., 8.]])
 */
export const ger = outerNamed('ger');

/** Sums of products over the last dimensions of both; a scalar product if either has none. */
const innerOperator = compositeOperator<null>('inner', ([a, b]) => {
  const left = a as Tensor;
  const right = b as Tensor;
  if (left.ndim === 0 || right.ndim === 0) return mul(left, right);
  const k = left.shape[left.ndim - 1] as number;
  const l = reshape(left, [left.shape.slice(0, -1).reduce((x, y) => x * y, 1), k]);
  const r = reshape(right, [right.shape.slice(0, -1).reduce((x, y) => x * y, 1), k]);
  return reshape(matrixProduct(l, permute(r, [1, 0])), [...left.shape.slice(0, -1), ...right.shape.slice(0, -1)]);
});

/**
 * Sum of products over the last dimensions.
 *
 * @example
 * inner(tensor([1, 2]), tensor([3, 4])); // tensor(11.)
 */
export const inner: ProductFunction<'inner'> = described(
  'inner',
  (input: Tensor, other: Tensor): Tensor => {
    if (input.ndim > 0 && other.ndim > 0) {
      sameType('inner', input, other);
      if (input.shape[input.ndim - 1] !== other.shape[other.ndim - 1]) {
        throw new ShapeError(`inner: the last dimensions of ${formatShape(input.shape)} and ${formatShape(other.shape)} differ`);
      }
    }
    return applyOne(innerOperator, [input, other], null);
  },
  {
    signature: 'input, other',
    tensors: 2,
    samples: [{ args: [t([3]), t([3])] }, { args: [t([2, 3]), t([4, 3])] }, { args: [t([]), t([2])] }],
    bad: [{ args: [t([3]), t([4])], error: /differ/ }],
  },
);

// ---------------------------------------------------------------- beta · input + alpha · product

/** Factors of the added tensor and of the product. */
export interface AddProductOptions {
  /** Factor of `input`; 0 leaves it out, also where it is NaN. Default 1. */
  readonly beta?: Scalar;
  /** Factor of the product. Default 1. */
  readonly alpha?: Scalar;
}

interface Factors {
  readonly beta: number;
  readonly alpha: number;
}

/** `beta · input + alpha · compose(a, b)`, the product's shape being what `input` must broadcast to. */
function addProduct(
  name: string,
  roles: readonly [string, string],
  compose: (a: Tensor, b: Tensor) => Tensor,
  check: (a: Tensor, b: Tensor) => readonly number[],
) {
  const operator = compositeOperator<Factors>(name, ([input, a, b], { beta, alpha }) => {
    if (compose === matrixProduct && beta === 1 && alpha === 1) return addedProduct(input as Tensor, a as Tensor, b as Tensor);
    const raw = compose(a as Tensor, b as Tensor);
    const scaled = alpha === 1 ? raw : mul(raw, raw.type === BOOL ? false : alpha);
    if (beta === 0) return scaled;
    return add(beta === 1 ? (input as Tensor) : mul(input as Tensor, beta), scaled);
  });
  return (input: Tensor, a: Tensor, b: Tensor, options: AddProductOptions = {}): Tensor => {
    requireTensor(name, 'input', input);
    requireTensor(name, roles[0], a);
    requireTensor(name, roles[1], b);
    const shape = check(a, b);
    sameType(name, input, a, b);
    if (a.type === BOOL && name !== 'addr') throw new DTypeError(`${name}: not defined for dtype bool`);
    // PyTorch truncates factors to the dtype: 0.6 of integers is 0, and what is not 0 is true.
    const factor = (value: Scalar | undefined): number => {
      const given = Number(value ?? 1);
      if (a.type === BOOL) return Number(given !== 0);
      return a.type.isFloat || a.type.isComplex ? given : Math.trunc(given);
    };
    const beta = factor(options.beta);
    const alpha = factor(options.alpha);
    if (formatShape(broadcastShapes(name, input.shape, shape)) !== formatShape(shape)) {
      throw new ShapeError(
        `${name}: input of shape ${formatShape(input.shape)} does not broadcast to the product's shape ${formatShape(shape)}`,
      );
    }
    return applyOne(operator, [input, a, b], { beta, alpha });
  };
}

function matrixShapes(name: string, left: number, right: number, roles: readonly [string, string]) {
  return (a: Tensor, b: Tensor): number[] => {
    ranks(name, a, roles[0], left);
    ranks(name, b, roles[1], right);
    const inner = a.shape[a.ndim - 1];
    const other = b.shape[right === 1 ? 0 : b.ndim - 2];
    if (inner !== other || (left === 3 && a.shape[0] !== b.shape[0])) {
      throw new ShapeError(`${name}: inner dimensions ${inner} and ${other} differ in ${formatShape(a.shape)} @ ${formatShape(b.shape)}`);
    }
    return [...a.shape.slice(0, -1), ...(right === 1 ? [] : [b.shape[b.ndim - 1] as number])];
  };
}

/**
 * `beta · input + alpha · mat1 @ mat2`; `input` broadcasts.
 *
 * @example
 * addmm(ones([2, 2]), ones([2, 3]), ones([3, 2])); // tensor([[4., 4.], [4., 4.]])
 */
export const addmm: AddedProduct<'addmm'> = described(
  'addmm',
  addProduct('addmm', ['mat1', 'mat2'], matrixProduct, matrixShapes('addmm', 2, 2, ['mat1', 'mat2'])),
  {
    signature: 'input, mat1, mat2, *, beta, alpha',
    samples: [{ args: [t([2, 4]), t([2, 3]), t([3, 4])] }, { args: [t([4]), t([2, 3]), t([3, 4]), { beta: 0.5, alpha: 2 }] }],
    bad: [{ args: [t([2, 4]), t([2, 3]), t([4, 4])], error: /differ/ }],
  },
);

/**
 * `beta · input + alpha · mat @ vec`.
 *
 * @example
 * addmv(tensor([1, 1]), tensor([[1, 2], [3, 4]]), tensor([1, 1])); // tensor([4., 8.])
 */
export const addmv: AddedProduct<'addmv'> = described(
  'addmv',
  addProduct('addmv', ['mat', 'vec'], matmul, matrixShapes('addmv', 2, 1, ['mat', 'vec'])),
  {
    signature: 'input, mat, vec, *, beta, alpha',
    samples: [{ args: [t([2]), t([2, 3]), t([3])] }],
    bad: [{ args: [t([2]), t([2, 3]), t([4])], error: /differ/ }],
  },
);

/**
 * `beta · input + alpha · batch1 @ batch2`, batch by batch.
 *
 * @example
 * baddbmm(ones([1, 2, 2]), ones([1, 2, 3]), ones([1, 3, 2])); // tensor([[[4., 4.], [4., 4.]]])
 */
export const baddbmm: AddedProduct<'baddbmm'> = described(
  'baddbmm',
  addProduct('baddbmm', ['batch1', 'batch2'], matrixProduct, matrixShapes('baddbmm', 3, 3, ['batch1', 'batch2'])),
  {
    signature: 'input, batch1, batch2, *, beta, alpha',
    samples: [{ args: [t([5, 2, 4]), t([5, 2, 3]), t([5, 3, 4])] }],
    bad: [{ args: [t([5, 2, 4]), t([5, 2, 3]), t([5, 4, 4])], error: /differ/ }],
  },
);

/**
 * `beta · input + alpha · Σ batch1 @ batch2`, summed over the batch.
 *
 * @example
 * addbmm(ones([2, 2]), ones([5, 2, 3]), ones([5, 3, 2])); // tensor([[16., 16.], [16., 16.]])
 */
export const addbmm: AddedProduct<'addbmm'> = described(
  'addbmm',
  addProduct(
    'addbmm',
    ['batch1', 'batch2'],
    (a, b) => {
      const batches = matrixProduct(a, b);
      return applyOne(sumDimsOperator, [batches], { dims: [0], type: batches.type });
    },
    (a, b) => matrixShapes('addbmm', 3, 3, ['batch1', 'batch2'])(a, b).slice(1),
  ),
  {
    signature: 'input, batch1, batch2, *, beta, alpha',
    samples: [{ args: [t([2, 4]), t([5, 2, 3]), t([5, 3, 4])] }],
    bad: [{ args: [t([2, 4]), t([5, 2, 3]), t([4, 3, 4])], error: /differ/ }],
  },
);

const truth = (shape: readonly number[]) => t(shape, { dtype: 'bool', grad: false });

/**
 * `beta · input + alpha · vec1 ⊗ vec2`.
 *
 * @example
 * addr(zeros([2, 2]), tensor([1, 2]), tensor([3, 4])); // tensor([[3., 4.], [6., 8.]])
 */
export const addr: AddrFunction = described(
  'addr',
  (input: Tensor, vec1: Tensor, vec2: Tensor, options: AddProductOptions = {}): Tensor => {
    ranks('addr', vec1, 'vec1', 1);
    ranks('addr', vec2, 'vec2', 1);
    const type = [input, vec1, vec2].map((x) => x.type).reduce(promoteTypes);
    return addOuter(cast(input, type), cast(vec1, type), cast(vec2, type), options);
  },
  {
    signature: 'input, vec1, vec2, *, beta, alpha',
    tensors: 1,
    samples: [{ args: [t([3, 4]), t([3]), t([4])] }, { args: [truth([3, 4]), truth([3]), truth([4]), { beta: 3, alpha: 2 }] }],
    bad: [{ args: [t([3, 5]), t([3]), t([4])], error: /\[3, 5\]/ }],
  },
);
const addOuter = addProduct('addr', ['vec1', 'vec2'], outerProduct, (a, b) => [a.size, b.size]);

function outerProduct(a: Tensor, b: Tensor): Tensor {
  return mul(reshape(a, [a.size, 1]), b);
}

// ---------------------------------------------------------------- tensordot, kron

interface Contraction {
  readonly left: readonly number[];
  readonly right: readonly number[];
}

const tensordotOperator = compositeOperator<Contraction>('tensordot', ([a, b], { left, right }) => {
  const [x, y] = matched(a as Tensor, b as Tensor, left, right);
  const keepX = x.shape.map((_, i) => i).filter((i) => !left.includes(i));
  const keepY = y.shape.map((_, i) => i).filter((i) => !right.includes(i));
  const sizes = (source: Tensor, dims: readonly number[]): number[] => dims.map((d) => source.shape[d] as number);
  const total = (values: readonly number[]): number => values.reduce((p, q) => p * q, 1);
  const k = total(sizes(x, left));
  const l = reshape(permute(x, [...keepX, ...left]), [total(sizes(x, keepX)), k]);
  const r = reshape(permute(y, [...right, ...keepY]), [k, total(sizes(y, keepY))]);
  return reshape(matrixProduct(l, r), [...sizes(x, keepX), ...sizes(y, keepY)]);
});

/** Sums over contracted dimensions that stand opposite a size of 1. */
function matched(x: Tensor, y: Tensor, left: readonly number[], right: readonly number[]): [Tensor, Tensor] {
  const single = (source: Tensor, dims: readonly number[], other: Tensor, others: readonly number[]): Tensor =>
    dims.reduce((z, d, i) => (z.shape[d] !== 1 && other.shape[others[i] as number] === 1 ? sumKept(z, d) : z), source);
  return [single(x, left, y, right), single(y, right, x, left)];
}

function sumKept(x: Tensor, dim: number): Tensor {
  const summed = applyOne(sumDimsOperator, [x], { dims: [dim], type: x.type });
  return reshape(
    summed,
    x.shape.map((size, i) => (i === dim ? 1 : size)),
  );
}

/**
 * Sum of products over dimensions of both: the last `dims` of `a` with the first of `b`, or two lists that are paired.
 *
 * @example
 * tensordot(ones([2, 3, 4]), ones([3, 4, 5]), 2).shape; // [2, 5]
 */
export const tensordot: TensordotFunction = described(
  'tensordot',
  (a: Tensor, b: Tensor, dims: number | readonly [readonly number[], readonly number[]] = 2): Tensor => {
    sameType('tensordot', a, b);
    const contraction =
      typeof dims === 'number'
        ? adjacent(a, b, dims)
        : {
            left: dims[0].map((d) => normalizeDim('tensordot', d, a.ndim)),
            right: dims[1].map((d) => normalizeDim('tensordot', d, b.ndim)),
          };
    if (contraction.left.length !== contraction.right.length)
      throw new ShapeError(`tensordot: ${contraction.left.length} dimensions of a are paired with ${contraction.right.length} of b`);
    contraction.left.forEach((d, i) => {
      const e = contraction.right[i] as number;
      // A size of 1 on one side broadcasts: the other side is summed.
      if (a.shape[d] !== b.shape[e] && a.shape[d] !== 1 && b.shape[e] !== 1)
        throw new ShapeError(`tensordot: dimension ${d} of ${formatShape(a.shape)} and ${e} of ${formatShape(b.shape)} differ`);
    });
    return applyOne(tensordotOperator, [a, b], contraction);
  },
  {
    signature: 'a, b, dims?',
    tensors: 2,
    samples: [{ args: [t([2, 3, 4]), t([3, 4, 5]), 2] }, { args: [t([2, 3]), t([3, 2]), [[0], [1]]] }, { args: [t([2]), t([3]), 0] }],
    bad: [{ args: [t([2, 3]), t([4, 5]), 1], error: /differ/ }],
  },
);

function adjacent(a: Tensor, b: Tensor, count: number): Contraction {
  if (!Number.isInteger(count) || count < 0 || count > Math.min(a.ndim, b.ndim)) {
    throw new ArgumentError(`tensordot: dims must be a whole number from 0 to ${Math.min(a.ndim, b.ndim)}, got ${count}`);
  }
  return { left: Array.from({ length: count }, (_, i) => a.ndim - count + i), right: Array.from({ length: count }, (_, i) => i) };
}

const kronOperator = compositeOperator<null>('kron', ([a, b]) => {
  const x = a as Tensor;
  const y = b as Tensor;
  const rank = Math.max(x.ndim, y.ndim);
  const pad = (source: Tensor): number[] => [...Array<number>(rank - source.ndim).fill(1), ...source.shape];
  const [p, q] = [pad(x), pad(y)];
  const left = reshape(
    x,
    p.flatMap((size) => [size, 1]),
  );
  const right = reshape(
    y,
    q.flatMap((size) => [1, size]),
  );
  return reshape(
    mul(left, right),
    p.map((size, i) => size * (q[i] as number)),
  );
});

/**
 * Kronecker product: every element of `input` times the whole of `other`.
 *
 * @example
 * kron(tensor([1, 2]), tensor([1, 1])); // tensor([1., 1., 2., 2.])
 */
export const kron: KronFunction = described(
  'kron',
  (input: Tensor, other: Tensor): Tensor => {
    return applyOne(kronOperator, [input, other], null);
  },
  {
    signature: 'input, other',
    tensors: 2,
    samples: [{ args: [t([2, 3]), t([3, 2])] }, { args: [t([3]), t([2, 2])] }, { args: [t([]), t([2])] }],
  },
);
