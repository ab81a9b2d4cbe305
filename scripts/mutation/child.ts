/**
 * Finds which tests reach which mutants, and writes coverage.json in the folder given; where that is there, runs the mutants of pending.json and tells
 * the parent what became of each. The last file of the bundle: all tests are loaded.
 * A mutant may leave this process in a state that fails tests which have nothing to do with it; then the process ends, and the parent starts another.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mode } from '../../src/tensor/modes.ts';
import { forwardGrad } from '../../src/transform/forward.ts';
import { type Collected, collected } from './vitest.ts';

/** What the instrumented code reads and writes. */
interface Switches {
  activeMutant?: string | null;
  currentTestId?: string;
  hitCount?: number;
  hitLimit?: number;
  readonly mutantCoverage?: { readonly static: Record<string, number>; readonly perTest: Record<string, Record<string, number>> };
}

export interface Coverage {
  /** For each mutant the tests that reach it, the fastest first. */
  readonly tests: Record<string, number[]>;
  /** Mutants reached while the modules load: switched on later they change nothing. */
  readonly loading: readonly string[];
  /** Fast tests, all over the files, that tell whether the process is still sound. */
  readonly checks: readonly number[];
  /** Tests that fail here with no mutant at all, or the second time: mostly those of file names in stacks and of modules loaded anew. */
  readonly unfit: readonly string[];
}

export interface Verdict {
  readonly id: string;
  readonly status: 'killed' | 'timeout' | 'survived';
}

const MILLISECONDS = 20_000;
/** No test passes a line nearly as often: a mutant reached that many times runs in circles. */
const HITS = 200_000;
const CHECKS = 14;

const folder = process.argv[2] as string;
const switches = ((globalThis as { __stryker__?: Switches }).__stryker__ ??= {});
const soundMode = { ...mode };
process.on('unhandledRejection', () => {});

const tell = (message: Verdict | null): Promise<unknown> => new Promise((done) => process.send?.(message, done));

async function run(test: Collected): Promise<void> {
  for (const hook of test.before) await hook();
  try {
    await test.body();
  } finally {
    for (const hook of test.after) await hook();
  }
}

/** What went wrong, or null. */
async function failure(test: Collected): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('too slow')), MILLISECONDS);
  });
  try {
    await Promise.race([run(test), late]);
    return null;
  } catch (error) {
    return String(error);
  } finally {
    clearTimeout(timer);
  }
}

async function cover(): Promise<Coverage> {
  const unfit: string[] = [];
  const fit: [index: number, milliseconds: number][] = [];
  for (const [i, test] of collected.entries()) {
    switches.currentTestId = String(i);
    const start = performance.now();
    const passes = (await failure(test)) === null;
    const milliseconds = performance.now() - start;
    // A test may be run any number of times.
    if (passes && (await failure(test)) === null) fit.push([i, milliseconds]);
    else unfit.push(test.name);
    await tell(null);
  }
  delete switches.currentTestId;
  fit.sort((a, b) => a[1] - b[1]);
  const tests: Record<string, number[]> = {};
  for (const [i] of fit) for (const id of Object.keys(switches.mutantCoverage?.perTest[i] ?? {})) (tests[id] ??= []).push(i);
  const fast = fit.slice(0, fit.length >> 1).map(([i]) => i);
  const checks = fast.sort((a, b) => a - b).filter((_, k) => k % Math.ceil(fast.length / CHECKS) === 0);
  return { tests, loading: Object.keys(switches.mutantCoverage?.static ?? {}), checks, unfit };
}

/** The verdict, and whether the test that found the mutant passes again without it. */
async function judge(id: string, tests: readonly number[]): Promise<{ readonly verdict: Verdict; readonly sound: boolean }> {
  for (const i of tests) {
    Object.assign(switches, { activeMutant: id, hitCount: 0, hitLimit: HITS });
    const wrong = await failure(collected[i] as Collected);
    switches.activeMutant = null;
    Object.assign(mode, soundMode);
    forwardGrad.enabled = true;
    if (wrong === null) continue;
    const verdict: Verdict = { id, status: /Hit count limit|too slow/.test(wrong) ? 'timeout' : 'killed' };
    return { verdict, sound: (await failure(collected[i] as Collected)) === null };
  }
  return { verdict: { id, status: 'survived' }, sound: true };
}

async function isSound(checks: readonly number[]): Promise<boolean> {
  for (const i of checks) if ((await failure(collected[i] as Collected)) !== null) return false;
  return true;
}

const known = join(folder, 'coverage.json');
if (!existsSync(known)) {
  writeFileSync(known, JSON.stringify(await cover()));
  process.exit(0);
}
const coverage = JSON.parse(readFileSync(known, 'utf8')) as Coverage;
let fresh = true;
for (const id of JSON.parse(readFileSync(join(folder, 'pending.json'), 'utf8')) as string[]) {
  const tests = coverage.tests[id];
  if (tests === undefined) continue;
  const { verdict, sound } = await judge(id, tests);
  // What an earlier mutant has left behind may have failed the test: this one is judged again, as the first of another process.
  if (!sound && !fresh) break;
  fresh = false;
  await tell(verdict);
  if (!sound || (verdict.status !== 'survived' && !(await isSound(coverage.checks)))) break;
}
process.exit(0);
