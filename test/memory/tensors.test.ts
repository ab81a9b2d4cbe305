import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { configureMemory, MemoryError, memory, nn, ones, optim, type Tensor, zeros } from '../../src/index.ts';
import { collectMemory } from '../../src/runtime/memory.ts';

const MEGABYTE = 1048576;

interface LoopReport {
  readonly early: number;
  readonly late: number;
  readonly resident: number;
  readonly microseconds: number;
}

/** In a process of its own, so that what is resident is its own and no test flag is set. */
async function loop(kind: string, steps: number): Promise<LoopReport> {
  const script = fileURLToPath(new URL('tensor-loop.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, kind, String(steps)]);
  return JSON.parse(stdout) as LoopReport;
}

describe('plain loops without a word about memory', () => {
  test('100,000 temporaries of 1 MB stay flat', { timeout: 600_000 }, async () => {
    const report = await loop('temporaries', 100_000);
    expect(report.late - report.early).toBeLessThan(64 * MEGABYTE);
    expect(report.resident).toBeLessThan(1024 * MEGABYTE);
  });

  test('a training loop beside 200 MB of live weights stays flat', { timeout: 600_000 }, async () => {
    const report = await loop('training', 100_000);
    expect(report.late - report.early).toBeLessThan(64 * MEGABYTE);
    expect(report.resident).toBeLessThan(1024 * MEGABYTE);
  });
});

describe('running out of memory', () => {
  const full = (body: () => unknown): string => {
    collectMemory();
    configureMemory({ maximumBytes: memory().live + 96 * MEGABYTE, overflow: false });
    try {
      body();
    } catch (error) {
      expect(error).toBeInstanceOf(MemoryError);
      return (error as Error).message;
    } finally {
      configureMemory({ maximumBytes: 2 ** 32, overflow: true });
    }
    return expect.fail('it fits');
  };

  test('names the operators whose results are alive, and the program goes on', () => {
    const x = ones([2 * MEGABYTE]);
    const held: Tensor[] = [];
    const message = full(() => {
      while (held.length < 100) held.push(held.length % 2 === 0 ? x.exp() : zeros([2 * MEGABYTE]));
    });
    expect(message).toMatch(/8 MiB were asked for/);
    expect(message).toMatch(/\d of 8 MiB \(exp\)/);
    expect(message).toMatch(/\d of 8 MiB \(zeros\)/);
    expect(message).toMatch(/8 MiB \(ones\)/);
    expect(held.length).toBeGreaterThan(4);
    // What was alive is untouched, and once it is dropped there is room again.
    expect((held[0] as Tensor).select(0, 5).item()).toBeCloseTo(Math.E, 6);
    held.length = 0;
    expect(x.add(1).select(0, 0).item()).toBe(2);
  });

  test('names parameters, gradients and the state of optimizers', () => {
    const model = new nn.Linear(1024, 1024);
    const optimizer = new optim.Adam(model.parameters());
    model
      .forward(ones([4, 1024]))
      .sum()
      .backward();
    optimizer.step();
    const held: Tensor[] = [];
    const message = full(() => {
      while (held.length < 100) held.push(ones([4 * MEGABYTE]));
    });
    expect(message).toMatch(/4 MiB \(parameter\)/);
    expect(message).toMatch(/4 MiB \(gradient\)/);
    expect(message).toMatch(/4 MiB \(state of Adam\)/);
  });

  test('changes nothing: neither values nor gradients nor what is counted', () => {
    const x = ones([MEGABYTE], { requiresGrad: true });
    const y = x.mul(2);
    const before = memory().live;
    full(() => ones([64 * MEGABYTE]));
    expect(memory().live).toBeLessThanOrEqual(before);
    y.sum().backward();
    expect((x.grad as Tensor).select(0, 0).item()).toBe(2);
  });
});
