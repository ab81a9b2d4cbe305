/** The call works, says the same every time, changes nothing, and its results are consistent in themselves. */
import { DTYPES } from '../../../src/dtype/dtype.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { attempt, callsOf, othersIn, SampleCall, tensorsIn } from '../calls.ts';
import { leavesOf } from '../gradients.ts';
import { sameShape, sizeOf } from '../numbers.ts';
import { type Entry, writesInput } from '../operators.ts';
import { type Check, CheckFailure, describeError, forEachCall } from '../report.ts';

/** All that a caller could notice to have changed about a tensor. */
interface Snapshot {
  readonly bytes: string;
  readonly version: number;
  readonly requiresGrad: boolean;
  readonly shape: readonly number[];
  readonly grad: Tensor | null;
}

export function snapshot(x: Tensor): Snapshot {
  return {
    bytes: Buffer.from(x.toBytes()).toString('base64'),
    version: x.version,
    requiresGrad: x.requiresGrad,
    shape: [...x.shape],
    grad: x.grad,
  };
}

/** What differs between two snapshots, in words; null if nothing does. */
export function changed(before: Snapshot, after: Snapshot): string | null {
  if (before.bytes !== after.bytes) return 'its values';
  if (before.version !== after.version) return `its version, from ${before.version} to ${after.version}`;
  if (before.requiresGrad !== after.requiresGrad) return `its requiresGrad, to ${after.requiresGrad}`;
  if (!sameShape(before.shape, after.shape)) return `its shape, to [${after.shape.join(', ')}]`;
  return before.grad === after.grad ? null : 'its grad';
}

/** What is inconsistent about a result, in words; null if nothing is. */
function inconsistency(y: Tensor): string | null {
  if (!DTYPES.some((type) => type === y.type)) return `its type is not one of the dtypes`;
  if (y.shape.some((size) => !Number.isInteger(size) || size < 0)) return `its shape is [${y.shape.join(', ')}]`;
  if (y.strides.length !== y.shape.length) return `it has ${y.strides.length} strides for ${y.shape.length} dimensions`;
  if (y.size !== sizeOf(y.shape)) return `its size is ${y.size} for shape [${y.shape.join(', ')}]`;
  if (y.wrapped !== null) return 'it is still wrapped by an interpreter';
  const length = y.toBytes().length;
  if (length !== y.size * y.type.itemsize) return `it has ${length} bytes`;
  if (y.rowMajor && !isRowMajor(y)) return `it says it is contiguous with strides [${y.strides.join(', ')}]`;
  if (y.requiresGrad && !y.type.isFloat && !y.type.isComplex) return `it has dtype ${y.dtype} and requires a gradient`;
  if (y.gradFn !== null && !y.requiresGrad) return 'it has a gradFn but requires no gradient';
  return null;
}

function isRowMajor(y: Tensor): boolean {
  if (y.size === 0) return true;
  let step = 1;
  for (let i = y.ndim - 1; i >= 0; i--) {
    const size = y.shape[i] as number;
    if (size > 1 && y.strides[i] !== step) return false;
    step *= size;
  }
  return true;
}

function describeAll(result: unknown): string {
  const tensors = tensorsIn(result).map((y) => `${y.dtype}[${y.shape.join(', ')}] ${Buffer.from(y.toBytes()).toString('base64')}`);
  return `${tensors.join('; ')} ${othersIn(result).map(String).join('; ')}`;
}

/** `empty` shows whatever was in memory: alone among the operators, its values mean nothing. */
function meansNothing(entry: Entry): boolean {
  return /^(new)?[eE]mpty/.test(entry.description.name);
}

export const value: Check = {
  name: 'value',
  run(entry) {
    forEachCall(callsOf(entry), (call, report) => {
      const tensors = call.tensors();
      const before = tensors.map(snapshot);
      const result = call.invoke(tensors);
      for (const [i, y] of tensorsIn(result).entries()) {
        const problem = inconsistency(y);
        if (problem !== null) report(`result ${i}: ${problem}`);
        if (y.requiresGrad) report(`result ${i} requires a gradient although no input does`);
      }
      if (!writesInput(entry)) {
        tensors.forEach((x, i) => {
          const difference = changed(before[i] as Snapshot, snapshot(x));
          if (difference !== null) report(`tensor argument ${i} changed: ${difference}`);
        });
        if (!meansNothing(entry) && describeAll(result) !== describeAll(call.invoke(tensors))) report('a second call gives another result');
      }
      const leaves = leavesOf(call);
      for (const [i, y] of call.evaluate(leaves).entries()) {
        if (y.requiresGrad && !leaves.includes(y)) report(`result ${i} requires a gradient although nothing was recorded`);
      }
    });
  },
};

/** Calls that must be refused are, with the library's error and its message, and nothing has changed. */
export const bad: Check = {
  name: 'bad',
  run(entry) {
    const findings: string[] = [];
    entry.description.bad.forEach((sample, index) => {
      const call = new SampleCall(entry, sample, index);
      const tensors = call.tensors();
      const before = tensors.map(snapshot);
      try {
        const outcome = attempt(() => call.invoke(tensors));
        if ('value' in outcome) findings.push(`bad ${call.label}: was not refused`);
        else if (!sample.error.test(outcome.refusal.message)) {
          findings.push(`bad ${call.label}: the message '${outcome.refusal.message}' does not match ${sample.error}`);
        } else if (outcome.refusal.code === '') findings.push(`bad ${call.label}: the error has no code`);
      } catch (error) {
        findings.push(`bad ${call.label}: ${describeError(error)}`);
      }
      tensors.forEach((x, i) => {
        const difference = changed(before[i] as Snapshot, snapshot(x));
        if (difference !== null) findings.push(`bad ${call.label}: tensor argument ${i} changed: ${difference}`);
      });
    });
    if (findings.length > 0) throw new CheckFailure(findings);
  },
};
