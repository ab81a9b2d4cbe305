/** Multiplies at every level of kernels that the engine at hand has, and prints what a test of it wants to know. */
import { configureKernels, type DType, kernelLevels, mm, randint } from 'nabla';
import { encodeModule, FunctionBuilder } from '../../../src/kernel/wasm/encoder.ts';

const probe = new FunctionBuilder('probe', [], ['f32']);
probe.f32(1).op('f32x4.splat').f32(1).op('f32x4.splat').f32(1).op('f32x4.splat').op('f32x4.relaxed_madd').lane('f32x4.extract_lane', 0);
const known = (): boolean => WebAssembly.validate(encodeModule([probe], { shared: false }));

const before = known();
const levels = kernelLevels();
let worst = 0;
for (const level of levels) {
  configureKernels({ level });
  for (const dtype of ['float32', 'float64'] as DType[]) {
    for (const [m, k, n] of [
      [1, 5, 1],
      [7, 9, 19],
      [61, 300, 53],
    ] as const) {
      const [a, b] = [randint(-4, 5, [m, k]), randint(-4, 5, [k, n])];
      const right = mm(a, b).to(dtype);
      const difference = mm(a.to(dtype), b.to(dtype)).sub(right).abs().max();
      worst = Math.max(worst, difference.item() as number);
    }
  }
}
console.log(JSON.stringify({ levels, worst, unchanged: known() === before }));
