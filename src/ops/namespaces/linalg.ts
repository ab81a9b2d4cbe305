export { linalgDiagonal as diagonal } from '../diagonals.ts';
export { choleskyEx, linalgCholesky as cholesky } from '../linalg/cholesky.ts';
export { linalgDet as det, linalgSlogdet as slogdet } from '../linalg/determinant.ts';
export { eigh, eigvalsh } from '../linalg/eigh.ts';
export { lstsq } from '../linalg/lstsq.ts';
export { linalgLuSolve as luSolve, lu, luFactor, luFactorEx } from '../linalg/lu.ts';
export { cond, linalgNorm as norm, matrixNorm } from '../linalg/matrix-norm.ts';
export { vectorNorm } from '../linalg/norm.ts';
export { linalgPinv as pinv, matrixRank } from '../linalg/pinv.ts';
export {
  linalgCross as cross,
  linalgMatrixPower as matrixPower,
  multiDot,
  tensorinv,
  tensorsolve,
  vander,
  vecdot,
} from '../linalg/products.ts';
export { householderProduct, linalgQr as qr } from '../linalg/qr.ts';
export { inv, invEx, solve, solveEx } from '../linalg/solve.ts';
export { svd, svdvals } from '../linalg/svd.ts';
export { solveTriangular } from '../linalg/triangular-solve.ts';
