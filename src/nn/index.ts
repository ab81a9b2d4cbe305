/** Neural networks: modules, their parameters, and functions. */

export * as functional from '../ops/namespaces/functional.ts';
export * from './activation.ts';
export * from './adaptive-pooling.ts';
export { AdaptiveLogSoftmaxWithLoss, type AdaptiveSoftmaxOptions } from './adaptive-softmax.ts';
export { type AttentionCallOptions, MultiheadAttention, type MultiheadAttentionOptions } from './attention.ts';
export type { FullBackwardHook, FullBackwardPreHook } from './backward-hooks.ts';
export { ModuleDict, ModuleList, ParameterList, Sequential, type SequentialFunction } from './container.ts';
export * from './convolution.ts';
export { CrossMapLRN2d, type CrossMapOptions } from './cross-map.ts';
export { CTCLoss } from './ctc-loss.ts';
export { CosineSimilarity, type CosineSimilarityOptions, PairwiseDistance } from './distance.ts';
export { AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout } from './dropout.ts';
export { Embedding, type EmbeddingModuleOptions, type PretrainedOptions } from './embedding.ts';
export { EmbeddingBag, type EmbeddingBagModuleOptions, type PretrainedBagOptions } from './embedding-bag.ts';
export { Flatten, Unflatten } from './flatten.ts';
export * from './image.ts';
export * as init from './init.ts';
export { Layer, type UnaryModule } from './layer.ts';
export { Bilinear, Identity, Linear, type LinearOptions } from './linear.ts';
export {
  BCELoss,
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  GaussianNLLLoss,
  HuberLoss,
  type HuberOptions,
  KLDivLoss,
  L1Loss,
  LinearCrossEntropyLoss,
  type LinearLossOptions,
  MSELoss,
  NLLLoss,
  PoissonNLLLoss,
  SmoothL1Loss,
  type SmoothL1Options,
} from './loss.ts';
export {
  CosineEmbeddingLoss,
  HingeEmbeddingLoss,
  MarginRankingLoss,
  MultiLabelMarginLoss,
  MultiLabelSoftMarginLoss,
  MultiMarginLoss,
  SoftMarginLoss,
  type TripletLossOptions,
  TripletMarginLoss,
  TripletMarginWithDistanceLoss,
} from './margin-loss.ts';
export { type ForwardHook, type ForwardPreHook, type HookHandle, type LoadResult, Module, type StateDict } from './module.ts';
export {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  type BatchNormOptions,
  GroupNorm,
  type GroupNormOptions,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  LayerNorm,
  type LayerNormOptions,
  LocalResponseNorm,
  type LocalResponseNormOptions,
  RMSNorm,
  type RMSNormOptions,
} from './normalization.ts';
export * from './padding.ts';
export { isParameter, Parameter } from './parameter.ts';
export * from './pooling.ts';
export { GRU, LSTM, type LSTMOptions, type RecurrentOptions, RNN, type RNNOptions } from './rnn.ts';
export { type CellOptions, GRUCell, LSTMCell, RNNCell, type RNNCellOptions } from './rnn-cells.ts';
export { LogSoftmax, Softmax, Softmax2d, Softmin } from './softmax.ts';
export {
  type DecoderLayer,
  type EncoderLayer,
  type EncoderMasks,
  type StackOptions,
  Transformer,
  TransformerDecoder,
  TransformerEncoder,
  type TransformerMasks,
  type TransformerOptions,
} from './transformer.ts';
export {
  type DecoderLayerMasks,
  type EncoderLayerMasks,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from './transformer-layer.ts';
