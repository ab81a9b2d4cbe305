/** nabla: define-by-run automatic differentiation. This entry has everything but `nabla/nn`, `nabla/optim`, `nabla/data`, `nabla/io`, `nabla/viz`. */
// For its types: without this line the built declarations would not reach the methods.
import './api/methods.ts';
import { start } from './api/start.ts';

start();

export * as autograd from './api/autograd.ts';
export * from './api/dtypes.ts';
export { Variable } from './api/variable.ts';
export type { DType } from './dtype/dtype.ts';
export { detach } from './ops/detach.ts';
export * from './ops/index.ts';
export { enableGrad, isGradEnabled, noGrad, setGradEnabled } from './tensor/modes.ts';
export type { Shape } from './tensor/tensor.ts';
export { isTensor, Tensor } from './tensor/tensor.ts';
export { jvp } from './transform/jvp.ts';
export { vmap } from './transform/vmap.ts';
export * from './util/errors.ts';
