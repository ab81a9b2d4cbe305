/** What a compiled function promises besides the numbers: when it replays, when it does not, why, and what it leaves behind. */
import {
  ArgumentError,
  arange,
  collectMemory,
  configureMemory,
  inferenceMode,
  manualSeed,
  memory,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  randn,
  resetPeakMemory,
  scope,
  type Tensor,
  tensor,
  vmap,
  zeros,
} from 'nabla';
import { compile } from 'nabla/compile';
import { profile } from 'nabla/profiler';
import { describe, expect, it, vi } from 'vitest';
import { pool } from '../../src/runtime/pool.ts';

const F = nn.functional;

function reasonOf(f: { explain(): { readonly signatures: readonly { readonly reason: string | null }[] } }): string {
  return f.explain().signatures[0]?.reason ?? '';
}

function replaysOf(f: {
  explain(): { readonly signatures: readonly { readonly programs: readonly { readonly runs: number }[] }[] };
}): number {
  return f
    .explain()
    .signatures.flatMap(({ programs }) => programs)
    .reduce((sum, { runs }) => sum + runs, 0);
}

describe('what is replayed', () => {
  it('records two calls and replays the next ones, fused', () => {
    const f = compile((x: Tensor, y: Tensor) => x.mul(y).add(1).tanh());
    for (let i = 1; i < 6; i++)
      expect(f(tensor([i, 0]), tensor([2, 3])).toArray()).toEqual(
        tensor([2 * i + 1, 1])
          .tanh()
          .toArray(),
      );
    expect(f.explain().signatures).toEqual([
      {
        arguments: 'float32[2], float32[2]',
        programs: [{ recorded: 3, launches: 1, epilogues: [], bytes: 0, unsharedBytes: 0, runs: 3 }],
        eagerRuns: 2,
        reason: null,
      },
    ]);
  });

  it('gives a new tensor in each call', () => {
    const f = compile((x: Tensor) => x.add(1));
    const results = [1, 2, 3, 4, 5].map((value) => f(tensor([value])));
    expect(results.map((x) => x.item())).toEqual([2, 3, 4, 5, 6]);
    expect(new Set(results).size).toBe(5);
  });

  it('takes and gives lists and objects, and tells apart what is no tensor', () => {
    const f = compile(({ x, scale }: { x: Tensor; scale: number }, flags: readonly boolean[]) => ({
      out: flags[0] === true ? x.mul(scale) : x.neg(),
      same: x,
      scale,
      list: [x.add(1), 'text'],
    }));
    for (let i = 0; i < 4; i++) {
      const x = tensor([i, 1]);
      const result = f({ x, scale: 3 }, [true]);
      expect(result.out.toArray()).toEqual([3 * i, 3]);
      expect(result.same).toBe(x);
      expect([result.scale, (result.list[0] as Tensor).toArray(), result.list[1]]).toEqual([3, [i + 1, 2], 'text']);
      expect(f({ x, scale: 3 }, [false]).out.toArray()).toEqual([-i, -1]);
    }
    expect(replaysOf(f)).toBe(4);
    expect(f.explain().signatures).toHaveLength(2);
  });

  it('has a program for each shape, dtype and stride', () => {
    const f = compile((x: Tensor) => x.mul(x).sum());
    const inputs = [ones([2, 3]), ones([3, 2]), ones([2, 3]).double(), ones([3, 2]).t(), ones([2, 3], { requiresGrad: true }).detach()];
    for (let round = 0; round < 3; round++) for (const x of inputs) expect(f(x).item()).toBe(6);
    expect(f.explain().signatures.map((signature) => signature.arguments)).toEqual([
      'float32[2, 3]',
      'float32[3, 2]',
      'float64[2, 3]',
      'float32[2, 3] (strides [1, 2])',
    ]);
  });

  it('follows arguments that are views at other places of their memory', () => {
    const f = compile((x: Tensor) => [x.add(1), x.narrow(0, 1, 1)]);
    const table = tensor([1, 2, 3, 4, 5, 6, 7, 8]);
    for (let i = 0; i < 7; i++) {
      const [sum, part] = f(table.narrow(0, i, 2)) as [Tensor, Tensor];
      expect([sum.toArray(), part.toArray()]).toEqual([[i + 2, i + 3], [i + 2]]);
      part.add_(0);
    }
    expect(replaysOf(f)).toBe(5);
  });

  it('writes in place what the function writes, and counts it', () => {
    const run = (compiled: boolean): unknown => {
      const state = zeros([3]);
      const plain = (x: Tensor): Tensor => {
        state.mul_(0.5).add_(x);
        x.neg_();
        return state.sum();
      };
      const f = compiled ? compile(plain) : plain;
      return [1, 2, 3, 4].map((value) => {
        const x = tensor([value, 2, 3]);
        return [f(x).item(), x.toArray(), x.version, state.toArray(), state.version];
      });
    };
    expect(run(true)).toEqual(run(false));
  });

  it('runs what an argument shares with captured memory as it is, where that is written', () => {
    const state = zeros([2]);
    const f = compile((x: Tensor) => {
      state.add_(1);
      return x.add(state).add(x);
    });
    for (let i = 0; i < 3; i++) f(ones([2]));
    expect(f(state).toArray()).toEqual([12, 12]);
    expect(f(state.detach()).toArray()).toEqual([15, 15]);
  });

  it('notices other memory, strides and modes of what it captured', () => {
    const w = ones([2, 2], { requiresGrad: true });
    const f = compile((x: Tensor) => noGrad(() => x.mul(w)));
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    for (let i = 0; i < 3; i++) f(x);
    w.data = tensor([
      [2, 2],
      [0, 0],
    ]);
    expect(f(x).toArray()).toEqual([
      [2, 4],
      [0, 0],
    ]);
    for (let i = 0; i < 3; i++)
      expect(f(x).toArray()).toEqual([
        [2, 4],
        [0, 0],
      ]);
    w.requiresGrad = false;
    for (let i = 0; i < 3; i++) expect(f(x).requiresGrad).toBe(false);
  });

  it('knows gradients of arguments, and adds to those that are there', () => {
    const f = compile((x: Tensor) => {
      const loss = x.mul(x).sum();
      loss.backward();
      return loss;
    });
    for (let i = 1; i < 5; i++) {
      const x = tensor([i, 2 * i], { requiresGrad: true });
      const loss = f(x);
      expect(loss.requiresGrad).toBe(true);
      expect(String(loss)).toBe(`tensor(${5 * i * i}., gradFn=<SumBackward>)`);
      expect(x.grad?.toArray()).toEqual([2 * i, 4 * i]);
    }
    expect(replaysOf(f)).toBe(2);
    for (let i = 1; i < 5; i++) {
      const x = tensor([i, 2 * i], { requiresGrad: true });
      x.grad = tensor([1, 1]);
      f(x);
      expect(x.grad?.toArray()).toEqual([2 * i + 1, 4 * i + 1]);
    }
    expect(replaysOf(f)).toBe(4);
  });

  it('draws what it would draw, and starts from a seed where the function does', () => {
    const plain = (x: Tensor): Tensor[] => [F.dropout(x, 0.5), rand([2]), x.add(randn([4]))];
    const draw = (f: typeof plain): unknown => {
      manualSeed(5);
      return [1, 2, 3, 4].map(() => f(ones([4])).map((x) => x.toArray()));
    };
    const f = compile(plain);
    expect(draw(f)).toEqual(draw(plain));
    expect(replaysOf(f)).toBe(2);
    const seeded = compile(() => {
      manualSeed(7);
      return rand([1]);
    });
    const first = seeded().item();
    for (let i = 0; i < 3; i++) expect(seeded().item()).toBe(first);
    expect(reasonOf(seeded)).toBe('');
  });

  it('may be called by an effect of another one', () => {
    const descend = compile((parameter: Tensor, grad: Tensor) => noGrad(() => void parameter.sub_(grad.tanh().mul(0.1))));
    class Descent extends optim.Optimizer<{ lr: number }> {
      protected override update(parameter: Tensor, grad: Tensor): void {
        descend(parameter, grad);
      }
    }
    const run = (compiled: boolean): unknown => {
      manualSeed(0);
      const model = new nn.Sequential(new nn.Linear(3, 5), new nn.Tanh(), new nn.Linear(5, 2));
      const optimizer = new Descent(model.parameters(), { lr: 0.1 });
      const x = randn([4, 3]);
      const plain = (): Tensor => {
        optimizer.zeroGrad();
        const loss = model.forward(x).square().sum();
        loss.backward();
        optimizer.step();
        return loss;
      };
      const step = compiled ? compile(plain) : plain;
      return [Array.from({ length: 8 }, () => step().item()), model.parameters().map((p) => p.toArray())];
    };
    expect(run(true)).toEqual(run(false));
    expect(replaysOf(descend)).toBeGreaterThan(0);
  });

  it('is a part of another compiled function', () => {
    const inner = compile((x: Tensor) => x.mul(2).add(1));
    const outer = compile((x: Tensor) => inner(x).mul(3));
    for (let i = 0; i < 4; i++) expect(outer(tensor([i])).item()).toBe(3 * (2 * i + 1));
    expect(outer.explain().signatures[0]?.programs[0]?.launches).toBe(1);
  });
});

describe('what is not replayed', () => {
  const twice = (x: Tensor): Tensor => x.mul(2);
  const cases: Record<string, readonly [f: (x: Tensor) => unknown, reason: RegExp]> = {
    'a function that reads a value': [(x) => (Number(x.sum().item()) > 0 ? x : x.neg()), /reads the values of a tensor.*compile\.test/],
    'an operator whose result depends on values': [(x) => x.nonzero(), /nonzero\(\) reads the values/],
    'a result that can still be differentiated': [(x) => x.mul(ones([2], { requiresGrad: true })), /call backward\(\) inside/],
    'a number that changes': [
      (
        (i) => (x: Tensor) =>
          x.mul(i++)
      )(0),
      /mul\(\) ran with the number \d in one run and \d in the next/,
    ],
    'a tensor of numbers that change': [
      (
        (i) => (x: Tensor) =>
          x.add(tensor([i++]))
      )(0),
      /made a tensor of other numbers/,
    ],
    'a result that changes and is no tensor': [((i) => (x: Tensor) => [x.add(1), i++])(0), /returned something else/],
    'an asynchronous function': [async (x) => x.add(1), /asynchronous/],
    'what runs by turns': [
      (
        (i) => (x: Tensor) =>
          Array.from({ length: i++ }).reduce((y: Tensor) => y.add(1), x)
      )(1),
      /other|ran in one run|things and the next/,
    ],
    'LBFGS, which decides on values': [
      ((w) =>
        (
          (optimizer) => (x: Tensor) =>
            optimizer.step(() => {
              optimizer.zeroGrad();
              const loss = w.mul(x).sum().square();
              loss.backward();
              return loss;
            })
        )(new optim.LBFGS([w])))(ones([2], { requiresGrad: true })),
      /reads the values/,
    ],
  };
  for (const [name, [f, reason]] of Object.entries(cases)) {
    it(`${name}: it runs as it is, and says why`, () => {
      const compiled = compile(f);
      for (let i = 0; i < 8; i++) compiled(tensor([1, 2]));
      expect(reasonOf(compiled)).toMatch(reason);
      expect(replaysOf(compiled)).toBe(0);
      expect(String(compiled.explain())).toMatch(reason);
    });
  }

  it('a graph that goes on outside, transforms, profiles, inference mode', () => {
    const f = compile(twice);
    for (let i = 0; i < 3; i++) f(ones([2]));
    const x = ones([2], { requiresGrad: true });
    f(x.mul(3)).sum().backward();
    expect(x.grad?.toArray()).toEqual([6, 6]);
    expect(vmap((y: Tensor) => f(y))(ones([3, 2])).toArray()).toEqual([
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
    profile(() => f(ones([2])));
    inferenceMode(() => f(ones([2])));
    expect([...f.explain().passed.values()]).toEqual([1, 1, 1, 1]);
    expect(replaysOf(f)).toBe(1);
  });

  it('numbers as arguments beyond a few', () => {
    const f = compile((x: Tensor, factor: number) => x.mul(factor));
    for (let i = 0; i < 40; i++) expect(f(ones([1]), i).item()).toBe(i);
    expect(String(f.explain())).toMatch(/32 kinds of arguments already/);
  });

  it('passes on what the function throws, and goes on', () => {
    const f = compile((x: Tensor) => x.matmul(ones([2, 2])));
    for (let i = 0; i < 3; i++) f(ones([2, 2]));
    expect(() => f(ones([2, 3]))).toThrow(/matmul/);
    expect(f(ones([2, 2])).toArray()).toEqual([
      [2, 2],
      [2, 2],
    ]);
    expect(() => compile(3 as never)).toThrow(ArgumentError);
  });

  it('an index that is out of range is found in a replay, too', () => {
    const table = randn([4, 2]);
    const f = compile((i: Tensor) => F.embedding(i, table));
    for (let i = 0; i < 3; i++) f(arange(2));
    expect(() => f(arange(6, 8))).toThrow(/7|6/);
    expect(f(arange(2)).toArray()).toEqual(table.narrow(0, 0, 2).toArray());
  });
});

describe('verification', () => {
  it('finds what changed behind the back of a program, and records again', () => {
    let bias = ones([2]);
    const f = compile((x: Tensor) => x.add(bias), { verifyEvery: 3 });
    const x = zeros([2]);
    for (let i = 0; i < 12; i++) expect(f(x).toArray()).toEqual([1, 1]);
    expect(f.explain().signatures[0]).toMatchObject({ reason: null, programs: [{ runs: 8 }] });
    bias = tensor([5, 5]);
    const seen = Array.from({ length: 12 }, () => f(x).at(0).item());
    expect(seen.slice(4)).toEqual(new Array(8).fill(5));
    expect(f.explain().signatures[0]).toMatchObject({ reason: null });
  });

  it('agrees with a training step for as long as nothing changes', () => {
    const model = new nn.Linear(3, 2);
    const optimizer = new optim.Adam(model.parameters());
    const step = compile(
      (x: Tensor) => {
        optimizer.zeroGrad();
        const loss = model.forward(x).square().sum();
        loss.backward();
        optimizer.step();
        return loss;
      },
      { verifyEvery: 2 },
    );
    for (let i = 0; i < 14; i++) step(randn([4, 3]));
    expect(step.explain().signatures[0]).toMatchObject({ reason: null, programs: [{ runs: 8 }] });
    expect(() => compile(() => ones([1]), { verifyEvery: 0 })).toThrow(/verifyEvery/);
    expect(() => compile(() => ones([1]), { verify: 1 } as never)).toThrow(/unknown option 'verify'/);
  });
});

describe('memory', () => {
  function step(): () => Tensor {
    const model = new nn.Sequential(new nn.Linear(32, 64), new nn.ReLU(), new nn.Linear(64, 8));
    const optimizer = new optim.Adam(model.parameters());
    const [x, y] = [randn([16, 32]), randn([16, 8])];
    return compile(() => {
      optimizer.zeroGrad();
      const loss = F.mseLoss(model.forward(x), y);
      loss.backward();
      optimizer.step();
      return loss;
    });
  }

  it('takes none for a replay but for the results', () => {
    const run = step();
    for (let i = 0; i < 3; i++) run();
    const losses: Tensor[] = [];
    const before = memory().live;
    for (let i = 0; i < 100; i++) losses.push(run());
    expect(losses.every((loss) => Number.isFinite(loss.item()))).toBe(true);
    // A scalar has a line of 64 bytes; lines come in slabs.
    expect(memory().live - before).toBeLessThanOrEqual(100 * 64 + 8192);
  });

  it('takes none at all where results are reused', () => {
    const f = compile((x: Tensor) => [x.add(1), x.mul(2).sum()], { reuseResults: true });
    const x = ones([64]);
    const warm = [1, 2, 3].map(() => f(x));
    const before = memory().live;
    for (let i = 0; i < 50; i++) {
      x.add_(1);
      const [sum, total] = f(x) as [Tensor, Tensor];
      expect([sum.at(0).item(), total.item()]).toEqual([i + 3, 128 * (i + 2)]);
      expect(sum).toBe(warm[2]?.[0]);
    }
    expect(memory().live - before).toBeLessThanOrEqual(50 * 64 * 2 + 8192);
  });

  it('takes none for what products of several sizes pack', () => {
    const [a, b, c] = [randn([70, 90]), randn([90, 300]), randn([300, 40])];
    const f = compile(() => a.matmul(b).matmul(c).t().matmul(a), { reuseResults: true });
    for (let i = 0; i < 3; i++) f();
    const allocate = vi.spyOn(pool, 'takeBlock');
    for (let i = 0; i < 5; i++) f();
    expect(replaysOf(f)).toBeGreaterThanOrEqual(6);
    expect(allocate).not.toHaveBeenCalled();
    allocate.mockRestore();
    expect(f().toArray()).toEqual(a.matmul(b).matmul(c).t().matmul(a).toArray());
  });

  it('keeps what it needs where scopes end around it', () => {
    const run = step();
    const losses = Array.from({ length: 6 }, () => scope(() => run().item() as number));
    expect(losses.every((loss, i) => i === 0 || loss < (losses[i - 1] as number))).toBe(true);
  });

  it('has one stretch of memory for the programs of all shapes, which grows', () => {
    const f = compile((x: Tensor) => x.matmul(x).matmul(x).matmul(x));
    const sizes = [4, 32, 8, 64, 16];
    const before = memory().live;
    for (let round = 0; round < 4; round++) {
      for (const n of sizes) {
        const x = scope(() => randn([n, n]).mul(0.2));
        scope(() => expect(f(x).toArray()).toEqual(x.matmul(x).matmul(x).matmul(x).toArray()));
        x[Symbol.dispose]();
      }
    }
    expect(replaysOf(f)).toBe(2 * sizes.length);
    // Two matrices of the largest size, and what slabs and classes of sizes add.
    expect(memory().live - before).toBeLessThan(2 * 64 * 64 * 4 * 2);
  });

  it('lets go of what the function drops while it is recorded', () => {
    const megabyte = 1 << 20;
    const f = compile((x: Tensor) => {
      let y = x;
      for (let i = 0; i < 300; i++) y = y.add(1);
      return y;
    });
    configureMemory({ budget: 32 * megabyte });
    collectMemory();
    resetPeakMemory();
    const before = memory().peak;
    for (let i = 0; i < 3; i++)
      expect(
        f(zeros([megabyte / 4]))
          .mean()
          .item(),
      ).toBe(300);
    configureMemory({ budget: null });
    expect(memory().peak - before).toBeLessThan(100 * megabyte);
    expect(f.explain().signatures[0]?.programs[0]).toMatchObject({ recorded: 300, runs: 1 });
  });

  it('shares places between tensors that are never there together', () => {
    const f = compile((x: Tensor) => {
      let y = x;
      for (let i = 0; i < 6; i++) y = y.matmul(x);
      return y;
    });
    for (let i = 0; i < 3; i++) f(ones([16, 16]).mul(0.1));
    const [program] = f.explain().signatures[0]?.programs ?? [];
    expect(program).toMatchObject({ launches: 6, bytes: 2048, unsharedBytes: 5120 });
  });
});
