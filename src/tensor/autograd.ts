import { formatShape, numel, sameShape } from '../shape/shape.ts';
import { ArgumentError, AutogradError, DTypeError, ShapeError } from '../util/errors.ts';
import { checkOptions, isOptions } from '../util/options.ts';
import { giveAway } from './accumulate.ts';
import { edgeOf, GradientEdge } from './edges.ts';
import { accumulate, gradients } from './engine.ts';
import { describeTensor, describeValue } from './messages.ts';
import { metaOf } from './meta.ts';
import { AccumulateGrad } from './node.ts';
import { structural } from './structural.ts';
import { aliasOf, isTensor, type Tensor } from './tensor.ts';

/** What gradients start from or are wanted for: a tensor, or the place in the graph where its gradients arrive. */
export type GradientPlace = Tensor | GradientEdge;

/** Several of them: a list, anything else that can be iterated over (such as `model.parameters()`), or one alone. */
export type GradientPlaces = GradientPlace | Iterable<GradientPlace>;

/** Tensors by name, as `Object.fromEntries(model.namedParameters())`. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

/** The vectors of vector-Jacobian products: one for each output, null for outputs of one element. */
export type GradientSeeds = Tensor | readonly (Tensor | null)[] | null;

export interface BackwardOptions {
  /** Keep what the graph saved, so that it can be used again. Default: as `createGraph`. */
  readonly retainGraph?: boolean | null;
  /** Record the gradient computation, so that it can be differentiated. */
  readonly createGraph?: boolean;
  /** Accumulate into these tensors only, leaves or not: one, several, or an object of them. */
  readonly inputs?: GradientPlaces | NamedTensors | null;
}

export interface GradOptions {
  /** Keep what the graph saved, so that it can be used again. Default: as `createGraph`. */
  readonly retainGraph?: boolean | null;
  /** Record the gradient computation, so that it can be differentiated. */
  readonly createGraph?: boolean;
  /** Return null for inputs that the outputs do not depend on, instead of throwing. Default: as `materializeGrads`. */
  readonly allowUnused?: boolean | null;
  /** Return zeros for them, also where an output depends on nothing at all: the gradient of a linear function, differentiated again. */
  readonly materializeGrads?: boolean;
}

/** Runs the walk over the graph for each of a batch of seeds at once. */
export type Vectorise = (seeds: readonly Tensor[], body: (seeds: readonly Tensor[]) => (Tensor | null)[]) => (Tensor | null)[];

const BACKWARD_OPTIONS: ReadonlySet<string> = new Set(['retainGraph', 'createGraph', 'inputs']);

/** Where a walk starts, and with which gradients. */
interface Start {
  readonly roots: readonly GradientEdge[];
  readonly seeds: readonly Tensor[];
  /** The first dimension of all seeds where they are batches, else nothing. */
  readonly batch: readonly number[];
}

/**
 * Computes the gradient of `tensors` with respect to the leaves of their graph and adds it to their `grad`.
 * `tensors`: one or several, each a tensor or a `GradientEdge`. `gradTensors`: the vectors of the vector-Jacobian product, of the same shape each;
 * null, or left out, for tensors of one element.
 * Throws AutogradError if a tensor has no graph, if a gradient is missing, or if the graph's saved values were freed or changed.
 *
 * @example
 * const x = tensor([1, 2, 3], { requiresGrad: true });
 * backward(x.pow(2).sum());
 * x.grad; // tensor([2., 4., 6.])
 */
export function backward(tensors: GradientPlaces, gradTensors?: GradientSeeds | BackwardOptions, options: BackwardOptions = {}): void {
  if (isOptions(gradTensors)) {
    backward(tensors, null, gradTensors as BackwardOptions);
    return;
  }
  checkOptions('backward', options, BACKWARD_OPTIONS);
  const { roots, seeds } = startOf('backward', listOf(tensors), gradTensors ?? null, false, false);
  const createGraph = options.createGraph ?? false;
  const task = { keepGraph: options.retainGraph ?? createGraph, createGraph, accumulate: true };
  if (options.inputs === null || options.inputs === undefined) {
    accumulate(roots, seeds, task);
    return;
  }
  const inputs = isNamed(options.inputs) ? Object.values(options.inputs) : listOf(options.inputs);
  if (inputs.length === 0)
    throw new ArgumentError('backward: inputs is an empty list: name the tensors that want a gradient, or leave it out for all leaves');
  const found = gradients(
    roots,
    seeds,
    inputs.map((input) => wantedEdge('backward', input)),
    task,
  );
  // Leaves have accumulated already, and results that retain their gradient. An edge to a result has nowhere to put one; its hooks have run.
  new Map(inputs.map((input, i) => [input, found[i] ?? null])).forEach((g, input) => {
    if (g !== null && isTensor(input) && input.meta?.retainsGrad !== true) addToGrad(input, g, createGraph);
  });
}

function addToGrad(input: Tensor, g: Tensor, createGraph: boolean): void {
  const meta = metaOf(input);
  const sum = meta.grad === null ? structural().clone(g) : structural().add(meta.grad, g);
  meta.grad = createGraph ? sum : aliasOf(sum);
}

/**
 * The gradients of the sum of `outputs`, weighted by `gradOutputs`, with respect to `inputs`; null where `allowUnused` is set and nothing depends on
 * one. `gradOutputs` holds one vector for each output or, with `vectorise`, a batch of them. Touches no `grad`.
 */
export function gradOf(
  outputs: GradientPlaces,
  inputs: readonly GradientPlace[],
  gradOutputs: GradientSeeds,
  options: GradOptions,
  vectorise: Vectorise | null = null,
): (Tensor | null)[] {
  if (inputs.length === 0) throw new ArgumentError('grad: inputs is an empty list: name the tensors that want a gradient');
  const zeros = options.materializeGrads === true;
  if (zeros && options.allowUnused === false) {
    throw new ArgumentError('grad: materializeGrads gives zeros for unused inputs, so allowUnused cannot be false');
  }
  const { roots, seeds, batch } = startOf('grad', listOf(outputs), gradOutputs, vectorise !== null, zeros);
  const targets = inputs.map((input) => wantedEdge('grad', input));
  const createGraph = options.createGraph ?? false;
  const task = { keepGraph: options.retainGraph ?? createGraph, createGraph };
  const found =
    vectorise === null ? gradients(roots, seeds, targets, task) : vectorise(seeds, (each) => gradients(roots, each, targets, task));
  return inputs.map((input, i) => {
    const g = found[i] ?? null;
    if (g !== null) giveAway(g);
    else if (zeros) return zerosFor(input, i, batch, createGraph);
    else if (options.allowUnused !== true) throw new AutogradError(unusedMessage(input, i));
    return g;
  });
}

function zerosFor(input: GradientPlace, index: number, batch: readonly number[], tracked: boolean): Tensor {
  if (!isTensor(input)) {
    throw new AutogradError(
      `grad: the outputs do not depend on input ${index}, ${describePlace(input)}: materializeGrads gives zeros for tensors only; use allowUnused to get null`,
    );
  }
  const zeros = structural().zeros([...batch, ...input.shape], input.type);
  zeros.tracked = tracked;
  return zeros;
}

function unusedMessage(input: GradientPlace, index: number): string {
  return `grad: the outputs do not depend on input ${index}, ${describePlace(input)}: pass { allowUnused: true } to get null for it, or { materializeGrads: true } for zeros`;
}

function describePlace(place: GradientPlace): string {
  if (isTensor(place)) return describeTensor(place);
  const { node, outputNr } = place;
  return node instanceof AccumulateGrad ? `the edge to ${describeTensor(node.variable)}` : `the edge to output ${outputNr} of ${node.name}`;
}

function isPlace(value: unknown): value is GradientPlace {
  return isTensor(value) || value instanceof GradientEdge;
}

/** Whether these are tensors by name, and neither one place nor something to iterate over. */
export function isNamed(value: GradientPlaces | NamedTensors): value is NamedTensors {
  return typeof value === 'object' && value !== null && !isPlace(value) && !(Symbol.iterator in value);
}

/** The places as a list. What is none is kept as it is, for the message of the check that follows. */
export function listOf(value: GradientPlaces): readonly GradientPlace[] {
  if (value === null || value === undefined) return [];
  return !isPlace(value) && typeof value === 'object' && Symbol.iterator in value ? [...value] : [value as GradientPlace];
}

/** Where the gradient of an input is taken. */
function wantedEdge(name: string, input: GradientPlace): GradientEdge {
  if (input instanceof GradientEdge) return input;
  if (!isTensor(input)) throw new ArgumentError(`${name}: inputs must be tensors or gradient edges, got ${describeValue(input)}`);
  const edge = edgeOf(input);
  if (edge !== null) return edge;
  throw new AutogradError(
    `${name}: inputs holds ${describeTensor(input)}, which does not require a gradient: call requiresGrad_() on it before it is used`,
  );
}

/** Checks the outputs and their gradients. `constants`: outputs without a graph are left out, since their gradient is zero. */
function startOf(name: string, outputs: readonly GradientPlace[], given: GradientSeeds, batched: boolean, constants: boolean): Start {
  if (outputs.length === 0) throw new ArgumentError(`${name}: no tensors were given to differentiate`);
  const grads: readonly (Tensor | null)[] | null = given === null || Array.isArray(given) ? given : [given];
  if (grads !== null && grads.length !== outputs.length) {
    throw new ArgumentError(
      `${name}: got ${grads.length} gradients for ${outputs.length} tensors: give one for each, null for a tensor of one element`,
    );
  }
  const roots: GradientEdge[] = [];
  const seeds: Tensor[] = [];
  let batch: readonly number[] = [];
  outputs.forEach((output, i) => {
    if (!isPlace(output)) throw new ArgumentError(`${name}: expected tensors to differentiate, got ${describeValue(output)}`);
    const edge = isTensor(output) ? edgeOf(output) : output;
    if (edge === null && !constants) throw new AutogradError(missingGraphMessage(name, output as Tensor, outputs.length > 1 ? i : -1));
    const seed = seedOf(name, output, edge, grads?.[i] ?? null, batched);
    if (batched) batch = seed.shape.slice(0, 1);
    if (edge === null) return;
    roots.push(edge);
    seeds.push(seed);
  });
  return { roots, seeds, batch };
}

function missingGraphMessage(name: string, x: Tensor, index: number): string {
  const inexact = x.type.isFloat || x.type.isComplex;
  return (
    `${name}: ${index < 0 ? '' : `output ${index}, `}${describeTensor(x)}${index < 0 ? '' : ','} does not require a gradient and nothing recorded it: ` +
    (inexact
      ? 'make an input with { requiresGrad: true }, and check for noGrad, detach(), data, item() and integer or boolean results on the way. ' +
        'If it is computed from a gradient, the function is linear there and its second derivative is zero: grad(…, { materializeGrads: true }) returns zeros for it'
      : `integers and booleans have no gradient: compute with a floating dtype up to here`)
  );
}

/** The gradient that a walk starts with at one output. */
function seedOf(name: string, output: GradientPlace, edge: GradientEdge | null, given: Tensor | null, batched: boolean): Tensor {
  const shape = isTensor(output) ? output.shape : (output.node.outputShapes[output.outputNr] as readonly number[]);
  const type = edge === null ? (output as Tensor).type : seedType(edge, given);
  if (given === null) return implicitSeed(name, output, shape, type, batched);
  if (!isTensor(given)) {
    throw new ArgumentError(`${name}: the gradient must be a tensor, got ${describeValue(given)}; wrap data in tensor(…)`);
  }
  const own = batched ? given.shape.slice(1) : given.shape;
  if (!sameShape(own, shape) || (batched && given.ndim === 0)) {
    throw new ShapeError(
      batched
        ? `${name}: with isGradsBatched the first dimension of a gradient is the batch and the others are those of the output: got ${formatShape(given.shape)} for ${formatShape(shape)}`
        : `${name}: the gradient has shape ${formatShape(given.shape)}, but the tensor has ${formatShape(shape)}: they must be equal`,
    );
  }
  if (given.type.isComplex !== type.isComplex) {
    throw new DTypeError(
      `${name}: a ${given.type.name} gradient for a tensor of dtype ${type.name}: both must be complex, or both real; cast it with to('${type.name}')`,
    );
  }
  return structural().cast(given, type);
}

/** The dtype of the gradient that arrives at an edge: a leaf may want another than its own, or take any. */
function seedType(edge: GradientEdge, given: Tensor | null): Tensor['type'] {
  const type = edge.node.outputTypes[edge.outputNr];
  return type ?? (isTensor(given) ? given.type : (edge.node as AccumulateGrad).variable.type);
}

/** 1, for one real number. */
function implicitSeed(name: string, output: GradientPlace, shape: readonly number[], type: Tensor['type'], batched: boolean): Tensor {
  const size = numel(shape);
  if (batched) {
    throw new ArgumentError(
      `${name}: isGradsBatched needs a batch of gradients for each output: none was given for ${describePlace(output)}`,
    );
  }
  if (size !== 1) {
    throw new AutogradError(
      `${name}: ${describePlace(output)} has ${size} elements, so its gradient is not defined by itself: reduce it to one number (sum, mean), or pass a gradient of shape ${formatShape(shape)}`,
    );
  }
  if (type.isComplex) {
    throw new AutogradError(
      `${name}: ${describePlace(output)} is complex: pass an explicit gradient, or take a real number of it (abs, real)`,
    );
  }
  return structural().ones(shape, type);
}
