/** Dtype promotion at the type level. The tests hold it equal to promotion.ts. */
import type { DType } from './dtype.ts';

/** `promoteTypes` as a table: left operand, right operand. */
export interface PromoteTable {
  float32: {
    float32: 'float32';
    float64: 'float64';
    int64: 'float32';
    int32: 'float32';
    int16: 'float32';
    int8: 'float32';
    uint8: 'float32';
    bool: 'float32';
    complex64: 'complex64';
    complex128: 'complex128';
    float16: 'float32';
    bfloat16: 'float32';
  };
  float64: {
    float32: 'float64';
    float64: 'float64';
    int64: 'float64';
    int32: 'float64';
    int16: 'float64';
    int8: 'float64';
    uint8: 'float64';
    bool: 'float64';
    complex64: 'complex128';
    complex128: 'complex128';
    float16: 'float64';
    bfloat16: 'float64';
  };
  int64: {
    float32: 'float32';
    float64: 'float64';
    int64: 'int64';
    int32: 'int64';
    int16: 'int64';
    int8: 'int64';
    uint8: 'int64';
    bool: 'int64';
    complex64: 'complex64';
    complex128: 'complex128';
    float16: 'float16';
    bfloat16: 'bfloat16';
  };
  int32: {
    float32: 'float32';
    float64: 'float64';
    int64: 'int64';
    int32: 'int32';
    int16: 'int32';
    int8: 'int32';
    uint8: 'int32';
    bool: 'int32';
    complex64: 'complex64';
    complex128: 'complex128';
    float16: 'float16';
    bfloat16: 'bfloat16';
  };
  int16: {
    float32: 'float32';
    float64: 'float64';
    int64: 'int64';
    int32: 'int32';
    int16: 'int16';
    int8: 'int16';
    uint8: 'int16';
    bool: 'int16';
    complex64: 'complex64';
    complex128: 'complex128';
    float16: 'float16';
    bfloat16: 'bfloat16';
  };
  int8: {
    float32: 'float32';
    float64: 'float64';
    int64: 'int64';
    int32: 'int32';
    int16: 'int16';
    int8: 'int8';
    uint8: 'int16';
    bool: 'int8';
    complex64: 'complex64';
    complex128: 'complex128';
    float16: 'float16';
    bfloat16: 'bfloat16';
  };
  uint8: {
    float32: 'float32';
    float64: 'float64';
    int64: 'int64';
    int32: 'int32';
    int16: 'int16';
    int8: 'int16';
    uint8: 'uint8';
    bool: 'uint8';
    complex64: 'complex64';
    complex128: 'complex128';
    float16: 'float16';
    bfloat16: 'bfloat16';
  };
  bool: {
    float32: 'float32';
    float64: 'float64';
    int64: 'int64';
    int32: 'int32';
    int16: 'int16';
    int8: 'int8';
    uint8: 'uint8';
    bool: 'bool';
    complex64: 'complex64';
    complex128: 'complex128';
    float16: 'float16';
    bfloat16: 'bfloat16';
  };
  complex64: {
    float32: 'complex64';
    float64: 'complex128';
    int64: 'complex64';
    int32: 'complex64';
    int16: 'complex64';
    int8: 'complex64';
    uint8: 'complex64';
    bool: 'complex64';
    complex64: 'complex64';
    complex128: 'complex128';
    float16: 'complex64';
    bfloat16: 'complex64';
  };
  complex128: {
    float32: 'complex128';
    float64: 'complex128';
    int64: 'complex128';
    int32: 'complex128';
    int16: 'complex128';
    int8: 'complex128';
    uint8: 'complex128';
    bool: 'complex128';
    complex64: 'complex128';
    complex128: 'complex128';
    float16: 'complex128';
    bfloat16: 'complex128';
  };
  float16: {
    float32: 'float32';
    float64: 'float64';
    int64: 'float16';
    int32: 'float16';
    int16: 'float16';
    int8: 'float16';
    uint8: 'float16';
    bool: 'float16';
    complex64: 'complex64';
    complex128: 'complex128';
    float16: 'float16';
    bfloat16: 'float32';
  };
  bfloat16: {
    float32: 'float32';
    float64: 'float64';
    int64: 'bfloat16';
    int32: 'bfloat16';
    int16: 'bfloat16';
    int8: 'bfloat16';
    uint8: 'bfloat16';
    bool: 'bfloat16';
    complex64: 'complex64';
    complex128: 'complex128';
    float16: 'float32';
    bfloat16: 'bfloat16';
  };
}

/** `promoteTypes` for operands of one rank (tensors with dimensions, or 0-d tensors, or scalars). `DType` means that nothing is known. */
export type Promote<A extends DType, B extends DType> = DType extends A | B ? DType : PromoteTable[A][B];

export type FloatDType = 'float32' | 'float64' | 'float16' | 'bfloat16';
export type ComplexDType = 'complex64' | 'complex128';
export type IntegerDType = 'int64' | 'int32' | 'int16' | 'int8' | 'uint8';
/** All but the complex ones: what has an order. */
export type RealDType = FloatDType | IntegerDType | 'bool';
/** All but bool: what has a sign. */
export type NumericDType = FloatDType | ComplexDType | IntegerDType;
/** Neither bool nor complex. */
export type RealNumericDType = FloatDType | IntegerDType;
/** What has a gradient. */
export type FloatingDType = FloatDType | ComplexDType;
/** What has bits. */
export type WholeDType = IntegerDType | 'bool';

type KindOf<D extends DType> = D extends ComplexDType ? 3 : D extends FloatDType ? 2 : D extends IntegerDType ? 1 : 0;
/** The kinds that lie below a kind. */
interface BelowKind {
  0: never;
  1: 0;
  2: 0 | 1;
  3: 0 | 1 | 2;
}

/** The complex dtype whose parts hold a float dtype. */
export type ToComplex<D extends DType> = D extends ComplexDType ? D : D extends 'float64' ? 'complex128' : 'complex64';

/** A dtype beside one of lower rank (a 0-d tensor beside one with dimensions): that one counts only where its kind is higher. */
type Combine<Higher extends DType, Lower extends DType> =
  KindOf<Higher> extends BelowKind[KindOf<Lower>] ? (Higher extends FloatDType ? ToComplex<Higher> : PromoteTable[Higher][Lower]) : Higher;

/** Whether a shape has dimensions. */
type RankOf<S> = S extends readonly []
  ? 'zero'
  : S extends readonly [unknown, ...unknown[]] | readonly [...unknown[], unknown]
    ? 'some'
    : 'unknown';

/** Without ranks: the result where it does not depend on them (the kinds differ, and neither is complex), else unknown. */
type PromoteAnyRank<A extends DType, B extends DType> = [A | B] extends [ComplexDType | FloatDType | IntegerDType | 'bool']
  ? KindOf<A> extends KindOf<B>
    ? DType
    : [(A | B) & ComplexDType] extends [never]
      ? PromoteTable[A][B]
      : DType
  : DType;

/**
 * `resultType` for two tensors of the shapes SA and SB and the dtypes A and B: a 0-d tensor counts beside one with dimensions only where its kind is
 * higher. `DType` where it is not known.
 */
export type ResultType<SA, A extends DType, SB, B extends DType> = DType extends A | B
  ? DType
  : [A, B] extends [B, A]
    ? A
    : [RankOf<SA>, RankOf<SB>] extends [infer RA, infer RB]
      ? 'unknown' extends RA | RB
        ? PromoteAnyRank<A, B>
        : [RA, RB] extends [RB, RA]
          ? PromoteTable[A][B]
          : RA extends 'some'
            ? Combine<A, B>
            : Combine<B, A>
      : never;

/** Whether a number literal is whole; `boolean` where it is not a literal. */
type IsWhole<V extends number> = number extends V ? boolean : `${V}` extends `${string}.${string}` | `${string}e-${string}` ? false : true;
/**
 * `resultType` for a tensor and a JavaScript scalar: a whole number counts as an integer, any other as a float, and both only where their kind is
 * higher than the tensor's. Takes float32 for the default float.
 */
export type PromoteScalar<D extends DType, V> = DType extends D
  ? DType
  : D extends FloatDType | ComplexDType
    ? D
    : V extends boolean
      ? D
      : V extends bigint
        ? WithInteger<D>
        : V extends number
          ? boolean extends IsWhole<V>
            ? DType
            : IsWhole<V> extends true
              ? WithInteger<D>
              : 'float32'
          : DType;
type WithInteger<D extends DType> = D extends 'bool' ? 'int64' : D;

/** True where a result of dtype D may be written into a target of dtype T, else a message: a kind holds itself and those below it. */
export type FitsInto<D extends DType, T extends DType, Op extends string> = DType extends D | T
  ? true
  : KindOf<D> extends BelowKind[KindOf<T>] | KindOf<T>
    ? true
    : `${Op}: a ${D} result does not fit into the ${T} target`;

/** Results that cannot be whole (division, means, sines): integers and bool become the default float, taken for float32. */
export type ToFloat<D extends DType> = DType extends D ? DType : D extends IntegerDType | 'bool' ? 'float32' : D;
/** Sums and products: integers and bool accumulate in int64. */
export type SumType<D extends DType> = DType extends D ? DType : D extends IntegerDType | 'bool' ? 'int64' : D;
/** Absolute values, real and imaginary parts: the parts of a complex dtype. */
export type RealType<D extends DType> = DType extends D
  ? DType
  : D extends 'complex64'
    ? 'float32'
    : D extends 'complex128'
      ? 'float64'
      : D;

/** A complex number as JavaScript sees it. */
export interface ComplexItem {
  readonly re: number;
  readonly im: number;
}
/** What `item()` gives. */
export type Item<D extends DType> = DType extends D
  ? number | boolean | ComplexItem
  : D extends 'bool'
    ? boolean
    : D extends ComplexDType
      ? ComplexItem
      : number;
