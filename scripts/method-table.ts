/** Writes the lists of methods out, so that bundlers see which operators are in them: see src/api/method-table.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Replaces `dist/api/method-table.js`. The other compiled modules must be there. */
export async function writeMethodTable(dist: string): Promise<void> {
  const load = (path: string): Promise<Record<string, unknown>> => import(pathToFileURL(join(dist, path)).href);
  const names = (await load('api/method-names.js')) as { readonly METHODS: readonly string[]; readonly IN_PLACE: readonly string[] };
  const { METHOD_FORMS } = (await load('ops/method-forms.js')) as { readonly METHOD_FORMS: object };
  const operators = await load('ops/index.js');
  const ownNames = Object.keys(operators).filter((name) => isNamed(operators[name], name));
  const text = methodTable({ ...names, forms: Object.keys(METHOD_FORMS), operators: Object.keys(operators), ownNames });
  writeFileSync(join(dist, 'api', 'method-table.js'), text);
}

/** Whether an operator says its name itself. Other functions lose theirs when a bundler minifies them. */
function isNamed(value: unknown, name: string): boolean {
  return typeof value === 'function' && 'operator' in value && value.name === name;
}

export interface MethodNames {
  readonly METHODS: readonly string[];
  readonly IN_PLACE: readonly string[];
  /** The functions that stand for a method in the place of the operator of its name. */
  readonly forms: readonly string[];
  readonly operators: readonly string[];
  /** The operators whose `name` is that of their export. */
  readonly ownNames: readonly string[];
}

/** The text of the module. */
export function methodTable({ METHODS, IN_PLACE, forms, operators, ownNames }: MethodNames): string {
  const strays = forms.filter((name) => !METHODS.includes(name));
  if (strays.length > 0) throw new Error(`METHOD_FORMS has functions for no method: ${strays.join(', ')}`);
  const isOperator = (name: string): boolean => !forms.includes(name) && operators.includes(name);
  const methods = METHODS.filter((name) => !IN_PLACE.includes(name));
  const both = METHODS.filter((name) => IN_PLACE.includes(name));
  const inPlaceOnly = IN_PLACE.filter((name) => !METHODS.includes(name));
  // Some names, such as `var`, are not allowed as variables.
  const imports = [...methods, ...both, ...inPlaceOnly].filter(isOperator).map((name) => `${name} as ${name}$`);
  const row = (name: string): readonly string[] => {
    if (forms.includes(name)) return [`'${name}'`, `METHOD_FORMS.${name}`];
    if (!isOperator(name)) return [];
    return ownNames.includes(name) ? [`${name}$`] : [`'${name}'`, `${name}$`];
  };
  const list = (names: readonly string[]): string => `[${names.flatMap(row).join(', ')}]`;
  return [
    `import { ${imports.join(', ')} } from '../ops/index.js';`,
    "import { METHOD_FORMS } from '../ops/method-forms.js';",
    `export const METHODS_ONLY = ${list(methods)};`,
    `export const METHODS_AND_IN_PLACE = ${list(both)};`,
    `export const IN_PLACE_ONLY = ${list(inPlaceOnly)};`,
    '',
  ].join('\n');
}
