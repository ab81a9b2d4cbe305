/** Generators of random numbers: PyTorch's CPU generator, with its seeds and its saved states. */
import { ArgumentError } from '../../util/errors.ts';
import { effect } from '../recorder.ts';
import { MersenneTwister, STATE_LENGTH } from './mersenne.ts';

/** The seed of a generator that nobody seeded: PyTorch's. */
const DEFAULT_SEED = 67280421310721n;

/** Bytes of a saved state, in PyTorch's layout. */
const STATE_BYTES = 5056;
const OFFSETS = {
  seed: 0,
  left: 8,
  seeded: 12,
  next: 16,
  words: 24,
  normal: 24 + 8 * STATE_LENGTH + 8,
  normalIsValid: 24 + 8 * STATE_LENGTH + 24,
  floatNormal: 24 + 8 * STATE_LENGTH + 32,
  floatNormalIsValid: 24 + 8 * STATE_LENGTH + 36,
} as const;

const TWO_TO_32 = 4294967296;

/**
 * A source of random numbers, equal to the bit to PyTorch's CPU generator of the same seed.
 *
 * A new generator has PyTorch's default seed; `defaultGenerator`, which draws that name no generator use, starts from a seed of the platform.
 *
 * @example
 * const generator = new Generator().manualSeed(0);
 * rand([2], { generator });   // tensor([0.4963, 0.7682])
 */
export class Generator {
  /** Null until a first number is drawn or a seed is set, where the seed is to come from the platform. */
  #engine: MersenneTwister | null;
  #seedValue = DEFAULT_SEED;
  /** @internal The second of a pair of normal draws, kept for the next draw; NaN when there is none. */
  nextNormal = Number.NaN;
  /** The same for PyTorch's float cache, which its CPU draws never use: kept only to give saved states back unchanged. */
  #floatNormal: number | null = null;

  constructor() {
    this.#engine = new MersenneTwister(Number(DEFAULT_SEED & 0xffffffffn));
  }

  /** @internal A generator that takes a seed of the platform when it is first used: asking for one takes milliseconds in Node. */
  static unseeded(): Generator {
    const generator = new Generator();
    generator.#engine = null;
    return generator;
  }

  /** @internal */
  get engine(): MersenneTwister {
    if (this.#engine === null) this.seed();
    return this.#engine as MersenneTwister;
  }

  /**
   * Starts over from a seed; the same seed gives the same numbers on every machine.
   *
   * @param seed A whole number from -2^63 to 2^64 - 1; a negative one means 2^64 more. A `number` must be a safe integer.
   * @returns This generator.
   * @throws ArgumentError if the seed is not such a number.
   * @example
   * new Generator().manualSeed(42).initialSeed();   // 42n
   */
  manualSeed(seed: number | bigint): this {
    if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
      throw new ArgumentError(`manualSeed: the seed must be a whole number that a number holds exactly, or a bigint; got ${seed}`);
    }
    const value = BigInt(seed);
    if (value < -(1n << 63n) || value >= 1n << 64n) {
      throw new ArgumentError(`manualSeed: the seed must lie between -2^63 and 2^64 - 1, got ${value}`);
    }
    return effect(() => {
      this.#seedValue = BigInt.asUintN(64, value);
      this.#engine ??= new MersenneTwister(0);
      this.#engine.seed(Number(this.#seedValue & 0xffffffffn));
      this.nextNormal = Number.NaN;
      this.#floatNormal = null;
      return this;
    });
  }

  /**
   * Starts over from a seed that the platform gives, and returns that seed (53 bits, so that a number holds it exactly).
   *
   * @example
   * const seed = generator.seed();
   */
  seed(): bigint {
    const words = globalThis.crypto.getRandomValues(new Uint32Array(2));
    const seed = (BigInt(words[0]! & 0x1fffff) << 32n) | BigInt(words[1]!);
    this.manualSeed(seed);
    return seed;
  }

  /** The seed that the numbers started from. */
  initialSeed(): bigint {
    if (this.#engine === null) this.seed();
    return this.#seedValue;
  }

  /**
   * The state, 5056 bytes in PyTorch's layout: what `torch.Generator.get_state` gives.
   *
   * @example
   * const state = generator.getState();
   * const first = rand([3], { generator });
   * generator.setState(state);
   * const again = rand([3], { generator });   // equal to first
   */
  getState(): Uint8Array {
    const bytes = new Uint8Array(STATE_BYTES);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(OFFSETS.seed, this.initialSeed(), true);
    view.setInt32(OFFSETS.left, this.engine.left, true);
    view.setInt32(OFFSETS.seeded, 1, true);
    view.setUint32(OFFSETS.next, this.engine.next, true);
    for (let index = 0; index < STATE_LENGTH; index++) view.setUint32(OFFSETS.words + 8 * index, this.engine.state[index]!, true);
    if (!Number.isNaN(this.nextNormal)) {
      view.setFloat64(OFFSETS.normal, this.nextNormal, true);
      view.setInt32(OFFSETS.normalIsValid, 1, true);
    }
    if (this.#floatNormal !== null) {
      view.setFloat32(OFFSETS.floatNormal, this.#floatNormal, true);
      view.setUint8(OFFSETS.floatNormalIsValid, 1);
    }
    return bytes;
  }

  /**
   * Goes on from a state that `getState` or PyTorch gave.
   *
   * @returns This generator.
   * @throws ArgumentError if the bytes are no such state; the generator is then unchanged.
   */
  setState(bytes: Uint8Array): this {
    if (bytes.byteLength !== STATE_BYTES) {
      throw new ArgumentError(`setState: a state has ${STATE_BYTES} bytes, got ${bytes.byteLength}`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const left = view.getInt32(OFFSETS.left, true);
    const next = view.getUint32(OFFSETS.next, true);
    if (view.getInt32(OFFSETS.seeded, true) !== 1 || left < 1 || left > STATE_LENGTH || next > STATE_LENGTH) {
      throw new ArgumentError('setState: these bytes are not the state of a generator');
    }
    this.#seedValue = view.getBigUint64(OFFSETS.seed, true);
    this.engine.left = left;
    this.engine.next = next;
    for (let index = 0; index < STATE_LENGTH; index++) this.engine.state[index] = view.getUint32(OFFSETS.words + 8 * index, true);
    this.nextNormal = view.getInt32(OFFSETS.normalIsValid, true) ? view.getFloat64(OFFSETS.normal, true) : Number.NaN;
    this.#floatNormal = view.getUint8(OFFSETS.floatNormalIsValid) ? view.getFloat32(OFFSETS.floatNormal, true) : null;
    return this;
  }

  /** A generator that goes on with the same numbers, independently. */
  clone(): Generator {
    return new Generator().setState(this.getState());
  }

  /** @internal 32 random bits as an unsigned integer. */
  draw32(): number {
    return this.engine.draw();
  }

  /** @internal 64 random bits: the first word drawn is the upper half. */
  draw64(): bigint {
    const upper = this.engine.draw();
    const lower = this.engine.draw();
    return (BigInt(upper) << 32n) | BigInt(lower);
  }

  /** @internal A multiple of 2^-24 in [0, 1), from the low 24 bits of a 32-bit draw. */
  uniform32(): number {
    return (this.engine.draw() & 0xffffff) * 2 ** -24;
  }

  /** @internal A multiple of 2^-53 in [0, 1), from the low 53 bits of a 64-bit draw. */
  uniform64(): number {
    const upper = this.engine.draw();
    const lower = this.engine.draw();
    return ((upper & 0x1fffff) * TWO_TO_32 + lower) * 2 ** -53;
  }
}

/** The generator of every draw that names none; `manualSeed` of the package seeds it. */
export const defaultGenerator: Generator = /* @__PURE__ */ Generator.unseeded();
