import { describe, expect, test } from 'vitest';
import { autograd, ones, type Tensor, tensor, zeros } from '../../src/index.ts';
import { leaf, refused, total, values } from './support.ts';

const { backward, grad } = autograd;

describe('backward', () => {
  test('a second time through a graph whose saved values were freed is refused', () => {
    const x = leaf(3);
    const y = total(x.mul(x));
    y.backward();
    refused(() => y.backward(), 'AutogradError', /retainGraph/);
  });

  test('a second time through a graph that saved nothing accumulates', () => {
    const x = leaf(3);
    const y = total(x.add(1));
    y.backward();
    y.backward();
    expect(values(x.grad)).toEqual([2, 2, 2]);
  });

  test('retainGraph keeps what was saved', () => {
    const x = leaf(3);
    const y = total(x.mul(x));
    y.backward(null, { retainGraph: true });
    y.backward();
    expect(values(x.grad)).toEqual([4, 4, 4]);
    refused(() => y.backward(), 'AutogradError', /retainGraph/);
  });

  test('a result of several elements needs a gradient', () => {
    refused(() => leaf(3).mul(2).backward(), 'AutogradError', /3 elements/);
    refused(() => grad(leaf(3).mul(2), leaf(3)), 'AutogradError');
  });

  test('one element in any number of dimensions does not', () => {
    const x = leaf(1, 1);
    x.mul(2).backward();
    expect(values(x.grad)).toEqual([[2]]);
  });

  test('no element at all does', () => {
    refused(() => (zeros([0], { requiresGrad: true }) as Tensor).mul(2).backward(), 'AutogradError');
  });

  test('what nothing recorded is refused', () => {
    refused(() => ones([]).backward(), 'AutogradError', /requiresGrad|does not require/);
    refused(() => ones([], { dtype: 'int64' }).backward(), 'AutogradError');
  });

  test('a leaf of one element is its own gradient path', () => {
    const x = leaf();
    x.backward();
    expect(values(x.grad)).toBe(1);
  });

  test('a complex result needs a gradient', () => {
    const z = ones([], { dtype: 'complex128', requiresGrad: true });
    refused(() => z.backward(), 'AutogradError', /complex/);
  });

  test('the gradient has the shape of the result, not one that broadcasts', () => {
    refused(
      () =>
        leaf(3)
          .mul(2)
          .backward(ones([2], { dtype: 'float64' })),
      'ShapeError',
      /\[2\].*\[3\]/,
    );
    refused(
      () =>
        leaf(3)
          .mul(2)
          .backward(ones([1], { dtype: 'float64' })),
      'ShapeError',
      /\[1\].*\[3\]/,
    );
  });

  test('a gradient of another dtype is cast', () => {
    const x = leaf(3);
    x.mul(2).backward(ones([3]));
    expect(x.grad?.dtype).toBe('float64');
  });

  test('a complex gradient for a real result is refused', () => {
    refused(
      () =>
        leaf(3)
          .mul(2)
          .backward(ones([3], { dtype: 'complex128' })),
      'DTypeError',
    );
  });

  test('a gradient may be an array of numbers, and nothing else that is no tensor', () => {
    const x = leaf(3);
    x.mul(2).backward([1, 2, 3]);
    expect(values(x.grad)).toEqual([2, 4, 6]);
    refused(() => x.mul(2).backward('1' as never), 'ArgumentError', /tensor/);
  });

  test('one gradient for each result', () => {
    const x = leaf(3);
    refused(() => grad([total(x), total(x)], x, [ones([], { dtype: 'float64' })]), 'ArgumentError');
  });

  test('several results at once accumulate once', () => {
    const x = leaf(2);
    const y = x.mul(3);
    backward([total(y), total(y.mul(2))]);
    expect(values(x.grad)).toEqual([9, 9]);
  });

  test('the same result twice counts twice', () => {
    const x = leaf(2);
    const y = total(x.mul(3));
    backward([y, y]);
    expect(values(x.grad)).toEqual([6, 6]);
  });

  test('a failing backward leaves the graph usable and the mode as it was', () => {
    const x = leaf(2);
    const y = x.mul(2);
    y.registerHook(() => {
      throw new Error('from the hook');
    });
    const loss = total(y);
    expect(() => loss.backward(null, { retainGraph: true })).toThrow('from the hook');
    expect(x.mul(2).requiresGrad).toBe(true);
    expect(() => loss.backward(null, { retainGraph: true })).toThrow('from the hook');
  });
});

describe('accumulation', () => {
  test('happens in place without createGraph', () => {
    const x = leaf(2);
    total(x.pow(2)).backward();
    const first = x.grad;
    total(x.pow(2)).backward();
    expect(x.grad === first).toBe(true);
    expect(values(first)).toEqual([4, 4]);
  });

  test('makes a new tensor with createGraph', () => {
    const x = leaf(2);
    total(x.pow(2)).backward(null, { createGraph: true });
    const first = x.grad;
    expect(first?.requiresGrad).toBe(true);
    total(x.pow(2)).backward(null, { createGraph: true });
    expect(x.grad === first).toBe(false);
    expect(x.grad?.requiresGrad).toBe(true);
    expect(values(x.grad)).toEqual([4, 4]);
    expect(values(first)).toEqual([2, 2]);
  });

  test('never takes over the memory of a gradient that was passed in', () => {
    const x = leaf(2);
    const g = ones([2], { dtype: 'float64' });
    x.backward(g);
    total(x.mul(5)).backward();
    expect(values(g)).toEqual([1, 1]);
    expect(values(x.grad)).toEqual([6, 6]);
  });

  test('does not share memory between leaves that get the same gradient', () => {
    const a = leaf(2);
    const b = leaf(2);
    total(a.add(b)).backward();
    total(a.mul(3)).backward();
    expect(values(a.grad)).toEqual([4, 4]);
    expect(values(b.grad)).toEqual([1, 1]);
  });

  test('of an expanded gradient gives every element memory of its own', () => {
    const x = leaf(3);
    total(x).backward();
    expect(x.grad?.isContiguous()).toBe(true);
    expect(x.grad?.stride()).toEqual([1]);
  });

  test('starts again when grad is set to null', () => {
    const x = leaf(2);
    total(x.mul(2)).backward();
    x.grad = null;
    total(x.mul(3)).backward();
    expect(values(x.grad)).toEqual([3, 3]);
  });

  test('sums over what broadcasting repeated', () => {
    const a = leaf(3, 1);
    const b = leaf(1, 4);
    total(a.mul(b)).backward();
    expect(a.grad?.shape).toEqual([3, 1]);
    expect(b.grad?.shape).toEqual([1, 4]);
    expect(values(a.grad)).toEqual([[4], [4], [4]]);
    expect(values(b.grad)).toEqual([[3, 3, 3, 3]]);
  });

  test('casts to the dtype of the leaf', () => {
    const x = ones([2], { requiresGrad: true });
    const y = leaf(2);
    total(x.mul(y)).backward();
    expect(x.grad?.dtype).toBe('float32');
    expect(y.grad?.dtype).toBe('float64');
  });

  test('one tensor used many times gets the sum', () => {
    const x = tensor([2], { requiresGrad: true, dtype: 'float64' });
    const y = x.mul(x).mul(x).add(x);
    total(y).backward();
    expect(values(x.grad)).toEqual([13]);
  });
});

describe('inputs of backward', () => {
  test('results may be named', () => {
    const x = leaf(3);
    const y = x.mul(2);
    total(y).backward(null, { inputs: [y] });
    expect(values(y.grad)).toEqual([1, 1, 1]);
    expect(x.grad).toBe(null);
  });

  test('only those named accumulate', () => {
    const a = leaf(2);
    const b = leaf(2);
    total(a.mul(b)).backward(null, { inputs: a });
    expect(values(a.grad)).toEqual([1, 1]);
    expect(b.grad).toBe(null);
  });

  test('an empty list is refused', () => {
    const x = leaf(3);
    refused(() => backward(total(x), null, { inputs: [] }), 'ArgumentError', /empty/);
  });

  test('what does not require a gradient is refused', () => {
    const x = leaf(3);
    const c = ones([3], { dtype: 'float64' });
    refused(() => total(x.mul(c)).backward(null, { inputs: [c] }), 'AutogradError', /does not require/);
  });
});

describe('grad', () => {
  test('does not touch the grad of leaves', () => {
    const x = leaf(2);
    expect(values(grad(total(x.mul(2)), x)[0] as never)).toEqual([2, 2]);
    expect(x.grad).toBe(null);
  });

  test('an input that the outputs do not depend on is refused', () => {
    refused(() => grad(total(leaf(3)), [leaf(3)]), 'AutogradError', /allowUnused/);
  });

  test('allowUnused gives null for it', () => {
    const x = leaf(3);
    const found = grad(total(x), [x, leaf(3)], null, { allowUnused: true });
    expect(found.map(values)).toEqual([[1, 1, 1], null]);
  });

  test('materializeGrads gives zeros for it', () => {
    const x = leaf(3);
    const found = grad(total(x), [x, leaf(3)], null, { materializeGrads: true });
    expect(found.map(values)).toEqual([
      [1, 1, 1],
      [0, 0, 0],
    ]);
  });

  test('materializeGrads contradicts allowUnused: false', () => {
    const x = leaf(3);
    refused(() => grad(total(x), [x], null, { materializeGrads: true, allowUnused: false }), 'ArgumentError');
  });

  test('an input that does not require a gradient is refused', () => {
    const x = leaf(3);
    const y = ones([3], { dtype: 'float64' });
    refused(() => grad(total(x.mul(y)), y), 'AutogradError', /does not require/);
  });

  test('an empty list of inputs is refused', () => {
    refused(() => grad(total(leaf(3)), []), 'ArgumentError', /empty/);
  });

  test('of a tensor by itself is one', () => {
    const x = leaf();
    expect(grad(x, x).map(values)).toEqual([1]);
  });

  test('an input named twice gets its gradient twice', () => {
    const x = leaf(2);
    expect(grad(total(x.mul(2)), [x, x]).map(values)).toEqual([
      [2, 2],
      [2, 2],
    ]);
  });

  test('by a result stops there', () => {
    const x = leaf(2);
    const y = x.mul(3);
    const z = total(y.pow(2));
    expect(grad(z, [y]).map(values)).toEqual([[6, 6]]);
  });

  test('by a result and what it is made of', () => {
    const x = leaf(2);
    const y = x.mul(3);
    const z = total(y.pow(2));
    expect(grad(z, [y, x]).map(values)).toEqual([
      [6, 6],
      [18, 18],
    ]);
  });

  test('retainGraph follows createGraph where it is not given', () => {
    const x = leaf(2);
    const y = total(x.pow(3));
    grad(y, x, null, { createGraph: true });
    expect(grad(y, x).map(values)).toEqual([[3, 3]]);
    refused(() => grad(y, x), 'AutogradError', /retainGraph/);
  });

  test('createGraph makes the gradient differentiable, to any order', () => {
    const x = tensor([2], { requiresGrad: true, dtype: 'float64' });
    let g = x.pow(4);
    for (const expected of [32, 48, 48, 24]) {
      g = grad(total(g), x, null, { createGraph: true })[0] as never;
      expect(values(g)).toEqual([expected]);
    }
  });

  test('the gradient of a gradient by its cotangent', () => {
    const x = leaf(3);
    const w = leaf(3);
    const [g] = grad(x.pow(3), x, w, { createGraph: true });
    expect(grad(total(g as never), w).map(values)).toEqual([[3, 3, 3]]);
  });

  test('inside a hook, while another backward runs', () => {
    const x = leaf(2);
    const z = leaf(2);
    const y = x.mul(1);
    y.registerHook((g: Tensor) => {
      const [inner] = autograd.enableGrad(() => grad(total(z.mul(z)), z));
      return g.mul(inner as never);
    });
    total(y).backward();
    expect(values(x.grad)).toEqual([2, 2]);
  });
});
