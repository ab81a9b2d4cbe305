import { t } from '../../op/contract.ts';
import { broadcastShapes } from '../../shape/broadcast.ts';
import { normalizeDim } from '../../shape/dims.ts';
import { formatShape, numel } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../util/errors.ts';
import { requireWhole } from '../../util/whole.ts';
import { fullTensor } from '../create.ts';
import { commonType, compositeOperator, described, realOnly, requireTensor } from '../family.ts';
import { catTensors } from '../join.ts';
import { checkProduct, matrixProduct } from '../matmul.ts';
import { sliceDim } from '../movement.ts';
import { sumOver } from '../reduction.ts';
import { cumprod } from '../scan.ts';
import { cast, expand, permute, reshape } from '../structural.ts';
import { triangleOf } from '../triangular.ts';
import type { CrossFunction, SquareFunction } from '../types.ts';
import { asColumn, identity, minus, plus, requireOneType, requireSquare, times, withBatch } from './algebra.ts';
import { inv, inverseOf, solve } from './solve.ts';

// ---------------------------------------------------------------- powers and chains

/** The identity, which depends on `x` in form only: its gradient is 0. */
function identityLike(x: Tensor): Tensor {
  const n = x.shape.at(-1) as number;
  return plus(withBatch(identity(n, x.type), x.shape.slice(0, -2), 2), triangleOf('tril', x, -n));
}

const powerOperator = compositeOperator<number>('linalg.matrixPower', ([A], exponent) => {
  let square = exponent < 0 ? inverseOf(A as Tensor) : (A as Tensor);
  let result: Tensor | null = null;
  // By the binary digits of the exponent.
  for (let rest = Math.abs(exponent); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = result === null ? square : matrixProduct(result, square);
    if (rest > 1) square = matrixProduct(square, square);
  }
  return result === null
    ? identityLike(square)
    : result === (A as Tensor)
      ? plus(result, triangleOf('tril', result, -(result.shape.at(-1) as number)))
      : result;
});

function powerNamed(name: string, role: string): SquareFunction<'matrixPower', [n: number]> {
  return described(
    name,
    (A: Tensor, n: number): Tensor => {
      requireSquare(name, A, role);
      requireWhole(name, 'exponent', n);
      if (n < 0) inv(A.detach());
      return applyOne(powerOperator, [A], n);
    },
    {
      signature: `${role}, n`,
      samples: [
        { args: [t([3, 3]), 3] },
        { args: [t([2, 2, 2]), -2] },
        { args: [t([2, 2]), 0] },
        { args: [t([2, 2]), 1] },
        { args: [t([0, 0]), 2] },
      ],
      bad: [
        { args: [t([2, 3]), 2], error: /square/ },
        { args: [t([2, 2]), 0.5], error: /whole number/ },
        { args: [t([2, 2], { values: [1, 1, 1, 1] }), -1], error: /singular/ },
      ],
    },
  );
}

/**
 * The n-th power of square matrices: 0 gives the identity, and a negative exponent powers of the inverse. float32 or float64.
 *
 * @example
 * linalg.matrixPower(tensor([[1, 1], [0, 1]]), 3); // tensor([[1., 3.], [0., 1.]])
 */
export const linalgMatrixPower = powerNamed('linalg.matrixPower', 'A');
/**
 * `linalg.matrixPower` under another name.
 *
 * @example
 * matrixPower(tensor([[2, 1], [0, 1]]), 2); // tensor([[4., 3.], [0., 1.]])
 */
export const matrixPower = powerNamed('matrixPower', 'input');

/**
 * Where to split a product of matrices so that it costs least: dynamic programming over all parts (T. Cormen et al., "Introduction to Algorithms", 15.2).
 * `sizes` has one more entry than there are matrices.
 */
function splits(sizes: readonly number[]): (from: number, to: number) => number {
  const n = sizes.length - 1;
  const cost = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  const split = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  for (let length = 2; length <= n; length++) {
    for (let i = 0; i + length <= n; i++) {
      const j = i + length - 1;
      let least = Number.POSITIVE_INFINITY;
      for (let k = i; k < j; k++) {
        const total = (cost[i] as number[])[k]! + (cost[k + 1] as number[])[j]! + sizes[i]! * sizes[k + 1]! * sizes[j + 1]!;
        if (total >= least) continue;
        least = total;
        (split[i] as number[])[j] = k;
      }
      (cost[i] as number[])[j] = least;
    }
  }
  return (i, j) => (split[i] as number[])[j] as number;
}

const chainOperator = compositeOperator<null>('linalg.multiDot', (tensors) => {
  const last = tensors.length - 1;
  const matrices = tensors.map((x, i) => (x.ndim === 2 ? x : reshape(x, i === 0 ? [1, x.size] : [x.size, 1])));
  const splitOf = splits([...matrices.map((x) => x.shape[0] as number), (matrices[last] as Tensor).shape[1] as number]);
  const productOf = (from: number, to: number): Tensor => {
    if (from === to) return matrices[from] as Tensor;
    const at = splitOf(from, to);
    return matrixProduct(productOf(from, at), productOf(at + 1, to));
  };
  const result = productOf(0, last);
  const shape = [
    ...((tensors[0] as Tensor).ndim === 2 ? [result.shape[0] as number] : []),
    ...((tensors[last] as Tensor).ndim === 2 ? [result.shape[1] as number] : []),
  ];
  return reshape(result, shape);
});

/**
 * The product of two or more matrices, in the order that costs least. The first and the last may be vectors: a row and a column. One dtype for all.
 *
 * @example
 * linalg.multiDot([ones([2, 3]), ones([3, 4]), ones([4])]); // tensor([12., 12.])
 */
export const multiDot = described(
  'linalg.multiDot',
  (tensors: readonly Tensor[]): Tensor => {
    const name = 'linalg.multiDot';
    if (!Array.isArray(tensors) || tensors.length < 2) throw new ArgumentError(`${name}: needs an array of at least 2 tensors`);
    tensors.forEach((x: Tensor, i) => {
      requireTensor(name, `tensor ${i}`, x);
      const outer = i === 0 || i === tensors.length - 1;
      if (x.ndim !== 2 && !(outer && x.ndim === 1)) {
        throw new ShapeError(`${name}: tensor ${i} must have 2 dimensions${outer ? ' or 1' : ''}, got ${formatShape(x.shape)}`);
      }
      if (i > 0) checkProduct(name, tensors[i - 1] as Tensor, x);
    });
    return applyOne(chainOperator, tensors, null);
  },
  {
    signature: 'tensors',
    samples: [{ args: [[t([2, 3]), t([3, 4])]] }, { args: [[t([3]), t([3, 4]), t([4, 2]), t([2])]] }, { args: [[t([2, 0]), t([0, 3])]] }],
    bad: [
      { args: [[t([2, 3])]], error: /at least 2/ },
      { args: [[t([2, 3]), t([2, 3])]], error: /inner dimensions/ },
      { args: [[t([2, 3]), t([3]), t([3, 2])]], error: /2 dimensions/ },
    ],
  },
);

// ---------------------------------------------------------------- vectors

const dotOperator = compositeOperator<number>('linalg.vecdot', ([x, y], dim) => sumOver(times(x as Tensor, y as Tensor), [dim]));

/**
 * The dot products of vectors along `dim`; everything else broadcasts. One dtype for both.
 *
 * @example
 * linalg.vecdot(tensor([[1, 2], [3, 4]]), tensor([1, 1])); // tensor([3., 7.])
 */
export const vecdot = described(
  'linalg.vecdot',
  (x: Tensor, y: Tensor, { dim = -1 }: { readonly dim?: number } = {}): Tensor => {
    const name = 'linalg.vecdot';
    requireOneType(name, x, y);
    realOnly(x.type, name);
    const shape = broadcastShapes(name, x.shape, y.shape);
    if (shape.length === 0) throw new ShapeError(`${name}: needs at least 1 dimension, got 0-d tensors`);
    return applyOne(dotOperator, [x, y], normalizeDim(name, dim, shape.length));
  },
  {
    signature: 'x, y, *, dim',
    tensors: 2,
    samples: [
      { args: [t([3]), t([3])] },
      { args: [t([2, 3]), t([2, 1, 3])] },
      { args: [t([2, 3]), t([2, 3]), { dim: 0 }] },
      { args: [t([0]), t([0])] },
    ],
    bad: [
      { args: [t([3]), t([4])], error: /\[3\].*\[4\]/ },
      { args: [t([3]), t([3], { dtype: 'float64' })], error: /dtypes/ },
    ],
  },
);

/** aᵢ₊₁ bᵢ₊₂ − aᵢ₊₂ bᵢ₊₁, indices modulo 3. */
const crossOperator = compositeOperator<number>('linalg.cross', ([a, b], dim) => {
  const shape = broadcastShapes('linalg.cross', (a as Tensor).shape, (b as Tensor).shape);
  const [x, y] = [a as Tensor, b as Tensor].map((each) => expand(each, shape)) as [Tensor, Tensor];
  const turned = (each: Tensor, by: number): Tensor => catTensors([sliceDim(each, dim, by, 3 - by), sliceDim(each, dim, 0, by)], dim);
  return minus(times(turned(x, 1), turned(y, 2)), times(turned(x, 2), turned(y, 1)));
});

function crossNamed(
  name: string,
  roles: readonly [string, string],
  dimOf: (shape: readonly number[], dim: number | null) => number,
  optional: string,
): CrossFunction<'cross'> {
  return described(
    name,
    (input: Tensor, other: Tensor, at: number | { readonly dim?: number } | null = null): Tensor => {
      requireTensor(name, roles[0], input);
      requireTensor(name, roles[1], other);
      if (input.ndim !== other.ndim) {
        throw new ShapeError(`${name}: both need as many dimensions, got ${formatShape(input.shape)} and ${formatShape(other.shape)}`);
      }
      const shape = broadcastShapes(name, input.shape, other.shape);
      const dim = dimOf(shape, typeof at === 'object' ? (at?.dim ?? null) : at);
      if (input.shape[dim] !== 3 || other.shape[dim] !== 3) {
        throw new ShapeError(`${name}: dimension ${dim} must have size 3 in ${formatShape(input.shape)} and ${formatShape(other.shape)}`);
      }
      const type = realOnly(commonType([input, other]), name);
      if (type.name === 'bool') throw new DTypeError(`${name}: not defined for dtype bool; cast with .to('int64')`);
      return applyOne(crossOperator, [cast(input, type), cast(other, type)], dim);
    },
    {
      signature: `${roles[0]}, ${roles[1]}, ${optional}`,
      samples: [{ args: [t([3]), t([3])] }, { args: [t([2, 3]), t([1, 3])] }, { args: [t([0, 3]), t([0, 3])] }],
      bad: [
        { args: [t([2]), t([2])], error: /size 3/ },
        { args: [t([2, 3]), t([3])], error: /dimensions/ },
      ],
    },
  );
}

/**
 * Cross products of vectors of size 3 along `dim` (the last one); everything else broadcasts, and dtypes promote.
 *
 * @example
 * linalg.cross(tensor([1, 0, 0]), tensor([0, 1, 0])); // tensor([0., 0., 1.])
 */
export const linalgCross = crossNamed(
  'linalg.cross',
  ['input', 'other'],
  (shape, dim) => normalizeDim('linalg.cross', dim ?? -1, shape.length),
  '*, dim',
);

/**
 * `linalg.cross`, along the first dimension of size 3 unless `dim` names one.
 *
 * @example
 * cross(tensor([[1], [0], [0]]), tensor([[0], [1], [0]])); // tensor([[0.], [0.], [1.]])
 */
export const cross = crossNamed(
  'cross',
  ['input', 'other'],
  (shape, dim) => {
    if (dim !== null) return normalizeDim('cross', dim, shape.length);
    const found = shape.indexOf(3);
    if (found < 0) throw new ShapeError(`cross: no dimension of ${formatShape(shape)} has size 3`);
    return found;
  },
  'dim?',
);

const vanderOperator = compositeOperator<number>('linalg.vander', ([x], N) => {
  const base = asColumn(x as Tensor);
  const one = fullTensor([...base.shape.slice(0, -1), 1], 1, base.type);
  if (N === 1) return one;
  return cumprod(catTensors([one, expand(base, [...base.shape.slice(0, -1), N - 1])], base.ndim - 1), -1) as Tensor;
});

/**
 * Vandermonde matrices: the powers 0 to N - 1 of each element in a row. N is the number of elements by default. Integers give int64.
 *
 * @example
 * linalg.vander(tensor([2, 3])); // tensor([[1., 2.], [1., 3.]])
 */
export const vander = described(
  'linalg.vander',
  (x: Tensor, { N = null }: { readonly N?: number | null } = {}): Tensor => {
    const name = 'linalg.vander';
    realOnly(x.type, name);
    const vectors = x.ndim === 0 ? reshape(x, [1]) : x;
    const columns = N ?? (vectors.shape.at(-1) as number);
    requireWhole(name, 'N', columns, 1);
    return applyOne(vanderOperator, [vectors], columns);
  },
  {
    signature: 'x, *, N',
    tensors: 1,
    samples: [{ args: [t([3])] }, { args: [t([2, 3]), { N: 2 }] }, { args: [t([3]), { N: 4 }] }],
    bad: [{ args: [t([3]), { N: 0 }], error: /from 1 on/ }],
  },
);

// ---------------------------------------------------------------- tensors as matrices

const tensorinvOperator = compositeOperator<number>('linalg.tensorinv', ([A], ind) => {
  const { shape } = A as Tensor;
  const [left, right] = [shape.slice(0, ind), shape.slice(ind)];
  return reshape(inv(reshape(A as Tensor, [numel(left), numel(right)])), [...right, ...left]);
});

/**
 * The inverse of a tensor seen as the matrix that maps its last dimensions to its first `ind`: `tensordot(tensorinv(A), A, ind)` is the identity.
 * float32 or float64. Throws ArgumentError where it is singular.
 *
 * @example
 * linalg.tensorinv(ones([1, 1]).mul(2), { ind: 1 }); // tensor([[0.5000]])
 */
export const tensorinv = described(
  'linalg.tensorinv',
  (A: Tensor, { ind = 2 }: { readonly ind?: number } = {}): Tensor => {
    const name = 'linalg.tensorinv';
    requireWhole(name, 'ind', ind, 1);
    const [left, right] = [A.shape.slice(0, ind), A.shape.slice(ind)];
    if (numel(left) !== numel(right)) {
      throw new ShapeError(
        `${name}: the first ${ind} dimensions of ${formatShape(A.shape)} have ${numel(left)} elements, the others ${numel(right)}: they must be equal`,
      );
    }
    return applyOne(tensorinvOperator, [A], ind);
  },
  {
    signature: 'A, *, ind',
    tensors: 1,
    samples: [{ args: [t([2, 3, 6]), { ind: 2 }] }, { args: [t([4, 2, 2]), { ind: 1 }] }],
    bad: [{ args: [t([2, 3, 4])], error: /must be equal/ }],
  },
);

/** `order`: the dimensions of A with those that the solution has at the end. */
const tensorsolveOperator = compositeOperator<readonly number[]>('linalg.tensorsolve', ([A, B], order) => {
  const right = B as Tensor;
  const moved = permute(A as Tensor, order);
  return reshape(solve(reshape(moved, [right.size, right.size]), reshape(right, [right.size])), moved.shape.slice(right.ndim));
});

/**
 * The X with `tensordot(A, X, X.ndim) = B`: `dims` of A are moved to its end first. float32 or float64. Throws ArgumentError where A is singular.
 *
 * @example
 * linalg.tensorsolve(ones([1, 1]).mul(2), ones([1])); // tensor([0.5000])
 */
export const tensorsolve = described(
  'linalg.tensorsolve',
  (A: Tensor, B: Tensor, { dims = null }: { readonly dims?: readonly number[] | null } = {}): Tensor => {
    const name = 'linalg.tensorsolve';
    const last = (dims ?? []).map((d) => normalizeDim(name, d, A.ndim));
    const order = [...A.shape.map((_, d) => d).filter((d) => !last.includes(d)), ...last];
    const shape = order.map((d) => A.shape[d] as number);
    if (numel(shape.slice(B.ndim)) !== B.size || A.size !== B.size * B.size) {
      throw new ShapeError(`${name}: A of shape ${formatShape(shape)} is not square as a matrix for B of shape ${formatShape(B.shape)}`);
    }
    return applyOne(tensorsolveOperator, [A, B], order);
  },
  {
    signature: 'A, B, *, dims',
    tensors: 2,
    samples: [{ args: [t([2, 3, 6]), t([2, 3])] }, { args: [t([2, 6, 3]), t([2, 3]), { dims: [1] }] }],
    bad: [{ args: [t([2, 3]), t([2])], error: /not square/ }],
  },
);
