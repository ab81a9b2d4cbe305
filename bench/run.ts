/**
 * `npm run bench`: every workload on nabla and on the peers that this machine has, interleaved: each peer measures a slice of time in turn, several
 * rounds, and the median of its rounds counts. Ratios are nabla's time over the peer's: below 1 nabla is faster.
 *
 * Options: `--only PATTERN` (default: all but single layers, which `--only '^layer '` measures), `--seconds N` (a slice, default 0.4), `--rounds N` (default 3),
 * `--json FILE` (default out/bench.json), `--markdown FILE` (replaces the table in it), `--python COMMAND`, `--node COMMAND` (runs nabla and the other JavaScript peers), `--threads N` (of each peer that has threads; default 1),
 * `--matrix` (the workloads that have bars, on every Node that is there, with one thread and with two).
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { runMatrix } from './matrix.ts';
import { measureInTurns, type Setting, startPeers } from './peer.ts';
import { printShares } from './print-shares.ts';
import { format, type Results, table, writeBetweenMarkers } from './table.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '^(?!layer )' },
    seconds: { type: 'string', default: '0.4' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string', default: '' },
    markdown: { type: 'string', default: '' },
    node: { type: 'string', default: process.execPath },
    threads: { type: 'string', default: '1' },
    python: { type: 'string', default: process.env['PYTHON'] ?? 'python3' },
    matrix: { type: 'boolean', default: false },
    shares: { type: 'boolean', default: false },
  },
});
const [seconds, rounds, pattern] = [Number(values.seconds), Number(values.rounds), new RegExp(values.only)];
const processor = cpus()[0]?.model ?? 'unknown processor';

/** One setting: all peers beside each other, a line a workload. */
async function runOne(setting: Setting): Promise<{ text: string; report: object }> {
  const running = await startPeers(setting);
  const [ours, ...others] = running.map((peer) => peer.name) as [string, ...string[]];
  const version = spawnSync(setting.node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  const threads = setting.threads === 1 ? 'one thread' : `${setting.threads} threads`;
  const heading = `Node ${version}, ${processor}, ${threads}; ratios are nabla ÷ peer`;
  console.log(heading);
  const heads = [...others.map((name) => name.padStart(12)), ...others.map((name) => `÷ ${name}`.padStart(10))];
  console.log(['workload'.padEnd(20), ours.padStart(12), ...heads].join(''));
  const results: Record<string, Results[string]> = {};
  for (const name of (running[0]?.names ?? []).filter((each) => pattern.test(each))) {
    const row = await measureInTurns(running, name, seconds, rounds);
    results[name] = row;
    const mine = row[ours]?.median ?? Number.NaN;
    const times = others.map((peer) => (row[peer] === undefined ? '–' : format(row[peer].median)).padStart(12));
    const ratios = others.map((peer) => (row[peer] === undefined ? '–' : (mine / row[peer].median).toFixed(2)).padStart(10));
    console.log([name.padEnd(20), format(mine).padStart(12), ...times, ...ratios].join(''));
  }
  for (const peer of running) peer.stop();
  const date = new Date().toISOString();
  return {
    text: `${heading}; ${date.slice(0, 10)}.\n\n${table(results, [ours, ...others])}`,
    report: { node: version, threads: setting.threads, date, results },
  };
}

async function main(): Promise<void> {
  const setting: Setting = { node: values.node, threads: Number(values.threads), python: values.python };
  if (values.shares) {
    await printShares(setting, seconds, rounds, pattern);
    return;
  }
  const run = values.matrix ? runMatrix({ python: values.python, seconds, rounds, pattern, processor }) : runOne(setting);
  const { text, report } = await run;
  const json = values.json || (values.matrix ? 'out/bench-matrix.json' : 'out/bench.json');
  mkdirSync(dirname(json), { recursive: true });
  writeFileSync(json, `${JSON.stringify(report, null, 1)}\n`);
  console.log(`written to ${json}`);
  if (values.markdown === '') return;
  writeBetweenMarkers(values.markdown, values.matrix ? 'matrix' : 'table', text);
  console.log(`written to ${values.markdown}`);
}

await main();
