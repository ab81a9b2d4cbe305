import type { Operator } from '../../op/contract.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { makeOperator } from '../family.ts';
import { moveDim, reshape } from '../structural.ts';
import { type ConvolutionGeometry, runInput, runOutput, runWeight } from './convolution-run.ts';

/**
 * A convolution is a form that is linear in each of three tensors: its input [N, C, …], its weight [O, C / groups, …] and what it is paired with, an
 * output [N, O, …]. Given two of them, the third is a sum over the places where they meet. So there are three operators, and each is the derivative
 * of the other two.
 */
type Part = 'input' | 'weight' | 'output';

const output: Operator<Tensor, ConvolutionGeometry> = makeOperator<ConvolutionGeometry>({
  name: 'convolution',
  forward: ([x, w], geometry) => runOutput(x as Tensor, w as Tensor, null, geometry),
  derivative: {
    kind: 'bilinear',
    left: (g, w, { params }) => convolutionInput(w, g, params),
    right: (g, x, { params }) => convolutionWeight(x, g, params),
  },
  batching: { kind: 'rule', rule: (parts, batched, size, geometry) => batchedConvolution('output', parts, batched, size, geometry) },
});

const input: Operator<Tensor, ConvolutionGeometry> = makeOperator<ConvolutionGeometry>({
  name: 'convolutionInput',
  forward: ([w, y], geometry) => runInput(w as Tensor, y as Tensor, null, geometry),
  derivative: {
    kind: 'bilinear',
    left: (g, y, { params }) => convolutionWeight(g, y, params),
    right: (g, w, { params }) => convolutionOutput(g, w, params),
  },
  batching: { kind: 'rule', rule: (parts, batched, size, geometry) => batchedConvolution('input', parts, batched, size, geometry) },
});

const weight: Operator<Tensor, ConvolutionGeometry> = makeOperator<ConvolutionGeometry>({
  name: 'convolutionWeight',
  forward: ([x, y], geometry) => runWeight(x as Tensor, y as Tensor, geometry),
  derivative: {
    kind: 'bilinear',
    left: (g, y, { params }) => convolutionInput(g, y, params),
    right: (g, x, { params }) => convolutionOutput(x, g, params),
  },
  batching: { kind: 'rule', rule: (parts, batched, size, geometry) => batchedConvolution('weight', parts, batched, size, geometry) },
});

const OPERATORS = { input, weight, output } as const;
/** The two operands of each, in their order. */
const OPERANDS: Readonly<Record<Part, readonly [Part, Part]>> = {
  output: ['input', 'weight'],
  input: ['weight', 'output'],
  weight: ['input', 'output'],
};

/** The output of a convolution. */
export function convolutionOutput(x: Tensor, w: Tensor, geometry: ConvolutionGeometry): Tensor {
  return applyOne(output, [x, w], geometry);
}

/** The input that a weight and an output give: the transposed convolution. */
export function convolutionInput(w: Tensor, y: Tensor, geometry: ConvolutionGeometry): Tensor {
  return applyOne(input, [w, y], geometry);
}

/** The weight that an input and an output give. */
export function convolutionWeight(x: Tensor, y: Tensor, geometry: ConvolutionGeometry): Tensor {
  return applyOne(weight, [x, y], geometry);
}

/**
 * A batch of convolutions is one convolution: where both operands have the batch, it goes into the groups; where one has it, into a dimension that the
 * result shares with that operand alone.
 */
export function batchedConvolution(
  part: Part,
  operands: readonly Tensor[],
  batched: readonly boolean[],
  size: number,
  geometry: ConvolutionGeometry,
): Tensor {
  const [first, second] = OPERANDS[part];
  const [left, right] = operands as readonly [Tensor, Tensor];
  const { groups } = geometry;
  if (batched[0] === true && batched[1] === true) {
    const fold = (x: Tensor, of: Part): Tensor => merge(x, of === 'weight' ? 0 : 1, 1);
    const result = applyOne(OPERATORS[part], [fold(left, first), fold(right, second)], { ...geometry, groups: size * groups });
    return split(result, part === 'weight' ? 0 : 1, size, 1);
  }
  const of = batched[0] === true ? first : second;
  const [from, to] = sharedDims(of, part);
  const merged = merge(batched[0] === true ? left : right, from.dim, from.grouped ? groups : 1);
  const result = applyOne(OPERATORS[part], batched[0] === true ? [merged, right] : [left, merged], geometry);
  return split(result, to.dim, size, to.grouped ? groups : 1);
}

interface Dim {
  readonly dim: number;
  /** Its channels come in groups, and the batch goes inside of them. */
  readonly grouped: boolean;
}

/** The dimension that two parts share and the third has not: N, the input's channels, or the output's. */
function sharedDims(a: Part, b: Part): readonly [Dim, Dim] {
  const dimOf = (part: Part, other: Part): Dim => {
    if (part !== 'weight' && other !== 'weight') return { dim: 0, grouped: false };
    const ofOutput = part === 'output' || other === 'output';
    if (part === 'weight') return ofOutput ? { dim: 0, grouped: true } : { dim: 1, grouped: false };
    return { dim: 1, grouped: true };
  };
  return [dimOf(a, b), dimOf(b, a)];
}

/** The batch at dimension 0 into dimension `dim` of the rest, inside of its `groups`. */
function merge(x: Tensor, dim: number, groups: number): Tensor {
  const size = x.shape[0] as number;
  const rest = x.shape.slice(1);
  const channels = rest[dim] as number;
  const cut = reshape(x, [size, ...rest.slice(0, dim), groups, channels / groups, ...rest.slice(dim + 1)]);
  return reshape(moveDim(cut, 0, dim + 1), [...rest.slice(0, dim), size * channels, ...rest.slice(dim + 1)]);
}

/** The reverse of `merge`. */
function split(x: Tensor, dim: number, size: number, groups: number): Tensor {
  const channels = (x.shape[dim] as number) / size;
  const cut = reshape(x, [...x.shape.slice(0, dim), groups, size, channels / groups, ...x.shape.slice(dim + 1)]);
  return reshape(moveDim(cut, dim + 1, 0), [size, ...x.shape.slice(0, dim), channels, ...x.shape.slice(dim + 1)]);
}
