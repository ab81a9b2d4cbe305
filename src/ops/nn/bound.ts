import * as S from '../../scalar/expr.ts';

/** The larger one, while the first operand keeps its derivative: a bound against division by zero that does not stop learning. */
export const boundBelow = S.binary('boundBelow', (x, low) => Math.max(x, low), {
  partials: () => [S.constant(1), null],
  expand: (x, low) => S.max(x, low),
});
