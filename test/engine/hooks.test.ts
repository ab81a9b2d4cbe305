/** What hooks may return, what they are told if it is something else, and who may keep what they see. */
import { describe, expect, test } from 'vitest';
import { autograd, ones, type Tensor, unbind } from '../../src/index.ts';
import { leaf, refused, total, values } from './support.ts';

type Node = autograd.graph.Node;

function nodeOf(x: Tensor | undefined): Node {
  return x?.gradFn as Node;
}

function sinkOf(x: Tensor): Node {
  return autograd.graph.getGradientEdge(x).node;
}

describe('what is told to a hook', () => {
  const told = (register: (y: Tensor) => unknown, text: string): void => {
    const y = leaf(2).mul(2);
    register(y);
    let message = '';
    refused(() => {
      try {
        total(y).backward();
      } catch (error) {
        message = (error as Error).message;
        throw error;
      }
    }, 'AutogradError');
    expect(message).toBe(text);
  };

  test('of a tensor', () => {
    told(
      (y) => y.registerHook((() => 3) as never),
      'a hook on the gradient at MulBackward returned the number 3: return a tensor, or nothing to keep the gradient',
    );
    told(
      (y) => y.registerHook(() => ones([3], { dtype: 'float64' })),
      'a hook on the gradient at MulBackward returned shape [3] for a gradient of shape [2]: keep the shape',
    );
    told(
      (y) => y.registerHook((g) => g.to('float32')),
      "a hook on the gradient at MulBackward returned dtype float32 for a gradient of dtype float64: keep the dtype, with .to('float64')",
    );
  });

  test('before and after a node', () => {
    told(
      (y) => nodeOf(y).registerPrehook((() => 3) as never),
      'a hook before MulBackward returned the number 3: return an array with one gradient for each of the 1, or nothing to keep them',
    );
    told(
      (y) => nodeOf(y).registerHook((() => []) as never),
      'a hook after MulBackward returned 0 gradients for 1: return one for each, null where there is none',
    );
    told(
      (y) => nodeOf(y).registerHook((() => ['no']) as never),
      'a hook after MulBackward returned the string no: return a tensor, or nothing to keep the gradient',
    );
  });

  test('over several gradients, when it is registered', () => {
    const { registerMultiGradHook } = autograd.graph;
    const x = leaf(2);
    refused(
      () => registerMultiGradHook([x], () => undefined, { mode: 'some' as never }),
      'ArgumentError',
      /^registerMultiGradHook: mode must be 'all' or 'any', got the string some$/,
    );
    refused(
      () => registerMultiGradHook([x], 'no' as never),
      'ArgumentError',
      /^registerMultiGradHook: the hook must be a function, got the string no$/,
    );
    refused(
      () => registerMultiGradHook([x, 1 as never], () => undefined),
      'ArgumentError',
      /^registerMultiGradHook: expected tensors, got the number 1$/,
    );
    refused(
      () => registerMultiGradHook([x, x.detach()], () => undefined),
      'AutogradError',
      /^registerMultiGradHook: a tensor of shape \[2\] and dtype float64 does not require a gradient, so none will ever arrive$/,
    );
  });
});

describe('hooks', () => {
  test('may put a gradient where there was none, and take all away', () => {
    const x = leaf(2);
    const [a, b] = unbind(x) as [Tensor, Tensor];
    nodeOf(a).registerPrehook(([, g]) => [g?.mul(5) ?? null, g as Tensor]);
    b.backward();
    expect(values(x.grad)).toEqual([5, 1]);
    const y = leaf(2, 2);
    for (const z of [y.mul(2), y.softmax(0), y.matmul(y), y.tile([2])]) {
      nodeOf(z).registerPrehook((grads) => grads.map(() => null));
      total(z).backward();
    }
    expect(y.grad).toBe(null);
  });

  test('on one of several results run for that one alone', () => {
    const seen: unknown[] = [];
    const [a, b] = unbind(leaf(2).mul(1)) as [Tensor, Tensor];
    b.registerHook((g) => void seen.push(values(g)));
    a.add(b.mul(3)).backward();
    a.retainGrad();
    expect(seen).toEqual([3]);
  });

  test('keep what they saw: neither written nor freed by what follows', () => {
    const kept: (Tensor | null)[] = [];
    const keep = (grads: readonly (Tensor | null)[]): void => void kept.push(...grads);
    const x = leaf(2);
    const y = x.mul(2);
    const z = y.mul(3).mul(5);
    y.registerHook((g) => void kept.push(g));
    nodeOf(y).registerPrehook(keep);
    nodeOf(y).registerHook((inputs, outputs) => keep([...inputs, ...outputs]));
    nodeOf(z).registerHook((inputs, outputs) => keep([...inputs, ...outputs]));
    sinkOf(x).registerPrehook(keep);
    sinkOf(x).registerHook((inputs, outputs) => keep([...inputs, ...outputs]));
    total(z.add(x.mul(7))).backward();
    total(x.mul(100)).backward();
    // After and before z, the hook of y, before y, after and before y; what goes into the leaf, twice.
    expect(kept.map((g) => (values(g) as number[])[0])).toEqual([5, 1, 15, 15, 30, 15, 37, 37, 100, 100]);
    expect(values(x.grad)).toEqual([137, 137]);
  });

  test('before the sink of a leaf may keep the gradient out; those after it hear of that', () => {
    const x = leaf(2);
    const seen: unknown[] = [];
    sinkOf(x).registerHook((inputs, outputs) => void seen.push(inputs, outputs.map(values)));
    const handle = sinkOf(x).registerPrehook(() => [null]);
    total(x).backward();
    handle.remove();
    total(x).backward();
    expect(seen).toEqual([[], [null], [], [[1, 1]]]);
    expect(values(x.grad)).toEqual([1, 1]);
  });

  test('over several gradients end with their block', () => {
    const [x, y] = [leaf(2), leaf(2)];
    let calls = 0;
    {
      using handle = autograd.graph.registerMultiGradHook([x, y], () => void calls++);
      total(x.mul(y)).backward();
      expect(typeof handle.remove).toBe('function');
    }
    total(x.mul(y)).backward();
    expect(calls).toBe(1);
  });

  test('over several gradients, the first of which is none, wait for one', () => {
    class Nothing extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor): Tensor {
        return x.clone();
      }
      static backward(): null {
        return null;
      }
    }
    const [x, y] = [leaf(2), leaf(2)];
    const seen: unknown[] = [];
    autograd.graph.registerMultiGradHook([x, y], (g) => void seen.push(values(g)), { mode: 'any' });
    // The function was recorded last and so runs first.
    total(y.mul(3).add(Nothing.apply(x) as Tensor)).backward();
    expect(seen).toEqual([[3, 3]]);
  });
});

describe('a retained gradient', () => {
  test('is a new tensor in each pass, and those before stay what they were', () => {
    const y = leaf(2).mul(2);
    y.retainGrad();
    const found: (Tensor | null)[] = [];
    for (let pass = 0; pass < 3; pass++) {
      total(y).backward(null, { retainGraph: true });
      found.push(y.grad);
    }
    expect(found.map(values)).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
  });
});
