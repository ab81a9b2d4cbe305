import { expect, test, vi } from 'vitest';

test('where no task can carry a mode, a promise is refused with the reason, and the mode is as before', async () => {
  vi.stubGlobal('process', { ...process, getBuiltinModule: undefined });
  try {
    const { inferenceMode, isGradEnabled, isInferenceModeEnabled, noGrad } = await import('../../src/index.ts');
    expect(() => noGrad(async () => 0)).toThrow(/noGrad: the function must be synchronous here.*AsyncLocalStorage/);
    expect(() => inferenceMode(async () => 0)).toThrow(/inferenceMode: the function must be synchronous here/);
    const steps = noGrad(async function* () {
      yield 0;
    });
    expect(() => steps.next()).toThrow(/noGrad: the function must be synchronous here/);
    expect([isGradEnabled(), isInferenceModeEnabled()]).toEqual([true, false]);
    expect(noGrad(() => isGradEnabled())).toBe(false);
  } finally {
    vi.unstubAllGlobals();
  }
});
