/** What stands for `timing.ts` in the page: a peer's workloads wait for the questions that the script asks from outside. */
import { measure, type Timing } from '../timing.ts';

/** Milliseconds between two readings of a page's clock that differ. */
const CLOCK_GRAIN = 0.005;

export interface PageBench {
  readonly names: readonly string[];
  /** Null where the peer cannot run the workload. */
  measure(name: string, seconds: number): Timing | { readonly error: string };
}

/** The page's counterpart of the peers' protocol. */
export function serve(workloads: Readonly<Record<string, () => () => void>>): void {
  const known = new Set<string>();
  const bench: PageBench = {
    names: Object.keys(workloads),
    measure: (name, seconds) => {
      try {
        const timing = measure((workloads[name] as () => () => void)(), seconds, { isNew: !known.has(name), group: CLOCK_GRAIN * 50 });
        known.add(name);
        return timing;
      } catch (error) {
        return { error: error instanceof Error ? error.message : String(error) };
      }
    },
  };
  Object.assign(globalThis, { bench });
}
