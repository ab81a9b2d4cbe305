/** The processes that measure: nabla and what it is compared with, each in a process of its own that answers one line for each question. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { median, type Timing } from './timing.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

/** What the peers run on. */
export interface Setting {
  /** The command of the Node that nabla and the other JavaScript peers run on. */
  readonly node: string;
  readonly threads: number;
  /** The command of a Python that has PyTorch. */
  readonly python: string;
}

/** A measuring process. */
export class Peer {
  readonly name: string;
  names: string[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(name: string, command: string, args: readonly string[], threads: number) {
    this.name = name;
    const count = String(threads);
    const env = { ...process.env, OMP_NUM_THREADS: count, OPENBLAS_NUM_THREADS: count, MKL_NUM_THREADS: count };
    this.#child = spawn(command, args, { cwd: here, env });
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

  /** Waits until the peer tells what it can run; false if it does not start. */
  async start(): Promise<boolean> {
    const hello = await this.#answer();
    this.names = (hello?.['names'] as string[] | undefined) ?? [];
    return hello !== null;
  }

  /** Measures one workload; null if the peer cannot run it. `shares`: and what its time goes to. */
  async measure(name: string, seconds: number, shares = false): Promise<Timing | null> {
    if (!this.names.includes(name)) return null;
    this.#child.stdin.write(`${JSON.stringify({ name, seconds, shares })}\n`);
    const answer = await this.#answer();
    if (typeof answer?.['error'] === 'string') console.error(`  ${this.name}, ${name}: ${answer['error']}`);
    return (answer?.['timing'] as Timing | null | undefined) ?? null;
  }

  stop(): void {
    this.#child.stdin.end();
    this.#child.kill();
  }
}

/** Each backend of TensorFlow.js and each way of jax-js is a peer of its own. */
export const JAVASCRIPT_PEERS: Readonly<Record<string, { readonly folder: string; readonly file: string; readonly argument: string }>> = {
  tfjs: { folder: '@tensorflow', file: 'tfjs', argument: 'wasm' },
  'tfjs cpu': { folder: '@tensorflow', file: 'tfjs', argument: 'cpu' },
  'jax-js': { folder: '@jax-js', file: 'jax-js', argument: 'jit' },
  'jax-js eager': { folder: '@jax-js', file: 'jax-js', argument: 'eager' },
};

/** Starts nabla and every peer that this machine has; nabla is the first. */
export async function startPeers(
  { node, threads, python }: Setting,
  wanted: readonly string[] = ['torch', ...Object.keys(JAVASCRIPT_PEERS)],
): Promise<Peer[]> {
  const count = String(threads);
  const list = [new Peer('nabla', node, ['--import', 'tsx', 'peers/nabla.ts', count], threads)];
  if (wanted.includes('torch')) {
    const torch = spawnSync(python, ['-c', 'import torch; print(torch.__version__)'], { encoding: 'utf8' });
    if (torch.status === 0) list.push(new Peer('torch', python, ['peers/pytorch.py', count], threads));
    else console.log(`no PyTorch: ${python} does not import torch (--python COMMAND names another)`);
  }
  for (const [name, { folder, file, argument }] of Object.entries(JAVASCRIPT_PEERS)) {
    if (!wanted.includes(name)) continue;
    if (existsSync(`${here}/node_modules/${folder}`))
      list.push(new Peer(name, node, ['--import', 'tsx', `peers/${file}.mjs`, count, argument], threads));
    else console.log(`no ${name}: \`npm install --prefix bench\` installs it`);
  }
  const running: Peer[] = [];
  for (const peer of list) {
    if (await peer.start()) running.push(peer);
    else console.error(`${peer.name} does not start`);
  }
  if (running[0] !== list[0]) throw new Error('nabla does not start: build it first, with `npm run build`');
  return running;
}

/** What one peer measured of one workload. */
export interface Row {
  readonly median: number;
  readonly rounds: readonly number[];
  /** The most bytes that tensors had at a time, where the peer tells. */
  readonly peakBytes?: number;
}

/** Measures one workload on all peers in turns, several rounds: by peer, the median of its rounds. */
export async function measureInTurns(peers: readonly Peer[], name: string, seconds: number, rounds: number): Promise<Record<string, Row>> {
  const timings = new Map<Peer, Timing[]>(peers.map((peer) => [peer, []]));
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers) {
      const timing = await peer.measure(name, seconds);
      if (timing !== null) timings.get(peer)?.push(timing);
    }
  }
  const row: Record<string, Row> = {};
  for (const [peer, list] of timings) {
    if (list.length === 0) continue;
    const times = list.map((timing) => timing.ms);
    const peak = list.at(-1)?.peakBytes;
    row[peer.name] = { median: median(times), rounds: times, ...(peak === undefined ? {} : { peakBytes: peak }) };
  }
  return row;
}
