/** Functions of `nn.functional`. */

export { sigmoid } from '../exponential.ts';
export * from '../nn/activation.ts';
export { bilinear } from '../nn/bilinear.ts';
export { crossEntropy, linearCrossEntropy, nllLoss } from '../nn/classification-loss.ts';
export { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d } from '../nn/convolution.ts';
export { cosineSimilarity, normalize, pairwiseDistance } from '../nn/distance.ts';
export { dropout, dropout1d, dropout2d, dropout3d } from '../nn/dropout.ts';
export { embedding, oneHot } from '../nn/embedding.ts';
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
export { batchNorm, groupNorm, instanceNorm, layerNorm, localResponseNorm, rmsNorm } from '../nn/normalization.ts';
export { functionalLogSoftmax as logSoftmax, functionalSoftmax as softmax, softmin } from '../nn/softmax.ts';
export { pad } from '../padding.ts';
export { tanh } from '../trigonometric.ts';
