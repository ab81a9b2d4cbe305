import { describe, expect, test, vi } from 'vitest';
import { autograd, backward, grad, ones, scope, stack, type Tensor, tensor } from '../../src/index.ts';
import { leaf, refused, total, values } from '../engine/support.ts';

const { graph } = autograd;
type Context = autograd.FunctionContext;

/** A function that hands its argument on, and calls `body` with the gradient in its backward pass. */
function through(body: (g: Tensor, context: Context) => Tensor | void): (x: Tensor) => Tensor {
  class Through extends autograd.Function {
    static forward(_context: Context, x: Tensor): Tensor {
      return x.clone();
    }
    static backward(context: Context, g: Tensor): Tensor {
      return body(g, context) ?? g;
    }
  }
  return (x) => Through.apply(x) as Tensor;
}

/** Runs a backward pass within the backward pass of each level, `x` levels deep; calls `visit` at each. */
function descending(visit: () => void): (x: Tensor) => Tensor {
  class Descend extends autograd.Function {
    static forward(context: Context, x: Tensor): Tensor {
      context.x = autograd.enableGrad(() => x.detach().requiresGrad_().sub(1));
      return (context.x as Tensor).detach();
    }
    static backward(context: Context, g: Tensor): Tensor {
      visit();
      const x = context.x as Tensor;
      if ((x.item() as number) < 0) return g;
      autograd.enableGrad(() => total(Descend.apply(x) as Tensor).backward());
      return g;
    }
  }
  return (x) => Descend.apply(x) as Tensor;
}

describe('backward within backward', () => {
  test('test_simple_reentrant: a graph built and walked inside a backward pass', () => {
    const inner = leaf(2);
    const f = through((g) => {
      const y = autograd.enableGrad(() => total(inner.mul(inner)));
      y.backward();
      return g.mul(inner.grad as Tensor);
    });
    const x = leaf(2);
    total(f(x.mul(3))).backward();
    expect([values(x.grad), values(inner.grad)]).toEqual([
      [6, 6],
      [2, 2],
    ]);
  });

  test('behaviour reentrant backward: the result of the inner pass takes part in the outer one', () => {
    const f = through((g) => {
      const z = leaf(2);
      autograd.enableGrad(() => total(z.mul(z)).backward());
      return g.mul(z.grad as Tensor);
    });
    const x = leaf(2);
    total(f(x)).backward();
    expect(values(x.grad)).toEqual([2, 2]);
  });

  test('test_reentrant_child_error: an error inside comes out of the outer call, and leaves nothing behind', () => {
    const failing = through(() => {
      throw new Error('from within');
    });
    const a = leaf(3, 3);
    const b = total(a.mul(a).exp());
    const inner = leaf(3, 3);
    const outer = through(() => autograd.enableGrad(() => total(failing(inner.mul(2))).backward()));
    expect(() => total(outer(a).mul(b)).backward()).toThrow('from within');
    expect([graph.currentGraphTaskId(), a.grad, inner.grad]).toEqual([-1, null, null]);
    total(a.mul(2)).backward();
    expect(a.grad?.toArray()).toEqual(ones([3, 3]).mul(2).toArray());
  });

  test('test_deep_reentrant: 2,000 levels, twice', { timeout: 60_000 }, () => {
    let levels = 0;
    const descend = descending(() => void levels++);
    const deep = tensor(2000, { dtype: 'float64', requiresGrad: true });
    total(descend(deep)).backward();
    expect([levels, values(deep.grad)]).toEqual([2001, 1]);
    levels = 0;
    const again = tensor(200, { dtype: 'float64', requiresGrad: true });
    total(descend(again)).backward();
    expect([levels, values(again.grad)]).toEqual([201, 1]);
  });

  test('a gradient that is read deep inside is there: what was put off runs first', () => {
    const seen: unknown[] = [];
    const at = (level: number): Tensor => {
      const x = leaf(1);
      const f = through((g) => {
        if (level === 0) return;
        const inner = autograd.enableGrad(() => at(level - 1));
        seen.push(values(inner.grad));
        return g;
      });
      total(f(x).mul(level + 1)).backward();
      return x;
    };
    expect(values(at(130).grad)).toEqual([131]);
    expect(seen).toEqual(Array.from({ length: 130 }, (_, i) => [i + 1]));
  });

  test('what is put off comes in the order of the calls, before the node that asked for it hands its gradient on', () => {
    const order: string[] = [];
    const note = (name: string): Tensor => {
      const x = leaf(1);
      x.registerHook(() => void order.push(name));
      return total(x.mul(2));
    };
    const last = through(() => {
      order.push('node');
      autograd.enableGrad(() => note('first').backward());
      autograd.enableGrad(() => note('second').backward());
      order.push('node returns');
    });
    const x = leaf(1);
    x.registerHook(() => void order.push('leaf'));
    const nest = (level: number): void => {
      if (level === 0) autograd.enableGrad(() => total(last(x)).backward());
      else total(through(() => autograd.enableGrad(() => nest(level - 1)))(leaf(1))).backward();
    };
    nest(5);
    expect(order.splice(0)).toEqual(['node', 'first', 'second', 'node returns', 'leaf']);
    nest(150);
    expect(order).toEqual(['node', 'node returns', 'first', 'second', 'leaf']);
  });

  /** What happens at the bottom of 150 levels, and on which side of the return of the node that asks for it. */
  function atBottom(ask: (note: (name: string) => Tensor, order: string[]) => void): string[] {
    const order: string[] = [];
    const note = (name: string): Tensor => {
      const x = leaf(1);
      x.registerHook(() => void order.push(name));
      return autograd.enableGrad(() => total(x.mul(2)));
    };
    const nest = (level: number): void => {
      const body = (): void => {
        if (level > 0) autograd.enableGrad(() => nest(level - 1));
        else {
          ask(note, order);
          order.push('returns');
        }
      };
      total(through(body)(leaf(1))).backward();
    };
    nest(150);
    return order;
  }

  test('what may not wait runs at once: passes that are recorded, in another mode, or with results', () => {
    expect(atBottom((note) => note('plain').backward())).toEqual(['returns', 'plain']);
    expect(atBottom((note) => note('recorded').backward(null, { createGraph: true }))).toEqual(['recorded', 'returns']);
    expect(atBottom((note) => scope(() => note('scoped').backward()))).toEqual(['scoped', 'returns']);
    expect(atBottom((note) => autograd.detectAnomaly(() => note('watched').backward()))).toEqual(['watched', 'returns']);
    const x = leaf(1);
    x.registerHook(() => undefined);
    expect(
      atBottom((note, order) => {
        note('first').backward();
        const y = autograd.enableGrad(() => x.mul(4));
        order.push(`grad ${values(grad(y, x)[0])}`);
      }),
    ).toEqual(['first', 'grad 4', 'returns']);
  });

  test('assigning a grad comes after the walks that were put off, as it comes after the call', () => {
    const x = leaf(1);
    atBottom(() => {
      autograd.enableGrad(() => total(x.mul(5))).backward();
      x.grad = null;
      autograd.enableGrad(() => total(x.mul(7))).backward();
    });
    expect(values(x.grad)).toEqual([7]);
  });

  test('an error in a walk that was put off comes out too', () => {
    const nest = (level: number): void => {
      const f = through(() => {
        if (level === 0) throw new Error(`at the bottom`);
        autograd.enableGrad(() => nest(level - 1));
      });
      total(f(leaf(1))).backward();
    };
    expect(() => nest(150)).toThrow('at the bottom');
    expect(graph.currentGraphTaskId()).toBe(-1);
  });

  test('test_reentrant_priority: passes within come before the rest of the pass around them, whatever the order of recording', () => {
    const order: string[] = [];
    const plain = through(() => void order.push('plain'));
    const descend = descending(() => void order.push('nested'));
    const a = plain(tensor(6, { requiresGrad: true }));
    const b = descend(tensor(9, { requiresGrad: true }));
    a.mul(b).backward();
    expect([order.length, order.filter((name) => name === 'nested').length, order.at(-1)]).toEqual([11, 10, 'plain']);
  });

  test('a walk within may visit the nodes of the walk around it, and capture there', () => {
    const x = leaf(2);
    const y = x.mul(3);
    const z = total(y.pow(2));
    const found: unknown[] = [];
    let inside = false;
    z.registerHook(() => {
      if (inside) return;
      inside = true;
      found.push(...grad(z, [x, y], null, { retainGraph: true }).map(values));
      inside = false;
    });
    z.backward(null, { retainGraph: true });
    expect([values(x.grad), ...found]).toEqual([
      [18, 18],
      [18, 18],
      [6, 6],
    ]);
  });
});

describe('callbacks at the end of a pass', () => {
  function counting(depths: readonly number[]): number {
    let calls = 0;
    const queue = (): void => graph.queueCallback(() => void calls++);
    const inner = leaf(2, 3);
    const f = through((g) => {
      if (depths.includes(1)) autograd.enableGrad(() => total(through(() => queue())(inner)).backward());
      if (depths.includes(0)) queue();
      return g.mul(3);
    });
    const x = leaf(2, 3);
    total(f(x)).backward();
    return calls;
  }

  test('test_reentrant_with_callbacks_depth_0: queued in the outer pass, called once', () => {
    expect(counting([0])).toBe(1);
  });

  test('test_reentrant_with_callbacks_depth_1: queued in the inner pass, called once', () => {
    expect(counting([1])).toBe(1);
  });

  test('test_reentrant_with_callbacks_both_depths: each called once', () => {
    expect(counting([0, 1])).toBe(2);
  });

  test('test_callback_adds_callback: a callback may queue another, which runs too', () => {
    const order: string[] = [];
    const f = through(() => {
      graph.queueCallback(() => {
        order.push('first');
        graph.queueCallback(() => void order.push('third'));
      });
      graph.queueCallback(() => void order.push('second'));
    });
    const x = leaf(2);
    x.registerHook(() => void order.push('leaf'));
    total(f(x)).backward();
    expect(order).toEqual(['leaf', 'first', 'second', 'third']);
  });

  test('outside of a pass there is nothing to wait for', () => {
    refused(() => graph.queueCallback(() => undefined), 'AutogradError', /no backward pass is running/);
    const x = leaf(1);
    x.registerHook(() => graph.queueCallback(3 as never));
    refused(() => x.backward(), 'ArgumentError', /the number 3/);
  });

  test('an error in a callback comes out of backward', () => {
    const x = leaf(1);
    x.registerHook(() => {
      graph.queueCallback(() => {
        throw new Error('late');
      });
    });
    expect(() => x.backward()).toThrow('late');
    expect(values(x.grad)).toEqual([1]);
  });
});

describe('the pass that is running', () => {
  test('test_current_graph_task_id: each pass has a larger number than those before; -1 outside', () => {
    const ids: number[] = [];
    const x = leaf(1);
    x.registerHook(() => void ids.push(graph.currentGraphTaskId()));
    expect(graph.currentGraphTaskId()).toBe(-1);
    total(x.mul(2)).backward();
    total(x.mul(2)).backward();
    expect(graph.currentGraphTaskId()).toBe(-1);
    expect(ids[1]).toBe((ids[0] as number) + 1);
  });

  test('test_is_retain_graph: a hook can ask whether the pass keeps the graph', () => {
    const kept: boolean[] = [];
    const x = leaf(1);
    x.registerHook(() => void kept.push(graph.currentGraphTaskKeepsGraph()));
    const y = total(x.mul(x));
    y.backward(null, { retainGraph: true });
    y.backward();
    expect(kept).toEqual([true, false]);
    refused(() => graph.currentGraphTaskKeepsGraph(), 'AutogradError', /no backward pass is running/);
  });

  /** The order foretold in a hook of the root, and that in which the nodes run. */
  function orders(roots: readonly Tensor[], run: () => void): { foretold: string[]; ran: string[] } {
    let foretold: readonly autograd.graph.Node[] = [];
    const ran: autograd.graph.Node[] = [];
    const nodes = new Set(roots.map((root) => root.gradFn as autograd.graph.Node));
    for (const node of nodes) for (const [next] of node.nextFunctions) if (next !== null) nodes.add(next);
    for (const node of nodes) node.registerPrehook(() => void ran.push(node));
    const handle = (roots[0] as Tensor).registerHook(() => {
      foretold = graph.currentGraphTaskExecutionOrder();
    });
    run();
    handle.remove();
    expect(foretold.map((node, i) => node === ran[i])).toEqual(ran.map(() => true));
    return { foretold: foretold.map((node) => node.name), ran: ran.map((node) => node.name) };
  }

  test('test_current_graph_task_execution_order: foretold and actual order agree: chains, several roots, leaves in between, inputs, accumulation, in-place operations', () => {
    const chain = leaf(1).clone().sin().exp();
    expect(orders([chain], () => chain.backward()).foretold).toEqual(['ExpBackward', 'SinBackward', 'CloneBackward', 'AccumulateGrad']);

    const [a, b] = [leaf(1), leaf(1)];
    const c = b.sin();
    const d = a.cos();
    const out = c.mul(d);
    expect(orders([out], () => out.backward()).foretold).toEqual([
      'MulBackward',
      'CosBackward',
      'AccumulateGrad',
      'SinBackward',
      'AccumulateGrad',
    ]);

    const x = leaf(1);
    const shared = x.add(1).mul(x).add(x);
    orders([shared], () => shared.backward());

    const [p, q] = [leaf(1), leaf(1)];
    const [first, second] = [p.sin(), q.cos().mul(p)];
    orders([first, second], () => backward([first, second]));

    const constant = leaf(1)
      .mul(ones([1]))
      .add(2);
    orders([constant], () => constant.backward());

    const [u, v] = [leaf(1), leaf(1)];
    const w = u.sin().mul(v.cos());
    let captured: string[] = [];
    w.registerHook(() => void (captured = graph.currentGraphTaskExecutionOrder().map((node) => node.name)));
    grad(w, u);
    expect(captured).toEqual(['MulBackward', 'SinBackward', 'AccumulateGrad']);
    const w2 = u.sin().mul(v.cos());
    orders([w2], () => w2.backward(null, { inputs: [v] }));

    const written = leaf(2).clone();
    written.select(0, 0).mul_(2);
    const sum = total(written);
    orders([sum], () => sum.backward());

    refused(() => graph.currentGraphTaskExecutionOrder(), 'AutogradError', /no backward pass is running/);
  });

  test('a node can be asked about before it runs', () => {
    const [x, y] = [leaf(1), leaf(1)];
    const [a, b] = [x.exp(), y.exp()];
    const found: boolean[] = [];
    const out = a.mul(b);
    const nodes = [a.gradFn, b.gradFn, leaf(1).exp().gradFn] as autograd.graph.Node[];
    out.registerHook(() => {
      for (const node of nodes) found.push(graph.willEngineExecuteNode(node));
    });
    grad(out, x);
    expect(found).toEqual([true, false, false]);
    refused(() => graph.willEngineExecuteNode(null as never), 'ArgumentError', /expected a node, got null/);
  });

  test('test_set_sequence_nr: assigning another number changes the order of nodes that are ready, and no result', () => {
    const [x, y, z] = [leaf(10), leaf(10), leaf(10)];
    const [a, b] = [x.add(y), y.add(z)];
    const c = a.add(b);
    const order: string[] = [];
    for (const [name, t, number] of [
      ['a', a, 100],
      ['b', b, 99],
      ['c', c, 98],
    ] as const) {
      const node = t.gradFn as autograd.graph.Node;
      node.sequenceNr = number;
      expect(node.sequenceNr).toBe(number);
      t.registerHook(() => void order.push(name));
    }
    total(c).backward(null, { retainGraph: true });
    expect(order).toEqual(['c', 'a', 'b']);
    expect([x, y, z].map((leaf) => leaf.grad?.sum().item())).toEqual([10, 20, 10]);
    expect(grad(total(c), [x, y]).map((g) => g?.sum().item())).toEqual([10, 20]);
  });

  test('of many nodes that are ready at once the one with the largest number runs first, however they are numbered', () => {
    for (const step of [1, 7, 23, 38]) {
      const x = leaf(1);
      const order: number[] = [];
      const branches = Array.from({ length: 41 }, (_, i) => {
        const branch = x.mul(i);
        const node = branch.gradFn as autograd.graph.Node;
        node.sequenceNr = (i * step) % 41;
        node.registerPrehook(() => void order.push(node.sequenceNr));
        return branch;
      });
      total(stack(branches)).backward();
      expect(order).toEqual(Array.from({ length: 41 }, (_, i) => 40 - i));
      expect(values(x.grad)).toEqual([820]);
    }
  });

  test('later operations have larger numbers', () => {
    const x = leaf(1);
    const [a, b] = [x.sin(), x.cos()].map((y) => y.gradFn?.sequenceNr as number) as [number, number];
    expect(b).toBeGreaterThan(a);
  });
});

describe('what comes out of a pass', () => {
  test('test_preserve_backtrace: an error of a user function is the same object, with its stack', () => {
    class Special extends Error {}
    const thrown = new Special('mine');
    const f = through(function failsHere() {
      throw thrown;
    });
    let caught: unknown = null;
    try {
      total(f(leaf(5))).backward();
    } catch (error) {
      caught = error;
    }
    expect(caught).toBe(thrown);
    expect(thrown.stack).toMatch(/16-engine\.test\.ts/);
  });

  test('test_warning_in_backward: what is said inside reaches the user', () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const f = through(() => void autograd.enableGrad(() => leaf(1).mul(2)).grad);
    total(f(leaf(1))).backward();
    expect(warned.mock.calls.map(([text]) => String(text))).toEqual([expect.stringMatching(/not a leaf.*retainGrad/)]);
    warned.mockRestore();
  });
});
