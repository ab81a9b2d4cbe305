/**
 * The MT19937 generator.
 *
 * M. Matsumoto, T. Nishimura: "Mersenne Twister: a 623-dimensionally equidistributed uniform pseudo-random number generator",
 * ACM Transactions on Modeling and Computer Simulation 8 (1998). `left` and `next` count as PyTorch's CPU engine counts them, so that
 * saved states travel both ways.
 */

/** Words of state. */
export const STATE_LENGTH = 624;
const SHIFT_LENGTH = 397;
const MATRIX = 0x9908b0df;

/** MT19937 with a state that can be read and written. */
export class MersenneTwister {
  readonly state = new Uint32Array(STATE_LENGTH);
  /** Draws left before the state is renewed, plus one. */
  left = 1;
  /** Index of the next word to hand out. */
  next = 0;

  constructor(seed: number) {
    this.seed(seed);
  }

  /** Starts over from the low 32 bits of `seed`. */
  seed(seed: number): void {
    const state = this.state;
    let previous = seed >>> 0;
    state[0] = previous;
    for (let index = 1; index < STATE_LENGTH; index++) {
      previous = (Math.imul(1812433253, previous ^ (previous >>> 30)) + index) >>> 0;
      state[index] = previous;
    }
    this.left = 1;
    this.next = 0;
  }

  /** The next 32 bits, as an unsigned integer. */
  draw(): number {
    if (--this.left === 0) this.#renew();
    return temper(this.state[this.next++]!);
  }

  #renew(): void {
    const state = this.state;
    let index = 0;
    for (; index < STATE_LENGTH - SHIFT_LENGTH; index++) {
      state[index] = state[index + SHIFT_LENGTH]! ^ twist(state[index]!, state[index + 1]!);
    }
    for (; index < STATE_LENGTH - 1; index++) {
      state[index] = state[index + SHIFT_LENGTH - STATE_LENGTH]! ^ twist(state[index]!, state[index + 1]!);
    }
    state[index] = state[SHIFT_LENGTH - 1]! ^ twist(state[index]!, state[0]!);
    this.left = STATE_LENGTH;
    this.next = 0;
  }
}

/** The number that is drawn from a word of a state. */
export function temper(from: number): number {
  let word = from;
  word ^= word >>> 11;
  word ^= (word << 7) & 0x9d2c5680;
  word ^= (word << 15) & 0xefc60000;
  word ^= word >>> 18;
  return word >>> 0;
}

function twist(upper: number, lower: number): number {
  return (((upper & 0x80000000) | (lower & 0x7fffffff)) >>> 1) ^ (lower & 1 ? MATRIX : 0);
}
