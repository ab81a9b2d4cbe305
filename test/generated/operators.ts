/** The operators that the library offers, found the way a user finds them: by walking through what the entry exports. */
import * as library from '../../src/index.ts';
import type { Description } from '../../src/op/contract.ts';

export type Call = (...args: unknown[]) => unknown;

/** One operator that is described, and every path under which it is exported. */
export interface Entry {
  readonly description: Description;
  readonly call: Call;
  readonly paths: readonly string[];
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function descriptionOf(value: unknown): Description | null {
  if (typeof value !== 'function') return null;
  const operator = (value as { operator?: unknown }).operator;
  return isTable(operator) && typeof operator.signature === 'string' ? (operator as unknown as Description) : null;
}

/** All described functions below `root`, namespaces included, sorted by name. */
export function collect(root: object = library): Entry[] {
  const found = new Map<unknown, { description: Description; call: Call; paths: string[] }>();
  const visited = new Set<object>();
  const visit = (table: Readonly<Record<string, unknown>>, prefix: string): void => {
    visited.add(table);
    for (const [name, value] of Object.entries(table)) {
      const description = descriptionOf(value);
      if (description !== null) {
        const entry = found.get(value) ?? { description, call: value as Call, paths: [] };
        entry.paths.push(prefix + name);
        found.set(value, entry);
      } else if (isNamespace(value) && !visited.has(value)) visit(value, `${prefix}${name}.`);
    }
  };
  visit(root as Readonly<Record<string, unknown>>, '');
  return [...found.values()].sort((a, b) => (a.description.name < b.description.name ? -1 : 1));
}

/** A namespace of the library: a module or a plain object, not an instance of anything. */
function isNamespace(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isTable(value) || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === null || prototype === Object.prototype;
}

/** Whether the operator writes into its first argument: such names end in an underscore, but for `x.set`, which stands for `x[…] = value`. */
export function writesInput(entry: Entry): boolean {
  return entry.description.name.endsWith('_') || entry.description.name === 'setAt';
}
