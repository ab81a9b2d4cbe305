import { array, assert, boolean, integer, property, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Arena, CHUNK_UNITS, ChunkedArena, type Range } from '../../src/runtime/arena.ts';
import { classOf, roundToClass } from '../../src/runtime/sizes.ts';

/** Takes and gives by a script: `[take, size, victim]` each, and checks after every step that nothing overlaps. */
function play(script: [boolean, number, number][], take: (units: number) => Range | null, give: (range: Range) => void): Range[] {
  const taken: Range[] = [];
  for (const [wantsTake, size, victim] of script) {
    if (wantsTake || taken.length === 0) {
      const units = roundToClass(size);
      const range = take(units);
      if (range === null) continue;
      expect(range.units).toBeGreaterThanOrEqual(units);
      taken.push(range);
    } else give(taken.splice(victim % taken.length, 1)[0] as Range);
    const sorted = [...taken].sort((left, right) => left.start - right.start);
    for (let i = 1; i < sorted.length; i++) {
      expect(sorted[i]!.start).toBeGreaterThanOrEqual(sorted[i - 1]!.start + sorted[i - 1]!.units);
    }
  }
  return taken;
}

const scripts = array(tuple(boolean(), integer({ min: 1, max: 3000 }), integer({ min: 0, max: 1000 })), { maxLength: 120 });

describe('size classes', () => {
  test('rounding up reaches the next class size and wastes at most a sixteenth', () => {
    assert(
      property(integer({ min: 1, max: 2 ** 26 }), (units) => {
        const rounded = roundToClass(units);
        expect(rounded).toBeGreaterThanOrEqual(units);
        expect(rounded - units).toBeLessThanOrEqual(units / 16);
        expect(roundToClass(rounded)).toBe(rounded);
        if (rounded > 1) expect(classOf(rounded - 1)).toBe(classOf(rounded) - 1);
      }),
    );
  });
});

describe('the arena', () => {
  test('never hands out overlapping ranges, and merges to one when all is given back', () => {
    assert(
      property(scripts, (script) => {
        const arena = new Arena(8, 16);
        arena.extend(10_000);
        arena.extend(20_000);
        const taken = play(
          script,
          (units) => arena.take(units),
          (range) => void arena.give(range),
        );
        const inUse = taken.reduce((sum, range) => sum + range.units, 0);
        expect(arena.freeUnits).toBe(30_000 - inUse);
        for (const range of taken) arena.give(range);
        expect(arena.freeAtEnd).toBe(30_000);
      }),
    );
  });

  test('a chunked arena gives free chunks back to its source', () => {
    assert(
      property(scripts, (script) => {
        const large = new Arena(8, 0);
        large.extend(8 * CHUNK_UNITS);
        const small = new ChunkedArena(8, { take: (units) => large.take(units), give: (chunk) => void large.give(chunk) });
        const taken = play(
          script,
          (units) => small.take(units),
          (range) => small.give(range),
        );
        for (const range of taken) small.give(range);
        small.trim();
        expect(large.freeAtEnd).toBe(8 * CHUNK_UNITS);
        expect(small.freeUnits).toBe(0);
      }),
    );
  });

  test('a range freed twice is a defect', () => {
    const arena = new Arena(8, 0);
    arena.extend(64);
    const range = arena.take(16) as Range;
    arena.give(range);
    expect(() => arena.give(range)).toThrow(/freed twice/);
  });
});
