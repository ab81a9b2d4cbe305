import { getNumThreads, manualSeed, rand, scope, setNumThreads } from 'nabla';
import { team } from '../../../src/runtime/threads.ts';

/** Computes with one thread and with two; returns whether the bits are the same, and how many chunks the second thread did. */
export async function run(): Promise<{ threads: number; same: boolean; shared: boolean }> {
  manualSeed(0);
  const x = rand([300_007]).sub(0.5);
  const compute = (): Float64Array =>
    Float64Array.from([x.sum(), x.exp().sum(), x.narrow(0, 0, 300_000).reshape([500, 600]).t().add(1).tanh().sum()], (y) =>
      Number(y.item()),
    );
  const alone = compute();
  setNumThreads(2);
  team.eager = true;
  for (let i = 0; i < 1000 && team.ready === 0 && getNumThreads() > 1; i++) {
    scope(() => void x.exp());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const before = team.chunksOfWorkers;
  let same = true;
  for (let i = 0; i < 10; i++) same &&= compute().every((value, k) => Object.is(value, alone[k]));
  return { threads: getNumThreads(), same, shared: team.chunksOfWorkers > before };
}
