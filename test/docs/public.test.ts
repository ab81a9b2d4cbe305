import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as nabla from 'nabla';
import { describe, expect, test } from 'vitest';
import { runExample } from './example.ts';
import { publicNames } from './public.ts';

/** How many names may still lack something. The numbers only go down. */
const ceilings = JSON.parse(readFileSync(fileURLToPath(new URL('./ceilings.json', import.meta.url)), 'utf8')) as Readonly<
  Record<string, number>
>;

const names = publicNames();

/** An exported constant that is its own documentation, such as a dtype. */
const needsExample = names.filter(({ kind }) => kind === 'function' || kind === 'class');

function expectRatchet(what: string, missing: readonly string[]): void {
  const ceiling = ceilings[what] ?? 0;
  expect(missing.length, `${what}: ${missing.join(', ')}`).toBeLessThanOrEqual(ceiling);
  expect(missing.length, `lower '${what}' in test/docs/ceilings.json to ${missing.length}`).toBe(ceiling);
}

test('the main entry exports something', () => expect(names.length).toBeGreaterThan(0));

test('every public name has a docstring', () => {
  expectRatchet(
    'without documentation',
    names.filter(({ documentation }) => documentation.trim() === '').map(({ name }) => name),
  );
});

test('every public function and class has an example', () => {
  expectRatchet(
    'without example',
    needsExample.filter(({ examples }) => examples.length === 0).map(({ name }) => name),
  );
});

describe('the example of', () => {
  const scope: Record<string, unknown> = { nabla, ...nabla };
  const cases = names.flatMap(({ name, file, examples }) =>
    examples.map((example, i) => ({ name: i === 0 ? name : `${name} (${i + 1})`, file, example })),
  );
  test.each(cases)('$name in $file', async ({ example }) => {
    expect(await runExample(example, scope)).toEqual([]);
  });
});
