/** Details of the engine that programs have come to rely on. */
import { describe, expect, test } from 'vitest';
import { autograd, noGrad, ones, type Tensor, tensor, zeros } from '../../src/index.ts';
import { leaf, refused, total, values } from './support.ts';

const { backward, grad } = autograd;

function row(...elements: number[]): Tensor {
  return tensor(elements, { dtype: 'float64', requiresGrad: true });
}

describe('roots', () => {
  test('one upstream of another counts on its own and on the way', () => {
    const x = row(2);
    const y = x.pow(2);
    const z = y.pow(3);
    backward([y, z], [ones([1], { dtype: 'float64' }), ones([1], { dtype: 'float64' })]);
    expect(values(x.grad)).toEqual([4 + 6 * 32]);
  });

  test('any without a graph is refused, and nothing has happened', () => {
    const x = row(1, 2);
    refused(() => backward([total(x.mul(2)), ones([])]), 'AutogradError');
    expect(x.grad).toBe(null);
  });

  test('gradients by parts are the whole', () => {
    const x = row(1, 2, 3);
    const middle = [x.mul(2), x.pow(2)];
    const loss = total((middle[0] as Tensor).mul(middle[1] as Tensor));
    const [whole] = grad(loss, x, null, { retainGraph: true });
    const parts = grad(loss, middle, null, { retainGraph: true });
    backward(middle, parts);
    expect(values(x.grad)).toEqual(values(whole));
  });

  test('a branch without a derivative does not disturb', () => {
    const x = row(1, 3, 2);
    total(x.mul(x.argmax().to('float64'))).backward();
    expect(values(x.grad)).toEqual([1, 1, 1]);
  });
});

describe('what is computed', () => {
  test('only nodes on the way to the inputs run', () => {
    const ran: string[] = [];
    const x = row(1);
    const y = row(1);
    const other = y.mul(2);
    other.gradFn?.registerHook(() => void ran.push('other'));
    grad(total(x.mul(3).add(other)), x);
    expect(ran).toEqual([]);
  });

  test('two results of one operation are captured together, and nothing upstream runs', () => {
    const x = row(1, 2, 3, 4);
    const seen: unknown[] = [];
    x.registerHook((g: Tensor) => void seen.push(g));
    const [a, b] = x.mul(1).chunk(2) as [Tensor, Tensor];
    const found = grad(total(a.mul(2)).add(total(b.mul(3))), [a, b]);
    expect(found.map(values)).toEqual([
      [2, 2],
      [3, 3],
    ]);
    expect(seen).toEqual([]);
  });

  test('results that are not used have zero gradients', () => {
    const x = row(1, 2, 3, 4);
    const [, b] = x.chunk(2) as [Tensor, Tensor];
    total(b.mul(5)).backward();
    expect(values(x.grad)).toEqual([0, 0, 5, 5]);
  });

  test('buffers of a gradient that goes several ways do not alias', () => {
    const x = row(1);
    const y = row(2);
    const a = x.add(y);
    const b = a.add(x);
    const c = a.mul(3).add(b.mul(4));
    total(c.add(a)).backward();
    expect([values(x.grad), values(y.grad)]).toEqual([[12], [8]]);
  });

  test('broadcast sizes of zero give gradients of zeros', () => {
    const a = ones([1, 3], { dtype: 'float64', requiresGrad: true });
    const b = zeros([0, 1], { dtype: 'float64', requiresGrad: true });
    total(a.mul(b)).backward();
    expect([values(a.grad), b.grad?.shape]).toEqual([[[0, 0, 0]], [0, 1]]);
  });

  test('gradients that the caller passes are not written into', () => {
    const x = row(1, 2);
    const g = ones([2], { dtype: 'float64' });
    const y = x.mul(2);
    backward([y, y, y.mul(1)], [g, g, g]);
    expect(values(g)).toEqual([1, 1]);
    expect(values(x.grad)).toEqual([6, 6]);
  });

  test('a gradient that was taken out is not written into by what follows', () => {
    const x = row(1, 2);
    const y = x.mul(1);
    const [g] = grad(total(y), y);
    total(x.mul(7)).backward();
    expect(values(g)).toEqual([1, 1]);
  });

  test('expanded operands of a product get their gradients', () => {
    const a = ones([2, 3], { dtype: 'float64', requiresGrad: true });
    const v = ones([1], { dtype: 'float64', requiresGrad: true });
    total(a.mv(v.expand(3))).backward();
    expect([values(v.grad), values(a.grad)]).toEqual([
      [6],
      [
        [1, 1, 1],
        [1, 1, 1],
      ],
    ]);
  });
});

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
  test('a leaf that is written with a tracked value becomes a result', () => {
    const x = ones([2], { dtype: 'float64' });
    const y = row(5);
    x.set([0], y.sum());
    expect([x.requiresGrad, x.isLeaf]).toEqual([true, false]);
    total(x.mul(tensor([3, 4], { dtype: 'float64' }))).backward();
    expect(values(y.grad)).toEqual([3]);
  });

  test('inside noGrad it stays a leaf', () => {
    const x = ones([2], { dtype: 'float64' });
    noGrad(() => x.set([0], row(5).sum()));
    expect([x.requiresGrad, x.isLeaf, values(x)]).toEqual([false, true, [5, 1]]);
  });

  test('detach_ of a base leaves its views attached', () => {
    const x = row(1, 2);
    const y = x.mul(2);
    const v = y.narrow(0, 0, 1);
    y.detach_();
    expect(y.requiresGrad).toBe(false);
    expect(v.requiresGrad).toBe(true);
    total(v).backward();
    expect(values(x.grad)).toEqual([2, 0]);
  });

  test('a version is counted where recording is off too', () => {
    const x = row(1, 2);
    const y = x.mul(1);
    const z = y.pow(2);
    noGrad(() => y.add_(1));
    refused(() => total(z).backward(), 'AutogradError', /changed in place/);
  });

  test('casts are differentiable, and gradients come back in the dtype of the source', () => {
    const x = ones([2], { requiresGrad: true });
    total(x.double().mul(3).float()).backward();
    expect([x.grad?.dtype, values(x.grad)]).toEqual(['float32', [3, 3]]);
  });

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

  test('the gradient of the base', () => {
    const x = matrix();
    const y = x.mul(1);
    y.narrow(0, 0, 1).mul_(2);
    total(y).backward();
    expect(values(x.grad)).toEqual([
      [2, 2],
      [1, 1],
    ]);
  });

  test('another view of the same region sees the change', () => {
    const x = matrix();
    const y = x.mul(1);
    const a = y.narrow(0, 0, 1);
    const b = y.narrow(0, 0, 1);
    a.mul_(2);
    total(b).backward();
    expect(values(x.grad)).toEqual([
      [2, 2],
      [0, 0],
    ]);
  });

  test('what is written into a constant gives the gradient to the value', () => {
    const a = ones([2, 2], { dtype: 'float64' });
    const b = row(3, 4);
    const v = a.narrow(0, 0, 1);
    v.mul_(b);
    total(v).backward();
    expect([values(b.grad), a.grad, a.requiresGrad]).toEqual([[1, 1], null, true]);
  });

  test('an earlier view of a constant base takes part in what is written into the base', () => {
    const x = ones([2, 2], { dtype: 'float64' });
    const r = ones([2, 2], { dtype: 'float64', requiresGrad: true });
    const v = x.select(0, 0);
    x.add_(r);
    expect(v.requiresGrad).toBe(true);
    total(v).backward();
    expect(values(r.grad)).toEqual([
      [1, 1],
      [0, 0],
    ]);
  });

  test('second derivatives go through it', () => {
    const x = row(1, 2);
    const y = x.mul(1);
    y.narrow(0, 0, 1).pow_(3);
    const [g] = grad(total(y.pow(2)), x, null, { createGraph: true });
    expect(values(g)).toEqual([6, 4]);
    expect(values(grad(total(g as Tensor), x)[0])).toEqual([30, 2]);
  });

  test('the history of a view may be refreshed inside noGrad', () => {
    const x = matrix();
    const y = x.mul(1);
    const v = y.narrow(0, 0, 1);
    y.mul_(3);
    expect(noGrad(() => v.gradFn?.name)).toBe('AsStridedBackward');
    total(v).backward();
    expect(values(x.grad)).toEqual([
      [3, 3],
      [0, 0],
    ]);
  });

  test('one of several views is refused, and so are its views', () => {
    const [a] = matrix().mul(1).unbind(0) as [Tensor];
    refused(() => a.add_(1), 'InPlaceError', /several views/);
    refused(() => a.narrow(0, 0, 1).add_(1), 'InPlaceError', /several views/);
    const [b] = matrix().mul(1).narrow(0, 0, 2).unbind(0) as [Tensor];
    refused(() => b.add_(1), 'InPlaceError', /several views/);
    const x = matrix().mul(1);
    for (const [c] of [x.split(2), x.chunk(2), x.splitWithSizes([1, 1])] as [Tensor][]) {
      refused(() => c.add_(1), 'InPlaceError', /several views/);
    }
  });

  test('the results of unsafeSplit and unsafeChunk may be written', () => {
    for (const cut of [(x: Tensor) => x.unsafeSplit(1), (x: Tensor) => x.unsafeChunk(2)]) {
      const x = matrix();
      const [a, b] = cut(x.mul(1)) as [Tensor, Tensor];
      a.mul_(3);
      total(a.add(b)).backward();
      expect(values(x.grad)).toEqual([
        [3, 3],
        [1, 1],
      ]);
    }
  });

  test('of several views of a constant that are written with a tracked value', () => {
    const b = row(1, 1);
    const [view] = ones([2, 2], { dtype: 'float64' }).unbind(0) as [Tensor];
    refused(() => view.mul_(b), 'InPlaceError', /several views/);
    const base = ones([2, 2], { dtype: 'float64' });
    base.select(0, 0).mul_(b);
    expect(base.requiresGrad).toBe(true);
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

  test('the node of a view survives the view', () => {
    const x = row(1, 2);
    const y = x.mul(1);
    (() => {
      y.narrow(0, 0, 1).mul_(7);
    })();
    total(y).backward();
    expect(values(x.grad)).toEqual([7, 1]);
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
