/** Other dtypes: float32 computes the same, and every other dtype gives a result or one of the library's errors. */
import { DTYPES } from '../../../src/dtype/dtype.ts';
import type { DType } from '../../../src/index.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { attempt, callsOf, type SampleCall, type Slot } from '../calls.ts';
import { cotangentsFor, leavesOf, vjpOf } from '../gradients.ts';
import { difference, numbersOf, sameShape, typeOf } from '../numbers.ts';
import { type Entry, writesInput } from '../operators.ts';
import { type Check, forEachCall } from '../report.ts';

function isFloating(slot: Slot): boolean {
  return typeOf(slot.dtype).isFloat;
}

/** The float64 slots with another dtype: values are rounded as it needs. */
function inDtype(call: SampleCall, dtype: DType): SampleCall {
  const type = typeOf(dtype);
  return call.with((slot) => {
    if (slot.dtype !== 'float64') return slot;
    return {
      ...slot,
      dtype,
      values: converted(slot.values, dtype),
      differentiable: slot.differentiable && (type.isFloat || type.isComplex),
    };
  });
}

function converted(values: readonly number[], dtype: DType): number[] {
  const type = typeOf(dtype);
  if (dtype === 'float32') return values.map(Math.fround);
  if (type.isFloat) return [...values];
  if (type.isComplex) return values.flatMap((x, i) => [x, i % 2 === 0 ? 0.5 : -0.25]);
  if (dtype === 'bool') return values.map((x) => (x > 0 ? 1 : 0));
  return values.map((x) => (type.isSigned ? Math.round(x) : Math.abs(Math.round(x))));
}

function checkSingle(call: SampleCall, report: (finding: string) => void): void {
  const rounded = call.with((slot) => (slot.dtype === 'float64' ? { ...slot, values: slot.values.map(Math.fround) } : slot));
  const expected = attempt(() => rounded.evaluate(rounded.tensors()));
  if ('refusal' in expected) return;
  const single = inDtype(call, 'float32');
  const actual = single.evaluate(single.tensors());
  expected.value.forEach((y, i) => {
    const other = actual[i];
    if (other === undefined || !sameShape(other.shape, y.shape)) {
      report(
        `float32: result ${i} is ${other === undefined ? 'missing' : `[${other.shape.join(', ')}]`}, in float64 [${y.shape.join(', ')}]`,
      );
      return;
    }
    const wanted = y.dtype === 'float64' ? ['float32', 'float64'] : y.dtype === 'complex128' ? ['complex64', 'complex128'] : [y.dtype];
    if (!wanted.includes(other.dtype)) report(`float32: result ${i} has dtype ${other.dtype}, in float64 ${y.dtype}`);
    const found = difference(numbersOf(other), numbersOf(y), 1e-4);
    if (found !== null) report(`float32: result ${i}: ${found}`);
  });
}

/** A result or a refusal, forwards and backwards; never an error of another kind, nor a result that does not fit together. */
function checkDefined(call: SampleCall, dtype: DType, report: (finding: string) => void): void {
  const other = inDtype(call, dtype);
  try {
    const outcome = attempt(() => {
      const leaves = leavesOf(other);
      const outputs = other.run(leaves);
      for (const y of outputs) numbersOf(y);
      const at = cotangentsFor(outputs, `${call.entry.description.name}/${dtype}`);
      const wanted = other.differentiable.map((i) => leaves[i] as Tensor);
      if (wanted.length === 0) return;
      for (const g of vjpOf(outputs, wanted, at)) {
        if (g !== null && g.dtype !== dtype && wanted.every((x) => x.dtype === dtype)) report(`${dtype}: a gradient has dtype ${g.dtype}`);
      }
    });
    if ('refusal' in outcome && outcome.refusal.message === '') report(`${dtype}: refused without a message`);
  } catch (error) {
    report(
      `${dtype}: threw ${error instanceof Error ? `${error.name}: ${error.message}\n${(error.stack ?? '').split('\n').slice(1, 4).join('\n')}` : String(error)}`,
    );
  }
}

function checkCall(call: SampleCall, report: (finding: string) => void): void {
  if (!call.entry.description.random && !writesInput(call.entry as Entry)) checkSingle(call, report);
  for (const type of DTYPES) if (type.name !== 'float64') checkDefined(call, type.name, report);
}

export const dtypes: Check = {
  name: 'dtypes',
  run(entry) {
    forEachCall(
      callsOf(entry).filter((call) => call.slots.some((slot) => isFloating(slot) && slot.dtype === 'float64')),
      checkCall,
    );
  },
};
