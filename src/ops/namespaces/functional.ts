/** Functions of `nn.functional`. */
export { functionalLogSoftmax as logSoftmax, functionalSoftmax as softmax, softmin } from '../nn/softmax.ts';
export * from '../nn/activation.ts';
export { sigmoid } from '../exponential.ts';
export { tanh } from '../trigonometric.ts';
export { dropout, dropout1d, dropout2d, dropout3d } from '../nn/dropout.ts';
export { linear } from '../nn/linear.ts';
export { cosineSimilarity, normalize, pairwiseDistance } from '../nn/distance.ts';
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
export { crossEntropy, linearCrossEntropy, nllLoss } from '../nn/classification-loss.ts';
export { batchNorm, groupNorm, instanceNorm, layerNorm, localResponseNorm, rmsNorm } from '../nn/normalization.ts';
export { bilinear } from '../nn/bilinear.ts';
export { embedding, oneHot } from '../nn/embedding.ts';
export { pad } from '../padding.ts';
