import * as ops from '../ops/index.ts';
import { METHOD_FORMS } from '../ops/method-forms.ts';
import { IN_PLACE, METHODS } from './method-names.ts';

export type AnyFunction = (...args: never[]) => unknown;

/** Functions that stand for the method of their own name, or for the name that comes before them. */
export type MethodList = readonly (string | AnyFunction)[];

const all: Readonly<Record<string, AnyFunction | undefined>> = { ...(ops as unknown as Record<string, AnyFunction>), ...METHOD_FORMS };

function list(names: readonly string[]): MethodList {
  return names.flatMap((name) => {
    const f = all[name];
    return f === undefined ? [] : [name, f];
  });
}

/**
 * The functions behind the methods. The build writes this module out as imports and lists (scripts/method-table.ts): a bundle then holds the
 * operators that are methods, and not a table of all that there are, and most names once.
 */
export const METHODS_ONLY: MethodList = list(METHODS.filter((name) => !IN_PLACE.includes(name)));

/** Functions that are a method and have an in-place form. */
export const METHODS_AND_IN_PLACE: MethodList = list(METHODS.filter((name) => IN_PLACE.includes(name)));

/** Functions of which only the in-place form is a method. */
export const IN_PLACE_ONLY: MethodList = list(IN_PLACE.filter((name) => !METHODS.includes(name)));
