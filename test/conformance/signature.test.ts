import { describe, expect, test } from 'vitest';
import { bind, camelCase, camelPath, parseSignature } from './signature.ts';

describe('names', () => {
  test('become camelCase, segment by segment', () => {
    expect(camelPath('nn.functional.cross_entropy')).toBe('nn.functional.crossEntropy');
    expect(camelCase('atleast_1d')).toBe('atleast1d');
    expect(camelCase('T_max')).toBe('TMax');
  });

  test('keep the underscore of in-place operators', () => {
    expect(camelCase('log_normal_')).toBe('logNormal_');
    expect(camelCase('zero_')).toBe('zero_');
  });
});

describe('a signature', () => {
  test('says what is an option, optional or variadic', () => {
    expect(parseSignature('equation, ...operands, *, path?')).toEqual([
      { name: 'equation', option: false, variadic: false },
      { name: 'operands', option: false, variadic: true },
      { name: 'path', option: true, variadic: false },
    ]);
  });
});

describe('binding', () => {
  const sum = 'input, dim?, *, keepdim, dtype';

  test('puts what follows the star into the options, however PyTorch got it', () => {
    expect(bind(sum, ['x', 1, true], {})).toEqual(['x', 1, { keepdim: true }]);
    expect(bind(sum, ['x', 1], { keepdim: true })).toEqual(['x', 1, { keepdim: true }]);
    expect(bind(sum, ['x'], { dim: 1 })).toEqual(['x', 1]);
  });

  test('keeps the place of an absent positional argument before the options', () => {
    expect(bind(sum, ['x'], { dtype: 'float64' })).toEqual(['x', undefined, { dtype: 'float64' }]);
    expect(bind(sum, ['x'], {})).toEqual(['x']);
  });

  test('keeps null, which stands for None', () => {
    expect(bind(sum, ['x', null], {})).toEqual(['x', null]);
  });

  test('writes options in camelCase', () => {
    const signature = 'input, target, weight?, *, ignore_index, label_smoothing';
    expect(bind(signature, ['x', 't'], { label_smoothing: 0.5 })).toEqual(['x', 't', undefined, { labelSmoothing: 0.5 }]);
  });

  test('gives the variadic parameter all that is left', () => {
    expect(bind('...tensors', ['a', 'b', 'c'], {})).toEqual(['a', 'b', 'c']);
    expect(bind('input, ...size', ['x', [2, 3]], {})).toEqual(['x', [2, 3]]);
    expect(bind('...size, *, dtype', [2, 3], { dtype: 'int64' })).toEqual([2, 3, { dtype: 'int64' }]);
    expect(bind('...size', [], { size: [2, 3] })).toEqual([[2, 3]]);
  });

  test('passes on what the signature does not name, so that it can be refused', () => {
    expect(bind('input', ['x'], { out: 'y' })).toEqual(['x', { out: 'y' }]);
    expect(bind('input', ['x', 'y'], {})).toEqual(['x', 'y']);
  });

  test('drops a device and a layout that say nothing', () => {
    expect(bind('input', ['x'], { device: 'cpu', requires_grad: false })).toEqual(['x']);
  });

  test('takes the names of an overload', () => {
    expect(bind('input, dim?, *, unbiased, keepdim', ['x', true], {}, ['input', 'unbiased'])).toEqual(['x', undefined, { unbiased: true }]);
  });

  test('without a signature keeps positional arguments and makes options of the others', () => {
    expect(bind(null, ['x', 2], { as_tuple: true })).toEqual(['x', 2, { asTuple: true }]);
  });
});
