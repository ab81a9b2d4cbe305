import { ones } from 'nabla';

/**
 * Makes 4 GB of temporaries of 1 MB each without ever returning to the event loop, where no finalizer can run; the harness reports how large
 * the memory became.
 */
export function run(): number {
  const x = ones([256, 1024]);
  let y = x;
  for (let step = 0; step < 2000; step++) y = y.mul(0.5).add(x);
  return Number(y.mean().item());
}
