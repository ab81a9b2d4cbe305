/** Function transforms, as `torch.func`: they nest in any order. Import from `nabla/func`. */
import './index.ts';

export { type FunctionalCallOptions, functionalCall, type NamedTensors, stackModuleState } from './nn/functional-call.ts';
export { hessian, jacfwd, jacrev } from './transform/jacobian.ts';
export { jvp } from './transform/jvp.ts';
export { grad, gradAndValue, linearize, vjp } from './transform/reverse.ts';
export { vmap } from './transform/vmap.ts';
