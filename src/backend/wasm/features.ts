/** What the engine at hand can do beyond WebAssembly 2.0, found out when first asked. */
import { FunctionBuilder } from '../../kernel/wasm/encoder.ts';
import { instantiate } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';

let fused: boolean | null = null;

/**
 * Whether relaxed SIMD's multiply-add exists and rounds once. It may round twice where the processor has no such instruction; then the plain
 * code is as fast.
 */
export function hasFusedMultiplyAdd(): boolean {
  fused ??= probeFusedMultiplyAdd();
  return fused;
}

/** Turns fused multiply-add off (`false`) or lets it be probed again (`null`). Bits of matrix products change with it. */
export function setFusedMultiplyAdd(use: false | null): void {
  fused = use;
}

function probeFusedMultiplyAdd(): boolean {
  const f = new FunctionBuilder('probe', ['f32', 'f32'], ['f32']);
  f.get(0).op('f32x4.splat').get(0).op('f32x4.splat').get(1).op('f32x4.splat').op('f32x4.relaxed_madd').lane('f32x4.extract_lane', 0);
  try {
    // (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24 if nothing is rounded in between, else 0.
    return instantiate([f], heap.memory).probe!(1 + 2 ** -12, -(1 + 2 ** -11)) === 2 ** -24;
  } catch {
    return false;
  }
}
