import { FLOAT64 } from '../dtype/dtype.ts';
import { mul, sub } from '../ops/arithmetic.ts';
import { gt, logicalOr, lt } from '../ops/comparison.ts';
import { emptyTensor, fillTensor } from '../ops/create.ts';
import { div } from '../ops/division.ts';
import { log } from '../ops/exponential.ts';
import { pow } from '../ops/power.ts';
import { normal_ as drawNormal, uniform_ as drawUniform } from '../ops/random.ts';
import { any } from '../ops/statistics.ts';
import { clone } from '../ops/structural.ts';
import { where } from '../ops/where.ts';
import { defaultGenerator, randperm } from '../runtime/random.ts';
import { erf } from '../scalar/special.ts';
import { formatShape } from '../shape/shape.ts';
import { elementsOf, tensorOfElements } from '../tensor/data.ts';
import { markWritten } from '../tensor/inplace.ts';
import { withGradMode } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../util/errors.ts';
import { copyInto } from './copy.ts';
import { orthonormalColumns } from './householder.ts';

/** Ways to initialise parameters, in place and without a trace on the tape; each returns its tensor. */

/**
 * Fills with uniform numbers from [a, b).
 *
 * @example
 * manualSeed(0);
 * nn.init.uniform_(empty([2]), 0, 1); // tensor([0.4963, 0.7682])
 */
export function uniform_(tensor: Tensor, a = 0, b = 1): Tensor {
  return withGradMode(false, () => drawUniform(tensor, a, b));
}

/**
 * Fills with normal numbers.
 *
 * @example
 * manualSeed(0);
 * nn.init.normal_(empty([2]), 0, 0.01); // tensor([ 0.0154, -0.0029])
 */
export function normal_(tensor: Tensor, mean = 0, std = 1): Tensor {
  return withGradMode(false, () => drawNormal(tensor, mean, std));
}

/**
 * Fills with one value.
 *
 * @example
 * nn.init.constant_(empty([2]), 0.5); // tensor([0.5000, 0.5000])
 */
export function constant_(tensor: Tensor, value: number): Tensor {
  fillTensor(tensor, value);
  markWritten(tensor, 'fill_');
  return tensor;
}

/**
 * Fills with zeros.
 *
 * @example
 * nn.init.zeros_(empty([2])); // tensor([0., 0.])
 */
export function zeros_(tensor: Tensor): Tensor {
  return constant_(tensor, 0);
}

/**
 * Fills with ones.
 *
 * @example
 * nn.init.ones_(empty([2])); // tensor([1., 1.])
 */
export function ones_(tensor: Tensor): Tensor {
  return constant_(tensor, 1);
}

/**
 * The recommended factor of a weight's standard deviation before a nonlinearity.
 *
 * @example
 * nn.init.calculateGain('relu'); // 1.4142135623730951
 */
export function calculateGain(nonlinearity: string, param: number | null = null): number {
  switch (nonlinearity) {
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.sqrt(2);
    case 'leakyRelu':
    case 'leaky_relu':
      return Math.sqrt(2 / (1 + (param ?? 0.01) ** 2));
    case 'selu':
      return 3 / 4;
    case 'linear':
    case 'sigmoid':
    case 'conv1d':
    case 'conv2d':
    case 'conv3d':
      return 1;
    default:
      throw new ArgumentError(`calculateGain: unknown nonlinearity '${nonlinearity}'`);
  }
}

/**
 * How many inputs and outputs one unit of a weight has: sizes beyond the first two are the receptive field.
 *
 * @example
 * nn.init.calculateFans(empty([5, 3])).fanIn; // 3
 */
export function calculateFans(tensor: Tensor): { fanIn: number; fanOut: number } {
  if (tensor.ndim < 2) throw new ShapeError(`init: fan in and fan out need at least 2 dimensions, got ${formatShape(tensor.shape)}`);
  const field = tensor.shape.slice(2).reduce((a, b) => a * b, 1);
  return { fanIn: (tensor.shape[1] as number) * field, fanOut: (tensor.shape[0] as number) * field };
}

/** What He initialisation depends on: which fan, and the nonlinearity that follows. */
export interface KaimingOptions {
  /** Slope of the leaky rectifier that follows. */
  readonly a?: number;
  readonly mode?: 'fan_in' | 'fan_out';
  readonly nonlinearity?: string;
}

function kaimingStd(tensor: Tensor, { a = 0, mode = 'fan_in', nonlinearity = 'leaky_relu' }: KaimingOptions): number {
  const { fanIn, fanOut } = calculateFans(tensor);
  return calculateGain(nonlinearity, a) / Math.sqrt(mode === 'fan_in' ? fanIn : fanOut);
}

/**
 * He initialisation, uniform (He et al., "Delving deep into rectifiers", 2015).
 *
 * @example
 * manualSeed(0);
 * nn.init.kaimingUniform_(empty([2, 2]), { nonlinearity: 'relu' }); // tensor([[-0.0130,  0.9291], [-1.4256, -1.2747]])
 */
export function kaimingUniform_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  // Without elements there is nothing to draw, and no fan to divide by.
  if (tensor.size === 0) return tensor;
  const bound = Math.sqrt(3) * kaimingStd(tensor, options);
  return uniform_(tensor, -bound, bound);
}

/**
 * He initialisation, normal.
 *
 * @example
 * manualSeed(0);
 * nn.init.kaimingNormal_(empty([2, 2]), { nonlinearity: 'relu' }); // tensor([[ 1.5410, -0.2934], [-2.1788,  0.5684]])
 */
export function kaimingNormal_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  if (tensor.size === 0) return tensor;
  return normal_(tensor, 0, kaimingStd(tensor, options));
}

/**
 * Glorot initialisation, uniform (Glorot and Bengio, 2010).
 *
 * @example
 * manualSeed(0);
 * nn.init.xavierUniform_(empty([2, 2])); // tensor([[-0.0092,  0.6570], [-1.0080, -0.9013]])
 */
export function xavierUniform_(tensor: Tensor, { gain = 1 }: { readonly gain?: number } = {}): Tensor {
  const { fanIn, fanOut } = calculateFans(tensor);
  const bound = Math.sqrt(3) * gain * Math.sqrt(2 / (fanIn + fanOut));
  return uniform_(tensor, -bound, bound);
}

/**
 * Glorot initialisation, normal.
 *
 * @example
 * manualSeed(0);
 * nn.init.xavierNormal_(empty([2, 2])); // tensor([[ 1.0896, -0.2075], [-1.5406,  0.4019]])
 */
export function xavierNormal_(tensor: Tensor, { gain = 1 }: { readonly gain?: number } = {}): Tensor {
  const { fanIn, fanOut } = calculateFans(tensor);
  return normal_(tensor, 0, gain * Math.sqrt(2 / (fanIn + fanOut)));
}

/** The distribution, and the interval that it is cut to. */
export interface TruncatedOptions {
  readonly mean?: number;
  readonly std?: number;
  /** The smallest value. Default -2. */
  readonly a?: number;
  /** The largest value. Default 2. */
  readonly b?: number;
}

/**
 * Fills with normal numbers, those outside [a, b] drawn again. Draws what PyTorch draws: whole tensors of candidates, until all elements are accepted;
 * where the interval holds little of the distribution, uniform candidates accepted with the probability of their density.
 *
 * @example
 * manualSeed(0);
 * nn.init.truncNormal_(empty([3]), { std: 0.02 }); // tensor([ 0.0308, -0.0059, -0.0436])
 */
export function truncNormal_(tensor: Tensor, options: TruncatedOptions = {}): Tensor {
  const { mean = 0, std = 1, a = -2, b = 2 } = options;
  const below = (x: number): number => (1 + erf((x - mean) / std / Math.SQRT2)) / 2;
  return withGradMode(false, () => {
    if (below(b) - below(a) > 0.3) redrawNormal(tensor, mean, std, a, b);
    else rejectUniform(tensor, mean, std, a, b);
    return tensor;
  });
}

function redrawNormal(tensor: Tensor, mean: number, std: number, a: number, b: number): void {
  let result = drawNormal(tensor, mean, std);
  for (;;) {
    const outside = logicalOr(lt(result, a), gt(result, b));
    if (!isTrue(any(outside))) break;
    result = where(outside, drawNormal(emptyTensor(tensor.shape, tensor.type), mean, std), result);
  }
  if (result !== tensor) copyInto(tensor, result);
}

function rejectUniform(tensor: Tensor, mean: number, std: number, a: number, b: number): void {
  const peak = -0.5 * ((Math.max(a, Math.min(mean, b)) - mean) / std) ** 2;
  const candidates = emptyTensor(tensor.shape, tensor.type);
  const chance = emptyTensor(tensor.shape, tensor.type);
  const rejected = (): Tensor => {
    const density = sub(mul(pow(div(sub(candidates, mean), std), 2), -0.5), peak);
    return gt(log(drawUniform(chance)), density);
  };
  let result = clone(drawUniform(candidates, a, b));
  let pending = rejected();
  while (isTrue(any(pending))) {
    drawUniform(candidates, a, b);
    result = where(pending, candidates, result);
    pending = where(pending, rejected(), pending);
  }
  copyInto(tensor, result);
}

function isTrue(x: Tensor): boolean {
  return elementsOf(x)[0] === true;
}

function requireMatrix(name: string, tensor: Tensor): readonly [rows: number, columns: number] {
  if (tensor.ndim !== 2) throw new ShapeError(`${name}: the tensor must have 2 dimensions, got ${formatShape(tensor.shape)}`);
  return [tensor.shape[0] as number, tensor.shape[1] as number];
}

/**
 * Fills with a matrix whose rows or columns, whichever are fewer, are orthonormal, times `gain`; dimensions after the first count as one. Uniformly
 * distributed: the orthonormal factor of a normal matrix, its signs fixed (Saxe et al., 2014; Mezzadri, "How to generate random matrices from the
 * classical compact groups", 2007). Throws ShapeError for fewer than 2 dimensions.
 *
 * @example
 * const w = nn.init.orthogonal_(empty([2, 3]));
 * w.matmul(w.t()); // the identity, up to rounding
 */
export function orthogonal_(tensor: Tensor, { gain = 1 }: { readonly gain?: number } = {}): Tensor {
  if (tensor.ndim < 2) throw new ShapeError(`orthogonal_: the tensor must have at least 2 dimensions, got ${formatShape(tensor.shape)}`);
  if (tensor.size === 0) return tensor;
  const rows = tensor.shape[0] as number;
  const columns = tensor.size / rows;
  const drawn = Float64Array.from(elementsOf(drawNormal(emptyTensor([rows, columns], tensor.type), 0, 1)) as number[]);
  const wide = rows < columns;
  const q = orthonormalColumns(wide ? transposed(drawn, rows, columns) : drawn, Math.max(rows, columns), Math.min(rows, columns));
  const values = wide ? transposed(q, columns, rows) : q;
  return setElements(
    tensor,
    values.map((x) => x * gain),
  );
}

function transposed(x: Float64Array, rows: number, columns: number): Float64Array {
  return Float64Array.from(x, (_, k) => x[(k % rows) * columns + Math.floor(k / rows)] as number);
}

/** Overwrites a tensor with numbers in row-major order. */
function setElements(tensor: Tensor, values: Float64Array): Tensor {
  copyInto(tensor, tensorOfElements(Array.from(values), tensor.shape, FLOAT64));
  return tensor;
}

/**
 * Fills a matrix with normal numbers of deviation `std` (default 0.01), and sets a share `sparsity` of each column to 0 (Martens, "Deep learning via
 * Hessian-free optimization", 2010).
 *
 * @example
 * nn.init.sparse_(empty([4, 2]), { sparsity: 0.5 }).eq(0).sum(0); // tensor([2, 2])
 */
export function sparse_(tensor: Tensor, { sparsity, std = 0.01 }: { readonly sparsity: number; readonly std?: number }): Tensor {
  const [rows, columns] = requireMatrix('sparse_', tensor);
  if (!(sparsity >= 0 && sparsity <= 1)) throw new ArgumentError(`sparse_: sparsity is a share from 0 to 1, got ${sparsity}`);
  const values = Float64Array.from(elementsOf(normal_(tensor, 0, std)) as number[]);
  const zeros = Math.ceil(sparsity * rows);
  for (let column = 0; column < columns; column++) {
    for (const row of Array.from(randperm(defaultGenerator, rows)).slice(0, zeros)) values[row * columns + column] = 0;
  }
  return setElements(tensor, values);
}

/**
 * Fills a matrix with the identity, cut off or padded with zeros.
 *
 * @example
 * nn.init.eye_(empty([2, 3])); // tensor([[1., 0., 0.], [0., 1., 0.]])
 */
export function eye_(tensor: Tensor): Tensor {
  const [rows, columns] = requireMatrix('eye_', tensor);
  const values = new Float64Array(rows * columns);
  for (let i = 0; i < Math.min(rows, columns); i++) values[i * columns + i] = 1;
  return setElements(tensor, values);
}

/**
 * Fills a convolution's weight so that it passes on its channels unchanged: 1 at the centre of the kernel from each channel to itself, in each of
 * `groups`. Throws ShapeError for other than 3 to 5 dimensions, ArgumentError where the groups do not divide the first.
 *
 * @example
 * nn.init.dirac_(empty([2, 2, 3])); // tensor([[[0., 1., 0.], [0., 0., 0.]], [[0., 0., 0.], [0., 1., 0.]]])
 */
export function dirac_(tensor: Tensor, { groups = 1 }: { readonly groups?: number } = {}): Tensor {
  if (tensor.ndim < 3 || tensor.ndim > 5)
    throw new ShapeError(`dirac_: the tensor must have 3, 4 or 5 dimensions, got ${formatShape(tensor.shape)}`);
  const [outputs, inputs, ...kernel] = tensor.shape as [number, number, ...number[]];
  if (!Number.isInteger(groups) || groups < 1 || outputs % groups !== 0)
    throw new ArgumentError(`dirac_: ${groups} groups do not divide the first size, ${outputs}`);
  const field = kernel.reduce((n, size) => n * size, 1);
  const centre = kernel.reduce((at, size) => at * size + Math.floor(size / 2), 0);
  const values = new Float64Array(tensor.size);
  const each = outputs / groups;
  for (let output = 0; output < outputs; output++) {
    const channel = output % each;
    if (channel < inputs && field > 0) values[(output * inputs + channel) * field + centre] = 1;
  }
  return setElements(tensor, values);
}
