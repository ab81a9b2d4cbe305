/** How a peer times one workload: as many calls as fit, the median. Short calls are timed in groups, so that the clock's grain does not matter. */
export interface Timing {
  /** Median milliseconds of one call. */
  readonly ms: number;
  readonly min: number;
  readonly calls: number;
  /** The most bytes that tensors had at a time, where the peer tells. */
  readonly peakBytes?: number;
  readonly shares?: Shares;
}

/** Milliseconds of a call of nabla's, by what they went to: see `shares.ts`. */
export interface Shares {
  /** Matrix products and convolutions. */
  readonly products: number;
  /** Attention and recurrent layers: products, and what is between them. */
  readonly joined: number;
  /** Elementwise kernels, reductions, the optimizer, the library's own JavaScript, collections. */
  readonly rest: number;
}

export function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
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
  return { ms: median(times), min: Math.min(...times), calls: times.length * group };
}

/** What a peer can tell besides its times. */
export interface Insights {
  /** How many bytes tensors have at most during a call. */
  peakOf(run: () => void): number;
  sharesOf(run: () => void, seconds: number): Promise<Shares>;
}

/**
 * The protocol of a peer: a line `{ name, seconds, shares? }` in, a line `{ name, timing | null }` out; null where it cannot run the workload. With `shares`, it
 * tells what the time goes to.
 */
export async function serve(workloads: Readonly<Record<string, () => () => void>>, insights?: Insights): Promise<void> {
  const { createInterface } = await import('node:readline');
  console.log(JSON.stringify({ ready: true, names: Object.keys(workloads) }));
  const known = new Set<string>();
  for await (const line of createInterface({ input: process.stdin })) {
    const { name, seconds, shares = false } = JSON.parse(line) as { name: string; seconds: number; shares?: boolean };
    const make = workloads[name];
    let timing: Timing | null = null;
    let error: string | undefined;
    try {
      const run = make?.();
      if (run !== undefined) timing = measure(run, seconds, { isNew: !known.has(name) });
      known.add(name);
      if (run !== undefined && timing !== null && insights !== undefined) timing = { ...timing, peakBytes: insights.peakOf(run) };
      if (run !== undefined && timing !== null && insights !== undefined && shares)
        timing = { ...timing, shares: await insights.sharesOf(run, seconds) };
    } catch (e) {
      error = e instanceof Error ? e.message : String(e);
    }
    console.log(JSON.stringify({ name, timing, error }));
  }
}
