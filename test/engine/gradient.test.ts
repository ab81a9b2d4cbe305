/** The members `grad` and `gradDtype` of a tensor: what may be assigned, and what is said about it. */
import { describe, expect, test, vi } from 'vitest';
import { ones, type Tensor, tensor } from '../../src/index.ts';
import { leaf, refused, total, values } from './support.ts';

const constant = (...shape: number[]): Tensor => ones(shape, { dtype: 'float64' });

describe('grad', () => {
  test('reading it says nothing where there is a gradient, or where there cannot be one', () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const y = leaf(2).mul(2);
    total(y).backward(null, { inputs: y });
    const assigned = leaf(2).mul(2);
    assigned.grad = constant(2);
    expect([y.grad, assigned.grad, leaf(2).grad, ones([2]).grad, ones([2]).named('x').grad].map(values)).toEqual([
      [1, 1],
      [1, 1],
      null,
      null,
      null,
    ]);
    const kept = leaf(2).mul(2);
    kept.retainGrad();
    expect([kept.grad, warned.mock.calls]).toEqual([null, []]);
    warned.mockRestore();
  });

  test('null and undefined clear it, also where there never was one', () => {
    for (const nothing of [null, undefined as never]) {
      const x = ones([2]);
      x.grad = nothing;
      expect([x.grad, x.meta]).toEqual([null, null]);
      x.grad = ones([2]);
      x.grad = nothing;
      expect(x.grad).toBe(null);
    }
  });

  test('says what does not fit, and keeps what was there', () => {
    const x = leaf(2).named('w');
    const before = constant(2);
    x.grad = before;
    refused(() => (x.grad = [1, 2] as never), 'ArgumentError', /^grad: assign a tensor or null, got an array$/);
    refused(() => (x.grad = x), 'AutogradError', /^grad: a tensor cannot be its own gradient: assign a clone\(\)$/);
    refused(
      () => (x.grad = constant(2, 1)),
      'ShapeError',
      /^grad: assigned a gradient of shape \[2, 1\] to 'w' of shape \[2\].*: the shapes must be equal$/,
    );
    refused(
      () => (x.grad = ones([2])),
      'DTypeError',
      /^grad: assigned a float32 gradient to 'w' .*, whose gradients are float64: cast it with to\('float64'\), or set gradDtype$/,
    );
    expect(x.grad).toBe(before);
  });
});

describe('gradDtype', () => {
  test('may be any floating dtype for real numbers and any complex one for complex numbers', () => {
    const x = leaf(2);
    for (const dtype of ['float16', 'bfloat16', 'float32', 'float64'] as const) {
      x.gradDtype = dtype;
      expect(x.gradDtype).toBe(dtype);
    }
    refused(
      () => (x.gradDtype = 'complex128'),
      'DTypeError',
      /^gradDtype: complex128 for a tensor of shape \[2\].*: gradients have a floating dtype here$/,
    );
    refused(() => (x.gradDtype = 'int32'), 'DTypeError', /^gradDtype: int32 for .*: gradients have a floating dtype here$/);
    const z = ones([2], { dtype: 'complex64', requiresGrad: true });
    z.gradDtype = 'complex128';
    expect(z.gradDtype).toBe('complex128');
    refused(() => (z.gradDtype = 'float32'), 'DTypeError', /^gradDtype: float32 for .*: gradients have a complex dtype here$/);
    refused(() => (z.gradDtype = 'bool'), 'DTypeError', /gradients have a complex dtype here$/);
    expect(z.gradDtype).toBe('complex128');
  });

  test('of constants and leaves can be asked for; of results not, which have the dtype of their values', () => {
    expect([ones([2]).gradDtype, leaf(2).gradDtype, leaf(2).mul(2).detach().gradDtype]).toEqual(['float32', 'float64', 'float64']);
    const y = leaf(2).mul(2);
    const message =
      /^gradDtype: a tensor of shape \[2\].*\(made by Mul\) is not a leaf: gradients of results have the dtype of the result; set it on the leaves$/;
    refused(() => y.gradDtype, 'AutogradError', message);
    refused(() => (y.gradDtype = 'float32'), 'AutogradError', message);
  });

  test('must agree with a gradient that is there, or take any', () => {
    const x = leaf(2);
    total(x).backward();
    refused(
      () => (x.gradDtype = 'float32'),
      'DTypeError',
      /^gradDtype: a tensor .* has a gradient of dtype float64 already: set grad to null before gradients become float32$/,
    );
    expect(x.gradDtype).toBe('float64');
    x.gradDtype = 'float64';
    x.gradDtype = null;
    expect([x.gradDtype, values(x.grad)]).toEqual([null, [1, 1]]);
    total(x.mul(tensor([2, 3], { dtype: 'float64' }))).backward();
    expect(values(x.grad)).toEqual([3, 4]);
  });
});
