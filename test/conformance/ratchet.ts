/** The ratchet: the counts that were reached once, which no commit may fall below. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { add, COLUMNS, type Count, type Counts, isWholeOnReals, sumColumns } from './counts.ts';

/** Which vectors were counted: all, or the repository's own part of them. */
export type Extent = 'full' | 'subset';

/** Passed and total of every column. */
export type ColumnCounts = Readonly<Record<string, Count>>;
export type Recorded = Partial<Record<Extent, ColumnCounts>>;

/** One line of numbers for a run: each operator column, whole operators, modules, and each part of the training vectors. */
export function toRecord(counts: Counts): ColumnCounts {
  const operators = Object.values(counts.operators);
  const columns = sumColumns(operators);
  const modules: Count = [0, 0];
  for (const count of Object.values(counts.modules)) add(modules, count);
  return {
    ...Object.fromEntries(COLUMNS.map((column) => [column, columns[column]])),
    whole: [operators.filter(isWholeOnReals).length, operators.length],
    modules,
    ...Object.fromEntries(Object.entries(counts.training).map(([part, count]) => [`training.${part}`, count])),
  };
}

/** Columns in which a run stays below what is recorded. */
export function fallenColumns(now: ColumnCounts, recorded: ColumnCounts | undefined): string[] {
  return Object.entries(recorded ?? {}).flatMap(([column, [passed]]) => {
    const reached = now[column]?.[0] ?? 0;
    return reached < passed ? [`${column}: ${reached} passed, ${passed} are recorded`] : [];
  });
}

/** The record raised to what a run reached; it never goes down. */
export function raise(now: ColumnCounts, recorded: ColumnCounts | undefined): ColumnCounts {
  return Object.fromEntries(
    Object.entries(now).map(([column, [passed, total]]) => [column, [Math.max(passed, recorded?.[column]?.[0] ?? 0), total] as Count]),
  );
}

export function readRecorded(path: string): Recorded {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Recorded) : {};
}

/** Writes the record, one column a line, so that a change reads well. */
export function writeRecorded(path: string, recorded: Recorded): void {
  const sections = Object.entries(recorded).map(([extent, record]) => {
    const lines = Object.entries(record).map(([column, [passed, total]]) => `    ${JSON.stringify(column)}: [${passed}, ${total}]`);
    return `  ${JSON.stringify(extent)}: {\n${lines.join(',\n')}\n  }`;
  });
  writeFileSync(path, `{\n${sections.join(',\n')}\n}\n`);
}
