import { formatShape } from '../shape/shape.ts';
import { NablaError } from '../util/errors.ts';

/**
 * A checkpointed function did something else when it ran again for the backward pass, or its graph was used in a way that recomputation does not
 * allow.
 *
 * @example
 * const x = tensor([2], { requiresGrad: true });
 * let runs = 0;
 * const y = checkpoint((x) => (runs++ === 0 ? x.sin().exp() : x.sin()), [x]);
 * try {
 *   y.backward();
 * } catch (error) {
 *   error instanceof CheckpointError; // true
 * }
 */
export class CheckpointError extends NablaError {
  constructor(message: string) {
    super('CheckpointError', 'CHECKPOINT', message);
  }
}

/** What is known of a tensor that the function saved: enough to tell two runs apart. */
export interface SavedFacts {
  readonly shape: readonly number[];
  readonly dtype: string;
  /** The operator that saved it. */
  readonly operator: string;
}

const describe = ({ shape, dtype, operator }: SavedFacts): string => `${dtype} of shape ${formatShape(shape)}, saved by ${operator}`;

const WHAT_TO_DO =
  'It must do the same each time it runs with the same inputs: look for state that it reads or changes outside of itself (counters, caches, in-place writes)' +
  ', and for random numbers that come from a generator of its own.';

/** The operators of both runs, with the first difference marked. */
export interface Runs {
  readonly first: readonly string[];
  readonly again: readonly string[];
}

function listed(runs: Runs | null): string {
  if (runs === null) return ' checkpoint with { debug: true } lists the operators of both runs.';
  const differs = runs.first.findIndex((line, i) => line !== runs.again[i]);
  const at = differs < 0 ? Math.min(runs.first.length, runs.again.length) : differs;
  const lines = (run: readonly string[]): string =>
    run.map((line, i) => `${i === at ? '> ' : '  '}${line}`).join('\n') || '  (no operators)';
  return `\nOperators of the first run:\n${lines(runs.first)}\nOperators of the second run:\n${lines(runs.again)}`;
}

/** The second run saved another number of tensors. */
export function countError(name: string, first: readonly SavedFacts[], again: readonly SavedFacts[], runs: Runs | null): CheckpointError {
  const longer = first.length > again.length ? first : again;
  const which = longer === first ? 'The first one missing' : 'The first one more';
  const next = longer[Math.min(first.length, again.length)] as SavedFacts;
  return new CheckpointError(
    `${name}: the function saved ${plural(first.length)} for the backward pass when it first ran, and ${plural(again.length)} when it ran again to recompute them. ` +
      `${which} is ${describe(next)}. ${WHAT_TO_DO}${listed(runs)}`,
  );
}

/** Tensors of the second run have other shapes or dtypes. */
export function metadataError(
  name: string,
  first: readonly SavedFacts[],
  again: readonly SavedFacts[],
  runs: Runs | null,
): CheckpointError | null {
  const lines = again.flatMap((found, i) => {
    const saved = first[i];
    if (saved === undefined || sameFacts(saved, found)) return [];
    return [`  tensor ${i} was ${describe(saved)}; it became ${describe(found)}`];
  });
  if (lines.length === 0) return null;
  return new CheckpointError(
    `${name}: the function saved other tensors when it ran again to recompute them:\n${lines.join('\n')}\n${WHAT_TO_DO}${listed(runs)}`,
  );
}

function sameFacts(a: SavedFacts, b: SavedFacts): boolean {
  return a.dtype === b.dtype && formatShape(a.shape) === formatShape(b.shape);
}

function plural(count: number): string {
  return `${count} tensor${count === 1 ? '' : 's'}`;
}
