/**
 * Holds Stryker's mutants of the engine (stryker.config.json) against its tests (vitest.mutation.config.ts): `npm run mutation`, with
 * `-- --files PATTERN` for the files whose path has the pattern in it. Stryker itself loads the tests again for each mutant, which takes hours; here they
 * are loaded once, and a mutant is run by the tests that reach it until one fails. Exits 1 where the score is below Stryker's threshold.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle, type Mutant } from './bundle.ts';
import type { Coverage, Verdict } from './child.ts';

type Status = Verdict['status'] | 'not reached' | 'static';

/** A child that says nothing for so long is in a loop without an end. */
const SILENCE = 90_000;
const STATUSES: readonly Status[] = ['killed', 'timeout', 'survived', 'not reached', 'static'];

/** Lets one child go through the pending mutants; says whether it had to be stopped or broke down. */
function runChild(folder: string, heard: (verdict: Verdict) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const child = fork(join(folder, 'tests.mjs'), [folder], { execArgv: ['--expose-gc'], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    const watch = setTimeout(() => child.kill('SIGKILL'), SILENCE);
    child.on('message', (message: Verdict | null) => {
      watch.refresh();
      if (message !== null) heard(message);
    });
    child.on('close', (code) => {
      clearTimeout(watch);
      resolve(code !== 0);
    });
  });
}

async function coverageOf(folder: string): Promise<Coverage> {
  const broke = await runChild(folder, () => {});
  if (broke) throw new Error('mutation: the tests do not run to their end without a mutant');
  return JSON.parse(readFileSync(join(folder, 'coverage.json'), 'utf8')) as Coverage;
}

/** Judges the mutants in order, by as many children as that takes. */
async function judge(folder: string, ids: readonly string[], statuses: Map<string, Status>): Promise<void> {
  const judged = new Set<string>();
  while (judged.size < ids.length) {
    const pending = ids.filter((id) => !judged.has(id));
    writeFileSync(join(folder, 'pending.json'), JSON.stringify(pending));
    const note = (id: string, status: Status): void => {
      statuses.set(id, status);
      judged.add(id);
      if (judged.size % 100 === 0) console.log(`${judged.size} of ${ids.length}`);
    };
    const broke = await runChild(folder, ({ id, status }) => note(id, status));
    // The first without a verdict is the one that the child did not survive.
    const culprit = pending.find((id) => !judged.has(id));
    if (broke && culprit !== undefined) note(culprit, 'timeout');
  }
}

async function judgeAll(folder: string, mutants: readonly Mutant[], coverage: Coverage): Promise<Map<string, Status>> {
  const loading = new Set(coverage.loading);
  const statuses = new Map<string, Status>(mutants.map(({ id }) => [id, loading.has(id) ? 'static' : 'not reached']));
  const reached = mutants.map(({ id }) => id).filter((id) => coverage.tests[id] !== undefined);
  await judge(folder, reached, statuses);
  // What an earlier test has made and the library keeps hides a mutant: survivors are tried again, each in a process of its own.
  const survivors = reached.filter((id) => statuses.get(id) === 'survived');
  console.log(`${survivors.length} survivors once more, each in a process of its own`);
  for (const id of survivors) await judge(folder, [id], statuses);
  return statuses;
}

/** Per cent of the mutants that tests found. What cannot be judged here counts as not found. */
const scoreOf = (statuses: readonly Status[]): number =>
  (100 * statuses.filter((status) => status === 'killed' || status === 'timeout').length) / statuses.length;

function printTable(mutants: readonly Mutant[], statuses: ReadonlyMap<string, Status>): void {
  const row = (title: string, part: readonly Mutant[]): void => {
    const own = part.map(({ id }) => statuses.get(id) as Status);
    const counts = STATUSES.map((status) => own.filter((other) => other === status).length);
    console.log(`| ${[title, own.length, ...counts, scoreOf(own).toFixed(1)].join(' | ')} |`);
  };
  console.log(`| file | mutants | ${STATUSES.join(' | ')} | score (%) |\n| --- |${' ---: |'.repeat(STATUSES.length + 2)}`);
  for (const file of new Set(mutants.map((mutant) => mutant.file)))
    row(
      `\`${file}\``,
      mutants.filter((mutant) => mutant.file === file),
    );
  row('all', mutants);
}

async function main(): Promise<void> {
  const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
  const { values } = parseArgs({ options: { files: { type: 'string', default: '' } } });
  const stryker = JSON.parse(readFileSync(join(root, 'stryker.config.json'), 'utf8')) as {
    mutate: string[];
    thresholds: { break: number };
  };
  const files = stryker.mutate.filter((file) => file.includes(values.files));
  if (files.length === 0) throw new Error(`mutation: no file that is mutated has '${values.files}' in its path`);
  const folder = mkdtempSync(join(tmpdir(), 'nabla-mutation-'));
  try {
    const mutants = await bundle(root, files, join(folder, 'tests.mjs'));
    console.log(`${mutants.length} mutants in ${files.length} files`);
    const coverage = await coverageOf(folder);
    for (const name of coverage.unfit) console.log(`left out, fails in one bundle without a mutant: ${name}`);
    const statuses = await judgeAll(folder, mutants, coverage);
    for (const { id, file, line, kind, replacement } of mutants) {
      const status = statuses.get(id) as Status;
      if (status === 'killed' || status === 'timeout') continue;
      console.log(`${status}: ${file}:${line} ${kind}: ${replacement.replace(/\s+/g, ' ').slice(0, 80)}`);
    }
    printTable(mutants, statuses);
    if (scoreOf([...statuses.values()]) < stryker.thresholds.break) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await main();
