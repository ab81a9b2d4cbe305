/** All operators, by family. */

export { adjoint, H, mH } from './adjoint.ts';
export * from './arithmetic.ts';
export * from './bitwise.ts';
export { to, typeAs } from './cast.ts';
export * from './clamping.ts';
export * from './comparison.ts';
export * from './complex-parts.ts';
export {
  aliasCopy,
  asStridedCopy,
  clone,
  contiguous,
  diagonalCopy,
  expandCopy,
  narrowCopy,
  permuteCopy,
  selectCopy,
  sliceCopy,
  splitCopy,
  splitWithSizesCopy,
  squeezeCopy,
  sumToSize,
  tCopy,
  transposeCopy,
  unbindCopy,
  unfoldCopy,
  unsqueezeCopy,
  viewCopy,
} from './copies.ts';
export { corrcoef, cov } from './covariance.ts';
export { type CreateOptions, empty, fromBytes, full, ones, type ShapeFunction, tensor, zeros } from './creation.ts';
export { diag, diagEmbed, diagflat } from './diagonals.ts';
export * from './division.ts';
export * from './einsum.ts';
export * from './exponential.ts';
export { amax, amin, aminmax, argmax, argmin, max, min } from './extrema.ts';
export { copy_, fill, zero_ } from './fill.ts';
export * from './floating.ts';
export * from './gamma.ts';
export { gather, indexSelect, put, scatter, scatterAdd, take, takeAlongDim } from './gather.ts';
export { broadcastShapes, broadcastTensors, cartesianProd, combinations, meshgrid } from './grids.ts';
export { indexAdd, indexCopy, indexFill } from './index-along.ts';
export { at, indexPut, setAt, slice } from './indexing.ts';
export { cat, concat, concatenate, stack } from './join.ts';
export { cholesky, choleskyInverse, choleskySolve } from './linalg/cholesky.ts';
export { det, logdet, slogdet } from './linalg/determinant.ts';
export { luSolve, luUnpack, packedLu as lu } from './linalg/lu.ts';
export { dist, renorm } from './linalg/norm.ts';
export { pNorm as norm } from './linalg/nuclear-norm.ts';
export { pinverse } from './linalg/pinv.ts';
export { cross, matrixPower } from './linalg/products.ts';
export { geqrf, orgqr, ormqr, qr } from './linalg/qr.ts';
export { inverse } from './linalg/solve.ts';
export { torchSvd as svd } from './linalg/svd.ts';
export { triangularSolve } from './linalg/triangular-solve.ts';
export { maskedFill, maskedScatter, maskedSelect } from './masking.ts';
export { matmul } from './matmul.ts';
export {
  broadcastTo,
  type DiagonalOptions,
  diagonal,
  expand,
  expandAs,
  moveaxis,
  movedim,
  narrow,
  permute,
  reshape,
  type ShapeArguments,
  select,
  squeeze,
  swapaxes,
  swapdims,
  transpose,
  transposeMatrix as t,
  unsqueeze,
} from './movement.ts';
export { hardshrink, prelu, relu } from './nn/activation.ts';
export { cosineSimilarity } from './nn/distance.ts';
export { gridSampler2d, gridSampler3d } from './nn/grid-sample.ts';
export { maxPool2dWithIndicesBackward } from './nn/max-pooling.ts';
export { nativeBatchNorm, nativeGroupNorm, nativeLayerNorm } from './nn/normalization.ts';
export { logSoftmax, softmax } from './nn/softmax.ts';
export { argwhere, nonzero, nonzeroStatic } from './nonzero.ts';
export { median, nanmedian, nanquantile, quantile } from './order-statistics.ts';
export { constantPadNd } from './padding.ts';
export * from './power.ts';
export * from './products.ts';
export {
  bernoulli,
  bernoulli_,
  cauchy_,
  defaultGenerator,
  exponential_,
  forkRng,
  Generator,
  geometric_,
  getRngState,
  initialSeed,
  logNormal_,
  manualSeed,
  multinomial,
  normal,
  normal_,
  rand,
  randint,
  randintLike,
  randLike,
  randn,
  randnLike,
  random_,
  randperm,
  seed,
  setRngState,
  uniform_,
} from './random.ts';
export * from './ranges.ts';
export { flip, fliplr, flipud, repeat, repeatInterleave, roll, rot90, tile } from './rearrange.ts';
export * from './reduce.ts';
export * from './reshaping.ts';
export * from './rounding.ts';
export { cummax, cummin, cumprod, cumsum, cumulativeTrapezoid, diff, logcumsumexp, trapezoid, trapz } from './scan.ts';
export { indexReduce, scatterReduce } from './scatter-reduce.ts';
export { bincount, bucketize, histc, isin, searchsorted, unravelIndex } from './search.ts';
export { addcdiv, addcmul, lerp, nanToNum } from './selection.ts';
export { argsort, kthvalue, mode, msort, sort, topk } from './sort.ts';
export * from './split.ts';
export { atleast1d, atleast2d, atleast3d, blockDiag, columnStack, dstack, hstack, rowStack, vstack } from './stacking.ts';
export { all, any, countNonzero, logsumexp, nanmean, nansum, prod, std, stdMean, trace, variance as var, varMean } from './statistics.ts';
export { tril, trilIndices, triu, triuIndices } from './triangular.ts';
export * from './trigonometric.ts';
export { unique, uniqueConsecutive } from './unique.ts';
export { resize_, resizeAs_, squeeze_, swapaxes_, swapdims_, t_, transpose_, unsqueeze_ } from './view-in-place.ts';
export { asStrided, asStridedScatter, diagonalScatter, selectScatter, sliceScatter } from './view-scatter.ts';
export { where } from './where.ts';
