/** A page cannot switch flags of the engine: levels are there by themselves or not at all. */
import type { KernelLevel } from './level.ts';

export function withFlags<R>(_level: KernelLevel, compile: () => R): R {
  return compile();
}

export function canCompileWide(): boolean {
  return false;
}
