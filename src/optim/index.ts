/** Optimizers. */
export { Adam, type AdamOptions, AdamW } from './adam.ts';
export { Adamax, type AdamLikeOptions, NAdam, type NAdamOptions, RAdam, type RAdamOptions } from './adam-variants.ts';
export { Adadelta, type AdadeltaOptions, Adagrad, type AdagradOptions, RMSprop, type RMSpropOptions } from './adaptive.ts';
export { ASGD, type ASGDOptions, Rprop, type RpropOptions } from './averaging.ts';
export { LBFGS, type LBFGSOptions } from './lbfgs.ts';
export * as lrScheduler from './lr-scheduler.ts';
export { type CommonOptions, Optimizer, type OptimizerState, type ParamGroup, type ParamState, type Params } from './optimizer.ts';
export { SGD, type SGDOptions } from './sgd.ts';
