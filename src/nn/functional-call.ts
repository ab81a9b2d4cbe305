import { stackTensors } from '../ops/join.ts';
import { describeValue } from '../tensor/messages.ts';
import { withGradMode } from '../tensor/modes.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { Module, stateName } from './module.ts';

/** Parameters and buffers by dotted name, as `namedParameters` and `stateDict` name them. */
export type NamedTensors = Readonly<Record<string, Tensor | undefined>> | ReadonlyMap<string, Tensor>;

/** Options of `functionalCall`. */
export interface FunctionalCallOptions {
  /** A tensor that the module has under several names is replaced under all of them. Default true. */
  readonly tieWeights?: boolean;
  /** Refuse a call that does not name all parameters and buffers. Default false: the rest are the module's own. */
  readonly strict?: boolean;
}

const CALL_OPTIONS: ReadonlySet<string> = new Set(['tieWeights', 'strict']);

/** One place in a module where a tensor is kept. */
interface Slot {
  readonly name: string;
  readonly owner: Module;
  readonly property: string;
  readonly value: Tensor;
}

function slotsOf(module: Module, prefix = ''): Slot[] {
  const join = (name: string): string => (prefix === '' ? name : `${prefix}.${name}`);
  return [
    ...[...module.ownParameters(), ...module.ownBuffers()].map(
      ([property, value]): Slot => ({ name: join(stateName(property)), owner: module, property, value }),
    ),
    ...module.namedChildren().flatMap(([name, child]) => slotsOf(child, join(stateName(name)))),
  ];
}

type ForwardOf<M> = M extends { forward(...inputs: infer A): infer R } ? { inputs: A; output: R } : { inputs: unknown[]; output: unknown };

/**
 * Calls `module.forward(...inputs)` with other tensors in the place of its parameters and buffers, so that the call is a function of them: what
 * `grad`, `vmap` and the other transforms need. `state` has them by name (an object or map, or several of these); what it does not name is the module's
 * own. `inputs` is a list of arguments, or one tensor. The module is as before when the call returns or throws; buffers that the call replaced by new
 * ones are written back into `state`.
 * Throws ArgumentError for names that the module does not have, and with `strict` for those that are missing.
 *
 * @example
 * const layer = new nn.Linear(2, 1);
 * const state = { weight: tensor([[1, 2]]), bias: tensor([10]) };
 * func.functionalCall(layer, state, tensor([1, 1])); // tensor([13.])
 */
export function functionalCall<M extends Module>(
  module: M,
  state: NamedTensors | readonly NamedTensors[],
  inputs: ForwardOf<M>['inputs'] | Tensor,
  options: FunctionalCallOptions = {},
): ForwardOf<M>['output'] {
  checkOptions('functionalCall', options, CALL_OPTIONS);
  if (!(module instanceof Module)) throw new ArgumentError(`functionalCall: expected a module, got ${describeValue(module)}`);
  const records = (Array.isArray(state) ? state : [state]) as readonly NamedTensors[];
  const given = mergedState(records);
  const slots = slotsOf(module);
  checkNames(module, slots, given, options.strict ?? false);
  const replaced = replacements(slots, given, options.tieWeights ?? true);
  for (const [slot, value] of replaced) slot.owner.setState(slot.property, value);
  try {
    const forward = (module as unknown as { forward(...inputs: unknown[]): unknown }).forward;
    return forward.apply(module, isTensor(inputs) ? [inputs] : (inputs as unknown[])) as ForwardOf<M>['output'];
  } finally {
    for (const [slot, value] of replaced) {
      writeBack(records, slot, value);
      slot.owner.setState(slot.property, slot.value);
    }
  }
}

function mergedState(records: readonly NamedTensors[]): Map<string, Tensor> {
  const merged = new Map<string, Tensor>();
  for (const record of records) {
    if (typeof record !== 'object' || record === null || isTensor(record))
      throw new ArgumentError(`functionalCall: state must be an object or map of tensors by name, got ${describeValue(record)}`);
    for (const [name, value] of record instanceof Map ? record : Object.entries(record)) {
      if (value === undefined) continue;
      if (!isTensor(value)) throw new ArgumentError(`functionalCall: '${name}' must be a tensor, got ${describeValue(value)}`);
      if (merged.has(name)) throw new ArgumentError(`functionalCall: '${name}' is given twice, in two of the objects`);
      merged.set(name, value);
    }
  }
  return merged;
}

function checkNames(module: Module, slots: readonly Slot[], given: ReadonlyMap<string, Tensor>, strict: boolean): void {
  const known = new Set(slots.map((slot) => slot.name));
  const unexpected = [...given.keys()].filter((name) => !known.has(name));
  if (unexpected.length > 0) {
    throw new ArgumentError(
      `functionalCall: ${module.constructor.name} has no parameter or buffer named ${unexpected.join(', ')}: it has ${[...known].join(', ')}`,
    );
  }
  const missing = strict ? [...known].filter((name) => !given.has(name)) : [];
  if (missing.length > 0)
    throw new ArgumentError(
      `functionalCall: the state does not name ${missing.join(', ')} of ${module.constructor.name}, and strict is set`,
    );
}

/** The new tensor of each slot that gets one. */
function replacements(slots: readonly Slot[], given: ReadonlyMap<string, Tensor>, tie: boolean): [Slot, Tensor][] {
  const byTensor = new Map<Tensor, { readonly name: string; readonly value: Tensor }>();
  for (const { name, value } of tie ? slots : []) {
    const replacement = given.get(name);
    if (replacement === undefined) continue;
    const known = byTensor.get(value);
    if (known !== undefined && known.value !== replacement) {
      throw new ArgumentError(
        `functionalCall: '${known.name}' and '${name}' are the same tensor in the module, but different ones are given: give one, or pass { tieWeights: false }`,
      );
    }
    byTensor.set(value, { name, value: replacement });
  }
  return slots.flatMap((slot): [Slot, Tensor][] => {
    const value = given.get(slot.name) ?? byTensor.get(slot.value)?.value;
    return value === undefined ? [] : [[slot, value]];
  });
}

/** A tensor that the call put in the place of a given one goes into the state that it was given in. */
function writeBack(records: readonly NamedTensors[], { name, owner, property }: Slot, before: Tensor): void {
  const own = [...owner.ownParameters(), ...owner.ownBuffers()].find(([key]) => key === property)?.[1];
  if (own === undefined || own === before) return;
  for (const record of records) {
    if (record instanceof Map) {
      if (record.has(name)) record.set(name, own);
    } else if (name in record) (record as Record<string, Tensor>)[name] = own;
  }
}

/**
 * The parameters and the buffers of models of one kind, each stacked along a new first dimension, for `vmap` over an ensemble: `[parameters, buffers]`,
 * two objects by name. The stacked tensors are copies, and leaves that require a gradient where those of the models do.
 * Throws ArgumentError for no models, models of different classes, or some in training and some in evaluation mode.
 *
 * @example
 * const models = [new nn.Linear(3, 2), new nn.Linear(3, 2)];
 * const [parameters, buffers] = func.stackModuleState(models);
 * const predict = (parameters, x) => func.functionalCall(models[0], parameters, x);
 * func.vmap(predict, { inDims: [0, null] })(parameters, ones([4, 3])).shape; // [2, 4, 2]
 */
export function stackModuleState(models: readonly Module[]): [parameters: Record<string, Tensor>, buffers: Record<string, Tensor>] {
  const [first] = models;
  if (first === undefined) throw new ArgumentError('stackModuleState: give at least one model');
  for (const model of models) {
    if (!(model instanceof Module)) throw new ArgumentError(`stackModuleState: expected modules, got ${describeValue(model)}`);
    if (model.constructor !== first.constructor) {
      throw new ArgumentError(
        `stackModuleState: the models must be of one class, got ${first.constructor.name} and ${model.constructor.name}: their parameters could not be stacked`,
      );
    }
    if (model.training !== first.training)
      throw new ArgumentError(
        'stackModuleState: some models are in training mode and some in evaluation mode: call train() or eval() on all',
      );
  }
  return [stacked(models.map((model) => model.namedParameters())), stacked(models.map((model) => model.namedBuffers()))];
}

function stacked(states: readonly (readonly [string, Tensor][])[]): Record<string, Tensor> {
  const maps = states.map((state) => new Map(state));
  const names = [...(maps[0] as Map<string, Tensor>).keys()];
  return Object.fromEntries(
    names.map((name) => {
      const tensors = maps.map((map) => {
        const tensor = map.get(name);
        if (tensor === undefined) throw new ArgumentError(`stackModuleState: not all models have '${name}': they must be built alike`);
        return tensor;
      });
      const whole = withGradMode(false, () => stackTensors('stackModuleState', tensors, 0));
      whole.tracked = tensors.every((tensor) => tensor.tracked);
      return [name, whole];
    }),
  );
}
