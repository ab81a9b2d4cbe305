/**
 * Makes the part of the golden vectors that the repository holds: every operator and module, with as many of its cases as fit its share of the
 * bytes, small ones first and every kind of case (dtype, derivatives, wrap) before a second of a kind.
 *
 *   tsx test/conformance/make-subset.ts FROM [TO]
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type ModuleCase, type OperatorCase, readGzip, VectorSet } from './vectors.ts';

const OPERATOR_BYTES = 19_000;
const MODULE_BYTES = 50_000;

const pack = (value: unknown): Buffer => gzipSync(JSON.stringify(value), { level: 9 });

/** Picks cases up to a number of compressed bytes, in their old order. */
function choose<T>(cases: readonly T[], kindOf: (sample: T) => string, budget: number): T[] {
  const sized = cases
    .map((sample, order) => ({ sample, order, kind: kindOf(sample), bytes: pack(sample).length }))
    .sort((a, b) => a.bytes - b.bytes);
  const seen = new Set<string>();
  const firsts = sized.filter(({ kind }) => !seen.has(kind) && seen.add(kind));
  const rest = sized.filter((entry) => !firsts.includes(entry));
  let left = budget;
  const chosen = [...firsts, ...rest].filter(({ bytes }, rank) => {
    if (bytes > left && rank > 0) return false;
    left -= bytes;
    return true;
  });
  return chosen.sort((a, b) => a.order - b.order).map(({ sample }) => sample);
}

const kindOfCase = (sample: OperatorCase): string =>
  [sample.dtype, sample.grads !== undefined, sample.gradgrads !== undefined, sample.jvp !== undefined, sample.wrap, sample.post].join();

const [from, to = fileURLToPath(new URL('../vectors', import.meta.url))] = process.argv.slice(2);
if (from === undefined) throw new Error('usage: tsx test/conformance/make-subset.ts FROM [TO]');
const vectors = new VectorSet(from);
rmSync(to, { recursive: true, force: true });
mkdirSync(join(to, 'opinfo'), { recursive: true });
const operators: Record<string, unknown> = {};
let bytes = 0;
const write = (path: string, content: Buffer | string): void => {
  writeFileSync(join(to, path), content);
  bytes += content.length;
};
for (const [name, entry] of Object.entries(vectors.index())) {
  const file = vectors.operator(name);
  const cases = choose(file.cases, kindOfCase, OPERATOR_BYTES);
  write(join('opinfo', `${name}.json.gz`), pack({ ...file, cases }));
  operators[name] = { op: entry.op, variant: entry.variant, cases: cases.length };
}
write(join('opinfo', 'index.json'), `${JSON.stringify({ operators }, null, 2)}\n`);
const byModule = new Map<string, ModuleCase[]>();
for (const sample of vectors.modules()) byModule.set(sample.module, [...(byModule.get(sample.module) ?? []), sample]);
const cases = [...byModule.values()].flatMap((group) => choose(group, ({ training }) => String(training), MODULE_BYTES));
write('nn.json.gz', pack({ cases }));
write('train.json.gz', pack(readGzip(join(from, 'train.json.gz'))));
write(
  'subset.json',
  `${JSON.stringify({ from: 'PyTorch 2.13 (CPU)', operatorBytes: OPERATOR_BYTES, moduleBytes: MODULE_BYTES }, null, 2)}\n`,
);
process.stdout.write(`${(bytes / 1e6).toFixed(2)} MB\n`);
