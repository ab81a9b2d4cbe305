import { describe, expect, test } from 'vitest';
import * as func from '../../src/func.ts';
import { autograd, enableGrad, memory, ones, type Tensor, tensor } from '../../src/index.ts';
import { collectMemory } from '../../src/runtime/memory.ts';
import { checkpoint, setCheckpointEarlyStop } from '../../src/utils.ts';
import { leaf, values } from '../engine/support.ts';

type Unary = (x: Tensor) => Tensor;

const checkpointed =
  (f: Unary): Unary =>
  (x) =>
    checkpoint(f, [x]);

/** The gradient of the sum, itself differentiable. */
const gradientOf =
  (f: Unary): Unary =>
  (x) =>
    autograd.grad(f(x).sum(), [x], null, { createGraph: true })[0] as Tensor;

const sumOf =
  (f: Unary): Unary =>
  (x) =>
    f(x).sum() as Tensor;

/** Values, gradient and second gradient of a function at a point. */
function derivatives(f: Unary): unknown {
  const x = tensor([0.3, 0.7, 1.1], { dtype: 'float64', requiresGrad: true });
  const y = f(x);
  const [g] = autograd.grad(y.sum(), [x], null, { createGraph: true }) as [Tensor];
  const [h] = autograd.grad(g.sum(), [x]) as [Tensor];
  return [values(y), values(g), values(h)];
}

const f: Unary = (x) => x.sin().exp().sin() as Tensor;
const c = checkpointed;

test('test_nested_checkpoint: checkpoints within checkpoints and around gradients give what plain functions give', () => {
  const expected = derivatives(f);
  expect(derivatives(c(f))).toEqual(expected);
  expect(derivatives(c(c(f)))).toEqual(expected);
  expect(derivatives(c(c(c(f))))).toEqual(expected);
  const inner = derivatives(gradientOf(f));
  expect(derivatives(gradientOf(c(f)))).toEqual(inner);
  expect(derivatives(c(gradientOf(f)))).toEqual(inner);
  expect(derivatives(c(gradientOf(c(f))))).toEqual(inner);
  const twice = derivatives(gradientOf(gradientOf(f)));
  expect(derivatives(gradientOf(c(gradientOf(c(f)))))).toEqual(twice);
  expect(derivatives(c(gradientOf(c(gradientOf(c(f))))))).toEqual(twice);
  expect(derivatives(c(sumOf(c(f))))).toEqual(derivatives(sumOf(f)));
});

test('test_nested_checkpoint: the graph is freed by its backward pass, and each level runs as often as it is needed', () => {
  const runs = { outer: 0, inner: 0 };
  const x = leaf(2);
  const y = checkpoint(
    (x: Tensor) => {
      runs.outer++;
      const z = checkpoint(
        (x: Tensor) => {
          runs.inner++;
          return x.sin().exp() as Tensor;
        },
        [x.cos() as Tensor],
      );
      return z.sin() as Tensor;
    },
    [x],
  );
  expect(runs).toEqual({ outer: 1, inner: 1 });
  y.sum().backward();
  expect(runs).toEqual({ outer: 2, inner: 3 });
  expect(() => y.sum().backward()).toThrow(/retainGraph/);
  expect(runs).toEqual({ outer: 2, inner: 3 });
});

test('test_nested_checkpoint_two_children: two checkpoints side by side in another', () => {
  const grandchild: Unary = (x) => x.sin().cos().sin() as Tensor;
  const left: Unary = (x) =>
    x
      .sin()
      .mul(c(grandchild)(x) as never)
      .exp() as Tensor;
  const right: Unary = (x) => c(grandchild)(x).exp().sin() as Tensor;
  const parent =
    (l: Unary, r: Unary): Unary =>
    (x) =>
      l(x.mul(2) as Tensor)
        .add(r(x) as never)
        .sin() as Tensor;
  const plain = parent(
    (x) =>
      x
        .sin()
        .mul(grandchild(x) as never)
        .exp() as Tensor,
    (x) => grandchild(x).exp().sin() as Tensor,
  );
  expect(derivatives(c(parent(c(left), c(right))))).toEqual(derivatives(plain));
  expect(derivatives(gradientOf(c(parent(c(left), c(right)))))).toEqual(derivatives(gradientOf(plain)));
});

test('test_nested_checkpoint_non_tensor_inputs_and_outputs: functions and numbers go in and come out', () => {
  const inner = (k: number, g: Unary, x: Tensor): [Tensor, number, Unary] => [g(x.mul(k) as Tensor), k + 1, g];
  const outer = (k: number, g: Unary, x: Tensor): [Tensor, number, Unary] => {
    const [y, next, h] = checkpoint(inner, [k, g, x]);
    const [z, last] = checkpoint(inner, [next, h, y.sin() as Tensor]);
    return [z, last, h];
  };
  const plain: Unary = (x) =>
    f(
      f(x.mul(2) as Tensor)
        .sin()
        .mul(3) as Tensor,
    );
  expect(derivatives((x) => checkpoint(outer, [2, f, x])[0])).toEqual(derivatives(plain));
  const [, count, returned] = checkpoint(outer, [2, f, leaf(1)]);
  expect([count, returned]).toEqual([4, f]);
});

test('test_nested_checkpoint_kwargs: tensors in a trailing object get their gradients', () => {
  const g = (x: Tensor, options: { blah: Tensor | null }): Tensor => {
    const y = x.sin().exp() as Tensor;
    return (options.blah === null ? y : y.mul(options.blah as never)).sin().exp() as Tensor;
  };
  const nested = (x: Tensor, options: { blah: Tensor | null }): Tensor => checkpoint(g, [x, options]);
  for (const present of [true, false]) {
    const gradients = (run: typeof g): unknown => {
      const x = leaf(2);
      const blah = present ? tensor([2, 3], { dtype: 'float64', requiresGrad: true }) : null;
      run(x, { blah }).sum().backward();
      return [values(x.grad), values(blah?.grad ?? null)];
    };
    expect(gradients((x, options) => checkpoint(nested, [x, options]))).toEqual(gradients(g));
  }
});

test('test_nested_checkpoint_same_graph: hooks of the first graph run once', () => {
  let calls = 0;
  const hooked = (depth: number, a: Tensor): Tensor => {
    const b = a.sin() as Tensor;
    const d = depth === 0 ? (b.cos() as Tensor) : checkpoint(hooked, [depth - 1, b]);
    return d.mul(b as never).exp() as Tensor;
  };
  const a = leaf(2);
  const b = a.exp() as Tensor;
  b.gradFn?.registerHook(() => {
    calls++;
  });
  checkpoint(hooked, [2, b]).sum().backward();
  expect(calls).toBe(1);
  const plain = (depth: number, a: Tensor): Tensor => {
    const b = a.sin() as Tensor;
    return (depth === 0 ? (b.cos() as Tensor) : plain(depth - 1, b)).mul(b as never).exp() as Tensor;
  };
  expect(values(a.grad)).toEqual(values(autograd.grad(plain(2, a.exp() as Tensor).sum(), [a])[0]));
});

test('test_nested_checkpoint_reentrant_backwards: a backward pass inside of a hook', () => {
  const a = leaf(2);
  const inner = (x: Tensor): Tensor => x.sin().cos().sin() as Tensor;
  const outer = (x: Tensor): Tensor => {
    const y = x.sin().cos() as Tensor;
    if (y.requiresGrad) {
      y.registerHook(() => {
        const b = leaf(2);
        enableGrad(() => checkpoint(inner, [b]).sum().backward());
        expect(values(b.grad)).toEqual(values(enableGrad(() => autograd.grad(inner(b).sum(), [b])[0])));
      });
    }
    return y.sin() as Tensor;
  };
  expect.assertions(2);
  checkpoint((x: Tensor) => checkpoint(outer, [x]), [a])
    .sum()
    .backward();
  expect(values(a.grad)).toEqual(values(autograd.grad(inner(a).sum(), [a])[0]));
});

describe('test_nested_checkpoint_set_early_stop', () => {
  /** How often what follows the last saved tensor runs, over both runs. */
  const trailing = (run: (f: Unary) => Tensor): number => {
    let count = 0;
    run((x) => {
      const y = x.mul(2).sin() as Tensor;
      count++;
      return y;
    })
      .sum()
      .backward();
    return count;
  };

  test('test_nested_checkpoint_set_early_stop: what follows the last tensor needed runs once, and twice without early stop', () => {
    const x = leaf(2);
    expect(trailing((f) => checkpoint(f, [x]))).toBe(1);
    expect(trailing((f) => checkpoint(f, [x], { earlyStop: false }))).toBe(2);
    expect(trailing((f) => setCheckpointEarlyStop(false, () => checkpoint(f, [x])))).toBe(2);
    expect(trailing((f) => setCheckpointEarlyStop(true, () => checkpoint(f, [x], { earlyStop: false })))).toBe(1);
    expect(
      trailing((f) => {
        using _stop = setCheckpointEarlyStop(false);
        return checkpoint(f, [x]);
      }),
    ).toBe(2);
    expect(trailing((f) => checkpoint(f, [x]))).toBe(1);
  });

  test('test_nested_checkpoint_set_early_stop: nested checkpoints stop each for itself', () => {
    const run = (early: boolean): string[] => {
      const order: string[] = [];
      const inner: Unary = (x) => {
        const y = x.sin() as Tensor;
        order.push('inner before');
        const z = y.sin() as Tensor;
        order.push('inner after');
        return z;
      };
      const outer: Unary = (x) => {
        const y = checkpoint(inner, [x.mul(3) as Tensor]);
        const z = y.mul(2).sin() as Tensor;
        order.push('outer after');
        return z;
      };
      const y = setCheckpointEarlyStop(early, () => checkpoint(outer, [leaf(2)]));
      order.length = 0;
      y.sum().backward();
      return order;
    };
    expect(run(true)).toEqual(['inner before', 'inner after', 'inner before']);
    expect(run(false)).toEqual(['inner before', 'inner after', 'outer after', 'inner before', 'inner after']);
  });
});

test('test_nested_checkpoint_set_early_stop_no_recompution_needed: nothing runs again if nothing was saved but inputs', () => {
  const count = (f: Unary, early: boolean): number => {
    let runs = 0;
    const y = setCheckpointEarlyStop(early, () =>
      checkpoint(
        (x: Tensor) => {
          runs++;
          return f(x);
        },
        [leaf(2)],
      ),
    );
    y.sum().backward();
    return runs;
  };
  for (const early of [true, false]) {
    expect(count((x) => x.sin() as Tensor, early)).toBe(1);
    expect(count((x) => x.sum() as Tensor, early)).toBe(1);
    expect(count((x) => x.exp() as Tensor, early)).toBe(2);
  }
});

test('the memory of nested checkpoints is that of the outermost', () => {
  const x = ones([1 << 18], { requiresGrad: true });
  const inner: Unary = (x) => x.sin().exp().sin() as Tensor;
  const outer: Unary = (x) => {
    let y = x;
    for (let i = 0; i < 10; i++) y = c(inner)(y);
    return y;
  };
  collectMemory();
  const before = memory().live;
  const y = c(outer)(x);
  collectMemory();
  expect(memory().live - before).toBeLessThan(3 * 4 * (1 << 18));
  y.sum().backward();
  const [first] = values(x.grad) as number[];
  const small = ones([1], { requiresGrad: true });
  let plain: Tensor = small;
  for (let i = 0; i < 10; i++) plain = inner(plain);
  plain.backward();
  expect(first).toBeCloseTo((values(small.grad) as number[])[0] as number, 6);
});

test('checkpoints inside of transforms give what plain functions give', () => {
  const x = tensor([0.3, 0.7, 1.1], { dtype: 'float64' });
  const rows = tensor(
    [
      [0.3, 0.7],
      [1.1, -0.2],
    ],
    { dtype: 'float64' },
  );
  const total: Unary = (x) => f(x).sum() as Tensor;
  let runs = 0;
  const counted: Unary = (x) => {
    runs++;
    return total(x);
  };
  const cases: [string, (g: Unary) => unknown][] = [
    ['grad', (g) => values((func.grad(g as never) as Unary)(x))],
    ['vmap of grad', (g) => values((func.vmap(func.grad(g as never) as never) as Unary)(rows))],
    ['grad of vmap', (g) => values((func.grad(((y: Tensor) => (func.vmap(g as never) as Unary)(y).sum()) as never) as Unary)(rows))],
    ['jvp of grad', (g) => (func.jvp(func.grad(g as never) as never, [x] as never, [x] as never) as unknown as Tensor[]).map(values)],
    ['grad of grad', (g) => values((func.grad(((y: Tensor) => (func.grad(g as never) as Unary)(y).sum()) as never) as Unary)(x))],
    ['hessian', (g) => values((func.hessian(g as never) as Unary)(x))],
    ['jacrev', (g) => values((func.jacrev(((y: Tensor) => (g as unknown as Unary)(y)) as never) as Unary)(x))],
  ];
  for (const [name, run] of cases) {
    expect(run(c(total)), name).toEqual(run(total));
    expect(run(c(c(total))), name).toEqual(run(total));
  }
  runs = 0;
  func.grad(c(counted) as never)(x as never);
  expect(runs).toBe(2);
});
