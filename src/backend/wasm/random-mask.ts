/** Launches of dropout masks. */
import { maskFunction, renewFunction, STATE_ROOM } from '../../kernel/random-mask.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { type Generator, temper } from '../../runtime/random.ts';
import { addressOf, allocate, beginLaunch, release } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { addressOfView } from './host.ts';

const WORDS = 624;
const UPPER = 0x1fffff;
const TWO_TO_32 = 2 ** 32;

let kernels: Record<string, KernelFunction> | null = null;

/**
 * Fills a contiguous float32 tensor with `kept` where a draw of double precision is less than `keep`, with 0 elsewhere: what a loop over
 * `generator.uniform64() < keep` gives, and leaves the generator as that does.
 */
export function drawKept(out: View, generator: Generator, keep: number, kept: number): void {
  kernels ??= instantiate([renewFunction(), maskFunction()], heap.memory);
  const { renew, mask } = kernels as { renew: KernelFunction; mask: KernelFunction };
  const scratch = allocate(STATE_ROOM);
  beginLaunch();
  const { engine } = generator;
  const [state, to] = [addressOf(scratch), addressOfView(out)];
  const { u32, f32 } = heap;
  const first = state / 4;
  u32.set(engine.state, first);
  // Draws are whole multiples of 2^-53.
  const limit = Math.ceil(keep * 2 ** 53);
  const [high, low] = [Math.floor(limit / TWO_TO_32), (limit % TWO_TO_32) | 0];
  let { next } = engine;
  // As the engine counts: how many words the state still gives.
  let given = engine.left - 1;
  const draw = (): number => {
    if (given === 0) {
      renew(state);
      given = WORDS;
      next = 0;
    }
    given--;
    return temper(u32[first + next++]!);
  };
  for (let i = 0; i < out.size; ) {
    const groups = Math.min(given >> 3, (out.size - i) >> 2);
    if (groups > 0) {
      mask(state + 4 * next, groups, to + 4 * i, high, low, kept);
      next += 8 * groups;
      given -= 8 * groups;
      i += 4 * groups;
    } else {
      const upper = (draw() & UPPER) * TWO_TO_32;
      f32[to / 4 + i++] = upper + draw() < limit ? kept : 0;
    }
  }
  engine.state.set(u32.subarray(first, first + WORDS));
  engine.next = next;
  engine.left = given + 1;
  release(scratch);
}
