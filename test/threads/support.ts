import { randn, scope, setNumThreads } from 'nabla';
import { team } from '../../src/runtime/threads.ts';

const DEADLINE = 20_000;

/** Waits until so many threads share launches, whatever else the machine does. */
export async function awaitThreads(count: number): Promise<void> {
  setNumThreads(count);
  team.eager = true;
  const x = randn([100_000]);
  const end = performance.now() + DEADLINE;
  while (team.ready < count - 1) {
    if (performance.now() > end) throw new Error(`${team.ready} of ${count - 1} workers have started`);
    scope(() => void x.exp());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Runs something again and again until workers have done chunks of it. */
export async function untilShared(run: () => void): Promise<void> {
  const before = team.chunksOfWorkers;
  const end = performance.now() + DEADLINE;
  do {
    if (performance.now() > end) throw new Error('no worker took part');
    run();
    await new Promise((resolve) => setTimeout(resolve, 0));
  } while (team.chunksOfWorkers === before);
}
