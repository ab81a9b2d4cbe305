/**
 * The conformance run: every golden vector against the library.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { TRAINING_PARTS } from './counts.ts';
import { loadLibrary } from './load.ts';
import { type Extent, fallenColumns, raise, readRecorded, toRecord, writeRecorded } from './ratchet.ts';
import { groupReasons, listFailures, summary } from './report.ts';
import { Runner, selectOperators } from './run.ts';
import { VectorSet } from './vectors.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
/** All vectors, where they lie beside the project; the part of them that the repository holds. */
const FULL = here('../../../shared/vectors');
const SUBSET = here('../vectors');
const RECORDED = here('recorded.json');

const { values: options } = parseArgs({
  options: {
    vectors: { type: 'string' },
    only: { type: 'string' },
    library: { type: 'string' },
    json: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    reasons: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    progress: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const USAGE = `npm run conformance -- [options]: every golden vector against the library

  --vectors DIR     the vectors; by default all of them where they lie beside the project, else those in the repository
  --only PATTERN    the operators, modules, training parts that the pattern matches as a whole, or else the operators that contain it
  --library FILE    another entry than src/index.ts, such as the built package
  --verbose         the first reason of every failing case
  --reasons         like reasons in groups
  --progress        the name of each operator as it runs
  --json FILE       write the counts
  --record          raise the counts in recorded.json, which a run of everything is held against
  --help            this text`;

const print = (lines: readonly string[]): void => {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
};

/** A run of everything must reach what is recorded. */
function checkRecord(runner: Runner, directory: string): void {
  const extent: Extent = existsSync(join(directory, 'subset.json')) ? 'subset' : 'full';
  const recorded = readRecorded(RECORDED);
  const now = toRecord(runner.run.counts);
  if (options.record) writeRecorded(RECORDED, { ...recorded, [extent]: raise(now, recorded[extent]) });
  const fallen = fallenColumns(now, recorded[extent]);
  if (fallen.length === 0) return;
  print(['below what is recorded:', ...fallen.map((line) => `  ${line}`)]);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const start = performance.now();
  const directory = options.vectors ?? (existsSync(join(FULL, 'opinfo')) ? FULL : SUBSET);
  const vectors = new VectorSet(directory);
  const runner = new Runner(await loadLibrary(options.library), vectors);
  const pattern = options.only ?? null;
  const index = vectors.index();
  const whole = pattern === null ? null : new RegExp(`^(?:${pattern})$`);
  await runner.operators(selectOperators(index, pattern), (name) => {
    if (options.progress) process.stderr.write(`${name}\n`);
  });
  // Modules and training parts are read only when the pattern can mean them: their files are large.
  const named = (name: string): boolean => whole === null || whole.test(name);
  if (pattern === null || /[A-Z]/.test(pattern) || whole?.test('modules')) {
    await runner.modules((name) => named(name) || named('modules') || named(`nn.${name}`));
  }
  if (TRAINING_PARTS.some(named) || named('training')) runner.training((part) => named(part) || named('training'));
  const { counts, failures } = runner.run;
  if (options.verbose) print(listFailures(failures));
  if (options.reasons) print(groupReasons(failures));
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(counts, null, 1)}\n`);
  print([
    `vectors: ${directory === SUBSET ? 'the part in the repository' : directory}, ${((performance.now() - start) / 1000).toFixed(1)} s`,
  ]);
  print(summary(counts, index));
  if (pattern === null) checkRecord(runner, directory);
}

if (options.help) print([USAGE]);
else await main();
