/** Hooks of modules in the backward pass. */
import { autograd, nn, ones, randn, type Tensor, tensor } from 'nabla';
import { describe, expect, test } from 'vitest';
import { refused, values } from '../engine/support.ts';

function layer(): nn.Linear {
  const linear = new nn.Linear(3, 2);
  linear.double();
  return linear;
}
const input = (): Tensor => ones([2, 3], { dtype: 'float64', requiresGrad: true });

describe('hooks of modules', () => {
  test('test_backward_hook_relative_ordering: output tensor, module before, node before and after, parameters, module after, input tensor', () => {
    const order: string[] = [];
    const note = (name: string) => () => void order.push(name);
    const linear = layer();
    const x = input();
    linear.registerForwardPreHook(note('module before forward'));
    linear.registerForwardHook(note('module after forward'));
    linear.registerFullBackwardPreHook(note('module before'));
    linear.registerFullBackwardHook(note('module after'));
    linear.weight.registerHook(note('weight'));
    linear.weight.registerPostAccumulateGradHook(note('weight accumulated'));
    x.registerHook(note('input'));
    const y = linear.forward(x);
    y.registerHook(note('output'));
    y.gradFn?.registerPrehook(note('node before'));
    y.gradFn?.registerHook(note('node after'));
    y.sum().backward();
    const expected = ['module before forward', 'module after forward', 'output', 'module before', 'node before', 'node after'];
    expect(order.slice(0, 6)).toEqual(expected);
    expect(order.slice(6).sort()).toEqual(['input', 'module after', 'weight', 'weight accumulated']);
    expect(order.indexOf('module after')).toBeLessThan(order.indexOf('input'));
    expect(order.indexOf('weight')).toBeLessThan(order.indexOf('weight accumulated'));
  });

  test('test_full_backward_hook_double_backward: runs once for the gradient, and not for the second derivative', () => {
    const x = tensor([0.25], { dtype: 'float64', requiresGrad: true });
    const y = tensor([0.5], { dtype: 'float64' });
    const loss = new nn.MSELoss();
    let count = 0;
    loss.registerFullBackwardHook(() => void count++);
    const [g] = autograd.grad(loss.forward(x, y), x, null, { createGraph: true });
    expect(count).toBe(1);
    expect(autograd.grad((g as Tensor).sum(), x).map(values)).toEqual([[2]]);
    expect([count, values(g)]).toEqual([1, [-0.5]]);
  });

  test('they see the gradients of all inputs and outputs, and may replace them', () => {
    const seen: unknown[] = [];
    const linear = layer();
    const x = input();
    const plain = layer();
    plain.loadStateDict(linear.stateDict());
    const expected = input();
    plain.forward(expected).sum().backward();

    linear.registerFullBackwardHook((module, gradInputs, gradOutputs) => {
      seen.push([module === linear, gradInputs.map(values), gradOutputs.map(values)]);
      return gradInputs.map((g) => g?.mul(10) ?? null);
    });
    linear.forward(x).sum().backward();
    expect(seen).toEqual([
      [
        true,
        [values(expected.grad)],
        [
          [
            [1, 1],
            [1, 1],
          ],
        ],
      ],
    ]);
    expect(values(x.grad)).toEqual(values((expected.grad as Tensor).mul(10)));
    expect(values(linear.weight.grad)).toEqual(values(plain.weight.grad));
  });

  test('one before replaces the gradients of the outputs, for the inputs and the parameters', () => {
    const linear = layer();
    const handle = linear.registerFullBackwardPreHook((_, gradOutputs) => gradOutputs[0]?.mul(10) ?? null);
    const x = input();
    linear.forward(x).sum().backward();
    expect(values(linear.weight.grad)).toEqual([
      [20, 20, 20],
      [20, 20, 20],
    ]);
    handle.remove();
    linear.weight.grad = null;
    linear.forward(x).sum().backward();
    expect(values(linear.weight.grad)).toEqual([
      [2, 2, 2],
      [2, 2, 2],
    ]);
  });

  test('where no input wants a gradient they run when those of the outputs are there', () => {
    const seen: unknown[] = [];
    const linear = layer();
    linear.registerFullBackwardHook((_, gradInputs, gradOutputs) => void seen.push([gradInputs, gradOutputs.map(values)]));
    linear
      .forward(ones([1, 3], { dtype: 'float64' }))
      .sum()
      .backward();
    expect(seen).toEqual([[[null], [[[1, 1]]]]]);
  });

  test('several inputs and outputs keep their places, tensors or not', () => {
    class Both extends nn.Module {
      forward(a: Tensor, factor: number, b: Tensor): [Tensor, Tensor] {
        return [a.mul(factor), b.mul(factor)];
      }
    }
    const both = new Both();
    const seen: unknown[] = [];
    both.registerFullBackwardHook((_, gradInputs, gradOutputs) => void seen.push([gradInputs.map(values), gradOutputs.map(values)]));
    const [a, b] = [input(), input()];
    const [, second] = both.forward(a, 3, b);
    second.mul(2).sum().backward();
    const all = (value: number) => [
      [value, value, value],
      [value, value, value],
    ];
    expect(seen).toEqual([
      [
        [null, null, all(6)],
        [null, all(2)],
      ],
    ]);
    expect([values(a.grad), values(b.grad)]).toEqual([null, all(6)]);
  });

  test('what they return must have the right length, and inputs cannot be written inside', () => {
    const linear = layer();
    linear.registerFullBackwardHook((_, gradInputs) => [...gradInputs, null]);
    const y = linear.forward(input());
    refused(() => y.sum().backward(), 'ArgumentError', /registerFullBackwardHook.*2 gradients for 1/);
    refused(() => layer().registerFullBackwardHook(1 as never), 'ArgumentError', /function/);

    class Writes extends nn.Module {
      forward(x: Tensor): Tensor {
        return x.mul_(2);
      }
    }
    const writes = new Writes();
    writes.registerFullBackwardHook(() => {});
    refused(() => writes.forward(randn([2], { requiresGrad: true }).mul(1)), 'InPlaceError', /./);
  });
});
