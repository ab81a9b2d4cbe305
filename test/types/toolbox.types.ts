/** The shape functions themselves, those that no signature shows well. */

import type { DType } from '../../src/dtype/dtype.ts';
import type { Item, PromoteScalar, RealType, ResultType, SumType, ToFloat } from '../../src/dtype/types.ts';
import type { Slice } from '../../src/shape/slice.ts';
import type * as T from '../../src/shape/types.ts';
import { same } from './assert.ts';

type Ok<S> = T.Ok<S>;

// ---- arithmetic
same<T.Add<999, 1>, 1000>();
same<T.Add<50257, 768>, 51025>();
same<T.Add<7, number>, number>();
same<T.Subtract<1000, 1>, 999>();
same<T.Subtract<3, 4>, 'negative'>();
same<T.Multiply<50257, 768>, 38597376>();
same<T.Multiply<0, 5>, 0>();
same<T.DivideWithRest<38597376, 768>, [50257, 0]>();
same<T.DivideWithRest<7, 2>, [3, 1]>();
same<T.DivideWithRest<7, 0>, [number, number]>();
same<T.Minimum<3, 12>, 3>();
same<T.Minimum<12, 3>, 3>();

// ---- broadcasting
same<T.BroadcastAll<[[2, 1], [3], [4, 1, 1]], 'f'>, Ok<[4, 2, 3]>>();
same<T.Broadcast3<[2, 3], [3], [4], 'where'>, 'where: shapes [2, 3] and [4] do not broadcast (3 vs 4)'>();
same<T.InPlace<[2, 3], [3], 'add_'>, Ok<[2, 3]>>();
same<T.InPlace<[3], [2, 3], 'add_'>, 'add_: [2, 3] does not fit into the target [3]'>();
same<T.Expand<[2, 1], [-1, 3]>, Ok<[2, 3]>>();
same<T.Expand<[2, 1], [4, -1, 3]>, Ok<[4, 2, 3]>>();
same<T.Expand<[2], [-1, 2]>, 'expand: -1 in [-1, 2] stands for a size of [2] that is not there'>();
same<T.Expand<number[], [-1, 3]>, Ok<[number, 3]>>();
same<T.Gather<[], 0, [2]>, Ok<[2]>>();
same<T.SameShape<[2, 3], [3, 2], 'copy'>, 'copy: shapes [2, 3] and [3, 2] differ'>();
same<T.SameShape<[number, 3], [2, 3], 'copy'>, Ok<[2, 3]>>();

// ---- products
same<T.Mm<[2, 3], [3, 4]>, Ok<[2, 4]>>();
same<T.Mm<[2, 3], [4, 5]>, 'mm: inner dimensions 3 and 4 differ in [2, 3] @ [4, 5]'>();
same<T.Mm<[3], [3, 4]>, 'mm: expected a matrix, got [3]'>();
same<T.Mm<number[], [3, 4]>, Ok<[number, 4]>>();
same<T.Addmm<[4], [2, 3], [3, 4]>, Ok<[2, 4]>>();
same<T.Addmm<[5], [2, 3], [3, 4]>, 'addmm: shapes [2, 4] and [5] do not broadcast (4 vs 5)'>();
same<T.Bmm<[8, 2, 3], [8, 3, 4]>, Ok<[8, 2, 4]>>();
same<T.Bmm<[8, 2, 3], [7, 3, 4]>, 'bmm: batch sizes 8 and 7 differ in [8, 2, 3] @ [7, 3, 4]'>();
same<T.Mv<[2, 3], [3]>, Ok<[2]>>();
same<T.Mv<[2, 3], [2]>, 'mv: inner dimensions 3 and 2 differ in [2, 3] @ [2]'>();
same<T.Dot<[3], [3]>, Ok<[]>>();
same<T.Dot<[3], [4]>, 'dot: vectors of 3 and 4 elements'>();
same<T.Dot<[3, 1], [4]>, 'dot: expected a vector, got [3, 1]'>();
same<T.Outer<[3], [number]>, Ok<[3, number]>>();
same<T.Inner<[2, 3], [4, 3]>, Ok<[2, 4]>>();
same<T.Kron<[2, 3], [4]>, Ok<[2, 12]>>();
same<T.Cdist<[5, 2, 3], [4, 3]>, Ok<[5, 2, 4]>>();
same<T.SquareMatrix<[5, 2, 2], 'det', false>, Ok<[5]>>();
same<T.SquareMatrix<[5, 2, 3], 'inv'>, 'inv: expected square matrices, got [5, 2, 3]'>();

// ---- reductions
same<T.Reduce<[2, 3], null, false, 'sum'>, Ok<[]>>();
same<T.Reduce<[2, 3], [], true, 'sum'>, Ok<[1, 1]>>();
same<T.Reduce<[], 0, false, 'sum'>, Ok<[]>>();
same<T.Reduce<[], -1, true, 'sum'>, Ok<[]>>();
same<T.Reduce<[], 1, false, 'sum'>, 'sum: dim 1 is out of range for shape []'>();
same<T.Reduce<[2, 3, 4], [0, -1], false, 'sum'>, Ok<[3]>>();
same<T.Reduce<number[], 0, true, 'sum'>, Ok<number[]>>();
same<T.Along<[2, 3], -1, 'softmax'>, Ok<[2, 3]>>();
same<T.Along<[2, 3], 2, 'softmax'>, 'softmax: dim 2 is out of range for shape [2, 3]'>();
same<T.AlongMany<[2, 3], [0, 2], 'flip'>, 'flip: a dim of [0, 2] is out of range for shape [2, 3]'>();
same<T.TopK<[2, 10], 3, -1>, Ok<[2, 3]>>();
same<T.TopK<[2, 10], 11, 1>, 'topk: k 11 is larger than the dim of size 10 in [2, 10]'>();
same<T.TopK<[2, number], 3, 1>, Ok<[2, 3]>>();

// ---- movement
same<T.MatrixTranspose<[5, 2, 3]>, Ok<[5, 3, 2]>>();
same<T.MatrixTranspose<[5]>, 'mT: expected at least 2 dims, got [5]'>();
same<T.TransposeMatrix<[2, 3]>, Ok<[3, 2]>>();
same<T.Movedim<[2, 3, 4], 0, -1>, Ok<[3, 4, 2]>>();
same<T.Movedim<[2, 3, 4], 2, 0>, Ok<[4, 2, 3]>>();
same<T.Squeeze<[1, 2, 1, 3], [0, 1]>, Ok<[2, 1, 3]>>();
same<T.Squeeze<[1, 2, 1, 3], [0, -2]>, Ok<[2, 3]>>();
same<T.Squeeze<[number, 2], 0>, Ok<number[]>>();
same<T.Squeeze<[], 0>, Ok<[]>>();
same<T.Triangle<[3], 'tril'>, 'tril: expected at least 2 dims, got [3]'>();
same<T.Diagonal<[2, 3, 4], 0, 0, 1>, Ok<[4, 2]>>();
same<T.Diagonal<[5, 4], 2, 0, 1>, Ok<[2]>>();
same<T.Diagonal<[5, 4], -2, 0, 1>, Ok<[3]>>();
same<T.Diagonal<[5, 4], 9, 0, 1>, Ok<[0]>>();
same<T.Diagonal<[5, 4], 0, 1, -1>, 'diagonal: the two dims must differ'>();
same<T.Diag<[3]>, Ok<[3, 3]>>();
same<T.Diag<[3], -2>, Ok<[5, 5]>>();
same<T.Diag<[3, 5], 4>, Ok<[1]>>();
same<T.DiagEmbed<[2, 3]>, Ok<[2, 3, 3]>>();
same<T.AtLeast3d<[4]>, [1, 4, 1]>();

// ---- reshape
same<T.Reshape<[2, 3], [4, 0, -1]>, Ok<[4, 0, number]>>();
same<T.Reshape<[6, 4], [3, 2, -1]>, Ok<[3, 2, 4]>>();
same<T.Flatten<[], 0, -1>, Ok<[1]>>();
same<T.Flatten<[2, 3, 4], 2, 1>, 'flatten: start must not come after end'>();
same<T.Unflatten<[2, 12, 5], 1, [3, -1]>, Ok<[2, 3, 4, 5]>>();
same<T.Unflatten<[2, 12], -1, [5, -1]>, 'unflatten: [12] (12 elements) is not divisible into [5, -1]'>();
same<T.Tile<[2, 3], [2]>, Ok<[2, 6]>>();
same<T.Tile<[3], [4, 2]>, Ok<[4, 6]>>();
same<T.Repeat<[3], [4, 2]>, Ok<[4, 6]>>();
same<T.Repeat<[2, 3], [2]>, 'repeat: [2] must have a count for each dim of [2, 3]'>();
same<T.Repeat<[2, 3], number[]>, Ok<number[]>>();
same<T.Pad<[2, 3], [1, 2]>, Ok<[2, 6]>>();
same<T.Pad<[2, 3], [1, 2, 3, 4]>, Ok<[9, 6]>>();
same<T.Pad<[2, 3], [-1, 0]>, Ok<[2, number]>>();
same<T.Pad<[3], [1, 1, 1, 1]>, 'pad: [1, 1, 1, 1] pads more dims than [3] has'>();

// ---- cat and split
same<T.Hstack<[[2], [3]]>, Ok<[5]>>();
same<T.Hstack<[[2, 1], [2, 3]]>, Ok<[2, 4]>>();
same<T.Vstack<[[3], [2, 3]]>, Ok<[3, 3]>>();
same<T.Split<[10, 3], 5, 0>, Ok<[5, 3]>>();
same<T.Split<[10, 3], 4, 0>, Ok<[number, 3]>>();
same<T.SplitSizes<[10, 3], [4, 6], 0>, Ok<[[4, 3], [6, 3]]>>();
same<T.Chunk<[12, 3], 4, 0>, Ok<[3, 3]>>();
same<T.Chunk<[12, 3], 4, 2>, 'chunk: dim 2 is out of range for shape [12, 3]'>();

// ---- indexing
same<T.SliceLength<10, 2, null, 3>, 3>();
same<T.SliceLength<10, -3, 100, 1>, 3>();
same<T.SliceLength<10, null, null, -1>, number>();
same<T.IndexShape<[4, 5], [Slice<1, 3, 1>, null, 0]>, Ok<[2, 1]>>();
same<T.Select<[4, 5], 0, -1>, Ok<[5]>>();
same<T.Select<[4, 5], 0, 4>, 'select: index 4 is out of range for a dim of size 4 in [4, 5]'>();
same<T.Narrow<[10, 3], 0, 2, 5>, Ok<[5, 3]>>();
same<T.Narrow<[10, 3], 0, 8, 5>, 'narrow: start 8 and length 5 exceed a dim of size 10 in [10, 3]'>();
same<T.Gather<[4, 5], 1, [4, 2]>, Ok<[4, 2]>>();
same<T.Gather<[4, 5], 1, [4]>, 'gather: index [4] must have as many dims as [4, 5]'>();
same<T.Gather<[4, 5], 1, number[]>, Ok<[number, number]>>();
same<T.Scatter<[4, 5], 1, [4, 2]>, Ok<[4, 5]>>();
same<T.IndexSelect<[4, 5], 0, [7]>, Ok<[7, 5]>>();
same<T.IndexSelect<[4, 5], 0, [7, 1]>, 'indexSelect: index must be a vector, got [7, 1]'>();
same<T.Nonzero<[2, 3]>, [number, 2]>();
same<T.Embedding<[8, 16], [100, 32]>, Ok<[8, 16, 32]>>();
same<T.OneHot<[8], 10>, [8, 10]>();

// ---- convolution and pooling
same<T.Conv1dShape<[2, 3, 10], 3, 8, 3, 1, 1>, Ok<[2, 8, 10]>>();
same<T.Conv2dShape<[2, 3, 10, 10], 3, 8, 3, 2, 'valid'>, Ok<[2, 8, 4, 4]>>();
same<T.Conv2dShape<[2, 3, 10, 10], 3, 8, 3, 1, 'same'>, Ok<[2, 8, 10, 10]>>();
same<T.Conv3dShape<[2, 3, 8, 10, 12], 3, 4, [3, 1, 5], 1, 0>, Ok<[2, 4, 6, 10, 8]>>();
same<T.Conv2dByWeight<[2, 8, 10, 10], [6, 2, 3, 3], 1, 0, 1, 4>, Ok<[2, 6, 8, 8]>>();
same<T.Conv2dByWeight<[2, 8, 10, 10], [6, 3, 3, 3]>, 'conv2d: expected 3 input channels, got 8 in [2, 8, 10, 10]'>();
same<T.ConvTranspose2dShape<[2, 3, 5, 5], 3, 8, 3, 2, 1, 1>, Ok<[2, 8, 10, 10]>>();
same<T.Pool1dShape<[2, 3, 10], 2, 2, 0>, Ok<[2, 3, 5]>>();
same<T.Pool2dShape<[3, 3], 4, 4, 0>, 'pool2d: kernel is larger than the padded input [3, 3]'>();
same<T.Resize2d<[2, 3, 10, 10], 1, 'adaptiveAvgPool2d'>, Ok<[2, 3, 1, 1]>>();

// ---- layers and losses
same<T.LinearByWeight<[2, 784], [10, 784]>, Ok<[2, 10]>>();
same<T.LinearByWeight<[2, 784], [784]>, Ok<[2]>>();
same<T.LinearByWeight<[2, 784], [10, 785]>, 'linear: expected last dim 785, got 784 in [2, 784]'>();
same<T.LayerNormShape<[2, 3, 4], [3, 4]>, Ok<[2, 3, 4]>>();
same<T.LayerNormShape<[2, 3, 4], [2, 4]>, 'layerNorm: expected last dims [2, 4], got [2, 3, 4]'>();
same<T.ChannelsShape<[2, 3, 4, 4], 3, 'batchNorm2d', 2>, Ok<[2, 3, 4, 4]>>();
same<T.ChannelsShape<[2, 3, 4], 3, 'batchNorm2d', 2>, 'batchNorm2d: wrong number of dims, got [2, 3, 4]'>();
same<T.GroupNormShape<[2, 6, 4], 4>, 'groupNorm: 6 channels of [2, 6, 4] are not divisible into 4 groups'>();
same<T.AttentionShape<[2, 5, 8], [2, 7, 8], [2, 7, 3]>, Ok<[2, 5, 3]>>();
same<T.ElementwiseLoss<[2, 3], [2, 3], 'mean', 'mseLoss'>, Ok<[]>>();
same<T.ElementwiseLoss<[2, 3], [2, 3], 'none', 'mseLoss'>, Ok<[2, 3]>>();
same<T.ElementwiseLoss<[2, 3], [2, 1], 'none', 'mseLoss'>, 'mseLoss: input [2, 3] and target [2, 1] differ'>();
same<T.CrossEntropyShape<[8, 10], [8], 'none'>, Ok<[8]>>();
same<T.CrossEntropyShape<[8, 10, 5], [8, 5], 'none'>, Ok<[8, 5]>>();
same<T.CrossEntropyShape<[8, 10], [8, 10], 'mean'>, Ok<[]>>();
same<T.CrossEntropyShape<[10], [], 'mean'>, Ok<[]>>();
same<T.CrossEntropyShape<[8, 10], [7], 'mean'>, 'crossEntropy: target [7] fits neither as classes [8] nor as probabilities [8, 10]'>();
same<T.SimilarityShape<[2, 3], [3], 1, 'cosineSimilarity'>, Ok<[2]>>();

// ---- data
same<T.DataShape<readonly [readonly [1, 2], readonly [3, 4], readonly [5, 6]]>, [3, 2]>();
same<T.DataShape<5>, []>();
same<T.DataShape<T.NestedData>, number[]>();
same<T.DataDType<readonly [true, false]>, 'bool'>();
same<T.DataDType<readonly [1n]>, 'int64'>();

// ---- dtypes: ranks, scalars, classes
same<ResultType<[3], 'float32', [], 'float64'>, 'float32'>();
same<ResultType<[], 'float64', [3], 'float32'>, 'float32'>();
same<ResultType<[], 'float64', [], 'float32'>, 'float64'>();
same<ResultType<[3], 'int32', [], 'float64'>, 'float64'>();
same<ResultType<[3], 'float32', [], 'complex128'>, 'complex64'>();
same<ResultType<[3], 'float64', [], 'complex64'>, 'complex128'>();
same<ResultType<[3], 'uint8', [], 'int64'>, 'uint8'>();
same<ResultType<number[], 'int64', [3], 'float32'>, 'float32'>();
same<ResultType<number[], 'float64', [3], 'float32'>, DType>();
same<ResultType<number[], 'float32', number[], 'float32'>, 'float32'>();
same<PromoteScalar<'int32', 2>, 'int32'>();
same<PromoteScalar<'int32', 2.5>, 'float32'>();
same<PromoteScalar<'int32', number>, DType>();
same<PromoteScalar<'bool', 2>, 'int64'>();
same<PromoteScalar<'bool', true>, 'bool'>();
same<PromoteScalar<'bfloat16', number>, 'bfloat16'>();
same<ToFloat<'uint8'>, 'float32'>();
same<ToFloat<DType>, DType>();
same<SumType<'bool'>, 'int64'>();
same<RealType<'complex128'>, 'float64'>();
same<Item<'bool'>, boolean>();
same<Item<'int64'>, number>();
