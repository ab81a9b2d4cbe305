/** How a peer times one workload: as many calls as fit, the median. Short calls are timed in groups, so that the clock's grain does not matter. */
export interface Timing {
  /** Median milliseconds of one call. */
  readonly ms: number;
  readonly min: number;
  readonly calls: number;
  /** The most bytes that tensors had at a time, where the peer tells. */
  readonly peakBytes?: number;
}

export interface MeasureOptions {
  /** Whether the process has not run this workload before. */
  readonly isNew?: boolean;
  /** How many milliseconds of calls are timed together, at least: as long as the clock's grain does not matter. */
  readonly group?: number;
}

export function measure(run: () => void, seconds: number, { isNew = false, group: groupMs = 0.05 }: MeasureOptions = {}): Timing {
  const warm = performance.now();
  let warmCalls = 0;
  // Short calls get to their speed when the engine has compiled what they use, for which it takes the better part of a second, once.
  const warmMs = isNew ? Math.max(seconds * 200, 1000) : seconds * 200;
  const enough = isNew ? 5000 : 2000;
  // A call of many seconds is measured once or twice: a peer must not hold up the others.
  const patience = seconds * 10_000;
  while ((warmCalls < 3 && performance.now() - warm < patience) || (performance.now() - warm < warmMs && warmCalls < enough)) {
    run();
    warmCalls++;
  }
  const once = Math.max(1e-6, (performance.now() - warm) / warmCalls);
  const group = Math.max(1, Math.floor(groupMs / once));
  const times: number[] = [];
  const begin = performance.now();
  while (performance.now() - begin < seconds * 1000 || (times.length < 5 && performance.now() - begin < patience)) {
    const start = performance.now();
    for (let i = 0; i < group; i++) run();
    times.push((performance.now() - start) / group);
  }
  times.sort((a, b) => a - b);
  return { ms: times[times.length >> 1] as number, min: times[0] as number, calls: times.length * group };
}

/**
 * The protocol of a peer: a line `{ name, seconds }` in, a line `{ name, timing | null }` out; null where it cannot run the workload. `peakOf`, where
 * given, says how many bytes tensors have at most during a call.
 */
export async function serve(workloads: Readonly<Record<string, () => () => void>>, peakOf?: (run: () => void) => number): Promise<void> {
  const { createInterface } = await import('node:readline');
  console.log(JSON.stringify({ ready: true, names: Object.keys(workloads) }));
  const known = new Set<string>();
  for await (const line of createInterface({ input: process.stdin })) {
    const { name, seconds } = JSON.parse(line) as { name: string; seconds: number };
    const make = workloads[name];
    let timing: Timing | null = null;
    let error: string | undefined;
    try {
      const run = make?.();
      if (run !== undefined) timing = measure(run, seconds, { isNew: !known.has(name) });
      known.add(name);
      if (run !== undefined && timing !== null && peakOf !== undefined) timing = { ...timing, peakBytes: peakOf(run) };
    } catch (e) {
      error = e instanceof Error ? e.message : String(e);
    }
    console.log(JSON.stringify({ name, timing, error }));
  }
}
