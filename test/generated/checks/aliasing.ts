/** Operators that say that their results are fresh do not return the memory of an input: a write into the result would change it. */
import { noGrad } from '../../../src/index.ts';
import { attempt, callsOf, type SampleCall } from '../calls.ts';
import { SHARING } from '../exceptions.ts';
import { writesInput } from '../operators.ts';
import { type Check, forEachCall } from '../report.ts';
import { trace } from '../trace.ts';

function checkTrace(call: SampleCall, report: (finding: string) => void): void {
  const traced = attempt(() => noGrad(() => trace(call.tensors(), (wrapped) => call.run(wrapped))));
  if ('refusal' in traced) return;
  for (const { operator, inputs, outputs } of traced.value) {
    if (operator.aliasing !== 'fresh' || outputs === null || SHARING.has(operator.name)) continue;
    const shared = outputs.findIndex((y) => y.size > 0 && inputs.some((x) => x.storage === y.storage && x !== y));
    if (shared >= 0)
      report(`operator ${operator.name} says that its results are fresh, but result ${shared} lies in the memory of an input`);
  }
}

export const aliasing: Check = {
  name: 'aliasing',
  run(entry) {
    if (writesInput(entry)) return;
    forEachCall(
      callsOf(entry).filter((call) => call.slots.length > 0),
      checkTrace,
    );
  },
};
