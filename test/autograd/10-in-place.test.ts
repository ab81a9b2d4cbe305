import { describe, expect, test } from 'vitest';
import { autograd, noGrad, ones, type Tensor, tensor } from '../../src/index.ts';
import { leaf, refused, total, values } from '../engine/support.ts';

const { grad, graph } = autograd;
const row = (...elements: number[]): Tensor => tensor(elements, { dtype: 'float64', requiresGrad: true });

describe('versions', () => {
  test('test_inplace: what an operator saved must stay, what it did not may change, and chains of writes are differentiated', () => {
    const x = row(1, 2);
    const y = row(3, 4);
    const sum = x.mul(1);
    const after = sum.add(y);
    sum.add_(1);
    total(after).backward();
    expect([values(x.grad), values(y.grad)]).toEqual([
      [1, 1],
      [1, 1],
    ]);
    const factor = x.mul(1);
    const product = factor.mul(y);
    factor.add_(1);
    refused(
      () => total(product).backward(),
      'AutogradError',
      /mul: .*input 0.*shape \[2\].*changed in place.*add_.*shape \[2\].*version 1, saved at 0/,
    );
    const z = x.mul(2).mul_(3).add_(1).mul_(y);
    x.grad = null;
    total(z).backward();
    expect(values(x.grad)).toEqual([18, 24]);
    const base = row(5, 6);
    const clone = base.clone();
    clone.mul_(2);
    expect([values(base), base.isLeaf, clone.isLeaf]).toEqual([[5, 6], true, false]);
  });

  test('test_no_unnecessary_save: an operator does not save what its derivative does not read', () => {
    const mu = row(1);
    const x = ones([1], { dtype: 'float64' });
    let loss = tensor(0, { dtype: 'float64' }) as Tensor;
    for (let i = 0; i < 3; i++) {
      x.detach_();
      x.copy_(mu.add(i));
      const scaled = x.mul(tensor([i], { dtype: 'float64' }));
      loss = loss.add(total(scaled));
    }
    loss.backward();
    expect(values(mu.grad)).toEqual([3]);
  });

  test('test_index_backward_does_not_save_tensor: indexing saves the indices alone', () => {
    const a = row(1, 0, 0);
    const b = a.mul(1);
    const rows = b.indexSelect(0, tensor([0, 0, 1], { dtype: 'int64' }));
    const picked = b.at(tensor([1, 1], { dtype: 'int64' }));
    b.add_(tensor([3, 3, 3], { dtype: 'float64' }));
    total(rows).add(total(picked)).backward();
    expect(values(a.grad)).toEqual([2, 3, 0]);
  });

  test('test_saved_variable_version_counter: a saved result shares the version of the tensor', () => {
    const a = row(1, 2);
    const b = a.exp();
    const [saved] = graph.savedValues(b.gradFn as autograd.graph.Node);
    const unpacked = saved?.unpack() as Tensor;
    expect([unpacked.version, b.version]).toEqual([0, 0]);
    noGrad(() => b.add_(1));
    expect([unpacked.version, b.version]).toEqual([1, 1]);
    refused(() => total(b).backward(), 'AutogradError', /exp: .*output 0.*changed in place/);
  });

  test('test_saved_variable_saved_original_inplace_detach: a saved operand must not lose its history, a saved result may', () => {
    const a = row(1).clone();
    const b = a.sin();
    a.detach_();
    refused(() => b.backward(), 'AutogradError', /sin: .*input 0.*detach_\(\)/);
    const x = row(1);
    const c = x.mul(1);
    const d = c.exp();
    d.detach_();
    expect(d.requiresGrad).toBe(false);
    const e = c.exp();
    const f = e.mul(2);
    e.detach_();
    f.backward(ones([1], { dtype: 'float64' }));
    expect((values(x.grad) as number[])[0]).toBeCloseTo(2 * Math.E, 12);
  });

  test('test_grad_to_node_set: after set_ a leaf has a new sink: old graphs lead to the old one', () => {
    const x = leaf(2);
    const old = graph.getGradientEdge(x);
    const y = x.mul(3);
    noGrad(() => x.set_(ones([2], { dtype: 'float64' }).mul(7)));
    expect(values(x)).toEqual([7, 7]);
    expect(values(grad(total(y), old as never, null, { retainGraph: true })[0])).toEqual([3, 3]);
    refused(() => grad(total(y), x), 'AutogradError');
    expect(values(grad(total(x.mul(5)), x)[0])).toEqual([5, 5]);
  });
});

describe('messages', () => {
  test('a saved tensor that was changed: the operators, both shapes and versions, and where to look further', () => {
    const x = leaf(2, 3);
    const y = x.sin();
    const z = y.mul(y);
    y.narrow(0, 0, 1).add_(1);
    refused(
      () => total(z).backward(),
      'AutogradError',
      /mul: .*input 1, a tensor of shape \[2, 3\] and dtype float64.*last by add_, which wrote shape \[1, 3\].*version 1, saved at 0.*detectAnomaly/s,
    );
  });

  test('with tracing both places in the code', () => {
    const x = leaf(2);
    let message = '';
    autograd.detectAnomaly(() => {
      const y = x.exp();
      y.add_(1);
      try {
        total(y).backward();
      } catch (error) {
        message = (error as Error).message;
      }
    });
    expect(message).toMatch(/It was recorded here:\n.*10-in-place\.test.*It was written here:\n.*10-in-place\.test/s);
  });
});

describe('recorded behaviours', () => {
  test('behaviour version_mismatch: a saved operand that was changed is found', () => {
    const y = leaf(3).sin();
    const z = y.mul(y);
    y.add_(1);
    refused(() => total(z).backward(), 'AutogradError', /mul: .*changed in place.*add_/);
  });
  test('behaviour version_mismatch_output exp: so is a saved result', () => {
    const y = leaf(3).exp();
    y.add_(1);
    refused(() => total(y).backward(), 'AutogradError', /exp: .*changed in place.*add_/);
  });
  test('behaviour version_ok_not_saved (add then inplace): what was not saved may change', () => {
    const x = leaf(3);
    const y = x.mul(2);
    const z = y.add(1);
    y.add_(1);
    total(z).backward();
    expect(values(x.grad)).toEqual([2, 2, 2]);
  });
  test('behaviour version_mismatch_via_detach: a change through a detached handle is found', () => {
    const y = leaf(3).exp();
    y.detach().add_(1);
    refused(() => total(y).backward(), 'AutogradError', /changed in place/);
  });
  test('behaviour version_no_mismatch_via_data: a change through data is not', () => {
    const x = leaf(3);
    const y = x.exp();
    y.data.add_(1);
    total(y).backward();
    expect((values(x.grad) as number[])[0]).toBeCloseTo(Math.E + 1, 12);
  });
  test('behaviour expanded inplace: elements that share an address cannot be written', () => {
    const x = ones([1]);
    refused(() => x.expand(3).add_(1), 'InPlaceError', /expanded.*clone/);
    expect([values(x), x.version]).toEqual([[1], 0]);
  });
  test('behaviour out_kwarg_rg: no operator takes out', () => {
    const a = leaf(3);
    const out = ones([3], { dtype: 'float64', requiresGrad: true });
    refused(() => (a.add as (...args: unknown[]) => unknown)(a, { out }), 'ArgumentError', /unknown option 'out'/);
    expect(values(out)).toEqual([1, 1, 1]);
  });
  test('behaviour out_kwarg_input_rg: copy_ is the form that writes a result into a tensor, and it is recorded', () => {
    const a = leaf(3);
    const out = ones([3], { dtype: 'float64' });
    refused(() => (a.add as (...args: unknown[]) => unknown)(a, { out }), 'ArgumentError', /unknown option 'out'/);
    total(out.copy_(a.add(a))).backward();
    expect([values(out), values(a.grad)]).toEqual([
      [2, 2, 2],
      [2, 2, 2],
    ]);
  });
  test('behaviour deepcopy_nonleaf: a copy of a result is part of the graph, unless it is detached', () => {
    const y = leaf(3).mul(2);
    expect([y.clone().isLeaf, y.clone().gradFn?.name, y.detach().clone().isLeaf]).toEqual([false, 'CloneBackward', true]);
    // What a structured clone copies, if anything, is no tensor.
    expect(() => structuredClone(y).mul(2)).toThrow();
  });
});
