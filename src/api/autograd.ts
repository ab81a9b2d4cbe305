/** What `torch.autograd` offers. */
export { backward, grad } from '../tensor/autograd.ts';
export { enableGrad, noGrad, setGradEnabled } from '../tensor/modes.ts';
