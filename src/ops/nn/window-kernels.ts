/**
 * Kernels that come with the operators that need them, not with the device: a program without convolutions and pooling carries none. It is the only
 * file of the operators that names a device; `npm run layers` knows it.
 */

export { windowProduct } from '../../backend/wasm/window-product.ts';
export { maxWindows, resample, spreadMax, type Taps, type WindowLine } from '../../backend/wasm/windows.ts';
