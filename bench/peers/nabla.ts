/** nabla's side of the measurements; runs the built package, as a user has it, or the module that the environment variable `NABLA` names. */
import { sharesOf } from '../shares.ts';
import { serve } from '../timing.ts';
import { layerSteps } from './nabla-layers.ts';
import { workloadsOf } from './nabla-workloads.ts';

const module = process.env['NABLA'] ?? '../../dist/node/index.js';
const nabla = (await import(module)) as typeof import('nabla');
const func = (await import(module.replace(/index\.(js|ts)$/, 'func.$1'))) as typeof import('nabla/func');
const { compile } = (await import(module.replace(/index\.(js|ts)$/, 'compile.$1'))) as typeof import('nabla/compile');
nabla.setNumThreads(Number(process.argv[2] ?? 1));

await serve(
  { ...workloadsOf({ nabla, func, compile }), ...layerSteps(nabla) },
  {
    peakOf: (run) => {
      // What was dropped before does not count.
      nabla.collectMemory();
      nabla.resetPeakMemory();
      run();
      return nabla.memory().peak;
    },
    sharesOf,
  },
);
