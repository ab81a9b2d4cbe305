import * as ops from '../ops/index.ts';
import { METHOD_FORMS } from '../ops/method-forms.ts';
import { IN_PLACE, METHODS } from './method-names.ts';

export type AnyFunction = (...args: never[]) => unknown;

const all: Readonly<Record<string, AnyFunction | undefined>> = { ...(ops as unknown as Record<string, AnyFunction>), ...METHOD_FORMS };

function table(names: readonly string[]): Readonly<Record<string, AnyFunction>> {
  const found: Record<string, AnyFunction> = {};
  for (const name of names) {
    const f = all[name];
    if (f !== undefined) found[name] = f;
  }
  return found;
}

/**
 * The functions behind the methods, by the method's name. The build writes this module out as imports and literals (scripts/method-table.ts): a
 * bundle then holds the operators that are methods, and not a table of all that there are.
 */
export const METHOD_TABLE = table(METHODS);

/** Functions of which only the in-place form is a method. */
export const IN_PLACE_TABLE = table(IN_PLACE.filter((name) => !METHODS.includes(name)));
