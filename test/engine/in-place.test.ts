import { describe, expect, test } from 'vitest';
import { cat, type DType, jvp, memory, noGrad, ones, type Tensor, tensor, zeros } from '../../src/index.ts';
import { resetPeakMemory } from '../../src/runtime/memory.ts';
import { leaf, refused, total, values } from './support.ts';

describe('in place on leaves', () => {
  test('a leaf that requires no gradient takes the history of what is written', () => {
    const x = leaf(2);
    const y = ones([2], { dtype: 'float64' });
    y.mul_(x);
    expect([y.requiresGrad, y.isLeaf]).toEqual([true, false]);
    total(y.mul(3)).backward();
    expect(values(x.grad)).toEqual([3, 3]);
  });
});

describe('versions', () => {
  test('a change through a view is found', () => {
    const y = leaf(3).exp();
    noGrad(() => y.narrow(0, 0, 1).add_(1));
    refused(() => total(y).backward(), 'AutogradError', /changed in place/);
  });

  test('a change after backward does no harm', () => {
    const x = leaf(3);
    const y = x.exp();
    total(y).backward();
    noGrad(() => y.add_(1));
    expect((values(x.grad) as number[])[0]).toBeCloseTo(Math.E, 12);
  });
});

describe('history of in-place operations', () => {
  test('the gradient goes through all of them', () => {
    const x = leaf(2);
    const y = x.mul(3);
    y.add_(1);
    y.mul_(2);
    expect(y.gradFn?.name).toBe('MulBackward');
    total(y).backward();
    expect(values(x.grad)).toEqual([6, 6]);
  });

  test('an operation on itself', () => {
    const x = tensor([3], { dtype: 'float64', requiresGrad: true });
    const y = x.mul(1);
    y.mul_(y);
    total(y).backward();
    expect(values(x.grad)).toEqual([6]);
  });

  test('what was made before sees the old value', () => {
    const x = leaf(2);
    const y = x.mul(3);
    const z = y.add(0);
    y.mul_(10);
    total(z.add(y)).backward();
    expect(values(x.grad)).toEqual([33, 33]);
  });
});

describe('in place through views', () => {
  test('a view of a view changes the base', () => {
    const x = leaf(2, 3);
    const y = x.mul(1);
    y.select(0, 1).narrow(0, 1, 2).mul_(5);
    total(y).backward();
    expect(values(x.grad)).toEqual([
      [1, 1, 1],
      [1, 5, 5],
    ]);
  });

  test('other views of the base see the change', () => {
    const x = leaf(3);
    const y = x.mul(1);
    const a = y.narrow(0, 0, 2);
    const b = y.narrow(0, 1, 2);
    a.mul_(3);
    expect(values(b)).toEqual([3, 1]);
    total(b).backward();
    expect(values(x.grad)).toEqual([0, 3, 1]);
  });

  test('a view sees the change also where it is not the first operand', () => {
    const x = leaf(3);
    const y = x.mul(1);
    const view = y.narrow(0, 0, 2);
    y.mul_(3);
    total(cat([x, view])).backward();
    expect(values(x.grad)).toEqual([4, 4, 1]);
  });

  test('a constant base gets the history of what is written into its view', () => {
    const x = leaf(2);
    const base = ones([3], { dtype: 'float64' });
    const v = base.narrow(0, 0, 2);
    v.mul_(x);
    expect(base.requiresGrad).toBe(true);
    total(base.mul(4)).backward();
    expect(values(x.grad)).toEqual([4, 4]);
  });

  test('an operand that overlaps the target is read before it is written', () => {
    const x = tensor([1, 2, 3, 4, 5]);
    x.narrow(0, 1, 4).add_(x.narrow(0, 0, 4));
    expect(values(x)).toEqual([1, 3, 5, 7, 9]);
  });
});

describe('what does not fit', () => {
  test('a result of another shape is refused before anything changes', () => {
    const x = ones([3]);
    refused(() => x.add_(ones([2, 3]) as never), 'ShapeError', /\[2, 3\].*\[3\]/);
    expect([values(x), x.version]).toEqual([[1, 1, 1], 0]);
  });

  test('a result of a higher kind of dtype is refused', () => {
    const x = ones([3], { dtype: 'int64' });
    refused(() => x.add_(0.5 as never), 'DTypeError', /int64/);
    expect([values(x), x.version]).toEqual([[1, 1, 1], 0]);
  });

  test('a result of the same kind is cast', () => {
    const x = ones([2]);
    expect(x.add_(ones([2], { dtype: 'float64' })).dtype).toBe('float32');
  });

  test('results fit into a dtype of their kind or of a higher one, and the message names both', () => {
    const kinds: DType[] = ['bool', 'int8', 'float32', 'complex64'];
    const wider: Partial<Record<DType, DType>> = { bool: 'bool', int8: 'int64', float32: 'float64' };
    for (const [i, to] of kinds.slice(0, 3).entries()) {
      for (const [j, narrow] of kinds.entries()) {
        for (const from of new Set([narrow, wider[narrow] ?? narrow])) {
          const x = ones([2], { dtype: to });
          const write = (): Tensor => x.mul_(ones([2], { dtype: from }));
          if (j <= i) expect([write() === x, x.dtype, x.version], `${from} into ${to}`).toEqual([true, to, 1]);
          else {
            refused(
              write,
              'DTypeError',
              new RegExp(`^mul_: a result of dtype ${from} cannot be written into the target's ${to} \\(${from} would be`),
            );
            refused(write, 'DTypeError', /needed\): use the functional form, or cast the operand$/);
            expect(x.version).toBe(0);
          }
        }
      }
    }
    // What compares fits everywhere.
    expect(values(tensor([1, 3], { dtype: 'int32' }).gt_(2))).toEqual([0, 1]);
  });

  test('the written value may broadcast, the target not', () => {
    for (const shape of [[], [1], [3], [1, 3], [2, 1], [2, 3]]) {
      expect(values(ones([2, 3]).add_(ones(shape) as never)), String(shape)).toEqual([
        [2, 2, 2],
        [2, 2, 2],
      ]);
    }
    for (const shape of [[2], [3, 3], [2, 2], [1, 2, 3], [1, 1, 1]]) {
      const message = new RegExp(
        `^add_: a value of shape \\[${shape.join(', ')}\\] does not fit into the target of shape \\[2, 3\\]: an in-place`,
      );
      refused(() => ones([2, 3]).add_(ones(shape) as never), 'ShapeError', message);
    }
    refused(() => ones([2, 1]).add_(ones([2, 3]) as never), 'ShapeError', /keeps the target's shape$/);
  });

  test('elements that share an address are refused, and where they were expanded is said', () => {
    for (const recorded of [false, true]) {
      const operand = ones([2, 3], { requiresGrad: recorded });
      const x = ones([2, 1]).expand(2, 3);
      refused(() => x.add_(operand), 'InPlaceError', /^add_: several elements of the target, .*shape \[2, 3\].*, share one address/);
      refused(() => x.add_(operand), 'InPlaceError', /expanded along dimension 1\): clone\(\) it before writing into it$/);
      expect(x.version).toBe(0);
    }
    // One element alone shares nothing.
    expect(values(ones([1]).expand(1, 1).add_(1))).toEqual([[2]]);
  });
});

describe('what is written directly', () => {
  /** How many bytes more than before are in use at some time while `body` runs. */
  const room = (body: () => unknown): number => {
    resetPeakMemory();
    const before = memory().live;
    body();
    return memory().peak - before;
  };
  const y = ones([1000]);

  test('takes no memory where nothing is recorded', () => {
    const [x, p] = [ones([1000]), ones([1000], { requiresGrad: true })];
    expect(room(() => x.add_(y))).toBe(0);
    expect(room(() => noGrad(() => x.add_(p)))).toBe(0);
    expect(room(() => noGrad(() => p.add_(y)))).toBe(0);
    expect(room(() => p.mul(1).add_(y))).toBeGreaterThan(0);
    expect(room(() => x.add_(p))).toBeGreaterThan(0);
    expect(x.requiresGrad).toBe(true);
  });

  test('nor where an operand is the target, the same elements of it, or other ones', () => {
    const x = ones([1000]);
    const rows = x.view([1, 1000]);
    expect(room(() => x.add_(x))).toBe(0);
    expect(room(() => x.add_(x.view([1000])))).toBe(0);
    expect(room(() => rows.add_(x.asStrided([1, 1000], [7, 1])))).toBe(0);
    const [low, high] = [x.narrow(0, 0, 500), x.narrow(0, 500, 500)];
    expect(room(() => low.add_(high))).toBe(0);
    expect(room(() => high.add_(low))).toBe(0);
    expect(room(() => x.narrow(0, 1, 999).add_(x.narrow(0, 0, 999)))).toBeGreaterThan(0);
  });

  test('an operand that shares some elements with the target is read first', () => {
    const x = tensor([1, 2, 3, 4, 5, 6]);
    x.narrow(0, 3, 3).add_(x.narrow(0, 1, 3));
    expect(values(x)).toEqual([1, 2, 3, 6, 8, 10]);
    x.narrow(0, 2, 3).add_(x.narrow(0, 0, 3));
    expect(values(x)).toEqual([1, 2, 4, 8, 11, 10]);
    x.add_(x.narrow(0, 0, 1));
    expect(values(x)).toEqual([2, 3, 5, 9, 12, 11]);
    const long = ones([17]);
    long.narrow(0, 8, 9).add_(long.narrow(0, 0, 9));
    expect(values(long)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
    const cube = tensor([0, 1, 2, 3, 4, 5, 6, 7]).view([2, 2, 2]);
    cube.add_(cube.transpose(0, 1));
    expect(values(cube.view([8]))).toEqual([0, 2, 6, 8, 6, 8, 12, 14]);
    const square = tensor([
      [1, 2],
      [3, 4],
    ]);
    square.add_(square.t());
    expect(values(square)).toEqual([
      [2, 5],
      [5, 8],
    ]);
    square.add_(square.narrow(0, 0, 1));
    expect(values(square)).toEqual([
      [4, 10],
      [7, 13],
    ]);
    square.add_(square.select(1, 0));
    expect(values(square)).toEqual([
      [8, 17],
      [11, 20],
    ]);
  });

  test('also inside transforms, where a view was taken of what a value then went into', () => {
    const f = (a: Tensor): Tensor => {
      const base = zeros([3], { dtype: 'float64' });
      const view = base.narrow(0, 0, 2);
      base.add_(a);
      view.mul_(2);
      return base;
    };
    const x = tensor([1, 2, 3], { dtype: 'float64' });
    const [value, tangent] = jvp(f, [x], [ones([3], { dtype: 'float64' })]);
    expect([values(value), values(tangent)]).toEqual([
      [2, 4, 3],
      [2, 2, 1],
    ]);
  });
});

describe('gradients of what was written', () => {
  test('arrive in the shape and dtype of what was written', () => {
    for (const [shape, expected] of [
      [[2], [2, 2]],
      [[1, 2], [[2, 2]]],
      [
        [2, 1],
        [[2], [2]],
      ],
      [[], 4],
    ] as const) {
      const x = leaf(...shape);
      const y = ones([2, 2]);
      y.copy_(x);
      total(y).backward();
      expect([x.grad?.dtype, values(x.grad)], String(shape)).toEqual(['float64', expected]);
    }
  });

  test('the history has the dtype and shape of the target', () => {
    const y = ones([2, 2]);
    y.mul_(leaf(2));
    expect([y.dtype, y.gradFn?.inputMetadata]).toEqual(['float32', [{ shape: [2, 2], dtype: 'float32' }]]);
  });

  test('one of several views may be written where no gradient is recorded', () => {
    const x = ones([2, 3]);
    const [a] = x.unbind(0) as [Tensor];
    a.add_(a.narrow(0, 0, 1));
    expect(values(x)).toEqual([
      [2, 2, 2],
      [1, 1, 1],
    ]);
    refused(() => a.mul_(ones([3], { requiresGrad: true })), 'InPlaceError', /^mul_: the target, .*, is one of several views/);
    expect(values(a)).toEqual([2, 2, 2]);
  });

  test('nothing else is recorded where both fit', () => {
    const y = ones([2], { dtype: 'float64' });
    y.copy_(leaf(2));
    expect([y.gradFn?.name, y.gradFn?.nextFunctions.map(([node]) => node?.name ?? null)]).toEqual([
      'CopyBackward',
      [null, 'AccumulateGrad'],
    ]);
  });
});

describe('leaves and views that require a gradient', () => {
  test('are refused with what to do', () => {
    refused(
      () => leaf(2).add_(1),
      'InPlaceError',
      /^add_: the target, .*\(a leaf\), requires a gradient, so it cannot be changed in place: write inside/,
    );
    refused(
      () => leaf(2).narrow(0, 0, 1).add_(1),
      'InPlaceError',
      /^add_: the target is a view of .*\(a leaf\), which requires a gradient.*clone\(\)/,
    );
    const x = leaf(2);
    const y = noGrad(() => x.narrow(0, 0, 1));
    refused(() => y.add_(1), 'InPlaceError', /^add_: the target is a view of/);
    // What the view alone wants would be lost, too.
    const alone = ones([2]).narrow(0, 0, 1).requiresGrad_();
    refused(() => alone.add_(1), 'InPlaceError', /^add_: the target, .*\(a leaf\), requires a gradient/);
    expect([alone.version, values(noGrad(() => alone.add_(1)))]).toEqual([0, [2]]);
    expect([alone.requiresGrad, alone.isLeaf]).toEqual([true, true]);
  });

  test('a view that was written, or whose base was, follows a base that then requires one', () => {
    for (const write of [
      (base: Tensor, _view: Tensor) => base.add_(1),
      (_base: Tensor, view: Tensor) => view.add_(1),
      (_base: Tensor, view: Tensor) => noGrad(() => view.add_(1)),
    ]) {
      for (const asked of [false, true]) {
        const base = zeros([3], { dtype: 'float64' });
        const view = base.narrow(0, 0, 2);
        write(base, view);
        if (asked) expect(view.requiresGrad).toBe(false);
        base.requiresGrad_();
        expect([view.requiresGrad, view.gradFn?.name]).toEqual([true, 'AsStridedBackward']);
        total(view.mul(3)).backward();
        expect(values(base.grad)).toEqual([3, 3, 0]);
      }
    }
    const base = zeros([3], { dtype: 'float64' });
    const view = base.narrow(0, 0, 2);
    base.requiresGrad_();
    expect(view.requiresGrad).toBe(false);
  });

  test('a view made in noGrad that does not is refused from then on', () => {
    const base = zeros([3], { dtype: 'float64' });
    const view = noGrad(() => base.narrow(0, 0, 2));
    view.add_(1);
    expect(view.requiresGrad).toBe(false);
    base.requiresGrad_();
    refused(
      () => view.mul(2),
      'InPlaceError',
      /shape \[3\].* was changed in place, last by add_, and .*shape \[2\].* is seen through a view made inside noGrad/,
    );
  });
});
