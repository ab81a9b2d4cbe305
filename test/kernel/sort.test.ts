import { describe, expect, test } from 'vitest';
import { type KeyKind, type Keys, LineSorter, selectFirst } from '../../src/backend/wasm/order.ts';

/** What a stable comparison sort gives, NaN after all numbers. */
function expected(keys: Keys, descending: boolean): number[] {
  const rank = (a: number | bigint, b: number | bigint): number => {
    const [x, y] = [Number.isNaN(a as number), Number.isNaN(b as number)];
    if (x || y) return Number(x) - Number(y);
    return a < b ? -1 : a > b ? 1 : 0;
  };
  return Array.from(keys.keys()).sort((i, j) => {
    const order = rank(keys[i]!, keys[j]!);
    return (descending ? -order : order) || i - j;
  });
}

let state = 1;
/** A number in [0, 1): the minimal standard generator of Park and Miller. */
function random(): number {
  state = (state * 16807) % 2147483647;
  return state / 2147483647;
}

const lines: Record<string, { readonly kind: KeyKind; make(count: number): Keys }> = {
  'float32 with ties, NaN and both zeros': {
    kind: 'float32',
    make: (count) =>
      Float64Array.from({ length: count }, () => {
        const r = random();
        if (r < 0.1) return Number.NaN;
        if (r < 0.2) return r < 0.15 ? 0 : -0;
        return r < 0.3 ? Number.NEGATIVE_INFINITY : Math.fround((random() - 0.5) * 10 ** Math.floor(random() * 10));
      }),
  },
  'float64 close together': {
    kind: 'float64',
    make: (count) =>
      Float64Array.from({ length: count }, () => (random() < 0.1 ? Number.NaN : 1 + random() * 1e-9 * (random() < 0.5 ? -1 : 1))),
  },
  'float64 of all signs': {
    kind: 'float64',
    make: (count) => Float64Array.from({ length: count }, () => Math.round((random() - 0.5) * 20) / 4),
  },
  'integers of 32 bits': {
    kind: 'int32',
    make: (count) => Float64Array.from({ length: count }, () => Math.floor((random() - 0.5) * 2 ** 32)),
  },
  'few different integers': { kind: 'int32', make: (count) => Float64Array.from({ length: count }, () => Math.floor(random() * 3)) },
  'big integers': {
    kind: 'other',
    make: (count) => BigInt64Array.from({ length: count }, () => BigInt(Math.floor(random() * 5)) * 2n ** 60n - 2n ** 61n),
  },
};

describe('orders of a line', () => {
  for (const [name, { kind, make }] of Object.entries(lines)) {
    for (const count of [0, 1, 2, 23, 24, 25, 100, 255, 256, 1000, 3000]) {
      for (const descending of [false, true]) {
        test(`${name}: ${count} ${descending ? 'descending' : 'ascending'}`, () => {
          const keys = make(count);
          const sorter = new LineSorter(count);
          const want = expected(keys, descending);
          expect(Array.from(sorter.sort(keys, count, descending, kind))).toEqual(want);
          // The buffers are reused from line to line.
          expect(Array.from(sorter.sort(keys, count, descending, kind))).toEqual(want);
          const few = Math.min(count, 7);
          expect(Array.from(selectFirst(keys, count, few, descending))).toEqual(want.slice(0, few));
        });
      }
    }
  }
});
