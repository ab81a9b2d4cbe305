/**
 * Modules that browsers get another form of: where `x.browser.ts` stands beside `x.ts`, the build for everybody but Node, Deno and Bun has it in the
 * place of `x.ts`. Nobody imports it by its own name, and it must have what `x.ts` exports, which `siblingProblems` has the compiler check.
 */
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import ts from 'typescript-5';

const SIBLING = /\.browser(\.[jt]s)$/;

/** The file that a sibling stands for, or null if `file` is none. */
export function siblingOf(file: string): string | null {
  return SIBLING.test(file) ? file.replace(SIBLING, '$1') : null;
}

function siblings(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => siblingOf(name) !== null);
}

/** Puts the compiled siblings in the place of what they stand for, and returns how many there were. */
export function substituteSiblings(dist: string): number {
  const found = siblings(dist);
  for (const name of found) {
    renameSync(join(dist, name), join(dist, siblingOf(name) as string));
    rmSync(join(dist, name.replace(/\.js$/, '.d.ts')), { force: true });
  }
  return found.length;
}

/** The siblings in `source` that cannot stand in for their modules: they lack an export, or one is of another type. */
export function siblingProblems(source: string, options: ts.CompilerOptions): string[] {
  const names = siblings(source).map((name) => name.split(sep).join('/'));
  const text = names
    .map((name, i) => `export const _${i}: typeof import('./${siblingOf(name)}') = null! as typeof import('./${name}');`)
    .join('\n');
  const path = join(source, 'browser-siblings-check.ts');
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (file) => file === path || fileExists(file);
  host.getSourceFile = (file, version, ...rest) =>
    file === path ? ts.createSourceFile(file, text, version, true) : getSourceFile(file, version, ...rest);
  const program = ts.createProgram([path], options, host);
  const check = program.getSourceFile(path) as ts.SourceFile;
  return program.getSemanticDiagnostics(check).map((problem) => {
    const name = names[check.getLineAndCharacterOfPosition(problem.start ?? 0).line];
    return `${name}: ${ts.flattenDiagnosticMessageText(problem.messageText, ' ')}`;
  });
}
