import { describe, expect, test } from 'vitest';
import { YoungPacer } from '../../src/runtime/pacer.ts';
import { MEGABYTE } from '../../src/runtime/sizes.ts';

const range = { minimum: 12 * MEGABYTE, start: 48 * MEGABYTE, maximum: 256 * MEGABYTE };

/** The budgets, in megabytes, after sweeps that take so many milliseconds, so many apart, and free a share of the budget. */
function budgets(count: number, cost: number, apart: number, freed: number, pacer = new YoungPacer(range)): number[] {
  let now = 0;
  return Array.from({ length: count }, () => {
    now += apart;
    pacer.adapt(now, now + cost, pacer.budget * freed, 4);
    now += cost;
    return pacer.budget / MEGABYTE;
  });
}

describe('the budget of young blocks', () => {
  test('stays small where sweeps are cheap', () => {
    expect(budgets(20, 0.1, 0.4, 1)).toEqual(new Array(20).fill(12));
  });

  test('grows where they are dear, but not far where they find what was made', () => {
    expect(budgets(6, 5, 1, 1)).toEqual([12, 24, 48, 48, 48, 48]);
  });

  test('grows further where they find little', () => {
    expect(budgets(7, 5, 1, 0.1)).toEqual([12, 24, 48, 96, 192, 256, 256]);
  });

  test('takes no notice of what hardly takes any time', () => {
    expect(budgets(5, 5, 500, 0)).toEqual(new Array(5).fill(12));
  });

  test('shrinks again when sweeps are cheap again', () => {
    const pacer = new YoungPacer(range);
    budgets(7, 5, 1, 0.1, pacer);
    expect(budgets(6, 0.1, 1, 1, pacer)).toEqual([128, 64, 32, 16, 12, 12]);
  });

  test('does not grow because one sweep was interrupted', () => {
    const pacer = new YoungPacer(range);
    budgets(3, 0.1, 0.4, 1, pacer);
    expect(budgets(1, 50, 0.4, 1, pacer)).toEqual([12]);
    expect(budgets(1, 0.1, 0.4, 1, pacer)).toEqual([12]);
  });
});
