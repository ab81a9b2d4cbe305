import { INT64 } from '../dtype/dtype.ts';
import { type Operator, t } from '../op/contract.ts';
import { backend } from '../runtime/backend.ts';
import { formatShape } from '../shape/shape.ts';
import { applyOne } from '../tensor/apply.ts';
import { tensorOfElements } from '../tensor/data.ts';
import { IDENTITY } from '../tensor/identity.ts';
import { type Tensor, viewOf } from '../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../util/errors.ts';
import { fullTensor } from './create.ts';
import { compositeOperator, described, isScalar, makeOperator, requireTensor, type Scalar } from './family.ts';
import { selectAlong } from './gather.ts';
import type { PadFunction } from './types.ts';

/** Tensors with borders added, or taken away where the padding is negative. */

interface ConstantPad {
  /** For each dimension how many elements come before and after. */
  readonly pads: readonly (readonly [number, number])[];
  readonly value: number;
}

function paddedShape(shape: readonly number[], pads: ConstantPad['pads']): number[] {
  return shape.map((size, d) => size + (pads[d] as readonly [number, number])[0] + (pads[d] as readonly [number, number])[1]);
}

function constantPadOperator(name: string): Operator<Tensor, ConstantPad> {
  const operator: Operator<Tensor, ConstantPad> = makeOperator<ConstantPad>({
    name,
    forward: ([x], { pads, value }) => {
      const source = x as Tensor;
      const result = fullTensor(paddedShape(source.shape, pads), value, source.type);
      const kept = source.shape.map(
        (size, d) => size + Math.min(0, (pads[d] as readonly [number, number])[0]) + Math.min(0, (pads[d] as readonly [number, number])[1]),
      );
      if (kept.some((size) => size <= 0)) return result;
      const start = (strides: readonly number[], sign: number): number =>
        strides.reduce((at, stride, d) => at + Math.max(0, sign * (pads[d] as readonly [number, number])[0]) * stride, 0);
      const from = viewOf(source, kept, source.strides, source.offset + start(source.strides, -1));
      const to = viewOf(result, kept, result.strides, start(result.strides, 1));
      backend().map(IDENTITY.program, to, [from], [], source.type);
      return result;
    },
    derivative: {
      kind: 'rules',
      vjp: ([g], context) => [
        applyOne(operator, [g as Tensor], { pads: context.params.pads.map(([before, after]) => [-before, -after] as const), value: 0 }),
      ],
      jvp: ([tangent], context) => [tangent == null ? null : applyOne(operator, [tangent], { ...context.params, value: 0 })],
    },
    batching: { kind: 'params', rewrite: (params) => ({ ...params, pads: [[0, 0], ...params.pads] }) },
  });
  return operator;
}

const constantPadNdOperator = constantPadOperator('constantPadNd');
const padOperator = constantPadOperator('nn.functional.pad');

/** PyTorch's list (last dimension first, before and after) as one pair for each dimension. */
function padPairs(name: string, shape: readonly number[], pad: unknown): (readonly [number, number])[] {
  if (!Array.isArray(pad) || pad.some((n) => !Number.isInteger(n))) throw new ArgumentError(`${name}: pad must be a list of whole numbers`);
  if (pad.length % 2 !== 0) throw new ArgumentError(`${name}: pad must have two entries for each dimension, got ${pad.length} entries`);
  if (pad.length > 2 * shape.length)
    throw new ShapeError(`${name}: pad has ${pad.length} entries, too many for ${formatShape(shape)}: two for each dimension`);
  return shape.map((_, d) => {
    const at = 2 * (shape.length - 1 - d);
    return [(pad[at] as number | undefined) ?? 0, (pad[at + 1] as number | undefined) ?? 0] as const;
  });
}

function padConstant(name: string, operator: Operator<Tensor, ConstantPad>, input: Tensor, pad: readonly number[], value: Scalar): Tensor {
  requireTensor(name, 'input', input);
  if (!isScalar(value)) throw new ArgumentError(`${name}: value must be a number, got ${typeof value}`);
  const pads = padPairs(name, input.shape, pad);
  const shape = paddedShape(input.shape, pads);
  input.shape.forEach((size, d) => {
    const [before, after] = pads[d] as readonly [number, number];
    if ((shape[d] as number) < 0 || size + Math.min(0, before) < 0 || size + Math.min(0, after) < 0) {
      throw new ShapeError(
        `${name}: padding (${before}, ${after}) takes more from dimension ${d} of ${formatShape(input.shape)} than it has`,
      );
    }
  });
  return applyOne(operator, [input], { pads, value: Number(value) });
}

const PAD_SAMPLES = [
  { args: [t([2, 3]), [1, 2]] },
  { args: [t([2, 3]), [1, 0, 0, 2]] },
  { args: [t([2, 3]), [-1, 2]] },
  { args: [t([0, 3]), [1, 1]] },
];
const PAD_BAD = [
  { args: [t([2, 3]), [1]], error: /two entries/ },
  { args: [t([3]), [1, 1, 1, 1]], error: /too many/ },
  { args: [t([3]), [-2, -2]], error: /takes more/ },
];

/**
 * `input` with borders of `value` (0): `pad` says how many elements come before and after, the last dimension first; negative numbers take elements
 * away.
 *
 * @example
 * constantPadNd(tensor([1, 2]), [1, 2]); // tensor([0., 1., 2., 0., 0.])
 */
export const constantPadNd: PadFunction<'constantPadNd', [value?: Scalar]> = described(
  'constantPadNd',
  (input: Tensor, pad: readonly number[], value: Scalar = 0): Tensor =>
    padConstant('constantPadNd', constantPadNdOperator, input, pad, value),
  { signature: 'input, pad, value?', samples: [...PAD_SAMPLES, { args: [t([2]), [1, 1], 1.5] }], bad: PAD_BAD },
);

// ---------------------------------------------------------------- borders made of the tensor itself

/** How a border is filled: with a value, mirrored without the edge, with the edge, or from the other end. */
export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular';

/** Which element of a dimension of size `size` stands at place `i`, which may lie outside it; negative padding cuts off before elements wrap around. */
const SOURCES: Readonly<Record<Exclude<PadMode, 'constant'>, (i: number, size: number, before: number, after: number) => number>> = {
  reflect: (i, size) => (i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i),
  replicate: (i, size) => Math.min(Math.max(i, 0), size - 1),
  circular: (i, size, before, after) => {
    const first = Math.max(0, -before);
    const left = size - first - Math.max(0, -after);
    return ((((i - first) % left) + left) % left) + first;
  },
};

interface BorderPad {
  readonly mode: Exclude<PadMode, 'constant'>;
  readonly pads: ConstantPad['pads'];
}

const borderOperator = compositeOperator<BorderPad>('nn.functional.pad', ([x], { mode, pads }) =>
  pads.reduce<Tensor>((padded, [before, after], d) => {
    if (before === 0 && after === 0) return padded;
    const size = padded.shape[d] as number;
    const places = Array.from({ length: size + before + after }, (_, i) => SOURCES[mode](i - before, size, before, after));
    return selectAlong(padded, tensorOfElements(places, [places.length], INT64), d);
  }, x as Tensor),
);

/** PyTorch pads the last 1, 2 or 3 dimensions, with at most one batch dimension and one of channels in front. */
function checkBorder(
  name: string,
  input: Tensor,
  pad: readonly number[],
  mode: Exclude<PadMode, 'constant'>,
  pads: ConstantPad['pads'],
): void {
  const padded = pad.length / 2;
  const { shape } = input;
  if (padded < 1 || padded > 3 || (input.ndim !== padded + 1 && input.ndim !== padded + 2)) {
    throw new ShapeError(
      `${name}: mode '${mode}' pads the last ${padded} of ${padded + 1} or ${padded + 2} dimensions, got ${formatShape(shape)}`,
    );
  }
  shape.forEach((size, d) => {
    const [before, after] = pads[d] as readonly [number, number];
    const most = Math.max(before, after);
    if (size === 0 && d > input.ndim - padded - 2 && (d > 0 || input.ndim === padded + 1)) {
      throw new ShapeError(
        `${name}: mode '${mode}' needs elements to make a border of, but dimension ${d} of ${formatShape(shape)} has none`,
      );
    }
    if (mode === 'reflect' && most >= size && most > 0)
      throw new ShapeError(
        `${name}: mode 'reflect' needs padding below the size, got (${before}, ${after}) for dimension ${d} of ${formatShape(shape)}`,
      );
    if (mode === 'circular' && most > size)
      throw new ShapeError(
        `${name}: mode 'circular' needs padding up to the size, got (${before}, ${after}) for dimension ${d} of ${formatShape(shape)}`,
      );
    const left = size + before + after;
    if (left < 0 || (left === 0 && d >= input.ndim - padded))
      throw new ShapeError(`${name}: padding (${before}, ${after}) leaves nothing of dimension ${d} of ${formatShape(shape)}`);
  });
}

/**
 * `input` with borders: `pad` says how many elements come before and after, the last dimension first; negative numbers take elements away. `mode`:
 * 'constant' (of `value`, 0), 'reflect' (mirrored without the edge), 'replicate' (the edge repeated), 'circular' (from the other end).
 *
 * @example
 * nn.functional.pad(tensor([[1, 2, 3]]), [1, 1], { mode: 'reflect' }); // tensor([[2., 1., 2., 3., 2.]])
 */
export const pad: PadFunction<'pad', [options?: { readonly mode?: PadMode; readonly value?: number | null }]> = described(
  'nn.functional.pad',
  (input: Tensor, padding: readonly number[], options: { readonly mode?: PadMode; readonly value?: number | null } = {}): Tensor => {
    const name = 'nn.functional.pad';
    const mode = options.mode ?? 'constant';
    if (mode === 'constant') return padConstant(name, padOperator, input, padding, options.value ?? 0);
    requireTensor(name, 'input', input);
    if (!(mode in SOURCES))
      throw new ArgumentError(`${name}: mode must be constant, reflect, replicate or circular, got '${String(mode)}'`);
    if (options.value !== undefined && options.value !== null && options.value !== 0)
      throw new ArgumentError(`${name}: value has no meaning in mode '${mode}'`);
    const pads = padPairs(name, input.shape, padding);
    checkBorder(name, input, padding, mode, pads);
    return applyOne(borderOperator, [input], { mode, pads });
  },
  {
    signature: 'input, pad, *, mode, value',
    samples: [
      ...PAD_SAMPLES,
      { args: [t([1, 2, 3]), [1, 2], { mode: 'reflect' }] },
      { args: [t([1, 2, 2, 3]), [2, 1, 0, 1], { mode: 'replicate' }] },
      { args: [t([2, 3]), [1, 3], { mode: 'circular' }] },
    ],
    bad: [...PAD_BAD, { args: [t([2, 3]), [3, 0], { mode: 'reflect' }], error: /below the size/ }],
  },
);
