/**
 * Builds `dist/`: ES modules and declarations by the compiler, then made fit for bundlers (see shake.ts), then bundled for Node, then given the
 * modules that browsers get instead (see browser-siblings.ts), then checked against package.json.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { substituteSiblings } from './browser-siblings.ts';
import { writeMethodTable } from './method-table.ts';
import { bundleForNode, NODE_FOLDER } from './node-bundle.ts';
import { bareImports, effectStatements, shake } from './shake.ts';

interface Manifest {
  readonly sideEffects: boolean | readonly string[];
  readonly exports: Readonly<Record<string, string | Readonly<Record<'types' | 'node' | 'default', string>>>>;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

/** Folders whose operator definitions carry samples. */
const WITH_SAMPLES = ['ops', 'nn'];

/** Whether the types hold; files come out even if they do not, so that work on one part need not wait for another. */
function compile(): boolean {
  rmSync(dist, { recursive: true, force: true });
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  return spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' }).status === 0;
}

function compiledFiles(): string[] {
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js') && !name.startsWith(`${NODE_FOLDER}${sep}`))
    .sort();
}

function effectful(manifest: Manifest): readonly string[] {
  return typeof manifest.sideEffects === 'boolean' ? [] : manifest.sideEffects;
}

/** What `specifier` means in a compiled module, as package.json would write it. */
function resolved(name: string, specifier: string): string {
  return `./${posix.join('dist', posix.dirname(name.split(sep).join('/')), specifier)}`;
}

function makeShakeable(manifest: Manifest): void {
  for (const name of compiledFiles()) {
    const path = join(dist, name);
    const keepBareImport = (specifier: string): boolean => effectful(manifest).includes(resolved(name, specifier));
    const stripSamples = WITH_SAMPLES.includes(name.split(sep)[0] as string);
    writeFileSync(path, shake(name, readFileSync(path, 'utf8'), { stripSamples, keepBareImport }));
  }
}

/** What package.json promises and the build does not keep. */
function brokenPromises(manifest: Manifest): string[] {
  const problems: string[] = [];
  const listed = effectful(manifest);
  for (const name of compiledFiles()) {
    const path = `./${posix.join('dist', name.split(sep).join('/'))}`;
    if (listed.includes(path)) continue;
    const text = readFileSync(join(root, path), 'utf8');
    const loads = bareImports(name, text).filter((specifier) => listed.includes(resolved(name, specifier)));
    const [first] = [...effectStatements(name, text), ...loads.map((specifier) => `import '${specifier}'`)];
    if (first === undefined) continue;
    problems.push(
      `src/${name.replace(/\.js$/, '.ts')} acts on other modules when it is loaded (${first}): list it in package.json's sideEffects`,
    );
  }
  const targets = Object.values(manifest.exports).flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)));
  for (const target of [...targets, ...listed.filter((path) => !path.includes('*'))])
    if (!existsSync(join(root, target))) problems.push(`package.json names ${target}, which was not built`);
  return problems;
}

const typesHold = compile();
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
await writeMethodTable(dist);
makeShakeable(manifest);
await bundleForNode(
  dist,
  Object.values(manifest.exports).flatMap((target) => (typeof target === 'string' ? [] : relative(dist, join(root, target.default)))),
);
substituteSiblings(dist);
const problems = brokenPromises(manifest);
if (!typesHold) problems.push('the types do not hold');
for (const problem of problems) console.error(`build: ${problem}`);
if (problems.length > 0) process.exitCode = 1;
else console.log(`build: ${compiledFiles().length} modules`);
