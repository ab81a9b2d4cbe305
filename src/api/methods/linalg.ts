/** Functions of matrices. Decompositions are functions alone (`linalg.svd(x)`): as methods they would be in every bundle. */
import type { MatrixPairMethod } from '../../ops/types.ts';

export interface MatrixMethods {
  cross: MatrixPairMethod<[dim?: number | { readonly dim?: number } | null]>;
}
