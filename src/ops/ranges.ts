import { type DTypeInfo, INT64 } from '../dtype/dtype.ts';
import { getDefaultDtype } from '../dtype/promotion.ts';
import { t } from '../op/contract.ts';
import { asShape } from '../shape/reshape.ts';
import { contiguousStrides, formatShape, numel } from '../shape/shape.ts';
import { elementsOf, tensorOfElements } from '../tensor/data.ts';
import { describeValue } from '../tensor/messages.ts';
import { isTensor, type Tensor, viewOf } from '../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../util/errors.ts';
import { requireWhole } from '../util/whole.ts';
import { emptyTensor, fillTensor, fullTensor } from './create.ts';
import { type CreateOptions, filledTensor, finish } from './creation.ts';
import { described, optionalType, type Scalar } from './family.ts';
import type {
  ArangeFunction,
  EyeFunction,
  FullLikeFunction,
  LikeFunction,
  LinspaceFunction,
  LogspaceFunction,
  NewFullFunction,
  NewFunction,
  NewStridedFunction,
  ScalarTensorFunction,
  StridedFunction,
} from './types.ts';

/** Tensors made of a rule rather than of data. */

type Bound = Scalar | Tensor;

function boundOf(name: string, role: string, value: Bound): number {
  if (!isTensor(value)) {
    if (!['number', 'boolean', 'bigint'].includes(typeof value))
      throw new ArgumentError(`${name}: ${role} must be a number, got ${describeValue(value)}`);
    return Number(value);
  }
  if (value.ndim !== 0) throw new ShapeError(`${name}: ${role} must be a number or a 0-d tensor, got shape ${formatShape(value.shape)}`);
  return Number(elementsOf(value)[0]);
}

function fillWith(shape: readonly number[], type: DTypeInfo, value: (i: number) => number): Tensor {
  const values = Array.from({ length: numel(shape) }, (_, i) => value(i));
  return tensorOfElements(values, shape, type);
}

/** The range in a dtype. Integers count from the whole part of `low` by that of `by`; only in int64 does their number follow from the whole parts too. */
function ranged(low: number, high: number, by: number, type: DTypeInfo): Tensor {
  if (type.isFloat || type.isComplex) return fillWith([Math.ceil((high - low) / by)], type, (i) => low + i * by);
  const [start, end, step] = [low, high, by].map(Math.trunc) as [number, number, number];
  if (type === INT64 && step === 0) throw new ArgumentError(`arange: step ${by} is 0 in int64`);
  const count = type === INT64 ? (end - start) / step : (high - low) / by;
  return fillWith([Math.max(0, Math.ceil(count))], type, (i) => start + i * step);
}

/**
 * The numbers from `start` (0 if only one bound is given) up to, not including, `end`, `step` apart: `arange(end)`, `arange(start, end)`,
 * `arange(start, end, step)`. Whole numbers give int64, others the default float. Throws ArgumentError for a step that leads away from `end`.
 *
 * @example
 * arange(1, 7, 2); // tensor([1, 3, 5])
 */
export const arange: ArangeFunction = described(
  'arange',
  (...args: (Scalar | null | CreateOptions)[]): Tensor => {
    const options = (isOptions(args[args.length - 1]) ? args.pop() : {}) as CreateOptions & { end?: Scalar };
    const numbers = args.filter((a) => a !== undefined && a !== null) as Scalar[];
    if (numbers.length === 0 || numbers.length > 3) throw new ArgumentError('arange: expected (end), (start, end) or (start, end, step)');
    const [start, end, step] =
      numbers.length === 1 ? [0, numbers[0] as Scalar, 1] : [numbers[0] as Scalar, numbers[1] as Scalar, numbers[2] ?? 1];
    const [low, high, by] = [start, end, step].map((x) => Number(x)) as [number, number, number];
    if (by === 0 || !Number.isFinite(low) || !Number.isFinite(high) || !Number.isFinite(by))
      throw new ArgumentError(`arange: start, end and step must be finite and step not 0, got ${low}, ${high}, ${by}`);
    if ((by > 0 && low > high) || (by < 0 && low < high)) throw new ArgumentError(`arange: step ${by} leads from ${low} away from ${high}`);
    const whole = [low, high, by].every(Number.isInteger);
    const type = optionalType(options.dtype) ?? (whole ? INT64 : getDefaultDtype());
    return finish('arange', ranged(low, high, by, type), options);
  },
  {
    signature: 'start?, end, step?, *, dtype, device, requires_grad',
    samples: [{ args: [5] }, { args: [1, 7, 2] }, { args: [0, 1, 0.25] }, { args: [-0.9, 2.1, 2, { dtype: 'int64' }] }],
    bad: [
      { args: [0, 3, -1], error: /away/ },
      { args: [0, 3, 0.5, { dtype: 'int64' }], error: /is 0 in int64/ },
    ],
  },
);

function isOptions(x: unknown): boolean {
  return typeof x === 'object' && x !== null && x.constructor === Object;
}

/** Values spaced evenly from both ends, so that both ends are exact. */
function evenly(start: number, end: number, steps: number, type: DTypeInfo): (i: number) => number {
  const by = steps > 1 ? (type.isFloat || type.isComplex ? end - start : Math.trunc(end) - Math.trunc(start)) / (steps - 1) : 0;
  const [low, high] = type.isFloat || type.isComplex ? [start, end] : [Math.trunc(start), Math.trunc(end)];
  return (i) => (i < steps / 2 ? low + by * i : high - by * (steps - 1 - i));
}

function checkSteps(name: string, steps: number): void {
  requireWhole(name, 'steps', steps, 0);
}

/**
 * `steps` numbers from `start` to `end`, both included, evenly spaced.
 *
 * @example
 * linspace(0, 1, 3); // tensor([0.0000, 0.5000, 1.0000])
 */
export const linspace: LinspaceFunction = described(
  'linspace',
  (start: Bound, end: Bound, steps: number, options: CreateOptions = {}): Tensor => {
    const [low, high] = [boundOf('linspace', 'start', start), boundOf('linspace', 'end', end)];
    checkSteps('linspace', steps);
    const type = optionalType(options.dtype) ?? getDefaultDtype();
    return finish('linspace', fillWith([steps], type, steps === 1 ? () => low : evenly(low, high, steps, type)), options);
  },
  {
    signature: 'start, end, steps, *, dtype, device, requires_grad',
    samples: [{ args: [0, 1, 5] }, { args: [3, -2, 4] }],
    bad: [{ args: [0, 1, -1], error: /steps/ }],
  },
);

/**
 * `steps` powers of `base` with exponents evenly spaced from `start` to `end`.
 *
 * @example
 * logspace(0, 2, 3); // tensor([  1.,  10., 100.])
 */
export const logspace: LogspaceFunction = described(
  'logspace',
  (
    start: Bound,
    end: Bound,
    steps: number,
    base: number | CreateOptions = 10,
    options: CreateOptions & { readonly base?: number } = {},
  ): Tensor => {
    const given = typeof base === 'number' ? { ...options, base } : { base: 10, ...base };
    const [low, high] = [boundOf('logspace', 'start', start), boundOf('logspace', 'end', end)];
    checkSteps('logspace', steps);
    const type = optionalType(given.dtype) ?? getDefaultDtype();
    const exponent = steps === 1 ? () => low : evenly(low, high, steps, type);
    return finish(
      'logspace',
      fillWith([steps], type, (i) => given.base ** exponent(i)),
      given,
    );
  },
  {
    signature: 'start, end, steps, base?, *, dtype, device, requires_grad',
    samples: [{ args: [0, 2, 3] }, { args: [0, 3, 4, 2] }],
    bad: [{ args: [0, 1, -1], error: /steps/ }],
  },
);

/**
 * A matrix with ones on its diagonal.
 *
 * @example
 * eye(2); // tensor([[1., 0.], [0., 1.]])
 */
export const eye: EyeFunction = described(
  'eye',
  (n: number, m?: number | null | CreateOptions, options?: CreateOptions): Tensor => {
    const given = (isOptions(m) ? m : (options ?? {})) as CreateOptions;
    const columns = typeof m === 'number' ? m : n;
    for (const size of [n, columns])
      if (!Number.isInteger(size) || size < 0)
        throw new ArgumentError(`eye: sizes must be whole numbers from 0 on, got ${n} and ${columns}`);
    const result = fullTensor([n, columns], 0, optionalType(given.dtype) ?? getDefaultDtype());
    const diagonal = Math.min(n, columns);
    if (diagonal > 0) fillTensor(viewOf(result, [diagonal], [columns + 1], 0), 1);
    return finish('eye', result, given);
  },
  {
    signature: 'n, m?, *, dtype, device, requires_grad',
    samples: [{ args: [3] }, { args: [2, 4] }],
    bad: [{ args: [-1], error: /sizes/ }],
  },
);

/**
 * One number as a 0-d tensor.
 *
 * @example
 * scalarTensor(0.5); // tensor(0.5000)
 */
export const scalarTensor: ScalarTensorFunction = described(
  'scalarTensor',
  (s: Scalar, options: CreateOptions = {}): Tensor =>
    finish('scalarTensor', filledTensor('scalarTensor', [], s, optionalType(options.dtype) ?? getDefaultDtype()), options),
  { signature: 's, *, dtype, device, requires_grad', samples: [{ args: [3] }] },
);

// ---------------------------------------------------------------- like another tensor

function likeNamed(name: string, make: (shape: readonly number[], type: DTypeInfo) => Tensor, random = false): LikeFunction {
  return described(
    name,
    (input: Tensor, options: CreateOptions = {}): Tensor => {
      return finish(name, make(input.shape, optionalType(options.dtype) ?? input.type), options);
    },
    { signature: 'input, *, dtype, device, requires_grad', tensors: 1, random, samples: [{ args: [t([2, 3], { grad: false })] }] },
  );
}
/**
 * Zeros in the shape and dtype of `input`.
 *
 * @example
 * zerosLike(tensor([1, 2])); // tensor([0., 0.])
 */
export const zerosLike = likeNamed('zerosLike', (shape, type) => fullTensor(shape, 0, type));
/**
 * Ones in the shape and dtype of `input`.
 *
 * @example
 * onesLike(tensor([1n, 2n])); // tensor([1, 1])
 */
export const onesLike = likeNamed('onesLike', (shape, type) => fullTensor(shape, 1, type));
/**
 * Whatever was in memory, in the shape and dtype of `input`.
 *
 * @example
 * emptyLike(ones([2, 3])).shape; // [2, 3]
 */
export const emptyLike = likeNamed('emptyLike', emptyTensor, true);

/**
 * One value in the shape and dtype of `input`.
 *
 * @example
 * fullLike(ones([2]), 7); // tensor([7., 7.])
 */
export const fullLike: FullLikeFunction = described(
  'fullLike',
  (input: Tensor, fillValue: Scalar, options: CreateOptions = {}): Tensor => {
    return finish('fullLike', filledTensor('fullLike', input.shape, fillValue, optionalType(options.dtype) ?? input.type), options);
  },
  { signature: 'input, fill_value, *, dtype, device, requires_grad', tensors: 1, samples: [{ args: [t([2, 3], { grad: false }), 7] }] },
);

function newNamed(name: string, make: (shape: readonly number[], type: DTypeInfo) => Tensor, random = false): NewFunction {
  return described(
    name,
    (input: Tensor, size: readonly number[], options: CreateOptions = {}): Tensor => {
      return finish(name, make(asShape(name, [size]), optionalType(options.dtype) ?? input.type), options);
    },
    {
      signature: 'input, size, *, dtype, device, requires_grad',
      tensors: 1,
      random,
      samples: [{ args: [t([2], { grad: false }), [2, 3]] }],
    },
  );
}
/**
 * Zeros of another shape in the dtype of `input`.
 *
 * @example
 * newZeros(tensor([1n]), [2]); // tensor([0, 0])
 */
export const newZeros = newNamed('newZeros', (shape, type) => fullTensor(shape, 0, type));
/**
 * Ones of another shape in the dtype of `input`.
 *
 * @example
 * newOnes(tensor([1n]), [2]); // tensor([1, 1])
 */
export const newOnes = newNamed('newOnes', (shape, type) => fullTensor(shape, 1, type));
/**
 * Whatever was in memory, in the dtype of `input`.
 *
 * @example
 * newEmpty(tensor([1n]), [2]).dtype; // 'int64'
 */
export const newEmpty = newNamed('newEmpty', emptyTensor, true);

/**
 * One value, in the dtype of `input`.
 *
 * @example
 * newFull(tensor([1.5]), [2], 3); // tensor([3., 3.])
 */
export const newFull: NewFullFunction = described(
  'newFull',
  (input: Tensor, size: readonly number[], fillValue: Scalar, options: CreateOptions = {}): Tensor => {
    return finish(
      'newFull',
      filledTensor('newFull', asShape('newFull', [size]), fillValue, optionalType(options.dtype) ?? input.type),
      options,
    );
  },
  {
    signature: 'input, size, fill_value, *, dtype, device, requires_grad',
    tensors: 1,
    samples: [{ args: [t([2], { grad: false }), [2, 3], 7] }],
  },
);

// ---------------------------------------------------------------- other layouts

function stridedTensor(name: string, shape: readonly number[], strides: readonly number[], type: DTypeInfo): Tensor {
  if (shape.length !== strides.length)
    throw new ShapeError(`${name}: ${formatShape(shape)} has ${shape.length} sizes but there are ${strides.length} strides`);
  if (strides.some((s) => !Number.isInteger(s) || s < 0))
    throw new ArgumentError(`${name}: strides must be whole numbers from 0 on, got ${formatShape(strides)}`);
  const extent = numel(shape) === 0 ? 0 : shape.reduce((sum, size, i) => sum + (size - 1) * (strides[i] as number), 1);
  const storage = emptyTensor([extent], type);
  return viewOf(storage, shape, strides, 0);
}

/**
 * Whatever was in memory, with the strides given.
 *
 * @example
 * emptyStrided([2, 3], [1, 2]).stride(); // [1, 2]
 */
export const emptyStrided: StridedFunction = described(
  'emptyStrided',
  (size: readonly number[], stride: readonly number[], options: CreateOptions = {}): Tensor =>
    finish(
      'emptyStrided',
      stridedTensor('emptyStrided', asShape('emptyStrided', [size]), stride, optionalType(options.dtype) ?? getDefaultDtype()),
      options,
    ),
  { signature: 'size, stride, *, dtype, device, requires_grad', random: true, bad: [{ args: [[2, 3], [1]], error: /strides/ }] },
);

/**
 * Whatever was in memory, with the strides given, in the dtype of `input`.
 *
 * @example
 * newEmptyStrided(ones([1]), [2, 3], [1, 2]).stride(); // [1, 2]
 */
export const newEmptyStrided: NewStridedFunction = described(
  'newEmptyStrided',
  (input: Tensor, size: readonly number[], stride: readonly number[], options: CreateOptions = {}): Tensor => {
    return finish(
      'newEmptyStrided',
      stridedTensor('newEmptyStrided', asShape('newEmptyStrided', [size]), stride, optionalType(options.dtype) ?? input.type),
      options,
    );
  },
  { signature: 'input, size, stride, *, dtype, device, requires_grad', tensors: 1, random: true },
);

/**
 * Whatever was in memory, with the dimensions laid out in the order given, the first the slowest.
 *
 * @example
 * emptyPermuted([2, 3], [1, 0]).stride(); // [1, 2]
 */
export const emptyPermuted: StridedFunction = described(
  'emptyPermuted',
  (size: readonly number[], physicalLayout: readonly number[], options: CreateOptions = {}): Tensor => {
    const shape = asShape('emptyPermuted', [size]);
    const sorted = [...physicalLayout].sort((a, b) => a - b);
    if (sorted.length !== shape.length || sorted.some((d, i) => d !== i)) {
      throw new ArgumentError(`emptyPermuted: ${formatShape(physicalLayout)} must list every dimension of ${formatShape(shape)} once`);
    }
    const inner = contiguousStrides(physicalLayout.map((d) => shape[d] as number));
    const strides = shape.map((_, d) => inner[physicalLayout.indexOf(d)] as number);
    return finish(
      'emptyPermuted',
      stridedTensor('emptyPermuted', shape, strides, optionalType(options.dtype) ?? getDefaultDtype()),
      options,
    );
  },
  { signature: 'size, physical_layout, *, dtype, device, requires_grad', random: true, bad: [{ args: [[2], [3]], error: /once/ }] },
);
