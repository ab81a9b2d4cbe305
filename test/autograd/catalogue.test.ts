import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { catalogue, missingBehaviours, page } from '../../scripts/catalogue.ts';

const portable = catalogue().filter(({ flag }) => flag === 'P' || flag === 'A');

test('every portable test of the catalogue has one of ours, or a reason why not', () => {
  expect(portable.filter(({ file, reason }) => file === null && reason === null).map(({ name }) => name)).toEqual([]);
});

test('at least 370 of them have one', () => {
  expect(portable.filter(({ file }) => file !== null).length).toBeGreaterThanOrEqual(370);
});

test('every recorded behaviour has a test', () => {
  expect(missingBehaviours()).toEqual([]);
});

test('the page says so: npm run catalogue', () => {
  expect(readFileSync(new URL('../../docs/autograd-catalogue.md', import.meta.url), 'utf8')).toBe(page());
});
