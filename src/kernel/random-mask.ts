/** Masks of kept and dropped elements from the words of a Mersenne twister: see runtime/random/mersenne.ts for what its states are. */
import { advanceBy, repeat } from './loops.ts';
import { FunctionBuilder, i32s, type Local } from './wasm/encoder.ts';

const WORDS = 624;
const SHIFT = 397;
const MATRIX = 0x9908b0df | 0;

/** Room for a state: one word more than it has, for the first word of the next one. */
export const STATE_ROOM = 4 * (WORDS + 4);

/** Pushes the next state's words, of which the old ones are at `at` and the ones that they are mixed with at `from`. */
function twisted(f: FunctionBuilder, at: Local, from: Local): void {
  f.get(from).load('v128.load', 0, 2);
  f.get(at).load('v128.load', 0, 2).i32x4(0x80000000).op('v128.and');
  f.get(at).load('v128.load', 4, 2).i32x4(0x7fffffff).op('v128.and').op('v128.or').i32(1).op('i32x4.shr_u').op('v128.xor');
  f.get(at).load('v128.load', 4, 2).i32x4(1).op('v128.and').op('i32x4.neg').i32x4(MATRIX).op('v128.and').op('v128.xor');
}

/** `renew(state)`: the state that follows, in its place. */
export function renewFunction(): FunctionBuilder {
  const f = new FunctionBuilder('renew', i32s(1));
  const state = 0;
  const [at, from, left, rounds] = f.localsOf('i32', 4) as [Local, Local, Local, Local];
  const steps = (count: number): void => {
    f.i32(count).set(rounds);
    repeat(f, left, rounds, () => {
      f.get(at);
      twisted(f, at, from);
      f.store('v128.store', 0, 2);
      advanceBy(f, at, 16);
      advanceBy(f, from, 16);
    });
  };
  f.get(state).set(at);
  f.get(state)
    .i32(4 * SHIFT)
    .op('i32.add')
    .set(from);
  // The word behind the last one is the first of the next state: with it all words are made alike.
  f.get(state);
  twisted(f, at, from);
  f.lane('i32x4.extract_lane', 0).store('i32.store', 4 * WORDS);
  steps((WORDS - SHIFT + 1) / 4);
  advanceBy(f, from, -4 * WORDS);
  steps(WORDS / 4 - (WORDS - SHIFT + 1) / 4);
  return f;
}

/** Replaces a vector of words of a state by the numbers that are drawn from them. */
function temper(f: FunctionBuilder, words: Local): void {
  const shifted = (op: 'i32x4.shr_u' | 'i32x4.shl', by: number, mask: number): void => {
    f.get(words).get(words).i32(by).op(op);
    if (mask !== -1) f.i32x4(mask).op('v128.and');
    f.op('v128.xor').set(words);
  };
  shifted('i32x4.shr_u', 11, -1);
  shifted('i32x4.shl', 7, 0x9d2c5680 | 0);
  shifted('i32x4.shl', 15, 0xefc60000 | 0);
  shifted('i32x4.shr_u', 18, -1);
}

/**
 * `mask(words, groups, out, high, low, kept)`: four float32 for each of `groups` groups of eight words, `kept` where the 53 bits that a pair of words gives, its first word
 * the upper ones, are less than `high · 2³² + low`, else 0.
 */
export function maskFunction(): FunctionBuilder {
  const f = new FunctionBuilder('mask', [...i32s(5), 'f32']);
  const [words, groups, out, high, low, kept] = [0, 1, 2, 3, 4, 5];
  const left = f.local('i32');
  const [a, b, upper, lower, highs, lows, value] = f.localsOf('v128', 7) as [Local, Local, Local, Local, Local, Local, Local];
  f.get(high).op('i32x4.splat').set(highs).get(low).op('i32x4.splat').set(lows).get(kept).op('f32x4.splat').set(value);
  repeat(f, left, groups, () => {
    f.get(words).load('v128.load', 0, 2).set(a).get(words).load('v128.load', 16, 2).set(b);
    temper(f, a);
    temper(f, b);
    f.get(a).get(b).shuffle32(0, 2, 4, 6).i32x4(0x1fffff).op('v128.and').set(upper);
    f.get(a).get(b).shuffle32(1, 3, 5, 7).set(lower);
    f.get(out);
    f.get(lower).get(lows).op('i32x4.lt_u').get(upper).get(highs).op('i32x4.eq').op('v128.and');
    f.get(upper).get(highs).op('i32x4.lt_s').op('v128.or').get(value).op('v128.and').store('v128.store', 0, 2);
    advanceBy(f, words, 32);
    advanceBy(f, out, 16);
  });
  return f;
}
