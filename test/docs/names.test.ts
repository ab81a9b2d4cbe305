import * as nabla from 'nabla';
import { expect, test } from 'vitest';

/** What the main entry exports besides operators, types and namespaces: anything else is an inner function that slipped out. */
const FUNCTIONS: readonly string[] = [
  'Variable',
  'backward',
  'canCast',
  'collectMemory',
  'configureKernels',
  'configureMemory',
  'detach',
  'dim',
  'enableGrad',
  'forkRng',
  'fromBytes',
  'getDefaultDtype',
  'getNumThreads',
  'getPrintOptions',
  'getRngState',
  'grad',
  'inferenceMode',
  'initialSeed',
  'isComplex',
  'isFloatingPoint',
  'isGradEnabled',
  'isInferenceModeEnabled',
  'isNonzero',
  'isTensor',
  'jvp',
  'kernelLevels',
  'manualSeed',
  'memory',
  'noGrad',
  'numel',
  'promoteTypes',
  'resetPeakMemory',
  'safeWhere',
  'scope',
  'seed',
  'setDefaultDtype',
  'setGradEnabled',
  'setNumThreads',
  'setPrintOptions',
  'setRngState',
  'slice',
  'vmap',
];
const OBJECTS: readonly string[] = ['autograd', 'defaultGenerator', 'linalg', 'masked', 'nn', 'optim', 'signal', 'special'];

test('the main entry exports operators, classes and what is listed here', () => {
  const others = Object.entries(nabla).filter(
    ([, value]) => typeof value === 'function' && !('operator' in value) && !/^class\b/.test(String(value)),
  );
  expect(others.map(([name]) => name).sort()).toEqual([...FUNCTIONS].sort());
  const objects = Object.entries(nabla).filter(([, value]) => typeof value === 'object');
  expect(objects.map(([name]) => name).sort()).toEqual([...OBJECTS].sort());
});

test('operators are exported by the last part of their name, or are aliases of one that is', () => {
  const names = new Set(Object.keys(nabla));
  for (const [name, value] of Object.entries(nabla)) {
    if (typeof value !== 'function' || !('operator' in value)) continue;
    const own = (value.operator as { name: string }).name.split('.').at(-1) as string;
    expect(names.has(own), `${name} is ${own}, which is not exported`).toBe(true);
  }
});
