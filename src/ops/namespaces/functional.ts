/** Functions of `nn.functional`. */

export { sigmoid } from '../exponential.ts';
export * from '../nn/activation.ts';
export { alphaDropout, featureAlphaDropout } from '../nn/alpha-dropout.ts';
export { scaledDotProductAttention } from '../nn/attention.ts';
export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  lpPool1d,
  lpPool2d,
  lpPool3d,
} from '../nn/average-pooling.ts';
export { bilinear } from '../nn/bilinear.ts';
export { crossEntropy, linearCrossEntropy, nllLoss } from '../nn/classification-loss.ts';
export { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d } from '../nn/convolution.ts';
export { ctcLoss } from '../nn/ctc.ts';
export { cosineSimilarity, normalize, pairwiseDistance } from '../nn/distance.ts';
export { dropout, dropout1d, dropout2d, dropout3d } from '../nn/dropout.ts';
export { embedding, oneHot } from '../nn/embedding.ts';
export { embeddingBag } from '../nn/embedding-bag.ts';
export { fold, unfold } from '../nn/fold.ts';
export { fractionalMaxPool2d, fractionalMaxPool3d } from '../nn/fractional-pooling.ts';
export { affineGrid, gridSample, gridSampler2d, gridSampler3d } from '../nn/grid-sample.ts';
export { interpolate, upsample, upsampleBilinear, upsampleNearest } from '../nn/interpolation.ts';
export { linear } from '../nn/linear.ts';
export {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  gaussianNllLoss,
  huberLoss,
  klDiv,
  l1Loss,
  mseLoss,
  poissonNllLoss,
  smoothL1Loss,
} from '../nn/loss.ts';
export {
  cosineEmbeddingLoss,
  hingeEmbeddingLoss,
  marginRankingLoss,
  multilabelMarginLoss,
  multilabelSoftMarginLoss,
  multiMarginLoss,
  softMarginLoss,
  tripletMarginLoss,
  tripletMarginWithDistanceLoss,
} from '../nn/margin-loss.ts';
export {
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  maxPool1d,
  maxPool2d,
  maxPool2dWithIndicesBackward,
  maxPool3d,
  maxUnpool1d,
  maxUnpool2d,
  maxUnpool3d,
} from '../nn/max-pooling.ts';
export { multiHeadAttentionForward } from '../nn/multi-head-attention.ts';
export { batchNorm, groupNorm, instanceNorm, layerNorm, localResponseNorm, rmsNorm } from '../nn/normalization.ts';
export { channelShuffle, pixelShuffle, pixelUnshuffle } from '../nn/pixel-shuffle.ts';
export { functionalLogSoftmax as logSoftmax, functionalSoftmax as softmax, softmin } from '../nn/softmax.ts';
export { pad } from '../padding.ts';
export { tanh } from '../trigonometric.ts';
