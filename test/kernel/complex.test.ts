import { describe, expect, test } from 'vitest';
import { wasmBackend } from '../../src/backend/wasm/index.ts';
import { dtypeInfo } from '../../src/dtype/dtype.ts';
import { scan } from '../../src/ops/scan-kernels.ts';
import type { View } from '../../src/runtime/view.ts';
import { contiguousStrides, outputView, valuesOf, viewOf } from './views.ts';

describe.each(['complex64', 'complex128'] as const)('%s', (name) => {
  const type = dtypeInfo(name);
  const part = name === 'complex64' ? 'float32' : 'float64';
  /** A contiguous complex view with the given parts. */
  const complex = (shape: number[], parts: number[]): View => {
    const size = shape.reduce((a, b) => a * b, 1);
    const { storage } = viewOf(part, [2 * size], parts.length > 0 ? parts : Array<number>(2 * size).fill(77));
    return { storage, offset: 0, shape, strides: contiguousStrides(shape), type, size, rowMajor: true };
  };
  const partsOf = (view: View): unknown[] =>
    valuesOf({ ...view, type: dtypeInfo(part), shape: [2 * view.size], strides: [1], size: 2 * view.size });
  const transposed = (view: View): View => ({
    ...view,
    shape: view.shape.toReversed(),
    strides: view.strides.toReversed(),
    rowMajor: false,
  });

  test('products of matrices', () => {
    const [a, b] = [complex([1, 2], [1, 2, 3, -1]), complex([2, 2], [1, -1, -1, 0, 0, 2, 4, 1])];
    const out = complex([1, 2], []);
    wasmBackend.matmul(out, a, b);
    // (1 + 2i)(1 - i) + (3 - i)(2i) and (1 + 2i)(-1) + (3 - i)(4 + i)
    expect(partsOf(out)).toEqual([5, 7, 12, -3]);
    wasmBackend.matmul(out, a, transposed(b));
    // (1 + 2i)(1 - i) + (3 - i)(-1) and (1 + 2i)(2i) + (3 - i)(4 + i)
    expect(partsOf(out)).toEqual([0, 2, 9, 1]);
  });

  test('sums and products', () => {
    const input = complex([2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const out = complex([3], []);
    wasmBackend.reduce('sum', out, input, [0]);
    expect(partsOf(out)).toEqual([8, 10, 12, 14, 16, 18]);
    wasmBackend.reduce('sum', out, transposed(input), [1]);
    expect(partsOf(out)).toEqual([8, 10, 12, 14, 16, 18]);
    wasmBackend.reduce('prod', out, input, [0]);
    expect(partsOf(out)).toEqual([7 - 16, 8 + 14, 27 - 40, 30 + 36, 55 - 72, 60 + 66]);
    const one = complex([], []);
    wasmBackend.reduce('prod', one, complex([0], []), [0]);
    expect(partsOf(one)).toEqual([1, 0]);
    wasmBackend.reduce('sum', one, complex([0], []), [0]);
    expect(partsOf(one)).toEqual([0, 0]);
  });

  test('truth', () => {
    const input = complex([3, 2], [0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 2]);
    const out = outputView('bool', [3]);
    wasmBackend.reduce('any', out, input, [1]);
    expect(valuesOf(out)).toEqual([1, 0, 1]);
    wasmBackend.reduce('all', out, input, [1]);
    expect(valuesOf(out)).toEqual([0, 0, 1]);
  });

  test('running sums and products', () => {
    const input = complex([2, 2], [1, 1, 2, 0, 0, 1, 1, -1]);
    const out = complex([2, 2], []);
    scan('sum', out, null, input, 1);
    expect(partsOf(out)).toEqual([1, 1, 3, 1, 0, 1, 1, 0]);
    scan('prod', out, null, input, 0);
    expect(partsOf(out)).toEqual([1, 1, 2, 0, -1, 1, 2, -2]);
    scan('prod', input, null, input, 1);
    expect(partsOf(input)).toEqual([1, 1, 2, 2, 0, 1, 1, 1]);
  });
});
