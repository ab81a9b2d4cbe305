import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { DType } from '../../src/dtype/dtype.ts';
import { type ComplexParts, formatTensor, getPrintOptions, type PrintableView, setPrintOptions } from '../../src/tensor/printing.ts';

type EncodedNumber = number | boolean | string;

interface Case {
  shape: number[];
  dtype: DType;
  values: 'arange' | (EncodedNumber | [EncodedNumber, EncodedNumber])[];
  options?: Record<string, number | boolean | string>;
  suffixes?: string[];
  expected: string;
}

// What PyTorch 2.13 prints, with our names of dtypes and suffixes.
const cases = JSON.parse(readFileSync(new URL('./data/printing.json', import.meta.url), 'utf8')) as Case[];

function decode(value: EncodedNumber): number | bigint | boolean {
  if (typeof value !== 'string') return value;
  if (value === 'inf') return Number.POSITIVE_INFINITY;
  if (value === '-inf') return Number.NEGATIVE_INFINITY;
  if (value === 'nan') return Number.NaN;
  return value === '-0' ? -0 : BigInt(value);
}

function view({ shape, dtype, values }: Case): PrintableView {
  return {
    shape,
    dtype,
    get(index: number): number | bigint | boolean | ComplexParts {
      if (values === 'arange') return index;
      const value = values[index]!;
      return Array.isArray(value) ? { re: decode(value[0]) as number, im: decode(value[1]) as number } : decode(value);
    },
  };
}

function options(given: Case['options']): Parameters<typeof setPrintOptions>[0] {
  return Object.fromEntries(Object.entries(given ?? {}).map(([name, value]) => [name, value === 'inf' ? Number.POSITIVE_INFINITY : value]));
}

afterEach(() => setPrintOptions({ profile: 'default' }));

describe('tensors print as in PyTorch', () => {
  test.each(cases.map((each, index) => [`${index}: ${each.dtype} [${each.shape}]`, each] as const))('%s', (_, each) => {
    setPrintOptions(options(each.options));
    expect(formatTensor(view(each), {}, each.suffixes)).toBe(each.expected);
  });
});

describe('print options', () => {
  const x: PrintableView = { shape: [2], dtype: 'float32', get: (index) => index + 0.125 };

  test('what is not given stays, but sciMode', () => {
    setPrintOptions({ precision: 2, sciMode: true });
    expect(getPrintOptions()).toEqual({ precision: 2, threshold: 1000, edgeitems: 3, linewidth: 80, sciMode: true });
    setPrintOptions({ edgeitems: 1 });
    expect(getPrintOptions()).toEqual({ precision: 2, threshold: 1000, edgeitems: 1, linewidth: 80, sciMode: null });
  });

  test('options of one call leave the others alone', () => {
    expect(formatTensor(x, { precision: 1 })).toBe('tensor([0.1, 1.1])');
    expect(formatTensor(x)).toBe('tensor([0.1250, 1.1250])');
  });

  test('wrong options are refused and change nothing', () => {
    for (const wrong of [{ precision: -1 }, { linewidth: 1.5 }, { threshold: Number.NaN }, { profile: 'tiny' }]) {
      expect(() => setPrintOptions(wrong as Parameters<typeof setPrintOptions>[0])).toThrow(/setPrintOptions/);
    }
    expect(getPrintOptions().precision).toBe(4);
  });
});
