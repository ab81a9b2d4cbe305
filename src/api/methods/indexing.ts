/** Methods that take and write elements by index and by mask. */
import type { Scalar } from '../../ops/family.ts';
import type { IndexItem } from '../../ops/index-plan.ts';
import type { DiagonalOptions } from '../../ops/movement.ts';
import type { IncludeSelfOptions, Reduction as ScatterReduction } from '../../ops/scatter-reduce.ts';
import type {
  ArgwhereMethod,
  AtMethod,
  GatherMethod,
  IndexPutMethod,
  IndexSelectMethod,
  IndexWriteMethod,
  MaskedMethod,
  MaskedSelectMethod,
  NonzeroMethod,
  NonzeroStaticMethod,
  OperandOf,
  PartScatterMethod,
  PutMethod,
  ScatterMethod,
  SelectScatterMethod,
  SetMethod,
  Sizes,
  TakeAlongDimMethod,
  TakeMethod,
} from '../../ops/types.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** By index, by mask, into parts. */
export interface IndexMethods {
  argwhere: ArgwhereMethod;
  at: AtMethod<IndexItem>;
  asStridedScatter: PartScatterMethod<'asStridedScatter', [size: Sizes, stride: Sizes, storageOffset?: number | null]>;
  diagonalScatter: PartScatterMethod<'diagonalScatter', [options?: DiagonalOptions]>;
  gather: GatherMethod<'gather'>;
  indexAdd: IndexWriteMethod<'indexAdd', Tensor, [options?: { readonly alpha?: Scalar }]>;
  indexCopy: IndexWriteMethod<'indexCopy', Tensor>;
  indexFill: IndexWriteMethod<'indexFill', OperandOf>;
  indexPut: IndexPutMethod<'indexPut'>;
  indexReduce: IndexWriteMethod<'indexReduce', Tensor, [reduce: ScatterReduction, options?: IncludeSelfOptions]>;
  indexSelect: IndexSelectMethod<'indexSelect'>;
  maskedFill: MaskedMethod<'maskedFill', OperandOf>;
  maskedScatter: MaskedMethod<'maskedScatter', Tensor>;
  maskedSelect: MaskedSelectMethod<'maskedSelect'>;
  nonzero: NonzeroMethod;
  nonzeroStatic: NonzeroStaticMethod;
  put: PutMethod<'put'>;
  scatter: ScatterMethod<'scatter', OperandOf, [options?: { readonly reduce?: 'add' | 'multiply' | null }]>;
  scatterAdd: ScatterMethod<'scatterAdd', Tensor>;
  scatterReduce: ScatterMethod<'scatterReduce', Tensor, [reduce: ScatterReduction, options?: IncludeSelfOptions]>;
  selectScatter: SelectScatterMethod<'selectScatter'>;
  set: SetMethod<IndexItem>;
  sliceScatter: PartScatterMethod<
    'sliceScatter',
    [dim?: number, start?: number | null, end?: number | null, options?: { readonly step?: number }]
  >;
  take: TakeMethod;
  takeAlongDim: TakeAlongDimMethod<'takeAlongDim'>;
}
