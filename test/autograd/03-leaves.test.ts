import { describe, expect, test, vi } from 'vitest';
import {
  arange,
  autograd,
  cat,
  enableGrad,
  inferenceMode,
  noGrad,
  ones,
  onesLike,
  randnLike,
  sin,
  Tensor,
  tensor,
  Variable,
  zeros,
} from '../../src/index.ts';
import { leaf, refused, total, values } from '../engine/support.ts';

const { graph } = autograd;
const row = (...elements: number[]): Tensor => tensor(elements, { dtype: 'float64', requiresGrad: true });

describe('what requires a gradient', () => {
  test('test_requires_grad: it spreads from operands to results, and no hook runs on what requires none', () => {
    const x = ones([2]);
    const y = ones([2]);
    const z = leaf(2);
    const a = x.add(y);
    expect(a.requiresGrad).toBe(false);
    const b = a.to('float64').add(z);
    expect(b.requiresGrad).toBe(true);
    refused(() => a.registerHook(() => undefined), 'AutogradError', /does not require a gradient/);
    total(b).backward();
    expect([a.grad, x.grad, values(z.grad)]).toEqual([null, null, [1, 1]]);
    z.requiresGrad = false;
    let ran = 0;
    const w = leaf(2);
    const hook = w.registerHook(() => void ran++);
    hook.remove();
    w.requiresGrad = false;
    total(w.add(leaf(2))).backward();
    expect(ran).toBe(0);
  });

  test('test_requires_grad_: it returns the tensor; a result cannot stop requiring one, asking it to start changes nothing', () => {
    const x = ones([2]);
    expect(x.requiresGrad_()).toBe(x);
    expect(x.requiresGrad).toBe(true);
    expect(x.requiresGrad_(false)).toBe(x);
    expect(x.requiresGrad).toBe(false);
    const y = leaf(2).mul(2);
    refused(() => y.requiresGrad_(false), 'AutogradError', /detach/);
    refused(() => (y.requiresGrad = false), 'AutogradError', /detach/);
    expect(y.requiresGrad_(true)).toBe(y);
    expect([y.requiresGrad, y.isLeaf]).toEqual([true, false]);
  });

  test('test_requires_grad_inplace: a tensor takes it over from what is written into it, leaf or not', () => {
    const a = ones([2, 2], { dtype: 'float64' });
    a.add_(leaf(2, 2));
    expect([a.requiresGrad, a.isLeaf]).toEqual([true, false]);
    const b = ones([2, 2], { dtype: 'float64' }).mul(2);
    b.add_(leaf(2, 2));
    expect([b.requiresGrad, b.isLeaf]).toEqual([true, false]);
  });

  test('test_no_requires_grad_inplace: constants may be written, and not any more when they have become leaves, nor through views', () => {
    const a = ones([2, 2]);
    a.add_(5);
    a.requiresGrad = true;
    total(a).backward();
    expect(values(a.grad)).toEqual([
      [1, 1],
      [1, 1],
    ]);
    refused(() => a.add_(5), 'InPlaceError', /leaf/);
    const b = ones([2, 2]);
    const view = b.select(0, 0);
    view.add_(5);
    b.requiresGrad = true;
    refused(() => view.add_(5), 'InPlaceError', /leaf/);
    refused(() => b.select(0, 0).add_(5), 'InPlaceError', /leaf/);
    expect(values(b)).toEqual([
      [6, 6],
      [1, 1],
    ]);
  });

  test('test_set_requires_grad_only_for_floats: integers and booleans refuse it, floating and complex tensors take it', () => {
    for (const dtype of ['int64', 'int32', 'int16', 'int8', 'uint8', 'bool'] as const) {
      const x = ones([1], { dtype });
      refused(() => x.requiresGrad_(), 'DTypeError', new RegExp(`${dtype}.*only floating and complex`));
      refused(() => (x.requiresGrad = true), 'DTypeError', /only floating and complex/);
      refused(() => ones([1], { dtype, requiresGrad: true }), 'DTypeError', /only floating and complex/);
      expect([x.requiresGrad, x.requiresGrad_(false).requiresGrad]).toEqual([false, false]);
    }
    for (const dtype of ['float64', 'float32', 'float16', 'bfloat16', 'complex64', 'complex128'] as const)
      expect([ones([1], { dtype }).requiresGrad_().requiresGrad, ones([1], { dtype, requiresGrad: true }).requiresGrad]).toEqual([
        true,
        true,
      ]);
  });

  test('test_requires_grad_factory: what makes a tensor like another takes the option and keeps the dtype', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      const x = ones([2, 3], { dtype });
      for (const like of [onesLike, randnLike])
        for (const requiresGrad of [true, false]) {
          const y = like(x, { requiresGrad });
          expect([y.requiresGrad, y.dtype, y.shape]).toEqual([requiresGrad, dtype, [2, 3]]);
        }
      expect(onesLike(x, { dtype: 'float64', requiresGrad: true }).dtype).toBe('float64');
      expect(onesLike(leaf(2)).requiresGrad).toBe(false);
    }
  });
});

describe('detach', () => {
  test('test_detach: cuts the graph, in place too, and views refuse the latter', () => {
    const x = row(1, 2);
    const y = x.add(2);
    const detached = y.detach();
    expect([detached.requiresGrad, detached.gradFn, y.requiresGrad]).toEqual([false, null, true]);
    const z = detached.requiresGrad_();
    total(z.mul(x)).backward();
    expect([values(x.grad), values(z.grad)]).toEqual([
      [3, 4],
      [1, 2],
    ]);
    const w = x.mul(3);
    w.detach_();
    expect([w.requiresGrad, w.isLeaf, w.gradFn, values(w)]).toEqual([false, true, null, [3, 6]]);
    refused(() => x.mul(1).narrow(0, 0, 1).detach_(), 'InPlaceError', /is a view.*detach\(\)/);
    refused(() => ones([2]).narrow(0, 0, 1).detach_(), 'InPlaceError', /is a view/);
  });

  test('test_detach_base: detaching a base in place leaves its views attached', () => {
    const x = row(1, 2);
    const y = x.mul(2);
    const view = y.narrow(0, 0, 1);
    y.detach_();
    expect([y.requiresGrad, y.gradFn, view.requiresGrad, view.gradFn?.name]).toEqual([false, null, true, 'SliceBackward']);
    total(view).backward();
    expect(values(x.grad)).toEqual([2, 0]);
  });

  test('test_detach_then_inplace_raises_in_autograd: a write through a detached handle is counted for both', () => {
    const x = row(1, 2);
    const y = x.mul(1);
    const z = y.pow(2);
    y.detach().zero_();
    expect(y.version).toBe(1);
    refused(() => total(z).backward(), 'AutogradError', /changed in place.*zero_/);
  });
});

describe('assignment', () => {
  test('test_leaf_assignment: a constant that takes tracked elements becomes a result, and gradients go to them', () => {
    const x = ones([5], { dtype: 'float64' });
    const y = row(2);
    const z = row(4);
    x.set([0], y.sum());
    x.set([1], z.sum());
    expect([x.requiresGrad, x.isLeaf, x.gradFn === null]).toEqual([true, false, false]);
    total(x.mul(tensor([2, 3, 4, 5, 6], { dtype: 'float64' }))).backward();
    expect([values(y.grad), values(z.grad)]).toEqual([[2], [3]]);
  });

  test('test_no_grad_assignment: under noGrad it stays a leaf', () => {
    const x = leaf(5);
    noGrad(() => x.set([0], row(7).sum()));
    expect([x.requiresGrad, x.isLeaf, values(x)]).toEqual([true, true, [7, 1, 1, 1, 1]]);
  });

  test('test_copy_: copying into a lower precision keeps what requires a gradient', () => {
    for (const dtype of ['float32', 'float16', 'bfloat16'] as const) {
      const source = ones([10], { dtype, requiresGrad: true });
      for (const target of ['float32', 'float16', 'bfloat16'] as const) {
        const x = zeros([10], { dtype: target }).copy_(source);
        expect([x.requiresGrad, x.dtype]).toEqual([true, target]);
        total(x).backward();
        expect(source.grad?.dtype).toBe(dtype);
      }
    }
  });
});

describe('versions', () => {
  test('test_no_grad_modifies_version: a write under noGrad is counted', () => {
    const x = row(1, 2);
    const y = x.mul(1);
    const z = y.pow(2);
    noGrad(() => y.add_(1));
    expect(y.version).toBe(1);
    refused(() => total(z).backward(), 'AutogradError', /changed in place.*last by add_.*shape \[2\]/);
  });

  test('test_version_counter: writes count, views count with their base, and assigned data count on from there', () => {
    const x: Tensor = ones([1, 2]);
    const saved = x.version;
    x.add_(1);
    expect(x.version).toBeGreaterThan(saved);
    x.add_(1);
    expect(x.version).toBe(2);
    const view = x.narrow(1, 0, 1);
    expect(view.version).toBe(x.version);
    view.add_(1);
    expect([x.version, view.version]).toEqual([3, 3]);
    const y = ones([3]);
    y.add_(1);
    x.data = y;
    expect([x.version, y.version]).toEqual([3, 1]);
    x.add_(1);
    expect([x.version, y.version, values(y)]).toEqual([4, 1, [3, 3, 3]]);
  });

  test('test_increment_version: counts one by hand, and leaves inference tensors alone', () => {
    const x = row(1, 2);
    const y = x.mul(1);
    const z = y.pow(2);
    graph.incrementVersion(y);
    expect(y.version).toBe(1);
    refused(() => total(z).backward(), 'AutogradError', /changed in place.*incrementVersion/);
    graph.incrementVersion([x, x, y]);
    expect([x.version, y.version]).toEqual([2, 2]);
    const inference = inferenceMode(() => ones([1]));
    graph.incrementVersion(inference);
    expect(inference.isInference()).toBe(true);
    refused(
      () => graph.incrementVersion(3 as never),
      'ArgumentError',
      /^incrementVersion: expected a tensor or a list of tensors, got .*3/,
    );
    refused(() => graph.incrementVersion([x, 3 as never]), 'ArgumentError', /expected a tensor or a list/);
    expect(x.version).toBe(2);
    const cell = ones([2, 2], { dtype: 'float64', requiresGrad: true }).mul(1);
    const square = cell.pow(2);
    cell.narrow(0, 0, 1).add_(0);
    graph.incrementVersion(cell.narrow(1, 0, 1));
    refused(() => total(square).backward(), 'AutogradError', /incrementVersion.*\[2, 1\]/s);
  });

  test('test_unsafe_set_version_counter: a version can be kept over a write, or set, but not below zero', () => {
    const x = row(2, 3);
    const y = x.mul(1);
    const z = y.mul(y);
    graph.unsafePreserveVersionCounter(y, () => {
      noGrad(() => y.mul_(2));
      expect(y.version).toBe(1);
    });
    expect(y.version).toBe(0);
    total(z).backward();
    expect(values(x.grad)).toEqual([8, 12]);
    const [a, b] = [ones([1]), ones([2])];
    graph.unsafePreserveVersionCounter([a, b], () => {
      a.add_(1);
      b.add_(1);
    });
    expect([a.version, b.version]).toEqual([0, 0]);
    graph.unsafeSetVersionCounter([a, b], [7, 0]);
    expect([a.version, b.version]).toEqual([7, 0]);
    refused(() => graph.unsafeSetVersionCounter([b, a], [3, -1]), 'ArgumentError', /from 0 on, got -1/);
    refused(() => graph.unsafeSetVersionCounter([a], []), 'ArgumentError', /^unsafeSetVersionCounter: 0 versions for 1 tensors: give one/);
    refused(
      () => graph.unsafeSetVersionCounter([b, a], [3, 0.5]),
      'ArgumentError',
      /^unsafeSetVersionCounter: a version is .* from 0 on, got 0\.5 for .*\[1\]/,
    );
    refused(() => graph.unsafeSetVersionCounter(3 as never, []), 'ArgumentError', /^unsafeSetVersionCounter: expected a tensor or a list/);
    refused(() => graph.unsafePreserveVersionCounter(3 as never, () => 0), 'ArgumentError', /^unsafePreserveVersionCounter: expected/);
    expect([a.version, b.version]).toEqual([7, 0]);
    graph.unsafeSetVersionCounter([b], [5]);
    graph.unsafeSetVersionCounter([b], [0]);
    expect(b.version).toBe(0);
    const fail = (): never => {
      a.add_(1);
      throw new Error('inside');
    };
    expect(() => graph.unsafePreserveVersionCounter(a, fail)).toThrow('inside');
    expect([a.version, graph.unsafePreserveVersionCounter(a, () => a.add_(1).version)]).toEqual([7, 8]);
    const inference = inferenceMode(() => ones([1]));
    for (const version of [0, 1])
      refused(
        () => graph.unsafeSetVersionCounter([b, inference], [3, version]),
        'AutogradError',
        /^unsafeSetVersionCounter: .*inferenceMode.*not counted/,
      );
    expect(graph.unsafePreserveVersionCounter([inference, b], () => inferenceMode(() => inference.add_(1)).isInference())).toBe(true);
    expect(b.version).toBe(0);
  });

  test('test_resize_version_bump: resizing counts where it changes something', () => {
    const x = ones([3]);
    const y = ones([3]);
    x.resize_([3]);
    x.resizeAs_(y);
    expect(x.version).toBe(0);
    x.resize_([2]);
    expect(x.version).toBe(1);
    x.resizeAs_(y);
    expect(x.version).toBe(2);
  });
});

describe('data', () => {
  test('test_set_data_preserve_pyobj: assigning data keeps the handles what they are', () => {
    const a = ones([1, 2]);
    const b = zeros([1, 2]);
    const handle = b;
    b.data = a;
    expect(handle).toBe(b);
    expect([values(handle), values(a)]).toEqual([[[1, 1]], [[1, 1]]]);
    b.add_(1);
    expect(values(a)).toEqual([[2, 2]]);
  });

  test('test_set_data_self_requires_grad: a tensor that requires a gradient cannot get integers, one that does not can', () => {
    const a = leaf(1);
    refused(() => (a.data = ones([1], { dtype: 'int32' })), 'DTypeError', /int32.*requires a gradient.*floating and complex/);
    refused(() => (leaf(1).mul(2).data = ones([1], { dtype: 'int64' })), 'DTypeError', /int64/);
    expect([values(a), a.dtype]).toEqual([[1], 'float64']);
    const b: Tensor = ones([1]);
    b.data = ones([2], { dtype: 'int64' });
    expect([b.dtype, b.shape]).toEqual(['int64', [2]]);
    a.data = ones([2], { dtype: 'float32' });
    total(a.mul(3)).backward();
    expect([a.grad?.dtype, values(a.grad)]).toEqual(['float32', [3, 3]]);
    refused(() => (a.data = 3 as never), 'ArgumentError', /data: expected a tensor/);
  });

  test('data that a graph saved are checked for writes through themselves', () => {
    const w = row(1, 1);
    const d = row(2, 3).mul(1).data;
    const z = w.mul(d);
    d.add_(1);
    expect(d.version).toBe(1);
    refused(() => total(z).backward(), 'AutogradError', /changed in place/);
  });

  test('writes through data are seen by writes that read the tensor itself', () => {
    const x = tensor([1, 2, 3, 4, 5]);
    x.narrow(0, 1, 4).add_(x.data.narrow(0, 0, 4));
    expect(values(x)).toEqual([1, 3, 5, 7, 9]);
  });

  test('test_parameter_resize: a leaf may be set to other elements under noGrad, and is used and differentiated as they are', () => {
    const asd = leaf(16);
    for (let i = 0; i < 2; i++) {
      noGrad(() => asd.set_(asd.narrow(0, 1, 15 - i)));
      asd.grad = null;
      const m = cat([asd, asd]);
      total(m).backward();
      expect([asd.shape, asd.isLeaf, values(asd.grad)]).toEqual([[15 - i], true, Array.from({ length: 15 - i }, () => 2)]);
    }
    refused(() => asd.set_(ones([3], { dtype: 'float64' })), 'InPlaceError', /leaf/);
    refused(() => noGrad(() => asd.set_(ones([3]))), 'DTypeError', /set_/);
    const result = leaf(2).mul(2);
    refused(() => noGrad(() => result.set_(leaf(2))), 'InPlaceError', /history/);
  });
});

describe('reading values', () => {
  test('test_numpy_requires_grad: copies are taken of any tensor, since they cannot be written back', () => {
    const x = leaf(2);
    const copy = x.toTypedArray();
    copy[0] = 9;
    expect([values(x), x.toArray()]).toEqual([
      [1, 1],
      [1, 1],
    ]);
    refused(() => x.withData((view) => void (view[0] = 9), { write: true }), 'InPlaceError', /noGrad/);
    noGrad(() => x.withData((view) => void (view[0] = 9), { write: true }));
    expect([values(x), x.version]).toEqual([[9, 1], 1]);
  });

  test('test_shape: the sizes can be read', () => {
    const x = leaf(3, 4);
    expect([x.shape, x.ndim, x.shape[1], x.size]).toEqual([[3, 4], 2, 4, 12]);
  });

  test('test_type_conversions: casts are differentiated where both sides have gradients, which come back in the dtype of the source', () => {
    const x = tensor([1.5, 2.5], { requiresGrad: true });
    expect([x.long().requiresGrad, x.int().requiresGrad, x.bool().requiresGrad, x.double().requiresGrad]).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(x.float()).toBe(x);
    expect(x.to('float32')).toBe(x);
    total(x.double().mul(3).half().float()).backward();
    expect([x.grad?.dtype, values(x.grad)]).toEqual(['float32', [3, 3]]);
    const y = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
    total(y.float().pow(2)).backward();
    expect([y.grad?.dtype, values(y.grad)]).toEqual(['float64', [2, 4]]);
    expect(y.to('bfloat16').dtype).toBe('bfloat16');
    expect([values(x.long()), values(x.bool())]).toEqual([
      [1, 2],
      [true, true],
    ]);
  });

  test('test_pyscalar_conversions: the one element of a tensor as a JavaScript value', () => {
    for (const value of [0, 1, -2.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const x = tensor([value], { dtype: 'float64', requiresGrad: true });
      expect(x.item()).toBe(value);
      expect(x.isNonzero()).toBe(value !== 0);
    }
    expect([tensor([[3]], { dtype: 'int64' }).item(), tensor(true).item()]).toEqual([3, true]);
    expect([tensor(5n).toBigInt(), tensor(2n ** 60n).toBigInt()]).toEqual([5n, 2n ** 60n]);
    refused(() => (ones([2]) as Tensor).item(), 'ShapeError', /2 elements/);
    refused(() => ones([2]).isNonzero(), 'ShapeError', /2 elements/);
    refused(() => +(ones([1]) as unknown as number), 'AutogradError', /item\(\)/);
  });

  test('test_to_r_to_c: a real tensor cast to complex gets the real part of the gradient', () => {
    const source = ones([2], { requiresGrad: true });
    source.to('complex64').backward(
      tensor(
        [
          { re: 3, im: 4 },
          { re: 5, im: 6 },
        ],
        { dtype: 'complex64' },
      ),
    );
    expect([source.grad?.dtype, values(source.grad)]).toEqual(['float32', [3, 5]]);
  });
});

describe('recorded behaviours of leaves', () => {
  test('behaviour leaf_inplace: refused', () => {
    const x = leaf(3);
    refused(() => x.add_(1), 'InPlaceError', /leaf/);
    expect([values(x), x.version]).toEqual([[1, 1, 1], 0]);
  });
  test('behaviour leaf_view_inplace: refused', () => {
    const x = leaf(3);
    refused(() => x.narrow(0, 0, 1).add_(1), 'InPlaceError', /leaf/);
    expect([values(x), x.version]).toEqual([[1, 1, 1], 0]);
  });
  test('behaviour leaf_setitem: refused', () => {
    const x = leaf(3);
    refused(() => x.set([0], 1), 'InPlaceError', /leaf/);
    expect(x.version).toBe(0);
  });
  test('behaviour leaf_inplace_nograd: allowed, and counted', () => {
    const x = leaf(3);
    noGrad(() => x.add_(1));
    expect([values(x), x.version, x.isLeaf, x.requiresGrad]).toEqual([[2, 2, 2], 1, true, true]);
  });
  test('behaviour set_requires_grad_int: refused', () => {
    refused(() => ones([3], { dtype: 'int64' }).requiresGrad_(), 'DTypeError', /int64/);
  });
  test('behaviour ctor_requires_grad_int: refused', () => {
    refused(() => ones([3], { dtype: 'int64', requiresGrad: true }), 'DTypeError', /int64/);
  });
  test('behaviour set_requires_grad_false_nonleaf: refused', () => {
    refused(() => leaf(3).mul(2).requiresGrad_(false), 'AutogradError', /detach/);
  });
  test('behaviour set_requires_grad_true_nonleaf: changes nothing', () => {
    expect(leaf(3).mul(2).requiresGrad_(true).requiresGrad).toBe(true);
  });
  test('behaviour assign_grad_fn: refused', () => {
    const x = leaf(3) as unknown as { gradFn: unknown };
    expect(() => {
      x.gradFn = null;
    }).toThrow(TypeError);
  });
  test('behaviour assign_is_leaf: refused', () => {
    const x = leaf(3) as unknown as { isLeaf: unknown };
    expect(() => {
      x.isLeaf = false;
    }).toThrow(TypeError);
  });
  test('behaviour detach_inplace_view: refused', () => {
    refused(() => leaf(3).mul(2).narrow(0, 0, 1).detach_(), 'InPlaceError', /view/);
  });
  test('behaviour detach_inplace: makes a leaf', () => {
    const x = leaf(3).mul(2);
    x.detach_();
    expect([x.requiresGrad, x.isLeaf]).toEqual([false, true]);
  });
  test('behaviour numpy_on_rg: arrays are copies here, so they are given; an array to write into is refused', () => {
    const x = leaf(3);
    expect(Array.from(x.toTypedArray() as Float64Array)).toEqual([1, 1, 1]);
    refused(() => x.withData(() => undefined, { write: true }), 'InPlaceError', /noGrad/);
  });
  test('behaviour tolist/item on rg: allowed', () => {
    expect([leaf(1).item(), leaf(2).toArray()]).toEqual([1, [1, 1]]);
  });
  test('behaviour float() of rg 1-elem: item() reads it, an arithmetic operator is refused', () => {
    expect(leaf(1).item()).toBe(1);
    refused(() => Number(leaf(1)), 'AutogradError', /item\(\)/);
  });
  test('behaviour x.data shares storage not version: so it is', () => {
    const x = leaf(2);
    const d = x.data;
    d.add_(1);
    expect([values(x), x.requiresGrad, x.version, d.version, d.requiresGrad]).toEqual([[2, 2], true, 0, 1, false]);
  });
  test('behaviour x.data = incompatible dtype: refused', () => {
    const x = leaf(2);
    refused(() => (x.data = zeros([2], { dtype: 'int64' })), 'DTypeError', /int64/);
    expect(values(x)).toEqual([1, 1]);
  });
  test('behaviour x.detach shares version: so it is', () => {
    const x = ones([2]);
    x.detach().add_(1);
    expect(x.version).toBe(1);
  });
  test('behaviour is_leaf table: what is a leaf', () => {
    const x = leaf(2);
    expect([
      x.isLeaf,
      x.mul(2).isLeaf,
      ones([2]).isLeaf,
      ones([2]).mul(2).isLeaf,
      x.detach().isLeaf,
      ones([2]).mul(2).requiresGrad_().isLeaf,
    ]).toEqual([true, false, true, true, true, true]);
  });
  test('behaviour Variable legacy: a Variable is a tensor', () => {
    const v = new Variable(ones([2], { dtype: 'float64' }), { requiresGrad: true });
    total(v.mul(v)).backward();
    expect([v.constructor, v instanceof Variable, v instanceof Tensor, v.data.requiresGrad, values(v.grad), v.gradFn]).toEqual([
      Tensor,
      true,
      true,
      false,
      [2, 2],
      null,
    ]);
  });
  test('behaviour Variable volatile: the option of old does nothing but warn', () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const v = new Variable(ones([2]), { volatile: true } as never);
    expect(v.requiresGrad).toBe(false);
    expect(String(warned.mock.calls[0])).toMatch(/volatile.*noGrad/);
    warned.mockRestore();
  });
  test('test_volatile_deprecated: nothing is volatile any more, and other unknown options are refused', () => {
    expect('volatile' in leaf(2)).toBe(false);
    refused(() => Variable(ones([2]), { volatil: true } as never), 'ArgumentError', /unknown option 'volatil'/);
  });
  test('integer operands of differentiable functions do not require a gradient', () => {
    expect([sin(arange(3)).requiresGrad, enableGrad(() => arange(3).requiresGrad)]).toEqual([false, false]);
  });
});
