import type { Tensor } from '../tensor/tensor.ts';

/** A point of a line search: how far it is, and what the loss, its gradient, and its slope along the line are there. */
export interface LinePoint {
  readonly step: number;
  readonly loss: number;
  readonly grad: Tensor;
  readonly slope: number;
}

interface Search {
  readonly start: LinePoint;
  /** How many times the line may be tried after the first. */
  readonly most: number;
  evaluate(step: number): LinePoint;
}

interface Bracket {
  readonly ends: [LinePoint, LinePoint];
  readonly tried: number;
}

/** The loss falls by this share of what the slope promises, and the slope to this share of what it was. */
const DECREASE = 1e-4;
const CURVATURE = 0.9;
/** How near to an end of the bracket a trial may be, as a share of its length. */
const MARGIN = 0.1;

/** The minimum of the cubic through two points with their slopes, between `low` and `high`; their middle where it has none. */
function cubicMinimum(a: LinePoint, b: LinePoint, low = Math.min(a.step, b.step), high = Math.max(a.step, b.step)): number {
  const [left, right] = a.step <= b.step ? [a, b] : [b, a];
  const mean = a.slope + b.slope - (3 * (a.loss - b.loss)) / (a.step - b.step);
  const square = mean ** 2 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const root = Math.sqrt(square);
  const at = right.step - (right.step - left.step) * ((right.slope + root - mean) / (right.slope - left.slope + 2 * root));
  return Math.min(Math.max(at, low), high);
}

function fallsTooLittle(point: LinePoint, start: LinePoint): boolean {
  return point.loss > start.loss + DECREASE * point.step * start.slope;
}

function isFlat(point: LinePoint, start: LinePoint): boolean {
  return Math.abs(point.slope) <= -CURVATURE * start.slope;
}

/** Goes outward until a point fulfils the conditions, or two points have such a one between them. */
function bracketed({ start, most, evaluate }: Search, first: number): LinePoint | Bracket {
  let previous = start;
  let current = evaluate(first);
  for (let tried = 0; tried < most; tried++) {
    if (fallsTooLittle(current, start) || (tried > 1 && current.loss >= previous.loss)) return { ends: [previous, current], tried };
    if (isFlat(current, start)) return current;
    if (current.slope >= 0) return { ends: [previous, current], tried };
    const next = cubicMinimum(previous, current, current.step + 0.01 * (current.step - previous.step), current.step * 10);
    [previous, current] = [current, evaluate(next)];
  }
  return { ends: [start, current], tried: most };
}

/** A trial between two points; `cramped` says that the last one lay near an end already: then this one keeps away from it. */
function trialIn(ends: readonly [LinePoint, LinePoint], cramped: boolean): { readonly step: number; readonly cramped: boolean } {
  const at = cubicMinimum(ends[0], ends[1]);
  const [low, high] = [Math.min(ends[0].step, ends[1].step), Math.max(ends[0].step, ends[1].step)];
  const margin = MARGIN * (high - low);
  if (Math.min(high - at, at - low) >= margin) return { step: at, cramped: false };
  if (!cramped && at < high && at > low) return { step: at, cramped: true };
  return { step: Math.abs(at - high) < Math.abs(at - low) ? high - margin : low + margin, cramped: false };
}

/** Narrows a bracket until its better end fulfils the conditions, it is shorter than `shortest`, or there are no trials left. */
function narrowed({ start, most, evaluate }: Search, bracket: Bracket, shortest: number): LinePoint {
  const { ends } = bracket;
  let better: 0 | 1 = ends[0].loss <= ends[1].loss ? 0 : 1;
  let cramped = false;
  for (let tried = bracket.tried; tried < most; tried++) {
    if (Math.abs(ends[1].step - ends[0].step) < shortest) break;
    const trial = trialIn(ends, cramped);
    cramped = trial.cramped;
    const point = evaluate(trial.step);
    const worse = better === 0 ? 1 : 0;
    if (fallsTooLittle(point, start) || point.loss >= ends[better].loss) {
      ends[worse] = point;
      better = ends[0].loss <= ends[1].loss ? 0 : 1;
      continue;
    }
    if (isFlat(point, start)) return point;
    if (point.slope * (ends[worse].step - ends[better].step) >= 0) ends[worse] = ends[better];
    ends[better] = point;
  }
  return ends[better];
}

/**
 * A step along a line that fulfils the strong Wolfe conditions: the loss falls enough, and the slope is flat enough (Nocedal and Wright, "Numerical
 * Optimization", algorithms 3.5 and 3.6, with cubic interpolation). `shortest` is the length of a bracket that is not worth dividing.
 */
export function strongWolfe(search: Search, first: number, shortest: number): LinePoint {
  const found = bracketed(search, first);
  return 'ends' in found ? narrowed(search, found, shortest) : found;
}
