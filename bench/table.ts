/** The results as a Markdown table, written into a document between two markers. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** Median milliseconds and those of each round, by workload and peer. */
export type Results = Readonly<Record<string, Readonly<Record<string, { readonly median: number; readonly rounds: readonly number[] }>>>>;

export function format(ms: number): string {
  return ms >= 1 ? `${ms.toFixed(2)} ms` : ms >= 1e-3 ? `${(ms * 1e3).toFixed(2)} µs` : `${(ms * 1e6).toFixed(0)} ns`;
}

/** A row of a Markdown table. */
export function markdownRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** One row a workload: the times, then nabla's time over each peer's. */
export function table(results: Results, peers: readonly string[]): string {
  const [ours, ...others] = peers as [string, ...string[]];
  const lines = [
    markdownRow(['workload', ...peers, ...others.map((name) => `÷ ${name}`)]),
    markdownRow(['---', ...[...peers, ...others].map(() => '---:')]),
  ];
  for (const [workload, times] of Object.entries(results)) {
    const mine = times[ours]?.median;
    const cells = peers.map((name) => (times[name] === undefined ? '' : format(times[name].median)));
    const ratios = others.map((name) => (times[name] === undefined || mine === undefined ? '' : (mine / times[name].median).toFixed(2)));
    lines.push(markdownRow([workload, ...cells, ...ratios]));
  }
  return lines.join('\n');
}

/** Puts the text between the markers of a file that have this name, or at its end if it has none. */
export function writeBetweenMarkers(file: string, name: string, text: string): void {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const opening = `<!-- begin ${name}: npm run bench -->`;
  const closing = `<!-- end ${name} -->`;
  const begin = before.indexOf(opening);
  const end = before.indexOf(closing);
  const [head, tail] = begin >= 0 && end > begin ? [before.slice(0, begin), before.slice(end + closing.length)] : [`${before}\n`, '\n'];
  writeFileSync(file, `${head}${opening}\n\n${text}\n\n${closing}${tail}`);
}
