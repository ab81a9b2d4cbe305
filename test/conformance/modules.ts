/** Runs one case of a module: its result, the gradients of its parameters and inputs, and the buffers that the call changed. */
import { compareTensor, isInexact, toleranceOf } from './compare.ts';
import { type Handle, type Library, lookUp, MissingError } from './library.ts';
import { compareDerivatives, compareResult, reasonOf, type Verdict } from './operator-cases.ts';
import { bind, camelCase } from './signature.ts';
import type { Encoded, EncodedTensor, ModuleCase } from './vectors.ts';
import { asList } from './wraps.ts';

/** What the runner asks of a module. */
export interface ModuleHandle {
  forward(...args: unknown[]): unknown;
  train(mode?: boolean): unknown;
  eval(): unknown;
  stateDict(): unknown;
  loadStateDict(state: unknown): unknown;
  namedParameters(): Iterable<readonly [string, Handle]>;
}

type Named = Readonly<Record<string, Encoded>>;

/** The generator's seed before each call, as the recorded calls had it (RReLU draws). */
const SEED = 11;

/** Parameters that every constructor of PyTorch takes and that say nothing here. */
const IGNORED = new Set(['device', 'dtype']);

/**
 * Arguments for a constructor. A static `signature` names its parameters; without one, PyTorch's positional arguments stay positional and its
 * keyword arguments become the trailing options object.
 */
function constructorArguments(library: Library, signature: unknown, args: readonly Encoded[], kwargs: Named): unknown[] {
  const take = (encoded: EncodedTensor): Handle => library.make(encoded);
  const named = Object.entries(kwargs).filter(([name]) => !IGNORED.has(name));
  return bind(
    typeof signature === 'string' ? signature : null,
    args.map((arg) => library.decode(arg, take)),
    Object.fromEntries(named.map(([name, value]) => [name, library.decode(value, take)])),
  );
}

/** Constructs `nn.NAME`, its parameters in the given dtype. */
export function construct(
  library: Library,
  name: string,
  args: readonly Encoded[],
  kwargs: Named,
  dtype: 'float32' | 'float64',
): ModuleHandle {
  const Module = library.needClass(`nn.${name}`);
  const values = constructorArguments(library, Module.signature, args, kwargs);
  if (dtype === 'float32') return new Module(...values) as ModuleHandle;
  const setDefault = library.need('setDefaultDtype');
  setDefault(dtype);
  try {
    return new Module(...values) as ModuleHandle;
  } finally {
    setDefault('float32');
  }
}

/** The state of a module as an object, whether the library gives a map or an object. */
export function stateOf(module: ModuleHandle): Readonly<Record<string, Handle>> {
  const state = module.stateDict();
  return state instanceof Map ? Object.fromEntries(state) : (state as Record<string, Handle>);
}

/** The named tensors must be there and equal. */
export function compareState(
  module: ModuleHandle,
  expected: Readonly<Record<string, EncodedTensor>>,
  compare: (actual: Handle, expected: EncodedTensor) => Verdict,
): Verdict {
  const state = stateOf(module);
  for (const [name, encoded] of Object.entries(expected)) {
    const actual = state[name];
    if (actual === undefined) return `stateDict has no ${name}`;
    const wrong = compare(actual, encoded);
    if (wrong !== null) return `${name}: ${wrong}`;
  }
  return null;
}

function forwardArguments(library: Library, module: ModuleHandle, sample: ModuleCase, leaves: Handle[]): unknown[] {
  const take = (encoded: EncodedTensor): Handle => {
    const tensor = library.make(encoded, encoded.g === true);
    if (encoded.g === true) leaves.push(tensor);
    return tensor;
  };
  const inputs = sample.inputs.map((input) => library.decode(input, take));
  const named = Object.fromEntries(Object.entries(sample.inputKwargs).map(([name, value]) => [name, library.decode(value, take)]));
  const signature = lookUp(module, 'constructor.forwardSignature');
  if (typeof signature === 'string') return bind(signature, inputs, named);
  // The single input of a module, given by name.
  if (inputs.length === 0 && 'input' in named) return [named.input];
  const options = Object.fromEntries(Object.entries(named).map(([name, value]) => [camelCase(name), value]));
  return Object.keys(options).length === 0 ? inputs : [...inputs, options];
}

function flatten(library: Library, result: unknown): Handle[] {
  return library.isTensor(result)
    ? [result]
    : asList(library, result).flatMap((item) =>
        item === result || item === null || typeof item !== 'object' ? [] : flatten(library, item),
      );
}

function checkGradients(library: Library, module: ModuleHandle, sample: ModuleCase, leaves: readonly Handle[], result: unknown): Verdict {
  const parameters = new Map(module.namedParameters());
  const names = Object.keys(sample.paramGrads);
  const missing = names.find((name) => !parameters.has(name));
  if (missing !== undefined) return `namedParameters has no ${missing}`;
  const inexact = flatten(library, result).filter((tensor) => isInexact(tensor.dtype));
  const tracked = inexact.filter((tensor) => tensor.requiresGrad === true);
  const outputs = (inexact.length === sample.cots.length ? inexact : tracked).slice(0, sample.cots.length);
  const inputs = [...names.map((name) => parameters.get(name)!), ...leaves];
  if (inputs.length === 0 || outputs.length === 0) return null;
  const cotangents = sample.cots.map((encoded) => library.make(encoded));
  const grads = library.grad(outputs, inputs, cotangents, false);
  const ofParameters = compareDerivatives(
    library,
    grads.slice(0, names.length),
    names.map((name) => sample.paramGrads[name] ?? null),
  );
  if (ofParameters !== null) return `gradient of parameter ${ofParameters.replace(/^\d+/, (index) => names[Number(index)]!)}`;
  const ofInputs = compareDerivatives(library, grads.slice(names.length), sample.inputGrads);
  return ofInputs === null ? null : `gradient of input ${ofInputs}`;
}

function checkModule(library: Library, sample: ModuleCase): Verdict {
  const module = construct(library, sample.module, sample.args, sample.kwargs, 'float64');
  module.loadStateDict(Object.fromEntries(Object.entries(sample.state).map(([name, encoded]) => [name, library.make(encoded)])));
  if (sample.training) module.train();
  else module.eval();
  const leaves: Handle[] = [];
  const inputs = forwardArguments(library, module, sample, leaves);
  library.manualSeed(SEED);
  const result = module.forward(...inputs);
  const wrong = compareResult(library, result, sample.out, false);
  if (wrong !== null) return `result: ${wrong}`;
  const gradients = checkGradients(library, module, sample, leaves, result);
  if (gradients !== null) return gradients;
  const state = compareState(module, sample.stateAfter, (actual, expected) =>
    compareTensor(library.snapshot(actual), expected, toleranceOf(expected.t)),
  );
  return state === null ? null : `state after the call: ${state}`;
}

/** Runs one case; never throws. */
export function runModuleCase(library: Library, sample: ModuleCase): Verdict {
  try {
    return checkModule(library, sample);
  } catch (error) {
    return error instanceof MissingError ? error.message : reasonOf(error);
  }
}
