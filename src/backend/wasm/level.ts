/**
 * What a kernel may be compiled to: how much of the processor the engine at hand lets WebAssembly reach.
 *
 * V8 compiles to more than it does by default when it is told so by flags. They are switched at run time, around one compilation, and back:
 * the code that was made stays. They are left alone in versions that were not tried, and where the program was started with such flags.
 */
import { FunctionBuilder } from '../../kernel/wasm/encoder.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';

/**
 * - `plain`: the 128-bit SIMD of WebAssembly 2.0;
 * - `fused`: relaxed SIMD's multiply-add, where it rounds once;
 * - `wide`: the same code, pairs of vectors joined to 256 bits by V8's revectoriser.
 */
export type KernelLevel = 'plain' | 'fused' | 'wide';

const LEVELS: readonly KernelLevel[] = ['plain', 'fused', 'wide'];

interface Host {
  readonly arch?: string;
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly versions?: Readonly<Record<string, string | undefined>>;
  getBuiltinModule?(name: string): unknown;
}

interface V8Module {
  setFlagsFromString(flag: string): void;
}

/** The major versions of V8 that the flags were tried on. A flag that a version does not know, or a pass that fails in it, ends the process. */
const OLDEST = 11;
const FIRST_WITH_RELAXED_SIMD = 12;
const FIRST_WIDE = 13;
const FIRST_INLINING = 14;
const NEWEST = 14;

/** Compiles everything at once and with the optimising compiler, which alone knows the rest. */
const EAGER = ['liftoff', 'wasm-lazy-compilation'];

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
  const v8 = level === 'plain' ? null : flaggable();
  if (v8 === null) return instantiate(functions, heap.memory);
  const on = flagsOf(level, v8.version);
  const off = v8.version >= FIRST_INLINING ? [...EAGER, 'wasm-inlining'] : EAGER;
  for (const flag of on) v8.module.setFlagsFromString(`--${flag}`);
  for (const flag of off) v8.module.setFlagsFromString(`--no-${flag}`);
  try {
    return instantiate(functions, heap.memory);
  } finally {
    for (const flag of on) v8.module.setFlagsFromString(`--no-${flag}`);
    for (const flag of off) v8.module.setFlagsFromString(`--${flag}`);
  }
}

function flagsOf(level: KernelLevel, version: number): string[] {
  const flags = version < FIRST_WITH_RELAXED_SIMD ? ['experimental-wasm-relaxed-simd'] : [];
  return level === 'wide' ? [...flags, 'experimental-wasm-revectorize'] : flags;
}

function findLevels(): KernelLevel[] {
  if (!multiplyAddRoundsOnce()) return ['plain'];
  const v8 = flaggable();
  const wide = v8 !== null && v8.version >= FIRST_WIDE && v8.arch === 'x64';
  return wide ? ['wide', 'fused', 'plain'] : ['fused', 'plain'];
}

/** V8 where its flags may be switched, or null. */
function flaggable(): { readonly module: V8Module; readonly version: number; readonly arch: string } | null {
  const host = (globalThis as { process?: Host }).process;
  const { v8, deno, bun, electron } = host?.versions ?? {};
  if (host?.getBuiltinModule === undefined || v8 === undefined || deno !== undefined || bun !== undefined || electron !== undefined)
    return null;
  const started = [...(host.execArgv ?? []), host.env?.NODE_OPTIONS ?? ''].join(' ');
  const version = Number.parseInt(v8, 10);
  if (/wasm|liftoff|jitless/.test(started) || version < OLDEST || version > NEWEST) return null;
  const module = host.getBuiltinModule('v8') as V8Module | undefined;
  return module === undefined ? null : { module, version, arch: host.arch ?? '' };
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
