import type { RealDType } from '../dtype/types.ts';
import { t } from '../op/contract.ts';
import * as S from '../scalar/expr.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { DTypeError } from '../util/errors.ts';
import { toRealFloat, unarySamples } from './elementwise.ts';
import { described, unary } from './family.ts';
import type { UnaryFloat, UnarySame } from './types.ts';

/** The functions of complex numbers, on real ones: what is real is its own conjugate. */

const BAD = [{ args: [t([2], { dtype: 'complex64' })], error: /complex64/ }];

function itself(name: string, complexToo: boolean): UnarySame {
  return described(
    name,
    (input: Tensor): Tensor => {
      if (input.type.isComplex && !complexToo)
        throw new DTypeError(`${name}: not available for dtype ${input.dtype} yet: only real dtypes are`);
      return input;
    },
    { signature: 'input', tensors: 1, samples: unarySamples(), bad: complexToo ? [{ args: [1], error: /must be a tensor/ }] : BAD },
  );
}

/**
 * The complex conjugate: of real dtypes, the input itself.
 *
 * @example
 * conj(tensor([1, -2])); // tensor([ 1., -2.])
 */
export const conj = itself('conj', false);

/**
 * The complex conjugate, computed at once: of real dtypes, the input itself.
 *
 * @example
 * conjPhysical(tensor([1, -2])); // tensor([ 1., -2.])
 */
export const conjPhysical = itself('conjPhysical', false);

/**
 * The input itself: conjugates are always computed at once here.
 *
 * @example
 * resolveConj(tensor([1, -2])); // tensor([ 1., -2.])
 */
export const resolveConj = itself('resolveConj', true);

/**
 * The input itself: negations are always computed at once here.
 *
 * @example
 * resolveNeg(tensor([1, -2])); // tensor([ 1., -2.])
 */
export const resolveNeg = itself('resolveNeg', true);

/**
 * The real part: of real dtypes, the input itself.
 *
 * @example
 * real(tensor([1, -2])); // tensor([ 1., -2.])
 */
export const real = itself('real', false);

/**
 * The imaginary part; real dtypes, which have none, are refused, as PyTorch does.
 *
 * @example
 * // imag(tensor([1])) throws DTypeError
 */
export const imag = described(
  'imag',
  (input: Tensor): Tensor => {
    throw new DTypeError(
      input.type.isComplex
        ? `imag: not available for dtype ${input.dtype} yet`
        : `imag: a tensor of the real dtype ${input.dtype} has no imaginary part; use zerosLike`,
    );
  },
  { signature: 'input', tensors: 1, bad: [{ args: [t([2])], error: /no imaginary part/ }] },
);

/**
 * The angle of each number in the complex plane: of real ones 0, or π below 0; NaN stays. Integers and bool give the default float.
 *
 * @example
 * angle(tensor([2, -2])); // tensor([0.0000, 3.1416])
 */
export const angle: UnaryFloat<RealDType> = unary('angle', (x) => S.select(S.isnan(x), Number.NaN, S.select(S.lt(x, 0), Math.PI, 0)), {
  type: toRealFloat,
  samples: unarySamples(0.5, 2, true),
  bad: BAD,
});
