/** What the machine can do at most, measured: multiply-adds a second of one core at each level of the kernels, and bytes a second to and from memory. */
import { instantiateAt, kernelLevels } from '../src/backend/wasm/level.ts';
import { repeat } from '../src/kernel/loops.ts';
import { FunctionBuilder, type Local } from '../src/kernel/wasm/encoder.ts';

export interface Limits {
  /** Gflop/s of multiply-adds of float32 on one core, with vectors of 128 bits, and of 256 where V8 joins them. */
  readonly fused: number | null;
  readonly wide: number | null;
  /** GB/s of a copy (read and written) of 4 MB, which caches hold, and of 256 MB, which they do not. */
  readonly cached: number;
  readonly memory: number;
}

/** Independent chains of multiply-adds: enough to hide their latency, in 16 registers. */
const CHAINS = { fused: 12, wide: 24 } as const;

/** `rounds` times, one multiply-add on each chain. Neighbours in memory, so that they can be joined to wider vectors. */
function chainsOfMultiplyAdds(name: string, count: number): FunctionBuilder {
  const f = new FunctionBuilder(name, ['i32', 'i32']);
  const [rounds, address] = [0, 1];
  const chains: Local[] = Array.from({ length: count }, () => f.local('v128'));
  const left = f.local('i32');
  for (const [i, chain] of chains.entries())
    f.get(address)
      .load('v128.load', 16 * i)
      .set(chain);
  f.block(() => {
    repeat(f, left, rounds, () => {
      for (const chain of chains) f.get(chain).get(chain).get(chain).op('f32x4.relaxed_madd').set(chain);
    });
  });
  for (const [i, chain] of chains.entries())
    f.get(address)
      .get(chain)
      .store('v128.store', 16 * i);
  return f;
}

function quickest(times: number, run: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

function gigaflops(level: 'fused' | 'wide'): number {
  if (!kernelLevels().includes(level)) return Number.NaN;
  const kernel = instantiateAt(level, [chainsOfMultiplyAdds(`limit_${level}`, CHAINS[level])])[`limit_${level}`];
  const rounds = 1e6;
  return (rounds * CHAINS[level] * 4 * 2) / quickest(20, () => void kernel?.(rounds, 1024)) / 1e6;
}

function gigabytes(bytes: number): number {
  const [from, to] = [new Uint8Array(bytes).fill(1), new Uint8Array(bytes).fill(2)];
  return (2 * bytes) / quickest(30, () => to.set(from)) / 1e6;
}

/** Run by each Node of the matrix: prints what it can reach, as JSON. */
const limits: Limits = { fused: gigaflops('fused'), wide: gigaflops('wide'), cached: gigabytes(4e6), memory: gigabytes(256e6) };
console.log(JSON.stringify(limits));
