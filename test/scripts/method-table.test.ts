import { expect, test } from 'vitest';
import { methodTable } from '../../scripts/method-table.ts';

const names = {
  METHODS: ['abs', 'float', 'missing'],
  IN_PLACE: ['abs', 'fill'],
  forms: ['float'],
  operators: ['abs', 'fill', 'float', 'ones'],
};

test('the table of methods names the operators that are methods, and no others', () => {
  expect(methodTable(names)).toBe(`import { abs as abs$, fill as fill$ } from '../ops/index.js';
import { METHOD_FORMS } from '../ops/method-forms.js';
export const METHOD_TABLE = { abs: abs$, ...METHOD_FORMS };
export const IN_PLACE_TABLE = { fill: fill$ };
`);
});

test('a form for no method is refused', () => {
  expect(() => methodTable({ ...names, METHODS: ['abs'] })).toThrow(/no method: float/);
});
