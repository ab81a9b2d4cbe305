import { expect, test } from 'vitest';
import { addressOfView, elementsOf, integersOf, readInt64, writeInt64 } from '../../src/backend/wasm/host.ts';
import { makeView, outputView, valuesOf, viewOf } from './views.ts';

test('int64 as numbers, of either sign and past 32 bits', () => {
  const values = [0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 32, -(2 ** 32) - 1, 2 ** 53, -(2 ** 53)];
  const view = viewOf('int64', [values.length], values);
  expect([...integersOf(view)]).toEqual(values);
  const out = outputView('int64', [values.length]);
  values.forEach((value, i) => {
    writeInt64(addressOfView(out) + 8 * i, value);
    expect(readInt64(addressOfView(out) + 8 * i)).toBe(value);
  });
  expect(valuesOf(out).map(Number)).toEqual(values);
});

test('indices of any layout and integer dtype', () => {
  for (const type of ['int64', 'int32', 'int16', 'int8', 'uint8', 'bool'] as const) {
    const base = viewOf(type, [6], [0, 1, 0, 1, 1, 0]);
    expect([...integersOf(makeView(base.storage, base.type, [2, 3], [1, 2]))]).toEqual([0, 0, 1, 1, 1, 0]);
    expect([...integersOf(makeView(base.storage, base.type, [3], [-2], 5))]).toEqual([0, 1, 1]);
    expect([...integersOf(makeView(base.storage, base.type, [2, 2], [0, 0], 1))]).toEqual([1, 1, 1, 1]);
  }
});

test('elements are the view, in place', () => {
  const view = viewOf('float32', [3], [1, 2, 3]);
  elementsOf(view, 'float32')[1] = 9;
  expect(valuesOf(view)).toEqual([1, 9, 3]);
  expect(() => elementsOf(view, 'int32')).toThrow(/holds float32/);
  expect(() => elementsOf(makeView(view.storage, view.type, [2], [2]), 'float32')).toThrow(/contiguous/);
});
