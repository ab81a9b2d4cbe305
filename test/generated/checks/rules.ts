/** Composite operators that bring a backward rule of their own: it is the derivative of the composition. */
import { noGrad } from '../../../src/index.ts';
import { apply } from '../../../src/tensor/apply.ts';
import { aliasOf, type Tensor } from '../../../src/tensor/tensor.ts';
import { outputsOf } from '../../../src/transform/interpret.ts';
import { attempt, callsOf, type SampleCall } from '../calls.ts';
import { cotangentsFor, valuesOrZeros, vjpOf } from '../gradients.ts';
import { difference, numbersOf } from '../numbers.ts';
import { type Check, forEachCall } from '../report.ts';
import { type Traced, trace } from '../trace.ts';

/** The composites with rules that a call runs. */
function ruledIn(call: SampleCall): Traced[] {
  const traced = attempt(() => noGrad(() => trace(call.tensors(), (wrapped) => call.run(wrapped))));
  if ('refusal' in traced) return [];
  return traced.value.filter(({ operator }) => operator.composite && operator.derivative.kind === 'rules');
}

function trackedCopies(inputs: readonly Tensor[]): Tensor[] {
  return inputs.map((x) => {
    const leaf = aliasOf(x);
    leaf.tracked = x.type.isFloat || x.type.isComplex;
    return leaf;
  });
}

function compare({ operator, inputs, params }: Traced, report: (finding: string) => void): void {
  const ruled = trackedCopies(inputs);
  const outputs = outputsOf(apply(operator, ruled, params as never));
  const at = cotangentsFor(outputs, `${operator.name}/rules`);
  const wanted = (leaves: readonly Tensor[]): Tensor[] => leaves.filter((leaf) => leaf.tracked);
  const byRule = valuesOrZeros(vjpOf(outputs, wanted(ruled), at), wanted(ruled));
  const composed = trackedCopies(inputs);
  const others = outputsOf(operator.forward(composed, params as never));
  others.forEach((y, i) => {
    const found = difference(numbersOf(y), numbersOf(outputs[i] as Tensor), 1e-12);
    if (found !== null) report(`${operator.name}: composed result ${i}: ${found}`);
  });
  const positions = at.positions.filter((i) => (others[i] as Tensor).requiresGrad);
  const cotangents = positions.map((i) => at.cotangents[at.positions.indexOf(i)] as Tensor);
  const byComposition = valuesOrZeros(vjpOf(others, wanted(composed), { positions, cotangents }), wanted(composed));
  const single = inputs.some((x) => x.type.isFloat && x.type.itemsize < 8);
  byRule.forEach((g, k) => {
    const found = difference(g, byComposition[k] as number[], single ? 1e-5 : 1e-10);
    if (found !== null) report(`${operator.name}: rule's gradient of input ${k}: ${found} by the composition`);
  });
}

export const rules: Check = {
  name: 'rules',
  run(entry) {
    if (entry.description.random === true) return;
    forEachCall(
      callsOf(entry).filter((call) => call.slots.length > 0),
      (call, report) => {
        for (const traced of ruledIn(call)) compare(traced, report);
      },
    );
  },
};
