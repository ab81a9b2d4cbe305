/**
 * Orthogonal polynomials of float64 and their derivatives: of x, a degree, which is cut to a whole number (below 0 the polynomial is 0), and the order of
 * the derivative.
 */

/** p(k + 1) = (a x + b) p(k) - c p(k - 1), from p(0) = 1 (DLMF 18.9). */
type Recurrence = (k: number) => readonly [a: number, b: number, c: number];

function polynomial(recurrence: Recurrence): (x: number, degree: number, order: number) => number {
  return (x, degree, order) => {
    if (Number.isNaN(x) || Number.isNaN(degree)) return Number.NaN;
    const n = Math.trunc(degree);
    if (n < 0) return 0;
    // All derivatives up to the one that is asked for: each takes one from below along.
    let before = new Array<number>(order + 1).fill(0);
    let current: number[] = before.map((_, m) => (m === 0 ? 1 : 0));
    for (let k = 0; k < n && !Number.isNaN(current[order]); k++) {
      const [a, b, c] = recurrence(k);
      const [p, q] = [current, before];
      const next = p.map((value, m) => (a * x + b) * value + (m === 0 ? 0 : m * a * (p[m - 1] as number)) - c * (q[m] as number));
      [before, current] = [current, next];
    }
    return current[order] as number;
  };
}

const T: Recurrence = (k) => [k === 0 ? 1 : 2, 0, 1];
const U: Recurrence = () => [2, 0, 1];
const V: Recurrence = (k) => [2, k === 0 ? -1 : 0, 1];
const W: Recurrence = (k) => [2, k === 0 ? 1 : 0, 1];

/** The same in 2x - 1. */
function shifted(recurrence: Recurrence): Recurrence {
  return (k) => {
    const [a, b, c] = recurrence(k);
    return [2 * a, b - a, c];
  };
}

export const chebyshevT = polynomial(T);
export const chebyshevU = polynomial(U);
export const chebyshevV = polynomial(V);
export const chebyshevW = polynomial(W);
export const shiftedChebyshevT = polynomial(shifted(T));
export const shiftedChebyshevU = polynomial(shifted(U));
export const shiftedChebyshevV = polynomial(shifted(V));
export const shiftedChebyshevW = polynomial(shifted(W));
export const hermiteH = polynomial((k) => [2, 0, 2 * k]);
export const hermiteHe = polynomial((k) => [1, 0, k]);
export const laguerreL = polynomial((k) => [-1 / (k + 1), (2 * k + 1) / (k + 1), k / (k + 1)]);
export const legendreP = polynomial((k) => [(2 * k + 1) / (k + 1), 0, k / (k + 1)]);
