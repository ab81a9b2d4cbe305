import type { RealDType } from '../../dtype/types.ts';
import * as S from '../../scalar/expr.ts';
import * as B from '../../scalar/intrinsics/bessel.ts';
import { BAD_COMPLEX, toRealFloat, unarySamples } from '../elementwise.ts';
import { unary } from '../family.ts';
import type { UnaryFloat } from '../types.ts';

/** Bessel functions. Integers and bool give the default float; complex is refused. */

const float = (name: string, build: (x: S.Expr) => S.Expr, low: number, high: number): UnaryFloat<RealDType> =>
  unary(`special.${name}`, build, { type: toRealFloat, samples: unarySamples(low, high, true), bad: BAD_COMPLEX });

/**
 * The Bessel function of the first kind, of order 0 (DLMF 10.2).
 *
 * @example
 * special.besselJ0(tensor([0, 1])); // tensor([1.0000, 0.7652])
 */
export const besselJ0 = float('besselJ0', B.besselJ0, -8, 8);

/**
 * The Bessel function of the first kind, of order 1 (DLMF 10.2).
 *
 * @example
 * special.besselJ1(tensor([0, 1])); // tensor([0.0000, 0.4401])
 */
export const besselJ1 = float('besselJ1', B.besselJ1, -8, 8);

/**
 * The Bessel function of the second kind, of order 0 (DLMF 10.2): -Infinity at 0, NaN below.
 *
 * @example
 * special.besselY0(tensor([1, 2])); // tensor([0.0883, 0.5104])
 */
export const besselY0 = float('besselY0', B.besselY0, 0.5, 8);

/**
 * The Bessel function of the second kind, of order 1 (DLMF 10.2): -Infinity at 0, NaN below.
 *
 * @example
 * special.besselY1(tensor([1, 2])); // tensor([-0.7812, -0.1070])
 */
export const besselY1 = float('besselY1', B.besselY1, 0.5, 8);

/**
 * The modified Bessel function of the first kind, of order 0 (DLMF 10.25).
 *
 * @example
 * special.modifiedBesselI0(tensor([0, 1])); // tensor([1.0000, 1.2661])
 */
export const modifiedBesselI0 = float('modifiedBesselI0', B.i0, -3, 3);

/**
 * The modified Bessel function of the first kind, of order 1 (DLMF 10.25).
 *
 * @example
 * special.modifiedBesselI1(tensor([0, 1])); // tensor([0.0000, 0.5652])
 */
export const modifiedBesselI1 = float('modifiedBesselI1', B.i1, -3, 3);

/**
 * The modified Bessel function of the second kind, of order 0 (DLMF 10.25): Infinity at 0, NaN below.
 *
 * @example
 * special.modifiedBesselK0(tensor([1, 2])); // tensor([0.4210, 0.1139])
 */
export const modifiedBesselK0 = float('modifiedBesselK0', B.k0, 0.5, 4);

/**
 * The modified Bessel function of the second kind, of order 1 (DLMF 10.25): Infinity at 0, NaN below.
 *
 * @example
 * special.modifiedBesselK1(tensor([1, 2])); // tensor([0.6019, 0.1399])
 */
export const modifiedBesselK1 = float('modifiedBesselK1', B.k1, 0.5, 4);

/**
 * exp(x) times `modifiedBesselK0`, which does not underflow.
 *
 * @example
 * special.scaledModifiedBesselK0(tensor([1, 2])); // tensor([1.1445, 0.8416])
 */
export const scaledModifiedBesselK0 = float('scaledModifiedBesselK0', B.k0e, 0.5, 4);

/**
 * exp(x) times `modifiedBesselK1`, which does not underflow.
 *
 * @example
 * special.scaledModifiedBesselK1(tensor([1, 2])); // tensor([1.6362, 1.0335])
 */
export const scaledModifiedBesselK1 = float('scaledModifiedBesselK1', B.k1e, 0.5, 4);

/**
 * The modified Bessel function of the first kind, of order 0 (DLMF 10.25).
 *
 * @example
 * special.i0(tensor([0, 1])); // tensor([1.0000, 1.2661])
 */
export const i0 = float('i0', B.i0, -3, 3);

/**
 * exp(-|x|) times `i0`, which does not overflow.
 *
 * @example
 * special.i0e(tensor([0, 1])); // tensor([1.0000, 0.4658])
 */
export const i0e = float('i0e', B.i0e, 0.5, 3);

/**
 * The modified Bessel function of the first kind, of order 1 (DLMF 10.25).
 *
 * @example
 * special.i1(tensor([0, 1])); // tensor([0.0000, 0.5652])
 */
export const i1 = float('i1', B.i1, -3, 3);

/**
 * exp(-|x|) times `i1`, which does not overflow.
 *
 * @example
 * special.i1e(tensor([0, 1])); // tensor([0.0000, 0.2079])
 */
export const i1e = float('i1e', B.i1e, 0.5, 3);

/**
 * The spherical Bessel function of the first kind, of order 0: sin(x) / x (DLMF 10.49.3).
 *
 * @example
 * special.sphericalBesselJ0(tensor([0, 1])); // tensor([1.0000, 0.8415])
 */
export const sphericalBesselJ0 = float(
  'sphericalBesselJ0',
  (x) => S.select(S.eq(x, 0), 1, S.select(S.isinf(x), 0, S.div(S.sin(x), x))),
  0.5,
  8,
);

/**
 * Airy's function Ai (DLMF 9.2).
 *
 * @example
 * special.airyAi(tensor([0, 1])); // tensor([0.3550, 0.1353])
 */
export const airyAi = float('airyAi', B.airyAi, -3, 3);
