/**
 * Run as a process of its own by tensors.test.ts: plain loops over tensors, as a user writes them, with no word about memory.
 * Arguments: what to run, steps. Prints one line of JSON.
 */
import { manualSeed, memory, nn, noGrad, ones, optim, randn, type Tensor } from '../../src/index.ts';

const MEGABYTE = 1048576;
const [kind, steps] = [process.argv[2], Number(process.argv[3])];

/** A temporary of 1 MB in each step. */
function temporaries(): (step: number) => void {
  const x = ones([MEGABYTE / 4]);
  let last: Tensor = x;
  return () => {
    last = x.add(1);
    if (last.shape[0] !== x.shape[0]) throw new Error('unreachable: the result is read so that it is not idle');
  };
}

/** Training steps of a small head, beside 200 MB of live weights that nothing touches. */
function training(): (step: number) => void {
  manualSeed(0);
  const held = Array.from({ length: 50 }, (_, i) => ones([MEGABYTE]).mul(i));
  const model = new nn.Sequential(new nn.Linear(64, 128), new nn.ReLU(), new nn.Dropout(0.1), new nn.Linear(128, 10));
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
  const x = randn([64, 64]);
  const y = ones([64], { dtype: 'int64' });
  return (step) => {
    optimizer.zeroGrad();
    const loss = nn.functional.crossEntropy(model.forward(x), y);
    loss.backward();
    optimizer.step();
    if (step % 1000 === 0) {
      const k = (step / 1000) % held.length;
      const value = noGrad(() => (held[k] as Tensor).select(0, MEGABYTE - 1).item());
      if (value !== k) throw new Error(`weight ${k} holds ${value}`);
    }
  };
}

const run = kind === 'training' ? training() : temporaries();
let early = 0;
let peak = 0;
const begin = performance.now();
for (let step = 1; step <= steps; step++) {
  run(step);
  if (step % 250 === 0) peak = Math.max(peak, process.memoryUsage.rss());
  if (step === 1000) early = process.memoryUsage.rss();
}
const microseconds = ((performance.now() - begin) / steps) * 1000;
console.log(JSON.stringify({ early, late: process.memoryUsage.rss(), resident: peak, microseconds, live: memory().live }));
