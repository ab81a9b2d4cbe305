import type { DTypeInfo } from '../../dtype/dtype.ts';
import { type Expr, forEachNode } from '../../scalar/core.ts';
import { float32Functions } from './math-float32.ts';
import { float64Functions } from './math-float64.ts';

/** What vectors have an instruction or two for. */
export const LIGHT: ReadonlySet<string> = new Set(
  (
    'neg abs sqrt floor ceil trunc round add sub mul div max min fmax fmin sign reciprocal rsqrt copysign ' +
    'lt le gt ge eq ne and or xor not isnan isinf isfinite signbit select bitAnd bitOr bitXor bitNot'
  ).split(' '),
);

/** Functions whose code, in float64 also for float32, is so long that few vectors of it fit the registers. */
const LONG = new Set('erf erfc tan sinh cosh asinh acosh atanh atan atan2 pow'.split(' '));

const FEW = 8;
const MANY = 24;

/**
 * How many vectors a kernel computes side by side: four, so that the loop around the work and chains of dependent operations do not count; fewer
 * where the code is so long that registers run out; one where each lane is a call anyway. Measured.
 */
export function vectorsAtOnce(e: readonly Expr[], compute: DTypeInfo): number {
  let calls = 0;
  let isLong = false;
  let hasCode = true;
  const own = compute.itemsize <= 4 ? float32Functions : float64Functions;
  const visit = ({ op, args }: Expr): void => {
    if (typeof op === 'string') return;
    if (op.expand !== null && !(op.name in own)) {
      forEachNode(op.expand(...args), visit);
      return;
    }
    calls++;
    const light = LIGHT.has(op.name);
    const isWide = LONG.has(op.name) || op.narrow !== null;
    isLong ||= isWide && !(own === float32Functions && op.name in own);
    hasCode &&= light || op.name in float32Functions || op.name in float64Functions || (own === float32Functions && isWide);
  };
  forEachNode(e, visit);
  if (!hasCode || calls > MANY) return 1;
  return isLong ? 2 : 4;
}

/** Whether computing takes longer than fetching the operands: only then do wider vectors help. */
export function isHeavy(e: readonly Expr[]): boolean {
  let calls = 0;
  let isLong = false;
  forEachNode(e, ({ op }) => {
    if (typeof op === 'string') return;
    calls++;
    isLong ||= !LIGHT.has(op.name);
  });
  return isLong || calls > FEW;
}

const LIGHT_NANOSECONDS = 0.03;
const OTHER_NANOSECONDS = 0.6;

/** About how long computing an element takes in float32, apart from fetching it: good to a factor of two or so. */
export function nanosecondsPerElement(e: readonly Expr[]): number {
  let sum = 0;
  forEachNode(e, ({ op }) => {
    if (typeof op !== 'string') sum += LIGHT.has(op.name) ? LIGHT_NANOSECONDS : OTHER_NANOSECONDS;
  });
  return sum;
}
