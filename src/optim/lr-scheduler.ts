/** Schedules of learning rates. */
export { CyclicLR, type CyclicLROptions, OneCycleLR, type OneCycleLROptions } from './cycles.ts';
export { ChainedScheduler, type PlateauOptions, ReduceLROnPlateau, SequentialLR, type SequentialLROptions } from './plateau.ts';
export { type AnyOptimizer, LRScheduler, type SchedulerState } from './scheduler.ts';
export {
  ConstantLR,
  type ConstantLROptions,
  CosineAnnealingLR,
  type CosineAnnealingOptions,
  CosineAnnealingWarmRestarts,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  type LinearLROptions,
  MultiplicativeLR,
  MultiStepLR,
  type MultiStepLROptions,
  PolynomialLR,
  type PolynomialLROptions,
  type RateLambda,
  StepLR,
  type StepLROptions,
  type WarmRestartsOptions,
} from './schedules.ts';
