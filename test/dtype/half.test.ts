import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bfloat16ToNumber,
  float16ToNumber,
  numberToBfloat16,
  numberToFloat16,
  roundToBfloat16,
  roundToFloat16,
} from '../../src/dtype/half.ts';

const formats = [
  { name: 'float16', decode: float16ToNumber, encode: numberToFloat16, round: roundToFloat16, infinity: 0x7c00 },
  { name: 'bfloat16', decode: bfloat16ToNumber, encode: numberToBfloat16, round: roundToBfloat16, infinity: 0x7f80 },
];

describe.each(formats)('$name', ({ decode, encode, round, infinity }) => {
  test('every bit pattern survives the way to a number and back', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = decode(bits);
      if ((bits & 0x7fff) > infinity) expect(value).toBeNaN();
      else if (encode(value) !== bits) expect.fail(`${bits.toString(16)} -> ${value} -> ${encode(value).toString(16)}`);
    }
  });

  test('positive patterns are in the order of their numbers', () => {
    for (let bits = 1; bits <= infinity; bits++) if (!(decode(bits) > decode(bits - 1))) expect.fail(bits.toString(16));
  });

  test('rounds to nearest, ties to even', () => {
    const pattern = fc.integer({ min: 0, max: infinity - 2 });
    fc.assert(
      fc.property(pattern, fc.double({ min: 0, max: 1, noNaN: true }), (bits, t) => {
        const [low, high] = [decode(bits), decode(bits + 1)];
        // The conversion starts from float32, so the value must be one.
        const value = Math.fround(low + t * (high - low));
        const distance = value - low - (high - value);
        const expected = distance < 0 ? bits : distance > 0 ? bits + 1 : bits + (bits & 1);
        expect(encode(value)).toBe(expected);
        expect(encode(-value)).toBe(expected | 0x8000);
        const middle = low + (high - low) / 2;
        expect(encode(middle)).toBe(bits + (bits & 1));
      }),
      { numRuns: 2000 },
    );
  });

  test('rounding is idempotent, monotonic and odd', () => {
    const value = fc.double({ noNaN: true });
    fc.assert(
      fc.property(value, value, (x, y) => {
        expect(round(round(x))).toBe(round(x));
        expect(round(-x)).toBe(-round(x));
        expect(round(Math.min(x, y))).toBeLessThanOrEqual(round(Math.max(x, y)));
      }),
      { numRuns: 2000 },
    );
  });

  test('NaN, zeros and infinities', () => {
    expect(round(Number.NaN)).toBeNaN();
    expect(encode(-0)).toBe(0x8000);
    expect(decode(0x8000)).toBe(-0);
    expect(encode(Number.POSITIVE_INFINITY)).toBe(infinity);
    expect(encode(Number.NEGATIVE_INFINITY)).toBe(infinity | 0x8000);
    expect(round(1e300)).toBe(Number.POSITIVE_INFINITY);
  });
});

test('the edges of float16', () => {
  expect(roundToFloat16(65504)).toBe(65504);
  expect(roundToFloat16(65519.99)).toBe(65504);
  expect(roundToFloat16(65520)).toBe(Number.POSITIVE_INFINITY);
  expect(roundToFloat16(2 ** -24)).toBe(2 ** -24);
  expect(roundToFloat16(2 ** -25)).toBe(0);
  expect(roundToFloat16(2 ** -25 * 1.0001)).toBe(2 ** -24);
  expect(roundToFloat16(2 ** -14 - 2 ** -26)).toBe(2 ** -14);
});
