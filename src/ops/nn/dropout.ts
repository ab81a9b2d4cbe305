import { FLOAT32 } from '../../dtype/dtype.ts';
import type { FloatDType } from '../../dtype/types.ts';
import { t } from '../../op/contract.ts';
import { backend } from '../../runtime/backend.ts';
import { defaultGenerator, type FloatArray, fillDropoutMask, type HalfType, keptScale } from '../../runtime/random.ts';
import { applyMany } from '../../tensor/apply.ts';
import { draw } from '../../tensor/draw.ts';
import { IDENTITY } from '../../tensor/identity.ts';
import { writeInPlace } from '../../tensor/inplace.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError } from '../../util/errors.ts';
import { mul } from '../arithmetic.ts';
import { emptyTensor } from '../create.ts';
import { realFloatOnly } from '../elementwise.ts';
import { described, makeOperator, requireDims, requireTensor } from '../family.ts';
import { fillElements, fillView } from '../random-fill.ts';
import type { UnarySame } from '../types.ts';
import { drawKept } from './dropout-kernels.ts';

export interface DropoutOptions {
  /** Without training nothing is dropped. Default true. */
  readonly training?: boolean;
  /** Write into the input. */
  readonly inplace?: boolean;
}

interface DropoutParams {
  readonly p: number;
  /** Shape of the mask: whole channels drop together where it has sizes of 1. */
  readonly mask: readonly number[];
}

/** A mask of zeros and 1 / (1 - p), drawn as PyTorch draws it. */
export function drawMask(name: string, shape: readonly number[], p: number, type: Tensor['type']): Tensor {
  return draw(name, [], shape, (_inputs, sizes) => plainMask(sizes, p, type));
}

function plainMask(shape: readonly number[], p: number, type: Tensor['type']): Tensor {
  const mask = emptyTensor(shape, type);
  if (type.itemsize === 2) {
    const wide = emptyTensor(shape, FLOAT32);
    fillMask(wide, p, type.name as HalfType);
    backend().map(IDENTITY.program, mask, [wide], [], type);
  } else fillMask(mask, p, null);
  return mask;
}

/** Masks of fewer elements are filled without a launch. */
const KERNEL_SIZE = 512;

function fillMask(mask: Tensor, p: number, half: HalfType | null): void {
  if (mask.type !== FLOAT32 || mask.size < KERNEL_SIZE || p === 1)
    fillElements<FloatArray>(mask, (elements) => fillDropoutMask(defaultGenerator, elements, p, { half }));
  else fillView(mask, (target) => drawKept(target, defaultGenerator, 1 - p, keptScale(1 - p, half ?? 'float32')));
}

/** Input times mask; the mask is a second, hidden result that the derivative reads. */
function dropping(name: string) {
  return makeOperator<DropoutParams>({
    name,
    forward: ([x], { p, mask }) => {
      const source = x as Tensor;
      const drawn = drawMask(name, mask, p, source.type);
      return [mul(source, drawn), drawn];
    },
    derivative: {
      kind: 'rules',
      saves: { outputs: [1] },
      vjp: ([g], context) => [g === null || g === undefined ? null : mul(g, context.output(1))],
      jvp: ([tangent], context) => [mul(tangent as Tensor, context.output(1)), null],
    },
    nonDifferentiableOutputs: [1],
    batching: { kind: 'composite' },
  });
}

export function requireProbability(name: string, input: Tensor, p: number): void {
  requireTensor(name, 'input', input);
  if (!(p >= 0 && p <= 1)) throw new ArgumentError(`${name}: p is a probability from 0 to 1, got ${p}`);
}

export function requireFloating(name: string, input: Tensor): void {
  realFloatOnly(input.type, name);
}

function dropoutFunction(
  name: string,
  defaultP: number,
  maskShape: (input: Tensor) => readonly number[],
): UnarySame<FloatDType, [p?: number, options?: DropoutOptions]> {
  const operator = dropping(name);
  return described(
    name,
    (input: Tensor, p = defaultP, options: DropoutOptions = {}): Tensor => {
      requireProbability(name, input, p);
      requireFloating(name, input);
      if (options.training === false || p === 0) return input;
      const run = (x: Tensor): Tensor => applyMany(operator, [x], { p, mask: maskShape(x) })[0] as Tensor;
      return options.inplace === true ? writeInPlace(`${name}_`, input, run) : run(input);
    },
    {
      signature: 'input, p?, *, training, inplace',
      random: true,
      samples: [{ args: [t([4, 3, 2]), 0.4] }, { args: [t([4, 3, 2]), 0.4, { training: false }] }],
      bad: [{ args: [t([2]), 1.5], error: /probability/ }],
    },
  );
}

/**
 * Zeroes elements with probability `p` and scales the rest by 1 / (1 - p), while training. The same seed drops what PyTorch drops.
 *
 * @example
 * dropout(ones([4]), 0.5, { training: false }); // tensor([1., 1., 1., 1.])
 */
export const dropout = dropoutFunction('nn.functional.dropout', 0.5, (x) => x.shape);

/** One draw a channel: the dimensions before the last `spatial`, or, where the input is not taken to be without a batch, the first two. */
function channels(name: string, spatial = 0) {
  return (x: Tensor): readonly number[] => {
    requireDims(name, x, 2);
    const drawn = x.ndim === spatial + 1 ? 1 : 2;
    return x.shape.map((size, i) => (i < drawn ? size : 1));
  };
}
/**
 * Zeroes whole channels of [N, C, L] or [C, L].
 *
 * @example
 * manualSeed(0);
 * nn.functional.dropout1d(ones([1, 4, 2]), 0.5); // tensor([[[0., 0.], [0., 0.], [2., 2.], [0., 0.]]])
 */
export const dropout1d = dropoutFunction('nn.functional.dropout1d', 0.5, channels('dropout1d', 1));
/**
 * Zeroes whole channels of [N, C, H, W]; [C, H, W] is taken for [N, C, L], as PyTorch does.
 *
 * @example
 * manualSeed(0);
 * nn.functional.dropout2d(ones([1, 4, 1, 2]), 0.5); // tensor([[[[0., 0.]], [[0., 0.]], [[2., 2.]], [[0., 0.]]]])
 */
export const dropout2d = dropoutFunction('nn.functional.dropout2d', 0.5, channels('dropout2d'));
/**
 * Zeroes whole channels of [N, C, D, H, W] or [C, D, H, W].
 *
 * @example
 * nn.functional.dropout3d(ones([1, 4, 1, 1, 2]), 0.5).shape; // [1, 4, 1, 1, 2]
 */
export const dropout3d = dropoutFunction('nn.functional.dropout3d', 0.5, channels('dropout3d', 3));
