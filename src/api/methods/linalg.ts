/** Factorisations and other functions of matrices. */
import type {
  LuSolveMethod,
  MatrixMethod,
  MatrixPairMethod,
  MatrixPartsMethod,
  PackedLuMethod,
  ReflectorsMethod,
  TriangularSolveMethod,
} from '../../ops/types.ts';

export interface MatrixMethods {
  cholesky: MatrixMethod<[upper?: boolean]>;
  choleskyInverse: MatrixMethod<[upper?: boolean]>;
  choleskySolve: MatrixPairMethod<[upper?: boolean]>;
  cross: MatrixPairMethod<[dim?: number | { readonly dim?: number } | null]>;
  det: MatrixMethod;
  geqrf: MatrixPartsMethod<'a' | 'tau'>;
  inverse: MatrixMethod;
  logdet: MatrixMethod;
  lu: PackedLuMethod;
  luSolve: LuSolveMethod;
  matrixPower: MatrixMethod<[n: number]>;
  orgqr: MatrixPairMethod;
  ormqr: ReflectorsMethod;
  pinverse: MatrixMethod<[rcond?: number]>;
  qr: MatrixPartsMethod<'Q' | 'R', [some?: boolean]>;
  slogdet: MatrixPartsMethod<'sign' | 'logabsdet'>;
  svd: MatrixPartsMethod<'U' | 'S' | 'V', [some?: boolean, computeUv?: boolean]>;
  triangularSolve: TriangularSolveMethod;
}
