export { vectorNorm } from '../linalg/norm.ts';
export { linalgDiagonal as diagonal } from '../diagonals.ts';
