/**
 * The types of all methods of a tensor. Shapes and dtypes are followed where the operator's rule can be written down; a wrong one does not compile.
 *
 * Every method is named in one of these interfaces, and its signature is a type of `ops/types/`, beside that of the function of the same name.
 */
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

declare module '../tensor/methods.ts' {
  interface Methods extends CoreMethods, OperatorMethods {}
}
