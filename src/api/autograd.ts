/** What `torch.autograd` offers. */
export {
  type AnomalyOptions,
  AnomalyScope,
  detectAnomaly,
  isAnomalyCheckNanEnabled,
  isAnomalyEnabled,
  setDetectAnomaly,
} from '../tensor/anomaly.ts';
export { backward } from '../tensor/autograd.ts';
export { enableGrad, noGrad, setGradEnabled } from '../tensor/grad-mode.ts';
export { inferenceMode } from '../tensor/inference.ts';
export { FunctionContext } from '../transform/custom/context.ts';
export { Function } from '../transform/custom/function.ts';
export { onceDifferentiable } from '../transform/custom/once.ts';
export type { Gradient, VmapInfo } from '../transform/custom/rules.ts';
export * as forwardAd from './forward-ad.ts';
export * as functional from './functional.ts';
export { type GradCallOptions, grad } from './grad.ts';
export { type GradcheckOptions, type GradgradcheckOptions, gradcheck, gradgradcheck } from './gradcheck.ts';
export { type AnalyticalJacobian, GradcheckError, getAnalyticalJacobian, getNumericalJacobian } from './gradcheck-jacobian.ts';
export * as graph from './graph.ts';
