/** Runs the two compilers that the types are made for. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
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
  /** As the compiler prints it; it depends on what else the machine does. */
  readonly checkTime: string;
}

/** Where test/types/tsconfig.json finds the package. */
const declarations = join(root, '.cache', 'declarations');

function run(bin: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, ...args], { cwd: root, maxBuffer: 1 << 26 }, (_, output) => resolve(output));
  });
}

/** Changes whenever a source file does. */
async function stampOfSource(): Promise<string> {
  const files = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true });
  const times = await Promise.all(
    files.filter((file) => file.isFile()).map(async (file) => (await stat(join(file.parentPath, file.name))).mtimeMs),
  );
  return `${times.length} files, the last of ${Math.max(...times)}`;
}

/**
 * Writes the declarations that a user of the package gets, from the source as it is; whether that is without faults is another test's question. Test
 * files run at the same time: the first one writes, the others wait for it.
 */
export async function emitDeclarations(): Promise<void> {
  const stamp = await stampOfSource();
  const stampFile = join(declarations, 'stamp');
  const lock = `${declarations}.lock`;
  await mkdir(declarations, { recursive: true });
  while ((await readFile(stampFile, 'utf8').catch(() => '')) !== stamp) {
    const mine = await mkdir(lock).then(
      () => true,
      () => false,
    );
    if (mine) {
      try {
        const options = ['--emitDeclarationOnly', '--outDir', declarations, '--pretty', 'false'];
        await run(COMPILERS['typescript 7'].bin, ['-p', 'tsconfig.build.json', ...options]);
        await writeFile(stampFile, stamp);
      } finally {
        await rm(lock, { recursive: true });
      }
    } else {
      const age = Date.now() - (await stat(lock).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
      // Left behind by a run that was killed.
      if (age > 120_000) await rm(lock, { recursive: true, force: true });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Type-checks a project. */
export async function check(compiler: Compiler, project: string): Promise<Report> {
  const { bin, flags } = COMPILERS[compiler];
  const output = await run(bin, ['-p', project, '--extendedDiagnostics', '--pretty', 'false', ...flags]);
  const diagnostics = [...output.matchAll(/^(?:.*\((\d+),\d+\): )?error (TS\d+): (.*)$/gm)].map((found) => ({
    line: Number(found[1] ?? 0),
    code: found[2] as string,
    message: found[3] as string,
  }));
  const figure = (name: string): string => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(output)?.[1] ?? '';
  return { diagnostics, output, instantiations: Number(figure('Instantiations') || Number.NaN), checkTime: figure('Check time') };
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
