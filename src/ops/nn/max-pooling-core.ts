import { INT64 } from '../../dtype/dtype.ts';
import type { Operator } from '../../op/contract.ts';
import { applyMany, applyOne } from '../../tensor/apply.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { emptyTensor } from '../create.ts';
import { makeOperator } from '../family.ts';
import { gatherAlong, spreadAlong } from '../gather.ts';
import { cloneOperator, reshape } from '../structural.ts';
import { adaptiveWindow, type WindowSizes } from './pooling-sizes.ts';
import { inWiderType } from './resample.ts';
import { maxWindows, spreadMax, type WindowLine } from './window-kernels.ts';

/** How many windows there are along each of the last dimensions. */
export interface MaxParams {
  readonly outputs: readonly number[];
}

/** The windows themselves. */
interface LineParams extends MaxParams {
  readonly lines: readonly WindowLine[];
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** The last `dims` dimensions as one. */
function flat(x: Tensor, dims: number): Tensor {
  return reshape(x, [...x.shape.slice(0, x.ndim - dims), product(x.shape.slice(x.ndim - dims))]);
}

const SINGLE: WindowLine = { starts: Int32Array.of(0), counts: Int32Array.of(1), step: 1 };

function pooled(x: Tensor, lines: readonly WindowLine[], outputs: readonly number[]): [Tensor, Tensor] {
  const dims = outputs.length;
  const outer = x.shape.slice(0, x.ndim - dims);
  const indices = emptyTensor([...outer, ...outputs], INT64);
  const values = inWiderType(x, (wide) => {
    const source = wide.rowMajor ? wide : (cloneOperator.forward([wide], null) as Tensor);
    const result = emptyTensor([...outer, ...outputs], source.type);
    const ones = Array<number>(3 - dims).fill(1);
    const asPlanes = (y: Tensor, sizes: readonly number[]): Tensor => reshape(y, [product(outer), ...ones, ...sizes]);
    const all = [...ones.map(() => SINGLE), ...lines] as [WindowLine, WindowLine, WindowLine];
    maxWindows(asPlanes(result, outputs), asPlanes(indices, outputs), asPlanes(source, x.shape.slice(x.ndim - dims)), all);
    return result;
  });
  return [values, indices];
}

/** The gradient of the input: each output's goes to the place that it came from. */
export function spread(g: Tensor, indices: Tensor, shape: readonly number[], dims: number): Tensor {
  const outer = shape.slice(0, shape.length - dims);
  const size = product(shape.slice(outer.length));
  return reshape(spreadAlong(flat(g, dims), flat(indices, dims), outer.length, [...outer, size]), shape);
}

interface SpreadParams {
  /** The sizes of a plane. */
  readonly sizes: readonly number[];
}

/** `spread` for the indices of a pooling itself, which lie inside of their planes. */
const spreadOwn: Operator<Tensor, SpreadParams> = makeOperator<SpreadParams>({
  name: 'maxPoolBackward',
  forward: ([g, indices], { sizes }) => {
    const own = indices as Tensor;
    const outer = own.shape.slice(0, own.ndim - sizes.length);
    const places = own.rowMajor ? own : (cloneOperator.forward([own], null) as Tensor);
    return inWiderType(g as Tensor, (wide) => {
      const values = wide.rowMajor ? wide : (cloneOperator.forward([wide], null) as Tensor);
      const result = emptyTensor([...outer, ...sizes], values.type);
      spreadMax(result, values, places, product(outer));
      return result;
    });
  },
  derivative: {
    kind: 'rules',
    saves: { inputs: [1] },
    vjp: ([g], context) => [g == null ? null : pickPlaces(g, context.input(1), context.params.sizes.length), null],
    jvp: ([tangent], context) => [tangent == null ? null : applyOne(spreadOwn, [tangent, context.input(1)], context.params)],
  },
  batching: { kind: 'leading' },
});

/** The elements of each plane that `indices` name: the transpose of `spread`. */
export function pickPlaces(x: Tensor, indices: Tensor, dims: number): Tensor {
  return reshape(gatherAlong(flat(x, dims), flat(indices, dims), x.ndim - dims), indices.shape);
}

/** The largest element of each window, and its place among those of its plane; the dimensions in front are planes. */
export function maxOperator(name: string): Operator<Tensor, LineParams> {
  return windowedMax<LineParams>(name, (_inputs, { lines }) => lines);
}

/** The same where the operands say which windows: `linesOf` gets them all, the input first. */
export function windowedMax<P extends MaxParams>(
  name: string,
  linesOf: (inputs: readonly Tensor[], params: P) => readonly WindowLine[],
): Operator<Tensor, P> {
  return makeOperator<P>({
    name,
    forward: (inputs, params) => pooled(inputs[0] as Tensor, linesOf(inputs, params), params.outputs),
    nonDifferentiableOutputs: [1],
    derivative: {
      kind: 'rules',
      saves: { outputs: [1] },
      vjp: ([g], context) => {
        const rest = Array<null>(context.inputCount - 1).fill(null);
        if (g === null || g === undefined) return [null, ...rest];
        const shape = context.inputShape(0);
        const sizes = shape.slice(shape.length - context.params.outputs.length);
        return [applyOne(spreadOwn, [g, context.output(1)], { sizes }), ...rest];
      },
      jvp: ([tangent], context) => {
        if (tangent === null || tangent === undefined) return [null, null];
        return [pickPlaces(tangent, context.output(1), context.params.outputs.length), null];
      },
    },
    batching: { kind: 'leading' },
  });
}

/** Applies a max pooling operator over windows. */
export function maxOver(operator: Operator<Tensor, LineParams>, input: Tensor, lines: readonly WindowLine[]): [Tensor, Tensor] {
  const outputs = lines.map((line) => line.counts.length);
  return applyMany(operator, [input], { lines, outputs }) as [Tensor, Tensor];
}

/** The elements of windows that lie inside of the input. */
export function windowLine({ size, kernel, stride, padding, dilation, output }: WindowSizes): WindowLine {
  const starts = new Int32Array(output);
  const counts = new Int32Array(output);
  for (let i = 0; i < output; i++) {
    const from = i * stride - padding;
    const first = Math.max(0, Math.ceil(-from / dilation));
    starts[i] = from + first * dilation;
    counts[i] = Math.min(kernel, Math.ceil((size - from) / dilation)) - first;
  }
  return { starts, counts, step: dilation };
}

/** The windows of adaptive pooling. */
export function adaptiveLine(size: number, output: number): WindowLine {
  const starts = new Int32Array(output);
  const counts = new Int32Array(output);
  for (let i = 0; i < output; i++) {
    const [start, end] = adaptiveWindow(i, output, size);
    starts[i] = start;
    counts[i] = end - start;
  }
  return { starts, counts, step: 1 };
}
