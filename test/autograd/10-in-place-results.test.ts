import { expect, test } from 'vitest';
import type { Tensor } from '../../src/index.ts';
import { nn, noGrad, ones, tensor } from '../../src/index.ts';
import { leaf, total, values } from '../engine/support.ts';
import { callsOf, type SampleCall } from '../generated/calls.ts';
import { collect, type Entry, writesInput } from '../generated/operators.ts';

/** Operators whose results may lie several times at one address, or are several views. */
const VIEWS = new Set(
  'broadcastTensors broadcastTo chunk dsplit expand expandAs hsplit meshgrid split splitWithSizes tensorSplit unbind vsplit'.split(' '),
);

/** What refuses to be written of the results of this call, on operands that have a history. */
function refusals(call: SampleCall): string[] {
  const operands = call.tensors().map((x, i) => (call.differentiable.includes(i) ? x.requiresGrad_().mul(1) : x));
  let results: Tensor[];
  try {
    results = call.run(operands);
  } catch {
    return [];
  }
  return results.flatMap((y, i) => {
    if (!y.requiresGrad || y.type.isComplex) return [];
    try {
      y.mul_(3);
      return [];
    } catch (error) {
      return [`${call.entry.description.name}, ${call.label}, result ${i}: ${(error as Error).message}`];
    }
  });
}

const mayBeWritten = (entry: Entry): boolean => !writesInput(entry) && !VIEWS.has(entry.description.name);

test('the results of all operators that are no views by name can be written in place', { timeout: 60_000 }, () => {
  const entries = collect().filter(mayBeWritten);
  expect(entries.length).toBeGreaterThan(400);
  expect(entries.flatMap((entry) => callsOf(entry).flatMap(refusals))).toEqual([]);
});

test('an activation may write into the result of a layer', () => {
  const x = leaf(2, 3, 4);
  const weight = leaf(5, 4);
  total(nn.functional.linear(x, weight).relu_()).backward();
  expect(values(weight.grad?.sum())).toBe(120);
  const y = noGrad(() => nn.functional.linear(x, weight));
  y.add_(leaf(2, 3, 5));
  expect(y.requiresGrad).toBe(true);
});

test('a quotient may be overwritten', () => {
  const [a, b] = [tensor([6, 8], { dtype: 'float64', requiresGrad: true }), tensor([2, 4], { dtype: 'float64', requiresGrad: true })];
  total(a.div(b).mul_(2)).backward();
  expect([values(a.grad), values(b.grad)]).toEqual([
    [1, 0.5],
    [-3, -1],
  ]);
});

test('what repeats a dimension of size 1 is a copy', () => {
  const x = ones([1]);
  const [repeated, tiled] = [x.repeat(3), x.tile([2])];
  x.add_(1);
  expect([values(repeated), values(tiled), repeated.isContiguous()]).toEqual([[1, 1, 1], [1, 1], true]);
});
