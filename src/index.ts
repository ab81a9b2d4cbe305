/** nabla: define-by-run automatic differentiation. This entry has everything but `nabla/nn`, `nabla/optim`, `nabla/data`, `nabla/io`, `nabla/viz`. */
import { start } from './api/start.ts';

start();

export * from './ops/index.ts';
export { detach } from './ops/detach.ts';
export { Variable } from './api/variable.ts';
export { Tensor, isTensor } from './tensor/tensor.ts';
export type { Shape } from './tensor/tensor.ts';
export type { DType } from './dtype/dtype.ts';
export * from './api/dtypes.ts';
export * as autograd from './api/autograd.ts';
export { enableGrad, isGradEnabled, noGrad, setGradEnabled } from './tensor/modes.ts';
export { jvp } from './transform/jvp.ts';
export { vmap } from './transform/vmap.ts';
export * from './util/errors.ts';
