/** Hooks on tensors: what they see, in which order, what they may change, and how they go. */
import { autograd, isTensor, nn, ones, randn, type Tensor, tensor } from 'nabla';
import { describe, expect, test } from 'vitest';
import { leaf, refused, total, values } from '../engine/support.ts';

const scaled = (factor: number) => (g: Tensor) => g.mul(factor);

describe('hooks of tensors', () => {
  test('test_hooks: a hook runs once a pass until it is removed, and what hooks return replaces the gradient, one after the other', () => {
    const x = ones([5, 5], { dtype: 'float64', requiresGrad: true });
    const y = ones([5, 5], { dtype: 'float64' }).mul(4).requiresGrad_();
    let count = 0;
    const counting = (by: number) => (g: Tensor) => {
      expect(isTensor(g)).toBe(true);
      count += by;
    };
    const z = x.pow(2).add(x.mul(2)).add(x.mul(y)).add(y);
    x.registerHook(counting(0));
    const first = z.registerHook(counting(1));
    z.backward(ones([5, 5], { dtype: 'float64' }), { retainGraph: true });
    expect(count).toBe(1);

    const second = z.registerHook(counting(2));
    z.backward(ones([5, 5], { dtype: 'float64' }), { retainGraph: true });
    expect(count).toBe(4);

    second.remove();
    z.backward(ones([5, 5], { dtype: 'float64' }), { retainGraph: true });
    expect(count).toBe(5);

    first.remove();
    z.registerHook(scaled(2));
    y.grad = null;
    z.backward(ones([5, 5], { dtype: 'float64' }), { retainGraph: true });
    expect(values(y.grad)).toEqual(values(x.detach().add(1).mul(2)));
    expect(count).toBe(5);

    z.registerHook(scaled(2));
    y.grad = null;
    z.backward(ones([5, 5], { dtype: 'float64' }));
    expect(values(y.grad)).toEqual(values(x.detach().add(1).mul(4)));
  });

  test('test_hooks_cpp: a hook on the result of an operator that is composed of others runs and changes what passes', () => {
    const layer = new nn.BatchNorm1d(5, { affine: false });
    layer.double();
    layer.eval();
    const x = ones([5, 5], { dtype: 'float64', requiresGrad: true });
    const y = layer.forward(x);
    const z = y.add(1).log();
    y.registerHook(scaled(2));
    z.backward(ones([5, 5], { dtype: 'float64' }));
    const slope = 1 / Math.sqrt(1 + 1e-5);
    const value = (values(y) as number[][])[0]?.[0] as number;
    const expected = (2 * slope) / (value + 1);
    for (const row of values(x.grad) as number[][]) for (const g of row) expect(g).toBeCloseTo(expected, 12);
  });

  test('test_hook_none: no hook is called where no gradient arrives, and the function knows which inputs want one', () => {
    const needs: boolean[][] = [];
    class OnlyFirst extends autograd.Function {
      static forward(context: autograd.FunctionContext, x: Tensor, y: Tensor): [Tensor, Tensor] {
        needs.push([...context.needsInputGrad]);
        return [x.clone(), y.clone()];
      }
      static backward(_context: autograd.FunctionContext, gx: Tensor, _gy: Tensor) {
        return [gx, null];
      }
    }
    const seen: (Tensor | null)[] = [];
    const x = leaf(3);
    const y = leaf(3);
    const scaledY = y.mul(2);
    scaledY.registerHook((g: Tensor) => void seen.push(g));
    y.registerHook((g: Tensor) => void seen.push(g));
    const before = x.mul(1);
    before.registerHook((g: Tensor) => void seen.push(g));
    const [a, b] = OnlyFirst.apply(before, scaledY);
    total(a.add(b)).backward();
    expect(needs).toEqual([[true, true]]);
    expect(seen.map(values)).toEqual([[1, 1, 1]]);
    expect([values(x.grad), y.grad]).toEqual([[1, 1, 1], null]);
    OnlyFirst.apply(x, ones([3], { dtype: 'float64' }));
    expect(needs[1]).toEqual([true, false]);
  });

  test('test_hook_with_no_name: functions without a name, bound and arrow functions are hooks; other things are refused', () => {
    const calls: string[] = [];
    const recorder = {
      factor: 3,
      hook(g: Tensor) {
        calls.push('method');
        return g.mul(this.factor);
      },
    };
    const x = leaf(2);
    x.registerHook(recorder.hook.bind(recorder));
    x.registerHook(
      (() => (g: Tensor) => {
        calls.push('anonymous');
        return g.mul(2);
      })(),
    );
    total(x).backward();
    expect([calls, values(x.grad)]).toEqual([
      ['method', 'anonymous'],
      [6, 6],
    ]);
    refused(() => x.registerHook({ call: () => null } as never), 'ArgumentError', /function/);
    refused(() => x.mul(2).gradFn?.registerHook(1 as never), 'ArgumentError', /registerHook.*function/);
    refused(() => x.mul(2).gradFn?.registerPrehook('no' as never), 'ArgumentError', /registerPrehook.*function/);
  });

  test('test_return_leaf: a function that returns its argument gives a new handle, whose hook sees the gradient of that use only', () => {
    class Pass extends autograd.Function {
      static forward(_context: autograd.FunctionContext, a: Tensor, b: Tensor): [Tensor, Tensor] {
        return [a, a.add(b)];
      }
      static backward(_context: autograd.FunctionContext, ga: Tensor, gab: Tensor) {
        return [ga.add(gab), gab];
      }
    }
    const seen: unknown[] = [];
    const x = leaf(2);
    const y = leaf(2);
    const [q, p] = Pass.apply(x, y);
    q.registerHook((g: Tensor) => void seen.push(values(g)));
    x.registerHook((g: Tensor) => void seen.push(values(g)));
    expect(q === x).toBe(false);
    total(q.add(p).add(x)).backward();
    expect(seen).toEqual([
      [1, 1],
      [3, 3],
    ]);
    expect([values(x.grad), values(y.grad)]).toEqual([
      [3, 3],
      [1, 1],
    ]);
  });

  test('test_grad_nonleaf_register_hook: the hook of one result of several runs only for a pass that reaches that result', () => {
    const x = ones([5], { dtype: 'float64', requiresGrad: true });
    const parts = x.unbind();
    const seen: unknown[] = [];
    parts[0]?.registerHook((g: Tensor) => void seen.push(values(g)));
    parts[0]?.backward(null, { retainGraph: true });
    expect(seen).toEqual([1]);
    expect(values(x.grad)).toEqual([1, 0, 0, 0, 0]);
    for (let i = 1; i < 5; i++) parts[i]?.backward(null, { retainGraph: true });
    expect(seen).toEqual([1]);
    expect(values(x.grad)).toEqual([1, 1, 1, 1, 1]);
    expect(parts[0]?.meta?.grad ?? null).toBe(null);
  });

  test('run in the order in which they were registered, each on what the one before returned', () => {
    const seen: unknown[] = [];
    const y = leaf(1).mul(2);
    y.registerHook((g: Tensor) => {
      seen.push(values(g));
      return g.mul(10);
    });
    y.registerHook((g: Tensor) => void seen.push(values(g)));
    total(y).backward();
    expect(seen).toEqual([[1], [10]]);
  });

  test('run once, on the sum of what arrives', () => {
    const seen: unknown[] = [];
    const y = leaf(1).mul(2);
    y.registerHook((g: Tensor) => void seen.push(values(g)));
    total(y.mul(3).add(y.mul(4))).backward();
    expect(seen).toEqual([[7]]);
  });

  test('the same function registered twice runs twice, and each handle takes one away', () => {
    let count = 0;
    const hook = () => void count++;
    const x = leaf(2);
    const first = x.registerHook(hook);
    const second = x.registerHook(hook);
    total(x).backward();
    expect(count).toBe(2);
    first.remove();
    first.remove();
    total(x).backward();
    expect(count).toBe(3);
    second.remove();
    total(x).backward();
    expect(count).toBe(3);
  });

  test('a hook removed by another one still runs in the pass that is on its way through the list, and not in the next', () => {
    const order: string[] = [];
    const y = leaf(2).mul(2);
    y.registerHook(() => {
      order.push('a');
      handle.remove();
    });
    const handle = y.registerHook(() => void order.push('b'));
    total(y).backward(null, { retainGraph: true });
    total(y).backward();
    expect(order).toEqual(['a', 'b', 'a']);
  });

  test('a handle ends a hook at the end of a block', () => {
    const x = leaf(2);
    let count = 0;
    {
      using _handle = x.registerHook(() => void count++);
      total(x).backward();
    }
    total(x).backward();
    expect(count).toBe(1);
  });

  test('an error of a hook passes through, and the next pass is as if nothing had been', () => {
    const x = leaf(2);
    const y = x.mul(3);
    let fail = true;
    y.registerHook(() => {
      if (fail) throw new RangeError('mine');
    });
    const out = total(y);
    expect(() => out.backward()).toThrow(RangeError);
    expect(x.grad).toBe(null);
    fail = false;
    out.backward();
    expect(values(x.grad)).toEqual([3, 3]);
  });

  test('are recorded with createGraph', () => {
    const x = leaf(2);
    const y = x.mul(2);
    y.registerHook((g: Tensor) => g.mul(x));
    const [g] = autograd.grad(total(y), x, null, { createGraph: true });
    expect(autograd.grad(total(g as never), x).map(values)).toEqual([[2, 2]]);
  });

  test('keep a gradient that they hold on to as it was', () => {
    const held: unknown[] = [];
    const x = leaf(2);
    const y = x.mul(2);
    y.registerHook((g: Tensor) => void held.push(g));
    total(y.mul(1)).backward();
    total(x.mul(3)).backward();
    expect(held.map((g) => values(g as never))).toEqual([[1, 1]]);
  });

  test('behaviour register_hook_no_rg: a tensor without a gradient has no hooks', () => {
    refused(() => ones([3]).registerHook((g: Tensor) => g), 'AutogradError', /does not require a gradient/);
  });

  test('behaviour hook_returns_wrong_shape: refused with both shapes', () => {
    const y = leaf(3).mul(2);
    y.registerHook((g: Tensor) => g.sum());
    refused(() => total(y).backward(), 'AutogradError', /MulBackward.*\[\].*\[3\]/);
  });

  test('a hook that returns another dtype is refused with both', () => {
    const y = leaf(3).mul(2);
    y.registerHook((g: Tensor) => g.to('float32'));
    refused(() => total(y).backward(), 'AutogradError', /float32.*float64/);
  });

  test('behaviour hook_returns_non_tensor: refused with what it was', () => {
    const y = leaf(3).mul(2);
    y.registerHook(() => 1 as never);
    refused(() => total(y).backward(), 'AutogradError', /number 1.*return a tensor/);
  });

  test('behaviour hook dict removal: a removed hook does not run', () => {
    const seen: number[] = [];
    const x = leaf(2);
    const handle = x.registerHook(() => void seen.push(1));
    handle.remove();
    handle.remove();
    total(x).backward();
    expect(seen).toEqual([]);
  });
});

describe('hooks and writes in place', () => {
  test('test_tensor_hooks_inplace: a hook stays with the value that it was registered on, a later one sees the value after the write', () => {
    const before: unknown[] = [];
    const after: unknown[] = [];
    const first = (g: Tensor) => {
      before.push(values(g));
      return g.mul(2);
    };
    const second = (g: Tensor) => {
      after.push(values(g));
      return g.mul(2);
    };
    const a = tensor([1], { dtype: 'float64', requiresGrad: true });
    const b = a.clone();
    b.registerHook(first);
    b.mul_(2);
    b.registerHook(second);
    b.sum().backward();
    expect([before, after, values(a.grad)]).toEqual([[[4]], [[1]], [8]]);

    const c = a.clone();
    c.registerHook(first);
    c.mul_(2);
    c.mul_(2);
    c.registerHook(second);
    c.sum().backward();
    expect([before[1], after[1], values(a.grad)]).toEqual([[8], [1], [24]]);
  });

  test('test_tensor_hooks_inplace_multiple_outputs: the same for one of several results', () => {
    class TwoAndThree extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor): [Tensor, Tensor] {
        return [x.mul(2), x.mul(3)];
      }
      static backward(_context: autograd.FunctionContext, g2: Tensor, g3: Tensor) {
        return [g2.mul(2).add(g3.mul(3))];
      }
    }
    const seen: [string, unknown][] = [];
    const note = (name: string) => (g: Tensor) => void seen.push([name, values(g)]);
    const b = ones([3], { dtype: 'float64', requiresGrad: true }).clone();
    const [two, three] = TwoAndThree.apply(b);
    two.registerHook(note('two before'));
    three.registerHook(note('three before'));
    three.mul_(2);
    three.registerHook(note('three after'));
    two.add(three).sum().backward();
    expect(seen).toEqual([
      ['three after', [1, 1, 1]],
      ['two before', [1, 1, 1]],
      ['three before', [2, 2, 2]],
    ]);
  });

  test('test_tensor_hooks_inplace_over_view: a hook on a view stays with the value before the write; the view as the write left it, and other views, need hooks of their own', () => {
    const old: [string, unknown][] = [];
    const seen: unknown[] = [];
    const base = tensor([1, 1], { dtype: 'float64', requiresGrad: true }).clone();
    const view = base.view([2]);
    const other = base.view([2]);
    view.registerHook((g: Tensor) => void old.push(['view', values(g)]));
    other.registerHook((g: Tensor) => void old.push(['other', values(g)]));
    view.mul_(2);
    expect(other.gradFn?.name).toBe('AsStridedBackward');
    other.registerHook((g: Tensor) => void seen.push(values(g)));
    view.add(other).sum().backward();
    // The value before the write was read by mul_ only, which doubles the sum of both views' gradients.
    expect([old, seen]).toEqual([[['view', [4, 4]]], [[1, 1]]]);
  });
});

describe('hooks that run a backward pass', () => {
  test('test_reentrant_with_leaf_variable_hook: the hook of a leaf may run a pass of its own', () => {
    const param = ones([1], { dtype: 'float64', requiresGrad: true });
    const handle = param.registerHook((g: Tensor) => {
      handle.remove();
      const inner = g.detach().requiresGrad_();
      autograd.enableGrad(() => inner.mul(param.detach()).sum().backward());
      return g.add(inner.grad as Tensor);
    });
    param.mul(2).sum().backward();
    expect(values(param.grad)).toEqual([3]);

    const x = tensor([3], { dtype: 'float64', requiresGrad: true });
    let depth = 0;
    x.registerHook((g: Tensor) => {
      if (depth++ > 0) return;
      autograd.enableGrad(() => x.pow(2).sum().backward());
      return g;
    });
    x.mul(5).sum().backward();
    expect([depth, values(x.grad)]).toEqual([2, [11]]);
  });

  test('test_reentrant_with_non_leaf_variable_hook: the hook of a result may change the gradient by a pass of its own', () => {
    const param = ones([1], { dtype: 'float64', requiresGrad: true });
    const tmp = param.mul(param);
    tmp.registerHook((g: Tensor) =>
      autograd.enableGrad(() => {
        const inner = g.detach().requiresGrad_();
        const penalty = inner.mul(2).mul(param);
        penalty.sum().backward();
        return g.add(inner.grad as Tensor);
      }),
    );
    tmp.sum().backward();
    // From the pass inside: 2; from outside: 2·param·(1 + 2).
    expect(values(param.grad)).toEqual([8]);
  });
});

describe('hooks over several gradients', () => {
  const setup = () => [leaf(2), leaf(2), leaf(2), leaf(2)] as [Tensor, Tensor, Tensor, Tensor];

  test('test_multi_grad_all_hooks: called once a pass with all gradients, null for those that the pass does not reach, until removed', () => {
    const [t1, t2, t3, t4] = setup();
    const seen: unknown[] = [];
    const handle = autograd.graph.registerMultiGradHook([t2, t3, t4.mul(1), t1], (grads) => void seen.push(grads.map(values)));
    total(t2.mul(t3)).backward();
    expect(seen).toEqual([[[1, 1], [1, 1], null, null]]);
    total(t2.mul(2).add(t1.mul(3)).add(t3)).backward();
    expect(seen[1]).toEqual([[2, 2], [1, 1], null, [3, 3]]);
    const graph = total(t3.mul(4).exp().mul(t2));
    graph.backward(null, { inputs: t2 });
    expect((seen[2] as unknown[]).map((g) => g !== null)).toEqual([true, false, false, false]);
    handle.remove();
    total(t2).backward();
    expect(seen.length).toBe(3);
  });

  test('test_multi_grad_all_hooks: an error in the hook leaves nothing behind for the next pass', () => {
    const [t1, t2] = setup();
    let fail = true;
    let count = 0;
    autograd.graph.registerMultiGradHook([t1, t2], () => {
      count++;
      if (fail) throw new RangeError('mine');
    });
    expect(() => total(t1.mul(t2)).backward()).toThrow(RangeError);
    fail = false;
    total(t1.mul(t2)).backward();
    expect(count).toBe(2);
  });

  test('test_multi_grad_all_hooks: a tensor without a gradient in the pass counts, also where the operation gives none', () => {
    class OnlyFirst extends autograd.Function {
      static forward(_context: autograd.FunctionContext, a: Tensor, b: Tensor) {
        return a.add(b);
      }
      static backward(_context: autograd.FunctionContext, g: Tensor) {
        return [g, null];
      }
    }
    const [t1, t2] = setup();
    const seen: unknown[] = [];
    autograd.graph.registerMultiGradHook([t1, t2], (grads) => void seen.push(grads.map(values)));
    total(OnlyFirst.apply(t1, t2)).backward();
    expect(seen).toEqual([[[1, 1], null]]);
  });

  test('behaviour multi_grad_hook: true, true, false', () => {
    const [x, y, z] = setup();
    const seen: boolean[][] = [];
    autograd.graph.registerMultiGradHook([x, y, z], (grads) => void seen.push(grads.map((g) => g !== null)));
    total(x.mul(y)).backward();
    expect(seen).toEqual([[true, true, false]]);
  });

  test('test_multi_grad_any_hooks: called with the first gradient of a pass and not again, passes inside of passes for themselves', () => {
    const [t1, t2] = setup();
    const seen: unknown[] = [];
    const handle = autograd.graph.registerMultiGradHook([t1, t2], (g) => void seen.push(values(g)), { mode: 'any' });
    total(t1.mul(3).add(t2.mul(3))).backward();
    expect(seen).toEqual([[3, 3]]);
    total(t2.mul(5)).backward();
    expect(seen).toEqual([
      [3, 3],
      [5, 5],
    ]);
    const y = t1.mul(7);
    y.registerHook(() => autograd.enableGrad(() => total(t2.mul(9)).backward()));
    total(y).backward();
    expect(seen.slice(2)).toEqual([
      [9, 9],
      [7, 7],
    ]);
    handle.remove();
    total(t1).backward();
    expect(seen.length).toBe(4);
  });

  test('test_multi_grad_any_hooks: an error in the hook leaves nothing behind for the next pass', () => {
    const [t1, t2] = setup();
    let fail = true;
    let count = 0;
    const any = () => {
      count++;
      if (fail) throw new RangeError('mine');
    };
    autograd.graph.registerMultiGradHook([t1, t2], any, { mode: 'any' });
    expect(() => total(t1.mul(t2)).backward()).toThrow(RangeError);
    fail = false;
    total(t1.mul(t2)).backward();
    expect(count).toBe(2);
  });

  test('test_multi_grad_hooks_invalid_mode: another mode is refused, and so is a tensor without a gradient', () => {
    const [t1] = setup();
    refused(() => autograd.graph.registerMultiGradHook([t1], () => {}, { mode: 'foo' as never }), 'ArgumentError', /'all' or 'any'.*foo/);
    refused(() => autograd.graph.registerMultiGradHook([ones([2])], () => {}), 'AutogradError', /does not require a gradient/);
    refused(() => autograd.graph.registerMultiGradHook([t1], 1 as never), 'ArgumentError', /function/);
    refused(() => autograd.graph.registerMultiGradHook([1 as never], () => {}), 'ArgumentError', /tensors/);
  });

  test('see gradients as the hooks before them left them', () => {
    const x = leaf(2);
    const seen: unknown[] = [];
    x.registerHook(scaled(2));
    autograd.graph.registerMultiGradHook([x, x], (grads) => void seen.push(grads.map(values)));
    x.registerHook(scaled(10));
    total(x).backward();
    expect(seen).toEqual([
      [
        [2, 2],
        [2, 2],
      ],
    ]);
    expect(values(x.grad)).toEqual([20, 20]);
  });

  test('count what a pass runs, not what passes inside of it do', () => {
    const [t1, t2] = setup();
    const seen: number[] = [];
    autograd.graph.registerMultiGradHook([t1, t2], (grads) => void seen.push(grads.filter((g) => g !== null).length));
    const y = t1.mul(2);
    y.registerHook(() => autograd.enableGrad(() => total(t1.mul(t2)).backward()));
    total(y.add(t2)).backward();
    expect(seen).toEqual([2, 2]);
  });
});

test('a hook sees a gradient of random values as it is', () => {
  const weight = randn([3], { dtype: 'float64' });
  const y = leaf(3).mul(2);
  const seen: unknown[] = [];
  y.registerHook((g: Tensor) => void seen.push(values(g)));
  y.backward(weight);
  expect(seen).toEqual([values(weight)]);
});
