import { describe, expect, test, vi } from 'vitest';
import { autograd, grad, manualSeed, noGrad, ones, rand, randn, type Tensor, tensor, zeros } from '../../src/index.ts';
import { perform } from '../../src/tensor/apply.ts';
import { mode } from '../../src/tensor/modes.ts';
import { leaf, refused, total, values } from '../engine/support.ts';
import { close } from './close.ts';

const constant = (...shape: number[]): Tensor => ones(shape, { dtype: 'float64' });
const random = (...shape: number[]): Tensor => rand(shape, { dtype: 'float64' });

describe('accumulation', () => {
  test('test_accumulate_grad: the second time in place, in the same tensor; with createGraph into a new one', () => {
    for (const createGraph of [false, true]) {
      const x = leaf(5, 5);
      const y = x.add(2);
      y.backward(constant(5, 5), { retainGraph: true });
      const first = x.grad as Tensor;
      y.backward(constant(5, 5), { createGraph });
      expect(x.grad === first).toBe(!createGraph);
      close(x.grad, constant(5, 5).mul(2));
      close(first, constant(5, 5).mul(createGraph ? 1 : 2));
    }
  });

  test('test_accumulate_grad_with_zero_numel_grad: broadcasting with a size of 0 gives zeros of the right shapes', () => {
    const a = leaf(4, 0);
    const b = leaf(4, 1);
    const c = a.add(b);
    expect(c.shape).toEqual([4, 0]);
    total(c).backward();
    close(b.grad, zeros([4, 1]));
    close(a.grad, zeros([4, 0]));
  });

  test('behaviour create_graph backward warning + accumulation out of place: a new tensor that requires a gradient; there is no warning', () => {
    const warned = vi.spyOn(console, 'warn');
    const x = leaf(2);
    total(x.pow(2)).backward(null, { createGraph: true });
    const first = x.grad;
    total(x.pow(2)).backward(null, { createGraph: true });
    expect([x.grad === first, x.grad?.requiresGrad, values(x.grad), values(first)]).toEqual([false, true, [4, 4], [2, 2]]);
    expect(warned.mock.calls).toEqual([]);
    warned.mockRestore();
  });

  test('behaviour accumulate in place no create_graph: the same tensor, also where a recorded gradient was there', () => {
    const x = leaf(2);
    total(x.pow(2)).backward();
    const first = x.grad;
    total(x.pow(2)).backward();
    expect([x.grad === first, values(first)]).toEqual([true, [4, 4]]);
    const y = leaf(2);
    total(y.pow(2)).backward(null, { createGraph: true });
    const recorded = y.grad;
    total(y.pow(2)).backward();
    expect([y.grad === recorded, y.grad?.requiresGrad, values(y.grad)]).toEqual([true, true, [4, 4]]);
  });

  test('a write of the accumulation is counted: what saved the old gradient says so', () => {
    const x = leaf(2);
    total(x.pow(3)).backward(null, { createGraph: true });
    const square = total((x.grad as Tensor).pow(2));
    total(x.pow(3)).backward();
    refused(() => square.backward(), 'AutogradError', /changed in place/);
  });

  test('behaviour grad steals gradient: x.grad aliases passed gradient?: it does not', () => {
    const x = leaf(2);
    const g = constant(2);
    x.backward(g);
    x.backward(g);
    expect([values(g), values(x.grad)]).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  test('test_no_grad_copy: the buffer that the engine made is taken over by one leaf, and never shared by two', () => {
    const [a, b] = [leaf(5, 6), leaf(5, 6)];
    const made: unknown[] = [];
    // What each node returns, seen without holding it: a hook would make the engine copy.
    mode.observer = {
      apply: (operator, inputs, params) => perform(operator, inputs, params),
      write: (_name, _target, write) => write(),
      call: (_name, _pure, _inputs, forward) => forward(),
      visit: (node, grads, keep) => {
        const found = node.run(grads, keep);
        made.push(...found.map((g) => g?.storage));
        return found;
      },
    };
    try {
      total(a.add(b).mul(random(5, 6))).backward();
    } finally {
      mode.observer = null;
    }
    const [sa, sb] = [a.grad?.storage, b.grad?.storage];
    expect(sa === sb).toBe(false);
    expect(made.includes(sa) || made.includes(sb)).toBe(true);
    const c = leaf(5, 6);
    total(c).backward();
    expect([c.grad?.isContiguous(), c.grad?.stride()]).toEqual([true, [6, 1]]);
  });

  test('a gradient that a user function returned is copied, since it may have kept it', () => {
    let kept: Tensor | null = null;
    class Keep extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor): Tensor {
        return x.mul(1);
      }
      static backward(_context: autograd.FunctionContext, g: Tensor): Tensor {
        kept = g.mul(2);
        return kept;
      }
    }
    const x = leaf(2);
    total(Keep.apply(x) as Tensor).backward();
    total(x.mul(5)).backward();
    expect([values(kept), values(x.grad)]).toEqual([
      [2, 2],
      [7, 7],
    ]);
  });

  test('leaves that get the same gradient do not share memory', () => {
    const [a, b] = [leaf(2), leaf(2)];
    total(a.add(b)).backward();
    total(a.mul(3)).backward();
    expect([values(a.grad), values(b.grad)]).toEqual([
      [4, 4],
      [1, 1],
    ]);
  });

  test('a gradient that was taken out is not written into by what follows', () => {
    const x = leaf(2);
    const y = x.mul(1);
    const [g] = grad(total(y), y);
    total(x.mul(7)).backward();
    expect(values(g)).toEqual([1, 1]);
  });

  test('one tensor used many times gets the sum', () => {
    const x = tensor([2], { requiresGrad: true, dtype: 'float64' });
    x.mul(x).mul(x).add(x).backward();
    expect(values(x.grad)).toEqual([13]);
  });

  test('starts again when grad is set to null', () => {
    const x = leaf(2);
    total(x.mul(2)).backward();
    x.grad = null;
    total(x.mul(3)).backward();
    expect(values(x.grad)).toEqual([3, 3]);
  });

  test('behaviour broadcast reduces grads (sum_to_size): to the shape of each operand', () => {
    const [a, b] = [leaf(3, 1), leaf(1, 4)];
    total(a.mul(b)).backward();
    expect([values(a.grad), values(b.grad)]).toEqual([[[4], [4], [4]], [[3, 3, 3, 3]]]);
  });

  test('gradients have the dtype of their leaf', () => {
    const [x, y] = [ones([2], { requiresGrad: true }), leaf(2)];
    total(x.mul(y)).backward();
    expect([x.grad?.dtype, y.grad?.dtype]).toEqual(['float32', 'float64']);
  });
});

describe('layout', () => {
  test('test_strided_leaf_grad_layout: as the leaf where that is dense, in row-major order otherwise', () => {
    manualSeed(0);
    const layouts = [(x: Tensor): Tensor => x, (x: Tensor): Tensor => x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)];
    for (const layA of layouts) {
      for (const layB of layouts) {
        const [a, b] = [layA(random(2, 3, 4, 5)).requiresGrad_(), layB(random(2, 3, 4, 5)).requiresGrad_()];
        total(a).backward();
        total(b).backward();
        expect([a.grad?.stride(), b.grad?.stride()]).toEqual([a.stride(), b.stride()]);
        a.grad = null as Tensor | null;
        b.grad = null as Tensor | null;
        total(a.mul(b)).backward();
        expect([a.grad?.stride(), b.grad?.stride()]).toEqual([a.stride(), b.stride()]);
        close(a.grad, b);
        close(b.grad, a);
        total(a.mul(b)).backward();
        close(a.grad, b.mul(2));
      }
    }
    const c = random(2, 4).narrow(1, 0, 2).detach().requiresGrad_();
    expect(c.stride()).toEqual([4, 1]);
    total(c).backward();
    expect(c.grad?.stride()).toEqual([2, 1]);
    c.grad = null as Tensor | null;
    const d = random(2, 2);
    total(c.mul(d)).backward();
    expect(c.grad?.stride()).toEqual([2, 1]);
    close(c.grad, d);
  });

  test('a gradient that was assigned keeps its layout, and its identity where it can be written', () => {
    const x = leaf(2, 3);
    const assigned = constant(3, 2).T;
    x.grad = assigned;
    total(x.mul(2)).backward();
    expect([x.grad === assigned, values(assigned.sum())]).toEqual([true, 18]);
    const y = leaf(3);
    y.grad = constant(1).expand(3);
    total(y.mul(tensor([1, 2, 3], { dtype: 'float64' }))).backward();
    expect(values(y.grad)).toEqual([2, 3, 4]);
  });

  test('test_mv_grad_stride_0: a product with an expanded vector passes gradcheck', () => {
    manualSeed(0);
    const matrix = randn([2, 2], { dtype: 'float64' });
    const vector = randn([1], { dtype: 'float64', requiresGrad: true });
    expect(autograd.gradcheck((v: Tensor) => matrix.mv(v.expand(2)), [vector])).toBe(true);
  });
});

describe('the grad of a tensor', () => {
  test('test_tensor_grad_warnings: reading it warns once for a result, and neither for a leaf nor after retainGrad', () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const x = leaf(3);
    const said = (): number => warned.mock.calls.length;
    expect([x.grad, said()]).toEqual([null, 0]);
    total(x).backward();
    expect([values(x.grad), said()]).toEqual([[1, 1, 1], 0]);
    const kept = x.mul(2);
    kept.retainGrad();
    expect([kept.grad, said()]).toEqual([null, 0]);
    const y = x.mul(2);
    expect([y.grad, said()]).toEqual([null, 1]);
    expect(String(warned.mock.calls[0]?.[0])).toMatch(/grad: a tensor of shape \[3\].*made by Mul.*retainGrad\(\)/);
    expect([y.grad, x.mul(3).grad, said()]).toEqual([null, null, 1]);
    warned.mockRestore();
  });

  test('behaviour access_grad_nonleaf: null', () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    expect(leaf(3).mul(2).grad).toBe(null);
    warned.mockRestore();
  });

  test('test_grad_assignment: a tensor of the same shape and dtype, another than the tensor itself', () => {
    const x = leaf(5, 5);
    refused(() => (x.grad = 1 as never), 'ArgumentError', /assign a tensor or null, got the number 1/);
    refused(() => (x.grad = constant(2, 2)), 'ShapeError', /\[2, 2\].*\[5, 5\]/);
    refused(() => (x.grad = ones([5, 5])), 'DTypeError', /float32.*float64.*gradDtype/);
    refused(() => (x.grad = x), 'AutogradError', /its own gradient.*clone/);
    expect(x.grad).toBe(null);
    const g = constant(5, 5);
    x.grad = g;
    expect(x.grad).toBe(g);
    x.grad = null;
    expect(x.grad).toBe(null);
    const half = zeros([1], { dtype: 'bfloat16', requiresGrad: true });
    half.grad = ones([1], { dtype: 'bfloat16' });
    expect(values(half.grad)).toEqual([1]);
  });

  test('behaviour assign_grad_wrong_shape: refused', () => {
    refused(() => (leaf(3).grad = constant(2)), 'ShapeError');
  });

  test('behaviour assign_grad_wrong_dtype: refused', () => {
    refused(() => (leaf(3).grad = ones([3])), 'DTypeError');
  });

  test('behaviour assign_grad_self: refused', () => {
    const x = leaf(3);
    refused(() => (x.grad = x), 'AutogradError');
  });

  test('behaviour assign_grad_nontensor: refused', () => {
    refused(() => (leaf(3).grad = 1 as never), 'ArgumentError');
  });

  test('behaviour assign_grad_fn: refused', () => {
    expect(() => ((leaf(3) as { gradFn: unknown }).gradFn = null)).toThrow(TypeError);
  });

  test('behaviour del_grad: null and undefined clear it', () => {
    const x = leaf(3);
    x.grad = constant(3);
    x.grad = undefined as never;
    expect(x.grad).toBe(null);
  });

  test('test_attribute_deletion: grad can be cleared; the other members can be neither cleared nor deleted', () => {
    const x = leaf(5, 5);
    x.grad = constant(5, 5);
    x.grad = null;
    expect(x.grad).toBe(null);
    refused(() => (x.data = null as never), 'ArgumentError', /tensor, got null/);
    const loose = x as unknown as Record<string, unknown>;
    for (const name of ['isLeaf', 'gradFn', 'retainsGrad', 'version']) expect(() => (loose[name] = null), name).toThrow(TypeError);
    for (const name of ['data', 'requiresGrad', 'gradFn', 'grad']) {
      const before = loose[name];
      delete loose[name];
      expect(name in x && (loose[name] === before || name === 'data'), name).toBe(true);
    }
  });

  test('an assigned gradient is added to, without the caller losing it where it must not be written', () => {
    const x = leaf(2);
    x.grad = tensor([5, 6], { dtype: 'float64' });
    total(x.mul(2)).backward();
    expect(values(x.grad)).toEqual([7, 8]);
  });
});

describe('gradDtype', () => {
  test('is the dtype of the tensor until it is set; gradients are cast to it', () => {
    const x = ones([2], { dtype: 'bfloat16', requiresGrad: true });
    expect(x.gradDtype).toBe('bfloat16');
    x.gradDtype = 'float32';
    total(x.mul(ones([2]))).backward();
    expect([x.gradDtype, x.grad?.dtype, values(x.grad)]).toEqual(['float32', 'float32', [1, 1]]);
    expect(grad(total(x.mul(3)), x)[0]?.dtype).toBe('float32');
  });

  test('null takes them as they come', () => {
    const x = ones([2], { requiresGrad: true });
    x.gradDtype = null;
    total(x.mul(constant(2))).backward();
    expect([x.gradDtype, x.grad?.dtype]).toEqual([null, 'float64']);
    total(x.mul(2)).backward();
    expect([x.grad?.dtype, values(x.grad)]).toEqual(['float64', [3, 3]]);
  });

  test('may be set after the graph was recorded', () => {
    const x = ones([2], { requiresGrad: true });
    const loss = total(x.mul(constant(2)));
    x.gradDtype = 'float64';
    loss.backward();
    expect(x.grad?.dtype).toBe('float64');
  });

  test('says what may be assigned', () => {
    const x = ones([2]);
    x.gradDtype = 'float64';
    x.grad = constant(2);
    refused(() => (x.grad = ones([2])), 'DTypeError', /gradients are float64/);
    x.gradDtype = null;
    x.grad = ones([2]);
    expect(x.grad.dtype).toBe('float32');
  });

  test('refuses results, dtypes without gradients, and what contradicts a gradient that is there', () => {
    const x = leaf(2);
    const y = x.mul(2);
    refused(() => y.gradDtype, 'AutogradError', /not a leaf/);
    refused(() => (y.gradDtype = 'float32'), 'AutogradError', /not a leaf/);
    refused(() => (x.gradDtype = 'int64'), 'DTypeError', /int64/);
    refused(() => (x.gradDtype = 'complex64'), 'DTypeError', /complex64/);
    total(y).backward();
    refused(() => (x.gradDtype = 'float32'), 'DTypeError', /has a gradient of dtype float64 already/);
    x.grad = null;
    x.gradDtype = 'float32';
    total(x.mul(2)).backward();
    expect([x.grad as Tensor | null, noGrad(() => x.gradDtype)].map((v) => (typeof v === 'string' ? v : v?.dtype))).toEqual([
      'float32',
      'float32',
    ]);
  });
});
