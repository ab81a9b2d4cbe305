import { ArgumentError } from './errors.ts';

const parsed = new Map<string, ReadonlySet<string>>();

/** The options that a signature names after its `*`, in camelCase. Signatures are read when they are first needed: few programs use many. */
export function optionNames(signature: string): ReadonlySet<string> {
  let known = parsed.get(signature);
  if (known === undefined) {
    const star = signature.indexOf('*, ');
    known = camelNames(star < 0 ? '' : signature.slice(star + 3));
    parsed.set(signature, known);
  }
  return known;
}

/** The name of a parameter that is given by its position, in camelCase. */
export function positionalName(signature: string, position: number): string {
  return [...camelNames(signature)][position] ?? 'an argument';
}

/** The names of a list of parameters as PyTorch writes it, in camelCase. */
export function camelNames(list: string): ReadonlySet<string> {
  const names = list.split(',').map((name) => name.trim().replace(/[?*.]/g, ''));
  return new Set(names.filter((name) => name !== '').map((name) => name.replace(/(?<!^)_+(.)/g, (_, c: string) => c.toUpperCase())));
}

/** Whether an argument is an options object. */
export function isOptions(x: unknown): x is object {
  return typeof x === 'object' && x !== null && x.constructor === Object;
}

let lastSignature = '';
let lastPosition = -1;
let lastLeftOut = 0;

/**
 * How many parameters an options object stands in the place of, where it is given instead of the one at `position`: all that follow may be left out. 0 where
 * one of them may not, or the function takes no options.
 */
export function leftOut(signature: string, position: number): number {
  // Layers of networks give options with each call.
  if (signature === lastSignature && position === lastPosition) return lastLeftOut;
  const star = signature.indexOf(', *, ');
  const rest = star < 0 ? [] : signature.slice(0, star).split(', ').slice(position);
  lastSignature = signature;
  lastPosition = position;
  lastLeftOut = rest.every((name) => name.endsWith('?')) ? rest.length : 0;
  return lastLeftOut;
}

/** Refuses options of other names: a misspelt one would otherwise be ignored silently. */
export function checkOptions(name: string, options: object, allowed: ReadonlySet<string>): void {
  for (const key of Object.keys(options)) {
    if (!allowed.has(key)) {
      throw new ArgumentError(
        `${name}: unknown option '${key}'${allowed.size === 0 ? ': it takes no options' : `: it takes ${[...allowed].join(', ')}`}`,
      );
    }
  }
}
