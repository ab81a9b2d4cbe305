import { type Expr, forEachNode } from '../../scalar/core.ts';
import { float32Functions } from './math-float32.ts';
import { float64Functions } from './math-float64.ts';

/** What vectors have an instruction or two for. */
const LIGHT = new Set(
  (
    'neg abs sqrt floor ceil trunc round add sub mul div max min fmax fmin sign reciprocal rsqrt copysign ' +
    'lt le gt ge eq ne and or xor not isnan isinf isfinite signbit select bitAnd bitOr bitXor bitNot'
  ).split(' '),
);

const FEW = 6;
const MANY = 24;

/**
 * How many vectors a kernel computes side by side: four where the loop around the work matters, two where chains of dependent operations would
 * wait, one where the code is so long that registers run out or each lane is a call anyway.
 */
export function vectorsAtOnce(e: Expr): number {
  let calls = 0;
  let isLight = true;
  let hasCode = true;
  const visit = ({ op, args }: Expr): void => {
    if (typeof op === 'string') return;
    if (op.expand !== null) {
      forEachNode(op.expand(...args), visit);
      return;
    }
    calls++;
    const light = LIGHT.has(op.name);
    isLight &&= light;
    hasCode &&= light || op.name in float32Functions || op.name in float64Functions;
  };
  forEachNode(e, visit);
  if (isLight && calls <= FEW) return 4;
  return hasCode && calls <= MANY ? 2 : 1;
}
