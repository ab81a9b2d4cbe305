import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

/** The library anew, on a platform whose modules are these. */
async function onPlatform(getBuiltinModule: unknown): Promise<typeof import('../../src/index.ts')> {
  vi.stubGlobal('process', { ...process, getBuiltinModule });
  return await import('../../src/index.ts');
}

// Each test loads the whole library.
vi.setConfig({ testTimeout: 60_000 });

beforeEach(() => {
  vi.resetModules();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe('without AsyncLocalStorage', () => {
  test('a promise is refused with the reason, and the mode is as before', async () => {
    const { inferenceMode, isGradEnabled, isInferenceModeEnabled, noGrad } = await onPlatform(undefined);
    expect(() => noGrad(async () => 0)).toThrow(
      /^noGrad: the function must be synchronous here.*AsyncLocalStorage.*: call noGrad around the parts between awaits$/,
    );
    expect(() => inferenceMode(async () => 0)).toThrow(/inferenceMode: the function must be synchronous here/);
    expect(() => noGrad(async () => 0)).toThrow(expect.objectContaining({ name: 'ArgumentError' }));
    const steps = noGrad(async function* () {
      yield 0;
    });
    expect(() => steps.next()).toThrow(/noGrad: the function must be synchronous here/);
    expect([isGradEnabled(), isInferenceModeEnabled()]).toEqual([true, false]);
    expect(noGrad(() => isGradEnabled())).toBe(false);
    expect([...noGrad(() => [isGradEnabled()].values())]).toEqual([false]);
  });

  test('a platform that knows no such module is like that', async () => {
    const asked: string[] = [];
    const { noGrad } = await onPlatform((name: string) => void asked.push(name));
    expect(() => noGrad(async () => 0)).toThrow(/must be synchronous here/);
    expect(noGrad(() => 5)).toBe(5);
    expect(asked).toEqual(['node:async_hooks']);
  });

  test('so is one without a process', async () => {
    const { isGradEnabled, noGrad } = await onPlatform(undefined);
    vi.stubGlobal('process', undefined);
    const seen = noGrad(() => isGradEnabled());
    vi.unstubAllGlobals();
    expect([seen, isGradEnabled()]).toEqual([false, true]);
  });
});

describe('with AsyncLocalStorage', () => {
  test('it is on from the first call of a job to the end of that, until a promise comes back', async () => {
    const calls: string[] = [];
    class Storage {
      current: unknown;
      run<R>(store: unknown, body: () => R): R {
        calls.push('run');
        const before = this.current;
        this.current = store;
        try {
          return body();
        } finally {
          this.current = before;
        }
      }
      getStore(): unknown {
        return this.current;
      }
      disable(): void {
        calls.push('disable');
      }
    }
    const { enableGrad, isGradEnabled, noGrad } = await onPlatform(() => ({ AsyncLocalStorage: Storage }));
    expect(noGrad(() => isGradEnabled())).toBe(false);
    expect(noGrad(() => [enableGrad(() => isGradEnabled()), isGradEnabled()])).toEqual([true, false]);
    const fail = (): never => {
      throw new Error('inside');
    };
    expect(() => noGrad(fail)).toThrow('inside');
    expect(calls).toEqual(['run', 'run', 'run', 'run']);
    await null;
    expect(calls.splice(0)).toEqual(['run', 'run', 'run', 'run', 'disable']);
    noGrad(() => 0);
    await null;
    noGrad(() => 0);
    await null;
    expect(calls.splice(0)).toEqual(['run', 'disable', 'run', 'disable']);
    noGrad(() => 0);
    await noGrad(async () => undefined);
    expect(noGrad(() => isGradEnabled())).toBe(false);
    await null;
    expect([calls, isGradEnabled()]).toEqual([['run', 'run', 'run'], true]);
  });

  test('the first promise may come from an ordinary function, in a job with calls before and after it', async () => {
    const { inferenceMode, isGradEnabled, isInferenceModeEnabled, noGrad } = await onPlatform(process.getBuiltinModule);
    const seen: unknown[] = [noGrad(() => isGradEnabled())];
    await null;
    const task = inferenceMode(() =>
      Promise.resolve()
        .then(() => new Promise((resolve) => setTimeout(resolve, 1)))
        .then(() => seen.push(isGradEnabled(), isInferenceModeEnabled())),
    );
    seen.push(
      noGrad(() => isGradEnabled()),
      isGradEnabled(),
      isInferenceModeEnabled(),
    );
    await task;
    expect([seen, isGradEnabled(), isInferenceModeEnabled()]).toEqual([[false, false, true, false, false, true], true, false]);
  });

  test('the first promise may come back inside of a backward pass and of other modes: what is around keeps its own', async () => {
    const { isGradEnabled, noGrad, ones, setGradEnabled } = await onPlatform(process.getBuiltinModule);
    const x = ones([2], { requiresGrad: true });
    const seen: boolean[] = [];
    let inner: Promise<void> = Promise.resolve();
    x.registerHook(() => {
      expect(isGradEnabled()).toBe(false);
      inner = setGradEnabled(true, async () => {
        seen.push(isGradEnabled());
        await null;
        seen.push(isGradEnabled());
      });
      expect(isGradEnabled()).toBe(false);
    });
    const y = x.mul(2).sum();
    noGrad(() => {
      y.backward();
      expect(isGradEnabled()).toBe(false);
    });
    expect(isGradEnabled()).toBe(true);
    await inner;
    expect([seen, isGradEnabled()]).toEqual([[true, true], true]);
  });

  test('a scope inside of a task holds for that task', async () => {
    const { enableGrad, isGradEnabled, noGrad } = await onPlatform(process.getBuiltinModule);
    const task = noGrad(async () => {
      await null;
      {
        using _ = enableGrad();
        expect(isGradEnabled()).toBe(true);
      }
      expect(isGradEnabled()).toBe(false);
      await null;
      return isGradEnabled();
    });
    using _ = enableGrad();
    expect([await task, isGradEnabled()]).toEqual([false, true]);
  });
});
