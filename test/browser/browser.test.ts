import { describe, expect, test } from 'vitest';
import { everythingRequired, findChromium } from '../support/found.ts';
import { runInChromium } from '../support/in-browser.ts';
import * as training from './programs/training.ts';

const MB = 2 ** 20;

/** No Chromium: skipped, and said so at the start of the run (test/support/global-setup.ts); in CI a failure. */
const inBrowser = test.skipIf(findChromium() === null && !everythingRequired);

describe('in Chromium', () => {
  inBrowser.each([
    { where: 'page', isolated: false },
    { where: 'page', isolated: true },
    { where: 'worker', isolated: false },
    { where: 'worker', isolated: true },
  ] as const)(
    'a training gives the numbers it gives in Node ($where, isolated: $isolated)',
    async (options) => {
      const { result } = await runInChromium('test/browser/programs/training.ts', options);
      expectClose(result, training.run());
    },
    60_000,
  );

  inBrowser.each(['page', 'worker'] as const)(
    'temporaries are reclaimed in a loop that never yields (%s)',
    async (where) => {
      const { result, memoryBytes } = await runInChromium('test/browser/programs/temporaries.ts', { where, timeout: 60_000 });
      expect(result).toBeCloseTo(2, 4);
      expect(memoryBytes).toBeLessThan(1024 * MB);
    },
    90_000,
  );

  inBrowser(
    'twenty thousand training steps need no more memory than a few',
    async () => {
      const { result, memoryBytes } = await runInChromium('test/browser/programs/steps.ts', { where: 'page', timeout: 60_000 });
      expect(result).toEqual(Array(16).fill(-4));
      expect(memoryBytes).toBeLessThan(128 * MB);
    },
    90_000,
  );

  inBrowser.each([
    { where: 'page', isolated: false },
    { where: 'page', isolated: true },
    { where: 'worker', isolated: false },
    { where: 'worker', isolated: true },
  ] as const)(
    'two threads where memory can be shared, with the bits of one ($where, isolated: $isolated)',
    async (options) => {
      const { result } = await runInChromium('test/browser/programs/threads.ts', options);
      expect(result).toEqual({ threads: options.isolated ? 2 : 1, same: true, shared: options.isolated });
    },
    60_000,
  );
});

/** Engines differ in the last bits of transcendental functions, and twenty steps of training carry that on. */
function expectClose(result: unknown, expected: unknown): void {
  const [a, b] = [numbersOf(result), numbersOf(expected)];
  expect(a.length).toBe(b.length);
  for (const [i, value] of a.entries())
    expect(Math.abs(value - (b[i] as number)), `number ${i}`).toBeLessThan(1e-6 + 1e-4 * Math.abs(value));
}

function numbersOf(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersOf) : [];
}
