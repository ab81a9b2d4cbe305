import { formatShape } from '../../shape/shape.ts';
import { topInterpreter } from '../../tensor/apply.ts';
import { describeValue } from '../../tensor/messages.ts';
import { mode, withGradMode } from '../../tensor/modes.ts';
import { structural } from '../../tensor/structural.ts';
import { type Interpreter, isTensor, type Tensor } from '../../tensor/tensor.ts';
import { isTracked, settled } from '../../tensor/views.ts';
import { ArgumentError, AutogradError, ShapeError } from '../../util/errors.ts';
import { Batching } from '../batching.ts';
import { ForwardMode } from '../forward.ts';
import { FunctionContext, readingForward, seal, translated } from './context.ts';
import { CustomNode, plural } from './node.ts';
import { byOwnRule } from './own-rule.ts';
import { type Called, type Marks, type Rules, resultsOf } from './rules.ts';
import { giveHistory, settle } from './settle.ts';
import { vectorised } from './vectorised.ts';

/**
 * How a custom function runs where several levels look at it: the tape of the handles first, then the interpreter at the top, which hands on to the
 * same at the level of the values below, down to plain tensors. Each level has a context of its own, filled by `setupContext` with the handles of
 * that level, so that derivatives of derivatives see what they depend on.
 */

/** Calls the function at the level of `args`, and records it there. */
export function callAt(rules: Rules, args: readonly unknown[]): Called {
  const tensors = args.filter(isTensor);
  for (const x of tensors) if (x.wrapped !== null || mode.interpreters !== 0) settled(rules.name, x);
  const needs = args.map((x) => isTensor(x) && isTracked(x));
  const recorded = mode.grad && needs.includes(true);
  const top = topInterpreter(tensors);
  if (top === null) return onTensors(rules, args, needs, recorded);
  const below = top instanceof Batching ? onBatch(top, rules, args) : onDuals(forwardMode(rules, top), rules, args);
  const { output } = below;
  const mine = rules.setup === null ? below.context : freshContext(rules, needs);
  rules.setup?.(mine, args, output);
  // After a rule for vmap nobody but this level's setupContext has said what is constant.
  const marks = rules.setup === null ? below.marks : { ...below.marks, nonDifferentiable: constantsOf(mine, output) };
  if (recorded) record(rules, mine, args, resultsOf(output), marks);
  seal(mine);
  return { output, context: mine, marks };
}

function freshContext(rules: Rules, needs: readonly boolean[]): FunctionContext {
  const context = new FunctionContext(rules.name);
  context.needsInputGrad = needs;
  return context;
}

function constantsOf(context: FunctionContext, output: unknown): number[] {
  const { nonDifferentiable } = context.state();
  return resultsOf(output).flatMap((y, i) => (isTensor(y) && nonDifferentiable.includes(y) ? [i] : []));
}

/** No interpreter looks: the user's forward runs, on the arguments themselves. */
function onTensors(rules: Rules, args: readonly unknown[], needs: readonly boolean[], recorded: boolean): Called {
  const context = freshContext(rules, needs);
  const output = withGradMode(false, () => {
    const forward = (): unknown => rules.forward(context, args);
    const returned =
      mode.observer === null ? forward() : mode.observer.call(rules.name, rules.setup !== null, args.filter(isTensor), forward);
    rules.setup?.(context, args, returned);
    return returned;
  });
  const called = settle(rules, context, args, output, recorded);
  seal(context);
  return called;
}

/** Records results whose handles this level made. */
function record(rules: Rules, context: FunctionContext, args: readonly unknown[], results: readonly unknown[], marks: Marks): void {
  const node = new CustomNode(rules, context, args, results, marks.nonDifferentiable);
  results.forEach((y, i) => {
    if (isTensor(y) && !marks.nonDifferentiable.includes(i)) giveHistory(node, y, i, (marks.written[i] ?? -1) >= 0);
  });
}

function forwardMode(rules: Rules, top: Interpreter): ForwardMode {
  if (top instanceof ForwardMode) return top;
  throw new AutogradError(`${rules.name}: custom functions run under forward mode and vmap only`);
}

/** Forward mode: the values one level below, and the user's rule for the tangents. */
function onDuals(top: ForwardMode, rules: Rules, args: readonly unknown[]): Called {
  const pairs = args.map((x) => (isTensor(x) ? top.unpack(x) : null));
  const primals = args.map((x, i) => pairs[i]?.primal ?? x);
  const tangents = pairs.map((pair) => pair?.tangent ?? null);
  const lower = callAt(rules, primals);
  const found = tangents.some((t) => t !== null) ? tangentsOf(rules, lower, primals, tangents) : [];
  const handles = new Map<Tensor, Tensor>();
  const results = resultsOf(lower.output).map((y, i) => {
    if (!isTensor(y)) return y;
    const at = lower.marks.written[i] ?? -1;
    const lifted =
      at >= 0 ? rewritten(top, rules.name, args[at] as Tensor, found[i] ?? null) : (handles.get(y) ?? top.lift(y, found[i] ?? null));
    handles.set(y, lifted);
    return lifted;
  });
  args.forEach((x, i) => {
    if (isTensor(x)) handles.set(primals[i] as Tensor, x);
  });
  const output = Array.isArray(lower.output) ? results : results[0];
  return { output, context: translated(lower.context, (x) => handles.get(x) ?? x), marks: lower.marks };
}

/** The argument that forward wrote one level below, with the tangent of what was written. */
function rewritten(top: ForwardMode, name: string, target: Tensor, tangent: Tensor | null): Tensor {
  top.setTangent(name, target, tangent);
  return target;
}

function tangentsOf(
  rules: Rules,
  lower: Called,
  primals: readonly unknown[],
  tangents: readonly (Tensor | null)[],
): readonly (Tensor | null)[] {
  const context = rules.setup === null ? lower.context : freshContext(rules, lower.context.needsInputGrad);
  rules.setup?.(context, primals, lower.output);
  seal(context);
  const { materialize } = context.state();
  const given = tangents.map((t, i) => {
    const x = primals[i];
    return t === null && materialize && isTensor(x) ? structural().zeros(x.shape, x.type) : t;
  });
  const returned = resultsOf(readingForward(context, () => rules.jvp(context, given)));
  const results = resultsOf(lower.output);
  if (returned.length !== results.length) {
    throw new AutogradError(
      `${rules.name}: jvp returned ${plural(returned.length, 'tangent')} for ${plural(results.length, 'result')} of forward: return one for each, null where there is none`,
    );
  }
  return returned.map((t, i) => checkedTangent(rules.name, t ?? null, results[i], i, lower.marks.nonDifferentiable.includes(i)));
}

function checkedTangent(name: string, t: unknown, y: unknown, index: number, constant: boolean): Tensor | null {
  if (t === null) return null;
  if (!isTensor(t)) throw new ArgumentError(`${name}: jvp returned ${describeValue(t)} for result ${index}: return a tensor or null`);
  if (!isTensor(y) || constant || !(y.type.isFloat || y.type.isComplex)) {
    const what = !isTensor(y) ? 'not a tensor' : constant ? 'marked as not differentiable' : `of dtype ${y.type.name}`;
    throw new AutogradError(`${name}: jvp returned a tangent for result ${index}, which is ${what}: return null there`);
  }
  if (formatShape(t.shape) !== formatShape(y.shape)) {
    throw new ShapeError(
      `${name}: jvp returned a tangent of shape ${formatShape(t.shape)} for result ${index} of shape ${formatShape(y.shape)}: they must be equal`,
    );
  }
  return t.type === y.type ? t : structural().cast(t, y.type);
}

/** vmap: by the user's rule, or by the function vectorised. */
function onBatch(top: Batching, rules: Rules, args: readonly unknown[]): Called {
  if (rules.vmap === null) {
    throw new AutogradError(
      `${rules.name}: it does not say how it runs under vmap: write static vmap(info, inDims, ...args), or static generateVmapRule = true if all its methods are made of differentiable operations`,
    );
  }
  if (rules.setup === null) {
    throw new AutogradError(
      `${rules.name}: under vmap a custom function needs forward(...args) and setupContext(context, inputs, output) as two methods: take the context out of forward`,
    );
  }
  const values = args.map((x) => (isTensor(x) ? (top.valueOf(x) ?? x) : x));
  const batched = args.map((x) => isTensor(x) && top.valueOf(x) !== null);
  if (rules.vmap !== 'generate') return byOwnRule(top, rules, rules.vmap, values, batched);
  const lower = callAt(vectorised(rules, batched, top.size), values);
  const lifted = new Map<Tensor, Tensor>();
  const results = resultsOf(lower.output).map((y) => {
    if (!isTensor(y)) return y;
    const handle = lifted.get(y) ?? top.lift(y);
    lifted.set(y, handle);
    return handle;
  });
  return { output: Array.isArray(lower.output) ? results : results[0], context: lower.context, marks: lower.marks };
}
