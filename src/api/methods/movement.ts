/** Methods that give the elements another shape, or take parts. */
import type { DType } from '../../dtype/dtype.ts';
import type { MemoryFormatOptions } from '../../ops/copies.ts';
import type { Sections } from '../../ops/split.ts';
import type {
  AdjointMethod,
  AsStridedMethod,
  ChunkMethod,
  DiagEmbedMethod,
  DiagflatMethod,
  DiagMethod,
  DiagonalMethod,
  ExpandAsMethod,
  ExpandMethod,
  FlattenMethod,
  FlipMethod,
  MovedimMethod,
  NarrowMethod,
  PermuteMethod,
  RavelMethod,
  RepeatInterleaveMethod,
  RepeatMethod,
  ReshapeAsMethod,
  ReshapeMethod,
  ResizeAsMethod,
  ResizeMethod,
  RollMethod,
  Rot90Method,
  SectionsMethod,
  SelectMethod,
  Sizes,
  SliceMethod,
  SplitMethod,
  SqueezeMethod,
  SumToSizeMethod,
  TileMethod,
  TransposeMatrixMethod,
  TransposeMethod,
  TriangleMethod,
  UnarySameMethod,
  UnbindMethod,
  UnflattenMethod,
  UnfoldMethod,
  UnsqueezeMethod,
  ViewMethod,
} from '../../ops/types.ts';

/** Other shapes of the same elements. */
export interface ShapeMethods {
  adjoint: AdjointMethod;
  asStrided: AsStridedMethod;
  broadcastTo: ExpandMethod<'broadcastTo'>;
  clone: UnarySameMethod<DType, [options?: MemoryFormatOptions]>;
  contiguous: UnarySameMethod<DType, [options?: MemoryFormatOptions]>;
  diag: DiagMethod<'diag'>;
  diagEmbed: DiagEmbedMethod<'diagEmbed'>;
  diagflat: DiagflatMethod;
  diagonal: DiagonalMethod<'diagonal'>;
  expand: ExpandMethod<'expand'>;
  expandAs: ExpandAsMethod<'expandAs'>;
  flatten: FlattenMethod<'flatten'>;
  flip: FlipMethod<'flip'>;
  fliplr: UnarySameMethod;
  flipud: UnarySameMethod;
  moveaxis: MovedimMethod<'moveaxis'>;
  movedim: MovedimMethod<'movedim'>;
  permute: PermuteMethod<'permute'>;
  ravel: RavelMethod;
  repeat: RepeatMethod<'repeat'>;
  repeatInterleave: RepeatInterleaveMethod;
  resizeAs_: ResizeAsMethod;
  resize_: ResizeMethod;
  reshape: ReshapeMethod<'reshape'>;
  reshapeAs: ReshapeAsMethod<'reshapeAs'>;
  roll: RollMethod<'roll'>;
  rot90: Rot90Method<'rot90'>;
  squeeze_: SqueezeMethod<'squeeze_'>;
  squeeze: SqueezeMethod<'squeeze'>;
  sumToSize: SumToSizeMethod<'sumToSize'>;
  swapaxes_: TransposeMethod<'swapaxes_'>;
  swapdims_: TransposeMethod<'swapdims_'>;
  t_: TransposeMatrixMethod;
  transpose_: TransposeMethod<'transpose_'>;
  unsqueeze_: UnsqueezeMethod<'unsqueeze_'>;
  swapaxes: TransposeMethod<'swapaxes'>;
  swapdims: TransposeMethod<'swapdims'>;
  t: TransposeMatrixMethod;
  tile: TileMethod;
  transpose: TransposeMethod<'transpose'>;
  tril: TriangleMethod<'tril'>;
  triu: TriangleMethod<'triu'>;
  unflatten: UnflattenMethod<'unflatten'>;
  unfold: UnfoldMethod<'unfold'>;
  unsqueeze: UnsqueezeMethod<'unsqueeze'>;
  view: ViewMethod;
  viewAs: ReshapeAsMethod<'viewAs'>;
}

/** Parts. */
export interface PartMethods {
  chunk: ChunkMethod<'chunk'>;
  dsplit: SectionsMethod<[indicesOrSections: number | Sizes]>;
  hsplit: SectionsMethod<[indicesOrSections: number | Sizes]>;
  narrow: NarrowMethod<'narrow'>;
  narrowCopy: NarrowMethod<'narrowCopy'>;
  select: SelectMethod<'select'>;
  slice: SliceMethod<'slice'>;
  split: SplitMethod<'split'>;
  splitWithSizes: SplitMethod<'splitWithSizes', Sizes>;
  tensorSplit: SectionsMethod<[indicesOrSections: Sections, dim?: number]>;
  unbind: UnbindMethod<'unbind'>;
  unsafeChunk: ChunkMethod<'unsafeChunk'>;
  unsafeSplit: SplitMethod<'unsafeSplit'>;
  vsplit: SectionsMethod<[indicesOrSections: number | Sizes]>;
}
