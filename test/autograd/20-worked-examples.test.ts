/** Per-sample gradients, Hessian-vector products and gradients through an optimizer step, against what they must be equal to. */
import { autograd, manualSeed, nn, optim, rand, randint, randn, type Tensor, tensor } from 'nabla';
import { functionalCall, grad, gradAndValue, hessian, jvp, vmap } from 'nabla/func';
import { expect, test } from 'vitest';
import { values } from '../engine/support.ts';
import { close } from './close.ts';

type State = Record<string, Tensor>;

test('per-sample gradients of a network for 128 samples are those of one sample after the other', () => {
  manualSeed(0);
  const model = new nn.Sequential(new nn.Linear(12, 16), new nn.Tanh(), new nn.Linear(16, 10)).to('float64');
  const inputs = rand([128, 12], { dtype: 'float64' });
  const labels = randint(10, [128]);
  const state: State = Object.fromEntries(model.namedParameters().map(([name, parameter]) => [name, parameter.detach()]));
  const loss = (parameters: State, x: Tensor, label: Tensor): Tensor =>
    nn.functional.crossEntropy(functionalCall(model, parameters, x), label);
  const [gradients, losses] = vmap(gradAndValue(loss), { inDims: [null, 0, 0] })(state, inputs, labels);
  expect(losses.shape).toEqual([128]);
  for (const i of [0, 63, 127]) {
    model.zeroGrad();
    nn.functional.crossEntropy(model.forward(inputs.at(i)), labels.at(i)).backward();
    for (const [name, parameter] of model.namedParameters()) close(gradients[name]?.at(i), parameter.grad as Tensor);
  }
  // Their mean is the gradient of the mean loss.
  model.zeroGrad();
  nn.functional.crossEntropy(model.forward(inputs), labels).backward();
  for (const [name, parameter] of model.namedParameters()) close(gradients[name]?.mean(0), parameter.grad as Tensor);
  const chunked = vmap(grad(loss), { inDims: [null, 0, 0], chunkSize: 50 })(state, inputs, labels);
  for (const name of Object.keys(state)) close(chunked[name], gradients[name] as Tensor, 1e-12);
});

test('Hessian-vector products of a network: jvp of grad, grad of jvp, the tape twice and dual numbers', () => {
  manualSeed(1);
  const w = randn([4, 3], { dtype: 'float64' });
  const x = randn([5, 4], { dtype: 'float64' });
  const v = randn([4, 3], { dtype: 'float64' });
  const f = (w: Tensor): Tensor => x.matmul(w).tanh().pow(2).sum();
  const expected = hessian(f)(w)
    .reshape([12, 12])
    .matmul(v.reshape([12]))
    .reshape([4, 3]);
  close(jvp(grad(f), [w], [v])[1], expected);
  close(grad((w: Tensor) => jvp(f, [w], [v])[1])(w), expected);
  close(grad((w: Tensor) => grad(f)(w).mul(v).sum())(w), expected);
  const leaf = w.clone().requiresGrad_();
  const { dualLevel, makeDual, unpackDual } = autograd.forwardAd;
  dualLevel(() => {
    f(makeDual(leaf, v)).backward();
    close(unpackDual(leaf.grad as Tensor).tangent, expected);
  });
  close(autograd.functional.hvp(f, w, v)[1], expected);
  close(autograd.functional.vhp(f, w, v)[1], expected);
});

test('meta-gradients: through steps of gradient descent with momentum, against finite differences', () => {
  manualSeed(2);
  const [x, y] = [randn([10], { dtype: 'float64' }), randn([10], { dtype: 'float64' })];
  const loss = (w: Tensor): Tensor => x.mul(w.at(0)).sin().add(w.at(1)).sub(y).pow(2).mean();
  const trained = (w: Tensor, rate: Tensor): Tensor => {
    let velocity = w.mul(0);
    for (let step = 0; step < 3; step++) {
      velocity = velocity.mul(0.9).add(grad(loss)(w));
      w = w.sub(velocity.mul(rate));
    }
    return loss(w);
  };
  const [start, rate] = [tensor([0.3, -0.2], { dtype: 'float64' }), tensor(0.1, { dtype: 'float64' })];
  const [byStart, byRate] = grad(trained, { argnums: [0, 1] })(start, rate);
  const h = 1e-6;
  const difference = (up: Tensor, down: Tensor): number => ((up.item() as number) - (down.item() as number)) / (2 * h);
  for (const i of [0, 1]) {
    const step = tensor([i === 0 ? h : 0, i === 1 ? h : 0], { dtype: 'float64' });
    expect(byStart.at(i).item()).toBeCloseTo(difference(trained(start.add(step), rate), trained(start.sub(step), rate)), 7);
  }
  expect(byRate.item()).toBeCloseTo(difference(trained(start, rate.add(h)), trained(start, rate.sub(h))), 7);
  // Forward mode through the same steps.
  close(jvp((r: Tensor) => trained(start, r), [rate], [rate.mul(0).add(1)])[1], byRate);
  // And a step of the optimizer itself does the same to the values.
  const parameter = new nn.Parameter(start.clone());
  const optimizer = new optim.SGD([parameter], { lr: 0.1, momentum: 0.9 });
  for (let step = 0; step < 3; step++) {
    optimizer.zeroGrad();
    loss(parameter).backward();
    optimizer.step();
  }
  expect(loss(parameter).item()).toBeCloseTo(trained(start, rate).item() as number, 12);
});

test('meta-learning over a batch of tasks is the mean of the tasks', () => {
  manualSeed(3);
  const [x, y] = [randn([6, 8], { dtype: 'float64' }), randn([6, 8], { dtype: 'float64' })];
  const loss = (w: Tensor, x: Tensor, y: Tensor): Tensor => x.mul(w).sub(y).pow(2).mean();
  const adapted = (w: Tensor, x: Tensor, y: Tensor): Tensor => loss(w.sub(grad(loss)(w, x, y).mul(0.1)), x, y);
  const w = tensor(0.5, { dtype: 'float64' });
  const batch = grad((w: Tensor) => vmap((x: Tensor, y: Tensor) => adapted(w, x, y))(x, y).mean())(w);
  const one = Array.from({ length: 6 }, (_, i) => grad(adapted)(w, x.at(i), y.at(i)).item() as number);
  expect(values(batch)).toBeCloseTo(one.reduce((a, b) => a + b) / 6, 12);
});
