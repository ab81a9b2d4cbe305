/** What `torch.autograd` offers. */
export { backward, grad } from '../tensor/autograd.ts';
export { Function, FunctionContext, onceDifferentiable } from '../tensor/custom.ts';
export { enableGrad, noGrad, setGradEnabled } from '../tensor/modes.ts';
export { gradcheck, GradcheckError, type GradcheckOptions, gradgradcheck } from './gradcheck.ts';
