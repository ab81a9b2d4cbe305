import type { RealDType } from '../../dtype/types.ts';
import { t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import * as P from '../../scalar/intrinsics/bessel.ts';
import { mode } from '../../tensor/modes.ts';
import { isTensor } from '../../tensor/tensor.ts';
import { isTracked } from '../../tensor/views.ts';
import { AutogradError } from '../../util/errors.ts';
import { BAD_BROADCAST, toRealFloat } from '../elementwise.ts';
import { binary, type Operand } from '../family.ts';
import type { BinaryFloat } from '../types.ts';

/** Orthogonal polynomials by their degree n, which is cut to a whole number, and the zeta function; broadcast, either may be a number. */

function polynomial<const N extends string>(name: N, build: (x: S.Expr, n: S.Expr) => S.Expr): BinaryFloat<N, RealDType> {
  const degrees = (shape: readonly number[]) =>
    t(shape, { values: Array.from({ length: shape.reduce((n, size) => n * size, 1) }, (_, i) => i % 5), grad: false });
  return binary(`special.${name}`, build, {
    type: toRealFloat,
    samples: [
      { args: [t([2, 3]), degrees([2, 3])] },
      { args: [t([2, 1, 3]), degrees([4, 1])] },
      { args: [t([]), degrees([2])] },
      { args: [t([0, 2]), degrees([2])] },
      { args: [t([4]), 3] },
      { args: [0.5, degrees([5])] },
    ],
    bad: BAD_BROADCAST,
  });
}

/**
 * Chebyshev polynomials of the first kind (DLMF 18.3): T₀ = 1, T₁ = x; 0 for a degree below 0.
 *
 * @example
 * special.chebyshevPolynomialT(tensor([0.5, 2]), 2); // tensor([-0.5000,  7.0000])
 */
export const chebyshevPolynomialT = polynomial('chebyshevPolynomialT', P.chebyshevT);

/**
 * Chebyshev polynomials of the second kind (DLMF 18.3): U₀ = 1, U₁ = 2x; 0 for a degree below 0.
 *
 * @example
 * special.chebyshevPolynomialU(tensor([0.5, 2]), 2); // tensor([ 0., 15.])
 */
export const chebyshevPolynomialU = polynomial('chebyshevPolynomialU', P.chebyshevU);

/**
 * Chebyshev polynomials of the third kind (DLMF 18.3): V₀ = 1, V₁ = 2x - 1; 0 for a degree below 0.
 *
 * @example
 * special.chebyshevPolynomialV(tensor([0.5, 2]), 2); // tensor([-1., 11.])
 */
export const chebyshevPolynomialV = polynomial('chebyshevPolynomialV', P.chebyshevV);

/**
 * Chebyshev polynomials of the fourth kind (DLMF 18.3): W₀ = 1, W₁ = 2x + 1; 0 for a degree below 0.
 *
 * @example
 * special.chebyshevPolynomialW(tensor([0.5, 2]), 2); // tensor([ 1., 19.])
 */
export const chebyshevPolynomialW = polynomial('chebyshevPolynomialW', P.chebyshevW);

/**
 * `chebyshevPolynomialT` of 2x - 1; 0 for a degree below 0.
 *
 * @example
 * special.shiftedChebyshevPolynomialT(tensor([0.5, 1]), 2); // tensor([-1.,  1.])
 */
export const shiftedChebyshevPolynomialT = polynomial('shiftedChebyshevPolynomialT', P.shiftedChebyshevT);

/**
 * `chebyshevPolynomialU` of 2x - 1; 0 for a degree below 0.
 *
 * @example
 * special.shiftedChebyshevPolynomialU(tensor([0.5, 1]), 2); // tensor([-1.,  3.])
 */
export const shiftedChebyshevPolynomialU = polynomial('shiftedChebyshevPolynomialU', P.shiftedChebyshevU);

/**
 * `chebyshevPolynomialV` of 2x - 1; 0 for a degree below 0.
 *
 * @example
 * special.shiftedChebyshevPolynomialV(tensor([0.5, 1]), 2); // tensor([-1.,  1.])
 */
export const shiftedChebyshevPolynomialV = polynomial('shiftedChebyshevPolynomialV', P.shiftedChebyshevV);

/**
 * `chebyshevPolynomialW` of 2x - 1; 0 for a degree below 0.
 *
 * @example
 * special.shiftedChebyshevPolynomialW(tensor([0.5, 1]), 2); // tensor([-1.,  5.])
 */
export const shiftedChebyshevPolynomialW = polynomial('shiftedChebyshevPolynomialW', P.shiftedChebyshevW);

/**
 * Hermite polynomials, the physicists' (DLMF 18.3): H₀ = 1, H₁ = 2x; 0 for a degree below 0.
 *
 * @example
 * special.hermitePolynomialH(tensor([1, 2]), 2); // tensor([ 2., 14.])
 */
export const hermitePolynomialH = polynomial('hermitePolynomialH', P.hermiteH);

/**
 * Hermite polynomials, the probabilists' (DLMF 18.3): He₀ = 1, He₁ = x; 0 for a degree below 0.
 *
 * @example
 * special.hermitePolynomialHe(tensor([1, 2]), 2); // tensor([0., 3.])
 */
export const hermitePolynomialHe = polynomial('hermitePolynomialHe', P.hermiteHe);

/**
 * Laguerre polynomials (DLMF 18.3): L₀ = 1, L₁ = 1 - x; 0 for a degree below 0.
 *
 * @example
 * special.laguerrePolynomialL(tensor([1, 2]), 2); // tensor([-0.5000, -1.0000])
 */
export const laguerrePolynomialL = polynomial('laguerrePolynomialL', P.laguerreL);

/**
 * Legendre polynomials (DLMF 18.3): P₀ = 1, P₁ = x; 0 for a degree below 0.
 *
 * @example
 * special.legendrePolynomialP(tensor([1, 2]), 2); // tensor([1.0000, 5.5000])
 */
export const legendrePolynomialP = polynomial('legendrePolynomialP', P.legendreP);

function refuseTrackedOrder(s: Operand): void {
  if (mode.grad && isTensor(s) && isTracked(s))
    throw new AutogradError('special.zeta: has no derivative by its first argument, s: detach it, or differentiate by q alone');
}

/**
 * The Hurwitz zeta function: the sum of (q + k)⁻ˢ over k = 0, 1, …, for s > 1 (DLMF 25.11). It has a derivative by q alone, as in PyTorch: throws
 * AutogradError where s wants a gradient.
 *
 * @example
 * special.zeta(tensor([2, 4]), 1); // tensor([1.6449, 1.0823])
 */
export const zeta: BinaryFloat<'zeta', RealDType> = binary('special.zeta', S.zeta, {
  type: toRealFloat,
  check: refuseTrackedOrder,
  samples: [
    { args: [t([2, 3], { low: 1.5, high: 4, grad: false }), t([2, 3], { low: 0.5, high: 3 })] },
    { args: [t([3], { low: 1.5, high: 4, grad: false }), t([2, 1], { low: 0.5, high: 3 })] },
    { args: [2, t([], { low: 0.5, high: 3 })] },
    { args: [t([0], { grad: false }), 1] },
  ],
  bad: BAD_BROADCAST,
});
