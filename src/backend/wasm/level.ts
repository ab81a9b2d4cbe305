/** What a kernel may be compiled to: how much of the processor the engine at hand lets WebAssembly reach. */
import { FunctionBuilder } from '../../kernel/wasm/encoder.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { canCompileWide, withFlags } from './engine-flags.ts';

/**
 * - `plain`: the 128-bit SIMD of WebAssembly 2.0;
 * - `fused`: relaxed SIMD's multiply-add, where it rounds once;
 * - `wide`: the same code, pairs of vectors joined to 256 bits by V8's revectoriser.
 */
export type KernelLevel = 'plain' | 'fused' | 'wide';

const LEVELS: readonly KernelLevel[] = ['plain', 'fused', 'wide'];

let available: readonly KernelLevel[] | null = null;
let most: KernelLevel = 'wide';
let epoch = 0;

/**
 * The levels that the engine at hand may have, the best first, up to the limit that was set.
 *
 * @example
 * kernelLevels().at(-1); // 'plain'
 */
export function kernelLevels(): readonly KernelLevel[] {
  available ??= findLevels();
  return available.filter((level) => LEVELS.indexOf(level) <= LEVELS.indexOf(most));
}

/**
 * Sets the highest level that kernels compiled from now on may use; `wide` sets no limit. Results differ in their last bits between `plain` and the others.
 *
 * @example
 * configureKernels({ level: 'plain' });
 */
export function configureKernels(options: { readonly level: KernelLevel }): void {
  most = options.level;
  epoch += 1;
}

/** Changes whenever the levels do: what was chosen for the ones before is void. */
export function levelEpoch(): number {
  return epoch;
}

/** Compiles functions for a level. */
export function instantiateAt(level: KernelLevel, functions: readonly FunctionBuilder[]): Record<string, KernelFunction> {
  return withFlags(level, () => instantiate(functions, heap.memory));
}

function findLevels(): KernelLevel[] {
  if (!multiplyAddRoundsOnce()) return ['plain'];
  return canCompileWide() ? ['wide', 'fused', 'plain'] : ['fused', 'plain'];
}

/** It may round twice where the processor has no such instruction; then the plain code is as fast. */
function multiplyAddRoundsOnce(): boolean {
  const f = new FunctionBuilder('probe', ['f32', 'f32'], ['f32']);
  f.get(0).op('f32x4.splat').get(0).op('f32x4.splat').get(1).op('f32x4.splat').op('f32x4.relaxed_madd').lane('f32x4.extract_lane', 0);
  try {
    // (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24 if nothing is rounded in between, else 0.
    return instantiateAt('fused', [f]).probe!(1 + 2 ** -12, -(1 + 2 ** -11)) === 2 ** -24;
  } catch {
    return false;
  }
}
