/**
 * nabla: define-by-run automatic differentiation.
 *
 * Everything is reachable from here; `nabla/nn`, `nabla/optim`, `nabla/data`, `nabla/io` and `nabla/viz` are the same modules on their own.
 */
// For its types: without this line the built declarations would not reach the methods.
import './api/methods.ts';
import { start } from './api/start.ts';

start();

export * as autograd from './api/autograd.ts';
export * from './api/dtypes.ts';
export { isComplex, isFloatingPoint, isNonzero, numel } from './api/facts.ts';
export { grad } from './api/grad.ts';
export { Variable } from './api/variable.ts';
export { configureKernels, type KernelLevel, kernelLevels } from './backend/wasm/level.ts';
export { getNumThreads, setNumThreads } from './backend/wasm/threads.ts';
export type { DType } from './dtype/dtype.ts';
export * as nn from './nn/index.ts';
export { detach } from './ops/detach.ts';
export * from './ops/index.ts';
export * as linalg from './ops/namespaces/linalg.ts';
export * as masked from './ops/namespaces/masked.ts';
export * as signal from './ops/namespaces/signal.ts';
export * as special from './ops/namespaces/special.ts';
export { safeWhere } from './ops/safe-where.ts';
export type { DTypeOf, ShapeOf } from './ops/types.ts';
export * as optim from './optim/index.ts';
export { collectMemory, configureMemory, memory, resetPeakMemory } from './runtime/memory.ts';
export { dim } from './shape/named.ts';
export { slice } from './shape/slice.ts';
export type { Dim } from './shape/types.ts';
export { backward } from './tensor/autograd.ts';
export type { Complex, NestedElements, TensorData, TypedArray } from './tensor/data.ts';
export { enableGrad, noGrad, setGradEnabled } from './tensor/grad-mode.ts';
export { inferenceMode, isInferenceModeEnabled } from './tensor/inference.ts';
export type { LendOptions, LentArray } from './tensor/lend.ts';
export { isGradEnabled } from './tensor/modes.ts';
export { getPrintOptions, setPrintOptions } from './tensor/printing.ts';
export { scope } from './tensor/scope.ts';
export type { Shape } from './tensor/tensor.ts';
export { isTensor, Tensor } from './tensor/tensor.ts';
export { jvp } from './transform/jvp.ts';
export { vmap } from './transform/vmap.ts';
export * from './util/errors.ts';
