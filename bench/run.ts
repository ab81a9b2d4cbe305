/**
 * `npm run bench`: every workload on nabla and on the peers that this machine has, interleaved: each peer measures a slice of time in turn, several
 * rounds, and the median of its rounds counts. Ratios are nabla's time over the peer's: below 1 nabla is faster.
 *
 * Options: `--only PATTERN`, `--seconds N` (a slice, default 0.4), `--rounds N` (default 3), `--json FILE` (default out/bench.json), `--markdown FILE` (replaces the
 * table in it), `--python COMMAND`, `--node COMMAND` (runs nabla and the other JavaScript peers), `--threads N` (of each peer that has threads; default 1).
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, table, writeBetweenMarkers } from './table.ts';
import type { Timing } from './timing.ts';

const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    seconds: { type: 'string', default: '0.4' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string', default: 'out/bench.json' },
    markdown: { type: 'string', default: '' },
    node: { type: 'string', default: process.execPath },
    threads: { type: 'string', default: '1' },
    python: { type: 'string', default: process.env['PYTHON'] ?? 'python3' },
  },
});

/** A measuring process that answers one line for each question. */
class Peer {
  readonly name: string;
  names: string[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(name: string, command: string, args: string[]) {
    this.name = name;
    this.#child = spawn(command, args, {
      cwd: here,
      env: { ...process.env, OMP_NUM_THREADS: values.threads, OPENBLAS_NUM_THREADS: values.threads, MKL_NUM_THREADS: values.threads },
    });
    this.#child.stderr.resume();
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async #answer(): Promise<Record<string, unknown> | null> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) return null;
      if (value.startsWith('{')) return JSON.parse(value) as Record<string, unknown>;
    }
  }

  async start(): Promise<boolean> {
    const hello = await this.#answer();
    this.names = (hello?.['names'] as string[] | undefined) ?? [];
    return hello !== null;
  }

  async measure(name: string, seconds: number): Promise<Timing | null> {
    if (!this.names.includes(name)) return null;
    this.#child.stdin.write(`${JSON.stringify({ name, seconds })}\n`);
    const answer = await this.#answer();
    if (typeof answer?.['error'] === 'string') console.error(`  ${this.name}, ${name}: ${answer['error']}`);
    return (answer?.['timing'] as Timing | null | undefined) ?? null;
  }

  stop(): void {
    this.#child.stdin.end();
    this.#child.kill();
  }
}

function peers(): Peer[] {
  const list = [new Peer('nabla', values.node, ['--import', 'tsx', 'peers/nabla.ts', values.threads])];
  const torch = spawnSync(values.python, ['-c', 'import torch; print(torch.__version__)'], { encoding: 'utf8' });
  if (torch.status === 0) list.push(new Peer('torch', values.python, ['peers/pytorch.py', values.threads]));
  else console.log(`no PyTorch: ${values.python} does not import torch (--python COMMAND names another)`);
  for (const [name, folder] of Object.entries({ tfjs: '@tensorflow', 'jax-js': '@jax-js' })) {
    if (existsSync(`${here}/node_modules/${folder}`))
      list.push(new Peer(name, values.node, ['--import', 'tsx', `peers/${name}.mjs`, values.threads]));
    else console.log(`no ${name}: \`npm install --prefix bench\` installs it`);
  }
  return list;
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}

const all = peers();
const running: Peer[] = [];
for (const peer of all) {
  if (await peer.start()) running.push(peer);
  else console.error(`${peer.name} does not start`);
}
if (running[0] !== all[0]) throw new Error('nabla does not start: build it first, with `npm run build`');
const [ours, ...others] = running as [Peer, ...Peer[]];
const pattern = new RegExp(values.only);
const results: Record<string, Record<string, { median: number; rounds: number[] }>> = {};
const version = spawnSync(values.node, ['--version'], { encoding: 'utf8' }).stdout.trim();
const threads = values.threads === '1' ? 'one thread' : `${values.threads} threads`;
const setting = `Node ${version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${threads}; ratios are nabla ÷ peer`;
console.log(setting);
console.log(
  [
    'workload'.padEnd(20),
    'nabla'.padStart(12),
    ...others.map((p) => `${p.name}`.padStart(12)),
    ...others.map((p) => `÷ ${p.name}`.padStart(10)),
  ].join(''),
);
for (const name of ours.names.filter((n) => pattern.test(n))) {
  const rounds = new Map<Peer, number[]>(running.map((p) => [p, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const peer of running) {
      const timing = await peer.measure(name, Number(values.seconds));
      if (timing !== null) rounds.get(peer)?.push(timing.ms);
    }
  }
  const row: Record<string, { median: number; rounds: number[] }> = {};
  for (const [peer, times] of rounds) if (times.length > 0) row[peer.name] = { median: median(times), rounds: times };
  results[name] = row;
  const mine = row['nabla']?.median ?? Number.NaN;
  const cells = others.map((p) => (row[p.name] === undefined ? '–' : format((row[p.name] as { median: number }).median)).padStart(12));
  const ratios = others.map((p) =>
    (row[p.name] === undefined ? '–' : (mine / (row[p.name] as { median: number }).median).toFixed(2)).padStart(10),
  );
  console.log([name.padEnd(20), format(mine).padStart(12), ...cells, ...ratios].join(''));
}
for (const peer of running) peer.stop();
mkdirSync(dirname(values.json), { recursive: true });
writeFileSync(
  values.json,
  `${JSON.stringify({ node: version, threads: Number(values.threads), date: new Date().toISOString(), results }, null, 1)}\n`,
);
console.log(`written to ${values.json}`);
if (values.markdown !== '') {
  const text = `${setting}; ${new Date().toISOString().slice(0, 10)}.\n\n${table(
    results,
    running.map((p) => p.name),
  )}`;
  writeBetweenMarkers(values.markdown, text);
  console.log(`written to ${values.markdown}`);
}
