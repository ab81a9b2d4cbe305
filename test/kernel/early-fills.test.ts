import { expect, test } from 'vitest';
import { full } from '../../src/index.ts';

test.each(['float32', 'float64'] as const)(
  'the first fills of a program, which no kernel does, have the bits of later ones (%s)',
  (dtype) => {
    const bitsOf = (value: number): number[] => {
      const elements = full([5], value, { dtype }).toTypedArray() as Float32Array | Float64Array;
      return [...new Uint32Array(elements.buffer, elements.byteOffset, elements.byteLength / 4)];
    };
    const values = [0.1, -0, 1e300, Number.NEGATIVE_INFINITY, Number.NaN, 1e-46, 16777217];
    const early = values.map(bitsOf);
    // By now the host's own fills are used up.
    for (let i = 0; i < 32; i++) bitsOf(i);
    expect(values.map(bitsOf)).toEqual(early);
    expect(Number(full([], 0.1, { dtype }).item())).toBe(dtype === 'float32' ? Math.fround(0.1) : 0.1);
  },
);
