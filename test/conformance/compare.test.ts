import { describe, expect, test } from 'vitest';
import { closeTo, compareDraws, compareTensor, elementsOf, halfToNumber, isAllZero, toleranceOf, unitsInLastPlace } from './compare.ts';
import type { EncodedTensor } from './vectors.ts';

const encode = (values: ArrayBufferView, t: string, s: number[]): EncodedTensor => ({
  t,
  s,
  d: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64'),
});
const snapshot = (values: ArrayBufferView, dtype: string, shape: number[]) => ({
  dtype,
  shape,
  bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
});
const tolerance = toleranceOf('float64');

describe('tensors are equal', () => {
  test('within the tolerance of their dtype', () => {
    const expected = encode(Float64Array.of(1, 2), 'float64', [2]);
    expect(compareTensor(snapshot(Float64Array.of(1 + 1e-8, 2), 'float64', [2]), expected, tolerance)).toBeNull();
    expect(compareTensor(snapshot(Float64Array.of(1 + 1e-6, 2), 'float64', [2]), expected, tolerance)).toMatch(/1 of 2 elements differ/);
  });

  test('only with the same dtype and shape', () => {
    const expected = encode(Float64Array.of(1, 2), 'float64', [2]);
    expect(compareTensor(snapshot(Float32Array.of(1, 2), 'float32', [2]), expected, tolerance)).toBe('expected dtype float64, got float32');
    expect(compareTensor(snapshot(Float64Array.of(1, 2), 'float64', [2, 1]), expected, tolerance)).toBe('expected shape [2], got [2, 1]');
  });

  test('where both are NaN or the same infinity', () => {
    const special = Float64Array.of(Number.NaN, Number.POSITIVE_INFINITY);
    expect(compareTensor(snapshot(special, 'float64', [2]), encode(special, 'float64', [2]), tolerance)).toBeNull();
    expect(closeTo(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, tolerance)).toBe(false);
    expect(closeTo(1e300, Number.POSITIVE_INFINITY, tolerance)).toBe(false);
    expect(closeTo(Number.NaN, 1, tolerance)).toBe(false);
  });

  test('exactly, if they hold integers', () => {
    const big = 2n ** 60n;
    const expected = encode(BigInt64Array.of(big), 'int64', []);
    expect(compareTensor(snapshot(BigInt64Array.of(big), 'int64', []), expected, tolerance)).toBeNull();
    expect(compareTensor(snapshot(BigInt64Array.of(big + 1n), 'int64', []), expected, tolerance)).toMatch(/at \[\]/);
  });

  test('by distance in the plane, if they are complex', () => {
    const expected = encode(Float64Array.of(1e8, 0), 'complex128', [1]);
    expect(compareTensor(snapshot(Float64Array.of(1e8, 1), 'complex128', [1]), expected, tolerance)).toBeNull();
    expect(compareTensor(snapshot(Float64Array.of(1e8, 100), 'complex128', [1]), expected, tolerance)).toMatch(/expected 100000000\+0j/);
  });

  test('by dtype and shape alone, if they are drawn', () => {
    const expected = encode(Float64Array.of(1, 2), 'float64', [2]);
    expect(compareTensor(snapshot(Float64Array.of(5, 6), 'float64', [2]), expected, tolerance, true)).toBeNull();
  });
});

test('elements are read from bytes that start anywhere', () => {
  const bytes = new Uint8Array(12).subarray(4);
  new DataView(bytes.buffer).setFloat64(4, 2.5, true);
  expect(elementsOf(bytes, 'float64')[0]).toBe(2.5);
});

test('half types are read exactly', () => {
  expect(halfToNumber(0x3c00, 'float16')).toBe(1);
  expect(halfToNumber(0xc000, 'float16')).toBe(-2);
  expect(halfToNumber(0x0001, 'float16')).toBe(2 ** -24);
  expect(halfToNumber(0x7c00, 'float16')).toBe(Number.POSITIVE_INFINITY);
  expect(halfToNumber(0x3fc0, 'bfloat16')).toBe(1.5);
});

test('a tensor of zeros is as good as none', () => {
  expect(isAllZero(new Uint8Array(Float64Array.of(0, -0).buffer), 'float64')).toBe(true);
  expect(isAllZero(new Uint8Array(Float64Array.of(0, 1e-300).buffer), 'float64')).toBe(false);
});

test('draws are compared in units of the last place', () => {
  expect(unitsInLastPlace(1 + 2 ** -52, 1, 'float64')).toBe(1);
  expect(unitsInLastPlace(Math.fround(1 + 2 ** -22), 1, 'float32')).toBe(2);
  const expected = encode(Float32Array.of(1), 'float32', [1]);
  const near = snapshot(Float32Array.of(1 + 2 ** -22), 'float32', [1]);
  expect(compareDraws(near, expected, 2)).toBeNull();
  expect(compareDraws(near, expected, 0)).toMatch(/expected 1/);
});
