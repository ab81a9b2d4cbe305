import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { MemoryReport } from '../../src/runtime/memory.ts';

const MEGABYTE = 1048576;

interface LoopReport extends MemoryReport {
  readonly intact: boolean;
  readonly early: number;
  readonly late: number;
  /** Resident, the most that was seen. */
  readonly resident: number;
}

/** The loop runs in a process of its own, so that what is resident is its own and no test flag is set. */
async function loop(...args: (string | number)[]): Promise<LoopReport> {
  const script = fileURLToPath(new URL('loop.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, ...args.map(String)]);
  return JSON.parse(stdout) as LoopReport;
}

describe('a plain synchronous loop of 1 MB temporaries', () => {
  test('stays flat for 100,000 steps', { timeout: 180_000 }, async () => {
    const report = await loop(100_000, 0);
    expect(report.late - report.early).toBeLessThan(64 * MEGABYTE);
    expect(report.resident).toBeLessThan(1024 * MEGABYTE);
    expect(report.sweeps).toBeGreaterThan(0);
  });

  test('stays flat with 200 MB of weights alive', { timeout: 180_000 }, async () => {
    const report = await loop(20_000, 200);
    expect(report.intact).toBe(true);
    expect(report.late - report.early).toBeLessThan(64 * MEGABYTE);
    expect(report.resident).toBeLessThan(1024 * MEGABYTE);
  });

  test('stays flat by eviction, with 200 MB of weights alive', { timeout: 180_000 }, async () => {
    const report = await loop(5000, 200, 'evict');
    expect(report.intact).toBe(true);
    expect(report.late - report.early).toBeLessThan(256 * MEGABYTE);
    expect(report.resident).toBeLessThan(1024 * MEGABYTE);
    expect(report.sweeps).toBe(0);
  });
});
