import { type Expr, forEachNode } from '../../scalar/core.ts';

/** What vectors have an instruction or two for. */
const LIGHT = new Set(
  (
    'neg abs sqrt floor ceil trunc round add sub mul div max min fmax fmin sign reciprocal rsqrt copysign ' +
    'lt le gt ge eq ne and or xor not isnan isinf isfinite signbit select bitAnd bitOr bitXor bitNot'
  ).split(' '),
);

const FEW = 6;

/** Whether an expression is so little work that the loop around it matters. */
export function isCheap(e: Expr): boolean {
  let calls = 0;
  let light = true;
  forEachNode(e, ({ op }) => {
    if (typeof op === 'string') return;
    calls++;
    light &&= LIGHT.has(op.name);
  });
  return light && calls <= FEW;
}
