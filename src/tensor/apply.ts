import type { Operator, Saves } from '../op/contract.ts';
import { beginTracking, creation, endTracking, labelStorage, type Storage } from '../runtime/storage.ts';
import { CompositeNode } from './composite-node.ts';
import { dispatch } from './dispatch.ts';
import { edgesOf, shapesOf, typesOf } from './edges.ts';
import { nulls } from './exact.ts';
import { MapNode } from './map-node.ts';
import type { MapOperator, MapParams } from './map-operator.ts';
import { metaOf } from './meta.ts';
import { mode } from './modes.ts';
import { type AnyOperator, NOTHING, type Node, OperatorNode } from './node.ts';
import { aliasOf, type Interpreter, type Tensor } from './tensor.ts';
import { isTracked, settled } from './views.ts';

/**
 * The one door to every operator: the tape looks at the handles first, then the interpreters at their values (one comparison in plain code), then
 * the kernel runs. So a tape inside a transform records the handles that the transform wrapped, and one outside records the values below.
 * Returns a tensor, or an array for operators with several results.
 */
export function apply<P>(operator: Operator<Tensor, P>, inputs: readonly Tensor[], params: P): Tensor | Tensor[] {
  if (mode.observer !== null) return mode.observer.apply(operator as unknown as Operator<Tensor, never>, inputs, params as never);
  return perform(operator, inputs, params);
}

/** `apply` behind the observers. */
export function perform<P>(operator: Operator<Tensor, P>, inputs: readonly Tensor[], params: P): Tensor | Tensor[] {
  if (mode.grad && operator.derivative.kind !== 'none') {
    for (let i = 0; i < inputs.length; i++)
      if (isTracked(inputs[i] as Tensor) && (mode.inference === null || creation.version < 0 || isSomeCounted(inputs)))
        return labelled(operator, inputs, record(operator as unknown as AnyOperator, inputs, params));
  }
  const result = execute(operator as unknown as AnyOperator, inputs, params);
  if (operator.aliasing !== 'fresh') linkViews(operator.aliasing, result, inputs[0] as Tensor);
  return labelled(operator, inputs, result);
}

/** Says which operator made the storages of its results, for the message when memory runs out. */
function labelled<P>(operator: Operator<Tensor, P>, inputs: readonly Tensor[], result: Tensor | Tensor[]): Tensor | Tensor[] {
  // What looks at an input's memory did not make it.
  if (operator.aliasing !== 'fresh') return result;
  if (!Array.isArray(result)) {
    if (result.storage !== inputs[0]?.storage) labelStorage(result.storage, operator.name);
  } else for (const each of result) labelStorage(each.storage, operator.name);
  return result;
}

/** Runs an operator without recording it at this level. */
function execute(operator: AnyOperator, inputs: readonly Tensor[], params: unknown): Tensor | Tensor[] {
  if (mode.interpreters !== 0) {
    for (const input of inputs) settled(operator.name, input);
    const top = topInterpreter(inputs);
    if (top !== null) return top.process(operator as unknown as Operator<Tensor, never>, inputs, params);
  } else settleAll(operator.name, inputs);
  return operator.composite ? scoped(operator, inputs, params) : operator.forward(inputs, params);
}

/** Handles that interpreters made stand for nothing, or for a plain value, once those have ended. */
function settleAll(name: string, inputs: readonly Tensor[]): void {
  for (let i = 0; i < inputs.length; i++) if ((inputs[i] as Tensor).wrapped !== null) settled(name, inputs[i] as Tensor);
}

/** `apply` for an operator with one result. */
export function applyOne<P>(operator: Operator<Tensor, P>, inputs: readonly Tensor[], params: P): Tensor {
  return apply(operator, inputs, params) as Tensor;
}

/** `apply` for an operator with several results. */
export function applyMany<P>(operator: Operator<Tensor, P>, inputs: readonly Tensor[], params: P): Tensor[] {
  return apply(operator, inputs, params) as Tensor[];
}

/** The latest of the interpreters that wrap one of these. */
export function topInterpreter(inputs: readonly Tensor[]): Interpreter | null {
  let top: Interpreter | null = null;
  for (const input of inputs) {
    const wrapped = input.wrapped;
    if (wrapped !== null && (top === null || wrapped.level > top.level)) top = wrapped.interpreter;
  }
  return top;
}

/** Runs a composite and frees what it allocated on the way and does not return. */
function scoped(operator: AnyOperator, inputs: readonly Tensor[], params: unknown): Tensor | Tensor[] {
  if (mode.interpreters !== 0) return operator.forward(inputs, params);
  const mark = beginTracking();
  let result: Tensor | Tensor[] | null = null;
  try {
    result = operator.forward(inputs, params);
    if (Array.isArray(result)) for (const each of result) standAlone(each, inputs);
    else standAlone(result, inputs);
    return result;
  } finally {
    endTracking(mark, (storage) => result !== null && holds(result, storage));
  }
}

/** What a result is a view of inside a composite concerns nobody outside, unless it is an input. */
function standAlone(result: Tensor, inputs: readonly Tensor[]): void {
  if (result.meta === null || result.meta.base === null) return;
  for (const input of inputs) if (input.storage === result.storage) return;
  result.meta.base = null;
}

function holds(result: Tensor | readonly Tensor[], storage: Storage): boolean {
  if (!Array.isArray(result)) return (result as Tensor).storage === storage;
  return (result as readonly Tensor[]).some((x) => x.storage === storage);
}

function linkViews(aliasing: 'view' | 'multi-view', result: Tensor | Tensor[], source: Tensor): void {
  if (Array.isArray(result)) for (const view of result) linkView(view, source, aliasing === 'multi-view');
  else linkView(result, source, false);
}

/** What inference tensors alone enter is not recorded, whether they want gradients or not. */
function isSomeCounted(inputs: readonly Tensor[]): boolean {
  return inputs.some((input) => input.storage.version >= 0);
}

function linkView(view: Tensor, source: Tensor, multiple: boolean): void {
  if (view === source || view.storage !== source.storage || view.storage.version < 0) return;
  const meta = metaOf(view);
  meta.base = source.meta?.base ?? source;
  meta.viewVersion = view.storage.version;
  const own = creation.version < 0 ? 'inference' : !mode.grad ? 'no-grad' : multiple ? 'multi' : 'single';
  meta.origin = own === 'single' ? (source.meta?.origin ?? own) : own;
}

function record(operator: AnyOperator, inputs: readonly Tensor[], params: unknown): Tensor | Tensor[] {
  if (mode.interpreters === 0) settleAll(operator.name, inputs);
  switch (operator.derivative.kind) {
    case 'map':
      return recordMap(operator as unknown as MapOperator, inputs, params as MapParams);
    case 'composite':
      return recordComposite(operator, inputs, params);
    default:
      return recordRules(operator, inputs, params);
  }
}

function recordMap(operator: MapOperator, inputs: readonly Tensor[], params: MapParams): Tensor {
  const result =
    mode.interpreters === 0 ? operator.forward(inputs, params) : (execute(operator as unknown as AnyOperator, inputs, params) as Tensor);
  if (!result.type.isFloat && !result.type.isComplex) return result;
  result.node = new MapNode(operator, params, inputs, result);
  result.tracked = true;
  return result;
}

function recordRules(operator: AnyOperator, inputs: readonly Tensor[], params: unknown): Tensor | Tensor[] {
  const result = mode.interpreters === 0 ? executeUnrecorded(operator, inputs, params) : execute(operator, inputs, params);
  if (operator.aliasing !== 'fresh') linkViews(operator.aliasing, result, inputs[0] as Tensor);
  attach(operator, makeNode(operator, inputs, params, result), result);
  return result;
}

/** Under interpreters recording stays on, since a tape below this level may have to see what they run. */
function executeUnrecorded(operator: AnyOperator, inputs: readonly Tensor[], params: unknown): Tensor | Tensor[] {
  mode.grad = false;
  try {
    return operator.composite ? scoped(operator, inputs, params) : operator.forward(inputs, params);
  } finally {
    mode.grad = true;
  }
}

/** Makes the node of a call whose results are there already; in-place operators use it to rebase history. */
export function makeNode(
  operator: AnyOperator,
  inputs: readonly Tensor[],
  params: unknown,
  result: Tensor | readonly Tensor[],
): OperatorNode {
  const { next, nextIndex, shapes, types } = edgesOf(inputs);
  const outputs = Array.isArray(result) ? (result as readonly Tensor[]) : [result as Tensor];
  const saved = pick(inputs, outputs, savesOf(operator, next, params));
  return new OperatorNode(operator, params, next, nextIndex, shapes, types, shapesOf(outputs), typesOf(outputs), saved);
}

function savesOf(operator: AnyOperator, next: readonly (Node | null)[], params: unknown): Saves {
  const derivative = operator.derivative;
  if (derivative.kind === 'bilinear') {
    const [left, right] = next;
    return left !== null ? (right !== null ? SAVE_BOTH : SAVE_RIGHT) : SAVE_LEFT;
  }
  if (derivative.kind !== 'rules' || derivative.saves === undefined) return SAVE_NOTHING;
  return typeof derivative.saves === 'function'
    ? derivative.saves(
        next.map((node) => node !== null),
        params,
      )
    : derivative.saves;
}
const SAVE_NOTHING: Saves = {};
const SAVE_BOTH: Saves = { inputs: [0, 1] };
const SAVE_LEFT: Saves = { inputs: [0] };
const SAVE_RIGHT: Saves = { inputs: [1] };

/** What the derivative reads, by slot: inputs, then outputs. */
function pick(inputs: readonly Tensor[], outputs: readonly Tensor[], saves: Saves): readonly (Tensor | null)[] {
  const fromInputs = saves.inputs?.length ?? 0;
  const fromOutputs = saves.outputs?.length ?? 0;
  if (fromInputs === 0 && fromOutputs === 0) return NOTHING;
  const count = inputs.length;
  const slots = nulls<Tensor>(fromOutputs === 0 ? count : count + outputs.length);
  for (let i = 0; i < fromInputs; i++) {
    const k = (saves.inputs as readonly number[])[i] as number;
    slots[k] = inputs[k] ?? null;
  }
  for (let i = 0; i < fromOutputs; i++) {
    const k = (saves.outputs as readonly number[])[i] as number;
    slots[count + k] = outputs[k] ?? null;
  }
  return slots;
}

/** Marks the differentiable results as made by `node`. */
function attach(operator: AnyOperator, node: Node, result: Tensor | Tensor[]): void {
  if (!Array.isArray(result)) attachOne(node, result, 0);
  else {
    for (const [index, output] of result.entries()) {
      if (operator.nonDifferentiableOutputs?.includes(index) !== true) attachOne(node, output, index);
    }
  }
}

export function attachOne(node: Node, output: Tensor, index: number): void {
  if (!output.type.isFloat && !output.type.isComplex) return;
  output.node = node;
  output.outputIndex = index;
  output.tracked = true;
}

/**
 * Records a composite as one node. Its operators are recorded on an inner tape, from leaves that alias the inputs; the node runs that tape
 * backwards, or composes again on the real inputs when the gradient itself is to be differentiated.
 */
function recordComposite(operator: AnyOperator, inputs: readonly Tensor[], params: unknown): Tensor | Tensor[] {
  const leaves = inputs.map((input) => {
    const leaf = aliasOf(input);
    leaf.tracked = isTracked(input) && (input.type.isFloat || input.type.isComplex);
    return leaf;
  });
  if (mode.saving !== null) mode.saving.enter(leaves, inputs);
  const inner = operator.forward(leaves, params);
  const innerOutputs = Array.isArray(inner) ? inner : [inner];
  const outputs = innerOutputs.map(aliasOf);
  const result = Array.isArray(inner) ? outputs : (outputs[0] as Tensor);
  for (const [k, output] of outputs.entries()) {
    const source = inputs.findIndex((input) => input.storage === output.storage);
    if (source >= 0) linkView(output, inputs[source] as Tensor, outputs.length > 1);
    else if (innerOutputs[k]?.meta?.base?.storage === output.storage) continue;
  }
  if (!innerOutputs.some((x) => x.tracked)) return result;
  const node = new CompositeNode(operator, params, inputs, leaves, innerOutputs);
  for (const [index, output] of outputs.entries()) if (innerOutputs[index]?.tracked === true) attachOne(node, output, index);
  return result;
}

dispatch.apply = apply;
