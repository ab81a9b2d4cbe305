/** Walks over the graph: which nodes run, walks inside walks, what is in force meanwhile, and what is left when one fails. */
import { describe, expect, test } from 'vitest';
import { autograd, backward, grad, inferenceMode, jvp, memory, nn, noGrad, ones, type Tensor, tensor } from '../../src/index.ts';
import { collectMemory } from '../../src/runtime/memory.ts';
import { checkpoint } from '../../src/utils.ts';
import { leaf, refused, total, values } from './support.ts';

/** A function that hands its argument on, and whose backward pass does what `body` does; null lets no gradient through. */
function through(body: () => null | void): (x: Tensor) => Tensor {
  class Through extends autograd.Function {
    static forward(_context: autograd.FunctionContext, x: Tensor): Tensor {
      return x.clone();
    }
    static backward(_context: autograd.FunctionContext, g: Tensor): Tensor | null {
      return body() === null ? null : g;
    }
  }
  return (x) => Through.apply(x) as Tensor;
}

/** Calls `body` in a backward pass that runs inside `levels` others. */
function inside(levels: number, body: () => void): void {
  const step = (): void => autograd.enableGrad(() => inside(levels - 1, body));
  total(through(levels === 0 ? body : step)(leaf(1))).backward();
}

describe('nodes that no gradient reaches', () => {
  test('do not run, and what waits for them does not wait for ever', () => {
    const x = leaf(2);
    const middle = x.mul(3);
    let calls = 0;
    middle.gradFn?.registerPrehook(() => void calls++);
    total(through(() => null)(middle).add(x)).backward();
    expect([calls, values(x.grad)]).toEqual([0, [1, 1]]);
  });

  test('leaves that none reaches get none', () => {
    const [x, y] = [leaf(2), leaf(2)];
    total(through(() => null)(x).add(y)).backward();
    expect([x.grad, values(y.grad)]).toEqual([null, [1, 1]]);
  });

  test('on the way to an input that is asked for, beside one that is not', () => {
    const [x, w] = [leaf(2), leaf(2)];
    const y = through(() => null)(x.mul(2).mul(w.mul(2)));
    expect(grad(total(y), w, null, { allowUnused: true })).toEqual([null]);
    expect(grad(total(y.add(w)), [w, x], null, { allowUnused: true }).map(values)).toEqual([[1, 1], null]);
    backward(total(y), null, { inputs: w });
    expect([w.grad, x.grad]).toEqual([null, null]);
  });
});

describe('walks inside walks', () => {
  test('a hundred stand on the stack; what is deeper waits until the node that asks for it returns', () => {
    const atOnce = (levels: number): boolean => {
      let ran = false;
      let before = false;
      inside(levels, () => {
        const x = leaf(1);
        x.registerHook(() => void (ran = true));
        autograd.enableGrad(() => total(x.mul(2))).backward();
        before = ran;
      });
      expect(ran).toBe(true);
      return before;
    };
    expect([atOnce(97), atOnce(98), atOnce(99), atOnce(100), atOnce(150)]).toEqual([true, true, false, false, false]);
  });

  test('do not wait inside a transform', () => {
    const order: string[] = [];
    inside(120, () => {
      jvp(
        (a) => {
          const x = leaf(1);
          x.registerHook(() => void order.push('pass'));
          autograd.enableGrad(() => total(x.mul(2))).backward();
          return a.mul(2);
        },
        [leaf(1).detach()],
        [leaf(1).detach()],
      );
      order.push('returns');
    });
    expect(order).toEqual(['pass', 'returns']);
  });

  test('one that waited leaves the mode of the walk around it as it was, recorded or not', () => {
    for (const createGraph of [false, true]) {
      const x = tensor([2], { dtype: 'float64', requiresGrad: true });
      const other = leaf(1);
      const modes: boolean[] = [];
      inside(110, () => {
        const early = through(() => void modes.push(isRecording()));
        const late = through(() => {
          autograd.enableGrad(() => total(other.mul(5))).backward();
          modes.push(isRecording());
        });
        const y = autograd.enableGrad(() => total(late(early(x.pow(3)))));
        y.backward(null, { createGraph });
      });
      expect([modes, values(x.grad), values(other.grad), x.grad?.requiresGrad]).toEqual([
        [createGraph, createGraph],
        [12],
        [5],
        createGraph,
      ]);
    }
  });

  test('one that waits and fails leaves no state on the nodes that it shares with others', () => {
    const x = leaf(1);
    const shared = x.mul(3);
    const failing = through(() => {
      throw new Error('deep');
    })(shared);
    const run = (): void =>
      inside(120, () => {
        const outer = through(() => autograd.enableGrad(() => total(failing.add(shared))).backward(null, { retainGraph: true }));
        autograd.enableGrad(() => total(outer(shared).add(shared))).backward(null, { retainGraph: true });
      });
    expect(run).toThrow('deep');
    expect([shared.gradFn?.state, failing.gradFn?.state, autograd.graph.currentGraphTaskId()]).toEqual([null, null, -1]);
    total(shared).backward();
    expect(values(x.grad)).toEqual([3]);
  });

  test('the same pass once more, from a hook at its root: its nodes are visited twice, each time with gradients of their own', () => {
    const x = leaf(2);
    const z = total(x.mul(3).pow(2));
    let again = true;
    z.registerHook((g: Tensor) => {
      if (!again) return;
      again = false;
      z.backward(null, { retainGraph: true });
      expect(values(x.grad)).toEqual([18, 18]);
      return g.mul(2);
    });
    z.backward();
    expect(values(x.grad)).toEqual([54, 54]);
  });

  test('those of composed operators belong to the pass that the user started: a checkpoint is computed again once for all', () => {
    let calls = 0;
    const f = (x: Tensor): Tensor => {
      calls++;
      const y = x.exp().cumprod(0).sin();
      return y
        .std()
        .mul(y.prod())
        .add(total(y.mul(y).sin()));
    };
    const x = tensor([0.1, 0.2, 0.3], { dtype: 'float64', requiresGrad: true });
    checkpoint(f, [x]).backward();
    expect(calls).toBe(2);
    expect(values(x.grad)).toEqual(values(grad(f(x), x)[0]));
  });

  test('gradients of results are found by each walk for itself', () => {
    const x = leaf(2);
    const y = x.mul(3);
    const z = total(y.mul(y));
    const found: unknown[] = [];
    let depth = 0;
    y.registerHook(() => {
      if (depth === 2) return;
      depth++;
      found.push(...grad(z, [y, x], null, { retainGraph: true }).map(values));
    });
    expect(grad(z, [x, y], null, { retainGraph: true }).map(values)).toEqual([
      [18, 18],
      [6, 6],
    ]);
    expect(found).toEqual([
      [6, 6],
      [18, 18],
      [6, 6],
      [18, 18],
    ]);
  });
});

function isRecording(): boolean {
  return leaf(1).mul(2).requiresGrad;
}

describe('what is recorded', () => {
  test('nothing in inference mode, whatever createGraph says', () => {
    const x = leaf(2);
    const y = total(x.pow(3));
    const [g] = inferenceMode(() => grad(y, x, null, { createGraph: true }));
    expect([values(g), g?.requiresGrad]).toEqual([[3, 3], false]);
  });

  test('what a transform needs, in inference mode too', () => {
    const x = tensor([1, 2], { dtype: 'float64' });
    const hessian = inferenceMode(() => autograd.functional.hessian((a: Tensor) => total(a.pow(3)), x));
    expect(values(hessian as Tensor)).toEqual([
      [6, 0],
      [0, 12],
    ]);
  });

  test('the mode is the one from before, after a pass and after one that fails', () => {
    const x = leaf(2);
    const failing = total(
      through(() => {
        throw new Error('on the way');
      })(x),
    );
    const plain = total(x);
    for (const createGraph of [false, true]) {
      expect(() => failing.backward(null, { createGraph })).toThrow('on the way');
      expect(isRecording()).toBe(true);
      noGrad(() => {
        expect(() => failing.backward(null, { createGraph })).toThrow('on the way');
        expect(isRecording()).toBe(false);
        plain.backward(null, { createGraph });
        expect(isRecording()).toBe(false);
      });
    }
  });
});

describe('memory', () => {
  const side = 128;
  const large = (): Tensor => ones([side, side], { requiresGrad: true });

  /** How many tensors of that size are left behind. */
  function kept(body: () => void): number {
    collectMemory();
    const before = memory().live;
    body();
    return (memory().live - before) / (side * side * 4);
  }

  test('a rule that fails half way leaves nothing behind', () => {
    const [x, w] = [large(), large()];
    const [a, b] = [x.mul(1), w.mul(1)];
    const y = a.matmul(b);
    a.add_(1);
    const seed = ones([side, side]);
    expect(kept(() => refused(() => y.backward(seed), 'AutogradError', /changed in place/))).toBe(0);
    // What is counted on the way is in order afterwards.
    const z = x.mul(2).mul(3);
    expect(kept(() => z.backward(seed))).toBe(1);
  });

  test('what a rule makes on the way goes when it returns, beside inputs that want no gradient too', () => {
    const target = ones([side, side]);
    for (const f of [(x: Tensor) => x.softmax(1), (x: Tensor) => nn.functional.mseLoss(target, x)]) {
      const x = large();
      const y = f(x);
      const seed = ones(y.shape);
      expect(kept(() => y.backward(seed))).toBe(1);
    }
  });

  test('gradients that are found stay, those on the way go', () => {
    const x = large();
    const y = x.mul(2);
    const z = y.mul(3).mul(5);
    const seed = ones([side, side]);
    let found: (Tensor | null)[] = [];
    expect(kept(() => void (found = grad(z, [y, x], seed)))).toBe(2);
    expect(found.map((g) => g?.mean().item())).toEqual([15, 30]);
  });
});
