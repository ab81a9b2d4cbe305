/** Neural networks: modules, their parameters, and functions. */

export * as functional from '../ops/namespaces/functional.ts';
export * from './activation.ts';
export { type Layer, ModuleList, Sequential } from './container.ts';
export { Dropout, Dropout1d, Dropout2d, Dropout3d } from './dropout.ts';
export { Flatten, Unflatten } from './flatten.ts';
export * as init from './init.ts';
export { Identity, Linear, type LinearOptions } from './linear.ts';
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
export { type HookHandle, type LoadResult, Module, type StateDict } from './module.ts';
export { isParameter, Parameter } from './parameter.ts';
