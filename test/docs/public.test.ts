import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as nabla from 'nabla';
import * as compiling from 'nabla/compile';
import * as data from 'nabla/data';
import * as func from 'nabla/func';
import * as io from 'nabla/io';
import * as profiler from 'nabla/profiler';
import * as utils from 'nabla/utils';
import * as viz from 'nabla/viz';
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
  if (missing.length < ceiling) console.log(`test/docs/ceilings.json: '${what}' can be lowered from ${ceiling} to ${missing.length}`);
}

test('the entries export something', () => expect(names.length).toBeGreaterThan(0));

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

/** Every public name, and before all the neighbours of the one that is documented: in `nn`, an example says `Linear` for `nn.Linear`. */
function scopeOf(name: string): Record<string, unknown> {
  const scope: Record<string, unknown> = {
    nabla,
    ...compiling,
    data,
    func,
    io,
    profiler,
    utils,
    viz,
    ...viz,
    ...io,
    ...data,
    ...nabla,
  };
  let namespace: unknown = { ...nabla, compile: compiling, data, func, io, profiler, utils, viz };
  for (const part of name.split('.').slice(0, -1)) {
    namespace = (namespace as Record<string, unknown>)[part];
    Object.assign(scope, namespace);
  }
  return scope;
}

describe('the example of', () => {
  const cases = names.flatMap(({ name, file, examples }) => examples.map((example, i) => ({ name, nth: i + 1, file, example })));
  /** What needs a file or a server says so in its first line: `// not run: …`. */
  const canRun = cases.filter(({ example }) => !/^(```.*\n)?\s*\/\/ not run\b/.test(example));
  test.each(canRun)('$name ($nth) in $file', async ({ name, example }) => {
    // Random numbers in an example are those of this seed.
    nabla.manualSeed(0);
    expect(await runExample(example, scopeOf(name))).toEqual([]);
  });
});
