import { describe, expect, test } from 'vitest';
import { ArgumentError, MemoryError, memory, nn, noGrad, ones, optim, randn, scope, type Tensor, tensor } from '../../src/index.ts';
import { collectMemory, configureMemory } from '../../src/runtime/memory.ts';

const LARGE = 262_144;

/** Live bytes after a collection: nothing that is unreachable counts. */
function live(): number {
  collectMemory();
  return memory().live;
}

describe('scope', () => {
  test('gives back at once what is not returned', () => {
    const x = ones([LARGE]);
    const before = live();
    scope(() => {
      for (let i = 0; i < 10; i++) x.add(i).mul(2);
    });
    expect(memory().live).toBe(before);
  });

  test('returns what the body returns, and keeps it', () => {
    const kept = scope(() => {
      const x = ones([LARGE]);
      return { sum: x.sum(), parts: [x.mul(2), [x.add(1)]], name: 'kept', nothing: null };
    });
    expect(kept.name).toBe('kept');
    expect(kept.sum.item()).toBe(LARGE);
    const [twice, [more]] = kept.parts as [Tensor, [Tensor]];
    expect(twice.select(0, 9).item()).toBe(2);
    expect(more.select(0, 9).item()).toBe(2);
  });

  test('keeps the memory under a returned view', () => {
    const view = scope(() => ones([4, LARGE]).select(0, 2));
    expect(view.sum().item()).toBe(LARGE);
  });

  test('keeps maps, sets and class instances out: what is returned is arrays and plain objects of tensors', () => {
    const result = scope(() => new Map([['x', ones([3])]]));
    expect(() => (result.get('x') as Tensor).sum()).toThrow(MemoryError);
  });

  test('keeps what the graph of a result needs, and frees the rest', () => {
    const w = ones([LARGE], { requiresGrad: true });
    const loss = scope(() => {
      const unused = w.exp();
      expect(unused.size).toBe(LARGE);
      return w.mul(3).sin().sum();
    });
    loss.backward();
    expect((w.grad as Tensor).select(0, 0).item()).toBeCloseTo(3 * Math.cos(3), 5);
  });

  test('keeps the gradients of leaves and the state of optimizers, so that a training step can run in one', () => {
    const model = new nn.Sequential(new nn.Linear(16, 32), new nn.Tanh(), new nn.Linear(32, 1));
    for (const optimizer of [new optim.SGD(model.parameters(), { lr: 0.01, momentum: 0.9 }), new optim.Adam(model.parameters())]) {
      const x = randn([8, 16]);
      const step = (): number =>
        scope(() => {
          optimizer.zeroGrad();
          const loss = model.forward(x).pow(2).mean();
          loss.backward();
          optimizer.step();
          return Number(loss.item());
        });
      const first = step();
      const settled = live();
      let last = first;
      for (let i = 0; i < 20; i++) last = step();
      expect(last).toBeLessThan(first);
      // Small storages share slabs, which die as a whole.
      expect(live()).toBeLessThan(settled + 65_536);
      expect((model.parameters()[0] as Tensor).grad?.shape).toEqual([32, 16]);
    }
  });

  test('keeps recorded gradients too', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    scope(() => x.pow(3).sum().backward(null, { createGraph: true }));
    expect((x.grad as Tensor).toArray()).toEqual([3, 12]);
  });

  test('nests', () => {
    const x = ones([LARGE]);
    const before = live();
    const total = scope(() => {
      const inner = scope(() => {
        x.exp();
        return x.add(1);
      });
      return inner.sum();
    });
    expect(total.item()).toBe(2 * LARGE);
    total[Symbol.dispose]();
    expect(memory().live).toBe(before);
  });

  test('what was taken out without being returned throws, and says why', () => {
    const stolen: Tensor[] = [];
    scope(() => {
      stolen.push(ones([LARGE]));
    });
    expect(() => (stolen[0] as Tensor).sum()).toThrow(/given back at the end of scope.*return it from the scope/);
    expect(() => (stolen[0] as Tensor).sum()).toThrow(MemoryError);
  });

  test('frees when the body throws, and passes the error on', () => {
    const before = live();
    expect(() =>
      scope(() => {
        ones([LARGE]).exp();
        throw new RangeError('mine');
      }),
    ).toThrow(RangeError);
    expect(memory().live).toBe(before);
  });

  test('an asynchronous body is refused', () => {
    expect(() => scope(async () => ones([2]))).toThrow(ArgumentError);
  });

  test('frees nothing twice', () => {
    configureMemory({ debug: true });
    try {
      scope(() => {
        const x = ones([LARGE]);
        x[Symbol.dispose]();
        ones([LARGE]);
      });
      scope(() => noGrad(() => ones([LARGE]).sum()));
    } finally {
      configureMemory({ debug: false });
    }
  });
});

describe('using', () => {
  test('gives back at the end of the block', () => {
    const before = live();
    {
      using x = ones([LARGE]);
      using y = x.add(1);
      expect(y.select(0, 0).item()).toBe(2);
    }
    expect(memory().live).toBe(before);
  });

  test('of a view frees nothing: the tensor that it looks at is still used', () => {
    const x = ones([4, 4]);
    {
      using row = x.select(0, 1);
      expect(row.shape).toEqual([4]);
      using alias = x.detach();
      expect(alias.shape).toEqual([4, 4]);
    }
    expect(x.sum().item()).toBe(16);
  });

  test('use after the block throws', () => {
    let leaked: Tensor | null = null;
    {
      using x = ones([LARGE]);
      leaked = x;
    }
    expect(() => (leaked as Tensor).sum()).toThrow(MemoryError);
  });

  test('a mode ends with its block', () => {
    const x = ones([2], { requiresGrad: true });
    {
      using _ = noGrad();
      expect(x.mul(2).requiresGrad).toBe(false);
    }
    expect(x.mul(2).requiresGrad).toBe(true);
  });
});
