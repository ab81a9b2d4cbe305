import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));

/** The source file that 'nabla' or 'nabla/part' means in this repository; tsconfig.json's `paths` says the same to the compiler. */
export function sourceOf(specifier: string): string {
  if (specifier === 'nabla') return source('index.ts');
  const part = specifier.slice('nabla/'.length);
  return existsSync(source(`${part}.ts`)) ? source(`${part}.ts`) : source(`${part}/index.ts`);
}
