import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as nabla from 'nabla';
import * as compiling from 'nabla/compile';
import * as data from 'nabla/data';
import * as func from 'nabla/func';
import * as io from 'nabla/io';
import * as profiler from 'nabla/profiler';
import * as utils from 'nabla/utils';
import * as viz from 'nabla/viz';
import { expect, test } from 'vitest';
import { repository } from '../support/found.ts';
import { runExample } from './example.ts';

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...markdownIn('docs'), ...markdownIn('examples')];

function markdownIn(folder: string): string[] {
  return readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}

const textOf = (page: string): string => readFileSync(join(repository, page), 'utf8');

test.each(pages)('the links of %s lead somewhere', (page) => {
  const broken = [...textOf(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
    .map((match) => match[1] as string)
    .filter((target) => !existsSync(join(repository, dirname(page), target)));
  expect(broken).toEqual([]);
});

/** Pages whose TypeScript is a program for users, not a sketch. */
const programs = [
  'README.md',
  'docs/memory.md',
  'docs/checkpointing.md',
  'docs/compile.md',
  'docs/custom-functions.md',
  'docs/function-transforms.md',
  'docs/gradients.md',
  'docs/hooks.md',
  'docs/modes.md',
  'docs/profiling.md',
].flatMap((page) =>
  [...textOf(page).matchAll(/```ts\n([\s\S]*?)```/g)].map((match, i) => ({ page, nth: i + 1, code: match[1] as string })),
);

test.each(programs)('program $nth of $page runs', async ({ code }) => {
  nabla.manualSeed(0);
  expect(await runExample(code, { ...viz, ...compiling, ...profiler, ...utils, ...io, ...data, ...nabla, ...only(code, func) })).toEqual(
    [],
  );
});

/** `grad` is a function of the main entry and another one of `nabla/func`: the import says which. */
function only(code: string, entry: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return code.includes("'nabla/func'") ? entry : {};
}
