/** The workloads that have bars, on every Node that is there, with one thread and with two, beside PyTorch with as many; and on the newest beside the other peers. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Limits } from './limits.ts';
import { JAVASCRIPT_PEERS, measureInTurns, type Row, startPeers } from './peer.ts';
import { format, markdownRow } from './table.ts';

const NODES = ['node-22', 'node-24', 'node-26'];
const WORKLOADS = [
  ...['matmul 256', 'matmul 512', 'matmul 1024', 'matmul 2048'],
  ...['add 1e4', 'add 1e6', 'add 1e6 in scope', 'exp 1e6', 'tanh 1e6', 'gelu 1e6', 'sum 1e7', 'softmax', 'layernorm', 'transpose-add'],
  ...['chain 1e4', 'chain 1e6', 'scalars', 'seed', 'tiny', 'digits step', 'lenet on digits', 'mlp', 'cnn', 'resblock', 'gpt', 'lstm'],
];
const COMPILED = ' compiled';
const OTHERS = ['torch', ...Object.keys(JAVASCRIPT_PEERS)];

/** What one call of a workload computes or moves, where that bounds it. */
const WORK: Record<string, { readonly flops?: number; readonly bytes?: number }> = {
  ...Object.fromEntries([256, 512, 1024, 2048].map((n) => [`matmul ${n}`, { flops: 2 * n ** 3 }])),
  'add 1e6 in scope': { bytes: 8e6 },
  'exp 1e6': { bytes: 8e6 },
  softmax: { bytes: 8 * 512 * 1000 },
  layernorm: { bytes: 8 * 512 * 768 },
  'transpose-add': { bytes: 12e6 },
};

interface Options {
  readonly python: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly pattern: RegExp;
  readonly processor: string;
}

interface Column {
  readonly node: string;
  readonly threads: number;
  readonly limits: Limits;
  readonly rows: Record<string, Record<string, Row>>;
}

/** The Nodes at hand, the oldest first: the one that runs this, and those that `npm run runtimes` fetched. */
function nodes(): { readonly command: string; readonly version: string }[] {
  const cache = fileURLToPath(new URL('../.cache', import.meta.url));
  const fetched = NODES.map((name) => `${cache}/${name}/node_modules/.bin/node`).filter((command) => existsSync(command));
  return [process.execPath, ...fetched].map((command) => ({
    command,
    version: spawnSync(command, ['--version'], { encoding: 'utf8' }).stdout.trim(),
  }));
}

async function measureColumn(command: string, version: string, threads: number, newest: boolean, options: Options): Promise<Column> {
  const limits = JSON.parse(
    execFileSync(command, ['--import', 'tsx', fileURLToPath(new URL('limits.ts', import.meta.url))], { encoding: 'utf8' }),
  );
  const peers = newest && threads === 1 ? OTHERS : ['torch'];
  const running = await startPeers({ node: command, threads, python: options.python }, peers);
  const compiled = newest && threads === 1 ? (running[0]?.names ?? []).filter((name) => name.endsWith(COMPILED)) : [];
  const rows: Column['rows'] = {};
  console.log(`Node ${version}, ${threads} thread${threads === 1 ? '' : 's'}`);
  for (const name of [...WORKLOADS, ...compiled].filter((each) => options.pattern.test(each))) {
    rows[name] = await measureInTurns(running, name, options.seconds, options.rounds);
    const { nabla, torch } = rows[name];
    console.log(`  ${name.padEnd(20)} ${format(nabla?.median ?? Number.NaN).padStart(12)} ${quotient(nabla, torch).padStart(8)}`);
  }
  for (const peer of running) peer.stop();
  return { node: version, threads, limits, rows };
}

function quotient(mine: Row | undefined, other: Row | undefined): string {
  return mine === undefined || other === undefined ? '' : (mine.median / other.median).toFixed(2);
}

/** The time of the slowest round over that of the quickest. */
function spread(row: Row | undefined): number {
  return row === undefined ? 1 : Math.max(...row.rounds) / Math.min(...row.rounds);
}

/** How much of the machine's limit a call reaches, in per cent. */
function share(name: string, row: Row | undefined, limits: Limits): string {
  const work = WORK[name];
  if (work === undefined || row === undefined) return '';
  if (work.flops !== undefined)
    return `${((work.flops / row.median / 1e6 / (limits.wide ?? limits.fused ?? Number.NaN)) * 100).toFixed(0)} %`;
  const rate = (work.bytes ?? 0) / row.median / 1e6;
  return `${((rate / ((work.bytes ?? 0) > 3e7 ? limits.memory : limits.cached)) * 100).toFixed(0)} %`;
}

function ratioTable(columns: readonly Column[]): string[] {
  const names = WORKLOADS.filter((name) => columns.some((column) => column.rows[name] !== undefined));
  const heads = columns.map((column) => `${column.node.replace(/\..*/, '')}, ${column.threads} thr`);
  return [
    markdownRow(['nabla ÷ PyTorch', ...heads]),
    markdownRow(['---', ...heads.map(() => '---:')]),
    ...names.map((name) => markdownRow([name, ...columns.map(({ rows }) => quotient(rows[name]?.['nabla'], rows[name]?.['torch']))])),
  ];
}

function timeTable(column: Column): string[] {
  const body = Object.entries(column.rows).map(([name, row]) => {
    const mine = row['nabla'];
    const peak = mine?.peakBytes === undefined ? '' : `${(mine.peakBytes / 1e6).toFixed(1)} MB`;
    const eager = name.endsWith(COMPILED) ? quotient(mine, column.rows[name.slice(0, -COMPILED.length)]?.['nabla']) : '';
    const times = OTHERS.map((peer) => (row[peer] === undefined ? '' : format(row[peer].median)));
    const ratios = OTHERS.map((peer) => quotient(mine, row[peer]));
    return markdownRow([
      name,
      mine === undefined ? '' : format(mine.median),
      ...times,
      ...ratios,
      eager,
      share(name, mine, column.limits),
      peak,
    ]);
  });
  const heads = ['workload', 'nabla', ...OTHERS, ...OTHERS.map((name) => `÷ ${name}`), '÷ eager', 'of the limit', 'peak'];
  return [markdownRow(heads), markdownRow(['---', ...heads.slice(1).map(() => '---:')]), ...body];
}

/** Measures everything; the tables as Markdown, and all numbers. */
export async function runMatrix(options: Options): Promise<{ text: string; report: object }> {
  const found = nodes();
  const columns: Column[] = [];
  for (const [i, { command, version }] of found.entries()) {
    for (const threads of [1, 2]) columns.push(await measureColumn(command, version, threads, i === found.length - 1, options));
  }
  const newest = columns.at(-2) as Column;
  const spreads = columns.flatMap(({ rows }) => Object.values(rows).map((row) => spread(row['nabla']))).sort((a, b) => a - b);
  const date = new Date().toISOString();
  const { fused, wide, cached, memory } = newest.limits;
  const text = [
    `${options.processor}, ${date.slice(0, 10)}; medians of ${options.rounds} rounds in turns (the slowest round of nabla's took ${spreads[spreads.length >> 1]?.toFixed(2)} times as long as the`,
    `quickest, in the median of all cells).`,
    '',
    ...ratioTable(columns),
    '',
    `Node ${newest.node}, one thread. Limits measured beside: ${wide?.toFixed(0) ?? '–'} Gflop/s at 256 bits and ${fused?.toFixed(0) ?? '–'} at 128, a copy moves ${cached.toFixed(0)} GB/s within`,
    `the caches (4 MB) and ${memory.toFixed(0)} outside (256 MB).`,
    '',
    ...timeTable(newest),
  ].join('\n');
  return { text, report: { date, processor: options.processor, columns } };
}
