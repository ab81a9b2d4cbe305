/** What a backward pass allocates, keeps and gives back, and how the gradients of leaves are laid out and added up. */
import { describe, expect, test } from 'vitest';
import { autograd, inferenceMode, memory, ones, scope, type Tensor, tensor, zeros } from '../../src/index.ts';
import { collectMemory, resetPeakMemory } from '../../src/runtime/memory.ts';
import { leaf, refused, total, values } from './support.ts';

const SIDE = 128;
const BYTES = SIDE * SIDE * 4;

/** A leaf that is large enough to have a block of memory to itself. */
function large(): Tensor {
  return ones([SIDE, SIDE], { requiresGrad: true });
}
const seed = ones([SIDE, SIDE]);

/** How many tensors of that size `body` leaves behind, and how many it has at most at once, without help of the collector. */
function cost(body: () => void): { kept: number; most: number } {
  collectMemory();
  const { live } = memory();
  resetPeakMemory();
  body();
  const after = memory();
  return { kept: (after.live - live) / BYTES, most: (after.peak - live) / BYTES };
}

/** The same for the backward pass of a function of one leaf, which has a gradient already where `again` says so; and its gradient. */
function passOf(f: (x: Tensor) => Tensor, again = false): [kept: number, most: number, first: number] {
  const x = large();
  if (again) x.grad = zeros([SIDE, SIDE]);
  const y = f(x);
  const { kept, most } = cost(() => y.backward(seed));
  return [kept, most, average(x.grad)];
}

function average(x: Tensor | null): number {
  return (x as Tensor).mean().item() as number;
}

/** A gradient that the engine makes, in row-major order or transposed, and one that it passes on as it came. */
const made = (x: Tensor): Tensor => x.mul(3);
const madeAcross = (x: Tensor): Tensor => x.T.mul(2).T;
const passed = (x: Tensor): Tensor => x.add(1);

describe('what a pass leaves behind', () => {
  test('the gradient, which is the buffer that the engine made, or a copy of what is not its own', () => {
    expect(passOf(made)).toEqual([1, 1, 3]);
    expect(passOf(passed)).toEqual([1, 1, 1]);
    // Elementwise rules write where the gradient lies that they take, where nobody else holds it.
    expect(passOf((x) => x.mul(2).mul(3).mul(5))).toEqual([1, 1, 30]);
    expect(passOf((x) => x.roll(1, 0).flip(0).flip(1))).toEqual([1, 2, 1]);
  });

  test('nothing where there is a gradient to add to', () => {
    expect(passOf(made, true)).toEqual([0, 1, 3]);
    expect(passOf(passed, true)).toEqual([0, 0, 1]);
  });

  test('not the buffer whose elements lie in another order than the leaf', () => {
    expect(passOf(madeAcross)).toEqual([1, 2, 2]);
  });

  test('not a copy of one that lies as the leaf does, or in row-major order where the leaf has gaps', () => {
    const places = ones([2 * SIDE * SIDE]);
    for (const [leafOf, f] of [
      [() => ones([SIDE, SIDE]).T, madeAcross],
      [() => places.asStrided([SIDE, SIDE], [2 * SIDE, 1]), made],
      [() => places.asStrided([SIDE, 1, SIDE], [1, 7, SIDE]), (x: Tensor) => x.transpose(0, 2).mul(3).transpose(0, 2)],
    ] as const) {
      const x = leafOf().detach().requiresGrad_();
      const [y, g] = [f(x), seed.view(x.shape)];
      expect(cost(() => y.backward(g))).toEqual({ kept: 1, most: 1 });
    }
  });

  test('where two gradients meet, the one that is written into, whichever it is', () => {
    // The operation that was recorded last delivers first.
    expect(passOf((x) => made(x).add(made(x)))).toEqual([1, 2, 6]);
    expect(passOf((x) => passed(x).add(made(x)))).toEqual([1, 1, 4]);
    expect(passOf((x) => made(x).add(passed(x)))).toEqual([1, 1, 4]);
    expect(passOf((x) => made(x).add(madeAcross(x)))).toEqual([1, 2, 5]);
    expect(passOf((x) => madeAcross(x).add(made(x)))).toEqual([1, 2, 5]);
  });

  test('where neither can be written, their sum, which later ones are added to', () => {
    expect(passOf((x) => passed(x).add(passed(x)))).toEqual([1, 1, 2]);
    expect(passOf((x) => madeAcross(x).add(madeAcross(x)))).toEqual([1, 3, 4]);
    expect(passOf((x) => passed(x).add(passed(x)).add(passed(x)).add(passed(x)))).toEqual([1, 1, 4]);
  });

  test('an assigned gradient that cannot be written is replaced, and what was added goes', () => {
    const x = large();
    x.grad = ones([1, 1]).expand(SIDE, SIDE);
    const y = made(x);
    expect(cost(() => y.backward(seed))).toEqual({ kept: 1, most: 2 });
    expect(average(x.grad)).toBe(4);
  });

  test('of the gradients that do not matter nothing', () => {
    const [x, w] = [large(), large()];
    const y = x.mul(2).mul(w.mul(3));
    expect(cost(() => y.backward(seed, { inputs: [w] }))).toEqual({ kept: 1, most: 2 });
    expect(x.grad).toBe(null);
  });
});

describe('gradients that overlap themselves', () => {
  // A row of the engine's own, seen as all rows: what is added in place would be added to the same elements again and again.
  const repeated = (x: Tensor): Tensor => x.sum(0).mul(5);
  const rows = tensor(
    [
      [1, 2],
      [10, 20],
      [100, 200],
    ],
    { dtype: 'float64' },
  );

  test('are read and not written where they meet others, whichever comes first', () => {
    for (const f of [(x: Tensor) => repeated(x).add(x.add(1)), (x: Tensor) => x.add(1).add(repeated(x))]) {
      const x = leaf(3, 2);
      f(x).backward(rows);
      expect(values(x.grad)).toEqual([
        [556, 1112],
        [565, 1130],
        [655, 1310],
      ]);
    }
  });

  test('become a gradient of its own memory', () => {
    const x = leaf(3, 2);
    total(repeated(x)).backward();
    total(x.mul(rows)).backward();
    expect(values(x.grad)).toEqual([
      [6, 7],
      [15, 25],
      [105, 205],
    ]);
  });
});

describe('the gradient of a leaf', () => {
  test('outlives the scope of the pass, also when it takes the place of another', () => {
    const x = leaf(2);
    scope(() => {
      total(x.mul(2)).backward();
    });
    expect(values(x.grad)).toEqual([2, 2]);
    scope(() => {
      total(x.mul(2)).backward(null, { createGraph: true });
    });
    expect(values(x.grad)).toEqual([4, 4]);
  });

  test('bears its name where memory runs out', () => {
    const [x, weight] = [large(), large().named('weight')];
    x.mul(2).add(weight.mul(3)).backward(seed);
    collectMemory();
    expect(() => ones([2 ** 40])).toThrow(
      /64 KiB \(gradient\).*64 KiB \(gradient of weight\)|64 KiB \(gradient of weight\).*64 KiB \(gradient\)/s,
    );
    expect([x.grad, weight.grad]).not.toContain(null);
  });

  test('is with createGraph what was recorded, and a copy of what was not', () => {
    const x = leaf(2);
    x.mul(x).backward(ones([2], { dtype: 'float64' }), { createGraph: true });
    expect(x.grad?.gradFn?.name).toBe('AddBackward');
    const w = leaf(2);
    const g = ones([2], { dtype: 'float64' });
    w.add(1).backward(g, { createGraph: true });
    g.mul_(5);
    expect([values(w.grad), w.grad?.gradFn]).toEqual([[1, 1], null]);
  });

  test('has the tangent of what arrives, in sums of several too, and on leaves of any layout', () => {
    const { dualLevel, makeDual, unpackDual } = autograd.forwardAd;
    for (const turned of [false, true]) {
      const x = turned ? leaf(3, 2).detach().T.requiresGrad_() : leaf(2, 3);
      const tangent = ones([2, 3], { dtype: 'float64' });
      dualLevel(() => {
        const d = makeDual(x, tangent);
        for (const times of [1, 2]) {
          // Three terms of one derivative each: 1 and x and x².
          total(d.add(d.mul(d)).add(d.add(1)).add(d.mul(d).mul(d))).backward();
          const found = unpackDual(x.grad as Tensor);
          expect([average(found.primal), average(found.tangent)]).toEqual([7 * times, 8 * times]);
        }
      });
    }
  });

  test('counts what is added to it, and is replaced where writes are not counted', () => {
    const x = leaf(2);
    total(x.mul(2)).backward();
    const first = x.grad as Tensor;
    expect(first.version).toBe(0);
    total(x.mul(2)).backward();
    total(x.mul(2)).backward();
    expect([x.grad === first, first.version, values(first)]).toEqual([true, 2, [6, 6]]);
    const uncounted = inferenceMode(() => ones([2], { dtype: 'float64' }));
    x.grad = uncounted;
    total(x.mul(2)).backward();
    expect([values(uncounted), values(x.grad)]).toEqual([
      [1, 1],
      [3, 3],
    ]);
  });

  test('is of the dtype that arrives first where the leaf takes any', () => {
    class Single extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor): Tensor {
        return x.mul(1);
      }
      static backward(_context: autograd.FunctionContext, g: Tensor): Tensor {
        return g.to('float32');
      }
    }
    const single = (x: Tensor): Tensor => Single.apply(x) as Tensor;
    for (const [f, dtype] of [
      [(x: Tensor) => x.mul(2).add(single(x)), 'float32'],
      [(x: Tensor) => single(x).add(x.mul(2)), 'float64'],
    ] as const) {
      const x = leaf(2);
      x.gradDtype = null;
      total(f(x)).backward();
      expect([x.grad?.dtype, values(x.grad)]).toEqual([dtype, [3, 3]]);
    }
  });

  test('is laid out as a leaf that is dense, whatever the strides of its dimensions of one element', () => {
    for (const [shape, strides, as] of [
      [
        [2, 3],
        [1, 2],
        [1, 2],
      ],
      [
        [2, 1, 3],
        [1, 77, 2],
        [1, null, 2],
      ],
      [
        [2, 3],
        [1, 3],
        [3, 1],
      ],
      [
        [2, 3],
        [6, 2],
        [3, 1],
      ],
      [
        [2, 3],
        [0, 1],
        [3, 1],
      ],
    ] as [number[], number[], (number | null)[]][]) {
      for (const f of [(x: Tensor) => x.mul(3), (x: Tensor) => x.add(0), (x: Tensor) => x.transpose(0, -1).mul(3).transpose(0, -1)]) {
        const x = zeros([300], { dtype: 'float64' }).asStrided(shape, strides).detach().requiresGrad_();
        total(f(x)).backward();
        expect(x.stride()).toEqual(strides);
        expect(x.grad?.stride().map((stride, dim) => (shape[dim] === 1 ? null : stride))).toEqual(as);
      }
    }
  });
});

describe('what is refused', () => {
  /** The identity, with a gradient of this shape. */
  const withGradient = (shape: readonly number[]): ((x: Tensor) => Tensor) => {
    class Shaped extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor): Tensor {
        return x.mul(1);
      }
      static backward(): Tensor {
        return ones(shape);
      }
    }
    return (x) => Shaped.apply(x) as Tensor;
  };

  test('a gradient of a shape that does not sum to that of the input', () => {
    for (const shape of [[2], [2, 2], [4, 3, 1], [3, 4, 1], [4]]) {
      const x = leaf(4, 3);
      refused(
        () => total(withGradient(shape)(x)).backward(),
        'AutogradError',
        /^Shaped\w*: the gradient for input 0 has shape \[[\d, ]*\], the input has \[4, 3\]: a backward rule must return the shape of its input, or one that broadcasting/,
      );
      expect(x.grad).toBe(null);
    }
    const row = leaf(1, 3);
    refused(() => total(withGradient([3])(row)).backward(), 'AutogradError', /has shape \[3\], the input has \[1, 3\]/);
  });

  test('not one that does', () => {
    for (const [own, given, value] of [
      [[4, 3], [4, 3], 1],
      [[4, 3], [2, 4, 3], 2],
      [[4, 1], [4, 5], 5],
      [[1, 3], [2, 6, 3], 12],
      [[], [2, 2], 4],
    ] as const) {
      const x = ones(own, { requiresGrad: true });
      total(withGradient(given)(x)).backward();
      expect([x.grad?.shape, x.grad?.eq(value).all().item()]).toEqual([own, true]);
    }
  });

  test('an answer of a hook after accumulation, unless it is none', () => {
    const x = leaf(2);
    for (const [answer, name] of [
      [x, 'object'],
      [3, 'number'],
    ] as const) {
      const handle = x.registerPostAccumulateGradHook((() => answer) as never);
      const text = new RegExp(
        `^a hook after accumulation returned ${name}: it must return nothing; change the leaf's grad itself instead$`,
      );
      refused(() => total(x).backward(), 'AutogradError', text);
      handle.remove();
    }
    x.registerPostAccumulateGradHook((() => null) as never);
    x.registerPostAccumulateGradHook(() => undefined);
    total(x).backward();
    expect(values(x.grad)).toEqual([3, 3]);
  });
});
