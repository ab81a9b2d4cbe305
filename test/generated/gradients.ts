/** Derivatives of a sample call: by the tape, by forward mode, and by differences of values. */
import { autograd, noGrad } from '../../src/index.ts';
import { aliasOf, type Tensor } from '../../src/tensor/tensor.ts';
import type { SampleCall } from './calls.ts';
import { layOut } from './layouts.ts';
import { dot, numbersOf, partsOf, sizeOf, typeOf } from './numbers.ts';
import { uniform } from './random.ts';

/** The same tensors, as leaves that want gradients where the sample allows it. */
export function leavesOf(call: SampleCall, tensors: readonly Tensor[] = call.tensors()): Tensor[] {
  return tensors.map((x, i) => {
    const leaf = aliasOf(x);
    if (call.slots[i]?.differentiable === true) leaf.requiresGrad_();
    return leaf;
  });
}

/** A random tensor of the same shape and dtype. */
export function randomLike(x: { readonly shape: readonly number[]; readonly dtype: Tensor['dtype'] }, seed: string): Tensor {
  return layOut(uniform(sizeOf(x.shape) * partsOf(typeOf(x.dtype)), -1, 1, seed), x.shape, x.dtype);
}

/** The outputs that gradients flow through, with a random cotangent each. */
export interface Cotangents {
  /** Positions among all outputs. */
  readonly positions: readonly number[];
  readonly cotangents: readonly Tensor[];
}

export function cotangentsFor(outputs: readonly Tensor[], seed: string): Cotangents {
  const positions = outputs.flatMap((y, i) => (y.requiresGrad ? [i] : []));
  return { positions, cotangents: positions.map((i) => randomLike(outputs[i] as Tensor, `${seed}/w${i}`)) };
}

/** The vector-Jacobian products with respect to all differentiable slots; zeros where an output does not depend on one. */
export function vjpOf(
  outputs: readonly Tensor[],
  leaves: readonly Tensor[],
  { positions, cotangents }: Cotangents,
  options: { readonly createGraph?: boolean; readonly retainGraph?: boolean } = {},
): (Tensor | null)[] {
  if (positions.length === 0) return leaves.map(() => null);
  return autograd.grad(
    positions.map((i) => outputs[i] as Tensor),
    leaves,
    cotangents,
    { ...options, allowUnused: true },
  );
}

/** The elements of each tensor; zeros of the slot's size for null. */
export function valuesOrZeros(grads: readonly (Tensor | null)[], like: readonly Tensor[]): number[][] {
  return grads.map((g, i) =>
    g === null ? new Array<number>((like[i] as Tensor).size * partsOf((like[i] as Tensor).type)).fill(0) : numbersOf(g),
  );
}

/** Evaluates a function of the slots' values along a line: t ↦ f(x + t v). */
export type AlongLine = (step: number) => number;

/** `<w, f(x + t v)>`, where only the slots with a direction move. */
export function weightedAlong(
  call: SampleCall,
  directions: readonly (readonly number[] | null)[],
  positions: readonly number[],
  weights: readonly (readonly number[])[],
): AlongLine {
  return (step) => {
    const moved = call.slots.map((slot, i) => {
      const v = directions[i] ?? null;
      return layOut(v === null ? slot.values : slot.values.map((x, k) => x + step * (v[k] as number)), slot.shape, slot.dtype);
    });
    const outputs = noGrad(() => call.run(moved));
    return positions.reduce((sum, position, k) => sum + dot(numbersOf(outputs[position] as Tensor), weights[k] as readonly number[]), 0);
  };
}

/** Derivative at 0 by central differences of fourth order, whose error is about 1e-11 where the function is smooth. */
export function fourthOrder(f: AlongLine, h = 2e-4): number {
  return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
}

/** Derivative at 0 by central differences over a short step: coarse, but seldom across a kink. */
export function shortStep(f: AlongLine, h = 1e-6): number {
  return (f(h) - f(-h)) / (2 * h);
}

/** Whether `value` is the derivative of `f` at 0. `scale` is the size that its terms can have. */
export function isDerivative(value: number, f: AlongLine, scale: number): { readonly ok: boolean; readonly numeric: number } {
  const bound = Math.max(1e-3, scale);
  const fine = fourthOrder(f);
  if (Math.abs(fine - value) <= 1e-7 * Math.max(bound, Math.abs(fine))) return { ok: true, numeric: fine };
  const coarse = shortStep(f);
  return { ok: Math.abs(coarse - value) <= 2e-5 * Math.max(bound, Math.abs(coarse)), numeric: coarse };
}
