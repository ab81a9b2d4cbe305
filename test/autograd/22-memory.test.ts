import { describe, expect, test } from 'vitest';
import { autograd, grad, memory, ones, randn, type Tensor, zeros } from '../../src/index.ts';
import { collectMemory } from '../../src/runtime/memory.ts';
import { leaf, total, values } from '../engine/support.ts';

type Context = autograd.FunctionContext;

/** Whether all of these are collected once nothing else reaches them. */
async function collected(...references: readonly WeakRef<object>[]): Promise<boolean> {
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    (globalThis as { gc?: () => void }).gc?.();
    if (references.every((reference) => reference.deref() === undefined)) return true;
  }
  return false;
}

describe('graphs that nothing reaches', () => {
  test('test_variable_traverse: a cycle that holds an intermediate result may go; the graph stays usable', async () => {
    const input = leaf(10);
    const [out, cycle] = ((): [Tensor, WeakRef<object>] => {
      const middle = input.mul(1).view(10, 1);
      const list: unknown[] = [middle];
      list.push(list);
      return [middle.view(10), new WeakRef(list)];
    })();
    expect(await collected(cycle)).toBe(true);
    out.backward(randn([10], { dtype: 'float64' }));
    expect(input.grad?.shape).toEqual([10]);
  });

  test('test_custom_function_cycle: a context that holds its own output, or the node its own tensor, is collected', async () => {
    class Kept extends autograd.Function {
      static forward(context: Context, x: Tensor, into: { context?: Context }): Tensor {
        into.context = context;
        return x.clone();
      }
      static backward(_context: Context, g: Tensor): [Tensor, null] {
        return [g, null];
      }
    }
    for (const withBackward of [false, true]) {
      const references = ((): WeakRef<object>[] => {
        const x = leaf(2);
        const holder: { context?: Context } = {};
        const y = Kept.apply(x, holder) as Tensor;
        (holder.context as Context).output = y;
        const node = y.gradFn as autograd.graph.Node;
        node.metadata.self = y;
        if (withBackward) total(y).backward(null, { createGraph: true });
        return [new WeakRef(y), new WeakRef(node), new WeakRef(holder.context as Context), new WeakRef(x)];
      })();
      expect(await collected(...references)).toBe(true);
    }
  });

  test('test_create_graph_and_full_backward_hook_cycle: a hook that keeps the gradients of a pass with createGraph is collected', async () => {
    const references = ((): WeakRef<object>[] => {
      const x = leaf(3);
      const y = x.pow(2);
      const state: { saved?: unknown } = {};
      const node = y.gradFn as autograd.graph.Node;
      node.registerHook((inputs, outputs) => {
        state.saved = [inputs, outputs, x];
      });
      total(y).backward(null, { createGraph: true });
      expect(state.saved).toBeDefined();
      return [new WeakRef(state), new WeakRef(node), new WeakRef(x), new WeakRef(x.grad as Tensor)];
    })();
    expect(await collected(...references)).toBe(true);
  });

  test('test_hook_closure_cycle: a hook whose closure holds its own node is collected, used or not', async () => {
    for (const kind of ['tensor', 'before', 'after', 'accumulated'] as const) {
      for (const used of [false, true]) {
        const references = ((): WeakRef<object>[] => {
          const x = leaf(2);
          const y = x.mul(2);
          const scope = { x, y, node: y.gradFn as autograd.graph.Node, calls: 0 };
          const hook = (): void => void scope.calls++;
          if (kind === 'tensor') y.registerHook(hook);
          else if (kind === 'before') scope.node.registerPrehook(hook);
          else if (kind === 'after') scope.node.registerHook(hook);
          else x.registerPostAccumulateGradHook(hook);
          if (used) total(y).backward();
          expect(scope.calls).toBe(used ? 1 : 0);
          return [new WeakRef(scope), new WeakRef(scope.node), new WeakRef(x)];
        })();
        expect(await collected(...references), `${kind} ${used}`).toBe(true);
      }
    }
  });

  test('a gradient with its graph on the leaf, which PyTorch warns of, goes with the leaf', async () => {
    const references = ((): WeakRef<object>[] => {
      const x = leaf(2);
      total(x.pow(3)).backward(null, { createGraph: true });
      return [new WeakRef(x), new WeakRef(x.grad as Tensor)];
    })();
    expect(await collected(...references)).toBe(true);
  });

  test('an edge, a loss or a gradient that is kept does not keep what the pass has freed', async () => {
    const x = leaf(2);
    const keep: unknown[] = [];
    const reference = (() => {
      const middle = x.exp();
      const loss = total(middle.mul(middle));
      keep.push(loss, autograd.graph.getGradientEdge(loss), ...grad(loss, x));
      return new WeakRef(middle);
    })();
    expect(await collected(reference)).toBe(true);
    expect(keep).toHaveLength(3);
  });
});

describe('memory', () => {
  const kilobytes = 256;

  test('of what the graph saved goes back as soon as the pass is over, without the collector', () => {
    const x = ones([kilobytes * 256], { requiresGrad: true });
    x.grad = zeros([kilobytes * 256]);
    const step = (): number => {
      let y: Tensor = x;
      for (let i = 0; i < 8; i++) y = y.mul(0.5);
      y.sum().backward();
      return memory().live;
    };
    step();
    collectMemory();
    const before = memory().live;
    step();
    collectMemory();
    expect(memory().live).toBeLessThanOrEqual(before + kilobytes * 1024);
    expect(values(x.grad.sum())).toBeGreaterThan(0);
  });

  test('operators composed of others keep no memory where nothing of theirs is needed', () => {
    const before = (() => {
      collectMemory();
      return memory().live;
    })();
    const losses = Array.from({ length: 20 }, () => {
      const [a, b] = [0, 1].map(() => ones([64 * 1024], { requiresGrad: true }).mul(2)) as [Tensor, Tensor];
      return total(autograd.enableGrad(() => a.unsqueeze(0).tile([2, 1]).add(b)));
    });
    return new Promise((resolve) => setTimeout(resolve, 20)).then(() => {
      collectMemory();
      // The leaves themselves are kept by the graph, 2 × 256 KB for each loss; nothing else is.
      expect(memory().live - before).toBeLessThan(20 * 2 * 256 * 1024 + 2 ** 21);
      expect(losses).toHaveLength(20);
    });
  });
});
