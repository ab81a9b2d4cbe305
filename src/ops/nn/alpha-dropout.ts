import type { DType } from '../../dtype/dtype.ts';
import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { applyOne } from '../../tensor/apply.ts';
import { writeInPlace } from '../../tensor/inplace.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { callMap, compositeOperator, described, mapOperator, requireDims } from '../family.ts';
import type { UnarySame } from '../types.ts';
import { type DropoutOptions, drawMask, requireFloating, requireProbability } from './dropout.ts';

type E = S.Expr;

/** The negative saturation of SELU, with its sign turned. */
const SATURATION = 1.7580993408473766;

/** a x + b where the mask keeps, else what saturates: mean and variance stay as they are. */
const KEPT = mapOperator('where', 2, 3, ([x, mask], [a, kept, dropped]) =>
  S.select(S.ne(mask as E, 0), S.add(S.mul(x as E, a as E), kept as E), dropped as E),
);

function alphaFunction(
  own: string,
  maskShape: (name: string, input: Tensor) => readonly number[],
): UnarySame<DType, [p?: number, options?: DropoutOptions]> {
  const name = `nn.functional.${own}`;
  const operator = compositeOperator<number>(name, ([x, mask], p) => {
    const source = x as Tensor;
    const a = 1 / Math.sqrt((SATURATION ** 2 * p + 1) * (1 - p));
    const kept = SATURATION * a * p;
    return callMap(KEPT, [source, mask as Tensor], [a, kept, kept - SATURATION * a], source.type);
  });
  return described(
    name,
    (input: Tensor, p = 0.5, options: DropoutOptions = {}): Tensor => {
      requireProbability(name, input, p);
      if (options.training !== true || p === 0) return input;
      requireFloating(name, input);
      const shape = maskShape(name, input);
      const run = (x: Tensor): Tensor =>
        p === 1 ? callMap(NOTHING, [x], [], x.type) : applyOne(operator, [x, drawMask(name, shape, p, x.type)], p);
      return options.inplace === true ? writeInPlace(`${name}_`, input, run) : run(input);
    },
    {
      signature: 'input, p?, *, training, inplace',
      random: true,
      samples: [{ args: [t([4, 3, 2]), 0.4, { training: true }] }, { args: [t([4, 3, 2]), 0.4] }],
      bad: [{ args: [t([2]), 1.5], error: /probability/ }],
    },
  );
}
const NOTHING = mapOperator('mul', 1, 0, ([x]) => S.mul(x as E, 0));

/**
 * Dropout for networks of SELU (Klambauer et al., "Self-normalizing neural networks", 2017): with `training`, elements go to the value where SELU saturates
 * with probability `p`, and all are shifted and scaled so that mean and variance stay. The same seed drops what PyTorch drops.
 *
 * @example
 * nn.functional.alphaDropout(ones([3]), 0.5); // tensor([1., 1., 1.])
 */
export const alphaDropout = alphaFunction('alphaDropout', (_, x) => x.shape);

/**
 * `alphaDropout` of whole channels of [N, C, …].
 *
 * @example
 * nn.functional.featureAlphaDropout(ones([1, 2, 3]), 0.5, { training: true }).shape; // [1, 2, 3]
 */
export const featureAlphaDropout = alphaFunction('featureAlphaDropout', (name, x) => {
  requireDims(name, x, 2);
  return x.shape.map((size, i) => (i < 2 ? size : 1));
});
