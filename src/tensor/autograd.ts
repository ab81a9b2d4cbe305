import { formatShape } from '../shape/shape.ts';
import { ArgumentError, AutogradError, DTypeError, ShapeError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { giveAway } from './accumulate.ts';
import { accumulate, gradients } from './engine.ts';
import { describeTensor, describeValue } from './messages.ts';
import { metaOf } from './meta.ts';
import { gradientNode } from './node.ts';
import { structural } from './structural.ts';
import { aliasOf, isTensor, type Tensor } from './tensor.ts';
import { isTracked } from './views.ts';

export interface BackwardOptions {
  /** Keep what the graph saved, so that it can be used again. Default: as `createGraph`. */
  readonly retainGraph?: boolean | null;
  /** Record the gradient computation, so that it can be differentiated. */
  readonly createGraph?: boolean;
  /** Accumulate into these tensors only, leaves or not. */
  readonly inputs?: Tensor | readonly Tensor[] | null;
}

export interface GradOptions {
  readonly retainGraph?: boolean | null;
  readonly createGraph?: boolean;
  /** Return null for inputs that the outputs do not depend on, instead of throwing. */
  readonly allowUnused?: boolean | null;
  /** Return zeros for them. */
  readonly materializeGrads?: boolean;
}

const BACKWARD_OPTIONS: ReadonlySet<string> = new Set(['retainGraph', 'createGraph', 'inputs']);
const GRAD_OPTIONS: ReadonlySet<string> = new Set(['retainGraph', 'createGraph', 'allowUnused', 'materializeGrads']);

function listOf<T>(value: T | readonly T[] | null | undefined): T[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? [...(value as readonly T[])] : [value as T];
}

/**
 * Computes the gradient of `tensors` with respect to the leaves of their graph and adds it to their `grad`.
 * `gradTensors`: the vector of the vector-Jacobian product, one of the same shape for each tensor; may be left out for tensors of one element.
 * Throws AutogradError if a tensor has no graph, if a gradient is missing, or if the graph's saved values were freed or changed.
 *
 * @example
 * const x = tensor([1, 2, 3], { requiresGrad: true });
 * backward(x.pow(2).sum());
 * x.grad; // tensor([2., 4., 6.])
 */
export function backward(
  tensors: Tensor | readonly Tensor[],
  gradTensors?: Tensor | readonly (Tensor | null)[] | null,
  options: BackwardOptions = {},
): void {
  checkOptions('backward', options, BACKWARD_OPTIONS);
  const roots = listOf(tensors);
  const grads = rootGradients('backward', roots, gradTensors ?? null);
  const createGraph = options.createGraph ?? false;
  const task = { keepGraph: options.retainGraph ?? createGraph, createGraph };
  if (options.inputs === null || options.inputs === undefined) {
    accumulate(roots, grads, task);
    return;
  }
  const inputs = listOf(options.inputs);
  if (inputs.length === 0)
    throw new ArgumentError('backward: inputs is an empty list: name the tensors that want a gradient, or leave it out for all leaves');
  for (const input of inputs) requireTracked('backward', 'inputs', input);
  const found = gradients(roots, grads, inputs, task);
  found.forEach((g, i) => {
    if (g !== null) addToGrad(inputs[i] as Tensor, g, createGraph);
  });
}

function addToGrad(input: Tensor, g: Tensor, createGraph: boolean): void {
  const meta = metaOf(input);
  if (meta.grad === null) meta.grad = createGraph ? g : aliasOf(structural().clone(g));
  else meta.grad = structural().add(meta.grad, g);
}

/**
 * The gradients of the sum of `outputs`, weighted by `gradOutputs`, with respect to `inputs`. Touches no `grad`.
 * Throws AutogradError for an input that the outputs do not depend on, unless `allowUnused` or `materializeGrads` is set.
 *
 * @example
 * const x = tensor([1, 2], { requiresGrad: true });
 * const [g] = grad(x.pow(3).sum(), [x], null, { createGraph: true });
 * grad(g.sum(), [x]); // [tensor([ 6., 12.])]
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  gradOutputs?: Tensor | readonly (Tensor | null)[] | null,
  options: GradOptions = {},
): (Tensor | null)[] {
  checkOptions('grad', options, GRAD_OPTIONS);
  const roots = listOf(outputs);
  const targets = listOf(inputs);
  if (targets.length === 0) throw new ArgumentError('grad: inputs is an empty list: name the tensors that want a gradient');
  if (options.materializeGrads === true && options.allowUnused === false) {
    throw new ArgumentError('grad: materializeGrads gives zeros for unused inputs, so allowUnused cannot be false');
  }
  const grads = rootGradients('grad', roots, gradOutputs ?? null);
  for (const target of targets) requireTracked('grad', 'inputs', target);
  const createGraph = options.createGraph ?? false;
  const found = gradients(roots, grads, targets, { keepGraph: options.retainGraph ?? createGraph, createGraph });
  return found.map((g, i) => {
    const target = targets[i] as Tensor;
    if (g !== null) {
      giveAway(g);
      return g;
    }
    if (options.materializeGrads === true) return structural().zeros(target.shape, target.type);
    if (options.allowUnused === true) return null;
    throw new AutogradError(
      `grad: the outputs do not depend on input ${i}, ${describeTensor(target)}: pass { allowUnused: true } to get null for it, or { materializeGrads: true } for zeros`,
    );
  });
}

function requireTracked(name: string, role: string, x: Tensor): void {
  if (!isTensor(x)) throw new ArgumentError(`${name}: ${role} must be tensors, got ${describeValue(x)}`);
  if (gradientNode(x) === null && !isTracked(x)) {
    throw new AutogradError(
      `${name}: ${role} holds ${describeTensor(x)}, which does not require a gradient: call requiresGrad_() on it before it is used`,
    );
  }
}

function rootGradients(name: string, roots: readonly Tensor[], given: Tensor | readonly (Tensor | null)[] | null): (Tensor | null)[] {
  const grads = given === null ? roots.map(() => null) : listOf<Tensor | null>(given);
  if (roots.length === 0) throw new ArgumentError(`${name}: no tensors were given to differentiate`);
  if (grads.length !== roots.length) {
    throw new ArgumentError(
      `${name}: got ${grads.length} gradients for ${roots.length} tensors: give one for each, null for a tensor of one element`,
    );
  }
  return roots.map((root, i) => rootGradient(name, root, grads[i] ?? null));
}

function rootGradient(name: string, root: Tensor, given: Tensor | null): Tensor {
  if (!isTensor(root)) throw new ArgumentError(`${name}: expected tensors to differentiate, got ${describeValue(root)}`);
  if (!isTracked(root)) {
    throw new AutogradError(
      `${name}: ${describeTensor(root)} does not require a gradient and nothing recorded it: make an input with { requiresGrad: true }, and check for detach() or noGrad on the way`,
    );
  }
  if (given === null) {
    if (root.size !== 1) {
      throw new AutogradError(
        `${name}: ${describeTensor(root)} has ${root.size} elements, so its gradient is not defined by itself: reduce it to one number (sum, mean), or pass a gradient of shape ${formatShape(root.shape)}`,
      );
    }
    if (root.type.isComplex)
      throw new AutogradError(
        `${name}: ${describeTensor(root)} is complex: pass an explicit gradient, or take a real number of it (abs, real)`,
      );
    return structural().ones(root.shape, root.type);
  }
  if (!isTensor(given)) {
    throw new ArgumentError(`${name}: the gradient must be a tensor, got ${describeValue(given)}; wrap data in tensor(…)`);
  }
  if (formatShape(given.shape) !== formatShape(root.shape)) {
    throw new ShapeError(
      `${name}: the gradient has shape ${formatShape(given.shape)}, but the tensor has ${formatShape(root.shape)}: they must be equal`,
    );
  }
  if (given.type.isComplex && !root.type.isComplex)
    throw new DTypeError(`${name}: a ${given.type.name} gradient for a tensor of dtype ${root.type.name}`);
  return given.type === root.type ? given : structural().cast(given, root.type);
}
