/** The columns of the conformance count, and adding them up. */
import type { CaseResult, Verdict } from './operator-cases.ts';

/** Passed and total. */
export type Count = [passed: number, total: number];

export const COLUMNS = ['values', 'grads', 'gradgrads', 'tangents', 'errors', 'complex'] as const;
export type Column = (typeof COLUMNS)[number];
export type OperatorCounts = Record<Column, Count>;

export const TRAINING_PARTS = ['random', 'init', 'optimizers', 'schedulers', 'curves'] as const;
export type TrainingPart = (typeof TRAINING_PARTS)[number];

/** All that one run counted. */
export interface Counts {
  operators: Record<string, OperatorCounts>;
  modules: Record<string, Count>;
  training: Partial<Record<TrainingPart, Count>>;
}

export function emptyCounts(): OperatorCounts {
  return { values: [0, 0], grads: [0, 0], gradgrads: [0, 0], tangents: [0, 0], errors: [0, 0], complex: [0, 0] };
}

export function tally(count: Count, verdict: Verdict): void {
  count[1]++;
  if (verdict === null) count[0]++;
}

/** A real case counts in each of its columns, a complex one in its own column alone, and only when all its parts pass. */
export function tallyCase(counts: OperatorCounts, result: CaseResult, complex: boolean): void {
  const parts: [Column, Verdict | undefined][] = [
    ['values', result.value],
    ['grads', result.grads],
    ['gradgrads', result.gradgrads],
    ['tangents', result.tangents],
  ];
  const present = parts.filter((part): part is [Column, Verdict] => part[1] !== undefined);
  if (complex) tally(counts.complex, present.every(([, verdict]) => verdict === null) ? null : 'a part fails');
  else for (const [column, verdict] of present) tally(counts[column], verdict);
}

export function add(into: Count, count: Count): void {
  into[0] += count[0];
  into[1] += count[1];
}

/** Whole on real inputs: every column but complex is full, and there is at least one case on real inputs. */
export function isWholeOnReals(counts: OperatorCounts): boolean {
  const columns = COLUMNS.filter((column) => column !== 'complex');
  return counts.values[1] > 0 && columns.every((column) => counts[column][0] === counts[column][1]);
}

/** The sum of each column over some operators. */
export function sumColumns(all: Iterable<OperatorCounts>): OperatorCounts {
  const sum = emptyCounts();
  for (const counts of all) for (const column of COLUMNS) add(sum[column], counts[column]);
  return sum;
}

/** Passed and total over everything. */
export function grandTotal(counts: Counts): Count {
  const total: Count = [0, 0];
  const sum = sumColumns(Object.values(counts.operators));
  for (const column of COLUMNS) add(total, sum[column]);
  for (const count of Object.values(counts.modules)) add(total, count);
  for (const count of Object.values(counts.training)) add(total, count);
  return total;
}
