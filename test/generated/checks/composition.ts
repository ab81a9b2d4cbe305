/** Transforms of transforms: gradients and tangents inside vmap, forward over reverse mode, reverse over forward mode. */
import { grad, jvp, vmap } from '../../../src/func.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { callsOf, type SampleCall } from '../calls.ts';
import { type Cotangents, cotangentsFor, isDerivative, leavesOf, randomLike, valuesOrZeros, vjpOf } from '../gradients.ts';
import { layOut } from '../layouts.ts';
import { difference, dot, magnitude, numbersOf, typeOf } from '../numbers.ts';
import { type Check, forEachCall } from '../report.ts';
import { batchOf, loop, membersOf } from './batching.ts';
import { along, directionFor, gradientsAt, isDouble, isOutside, seedOf, skipsNumeric } from './derivative.ts';

/** A sample call as a function of its differentiable slots, with the results that gradients flow through. */
interface Composed {
  readonly call: SampleCall;
  readonly slots: readonly number[];
  readonly at: Cotangents;
  /** The results that gradients flow through. */
  readonly results: (...inputs: Tensor[]) => Tensor[];
  /** Their scalar product with the cotangents. */
  readonly loss: (...inputs: Tensor[]) => Tensor;
}

function weighted(results: readonly (Tensor | null | undefined)[], { cotangents }: Cotangents): Tensor | null {
  const terms = cotangents.flatMap((w, k) => {
    const y = results[k] ?? null;
    return y === null ? [] : [y.mul(w).sum() as Tensor];
  });
  return terms.length === 0 ? null : terms.reduce((sum, term) => sum.add(term) as Tensor);
}

/** Null where there is nothing to differentiate, or differences of values would not be precise. Products of complex numbers are looked at elsewhere. */
function composed(call: SampleCall): Composed | null {
  const slots = call.differentiable;
  const outputs = call.run(leavesOf(call));
  const at = cotangentsFor(outputs, seedOf(call, 'composition'));
  const differentiable = at.positions.map((i) => outputs[i] as Tensor);
  if (slots.length === 0 || at.positions.length === 0 || !isDouble(call, differentiable)) return null;
  if (differentiable.some((y) => y.type.isComplex) || slots.some((i) => typeOf(call.slots[i]?.dtype as 'float64').isComplex)) return null;
  const results = (...inputs: Tensor[]): Tensor[] => {
    const all = call.run(call.tensors().map((x, i) => (slots.includes(i) ? (inputs[slots.indexOf(i)] as Tensor) : x)));
    return at.positions.map((i) => all[i] as Tensor);
  };
  return { call, slots, at, results, loss: (...inputs) => weighted(results(...inputs), at) as Tensor };
}

function gradientOf(f: (...inputs: Tensor[]) => Tensor, count: number): (...inputs: Tensor[]) => Tensor[] {
  return grad(f, { argnums: Array.from({ length: count }, (_, i) => i) }) as unknown as (...inputs: Tensor[]) => Tensor[];
}

function product(found: readonly (Tensor | null)[], vectors: readonly (readonly number[])[]): number {
  return found.reduce((sum, x, i) => sum + (x === null ? 0 : dot(numbersOf(x), vectors[i] as number[])), 0);
}

/** `<u, H v>` for the Hessian of the loss: forward over reverse, reverse over forward, and by differences of gradients. */
function checkHessian({ call, slots, at, results, loss }: Composed, report: (finding: string) => void): void {
  const inputs = slots.map((i) => call.tensors()[i] as Tensor);
  const v = slots.map((i) => directionFor(call, i, `composition-v${i}`));
  const u = slots.map((i) => directionFor(call, i, `composition-u${i}`));
  const [left, right] = [u.map(numbersOf), v.map(numbersOf)];
  const ahead = jvp(gradientOf(loss, slots.length), inputs, v).tangents as (Tensor | null)[];
  const forwardOverReverse = product(ahead, left);
  const slope = (...moved: Tensor[]): Tensor => {
    const { tangents } = jvp(results, moved, v) as unknown as { readonly tangents: (Tensor | null)[] };
    return weighted(tangents, at) ?? ((moved[0] as Tensor).sum().mul(0) as Tensor);
  };
  const back = gradientOf(slope, slots.length)(...inputs);
  const reverseOverForward = product(back, left);
  const scale = ahead.reduce((sum, x, i) => sum + (x === null ? 0 : magnitude(numbersOf(x), left[i] as number[])), 1e-3);
  if (Number.isNaN(forwardOverReverse) && Number.isNaN(reverseOverForward)) return;
  if (!(Math.abs(forwardOverReverse - reverseOverForward) <= 1e-8 * Math.max(scale, Math.abs(reverseOverForward))))
    report(`<u, Hv> is ${forwardOverReverse} by jvp of grad, ${reverseOverForward} by grad of jvp`);
  const weights = at.cotangents.map(numbersOf);
  const line = (step: number): number => {
    const moved = call.slots.map((slot, i) => along(slot.values, right[slots.indexOf(i)] ?? null, step));
    return gradientsAt(call, moved, at, weights).reduce((sum, g, i) => sum + dot(g, left[i] as number[]), 0);
  };
  const { ok, numeric } = isDerivative(forwardOverReverse, line, scale);
  if (!ok) report(`<u, Hv> is ${forwardOverReverse} by jvp of grad, ${numeric} by differences of gradients`);
}

/** Gradients and tangents of each member of a batch, by vmap of the transform and by the transform of each member. */
function checkBatch({ call, slots, at, results, loss }: Composed, report: (finding: string) => void): void {
  const members = membersOf(call, slots);
  if (loop(members) === null) return;
  const batches = slots.map((slot) => batchOf(members, slot));
  const grads = vmap(gradientOf(loss, slots.length))(...batches) as Tensor[];
  const v = slots.map((i) => randomLike(call.slots[i] as SampleCall['slots'][number], seedOf(call, `composition-batch${i}`)));
  const tangentsOf = (...inputs: Tensor[]): Tensor[] => {
    const { outputs, tangents } = jvp(results, inputs, v) as unknown as { outputs: Tensor[]; tangents: (Tensor | null)[] };
    return tangents.map((tangent, k) => tangent ?? ((outputs[k] as Tensor).mul(0) as Tensor));
  };
  const tangents = vmap(tangentsOf)(...batches) as Tensor[];
  const alone = members.map((member) => {
    const leaves = leavesOf(member);
    const wanted = slots.map((i) => leaves[i] as Tensor);
    const plain = slots.map((i) => layOut(member.slots[i]?.values ?? [], wanted[slots.indexOf(i)]?.shape ?? [], 'float64'));
    return { grads: valuesOrZeros(vjpOf(member.run(leaves), wanted, at), wanted), tangents: tangentsOf(...plain).map(numbersOf) };
  });
  grads.forEach((g, i) => {
    const found = difference(
      numbersOf(g),
      alone.flatMap((one) => one.grads[i] as number[]),
      1e-10,
    );
    if (found !== null) report(`vmap of grad by tensor argument ${slots[i]}: ${found}`);
  });
  tangents.forEach((tangent, k) => {
    const found = difference(
      numbersOf(tangent),
      alone.flatMap((one) => one.tangents[k] as number[]),
      1e-10,
    );
    if (found !== null) report(`vmap of jvp, result ${at.positions[k]}: ${found}`);
  });
}

export const composition: Check = {
  name: 'composition',
  run(entry) {
    if (isOutside(entry)) return;
    forEachCall(callsOf(entry), (call, report) => {
      const found = composed(call);
      if (found === null) return;
      if (!skipsNumeric(call)) checkHessian(found, report);
      if (!call.skipNumericGradient) checkBatch(found, report);
    });
  },
};
