/** Runs one case of an operator: value, gradients, second gradients and tangents, each for itself. */
import { compareTensor, isAllZero, isInexact, toleranceOf } from './compare.ts';
import { bytesOf, ComplexValue, decode } from './decode.ts';
import { EXCEPTIONS, type Exception, type PlannedCall } from './exceptions.ts';
import { type Found, type Handle, type Library, MissingError } from './library.ts';
import { bind, camelPath } from './signature.ts';
import { type BadInput, type EncodedTensor, type OperatorCase, type OperatorFile, tensorsIn } from './vectors.ts';
import { asList, callWrapped, postProcess } from './wraps.ts';

/** null: passed; a text: why not. */
export type Verdict = string | null;

export interface CaseResult {
  readonly value: Verdict;
  /** Undefined where PyTorch has none. */
  readonly grads?: Verdict;
  readonly gradgrads?: Verdict;
  readonly tangents?: Verdict;
}

/** An operator of the vectors, with what it is called through. */
export interface Target {
  readonly name: string;
  readonly file: OperatorFile;
  readonly exception: Exception;
  readonly found: Found | null;
}

/** The generator's seed before each call, as in PyTorch's suite. */
const SEED = 42;

export function findTarget(library: Library, name: string, file: OperatorFile): Target {
  const exception = EXCEPTIONS[name] ?? {};
  const found = exception.invoke === undefined ? library.find(camelPath(exception.op ?? file.op)) : null;
  return { name, file, exception, found };
}

/** Whether a case belongs to the complex column: complex samples, or a complex tensor or number among the arguments. */
export function isComplexCase(sample: OperatorCase): boolean {
  if (sample.dtype.startsWith('complex')) return true;
  const isComplex = (value: unknown): boolean =>
    Array.isArray(value)
      ? value.some(isComplex)
      : typeof value === 'object' && value !== null && ('complex' in value || Object.values(value).some(isComplex));
  const all = [sample.args, sample.kwargs];
  return tensorsIn(all).some((tensor) => tensor.t.startsWith('complex')) || isComplex(all);
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  return `${error.name === 'Error' ? error.constructor.name : error.name}: ${error.message.split('\n')[0]}`;
}

function requireTarget(library: Library, target: Target): (call: PlannedCall) => unknown {
  const { found, exception, file, name } = target;
  if (exception.invoke !== undefined) return (call) => exception.invoke!(call, library);
  if (found === null) throw new MissingError(`the library has no ${camelPath(exception.op ?? file.op)} (${name})`);
  return (call) => {
    const planned = exception.rewrite?.(call, library) ?? call;
    return found.call(...bind(found.signature, planned.args, planned.kwargs, exception.names));
  };
}

/** The call of a case with the given tensors in place of its own. */
function planCall(library: Library, sample: Pick<OperatorCase, 'args' | 'kwargs'>, tensors: readonly Handle[]): PlannedCall {
  let next = 0;
  const take = (): Handle => tensors[next++]!;
  return {
    args: sample.args.map((arg) => library.decode(arg, take)),
    kwargs: Object.fromEntries(Object.entries(sample.kwargs).map(([key, value]) => [key, library.decode(value, take)])),
  };
}

/** Runs the operator with its wrap and post-processing on tensors that stand for those of the case, in order. */
function evaluate(library: Library, target: Target, sample: OperatorCase, tensors: readonly Handle[]): unknown {
  const operator = requireTarget(library, target);
  library.manualSeed(SEED);
  const result = callWrapped(library, sample.wrap, target.file.op, operator, planCall(library, sample, tensors));
  const processed = postProcess(library, sample.post, target.file.op, result);
  return target.exception.results === undefined ? processed : asList(library, processed).slice(0, target.exception.results);
}

function collectTensors(library: Library, result: unknown, found: Handle[] = []): Handle[] {
  if (library.isTensor(result)) found.push(result);
  else if (typeof result === 'object' && result !== null && Symbol.iterator in result) {
    for (const item of result as Iterable<unknown>) collectTensors(library, item, found);
  }
  return found;
}

/** The outputs that PyTorch gave cotangents or tangents for, in order. */
function differentiable(library: Library, result: unknown, count: number): Handle[] {
  const inexact = collectTensors(library, result).filter((tensor) => isInexact(tensor.dtype));
  if (inexact.length === count) return inexact;
  const tracked = inexact.filter((tensor) => tensor.requiresGrad === true);
  return tracked.length === count ? tracked : inexact.slice(0, count);
}

function compareNumber(actual: unknown, expected: unknown): Verdict {
  if (expected instanceof ComplexValue) {
    const parts = Array.isArray(actual) ? actual : typeof actual === 'object' && actual !== null ? Object.values(actual) : [actual, 0];
    const wrong = compareNumber(parts[0], expected.re) ?? compareNumber(parts[1], expected.im);
    return wrong === null ? null : `complex ${wrong}`;
  }
  if (typeof expected === 'boolean') return actual === expected ? null : `expected ${expected}, got ${String(actual)}`;
  const [got, want] = [Number(actual), Number(expected)];
  const { relative, absolute } = toleranceOf('float64');
  const isNumber = typeof actual === 'number' || typeof actual === 'bigint';
  const equal = Object.is(got, want) || got === want || Math.abs(got - want) <= absolute + relative * Math.abs(want);
  return isNumber && equal ? null : `expected ${want}, got ${String(actual)}`;
}

/** Compares a result with `out`: a tensor, a list, a number, `{value}`. */
export function compareResult(library: Library, actual: unknown, expected: unknown, layoutOnly: boolean): Verdict {
  if (Array.isArray(expected)) {
    const list = library.isTensor(actual) ? null : asList(library, actual);
    if (list === null || (list.length === 1 && list[0] === actual)) return `expected ${expected.length} results, got one`;
    if (list.length !== expected.length) return `expected ${expected.length} results, got ${list.length}`;
    for (let index = 0; index < list.length; index++) {
      const wrong = compareResult(library, list[index], expected[index], layoutOnly);
      if (wrong !== null) return `result ${index}: ${wrong}`;
    }
    return null;
  }
  if (typeof expected === 'object' && expected !== null && 't' in expected) {
    const tensor = expected as EncodedTensor;
    if (!library.isTensor(actual)) return `expected a tensor, got ${actual === null ? 'null' : typeof actual}`;
    return compareTensor(library.snapshot(actual), tensor, toleranceOf(tensor.t), layoutOnly);
  }
  const value = typeof expected === 'object' && expected !== null && 'value' in expected ? expected.value : expected;
  return compareNumber(
    actual,
    decode(value, () => null),
  );
}

/**
 * Compares derivatives one by one. PyTorch's None is our null, or zero everywhere. `zeroIsNone` also takes null for a tensor of zeros: beyond the
 * first gradient it is the implementation that decides which of the two a vanishing derivative is.
 */
export function compareDerivatives(
  library: Library,
  actual: readonly (Handle | null)[],
  expected: readonly (EncodedTensor | null)[],
  options: { readonly secondOrder?: boolean; readonly zeroIsNone?: boolean } = {},
): Verdict {
  if (actual.length !== expected.length) return `expected ${expected.length} derivatives, got ${actual.length}`;
  for (let index = 0; index < expected.length; index++) {
    const [got, want] = [actual[index] ?? null, expected[index] ?? null];
    if (got === null && (want === null || (options.zeroIsNone === true && isAllZero(bytesOf(want), want.t)))) continue;
    if (got === null) return `${index}: expected a tensor, got null`;
    const snapshot = library.snapshot(got);
    if (want === null) {
      if (!isAllZero(snapshot.bytes, snapshot.dtype)) return `${index}: expected none, got a tensor that is not zero`;
      continue;
    }
    const wrong = compareTensor(snapshot, want, toleranceOf(want.t, options.secondOrder === true));
    if (wrong !== null) return `${index}: ${wrong}`;
  }
  return null;
}

/** Runs `check` and turns an exception into a reason. */
function attempt(check: () => Verdict): Verdict {
  try {
    return check();
  } catch (error) {
    return reasonOf(error);
  }
}

interface Forward {
  readonly leaves: readonly Handle[];
  readonly result: unknown;
}

function forward(library: Library, target: Target, sample: OperatorCase, track: boolean): Forward {
  const tensors = tensorsIn([sample.args, Object.values(sample.kwargs)]).map((encoded) => ({
    handle: library.make(encoded, track && encoded.g === true),
    leaf: encoded.g === true,
  }));
  const result = evaluate(
    library,
    target,
    sample,
    tensors.map(({ handle }) => handle),
  );
  return { leaves: tensors.filter(({ leaf }) => leaf).map(({ handle }) => handle), result };
}

function checkGrads(library: Library, sample: OperatorCase, { leaves, result }: Forward): Verdict {
  const cotangents = sample.cots!.map((encoded) => library.make(encoded));
  const outputs = differentiable(library, result, cotangents.length);
  return compareDerivatives(library, library.grad(outputs, leaves, cotangents, false), sample.grads!);
}

function checkGradgrads(library: Library, sample: OperatorCase, { leaves, result }: Forward): Verdict {
  const cotangents = sample.cots!.map((encoded) => library.make(encoded));
  const grads = library.grad(differentiable(library, result, cotangents.length), leaves, cotangents, true);
  const outputs: Handle[] = [];
  const weights: Handle[] = [];
  for (const [index, weight] of sample.gradWeights!.entries()) {
    const grad = grads[index] ?? null;
    // A first gradient without history adds nothing to the second.
    if (weight === null || grad === null || grad.requiresGrad !== true) continue;
    outputs.push(grad);
    weights.push(library.make(weight));
  }
  const second = outputs.length === 0 ? leaves.map(() => null) : library.grad(outputs, leaves, weights, false);
  return compareDerivatives(library, second, sample.gradgrads!, { secondOrder: true, zeroIsNone: true });
}

function checkTangents(library: Library, target: Target, sample: OperatorCase): Verdict {
  const encoded = tensorsIn([sample.args, Object.values(sample.kwargs)]);
  const tensors = encoded.map((tensor) => library.make(tensor));
  const positions = encoded.flatMap((tensor, index) => (tensor.g === true ? [index] : []));
  const run = (...leaves: Handle[]): Handle[] => {
    const replaced = [...tensors];
    for (const [index, position] of positions.entries()) replaced[position] = leaves[index]!;
    return differentiable(library, evaluate(library, target, sample, replaced), sample.jvp!.length);
  };
  const tangents = sample.tangents!.map((tensor) => library.make(tensor));
  const { tangents: results } = library.jvp(
    run,
    positions.map((position) => tensors[position]!),
    tangents,
  );
  return compareDerivatives(library, results, sample.jvp!, { zeroIsNone: true });
}

/** The elements of the sample's input at `positions` along a dimension. */
function elementsAt(library: Library, sample: OperatorCase, positions: Handle, dim: number): Handle {
  const input = library.make(sample.args[0] as EncodedTensor);
  const rank = Math.max(1, input.shape.length);
  const reduced = positions.shape.length < input.shape.length;
  const at = reduced ? library.need('unsqueeze')(positions, dim < 0 ? dim + rank : dim) : positions;
  return (input.shape.length === 0 ? input : library.need('takeAlongDim')(input, at, dim)) as Handle;
}

/** Compares a result in which equal elements may come in any order: positions by the elements at them, all else as it is. */
function compareChosen(library: Library, target: Target, sample: OperatorCase, result: unknown): Verdict {
  const { result: index, dim: argument } = target.exception.positions!;
  const named = sample.args[argument] ?? sample.kwargs.dim;
  const dim = typeof named === 'number' ? named : -1;
  const actual = asList(library, result);
  const expected = (Array.isArray(sample.out) ? sample.out : [sample.out]) as EncodedTensor[];
  if (actual.length !== expected.length) return `expected ${expected.length} results, got ${actual.length}`;
  for (const [k, want] of expected.entries()) {
    const wrong = compareResult(library, actual[k], want, k === index);
    if (wrong !== null) return `result ${k}: ${wrong}`;
  }
  const got = elementsAt(library, sample, actual[index] as Handle, dim);
  const wanted = elementsAt(library, sample, library.make(expected[index]!), dim);
  return sameBytes(library.snapshot(got).bytes, library.snapshot(wanted).bytes) ? null : `result ${index}: positions of other elements`;
}

/** Runs one case; never throws. */
export function runCase(library: Library, target: Target, sample: OperatorCase): CaseResult {
  const hasGrads = sample.cots !== undefined && sample.grads !== undefined;
  const hasSecond = hasGrads && sample.gradWeights !== undefined && sample.gradgrads !== undefined;
  let tracked: Forward | null = null;
  let failure: string | null = null;
  if (hasGrads) {
    try {
      tracked = forward(library, target, sample, true);
    } catch (error) {
      failure = reasonOf(error);
    }
  }
  const value = attempt(() => {
    const { result } = tracked ?? forward(library, target, sample, false);
    if (target.exception.positions !== undefined) return compareChosen(library, target, sample, result);
    return compareResult(library, result, sample.out, target.file.random);
  });
  const onGraph = (check: (graph: Forward) => Verdict): Verdict => (tracked === null ? failure : attempt(() => check(tracked)));
  return {
    value,
    ...(hasGrads ? { grads: onGraph((graph) => checkGrads(library, sample, graph)) } : {}),
    ...(hasSecond ? { gradgrads: onGraph((graph) => checkGradgrads(library, sample, graph)) } : {}),
    ...(sample.jvp === undefined ? {} : { tangents: attempt(() => checkTangents(library, target, sample)) }),
  };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** A float where Python requires an integer: said exactly by a 0-d tensor, since JavaScript writes 1.0 as 1. */
function sayFloats(library: Library, target: Target, bad: BadInput, call: PlannedCall): PlannedCall {
  const integers = target.exception.integers;
  if (integers === undefined || bad.type !== 'TypeError') return call;
  const args = call.args.map((arg, index) => (integers.includes(index) && typeof arg === 'number' ? library.scalar(arg, 'float32') : arg));
  return { args, kwargs: call.kwargs };
}

/** A bad input passes if the library refuses it with an error of its own and leaves every tensor as it was. */
export function runBadInput(library: Library, target: Target, bad: BadInput): Verdict {
  const encoded = tensorsIn([bad.args, Object.values(bad.kwargs)]);
  let tensors: Handle[];
  let call: PlannedCall;
  let operator: (call: PlannedCall) => unknown;
  try {
    tensors = encoded.map((tensor) => library.make(tensor, tensor.g === true));
    call = sayFloats(library, target, bad, planCall(library, bad, tensors));
    operator = requireTarget(library, target);
  } catch (error) {
    return reasonOf(error);
  }
  const before = tensors.map((tensor) => ({
    bytes: tensor.toBytes().slice(),
    version: library.version(tensor),
    tracked: tensor.requiresGrad,
  }));
  library.manualSeed(SEED);
  try {
    operator(call);
  } catch (error) {
    if (!library.isRefusal(error)) return `expected one of the library's errors, got ${reasonOf(error)}`;
    for (const [index, tensor] of tensors.entries()) {
      const then = before[index]!;
      if (!sameBytes(then.bytes, tensor.toBytes())) return `refused, but tensor ${index} was changed`;
      if (then.version !== library.version(tensor)) return `refused, but tensor ${index} has another version`;
      if (then.tracked !== tensor.requiresGrad) return `refused, but tensor ${index} has another requiresGrad`;
    }
    return null;
  }
  return 'was not refused';
}
