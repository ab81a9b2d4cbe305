/**
 * V8 compiles to more than it does by default when it is told so by flags. They are switched at run time, around one compilation, and back:
 * the code that was made stays. They are left alone in versions that were not tried, and where the program was started with such flags.
 */
import type { KernelLevel } from './level.ts';

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

/** Runs `compile` with the engine's flags for a level, where they may be switched. */
export function withFlags<R>(level: KernelLevel, compile: () => R): R {
  const v8 = level === 'plain' ? null : flaggable();
  if (v8 === null) return compile();
  const on = flagsOf(level, v8.version);
  const off = v8.version >= FIRST_INLINING ? [...EAGER, 'wasm-inlining'] : EAGER;
  for (const flag of on) v8.module.setFlagsFromString(`--${flag}`);
  for (const flag of off) v8.module.setFlagsFromString(`--no-${flag}`);
  try {
    return compile();
  } finally {
    for (const flag of on) v8.module.setFlagsFromString(`--no-${flag}`);
    for (const flag of off) v8.module.setFlagsFromString(`--${flag}`);
  }
}

/** Whether the level `wide` may be there. */
export function canCompileWide(): boolean {
  const v8 = flaggable();
  return v8 !== null && v8.version >= FIRST_WIDE && v8.arch === 'x64';
}

function flagsOf(level: KernelLevel, version: number): string[] {
  const flags = version < FIRST_WITH_RELAXED_SIMD ? ['experimental-wasm-relaxed-simd'] : [];
  return level === 'wide' ? [...flags, 'experimental-wasm-revectorize'] : flags;
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
