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
      expect(closeTo(result)).toEqual(closeTo(training.run()));
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
});

/** Numbers to six digits: engines differ in the last bits of transcendental functions. */
function closeTo(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, inner: unknown) => (typeof inner === 'number' ? Number(inner.toPrecision(5)) : inner));
}
