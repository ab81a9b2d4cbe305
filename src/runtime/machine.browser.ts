/** Browsers do not say what a page may use: the answers of `machine.ts` for a host that tells nothing. */

export function builtin(): null {
  return null;
}

export function machineMemory(): number {
  return Number.POSITIVE_INFINITY;
}

export function availableMemory(): number {
  return Number.POSITIVE_INFINITY;
}

export function processorMilliseconds(): number {
  return performance.now();
}

export function collectEvicted(): void {}

export function canShareMemory(): boolean {
  return globalThis.crossOriginIsolated === true;
}

export function hostThreads(): number {
  return 1;
}
