/**
 * What a step spends its time on, by samples of V8's profiler: matrix products and convolutions, kernels that are products with something between them (attention,
 * recurrent layers), and everything else. The launch is told by the functions that a sample's WebAssembly code was called from: their names stay in
 * the bundle, with numbers behind them where there are several.
 */
import { Session } from 'node:inspector/promises';
import { median, type Shares } from './timing.ts';

const PRODUCTS = new Set(['matmulReal', 'matmulComplex', 'windowProduct', 'winogradProduct', 'gridOutputs', 'gridWeights']);
const JOINED = new Set(['attend', 'attendBackward', 'recurrentForward', 'recurrentBackward']);
/** Microseconds between samples. */
const INTERVAL = 100;

interface Frame {
  readonly id: number;
  readonly callFrame: { readonly functionName: string };
  readonly children?: readonly number[];
}

/** Samples calls of `run` for so long, and divides the median time of calls that were not sampled accordingly. */
export async function sharesOf(run: () => void, seconds: number): Promise<Shares> {
  const times: number[] = [];
  const enough = (): boolean => times.length >= 3 && times.reduce((sum, ms) => sum + ms, 0) >= seconds * 1000;
  while (!enough()) {
    const start = performance.now();
    run();
    times.push(performance.now() - start);
  }
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL });
  await session.post('Profiler.start');
  const begin = performance.now();
  while (performance.now() - begin < seconds * 1000) run();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  const counts = countKinds(profile.nodes, profile.samples ?? []);
  const ms = median(times) / (counts.products + counts.joined + counts.rest);
  return { products: counts.products * ms, joined: counts.joined * ms, rest: counts.rest * ms };
}

function countKinds(frames: readonly Frame[], samples: readonly number[]): Shares {
  const kinds = new Map<number, keyof Shares | null>();
  const byId = new Map(frames.map((frame) => [frame.id, frame]));
  const visit = (frame: Frame, above: keyof Shares | null): void => {
    const kind = kindOf(frame.callFrame.functionName, above);
    kinds.set(frame.id, kind);
    for (const id of frame.children ?? []) visit(byId.get(id) as Frame, kind);
  };
  visit(frames[0] as Frame, 'rest');
  const counts = { products: 0, joined: 0, rest: 0 };
  for (const id of samples) {
    const kind = kinds.get(id) ?? null;
    if (kind !== null) counts[kind]++;
  }
  return counts;
}

/** What a frame belongs to; null: it is the profiler's own, or nothing ran. */
function kindOf(name: string, above: keyof Shares | null): keyof Shares | null {
  const plain = name.replace(/\d+$/, '');
  if (name === 'post' || name === '(idle)' || above === null) return null;
  if (PRODUCTS.has(plain)) return 'products';
  return JOINED.has(plain) ? 'joined' : above;
}
