/** Threads in processes of their own, as programs have them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, expect, test } from 'vitest';
import { repository } from '../support/found.ts';

const folder = mkdtempSync(join(tmpdir(), 'nabla-threads-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PRELUDE = `
import { configureMemory, getNumThreads, rand, scope, setNumThreads } from './src/index.ts';
import { team } from './src/runtime/threads.ts';
configureMemory(globalThis.UNSHARED ? { shared: false } : {});
const x = rand([200_000]);
const work = (milliseconds) => {
  for (const end = performance.now() + milliseconds; performance.now() < end; ) scope(() => void x.exp());
};
`;

interface Options {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly unshared?: boolean;
}

let programs = 0;

/** Runs a program that imports the source, bundled. */
function run(program: string, { flags = [], env = {}, unshared = false }: Options = {}) {
  const outfile = join(folder, `${programs++}.mjs`);
  const stdin = { contents: PRELUDE + program, resolveDir: repository };
  buildSync({
    stdin,
    outfile,
    define: { 'globalThis.UNSHARED': String(unshared) },
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
  });
  const { NABLA_NUM_THREADS: _, ...inherited } = process.env;
  const ran = spawnSync(process.execPath, [...flags, outfile], { env: { ...inherited, ...env }, encoding: 'utf8', timeout: 60_000 });
  return { status: ran.status, out: ran.stdout, err: ran.stderr };
}

test('a process ends by itself while its threads sleep', () => {
  const program = `
    setNumThreads(3);
    while (team.ready < 2) work(10);
    work(20);
    console.log('end', team.ready);`;
  expect(run(program)).toEqual({ status: 0, out: 'end 2\n', err: '' });
}, 90_000);

test('and while one spins', () => {
  const program = `
    setNumThreads(2);
    while (team.ready < 1) work(10);
    work(20);
    process.exit(3);`;
  expect(run(program)).toEqual({ status: 3, out: '', err: '' });
}, 90_000);

test('a small program starts none, and a large one does without being asked', () => {
  const program = `
    rand([1000]).exp().sum().item();
    console.log(team.ready);
    for (const end = performance.now() + 30_000; team.ready === 0 && performance.now() < end; ) work(10);
    console.log(team.ready > 0);`;
  expect(run(program, { env: { NABLA_NUM_THREADS: '2' } })).toEqual({ status: 0, out: '0\ntrue\n', err: '' });
}, 90_000);

test('there are as many as the machine has processors, or as the environment says', () => {
  const program = 'console.log(getNumThreads());';
  expect(run(program).out).toBe(`${Math.min(availableParallelism(), 8)}\n`);
  expect(run(program, { env: { NABLA_NUM_THREADS: '3' } }).out).toBe('3\n');
  expect(run(program, { env: { NABLA_NUM_THREADS: 'many' } }).out).toBe(`${Math.min(availableParallelism(), 8)}\n`);
}, 90_000);

test('where threads may not be started, that is said once, and the caller computes alone', () => {
  const flag = Number.parseInt(process.versions.node, 10) < 24 ? '--experimental-permission' : '--permission';
  const program = `
    setNumThreads(3);
    work(50);
    console.log(team.ready, x.sum().item() > 0);`;
  const { status, out, err } = run(program, { flags: ['--no-warnings', flag, '--allow-fs-read=*'] });
  expect({ status, out }).toEqual({ status: 0, out: '0 true\n' });
  expect(err).toMatch(/^nabla: a thread ended \(.*\): computation goes on without it\. setNumThreads\(1\) does without threads\n$/);
}, 90_000);

test('memory that is not shared, by choice, has one thread', () => {
  const program = `
    setNumThreads(2);
    for (let i = 0; i < 100; i++) scope(() => void x.exp());
    console.log(getNumThreads());`;
  expect(run(program).out).toBe('2\n');
  expect(run(program, { unshared: true }).out).toBe('1\n');
}, 90_000);
