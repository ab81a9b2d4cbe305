import { expect, test } from 'vitest';
import type { MemoryReport } from '../../src/runtime/memory.ts';
import { everythingRequired, findChromium } from '../support/found.ts';
import { runInChromium } from '../support/in-browser.ts';

const MEGABYTE = 1048576;

interface Result {
  readonly intact: boolean;
  readonly synchronous: MemoryReport;
  readonly yielding: MemoryReport;
}

test.skipIf(findChromium() === null && !everythingRequired)(
  'in a browser, loops stay flat: by eviction where nothing yields, by finalizers where something does',
  { timeout: 90_000 },
  async () => {
    const { result, memoryBytes } = await runInChromium('test/memory/browser-loop.ts', { where: 'page', timeout: 60_000 });
    const { intact, synchronous, yielding } = result as Result;
    expect(intact).toBe(true);
    expect(memoryBytes).toBeLessThan(512 * MEGABYTE);
    expect(synchronous.sweeps).toBe(0);
    expect(synchronous.evicted).toBeGreaterThan(1000 * MEGABYTE);
    // Finalizers find most of what is dead, so hardly anything has to move.
    expect(yielding.evicted - synchronous.evicted).toBeLessThan(1500 * MEGABYTE);
  },
);
