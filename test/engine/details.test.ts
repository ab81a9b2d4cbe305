/** Details of the engine that programs have come to rely on. */
import { describe, expect, test } from 'vitest';
import { autograd, noGrad, ones, type Tensor, tensor, zeros } from '../../src/index.ts';
import { leaf, refused, total, values } from './support.ts';

const { grad } = autograd;

function row(...elements: number[]): Tensor {
  return tensor(elements, { dtype: 'float64', requiresGrad: true });
}

describe('tensor hooks and in-place operations', () => {
  test('a hook that was there before stays with the old value, one from after sees the new', () => {
    const seen: string[] = [];
    const x = row(1, 1);
    const y = x.mul(1);
    y.registerHook((g: Tensor) => void seen.push(`before ${g.toArray()}`));
    y.mul_(2);
    y.registerHook((g: Tensor) => void seen.push(`after ${g.toArray()}`));
    total(y).backward();
    expect(seen).toEqual(['after 1,1', 'before 2,2']);
  });

  test('a removed hook of before does not run, the one of after does', () => {
    const seen: string[] = [];
    const y = row(1).mul(1);
    const first = y.registerHook(() => void seen.push('before'));
    y.mul_(2);
    y.registerHook(() => void seen.push('after'));
    first.remove();
    total(y).backward();
    expect(seen).toEqual(['after']);
  });

  test('hooks on several results of one operation, of which one is changed', () => {
    const seen: string[] = [];
    const x = row(1, 2);
    const [a, b] = x.mul(1).unsafeSplit(1) as [Tensor, Tensor];
    b.registerHook((g: Tensor) => void seen.push(`b ${g.toArray()}`));
    a.registerHook((g: Tensor) => void seen.push(`a before ${g.toArray()}`));
    a.mul_(3);
    a.registerHook((g: Tensor) => void seen.push(`a after ${g.toArray()}`));
    total(a.add(b)).backward();
    expect(seen.sort()).toEqual(['a after 1', 'a before 3', 'b 1']);
    expect(values(x.grad)).toEqual([3, 1]);
  });
});

describe('retainGrad and in-place operations', () => {
  test('the gradient kept is that of the latest value', () => {
    const x = row(1, 1);
    const y = x.mul(1);
    y.retainGrad();
    y.mul_(2);
    y.mul_(5);
    total(y.mul(3)).backward();
    expect([values(y.grad), values(x.grad)]).toEqual([
      [3, 3],
      [30, 30],
    ]);
  });

  test('of a base that is written through a view', () => {
    const x = row(1, 1);
    const y = x.mul(1);
    y.retainGrad();
    y.narrow(0, 0, 1).mul_(4);
    total(y.mul(3)).backward();
    expect([values(y.grad), values(x.grad)]).toEqual([
      [3, 3],
      [12, 3],
    ]);
  });

  test('before the write, of a view', () => {
    const x = row(1, 1);
    const y = x.mul(1);
    const v = y.narrow(0, 0, 1);
    v.retainGrad();
    v.mul_(4);
    total(v.mul(3)).backward();
    expect([values(v.grad), values(x.grad)]).toEqual([[3], [12, 0]]);
  });
});

describe('hooks that differentiate', () => {
  test('of a leaf: a penalty on its gradient', () => {
    const x = row(3);
    const p = row(2);
    x.registerHook((g: Tensor) => {
      const [inner] = autograd.enableGrad(() => grad(total(p.pow(2)), p));
      return g.add(inner as Tensor);
    });
    total(x.mul(5)).backward();
    expect([values(x.grad), p.grad]).toEqual([[9], null]);
  });

  test('accumulation hooks may take the step of an optimizer', () => {
    const x = row(1, 2);
    x.registerPostAccumulateGradHook((p) => {
      noGrad(() => p.sub_((p.grad as Tensor).mul(0.1)));
      p.grad = null;
    });
    total(x.pow(2)).backward();
    expect(values(x)).toEqual([0.8, 1.6]);
    expect(x.grad).toBe(null);
  });
});

describe('leaves and assignment', () => {
  test('what an operator does not need is not saved', () => {
    const x = row(1, 2);
    const y = x.mul(1);
    const z = y.mul(3).add(y.sub(1)).neg();
    y.add_(100);
    total(z).backward();
    expect(values(x.grad)).toEqual([-4, -4]);
  });

  test('results that are no numbers to differentiate do not require a gradient', () => {
    const x = row(1, 2);
    expect(
      [x.argmax(), x.argmin(), x.countNonzero(), x.isnan(), x.signbit(), x.eq(1), x.max(0).indices].map((y) => y.requiresGrad),
    ).toEqual([false, false, false, false, false, false, false]);
  });
});

describe('views that are written', () => {
  const matrix = (): Tensor => ones([2, 2], { dtype: 'float64', requiresGrad: true });

  test('second derivatives go through it', () => {
    const x = row(1, 2);
    const y = x.mul(1);
    y.narrow(0, 0, 1).pow_(3);
    const [g] = grad(total(y.pow(2)), x, null, { createGraph: true });
    expect(values(g)).toEqual([6, 4]);
    expect(values(grad(total(g as Tensor), x)[0])).toEqual([30, 2]);
  });

  test('their bits seen as integers have no history', () => {
    const x = zeros([2]);
    const bits = x.view('int32') as Tensor;
    x.add_(ones([2], { requiresGrad: true }));
    expect([x.requiresGrad, bits.requiresGrad, bits.gradFn, bits.to('float32').requiresGrad]).toEqual([true, false, null, false]);
    expect(values(bits.bitwiseRightShift(23))).toEqual([127, 127]);
  });

  test('a transposed leaf is written inside noGrad', () => {
    const x = matrix();
    noGrad(() => x.T.mul_(2));
    expect([values(x), x.isLeaf, x.version]).toEqual([
      [
        [2, 2],
        [2, 2],
      ],
      true,
      1,
    ]);
  });

  test('an operand that is a view of the target is read before the write, and found changed where its value is needed', () => {
    const x = row(2, 3);
    const y = x.mul(1);
    y.mul_(y.narrow(0, 0, 1));
    expect(values(y)).toEqual([4, 6]);
    refused(() => total(y).backward(), 'AutogradError', /changed in place/);
    const z = x.mul(1);
    z.add_(z.narrow(0, 0, 1));
    total(z).backward();
    expect(values(x.grad)).toEqual([3, 1]);
  });
});

test('a leaf of a graph of one million paths and shared parts is visited once', () => {
  const x = leaf(1);
  let y = x;
  for (let i = 0; i < 20; i++) y = y.add(y);
  let visits = 0;
  x.registerHook(() => void visits++);
  y.backward();
  expect([visits, values(x.grad)]).toEqual([1, [2 ** 20]]);
});
