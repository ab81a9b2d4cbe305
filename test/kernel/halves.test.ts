import { describe, expect, test } from 'vitest';
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from '../../src/dtype/half.ts';
import { tensor } from '../../src/index.ts';
import { addressOfView } from '../../src/runtime/elements.ts';
import { heap } from '../../src/runtime/heap.ts';

const HALVES = {
  float16: { toNumber: float16ToNumber, toBits: numberToFloat16 },
  bfloat16: { toNumber: bfloat16ToNumber, toBits: numberToBfloat16 },
} as const;

const scratch = new Float32Array(1);
const word = new Uint32Array(scratch.buffer);

/** All values of a half type, what lies half-way between neighbours, the float32 next to those, and numbers of all exponents. */
function values(toNumber: (bits: number) => number): Float32Array {
  const found: number[] = [];
  for (let bits = 0; bits < 65536; bits++) {
    const [a, b] = [toNumber(bits), toNumber(bits + 1)];
    const middle = Math.fround(a + (b - a) / 2);
    scratch[0] = middle;
    const around = [word[0]! - 1, word[0]!, word[0]! + 1].map((each) => {
      word[0] = each;
      return scratch[0]!;
    });
    found.push(a, ...around);
  }
  let state = 1;
  for (let i = 0; i < 100001; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    word[0] = state;
    found.push(scratch[0]!);
  }
  return Float32Array.from(found);
}

describe('casts between float32 and', () => {
  for (const type of ['float16', 'bfloat16'] as const)
    test(`${type} round every number to nearest even, and take back what they gave`, () => {
      const { toBits, toNumber } = HALVES[type];
      const numbers = values(toNumber);
      for (const from of [numbers, numbers.subarray(0, 7), numbers.subarray(0, 16 * 1000 + 13)]) {
        const narrow = tensor(from, { dtype: 'float32' }).to(type);
        const start = addressOfView(narrow) / 2;
        const bits = heap.u16.slice(start, start + from.length);
        let wrong = 0;
        for (let i = 0; i < from.length; i++)
          if (Number.isNaN(from[i]) ? !Number.isNaN(toNumber(bits[i]!)) : bits[i] !== toBits(from[i]!)) wrong++;
        expect(wrong).toBe(0);
        const wide = narrow.to('float32').toTypedArray() as Float32Array;
        for (let i = 0; i < from.length; i++) if (!Object.is(wide[i], Math.fround(toNumber(bits[i]!)))) wrong++;
        expect(wrong).toBe(0);
      }
    });
});
