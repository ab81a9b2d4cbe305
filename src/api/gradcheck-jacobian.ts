import { dtypeInfo } from '../dtype/dtype.ts';
import { formatShape } from '../shape/shape.ts';
import { gradOf } from '../tensor/autograd.ts';
import { type Element, tensorOfElements, typedArrayOf, writeBack } from '../tensor/data.ts';
import { withGradMode } from '../tensor/modes.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { NablaError } from '../util/errors.ts';

/**
 * Jacobians over real coordinates: an element is one coordinate, a complex one two, real and imaginary part in turn. The gradient of a real number L with
 * respect to x = a + ib is ∂L/∂a + i ∂L/∂b, so in coordinates a vector-Jacobian product is what it is for real functions, and so is a tangent.
 */

/**
 * A gradient that does not agree with finite differences, or a function that cannot be checked.
 *
 * @example
 * // not run: it fails on purpose
 * autograd.gradcheck((x) => wrongDerivative(x), [ones([2], { dtype: 'float64', requiresGrad: true })]); // throws GradcheckError
 */
export class GradcheckError extends NablaError {
  constructor(message: string) {
    super('GradcheckError', 'GRADCHECK', message);
  }
}

/** A function under check: any arguments, tensors or not; a tensor or a list. */
export type CheckedFunction = (...inputs: never[]) => unknown;

export function isContinuous(x: unknown): x is Tensor {
  return isTensor(x) && (x.type.isFloat || x.type.isComplex);
}

/** The floating results of a call. */
export function callOn(f: CheckedFunction, inputs: readonly unknown[]): Tensor[] {
  const returned = f(...(inputs as never[]));
  return (Array.isArray(returned) ? (returned as unknown[]) : [returned]).filter(isContinuous);
}

/** Row-major coordinates. */
export function coordinates(x: Tensor): number[] {
  return Array.from(typedArrayOf(x) as Float64Array, Number);
}

export function coordinateCount(x: Tensor): number {
  return x.type.isComplex ? 2 * x.size : x.size;
}

/** A tensor with these coordinates, of the shape and dtype of `like`. */
export function fromCoordinates(values: readonly number[], like: Pick<Tensor, 'shape' | 'type'>): Tensor {
  if (!like.type.isComplex) return tensorOfElements(values, like.shape, like.type);
  const pairs: Element[] = [];
  for (let i = 0; i < values.length; i += 2) pairs.push({ re: values[i] as number, im: values[i + 1] as number });
  return tensorOfElements(pairs, like.shape, like.type);
}

export function unit(size: number, k: number): number[] {
  return Array.from({ length: size }, (_, i) => (i === k ? 1 : 0));
}

/** Overwrites the values of an input for one evaluation. Not counted as a write: they are put back, and graphs that were recorded before stay right. */
function put(x: Tensor, values: readonly number[]): void {
  writeBack(x, fromCoordinates(values, x));
}

/** What a result was at the point itself. */
export type Like = Pick<Tensor, 'shape' | 'type'>;

/** The derivative of all floating results along a direction in one input, by central differences: coordinates by result. */
export function numericalAlong(
  f: CheckedFunction,
  inputs: readonly unknown[],
  index: number,
  direction: readonly number[],
  eps: number,
  like: readonly Like[],
): number[][] {
  const x = inputs[index] as Tensor;
  const before = coordinates(x);
  const at = (sign: number): number[][] => {
    put(
      x,
      before.map((v, k) => v + sign * eps * (direction[k] as number)),
    );
    const outputs = withGradMode(false, () => callOn(f, inputs));
    outputs.forEach((y, i) => {
      refuseChange(y, like[i], i);
    });
    return outputs.map(coordinates);
  };
  try {
    const [high, low] = [at(1), at(-1)];
    return high.map((values, o) => values.map((v, k) => (v - ((low[o] as number[])[k] as number)) / (2 * eps)));
  } finally {
    put(x, before);
  }
}

function refuseChange(y: Tensor, like: Like | undefined, index: number): void {
  if (like !== undefined && formatShape(y.shape) === formatShape(like.shape) && y.type === like.type) return;
  const was = like === undefined ? 'was not there' : `had shape ${formatShape(like.shape)} and dtype ${like.type.name}`;
  throw new GradcheckError(
    `gradcheck: output ${index} has shape ${formatShape(y.shape)} and dtype ${y.type.name} where an input is nudged by eps, and ${was} at the point itself: the shapes and dtypes must not depend on the values`,
  );
}

/** Columns of the numerical Jacobian: for each coordinate of the input those of all results. */
export function numericalColumns(
  f: CheckedFunction,
  inputs: readonly unknown[],
  index: number,
  eps: number,
  like: readonly Like[],
): number[][][] {
  const size = coordinateCount(inputs[index] as Tensor);
  return Array.from({ length: size }, (_, k) => numericalAlong(f, inputs, index, unit(size, k), eps, like));
}

/** Jᵀ applied to a cotangent of one recorded result, for each target; zeros where nothing arrives. The graph stays. */
export function pullBack(y: Tensor, targets: readonly Tensor[], cotangent: readonly number[]): number[][] {
  const zeros = (x: Tensor): number[] => new Array<number>(coordinateCount(x)).fill(0);
  if (!isTracked(y)) return targets.map(zeros);
  const found = gradOf([y], targets, [fromCoordinates(cotangent, y)], { retainGraph: true, allowUnused: true }, null);
  return found.map((g, j) => (g === null ? zeros(targets[j] as Tensor) : coordinates(g)));
}

/**
 * The Jacobians of one result of `f` by central differences, one for each input that requires a gradient (or for those in `options.target`): rows are
 * coordinates of the result, columns those of the input. For finding out what `gradcheck` compares.
 *
 * @example
 * const x = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
 * const [jacobian] = autograd.getNumericalJacobian((x) => x.mul(3), [x]);
 * jacobian.round(); // tensor([[3., 0.], [0., 3.]], dtype=float64)
 */
export function getNumericalJacobian(
  f: CheckedFunction,
  inputs: readonly unknown[],
  options: { readonly target?: readonly Tensor[]; readonly eps?: number; readonly output?: number } = {},
): Tensor[] {
  const output = options.output ?? 0;
  const like = withGradMode(false, () => callOn(f, inputs));
  const targets = options.target ?? inputs.filter((x): x is Tensor => isContinuous(x) && isTracked(x));
  return targets.map((x) => {
    const columns = numericalColumns(f, inputs, inputs.indexOf(x), options.eps ?? 1e-3, like).map((results) => results[output] as number[]);
    return matrixOf(coordinateCount(like[output] as Tensor), columns.length, (r, k) => (columns[k] as number[])[r] as number, x);
  });
}

/** What `getAnalyticalJacobian` finds. */
export interface AnalyticalJacobian {
  /** One for each input, as `getNumericalJacobian` gives them. */
  readonly jacobians: Tensor[];
  /** Whether a second walk over the graph gave the same. */
  readonly reentrant: boolean;
}

/**
 * The Jacobians of a recorded result by the backward pass, with respect to each of `inputs`, and whether two passes agree within `nondetTol`.
 *
 * @example
 * const x = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
 * autograd.getAnalyticalJacobian([x], x.mul(3)).jacobians[0]; // tensor([[3., 0.], [0., 3.]], dtype=float64)
 */
export function getAnalyticalJacobian(inputs: readonly Tensor[], output: Tensor, nondetTol = 0): AnalyticalJacobian {
  const count = coordinateCount(output);
  const walk = (): number[][][] => Array.from({ length: count }, (_, r) => pullBack(output, inputs, unit(count, r)));
  const [rows, again] = [walk(), walk()];
  const reentrant = rows.every((row, r) =>
    row.every((g, j) => g.every((v, k) => Math.abs(v - (((again[r] as number[][])[j] as number[])[k] as number)) <= nondetTol)),
  );
  const jacobians = inputs.map((x, j) =>
    matrixOf(count, coordinateCount(x), (r, k) => ((rows[r] as number[][])[j] as number[])[k] as number, x),
  );
  return { jacobians, reentrant };
}

function matrixOf(rows: number, columns: number, at: (r: number, k: number) => number, x: Tensor): Tensor {
  const values = Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns));
  const type = x.type.isComplex ? (x.type.name === 'complex64' ? 'float32' : 'float64') : x.type.name;
  return tensorOfElements(values, [rows, columns], dtypeInfo(type));
}
