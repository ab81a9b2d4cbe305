import { type DTypeInfo, INT64, UINT8 } from '../dtype/dtype.ts';
import { getDefaultDtype } from '../dtype/promotion.ts';
import type { FloatDType, RealDType } from '../dtype/types.ts';
import { backend } from '../runtime/backend.ts';
import {
  defaultGenerator,
  multinomial as drawMultinomial,
  randperm as drawPermutation,
  type FloatArray,
  fillBernoulli,
  fillCauchy,
  fillExponential,
  fillGeometric,
  fillLogNormal,
  fillNormal,
  fillRandint,
  fillRandom,
  fillUniform,
  Generator,
} from '../runtime/random.ts';
import type * as S from '../scalar/expr.ts';
import { broadcastShapes } from '../shape/broadcast.ts';
import { asShape } from '../shape/reshape.ts';
import { formatShape, numel } from '../shape/shape.ts';
import { bytesOf, elementsOf, tensorOfBytes, typedArrayOf } from '../tensor/data.ts';
import { draw } from '../tensor/draw.ts';
import { IDENTITY } from '../tensor/identity.ts';
import { checkWritable, markWritten, writeInPlace } from '../tensor/inplace.ts';
import type { MapOperator } from '../tensor/map-operator.ts';
import { mode } from '../tensor/modes.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../util/errors.ts';
import { add, mul } from './arithmetic.ts';
import { emptyTensor } from './create.ts';
import { type CreateOptions, finish, splitOptions } from './creation.ts';
import { detach } from './detach.ts';
import { realFloatOnly } from './elementwise.ts';
import { callMap, described, mapOperator, optionalType, requireTensor } from './family.ts';
import { type Fill, fillContiguous, fillElements, filled } from './random-fill.ts';
import { cast } from './structural.ts';
import type {
  DrawFunction,
  DrawInto,
  LikeFunction,
  MultinomialFunction,
  NormalFunction,
  RandintFunction,
  RandintLikeFunction,
  RandpermFunction,
  UnarySame,
} from './types.ts';

/** Draws that are equal to PyTorch's CPU generator for the same seed. */

/** Options of functions that draw. */
export interface RandomOptions extends CreateOptions {
  readonly generator?: Generator | null;
}

function drawing(name: string, fill: Fill): DrawFunction {
  const f = (...args: never[]): Tensor => {
    const { shape, options } = splitOptions(name, args) as { shape: number[]; options: RandomOptions };
    return finish(name, filled(name, shape, floatType(name, options), options.generator, fill), options);
  };
  return described(name, f, {
    signature: 'size, *, dtype, device, requires_grad, generator',
    random: true,
    samples: [{ args: [[2, 3]] }, { args: [[]] }],
  });
}

function floatType(name: string, options: CreateOptions): DTypeInfo {
  const type = optionalType(options.dtype) ?? getDefaultDtype();
  realFloatOnly(type, name);
  return type;
}

/**
 * Uniform numbers from [0, 1).
 *
 * @example
 * manualSeed(0);
 * rand([2]); // tensor([0.4963, 0.7682])
 */
export const rand: DrawFunction = drawing('rand', (generator, out, options) => fillUniform(generator, out as FloatArray, 0, 1, options));

/**
 * Numbers of the standard normal distribution.
 *
 * @example
 * manualSeed(0);
 * randn([3]); // tensor([ 1.5410, -0.2934, -2.1788])
 */
export const randn: DrawFunction = drawing('randn', (generator, out, options) => fillNormal(generator, out as FloatArray, 0, 1, options));

/**
 * Whole numbers from [low, high): `randint(high, shape)` or `randint(low, high, shape)`; int64 unless `dtype` says otherwise.
 *
 * @example
 * manualSeed(0);
 * randint(10, [3]); // tensor([4, 9, 3])
 */
export const randint: RandintFunction = described(
  'randint',
  (...args: unknown[]): Tensor => {
    const options = (isOptions(args[args.length - 1]) ? args.pop() : {}) as RandomOptions;
    const numbers = args.filter((a) => a !== undefined);
    const size = numbers.pop() as readonly number[];
    if (numbers.length === 0 || numbers.length > 2) throw new ArgumentError('randint: expected (high, shape) or (low, high, shape)');
    const [low, high] = numbers.length === 1 ? [0, numbers[0]] : numbers;
    const type = optionalType(options.dtype) ?? INT64;
    const result = filled('randint', asShape('randint', [size]), type, options.generator, (generator, out, half) =>
      fillRandint(generator, out as BigInt64Array, low as number, high as number, half),
    );
    return finish('randint', result, options);
  },
  { signature: 'low?, high, size, *, dtype, device, requires_grad, generator', random: true },
);

function isOptions(x: unknown): boolean {
  return typeof x === 'object' && x !== null && x.constructor === Object;
}

/**
 * The numbers from 0 to n - 1 in random order, int64.
 *
 * @example
 * manualSeed(0);
 * randperm(4); // tensor([0, 1, 3, 2])
 */
export const randperm: RandpermFunction = described(
  'randperm',
  (n: number, options: RandomOptions = {}): Tensor => {
    if (!Number.isInteger(n) || n < 0) throw new ArgumentError(`randperm: n must be a whole number from 0 on, got ${n}`);
    const result = draw('randperm', [], [n], (_inputs, sizes) => permutations(options.generator ?? defaultGenerator, sizes));
    const type = optionalType(options.dtype) ?? INT64;
    return finish('randperm', cast(result, type), options);
  },
  { signature: 'n, *, dtype, device, requires_grad, generator', random: true },
);

/** One permutation along the last dimension for each position of the others. */
function permutations(generator: Generator, sizes: readonly number[]): Tensor {
  const result = emptyTensor(sizes, INT64);
  const n = sizes[sizes.length - 1] as number;
  fillElements<BigInt64Array>(result, (out) => {
    for (let at = 0; at < out.length; at += n) {
      const order = drawPermutation(generator, n);
      for (let i = 0; i < n; i++) out[at + i] = BigInt(order[i] as number);
    }
  });
  return result;
}

/** The draws of a size-and-dtype-like other tensor. */
function drawingLike(name: string, fill: Fill): LikeFunction<RandomOptions> {
  return described(
    name,
    (input: Tensor, options: RandomOptions = {}): Tensor => {
      const type = optionalType(options.dtype) ?? input.type;
      realFloatOnly(type, name);
      return finish(name, filled(name, input.shape, type, options.generator, fill), options);
    },
    {
      signature: 'input, *, dtype, device, requires_grad, generator',
      tensors: 1,
      random: true,
      samples: [{ args: [{ shape: [2, 3], grad: false }] }],
    },
  );
}
/**
 * Uniform numbers in the shape and dtype of `input`.
 *
 * @example
 * manualSeed(0);
 * randLike(ones([2])); // tensor([0.4963, 0.7682])
 */
export const randLike = drawingLike('randLike', (generator, out, options) => fillUniform(generator, out as FloatArray, 0, 1, options));
/**
 * Standard normal numbers in the shape and dtype of `input`.
 *
 * @example
 * manualSeed(0);
 * randnLike(ones([2])); // tensor([ 1.5410, -0.2934])
 */
export const randnLike = drawingLike('randnLike', (generator, out, options) => fillNormal(generator, out as FloatArray, 0, 1, options));

/**
 * Whole numbers from [low, high) in the shape and dtype of `input`: `randintLike(x, high)` or `randintLike(x, low, high)`.
 *
 * @example
 * manualSeed(0);
 * randintLike(ones([3]), 10); // tensor([4., 9., 3.])
 */
export const randintLike: RandintLikeFunction = described(
  'randintLike',
  (input: Tensor, ...args: unknown[]): Tensor => {
    const options = (isOptions(args[args.length - 1]) ? args.pop() : {}) as RandomOptions;
    const numbers = args.filter((a) => a !== undefined) as number[];
    const [low, high] = numbers.length === 1 ? [0, numbers[0]] : numbers;
    const type = optionalType(options.dtype) ?? input.type;
    const result = filled('randintLike', input.shape, type, options.generator, (generator, out, half) =>
      fillRandint(generator, out as BigInt64Array, low as number, high as number, half),
    );
    return finish('randintLike', result, options);
  },
  { signature: 'input, low?, high, *, dtype, device, requires_grad, generator', tensors: 1, random: true },
);

// ---------------------------------------------------------------- in place

/** Draws into a tensor. Any layout: other than row-major ones are drawn in row-major order and copied. */
function drawInto(name: string, x: Tensor, generator: Generator | null | undefined, fill: Fill): Tensor {
  requireTensor(name, 'input', x);
  if (mode.randomness !== null || mode.interpreters !== 0 || x.wrapped !== null)
    return writeInPlace(name, x, () => filled(name, x.shape, x.type, generator, fill));
  checkWritable(name, x);
  if (x.rowMajor) fillContiguous(x, generator, fill);
  else {
    const drawn = emptyTensor(x.shape, x.type);
    fillContiguous(drawn, generator, fill);
    backend().map(IDENTITY.program, x, [drawn], [], x.type);
  }
  markWritten(x, name);
  x.node = x.tracked && x.meta?.base === undefined ? null : x.node;
  return x;
}

function needsFloat(name: string, x: Tensor): void {
  realFloatOnly(x.type, name);
}

/** Which generator draws. */
export interface DrawOptions {
  readonly generator?: Generator | null;
}

/**
 * Fills `input` with uniform numbers from [from, to).
 *
 * @example
 * manualSeed(0);
 * uniform_(empty([2]), -1, 1); // tensor([-0.0075,  0.5364])
 */
export const uniform_: DrawInto<FloatDType, [from?: number, to?: number, options?: DrawOptions]> = described(
  'uniform_',
  (input: Tensor, from = 0, to = 1, options: DrawOptions = {}): Tensor => {
    needsFloat('uniform_', input);
    if (from > to) throw new ArgumentError(`uniform_: from (${from}) must not be above to (${to})`);
    return drawInto('uniform_', input, options.generator, (generator, out, half) =>
      fillUniform(generator, out as FloatArray, from, to, half),
    );
  },
  { signature: 'input, from?, to?, *, generator', random: true },
);

/**
 * Fills `input` with normal numbers.
 *
 * @example
 * manualSeed(0);
 * normal_(empty([2]), 10, 2); // tensor([13.0820,  9.4131])
 */
export const normal_: DrawInto<FloatDType, [mean?: number, std?: number, options?: DrawOptions]> = described(
  'normal_',
  (input: Tensor, mean = 0, std = 1, options: DrawOptions = {}): Tensor => {
    needsFloat('normal_', input);
    if (!(std >= 0)) throw new ArgumentError(`normal_: std must not be negative, got ${std}`);
    return drawInto('normal_', input, options.generator, (generator, out, half) =>
      fillNormal(generator, out as FloatArray, mean, std, half),
    );
  },
  { signature: 'input, mean?, std?, *, generator', random: true },
);

/**
 * Fills `input` with ones of probability `p` (one number, or a tensor of them) and zeros.
 *
 * @example
 * manualSeed(0);
 * bernoulli_(empty([4]), 0.5); // tensor([0., 0., 1., 0.])
 */
export const bernoulli_: DrawInto<RealDType, [p?: number | Tensor, options?: DrawOptions]> = described(
  'bernoulli_',
  (input: Tensor, p: number | Tensor = 0.5, options: DrawOptions = {}): Tensor => {
    if (typeof p !== 'number' && (mode.randomness !== null || input.wrapped !== null))
      return writeInPlace('bernoulli_', input, () => bernoulliOf(cast(p, input.type), null, options.generator));
    const probabilities = typeof p === 'number' ? p : (typedArrayOf(p) as FloatArray);
    return drawInto('bernoulli_', input, options.generator, (generator, out) =>
      fillBernoulli(generator, out as Float32Array, probabilities),
    );
  },
  { signature: 'input, p?, *, generator', random: true },
);

/**
 * Fills `input` with exponentially distributed numbers of rate `lambd`.
 *
 * @example
 * manualSeed(0);
 * exponential_(empty([2])); // tensor([3.5083, 1.2304])
 */
export const exponential_: DrawInto<FloatDType, [lambd?: number, options?: DrawOptions]> = described(
  'exponential_',
  (input: Tensor, lambd = 1, options: DrawOptions = {}): Tensor => {
    needsFloat('exponential_', input);
    if (!(lambd > 0)) throw new ArgumentError(`exponential_: lambd must be above 0, got ${lambd}`);
    return drawInto('exponential_', input, options.generator, (generator, out, half) =>
      fillExponential(generator, out as FloatArray, lambd, half),
    );
  },
  { signature: 'input, lambd?, *, generator', random: true },
);

/**
 * Fills `input` with numbers of the Cauchy distribution.
 *
 * @example
 * manualSeed(0);
 * cauchy_(empty([2])); // tensor([10.5977,  0.7648])
 */
export const cauchy_: DrawInto<FloatDType, [median?: number, sigma?: number, options?: DrawOptions]> = described(
  'cauchy_',
  (input: Tensor, median = 0, sigma = 1, options: DrawOptions = {}): Tensor => {
    needsFloat('cauchy_', input);
    if (!(sigma > 0)) throw new ArgumentError(`cauchy_: sigma must be above 0, got ${sigma}`);
    return drawInto('cauchy_', input, options.generator, (generator, out, half) =>
      fillCauchy(generator, out as FloatArray, median, sigma, half),
    );
  },
  { signature: 'input, median?, sigma?, *, generator', random: true },
);

/**
 * Fills `input` with numbers whose logarithm is normal.
 *
 * @example
 * manualSeed(0);
 * logNormal_(empty([2])); // tensor([59.2634,  1.5116])
 */
export const logNormal_: DrawInto<FloatDType, [mean?: number, std?: number, options?: DrawOptions]> = described(
  'logNormal_',
  (input: Tensor, mean = 1, std = 2, options: DrawOptions = {}): Tensor => {
    needsFloat('logNormal_', input);
    if (!(std > 0)) throw new ArgumentError(`logNormal_: std must be above 0, got ${std}`);
    return drawInto('logNormal_', input, options.generator, (generator, out, half) =>
      fillLogNormal(generator, out as FloatArray, mean, std, half),
    );
  },
  { signature: 'input, mean?, std?, *, generator', random: true },
);

/**
 * Fills `input` with the number of trials up to the first success of probability `p`.
 *
 * @example
 * manualSeed(0);
 * geometric_(empty([3]), 0.5); // tensor([1., 1., 2.])
 */
export const geometric_: DrawInto<RealDType, [p: number, options?: DrawOptions]> = described(
  'geometric_',
  (input: Tensor, p: number, options: DrawOptions = {}): Tensor => {
    if (!(p > 0 && p < 1)) throw new ArgumentError(`geometric_: p must lie between 0 and 1, got ${p}`);
    return drawInto('geometric_', input, options.generator, (generator, out, half) =>
      fillGeometric(generator, out as Float32Array, p, half),
    );
  },
  { signature: 'input, p, *, generator', random: true },
);

/**
 * Fills `input` with whole numbers from [from, to), or all that its dtype holds.
 *
 * @example
 * manualSeed(0);
 * random_(empty([3], { dtype: 'int64' }), 0, 10); // tensor([4, 9, 3])
 */
export const random_: DrawInto<RealDType, [from?: number | null, to?: number | null, options?: DrawOptions]> = described(
  'random_',
  (input: Tensor, from?: number | null, to?: number | null, options: DrawOptions = {}): Tensor =>
    drawInto('random_', input, options.generator, (generator, out, half) => {
      if (from === undefined || from === null) return fillRandom(generator, out as Float32Array, half);
      return to === undefined || to === null
        ? fillRandint(generator, out as Float32Array, 0, from, half)
        : fillRandint(generator, out as Float32Array, from, to, half);
    }),
  { signature: 'input, from?, to?, *, generator', random: true },
);

/** Ones with probability `p`, or with those in `input`, in the shape and dtype of `input`. */
function bernoulliOf(input: Tensor, p: number | null, generator: Generator | null | undefined): Tensor {
  return draw('bernoulli', p === null ? [input] : [], input.shape, ([given], sizes) => {
    const result = emptyTensor(sizes, input.type);
    const probabilities = given === undefined ? (p as number) : (typedArrayOf(given) as FloatArray);
    fillContiguous(result, generator, (source, out) => fillBernoulli(source, out as Float32Array, probabilities));
    return result;
  });
}

/**
 * A draw, recorded as made from its parameters: derivatives with respect to them are zero, as PyTorch has it. To differentiate through a draw, draw from
 * numbers and scale: `mean + std * randn`.
 */
function drawnFrom(name: string): (drawn: Tensor, ...parameters: readonly Tensor[]) => Tensor {
  const operators = [1, 2].map((count) => mapOperator(name, 1 + count, 0, ([drawn]) => drawn as S.Expr));
  return (drawn, ...parameters) =>
    parameters.length === 0 ? drawn : callMap(operators[parameters.length - 1] as MapOperator, [drawn, ...parameters], [], drawn.type);
}

function detached<T extends NormalParameter>(parameter: T): T {
  return isTensor(parameter) ? (detach(parameter) as T) : parameter;
}

const drawnBernoulli = drawnFrom('bernoulli');
const drawnNormal = drawnFrom('normal');

/**
 * Zeros and ones: each element of `input` is the probability of a one, or `p` is that of all. The derivative is zero.
 *
 * @example
 * bernoulli(tensor([0, 1])); // tensor([0., 1.])
 */
export const bernoulli: UnarySame<RealDType, [p?: number | null, options?: DrawOptions]> = described(
  'bernoulli',
  (input: Tensor, p?: number | null, options: DrawOptions = {}): Tensor => {
    if (p === undefined || p === null) needsFloat('bernoulli', input);
    const drawn = bernoulliOf(input, p ?? null, options.generator);
    return p === undefined || p === null ? drawnBernoulli(drawn, input) : drawn;
  },
  { signature: 'input, p?, *, generator', tensors: 1, random: true },
);

/**
 * Indices drawn with the weights in `input` (one or two dimensions), `numSamples` from each row.
 *
 * @example
 * multinomial(tensor([0, 1, 0]), 1); // tensor([1])
 */
export const multinomial: MultinomialFunction<
  [replacement?: boolean | ({ readonly replacement?: boolean } & DrawOptions), options?: DrawOptions]
> = described(
  'multinomial',
  (
    input: Tensor,
    numSamples: number,
    replacement: boolean | ({ readonly replacement?: boolean } & DrawOptions) = false,
    options: DrawOptions = {},
  ): Tensor => {
    needsFloat('multinomial', input);
    if (input.ndim < 1 || input.ndim > 2) throw new ShapeError(`multinomial: needs 1 or 2 dimensions, got ${formatShape(input.shape)}`);
    const withReplacement = typeof replacement === 'boolean' ? replacement : (replacement.replacement ?? false);
    const generator = (typeof replacement === 'boolean' ? options.generator : replacement.generator) ?? defaultGenerator;
    return draw('multinomial', [input], input.shape, ([weights], sizes) => {
      const outer = sizes.slice(0, -1);
      const categories = sizes[sizes.length - 1] as number;
      const drawn = drawMultinomial(generator, typedArrayOf(weights as Tensor) as FloatArray, numel(outer), categories, numSamples, {
        replacement: withReplacement,
      });
      const result = emptyTensor([...outer, numSamples], INT64);
      fillElements<BigInt64Array>(result, (out) => {
        for (let i = 0; i < out.length; i++) out[i] = drawn[i] as bigint;
      });
      return result;
    });
  },
  { signature: 'input, num_samples, replacement?, *, generator', tensors: 1, random: true },
);

/** Under vmap a tensor has no values to look at. */
function hasNegative(deviation: Tensor): boolean {
  return deviation.wrapped === null && elementsOf(deviation).some((s) => !((s as number) >= 0));
}

/** Parameters of a normal draw as tensors or numbers. */
type NormalParameter = number | Tensor;

/**
 * Normal numbers: `normal(mean, std, size)` for numbers, or one draw for each element of `mean` and `std` where either is a tensor. The derivative with
 * respect to both is zero, as in PyTorch; `mean + std * randn` has one.
 *
 * @example
 * normal(zeros([2]), 0); // tensor([0., 0.])
 */
export const normal: NormalFunction = described(
  'normal',
  (
    mean: NormalParameter,
    std: NormalParameter | readonly number[] = 1,
    size?: readonly number[] | null | RandomOptions,
    options: RandomOptions = {},
  ): Tensor => {
    if (Array.isArray(std)) return normal(mean, 1, std as readonly number[], options);
    const given = (isOptions(size) ? size : options) as RandomOptions;
    const deviation = std as NormalParameter;
    if (typeof deviation === 'number' ? !(deviation >= 0) : hasNegative(deviation)) {
      throw new ArgumentError('normal: std must not be negative');
    }
    if (typeof mean === 'number' && typeof deviation === 'number') {
      if (!Array.isArray(size)) throw new ArgumentError('normal: two numbers need a size');
      const result = filled('normal', asShape('normal', [size]), floatType('normal', given), given.generator, (generator, out, half) =>
        fillNormal(generator, out as FloatArray, mean, deviation, half),
      );
      return finish('normal', result, given);
    }
    const like = (typeof mean === 'number' ? deviation : mean) as Tensor;
    const shape =
      typeof mean === 'number' || typeof deviation === 'number' ? like.shape : broadcastShapes('normal', mean.shape, deviation.shape);
    const drawn = filled('normal', shape, like.type, given.generator, (generator, out, half) =>
      fillNormal(generator, out as FloatArray, 0, 1, half),
    );
    const result = add(mul(drawn, detached(deviation)), detached(mean));
    return drawnNormal(result, ...[mean, deviation].filter(isTensor).map((parameter) => cast(parameter, result.type)));
  },
  { signature: 'mean, std?, size?, *, dtype, device, requires_grad, generator', random: true },
);

/**
 * Seeds the default generator, and returns it; the same seed gives the numbers that PyTorch gives.
 *
 * @example
 * manualSeed(0);
 * rand([2]); // tensor([0.4963, 0.7682])
 */
export function manualSeed(seed: number | bigint): Generator {
  return defaultGenerator.manualSeed(seed);
}

/**
 * The seed that the default generator started from.
 *
 * @example
 * manualSeed(7);
 * initialSeed(); // 7n
 */
export function initialSeed(): bigint {
  return defaultGenerator.initialSeed();
}

/**
 * Starts the default generator over from a seed that the platform gives, and returns that.
 *
 * @example
 * typeof seed(); // 'bigint'
 */
export function seed(): bigint {
  return defaultGenerator.seed();
}

/**
 * The state of the default generator, in PyTorch's layout: 5056 bytes.
 *
 * @example
 * const state = getRngState();
 * const first = rand([2]);
 * setRngState(state);
 * equal(rand([2]), first); // true
 */
export function getRngState(): Tensor {
  const state = defaultGenerator.getState();
  return tensorOfBytes(state, [state.length], UINT8);
}

/**
 * Sets the state of the default generator. Throws ArgumentError for what is none, with nothing changed.
 *
 * @example
 * setRngState(getRngState());
 */
export function setRngState(state: Tensor): void {
  requireTensor('setRngState', 'state', state);
  if (state.type !== UINT8) throw new DTypeError(`setRngState: a state has dtype uint8, got ${state.dtype}`);
  defaultGenerator.setState(bytesOf(state, 'setRngState'));
}

/**
 * Runs `body`, and lets the default generator go on afterwards as if nothing had been drawn inside.
 *
 * @example
 * manualSeed(0);
 * forkRng(() => rand([100]));
 * rand([2]); // tensor([0.4963, 0.7682])
 */
export function forkRng<R>(body: () => R): R {
  const state = defaultGenerator.getState();
  try {
    const result = body();
    if (result instanceof Promise)
      throw new ArgumentError('forkRng: the function must be synchronous, since the state is set back when it returns');
    return result;
  } finally {
    defaultGenerator.setState(state);
  }
}

export { defaultGenerator, Generator };
