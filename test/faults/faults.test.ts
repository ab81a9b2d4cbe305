import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { page } from '../../scripts/faults.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const faults = JSON.parse(read('./faults.json')) as { file: string; search: string; what: string; kind: string }[];

test('there are at least thirty faults, of every kind', () => {
  expect(faults.length).toBeGreaterThanOrEqual(30);
  expect(new Set(faults.map(({ what }) => what)).size).toBe(faults.length);
  expect([...new Set(faults.map(({ kind }) => kind))].sort()).toEqual(
    ['accumulation', 'custom functions', 'forward mode', 'freeing', 'hooks', 'versions', 'views', 'which nodes run'].sort(),
  );
});

test('each can still be put into the source: once the text that it replaces has changed, it has to change too', () => {
  const gone = faults.filter(({ file, search }) => read(`../../${file}`).split(search).length !== 2);
  expect(gone.map(({ what }) => what)).toEqual([]);
});

test('all were caught when they were last tried, and the page says so: npm run faults -- --write', () => {
  const caught = JSON.parse(read('./caught.json')) as Record<string, string>;
  expect(faults.filter(({ what }) => !(what in caught)).map(({ what }) => what)).toEqual([]);
  expect(read('../../docs/faults.md')).toBe(page());
});
