export { linalgDiagonal as diagonal } from '../diagonals.ts';
export { vectorNorm } from '../linalg/norm.ts';
export { svd, svdvals } from '../linalg/svd.ts';
