import { describe, expect, test } from 'vitest';
import { enableGrad, inferenceMode, isGradEnabled, isInferenceModeEnabled, noGrad, setGradEnabled, type Tensor } from '../../src/index.ts';
import { leaf, total, values } from '../engine/support.ts';

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

describe('a mode around a promise follows the task', () => {
  test('the first promise of the program already, and the code outside keeps its mode', async () => {
    const seen: [string, boolean][] = [];
    const inside = noGrad(async () => {
      seen.push(['start', isGradEnabled()]);
      await null;
      seen.push(['after a microtask', isGradEnabled()]);
      await later();
      seen.push(['after a timer', isGradEnabled()]);
      return leaf(2).mul(2).requiresGrad;
    });
    seen.push(['outside', isGradEnabled()]);
    await null;
    seen.push(['outside later', isGradEnabled()]);
    expect(await inside).toBe(false);
    expect(isGradEnabled()).toBe(true);
    expect(Object.fromEntries(seen)).toEqual({
      start: false,
      outside: true,
      'outside later': true,
      'after a microtask': false,
      'after a timer': false,
    });
  });

  test('also where an ordinary function returns it', async () => {
    const work = (): Promise<boolean> => later().then(() => isGradEnabled());
    expect(await noGrad(() => work())).toBe(false);
    expect(isGradEnabled()).toBe(true);
  });

  test('interleaved tasks keep to their own', async () => {
    const seen: string[] = [];
    const task = (name: string, run: (body: () => Promise<void>) => Promise<void>): Promise<void> =>
      run(async () => {
        for (let i = 0; i < 3; i++) {
          seen.push(`${name} ${isGradEnabled()} ${isInferenceModeEnabled()}`);
          await (i % 2 === 0 ? later() : null);
        }
      });
    const x = leaf(2);
    const training = (async () => {
      for (let i = 0; i < 5; i++) {
        expect(isGradEnabled()).toBe(true);
        total(x.pow(2)).backward();
        await later();
      }
    })();
    await Promise.all([
      task('a', (body) => noGrad(body)),
      task('b', (body) => enableGrad(body)),
      task('c', (body) => inferenceMode(body)),
      task('d', (body) => setGradEnabled(false, body)),
      training,
    ]);
    expect([...new Set(seen)].sort()).toEqual(['a false false', 'b true false', 'c false true', 'd false false']);
    expect(seen.length).toBe(12);
    expect(values(x.grad)).toEqual([10, 10]);
  });

  test('nested ones', async () => {
    await noGrad(async () => {
      const inner = enableGrad(async () => {
        await later();
        return [isGradEnabled(), noGrad(() => isGradEnabled()), isGradEnabled()];
      });
      expect(isGradEnabled()).toBe(false);
      expect(await inner).toEqual([true, false, true]);
      await later();
      expect(isGradEnabled()).toBe(false);
      expect(enableGrad(() => leaf(1).mul(2).requiresGrad)).toBe(true);
      expect(isGradEnabled()).toBe(false);
    });
    expect(isGradEnabled()).toBe(true);
  });

  test('a backward pass inside leaves the mode of its task', async () => {
    await noGrad(async () => {
      await later();
      const x = leaf(2);
      const y = enableGrad(() => total(x.exp().mul(x)));
      y.backward();
      expect(isGradEnabled()).toBe(false);
      expect(x.grad?.requiresGrad).toBe(false);
    });
  });

  test('an error ends it', async () => {
    await expect(
      noGrad(async () => {
        await later();
        throw new Error('inside');
      }),
    ).rejects.toThrow('inside');
    expect(isGradEnabled()).toBe(true);
  });

  test('tensors made after an await in inference mode are inference tensors, those of others are not', async () => {
    const [inside, outside] = await Promise.all([
      inferenceMode(async () => {
        await later();
        const x = leaf(2).mul(2);
        await later();
        return x.add(1);
      }),
      (async () => {
        await later();
        return leaf(2).mul(2);
      })(),
    ]);
    expect([inside.isInference(), outside.isInference()]).toEqual([true, false]);
  });

  test('an asynchronous generator runs under it between its yields', async () => {
    const x = leaf(1);
    const batches = noGrad(async function* (): AsyncGenerator<Tensor> {
      for (let i = 0; i < 3; i++) {
        await later();
        yield x.mul(i);
      }
    });
    const seen: boolean[] = [];
    for await (const y of batches) seen.push(y.requiresGrad, isGradEnabled());
    expect(seen).toEqual([false, true, false, true, false, true]);
  });
});
