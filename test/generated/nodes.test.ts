/** A public operator is one node on the tape, whatever it is made of. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { NablaError } from '../../src/index.ts';
import { callsOf, type SampleCall } from './calls.ts';
import { leavesOf } from './gradients.ts';
import { collect, type Entry, writesInput } from './operators.ts';

/** Whether what made a result leads to other operations before it reaches the leaves. */
function isLong(call: SampleCall): boolean {
  try {
    const nodes = call.run(leavesOf(call)).flatMap((y) => (y.gradFn === null ? [] : [y.gradFn]));
    return nodes.some((node) => node.nextFunctions.some(([next]) => next !== null && next.name !== 'AccumulateGrad'));
  } catch (error) {
    if (error instanceof NablaError) return false;
    throw error;
  }
}

function hasSeveralNodes(entry: Entry): boolean {
  return !writesInput(entry) && callsOf(entry).some(isLong);
}

test('every call is one node, but for a list that only shrinks', () => {
  const expected = JSON.parse(readFileSync(new URL('several-nodes.json', import.meta.url), 'utf8')) as string[];
  expect(
    collect()
      .filter(hasSeveralNodes)
      .map(({ description }) => description.name),
  ).toEqual(expected);
});
