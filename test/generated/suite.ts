/** The generated tests: every operator that the library exports is looked at in the same way, from the samples in its description. */
import { describe, expect, test } from 'vitest';
import { CHECKS } from './checks/index.ts';
import { leaks } from './checks/memory.ts';
import { EXCEPTIONS } from './exceptions.ts';
import { collect, type Entry } from './operators.ts';
import { CheckFailure, describeError } from './report.ts';

/** How many operators the memory check looks at together: collecting takes longer than calling them. */
const GROUP = 24;

/** The operators of one test file: every `count`-th, so that the files take about the same time. */
function shard(index: number, count: number): Entry[] {
  return collect().filter((_, position) => position % count === index);
}

function findingsOf(check: (typeof CHECKS)[number], entry: Entry): readonly string[] {
  try {
    check.run(entry);
    return [];
  } catch (error) {
    return error instanceof CheckFailure ? error.findings : [describeError(error)];
  }
}

function groupsOf(entries: readonly Entry[]): Entry[][] {
  return Array.from({ length: Math.ceil(entries.length / GROUP) }, (_, i) => entries.slice(i * GROUP, (i + 1) * GROUP));
}

/** Defines the tests of one file. Test names begin with the operator's: `vitest run test/generated -t '^sum '`. */
export function defineShard(index: number, count: number): void {
  const entries = shard(index, count);
  for (const entry of entries) {
    const { name, samples } = entry.description;
    if (samples.length === 0 && entry.description.bad.length === 0) continue;
    describe(name, () => {
      for (const check of CHECKS) {
        if (check.name in (EXCEPTIONS[name] ?? {})) test.skip(`${check.name}: ${EXCEPTIONS[name]?.[check.name]}`, () => {});
        else test(check.name, () => expect(findingsOf(check, entry)).toEqual([]));
      }
    });
  }
  for (const group of groupsOf(entries)) {
    test(`memory of ${group.map((entry) => entry.description.name).join(' ')}`, { timeout: 120_000 }, async () => {
      expect(await leaks(group)).toEqual([]);
    });
  }
}
