/** Runs the two compilers that the types are made for. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');

export const COMPILERS = {
  'typescript 7': { bin: join(root, 'node_modules/typescript/bin/tsc'), flags: ['--singleThreaded'] },
  'typescript 5.9': { bin: join(root, 'node_modules/typescript-5/bin/tsc'), flags: [] },
} as const;
export type Compiler = keyof typeof COMPILERS;

export interface Diagnostic {
  readonly line: number;
  readonly code: string;
  /** The first line of the message. */
  readonly message: string;
}

export interface Report {
  readonly diagnostics: readonly Diagnostic[];
  /** All that the compiler printed, for when it says what nobody expected. */
  readonly output: string;
  readonly instantiations: number;
}

/** Type-checks a project. */
export function check(compiler: Compiler, project: string): Promise<Report> {
  const { bin, flags } = COMPILERS[compiler];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [bin, '-p', project, '--extendedDiagnostics', '--pretty', 'false', ...flags],
      { cwd: root, maxBuffer: 1 << 26 },
      (_, output) => {
        const diagnostics = [...output.matchAll(/^(?:.*\((\d+),\d+\): )?error (TS\d+): (.*)$/gm)].map((found) => ({
          line: Number(found[1] ?? 0),
          code: found[2] as string,
          message: found[3] as string,
        }));
        resolve({ diagnostics, output, instantiations: Number(/^Instantiations:\s+(\d+)/m.exec(output)?.[1] ?? Number.NaN) });
      },
    );
  });
}

/** Type-checks one program with every compiler. It imports from two folders below the root. */
export async function checkProgram(source: string): Promise<Record<Compiler, Report>> {
  const cache = join(root, '.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'types-'));
  try {
    await writeFile(join(folder, 'program.ts'), source);
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: '../../test/types/tsconfig.json',
        compilerOptions: { noUnusedLocals: false },
        include: ['program.ts'],
        exclude: [],
      }),
    );
    const reports = await Promise.all(
      (Object.keys(COMPILERS) as Compiler[]).map(async (compiler) => [compiler, await check(compiler, folder)] as const),
    );
    return Object.fromEntries(reports) as Record<Compiler, Report>;
  } finally {
    await rm(folder, { recursive: true });
  }
}
