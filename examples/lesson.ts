/** How gradients come about: Variable, backward, grad and gradFn. */

import { writeFileSync } from 'node:fs';
import { instance } from '@viz-js/viz';
import { ones, tensor, Variable } from 'nabla';
import { graphDot, graphTree } from 'nabla/viz';
import { heading, say, show } from './terminal.ts';

export async function lesson(): Promise<void> {
  heading('1. The lesson: tensors that remember how they were made');

  say('A Variable is a tensor that wants a gradient. Each operation on it is recorded.');
  const a = new Variable(ones(2, 2), { requiresGrad: true }).named('a');
  const b = a.add(2);
  const c = b.pow(2);
  const out = c.sum();
  show('b = a + 2, c = b ** 2, out = sum(c)', out);

  say('backward() walks the record from the result back to a and leaves d out / d a = 2 (a + 2) there.');
  out.backward();
  show('a.data', a.data);
  show('a.grad', a.grad);
  show('a.gradFn', a.gradFn);
  show('c.gradFn', c.gradFn);
  show('out.gradFn', out.gradFn);

  say('What was recorded, from the result to the leaf:');
  const again = a.add(2).pow(2).sum().named('out');
  console.log(graphTree(again));
  const viz = await instance();
  writeFileSync('out/graph.svg', viz.renderString(graphDot(again), { format: 'svg' }));
  say('The same as a picture: out/graph.svg');

  heading('   A vector-Jacobian product');
  say('A result of several numbers has no single gradient: backward(v) computes vᵀJ, weighted by v.');
  const x = new Variable(ones(3), { requiresGrad: true }).named('x');
  const z = x.pow(2).add(3);
  z.backward(tensor([0.1, 1, 10]));
  show('z = x ** 2 + 3, z.backward([0.1, 1, 10]): x.grad', x.grad);

  say('Adding 3 changes no slope. Multiplying by 3 does; that gives the 0.6, 6, 60 that the lesson announces:');
  x.grad = null;
  x.pow(2)
    .mul(3)
    .backward(tensor([0.1, 1, 10]));
  show('z = y * 3, z.backward([0.1, 1, 10]): x.grad', x.grad);
}
