/** Hooks before and after nodes and after accumulation, and the order of all of them. */
import { autograd, ones, optim, type Tensor, tensor } from 'nabla';
import { describe, expect, test } from 'vitest';
import { leaf, refused, total, values } from '../engine/support.ts';
import { collected } from './garbage.ts';

type Grads = readonly (Tensor | null)[];

const times =
  (factor: number) =>
  (grads: Grads): Grads =>
    grads.map((g) => g?.mul(factor) ?? null);

/** What a gradient goes into from a leaf: its sink. */
function sinkOf(x: Tensor): autograd.graph.Node {
  return x.view([-1]).gradFn?.nextFunctions[0]?.[0] as autograd.graph.Node;
}

/** b = 2a, with a name noted by every kind of hook. */
function noted() {
  const log: string[] = [];
  const note = (name: string) => () => void log.push(name);
  const a = tensor(1, { dtype: 'float64', requiresGrad: true });
  const b = a.mul(2);
  b.registerHook(note('b tensor'));
  b.gradFn?.registerPrehook(note('b before'));
  b.gradFn?.registerHook(note('b after'));
  a.registerHook(note('a tensor'));
  const sink = sinkOf(a);
  sink.registerPrehook(note('sink before'));
  sink.registerHook(note('sink after'));
  a.registerPostAccumulateGradHook(note('a accumulated'));
  return { a, b, log };
}

class Twice extends autograd.Function {
  static forward(_context: autograd.FunctionContext, x: Tensor) {
    return x.clone();
  }
  static backward(_context: autograd.FunctionContext, g: Tensor) {
    return g.mul(2);
  }
}

describe('hooks before a node', () => {
  for (const [kind, make] of [
    ['a custom function', (a: Tensor) => Twice.apply(a)],
    ['an operator', (a: Tensor) => a.mul(2)],
  ] as const) {
    test(`test_grad_fn_prehooks: before ${kind} they change its gradients in turn, nothing returned changes nothing, hooks after see the result`, () => {
      const seen: unknown[] = [];
      const a = ones([2], { dtype: 'float64', requiresGrad: true });
      const b = make(a);
      b.gradFn?.registerPrehook((grads) => void seen.push(grads.map(values)));
      b.gradFn?.registerPrehook(times(2));
      b.gradFn?.registerPrehook(() => null as never);
      b.gradFn?.registerPrehook((grads) => {
        seen.push(grads.map(values));
        return grads.map((g) => g?.mul(3) ?? null);
      });
      b.gradFn?.registerHook((inputs, outputs) => void seen.push([inputs.map(values), outputs.map(values)]));
      b.sum().backward();
      expect(seen).toEqual([[[1, 1]], [[2, 2]], [[[12, 12]], [[6, 6]]]]);
      expect(values(a.grad)).toEqual([12, 12]);
    });
  }

  test('test_grad_fn_prehooks_multiple_outputs: they get the gradients of all results, null for those that have none', () => {
    class Three extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor): [Tensor, string, Tensor] {
        return [x.mul(2), 'no tensor', x.mul(3)];
      }
      static backward(_context: autograd.FunctionContext, g2: Tensor, _none: null, g3: Tensor) {
        return g2.mul(2).add(g3.mul(3));
      }
    }
    const seen: unknown[] = [];
    const a = leaf(2);
    const [two, , three] = Three.apply(a);
    two.gradFn?.registerPrehook((grads) => {
      seen.push(grads.map(values));
      return [grads[0]?.mul(10) ?? null, null, grads[2]?.mul(100) ?? null];
    });
    two.add(three.mul(2)).sum().backward();
    expect(seen).toEqual([[[1, 1], null, [2, 2]]]);
    expect(values(a.grad)).toEqual([620, 620]);

    const x = leaf(4);
    const [first, second] = x.split(2);
    const lists: unknown[] = [];
    first?.gradFn?.registerPrehook((grads) => void lists.push(grads.map(values)));
    second?.sum().backward();
    expect(lists).toEqual([[null, [1, 1]]]);
  });

  test('test_grad_fn_prehooks_remove_hooks: a hook can be removed before a pass and during one', () => {
    const a = leaf(2);
    const b = a.mul(1);
    const gone = b.gradFn?.registerPrehook(times(3));
    gone?.remove();
    b.sum().backward(null, { retainGraph: true });
    expect(values(a.grad)).toEqual([1, 1]);

    const once = b.gradFn?.registerPrehook((grads) => {
      once?.remove();
      return times(5)(grads);
    });
    b.sum().backward(null, { retainGraph: true });
    expect(values(a.grad)).toEqual([6, 6]);
    b.sum().backward();
    expect(values(a.grad)).toEqual([7, 7]);
  });

  test('the same function twice is two hooks, before and after', () => {
    const a = leaf(1);
    const b = a.mul(1);
    const handles = [b.gradFn?.registerPrehook(times(2)), b.gradFn?.registerPrehook(times(2))];
    b.gradFn?.registerHook(times(3));
    b.gradFn?.registerHook(times(3)).remove();
    handles[0]?.remove();
    b.sum().backward();
    expect(values(a.grad)).toEqual([6]);
  });

  test('what they return must be a list of as many gradients, each of the same shape and dtype', () => {
    const refusal = (hook: (grads: Grads) => unknown, message: RegExp, after = false) => {
      const a = leaf(2);
      const b = a.mul(2);
      if (after) b.gradFn?.registerHook(hook as never);
      else b.gradFn?.registerPrehook(hook as never);
      refused(() => b.sum().backward(), 'AutogradError', message);
      expect(a.grad).toBe(null);
    };
    for (const after of [false, true]) {
      const where = after ? 'after MulBackward' : 'before MulBackward';
      refusal((grads) => grads[0], new RegExp(`${where} returned a tensor.*array`), after);
      refusal(() => 1, new RegExp(`${where} returned the number 1`), after);
      refusal((grads) => [...grads, ...grads, ...grads], new RegExp(`${where} returned \\d gradients for \\d`), after);
      refusal((grads) => grads.map(() => 'no'), /returned the string no/, after);
      refusal(
        (grads) => grads.map((g) => g?.sum() ?? ones([7])),
        after ? /returned shape/ : /shape \[\] for a gradient of shape \[2\]/,
        after,
      );
      refusal((grads) => grads.map((g) => g?.to('float32') ?? null), /dtype float32/, after);
    }
  });

  test('a node that no gradient reaches does not run, and neither do its hooks nor those of the leaves behind it', () => {
    class Nothing extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor) {
        return x.clone();
      }
      static backward() {
        return null;
      }
    }
    const { b, log } = noted();
    Nothing.apply(b).backward();
    expect(log).toEqual([]);
  });
});

describe('hooks after a node', () => {
  test('test_node_post_hook_registered_during_unpack_hook: registered while the node runs, one runs in that pass, with the gradients there', () => {
    const seen: unknown[] = [];
    const x = leaf(2);
    const y = autograd.graph.savedTensorsHooks(
      (t) => t,
      (t) => {
        y.gradFn?.registerHook((inputs, outputs) => void seen.push([inputs.length, outputs.map(values)]));
        return t;
      },
      (): Tensor => x.sin(),
    );
    y.sum().backward();
    expect(seen).toEqual([[1, [[1, 1]]]]);
  });

  test('change what flows on, in their order', () => {
    const x = leaf(2);
    const y = x.mul(2);
    y.gradFn?.registerHook((inputs) => inputs.map((g) => g?.add(1) ?? null));
    y.gradFn?.registerHook(times(10));
    y.gradFn?.registerHook(() => undefined);
    total(y).backward();
    expect(values(x.grad)).toEqual([30, 30]);
  });

  test('returning null for a gradient ends it there', () => {
    const x = leaf(2);
    const y = x.mul(2);
    y.gradFn?.registerHook((inputs) => inputs.map(() => null));
    total(y).backward();
    expect(x.grad).toBe(null);
  });

  test('keep what they hold on to as it was', () => {
    const held: (Tensor | null)[] = [];
    const x = leaf(2);
    const y = x.mul(2);
    y.gradFn?.registerHook((inputs, outputs) => void held.push(...inputs, ...outputs));
    total(y.mul(1)).backward();
    total(x.mul(3)).backward();
    expect(held.filter((g) => g !== null).map(values)).toEqual([
      [2, 2],
      [1, 1],
    ]);
  });
});

describe('the order', () => {
  test('test_prehook_ordering: hooks of tensors run before those of their node; grad() runs the former of an input only', () => {
    const log: number[] = [];
    const one = (g: Tensor) => {
      log.push(1);
      return g.mul(3);
    };
    const two = (grads: Grads) => {
      log.push(2);
      return times(2)(grads);
    };
    const a = tensor(1, { dtype: 'float64', requiresGrad: true });
    const b = a.clone();
    b.gradFn?.registerPrehook(two);
    b.registerHook(one);
    b.gradFn?.registerPrehook(two);
    a.registerHook(one);
    sinkOf(a).registerPrehook(two);
    a.registerHook(one);
    b.retainGrad();
    b.backward(null, { retainGraph: true });
    expect(log).toEqual([1, 2, 2, 1, 1, 2]);
    expect([values(b.grad), values(a.grad)]).toEqual([3, 3 * 4 * 9 * 2]);
    log.length = 0;
    expect(autograd.grad(b, a, null, { retainGraph: true }).map(values)).toEqual([3 * 4 * 9]);
    expect(log).toEqual([1, 2, 2, 1, 1]);
    log.length = 0;
    b.backward(null, { inputs: a });
    expect(log).toEqual([1, 2, 2, 1, 1, 2]);
  });

  test('test_retains_grad_can_always_observe_tensor_prehook: a retained gradient is that after all hooks, whenever they were registered', () => {
    const a = tensor(1, { dtype: 'float64', requiresGrad: true });
    const b = a.clone();
    b.registerHook((g: Tensor) => g.mul(2));
    b.retainGrad();
    b.registerHook((g: Tensor) => g.mul(2));
    b.backward();
    expect(values(b.grad)).toBe(4);
  });

  test('behaviour retain_grad after hook sees modified gradient: tens for the result, twenties for the leaf', () => {
    const x = leaf(2);
    const y = x.mul(2);
    y.retainGrad();
    y.registerHook((g: Tensor) => g.mul(10));
    total(y).backward();
    expect([values(y.grad), values(x.grad)]).toEqual([
      [10, 10],
      [20, 20],
    ]);
  });

  test('test_accumulate_grad_posthooks_can_observe_tensor_prehook: hooks of the sink of a leaf see the changed gradient, and no inputs', () => {
    const a = tensor(1, { dtype: 'float64', requiresGrad: true });
    const seen: unknown[] = [];
    a.registerHook((g: Tensor) => g.mul(2));
    const sink = sinkOf(a);
    sink.registerPrehook((grads) => void seen.push(grads.map(values)));
    sink.registerHook((inputs, outputs) => void seen.push([inputs, outputs.map(values)]));
    a.registerHook((g: Tensor) => g.mul(2));
    a.clone().backward();
    expect(seen).toEqual([[4], [[], [4]]]);
    expect(values(a.grad)).toBe(4);
  });

  test('a hook before the sink of a leaf can keep the gradient out', () => {
    const a = leaf(2);
    sinkOf(a).registerPrehook(() => [null]);
    total(a.mul(2)).backward();
    expect(a.grad).toBe(null);
  });

  test('test_accumulate_grad_posthooks_should_not_execute: with inputs, the hooks of leaves that are not among them do not run', () => {
    const log: string[] = [];
    const a = tensor(1, { dtype: 'float64', requiresGrad: true });
    const b = tensor(1, { dtype: 'float64', requiresGrad: true });
    a.registerHook(() => void log.push('tensor'));
    a.registerPostAccumulateGradHook(() => void log.push('accumulated'));
    sinkOf(a).registerPrehook(() => void log.push('before'));
    sinkOf(a).registerHook(() => void log.push('after'));
    sinkOf(b).registerHook(() => void log.push('b after'));
    a.add(b).backward(null, { inputs: b });
    expect([log, a.grad, values(b.grad)]).toEqual([['b after'], null, 1]);
  });

  test('test_hook_edge_case_when_called_with_grad: grad() runs the hooks of the input tensors, and of the nodes that it runs; backward(inputs) those of the sinks too', () => {
    const counts = { tensor: 0, before: 0, after: 0 };
    const a = tensor(1, { dtype: 'float64', requiresGrad: true });
    const b = a.mul(2);
    const c = b.mul(2);
    for (const x of [a, b]) x.registerHook(() => void counts.tensor++);
    for (const node of [sinkOf(a), b.gradFn]) {
      node?.registerPrehook(() => void counts.before++);
      node?.registerHook(() => void counts.after++);
    }
    const during = (body: () => void) => {
      Object.assign(counts, { tensor: 0, before: 0, after: 0 });
      body();
      return { ...counts };
    };
    const keep = { retainGraph: true };
    expect(during(() => autograd.grad(c, b, null, keep))).toEqual({ tensor: 1, before: 0, after: 0 });
    expect(during(() => autograd.grad(c, [a, b], null, keep))).toEqual({ tensor: 2, before: 1, after: 1 });
    expect(during(() => c.backward(null, keep))).toEqual({ tensor: 2, before: 2, after: 2 });
    expect(during(() => c.backward(null, { inputs: [a, b], ...keep }))).toEqual({ tensor: 2, before: 2, after: 2 });
  });

  test('grad() gives what the hooks of the input tensors made of the gradient, whether its node runs as well or not', () => {
    const a = tensor(1, { dtype: 'float64', requiresGrad: true });
    const b = a.clone();
    b.registerHook((g: Tensor) => g.mul(3));
    b.gradFn?.registerPrehook(times(5));
    const keep = { retainGraph: true };
    expect(autograd.grad(b, b, null, keep).map(values)).toEqual([3]);
    expect(autograd.grad(b, [a, b], null, keep).map(values)).toEqual([15, 3]);
    expect(autograd.grad(b, [b, a], null, keep).map(values)).toEqual([3, 15]);
    b.backward(null, { inputs: b });
    expect(values(b.grad)).toBe(3);
  });

  test('behaviour hook order / accumulate: tensor, before the node, after it, leaf, accumulated', () => {
    const order: unknown[] = [];
    const x = leaf(2);
    const y = x.mul(2);
    y.retainGrad();
    x.registerHook(() => void order.push('x tensor hook'));
    y.registerHook(() => void order.push(['y tensor hook', y.grad === null]));
    y.gradFn?.registerPrehook(() => void order.push(['y node prehook', y.grad === null]));
    y.gradFn?.registerHook(() => void order.push('y node posthook'));
    x.registerPostAccumulateGradHook((p) => void order.push(['x post acc', p.grad !== null]));
    total(y).backward();
    expect(order).toEqual([['y tensor hook', true], ['y node prehook', false], 'y node posthook', 'x tensor hook', ['x post acc', true]]);
  });

  test('all kinds in one pass, in grad() and with inputs', () => {
    const keep = { retainGraph: true };
    const upTo = ['b tensor', 'b before', 'b after', 'a tensor'];
    const all = [...upTo, 'sink before', 'a accumulated', 'sink after'];
    const whole = noted();
    whole.b.backward(null, keep);
    expect(whole.log).toEqual(all);
    const one = noted();
    autograd.grad(one.b, one.a, null, keep);
    expect(one.log).toEqual(upTo);
    const both = noted();
    autograd.grad(both.b, [both.a, both.b], null, keep);
    expect(both.log).toEqual(upTo);
    const inputs = noted();
    inputs.b.backward(null, { inputs: inputs.a });
    expect(inputs.log).toEqual(all);
  });

  test('test_will_engine_execute_node: tells during a pass which nodes it runs, also where passes nest, and throws outside of one', () => {
    const will = autograd.graph.willEngineExecuteNode;
    const x = leaf(2);
    const other = leaf(2);
    const first = x.exp();
    const second = first.mul(other.mul(1));
    const unrelated = x.sin();
    const answers: Record<string, boolean[]> = {};
    second.registerHook(() => {
      answers[Object.keys(answers).length] = [second, first, unrelated].map((y) => will(y.gradFn as autograd.graph.Node));
    });
    total(second).backward(null, { retainGraph: true });
    total(second).backward(null, { inputs: other, retainGraph: true });
    expect(answers).toEqual({ 0: [true, true, false], 1: [true, false, false] });
    refused(() => will(second.gradFn as autograd.graph.Node), 'AutogradError', /no backward pass is running/);
    const inner: boolean[] = [];
    first.registerHook(() => {
      autograd.enableGrad(() => {
        const y = other.mul(3);
        y.registerHook(() => void inner.push(will(y.gradFn as autograd.graph.Node), will(unrelated.gradFn as autograd.graph.Node)));
        total(y).backward();
      });
    });
    total(second).backward();
    expect(inner).toEqual([true, false]);
  });
});

describe('hooks after accumulation', () => {
  test('test_post_accumulate_grad_hook_on_non_leaf: refused for a result', () => {
    refused(
      () =>
        leaf(3)
          .mul(2)
          .registerPostAccumulateGradHook(() => {}),
      'AutogradError',
      /not a leaf.*registerHook/,
    );
  });

  test('behaviour post_acc_hook_nonleaf: refused for a result', () => {
    refused(
      () =>
        leaf(3)
          .mul(2)
          .registerPostAccumulateGradHook(() => {}),
      'AutogradError',
      /leaf/,
    );
  });

  test('behaviour post_acc_hook_no_rg: refused for a tensor without a gradient', () => {
    refused(() => ones([3]).registerPostAccumulateGradHook(() => {}), 'AutogradError', /does not require a gradient/);
  });

  test('test_post_accumulate_grad_hook_multiple_hooks: several run in their order, and may write into the leaf', () => {
    const x = leaf(2);
    const order: string[] = [];
    x.registerPostAccumulateGradHook((p) => {
      order.push('first');
      autograd.noGrad(() => p.add_(p.grad as Tensor));
    });
    x.registerPostAccumulateGradHook((p) => {
      order.push('second');
      autograd.noGrad(() => p.mul_(10));
      p.grad = null;
    });
    total(x.mul(2)).backward();
    expect([order, values(x), x.grad]).toEqual([['first', 'second'], [30, 30], null]);
  });

  test('test_post_accumulate_grad_hook_multiple_tensors: each leaf has its own', () => {
    const [x, y] = [leaf(2), leaf(2)];
    const seen: unknown[] = [];
    x.registerPostAccumulateGradHook((p) => void seen.push([p === x, values(p.grad)]));
    y.registerPostAccumulateGradHook((p) => void seen.push([p === y, values(p.grad)]));
    total(x.mul(2)).backward();
    total(y.mul(3)).backward();
    expect(seen).toEqual([
      [true, [2, 2]],
      [true, [3, 3]],
    ]);
  });

  test('test_post_accumulate_grad_hook_returns_not_None: refused with what to do instead', () => {
    const x = leaf(3);
    x.registerPostAccumulateGradHook((() => 1) as never);
    refused(() => total(x).backward(), 'AutogradError', /must return nothing/);
  });

  test('behaviour post_acc_hook_return: refused', () => {
    const x = leaf(3);
    x.registerPostAccumulateGradHook((() => ones([3])) as never);
    refused(() => total(x).backward(), 'AutogradError', /return/);
  });

  test('test_post_accumulate_grad_hook_e2e: a step of the optimizer in the hook is the step after the pass', () => {
    const start = tensor([1, 2, 3], { dtype: 'float64' });
    const loss = (w: Tensor) =>
      w
        .mul(w)
        .mul(tensor([1, 2, 3], { dtype: 'float64' }))
        .sum();
    const plain = start.clone().requiresGrad_();
    const fused = start.clone().requiresGrad_();
    const outside = new optim.Adam([plain], { lr: 0.1 });
    const inside = new optim.Adam([fused], { lr: 0.1 });
    const handle = fused.registerPostAccumulateGradHook(() => {
      inside.step();
      inside.zeroGrad();
    });
    for (let step = 0; step < 3; step++) {
      loss(plain).backward();
      outside.step();
      outside.zeroGrad();
      loss(fused).backward();
    }
    expect(values(fused)).toEqual(values(plain));
    expect(fused.grad).toBe(null);
    handle.remove();
    const before = values(fused);
    loss(fused).backward();
    expect(values(fused)).toEqual(before);
    expect(fused.grad).not.toBe(null);
  });

  test('test_post_accumulate_grad_hook_gets_cleaned_up: what a hook holds lives as long as the leaf', async () => {
    let x: Tensor | null = leaf(2);
    const held = (() => {
      const big = { name: 'held by the hook' };
      (x as Tensor).registerPostAccumulateGradHook(() => void big.name);
      return new WeakRef(big);
    })();
    total(x.mul(2)).backward();
    expect(await collected(held)).toBe(false);
    x = null;
    expect(await collected(held)).toBe(true);
  });

  test('test_post_accumulate_grad_hook_ordering: tensor hook, before the sink, accumulated, after the sink', () => {
    const x = tensor(1, { dtype: 'float64', requiresGrad: true });
    const order: unknown[] = [];
    x.registerHook((g: Tensor) => {
      order.push(['tensor', values(g)]);
      return g.add(1);
    });
    const sink = sinkOf(x);
    sink.registerPrehook((grads) => {
      order.push(['before', grads.map(values)]);
      return grads.map((g) => g?.add(1) ?? null);
    });
    sink.registerHook((_, outputs) => void order.push(['after', outputs.map(values)]));
    x.registerPostAccumulateGradHook((p) => void order.push(['accumulated', values(p.grad)]));
    x.clone().backward();
    expect(order).toEqual([
      ['tensor', 1],
      ['before', [2]],
      ['accumulated', 3],
      ['after', [3]],
    ]);
  });

  test('see the sum of all passes, once a pass', () => {
    const x = leaf(2);
    const seen: unknown[] = [];
    const handle = x.registerPostAccumulateGradHook((p) => void seen.push(values(p.grad)));
    total(x.mul(2).add(x)).backward();
    total(x.mul(2)).backward();
    handle.remove();
    total(x).backward();
    expect(seen).toEqual([
      [3, 3],
      [5, 5],
    ]);
  });

  test('do not run for grad()', () => {
    const x = leaf(2);
    let count = 0;
    x.registerPostAccumulateGradHook(() => void count++);
    autograd.grad(total(x.mul(2)), x);
    expect(count).toBe(0);
  });
});
