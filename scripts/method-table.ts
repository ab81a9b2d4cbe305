/** Writes the table of methods out, so that bundlers see which operators are in it: see src/api/method-table.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Replaces `dist/api/method-table.js`. The other compiled modules must be there. */
export async function writeMethodTable(dist: string): Promise<void> {
  const load = (path: string): Promise<Record<string, unknown>> => import(pathToFileURL(join(dist, path)).href);
  const names = (await load('api/method-names.js')) as { readonly METHODS: readonly string[]; readonly IN_PLACE: readonly string[] };
  const { METHOD_FORMS } = (await load('ops/method-forms.js')) as { readonly METHOD_FORMS: object };
  const text = methodTable({ ...names, forms: Object.keys(METHOD_FORMS), operators: Object.keys(await load('ops/index.js')) });
  writeFileSync(join(dist, 'api', 'method-table.js'), text);
}

export interface MethodNames {
  readonly METHODS: readonly string[];
  readonly IN_PLACE: readonly string[];
  /** The functions that stand for a method in the place of the operator of its name. */
  readonly forms: readonly string[];
  readonly operators: readonly string[];
}

/** The text of the module. */
export function methodTable({ METHODS, IN_PLACE, forms, operators }: MethodNames): string {
  const strays = forms.filter((name) => !METHODS.includes(name));
  if (strays.length > 0) throw new Error(`METHOD_FORMS has functions for no method: ${strays.join(', ')}`);
  const isOperator = (name: string): boolean => !forms.includes(name) && operators.includes(name);
  const methods = METHODS.filter(isOperator);
  const inPlaceOnly = IN_PLACE.filter((name) => isOperator(name) && !METHODS.includes(name));
  // Some names, such as `var`, are not allowed as variables.
  const imports = [...methods, ...inPlaceOnly].map((name) => `${name} as ${name}$`);
  const fields = (names: readonly string[]): string => names.map((name) => `${name}: ${name}$`).join(', ');
  return [
    `import { ${imports.join(', ')} } from '../ops/index.js';`,
    "import { METHOD_FORMS } from '../ops/method-forms.js';",
    `export const METHOD_TABLE = { ${fields(methods)}, ...METHOD_FORMS };`,
    `export const IN_PLACE_TABLE = { ${fields(inPlaceOnly)} };`,
    '',
  ].join('\n');
}
