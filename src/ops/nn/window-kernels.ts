/** Kernels that come with the operators that need them, not with the device: a program without convolutions and pooling carries none; see `KERNEL_DOORS` in scripts/layers.ts. */
import * as grids from '../../backend/wasm/depthwise.ts';
import { windowProduct as runProduct } from '../../backend/wasm/window-product.ts';
import * as kernels from '../../backend/wasm/windows.ts';
import { winogradProduct as runWinograd } from '../../backend/wasm/winograd.ts';
import { recordable } from '../../runtime/recorder.ts';

export { type GridProduct, mostGridRows } from '../../backend/wasm/depthwise.ts';
export { type GridLine, layoutOf, MOST_PHASES } from '../../backend/wasm/window-layout.ts';
export type { Border } from '../../backend/wasm/window-tables.ts';
export type { Taps, WindowLine } from '../../backend/wasm/windows.ts';
export { type PlaneConvolution, suitsWinograd } from '../../backend/wasm/winograd.ts';

export const gridOutputs = recordable(grids.gridOutputs, (products) => [products[0]!.out]);
export const gridWeights = recordable(grids.gridWeights, ({ weights }) => [weights]);
export const windowProduct = recordable(runProduct, ({ out }) => [out]);
export const maxWindows = recordable(kernels.maxWindows, (values, indices) => [values, indices]);
export const resample = recordable(kernels.resample, (out) => [out]);
export const spreadMax = recordable(kernels.spreadMax, (out) => [out]);
export const winogradProduct = recordable(runWinograd, ({ out }) => [out]);
