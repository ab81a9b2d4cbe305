import { describe, expect, test } from 'vitest';
import { bytesOf, ComplexValue, decode, EllipsisValue, layOut, SliceValue } from './decode.ts';
import { tensorsIn } from './vectors.ts';

const noTensor = (): never => {
  throw new Error('no tensor expected');
};

describe('values of the files', () => {
  test('carry tags for what JSON cannot write', () => {
    expect(decode({ float: 'nan' }, noTensor)).toBeNaN();
    expect(decode({ float: '-inf' }, noTensor)).toBe(Number.NEGATIVE_INFINITY);
    expect(decode({ int: '12' }, noTensor)).toBe(12);
    expect(decode({ int: '9223372036854775807' }, noTensor)).toBe(9223372036854775807n);
    expect(decode({ dtype: 'float64' }, noTensor)).toBe('float64');
    expect(decode({ complex: [1, { float: 'inf' }] }, noTensor)).toEqual(new ComplexValue(1, Number.POSITIVE_INFINITY));
    expect(decode([{ slice: [0, 3, null] }, { ellipsis: true }], noTensor)).toEqual([new SliceValue(0, 3, null), new EllipsisValue()]);
    expect(decode({ dict: { a: 1 } }, noTensor)).toEqual({ a: 1 });
  });

  test('give their tensors in order', () => {
    const tensor = (d: string) => ({ t: 'float32', s: [], d });
    const value = [tensor('a'), [tensor('b'), 3], { dict: { x: tensor('c') } }];
    expect(tensorsIn(value).map(({ d }) => d)).toEqual(['a', 'b', 'c']);
    const seen: string[] = [];
    decode(value, ({ d }) => seen.push(d));
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  test('hold bytes in base64', () => {
    expect([
      ...new Float64Array(bytesOf({ t: 'float64', s: [], d: Buffer.from(Float64Array.of(1.5).buffer).toString('base64') }).buffer),
    ]).toEqual([1.5]);
  });
});

test('bfloat16 is written in 32 bits', () => {
  const d = Buffer.from(Float32Array.of(1.5, -2).buffer).toString('base64');
  expect([...new Uint16Array(bytesOf({ t: 'bfloat16', s: [2], d }).buffer)]).toEqual([0x3fc0, 0xc000]);
});

describe('laying out elements', () => {
  test('transposed', () => {
    expect([...layOut(Uint8Array.of(1, 2, 3, 4, 5, 6), [2, 3], [1, 2], 1)]).toEqual([1, 4, 2, 5, 3, 6]);
  });

  test('expanded, and with gaps', () => {
    expect([...layOut(Uint8Array.of(7, 7, 7), [3], [0], 1)]).toEqual([7]);
    expect([...layOut(Uint8Array.of(1, 2), [2], [3], 1)]).toEqual([1, 0, 0, 2]);
  });

  test('in elements of several bytes', () => {
    expect([...layOut(Uint8Array.of(1, 0, 2, 0), [2], [2], 2)]).toEqual([1, 0, 0, 0, 2, 0]);
  });
});
