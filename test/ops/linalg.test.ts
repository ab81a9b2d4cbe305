import { describe, expect, test } from 'vitest';
import type { Tensor } from '../../src/index.ts';
import * as nabla from '../../src/index.ts';

const { linalg, tensor } = nabla;

function largestOf(x: Tensor): number {
  return x.size === 0 ? 0 : Number(x.abs().max().item());
}

/** Numbers between -1 and 1 that repeat from run to run. */
function matrix(shape: number[], seed = 1): Tensor {
  let state = seed;
  const size = shape.reduce((n, each) => n * each, 1);
  const values = Array.from({ length: size }, () => {
    state = (state * 48271) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  });
  return tensor(values, { dtype: 'float64' }).reshape(shape);
}

function distance(a: Tensor, b: Tensor): number {
  return largestOf(a.sub(b));
}

function rebuilt(A: Tensor): number {
  const { U, S, Vh } = linalg.svd(A, false);
  return distance(U.mul(S.unsqueeze(-2)).matmul(Vh), A);
}

describe('singular values', () => {
  test.each([[[5, 5]], [[7, 3]], [[3, 7]], [[2, 3, 4]], [[1, 1]], [[40, 30]]])('rebuild %j', (shape) => {
    expect(rebuilt(matrix(shape))).toBeLessThan(1e-13);
  });

  test('of a matrix without full rank: its vectors are a basis nevertheless', () => {
    const A = matrix([6, 2]).matmul(matrix([2, 5], 7));
    const { U, S, Vh } = linalg.svd(A);
    expect(U.shape).toEqual([6, 6]);
    expect(Vh.shape).toEqual([5, 5]);
    expect(largestOf(S.narrow(0, 2, 3))).toBeLessThan(1e-14);
    expect(distance(U.mT.matmul(U), nabla.eye(6, { dtype: 'float64' }))).toBeLessThan(1e-13);
    expect(distance(Vh.matmul(Vh.mT), nabla.eye(5, { dtype: 'float64' }))).toBeLessThan(1e-13);
    expect(rebuilt(A)).toBeLessThan(1e-13);
  });

  test('of zeros, of nothing, and of what is not finite', () => {
    const { U, S } = linalg.svd(nabla.zeros([3, 2], { dtype: 'float64' }));
    expect(S.toArray()).toEqual([0, 0]);
    expect(distance(U.mT.matmul(U), nabla.eye(3, { dtype: 'float64' }))).toBe(0);
    expect(linalg.svd(nabla.zeros([0, 3])).Vh.shape).toEqual([3, 3]);
    expect(() => linalg.svd(tensor([[Number.NaN]]))).toThrow(/not finite/);
  });

  test('keep their digits over many orders of magnitude', () => {
    const scale = tensor([1e150, 1, 1e-150], { dtype: 'float64' });
    const values = linalg.svdvals(nabla.diagEmbed(scale)).toArray() as number[];
    [1e150, 1, 1e-150].forEach((value, i) => {
      expect((values[i] as number) / value).toBeCloseTo(1, 14);
    });
  });

  test('the nuclear norm has gradient U Vᵀ', () => {
    const A = matrix([4, 3]);
    A.requiresGrad = true;
    const [g] = nabla.grad([nabla.norm(A, 'nuc') as Tensor], [A]);
    const { U, Vh } = linalg.svd(A.detach(), false);
    expect(distance(g as Tensor, U.matmul(Vh))).toBeLessThan(1e-14);
  });

  test('the nuclear norm is for functions: the method says so, and takes the other orders', () => {
    const A = matrix([4, 3]);
    const sum = linalg.svdvals(A).sum().item() as number;
    expect(nabla.norm(A, 'nuc').item()).toBeCloseTo(sum, 14);
    expect(linalg.norm(A, 'nuc').item()).toBeCloseTo(sum, 14);
    expect(linalg.matrixNorm(A, 'nuc').item()).toBeCloseTo(sum, 14);
    // @ts-expect-error The method's type does not have it either.
    const call = (): unknown => A.norm('nuc');
    expect(call).toThrow(nabla.ArgumentError);
    expect(call).toThrow(/function norm\(x, 'nuc'\).*linalg\.matrixNorm\(x, 'nuc'\)/);
    for (const p of ['fro', null, 1, 3, Number.POSITIVE_INFINITY] as const)
      expect(nabla.equal(A.norm(p, 1, { keepdim: true }), nabla.norm(A, p, 1, { keepdim: true }))).toBe(true);
    expect(A.norm({ keepdim: true } as never).shape).toEqual([1, 1]);
    expect(() => A.norm(2, 1, { keepDim: true } as never)).toThrow(/unknown option 'keepDim'/);
  });
});

test('eigenvalues and vectors of a symmetric matrix', () => {
  const half = matrix([12, 12]);
  const A = half.add(half.mT);
  const { eigenvalues, eigenvectors } = linalg.eigh(A);
  expect(distance(eigenvectors.mul(eigenvalues.unsqueeze(-2)).matmul(eigenvectors.mT), A)).toBeLessThan(1e-13);
});

test('the determinant of a singular matrix has its cofactors as gradient', () => {
  const A = tensor(
    [
      [1, 2, 0],
      [2, 4, 0],
      [0, 0, 3],
    ],
    { dtype: 'float64' },
  );
  A.requiresGrad = true;
  const [g] = nabla.grad([linalg.det(A)], [A]);
  const cofactors = tensor(
    [
      [12, -6, 0],
      [-6, 3, 0],
      [0, 0, 0],
    ],
    { dtype: 'float64' },
  );
  expect(distance(g as Tensor, cofactors)).toBeLessThan(1e-12);
});

test('systems are solved, and singular ones refused', () => {
  const [A, B] = [matrix([2, 20, 20]), matrix([20, 3], 5)];
  expect(distance(A.matmul(linalg.solve(A, B)), B.expand([2, 20, 3]))).toBeLessThan(1e-11);
  expect(() => linalg.inv(nabla.zeros([2, 2]))).toThrow(/singular/);
  expect(linalg.invEx(nabla.zeros([2, 2])).info.item()).toBe(1);
});

test.each([[[6, 4]], [[4, 6]], [[3, 5, 5]]])('QR, LU and the pseudo-inverse fit %j', (shape) => {
  const A = matrix(shape);
  const { Q, R } = linalg.qr(A);
  expect(distance(Q.matmul(R), A)).toBeLessThan(1e-14);
  const { P, L, U } = linalg.lu(A);
  expect(distance(P.matmul(L).matmul(U), A)).toBeLessThan(1e-14);
  expect(distance(A.matmul(linalg.pinv(A)).matmul(A), A)).toBeLessThan(1e-12);
});

test('the first dimension of a matrix norm is that of the rows, wherever it lies', () => {
  const A = matrix([2, 3, 4]);
  for (const order of [1, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] as const) {
    expect(distance(linalg.matrixNorm(A, order, [-1, 0]), linalg.matrixNorm(A.permute([1, 2, 0]), order))).toBeLessThan(1e-14);
  }
});

test('ormqr uses as many reflectors as it has factors, however wide the matrix that holds them', () => {
  const [A, C] = [matrix([3, 5]), matrix([3, 2], 7)];
  const { a, tau } = nabla.geqrf(A);
  expect(distance(nabla.ormqr(a, tau, C), nabla.ormqr(a.narrow(1, 0, 3), tau, C))).toBe(0);
});

test('addr of truth values is a truth value', () => {
  const [vec1, vec2] = [tensor([true, false]), tensor([true, true])];
  expect(nabla.addr(tensor([false, true]), vec1, vec2, { beta: 3, alpha: 2 }).toArray()).toEqual([
    [true, true],
    [false, true],
  ]);
});
