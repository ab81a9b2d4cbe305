/** Factorisations and other functions of matrices. */
import type {
  DeterminantMethod,
  LuSolveMethod,
  MatrixPairMethod,
  MatrixPartsMethod,
  PackedLuMethod,
  PseudoInverseMethod,
  ReflectorsMethod,
  SlogdetMethod,
  SquareMethod,
  TriangularSolveMethod,
} from '../../ops/types.ts';

export interface MatrixMethods {
  cholesky: SquareMethod<'cholesky', [upper?: boolean]>;
  choleskyInverse: SquareMethod<'choleskyInverse', [upper?: boolean]>;
  choleskySolve: MatrixPairMethod<[upper?: boolean]>;
  cross: MatrixPairMethod<[dim?: number | { readonly dim?: number } | null]>;
  det: DeterminantMethod<'det'>;
  geqrf: MatrixPartsMethod<'a' | 'tau'>;
  inverse: SquareMethod<'inverse'>;
  logdet: DeterminantMethod<'logdet'>;
  lu: PackedLuMethod;
  luSolve: LuSolveMethod;
  matrixPower: SquareMethod<'matrixPower', [n: number]>;
  orgqr: MatrixPairMethod;
  ormqr: ReflectorsMethod;
  pinverse: PseudoInverseMethod<'pinverse', [rcond?: number]>;
  qr: MatrixPartsMethod<'Q' | 'R', [some?: boolean]>;
  slogdet: SlogdetMethod<'slogdet'>;
  svd: MatrixPartsMethod<'U' | 'S' | 'V', [some?: boolean, computeUv?: boolean]>;
  triangularSolve: TriangularSolveMethod;
}
