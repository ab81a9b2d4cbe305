/**
 * Puts faults into copies of the engine, one at a time, and sees whether its tests find them: `npm run faults`, with `-- --write` for the table in
 * docs/faults.md, with a number or several for those faults only. The working tree is never touched.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

interface Fault {
  readonly file: string;
  readonly search: string;
  readonly replacement: string;
  /** What goes wrong. */
  readonly what: string;
  readonly kind: string;
  /** The beginnings of the test files that look at it, in test/autograd or, after `engine`, in test/engine. */
  readonly tests: readonly string[];
}

interface Verdict {
  /** The first test that failed; null if none did. */
  readonly caughtBy: string | null;
  /** What went wrong with the fault itself. */
  readonly trouble: string | null;
  readonly seconds: number;
}

/** The part of vitest's report that is read here. */
interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly title: string }[];
  }[];
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const faults = JSON.parse(readFileSync(join(root, 'test/faults/faults.json'), 'utf8')) as readonly Fault[];
/** After that a fault counts as caught: the tests do not end. */
const SECONDS_ALLOWED = 60;

/**
 * Tests that import the source get the bundle made of it: a copy of the library that starts in a tenth of the time. Only what tests say of places in the
 * code does not hold there.
 */
const CONFIG = `
import { readFileSync } from 'node:fs';
const bundle = (path) => ({ id: new URL('./bundle/' + path + '.mjs', import.meta.url).href, external: true });
const resolveId = (id) => {
  if (id === 'nabla') return bundle('index');
  if (id.startsWith('nabla/')) return bundle(id.slice(6));
  const source = /\\/src\\/(.*)\\.ts$/.exec(id);
  return source === null ? undefined : bundle(source[1]);
};
export default {
  plugins: [{ name: 'bundled', enforce: 'pre', resolveId }],
  test: { include: ['test/**/*.test.ts'], pool: 'forks', execArgv: ['--expose-gc'], maxWorkers: 2, testTimeout: 15_000, testNamePattern: new RegExp(readFileSync('pattern.txt', 'utf8')) },
};
`;

/** What the tests import of the source. */
function entriesOf(files: readonly string[]): string[] {
  const found = new Set<string>();
  for (const file of files) {
    for (const [, name = '', path = ''] of readFileSync(file, 'utf8').matchAll(/from '(?:(nabla[^']*)|[^']*\/src\/([^']*)\.ts)'/g))
      found.add(name === 'nabla' ? 'index' : name === '' ? path : name.slice('nabla/'.length));
  }
  return [...found];
}

/** Bundles the source of a copy with shared parts, so that each module is there once. */
async function bundle(copy: string): Promise<void> {
  const tests = ['test/autograd', 'test/engine'].flatMap((folder) =>
    readdirSync(join(copy, folder)).map((name) => join(copy, folder, name)),
  );
  await build({
    entryPoints: entriesOf(tests.filter((name) => name.endsWith('.ts'))).map((entry) => join(copy, 'src', `${entry}.ts`)),
    outbase: join(copy, 'src'),
    outdir: join(copy, 'bundle'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    keepNames: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
    sourcemap: false,
  });
}

/** A tree in which the tests run as they do here. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'nabla-faults-'));
  for (const part of ['src', 'test/autograd', 'test/engine', 'test/support', 'package.json', 'tsconfig.json'])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  writeFileSync(join(copy, 'vitest.config.ts'), CONFIG);
  writeFileSync(join(copy, 'pattern.txt'), '');
  return copy;
}

function filesOf(copy: string, beginnings: readonly string[]): string[] {
  return beginnings.flatMap((beginning) => {
    const folder = beginning.startsWith('engine') ? 'test/engine' : 'test/autograd';
    const start = beginning.replace(/^engine\/?/, '');
    const found = readdirSync(join(copy, folder)).filter((name) => name.startsWith(start) && name.endsWith('.test.ts'));
    // These need more than this tree has.
    return found.filter((name) => !/browser|catalogue|checkpoint|profiler/.test(name)).map((name) => join(folder, name));
  });
}

/** Runs vitest, which stops at the first failure. Null if it did not end in time. */
async function runTests(copy: string, files: readonly string[], secondsAllowed: number, bail: number): Promise<Report | null> {
  await bundle(copy);
  const output = join(copy, 'report.json');
  rmSync(output, { force: true });
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', `--bail=${bail}`, '--reporter=json', `--outputFile=${output}`, ...files], {
    cwd: copy,
    stdio: 'ignore',
    detached: true,
  });
  const ended = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), secondsAllowed * 1000);
    child.on('exit', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
  if (!ended && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  return ended ? (JSON.parse(readFileSync(output, 'utf8')) as Report) : null;
}

/** The titles of the tests that failed. */
function failures(report: Report): string[] {
  return report.testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed').map(({ title }) => title),
  );
}

async function judge(copy: string, fault: Fault): Promise<Verdict> {
  const start = Date.now();
  const path = join(copy, fault.file);
  const text = readFileSync(path, 'utf8');
  const verdict = (caughtBy: string | null, trouble: string | null): Verdict => ({
    caughtBy,
    trouble,
    seconds: (Date.now() - start) / 1000,
  });
  if (text.split(fault.search).length !== 2) return verdict(null, `the text to replace is not there once: ${fault.search.trim()}`);
  writeFileSync(
    path,
    text.replace(fault.search, () => fault.replacement),
  );
  try {
    const report = await runTests(copy, filesOf(copy, fault.tests), SECONDS_ALLOWED, 1);
    if (report === null) return verdict(`the tests did not end within ${SECONDS_ALLOWED} s`, null);
    const [failed] = failures(report);
    if (failed !== undefined) return verdict(failed, null);
    const broken = report.testResults.find(({ message }) => message !== '');
    return verdict(null, broken === undefined ? null : `the tests did not start: ${broken.message.split('\n')[0]}`);
  } finally {
    writeFileSync(path, text);
  }
}

/** The tests that fail without a fault say nothing of one, and are left out. There may be few: what tests say of places in the code. */
async function checkBaseline(copy: string, tried: readonly Fault[]): Promise<void> {
  const report = await runTests(copy, filesOf(copy, [...new Set(tried.flatMap(({ tests }) => tests))]), 600, 0);
  if (report === null) throw new Error('without a fault the tests do not end');
  const failing = failures(report);
  console.log(`without a fault ${report.numPassedTests} tests pass; left out: ${failing.join('; ') || 'none'}`);
  if (failing.length > MOST_LEFT_OUT) throw new Error('too many tests fail without a fault');
  if (failing.length > 0) writeFileSync(join(copy, 'pattern.txt'), `^(?!.*(?:${failing.map(escaped).join('|')})$)`);
}

const MOST_LEFT_OUT = 5;

function escaped(title: string): string {
  return title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Which test caught each fault when it was last tried, by what is wrong. */
type Caught = Readonly<Record<string, string>>;

const caughtFile = join(root, 'test/faults/caught.json');

/** The page that says what is known of each fault. */
export function page(caught = JSON.parse(readFileSync(caughtFile, 'utf8')) as Caught): string {
  const rows = faults.map(
    ({ kind, file, what }, i) =>
      `| ${i + 1} | ${kind} | \`${file.replace('src/', '')}\` | ${what} | ${(caught[what] ?? '**not caught**').replaceAll('|', '\\|')} |`,
  );
  return `# Seeded faults

Faults put into the engine by hand, one at a time, to see whether its tests find them. \`npm run faults\` puts each into a copy of the source and runs the
tests that look at that part; \`npm run faults -- --write\` writes this page. The faults are in \`test/faults/faults.json\`.

${faults.filter(({ what }) => what in caught).length} of ${faults.length} are caught.

| | kind | file | what is wrong | caught by |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

function write(verdicts: readonly (readonly [Fault, Verdict])[]): void {
  const before = existsSync(caughtFile) ? (JSON.parse(readFileSync(caughtFile, 'utf8')) as Caught) : {};
  const now = new Map(verdicts.map(([{ what }, { caughtBy }]) => [what, caughtBy]));
  const caught: Record<string, string> = {};
  for (const { what } of faults) {
    const by = now.has(what) ? now.get(what) : before[what];
    if (by !== null && by !== undefined) caught[what] = by;
  }
  writeFileSync(caughtFile, `${JSON.stringify(caught, null, 2)}\n`);
  writeFileSync(join(root, 'docs/faults.md'), page(caught));
}

async function main(): Promise<void> {
  const wanted = process.argv
    .slice(2)
    .filter((argument) => /^\d+$/.test(argument))
    .map(Number);
  const copy = copyTree();
  const verdicts: (readonly [Fault, Verdict])[] = [];
  try {
    await checkBaseline(copy, wanted.length === 0 ? faults : faults.filter((_, i) => wanted.includes(i + 1)));
    for (const [i, fault] of faults.entries()) {
      if (wanted.length > 0 && !wanted.includes(i + 1)) continue;
      const verdict = await judge(copy, fault);
      verdicts.push([fault, verdict]);
      const said = verdict.trouble ?? (verdict.caughtBy === null ? 'NOT CAUGHT' : `caught by ${verdict.caughtBy}`);
      console.log(`${i + 1} (${verdict.seconds.toFixed(1)} s) ${fault.what} -- ${said}`);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  const missed = verdicts.filter(([, { caughtBy }]) => caughtBy === null).length;
  console.log(`${verdicts.length - missed} of ${verdicts.length} caught`);
  if (process.argv.includes('--write')) write(verdicts);
  if (missed > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
