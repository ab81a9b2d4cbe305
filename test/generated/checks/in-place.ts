/** The in-place form of a method against the functional one. */
import { IN_PLACE } from '../../../src/api/method-names.ts';
import { Tensor } from '../../../src/index.ts';
import { clone } from '../../../src/ops/structural.ts';
import { type Tensor as Handle, viewOf } from '../../../src/tensor/tensor.ts';
import { attempt, callsOf, type SampleCall, tensorsIn } from '../calls.ts';
import { leavesOf, randomLike, valuesOrZeros, vjpOf } from '../gradients.ts';
import { layOut } from '../layouts.ts';
import { difference, numbersOf, partsOf, sameShape, sizeOf, typeOf } from '../numbers.ts';
import type { Call, Entry } from '../operators.ts';
import { type Check, CheckFailure, forEachCall } from '../report.ts';
import { changed, snapshot } from './value.ts';

function methodOf(name: string): Call | null {
  const method = (Tensor.prototype as unknown as Record<string, unknown>)[name];
  return typeof method === 'function' ? (self, ...rest) => (method as (...args: unknown[]) => unknown).apply(self, rest) : null;
}

/** 0 bool, 1 integer, 2 floating, 3 complex: a result may be written into its own kind or a higher one. */
function rank(x: Handle): number {
  return x.type.isComplex ? 3 : x.type.isFloat ? 2 : x.type.isInteger ? 1 : 0;
}

function checkRefused(call: SampleCall, method: Call, report: (finding: string) => void): void {
  const tensors = call.tensors();
  const before = tensors.map(snapshot);
  if ('value' in attempt(() => call.invoke(tensors, method))) report('in place: a result of another shape or kind was not refused');
  tensors.forEach((x, i) => {
    const difference = changed(before[i] as never, snapshot(x));
    if (difference !== null) report(`in place: refused, but tensor argument ${i} changed: ${difference}`);
  });
}

function checkValue(
  call: SampleCall,
  method: Call,
  expected: Handle,
  tensors: Handle[],
  name: string,
  report: (finding: string) => void,
): void {
  const self = tensors[0] as Handle;
  const version = self.version;
  const result = call.invoke(tensors, method);
  if (result !== self) report(`${name}: does not return the tensor itself`);
  if (self.version === version) report(`${name}: the version was not counted up`);
  const found = difference(numbersOf(self), numbersOf(expected), self.dtype === expected.dtype ? 1e-15 : 1e-6);
  if (found !== null) report(`${name}: ${found}`);
}

/** What lies between the elements of a view. */
const BETWEEN = 5;

/** A view of every other element of a larger tensor. */
function viewWith({ values, shape, dtype }: SampleCall['slots'][number]): { readonly view: Handle; readonly base: Handle } {
  const parts = partsOf(typeOf(dtype));
  const size = sizeOf(shape);
  const filler = new Array<number>(parts).fill(dtype === 'bool' ? 1 : BETWEEN);
  const elements = Array.from({ length: size }, (_, i) => [...values.slice(i * parts, (i + 1) * parts), ...filler]);
  const base = layOut(elements.flat(), [size, 2], dtype);
  const { strides } = layOut(values, shape, dtype);
  return {
    base,
    view: viewOf(
      base,
      shape,
      strides.map((stride) => 2 * stride),
      0,
    ),
  };
}

function checkView(call: SampleCall, method: Call, expected: Handle, report: (finding: string) => void): void {
  const tensors = call.tensors();
  const { view, base } = viewWith(call.slots[0] as SampleCall['slots'][number]);
  tensors[0] = view;
  checkValue(call, method, expected, tensors, 'in place through a view', report);
  const between = numbersOf(base.select(1, 1) as Handle);
  if (between.some((value) => value !== (base.dtype === 'bool' ? 1 : BETWEEN)))
    report('in place through a view: elements outside the view changed');
}

function checkGradient(call: SampleCall, method: Call, report: (finding: string) => void): void {
  const leaves = leavesOf(call);
  const functional = call.run(leaves)[0] as Handle;
  if (!functional.requiresGrad || functional.dtype !== call.slots[0]?.dtype) return;
  const wanted = call.differentiable.map((i) => leaves[i] as Handle);
  const at = { positions: [0], cotangents: [randomLike(functional, `${call.entry.description.name}/${call.index}/in place`)] };
  const expected = valuesOrZeros(vjpOf([functional], wanted, at), wanted);
  const again = leavesOf(call);
  const inner = again.map((x, i) => (i === 0 ? clone(x) : x));
  const result = call.invoke(inner, method) as Handle;
  if (!result.requiresGrad) {
    report('in place: the result carries no gradient');
    return;
  }
  if (result.gradFn === null) report('in place: the result has no gradFn');
  const targets = call.differentiable.map((i) => again[i] as Handle);
  const actual = valuesOrZeros(vjpOf([result], targets, at), targets);
  expected.forEach((g, k) => {
    const found = difference(actual[k] as number[], g, functional.type.itemsize < 8 ? 1e-5 : 1e-12);
    if (found !== null) report(`in place: gradient of differentiable argument ${k}: ${found}`);
  });
}

function checkCall(call: SampleCall, method: Call, report: (finding: string) => void): void {
  const expected = tensorsIn(call.invoke(call.tensors()))[0];
  if (expected === undefined) return;
  const self = call.slots[0] as SampleCall['slots'][number];
  const like = call.tensors()[0] as Handle;
  if (!sameShape(expected.shape, self.shape) || rank(expected) > rank(like)) {
    checkRefused(call, method, report);
    return;
  }
  checkValue(call, method, expected, call.tensors(), 'in place', report);
  checkView(call, method, expected, report);
  if (!call.entry.description.random) checkGradient(call, method, report);
}

export const inPlace: Check = {
  name: 'in place',
  run(entry: Entry) {
    const name = entry.description.name;
    if (!IN_PLACE.includes(name)) return;
    const method = methodOf(`${name}_`);
    if (method === null) throw new CheckFailure([`${name}_ is listed as an in-place method, but tensors have none`]);
    forEachCall(
      callsOf(entry).filter((call) => call.startsWithTensor),
      (call, report) => checkCall(call, method, report),
    );
  },
};
