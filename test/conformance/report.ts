/** What a run prints: counts by namespace, names of what fails, and why. */
import {
  add,
  COLUMNS,
  type Column,
  type Count,
  type Counts,
  grandTotal,
  isWholeOnReals,
  type OperatorCounts,
  sumColumns,
} from './counts.ts';
import type { IndexEntry } from './vectors.ts';

/** One failure: where, and the reason. */
export interface Failure {
  readonly name: string;
  readonly part: string;
  readonly detail: string;
  readonly reason: string;
}

const TITLES: Readonly<Record<Column, string>> = {
  values: 'values',
  grads: 'gradients',
  gradgrads: 'second grads',
  tangents: 'tangents',
  errors: 'bad inputs',
  complex: 'complex',
};

const WIDTH = 14;

function namespaceOf(op: string): string {
  const dot = op.lastIndexOf('.');
  return dot < 0 ? 'torch' : op.slice(0, dot);
}

function cell([passed, total]: Count): string {
  return (total === 0 ? '-' : `${passed}/${total}`).padStart(WIDTH);
}

function row(title: string, counts: OperatorCounts, whole: string): string {
  return `${title.padEnd(16)}${COLUMNS.map((column) => cell(counts[column])).join('')}${whole.padStart(WIDTH)}`;
}

function wrapNames(names: readonly string[], width = 140): string[] {
  const lines: string[] = [];
  let line = ' ';
  for (const name of names) {
    if (line.length + name.length + 1 > width) {
      lines.push(line);
      line = ' ';
    }
    line += ` ${name}`;
  }
  return line.trim() === '' ? lines : [...lines, line];
}

function namespaceTable(counts: Counts, index: Readonly<Record<string, IndexEntry>>): string[] {
  const groups = new Map<string, OperatorCounts[]>();
  for (const [name, operator] of Object.entries(counts.operators)) {
    const namespace = namespaceOf(index[name]?.op ?? name);
    groups.set(namespace, [...(groups.get(namespace) ?? []), operator]);
  }
  const header = `${'namespace'.padEnd(16)}${COLUMNS.map((column) => TITLES[column].padStart(WIDTH)).join('')}${'whole'.padStart(WIDTH)}`;
  const whole = (all: readonly OperatorCounts[]): string => `${all.filter(isWholeOnReals).length}/${all.length}`;
  const rows = [...groups].map(([namespace, all]) => row(namespace, sumColumns(all), whole(all)));
  const everything = Object.values(counts.operators);
  return [header, ...rows, row('total', sumColumns(everything), whole(everything))];
}

function failingNames(counts: Counts): string[] {
  const lines: string[] = [];
  for (const column of COLUMNS) {
    const failing = Object.entries(counts.operators).filter(([, operator]) => operator[column][0] < operator[column][1]);
    if (failing.length === 0) continue;
    lines.push(`${TITLES[column]}: ${failing.length} operators fail`);
    lines.push(...wrapNames(failing.map(([name, operator]) => `${name}(${operator[column].join('/')})`)));
  }
  return lines;
}

function otherCounts(counts: Counts): string[] {
  const lines: string[] = [];
  const modules = Object.entries(counts.modules);
  if (modules.length > 0) {
    const sum: Count = [0, 0];
    for (const [, count] of modules) add(sum, count);
    const failing = modules.filter(([, [passed, total]]) => passed < total);
    lines.push(`modules: ${sum.join('/')} cases of ${modules.length} modules, ${modules.length - failing.length} whole`);
    if (failing.length > 0) lines.push(...wrapNames(failing.map(([name, count]) => `${name}(${count.join('/')})`)));
  }
  for (const [part, count] of Object.entries(counts.training)) lines.push(`training, ${part}: ${count.join('/')}`);
  return lines;
}

/** A reason without its particulars, so that like reasons fall together. */
export function generalReason(reason: string): string {
  return reason
    .replace(/\[[-\d, ]*\]/g, '[…]')
    .replace(/-?\d[\d.e+-]*/g, '#')
    .slice(0, 110);
}

/** Reasons, the most frequent first, each with the operators concerned. */
export function groupReasons(failures: readonly Failure[], most = 40): string[] {
  const groups = new Map<string, { count: number; names: Set<string> }>();
  for (const { reason, name, part } of failures) {
    const key = `${part}: ${generalReason(reason)}`;
    const group = groups.get(key) ?? { count: 0, names: new Set<string>() };
    group.count++;
    group.names.add(name);
    groups.set(key, group);
  }
  const ordered = [...groups].sort(([, a], [, b]) => b.count - a.count).slice(0, most);
  return ordered.flatMap(([reason, { count, names }]) => [
    `${String(count).padStart(5)}  ${reason}`,
    ...wrapNames([...names].slice(0, 30)).map((line) => `     ${line}`),
  ]);
}

const MISSING = /^MissingError: (the library has no \S+)/;

/** Every failure with its first reason; what the library does not have is said once. */
export function listFailures(failures: readonly Failure[]): string[] {
  const missing = new Set<string>();
  const lines: string[] = [];
  for (const { name, part, detail, reason } of failures) {
    const absent = MISSING.exec(reason)?.[1];
    if (absent === undefined) lines.push(`${name} ${detail} ${part}: ${reason}`);
    else if (!missing.has(`${name} ${absent}`)) {
      missing.add(`${name} ${absent}`);
      lines.push(`${name}: ${absent}`);
    }
  }
  return lines;
}

/** The closing summary. */
export function summary(counts: Counts, index: Readonly<Record<string, IndexEntry>>): string[] {
  const operators = Object.values(counts.operators);
  const whole = operators.filter(isWholeOnReals).length;
  const [passed, total] = grandTotal(counts);
  return [
    ...failingNames(counts),
    ...otherCounts(counts),
    '',
    ...namespaceTable(counts, index),
    `whole on real inputs: ${whole} of ${operators.length} operators`,
    `${passed} passed, ${total - passed} failed`,
  ];
}
