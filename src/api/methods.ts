/**
 * The types of all methods of a tensor. Shapes and dtypes are followed where the operator's rule can be written down; a wrong one does not compile.
 *
 * Every method is named in one of these interfaces, and its signature is a type of `ops/types/`, beside that of the function of the same name.
 */
import type { DType } from '../dtype/dtype.ts';
import type { Reversed } from '../ops/types.ts';
import type { MatrixTranspose, Out } from '../shape/types.ts';
import type { CoreMethods } from './methods/core.ts';
import type { BinaryMethods, ComparisonMethods, TernaryMethods, UnaryMethods } from './methods/elementwise.ts';
import type { DrawMethods, InPlaceMethods } from './methods/in-place.ts';
import type { IndexMethods } from './methods/indexing.ts';
import type { MatrixMethods } from './methods/linalg.ts';
import type { PartMethods, ShapeMethods } from './methods/movement.ts';
import type { CastMethods, NewMethods, ProductMethods } from './methods/products.ts';
import type { AlongMethods, ReductionMethods } from './methods/reduction.ts';

/** The methods that are operators: what `method-names.ts` lists. */
export interface OperatorMethods
  extends UnaryMethods,
    BinaryMethods,
    ComparisonMethods,
    TernaryMethods,
    InPlaceMethods,
    DrawMethods,
    ReductionMethods,
    AlongMethods,
    ShapeMethods,
    PartMethods,
    IndexMethods,
    ProductMethods,
    MatrixMethods,
    CastMethods,
    NewMethods {}

declare module '../tensor/tensor.ts' {
  interface Tensor<S extends Shape, D extends DType> {
    /** The accumulated gradient of a leaf, or null. */
    grad: Tensor<S, D> | null;
    /** The values without history and without the version counter. Assigning replaces the values. */
    data: Tensor<S, D>;
    /** All dimensions in reverse order. */
    readonly T: Tensor<Reversed<S>, D>;
    /** The last two dimensions swapped. */
    readonly mT: Tensor<Out<MatrixTranspose<S>>, D>;
    /** The last two dimensions swapped, complex numbers conjugated. */
    readonly mH: Tensor<Out<MatrixTranspose<S>>, D>;
    /** The transposed matrix, complex numbers conjugated. */
    readonly H: Tensor<Out<MatrixTranspose<S>>, D>;
  }
}

declare module '../tensor/methods.ts' {
  interface Methods extends CoreMethods, OperatorMethods {}
}
