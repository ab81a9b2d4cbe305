/** What `torch.autograd` offers. */
export { type AnomalyOptions, detectAnomaly, isAnomalyEnabled, setDetectAnomaly } from '../tensor/anomaly.ts';
export { backward } from '../tensor/autograd.ts';
export { Function, FunctionContext, onceDifferentiable } from '../tensor/custom.ts';
export { enableGrad, noGrad, setGradEnabled } from '../tensor/grad-mode.ts';
export { inferenceMode } from '../tensor/inference.ts';
export { type GradCallOptions, grad } from './grad.ts';
export { GradcheckError, type GradcheckOptions, gradcheck, gradgradcheck } from './gradcheck.ts';
export * as graph from './graph.ts';
