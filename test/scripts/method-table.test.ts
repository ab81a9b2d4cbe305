import { expect, test } from 'vitest';
import { methodTable } from '../../scripts/method-table.ts';

const names = {
  METHODS: ['abs', 'absolute', 'float', 'missing', 'sin', 'where'],
  IN_PLACE: ['abs', 'fill', 'where'],
  forms: ['float', 'where'],
  operators: ['abs', 'absolute', 'fill', 'float', 'ones', 'sin', 'where'],
  ownNames: ['abs', 'fill', 'ones', 'sin'],
};

test('the lists of methods have the operators that are methods, and no others', () => {
  expect(methodTable(names)).toBe(`import { absolute as absolute$, sin as sin$, abs as abs$, fill as fill$ } from '../ops/index.js';
import { METHOD_FORMS } from '../ops/method-forms.js';
export const METHODS_ONLY = ['absolute', absolute$, 'float', METHOD_FORMS.float, sin$];
export const METHODS_AND_IN_PLACE = [abs$, 'where', METHOD_FORMS.where];
export const IN_PLACE_ONLY = [fill$];
`);
});

test('a form for no method is refused', () => {
  expect(() => methodTable({ ...names, METHODS: ['abs', 'float'] })).toThrow(/no method: where/);
});
