/**
 * Bessel functions, Airy's function and orthogonal polynomials of float64. Bessel functions are accurate to about 1e-14, relative to the size of their
 * oscillation where they oscillate; `airyAi` to about 1e-11.
 */

const EULER = 0.5772156649015329;
/** Where asymptotic expansions are as accurate as the numbers. */
const FAR = 25;
const FAR_MODIFIED = 30;

/** The sum of an asymptotic expansion's terms, up to the smallest. `ratio(k)`: from term k - 1 to term k. */
function untilSmallest(ratio: (k: number) => number, use: (term: number, k: number) => void): void {
  let term = 1;
  for (let k = 0; k < 60; k++) {
    use(term, k);
    const next = term * ratio(k + 1);
    if (!(Math.abs(next) < Math.abs(term)) || Math.abs(next) < 1e-18) return;
    term = next;
  }
}

/** The ratio of the terms in Hankel's expansions (DLMF 10.17.1): ((2k - 1)² - 4ν²) / (8 k x). */
function hankelRatio(order: number, x: number): (k: number) => number {
  return (k) => (4 * order * order - (2 * k - 1) ** 2) / (8 * k * x);
}

// ---------------------------------------------------------------- modified

/** exp(-|x|) times the modified Bessel function of the first kind, of order 0 or 1: the power series (DLMF 10.25.2), or the expansion for large x. */
function scaledFirst(order: 0 | 1, given: number): number {
  const x = Math.abs(given);
  const sign = order === 1 && given < 0 ? -1 : 1;
  if (x > FAR_MODIFIED) {
    if (x === Infinity) return sign * 0;
    let sum = 0;
    untilSmallest(hankelRatio(order, x), (term, k) => {
      sum += k % 2 === 0 ? term : -term;
    });
    return (sign * sum) / Math.sqrt(2 * Math.PI * x);
  }
  const quarter = (x * x) / 4;
  let term = order === 0 ? 1 : x / 2;
  let sum = term;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= quarter / (k * (k + order));
    sum += term;
  }
  return sign * sum * Math.exp(-x);
}

export const i0e = (x: number): number => (Number.isNaN(x) ? x : scaledFirst(0, x));
export const i1e = (x: number): number => (Number.isNaN(x) ? x : scaledFirst(1, x));
export const i0 = (x: number): number => (Number.isNaN(x) ? x : times(scaledFirst(0, x), Math.abs(x)));
export const i1 = (x: number): number => (Number.isNaN(x) ? x : times(scaledFirst(1, x), Math.abs(x)));

/** scaled · exp(x), infinite only where the product is. */
function times(scaled: number, x: number): number {
  if (x === Infinity) return scaled < 0 || Object.is(scaled, -0) ? -Infinity : Infinity;
  return x > 700 ? scaled * Math.exp(x / 2) * Math.exp(x / 2) : scaled * Math.exp(x);
}

/**
 * exp(x) times the modified Bessel function of the second kind: the integral of exp(-x (cosh t - 1)) cosh(νt) over t >= 0 (DLMF 10.32.9). The trapezoidal
 * rule converges faster than any power of its step, which is chosen so that it is exact to the last bits.
 */
function scaledSecond(order: number, x: number): number {
  if (Number.isNaN(x) || x < 0) return Number.NaN;
  if (x === 0) return Infinity;
  if (x === Infinity) return 0;
  const step = Math.min(0.2, 0.7 / Math.sqrt(x));
  let sum = 0.5;
  for (let t = step; ; t += step) {
    const half = Math.sinh(t / 2);
    const term = Math.exp(-2 * x * half * half + order * t) * ((1 + Math.exp(-2 * order * t)) / 2);
    sum += term;
    if (term < sum * 1e-18) return sum * step;
  }
}

export const k0e = (x: number): number => scaledSecond(0, x);
export const k1e = (x: number): number => scaledSecond(1, x);
export const k0 = (x: number): number => scaledSecond(0, x) * Math.exp(-x);
export const k1 = (x: number): number => scaledSecond(1, x) * Math.exp(-x);

// ---------------------------------------------------------------- of the first and second kind

/** J of the orders 0, 1, 2, …: downwards, where the recurrence is stable, from orders that are 0 to all bits (Miller), scaled by DLMF 10.12.4. */
function downward(x: number): number[] {
  const top = 2 * Math.ceil((x + 40) / 2);
  const values = new Array<number>(top + 1).fill(0);
  let [after, current, sum] = [0, 1e-300, 0];
  for (let k = top; k > 0; k--) {
    values[k] = current;
    if (k % 2 === 0) sum += 2 * current;
    [after, current] = [current, ((2 * k) / x) * current - after];
    if (Math.abs(current) > 1e250) {
      for (let i = k; i <= top; i++) values[i] = (values[i] as number) * 1e-250;
      [after, current, sum] = [after * 1e-250, current * 1e-250, sum * 1e-250];
    }
  }
  values[0] = current;
  sum += current;
  return values.map((value) => value / sum);
}

/** J and Y far out, by Hankel's expansions (DLMF 10.17.3 and 10.17.4). */
function farOut(order: 0 | 1, x: number): readonly [first: number, second: number] {
  let [even, odd] = [0, 0];
  untilSmallest(hankelRatio(order, x), (term, k) => {
    const sign = k % 4 < 2 ? 1 : -1;
    if (k % 2 === 0) even += sign * term;
    else odd += sign * term;
  });
  const scale = Math.sqrt(2 / (Math.PI * x));
  // cos and sin of x - (order / 2 + 1 / 4) π without subtracting from x.
  const [c, s] = [Math.cos(x) * Math.SQRT1_2, Math.sin(x) * Math.SQRT1_2];
  const [cosine, sine] = order === 0 ? [c + s, s - c] : [s - c, -s - c];
  return [scale * (cosine * even - sine * odd), scale * (sine * even + cosine * odd)];
}

function firstKind(order: 0 | 1, given: number): number {
  if (Number.isNaN(given)) return given;
  const x = Math.abs(given);
  if (x === Infinity) return 0;
  const sign = order === 1 && given < 0 ? -1 : 1;
  if (x < 1e-8) return order === 0 ? 1 : given / 2;
  return sign * (x > FAR ? farOut(order, x)[0] : (downward(x)[order] as number));
}

export const besselJ0 = (x: number): number => firstKind(0, x);
export const besselJ1 = (x: number): number => firstKind(1, x);

/** Neumann's series (DLMF 10.8, A&S 9.1.88): the logarithm's part, and multiples of J of higher orders, which are small. */
export function besselY0(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : Number.NaN;
  if (x === Infinity) return 0;
  if (x > FAR) return farOut(0, x)[1];
  const j = downward(x);
  let sum = 0;
  for (let k = 1; 2 * k < j.length; k++) sum += ((k % 2 === 0 ? 1 : -1) * (j[2 * k] as number)) / k;
  return (2 / Math.PI) * ((Math.log(x / 2) + EULER) * (j[0] as number) - 2 * sum);
}

export function besselY1(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : Number.NaN;
  if (x === Infinity) return 0;
  if (x > FAR) return farOut(1, x)[1];
  const j = downward(x);
  let sum = 0;
  for (let k = 1; 2 * k + 1 < j.length; k++) sum += ((k % 2 === 0 ? 1 : -1) * (2 * k + 1) * (j[2 * k + 1] as number)) / (k * (k + 1));
  return (2 / Math.PI) * ((Math.log(x / 2) + EULER - 1) * (j[1] as number) - (j[0] as number) / x - sum);
}

// ---------------------------------------------------------------- Airy

const AIRY_AT_0 = 0.3550280538878172;
const AIRY_SLOPE_AT_0 = -0.2588194037928068;

/** Airy's function Ai: by K of order 1/3 for positive x (DLMF 9.6.1), its power series about 0 (9.4.1), and the expansion for far negative x (9.7.9). */
export function airyAi(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x === Infinity || x === -Infinity) return x < 0 ? Number.NaN : 0;
  if (x > 1) {
    const zeta = (2 / 3) * x * Math.sqrt(x);
    return (Math.sqrt(x / 3) / Math.PI) * scaledSecond(1 / 3, zeta) * Math.exp(-zeta);
  }
  return x > -7 ? airySeries(x) : airyFarOut(-x);
}

/** Its derivative: by K of order 2/3 (DLMF 9.6.2), the series, and DLMF 9.7.10. */
export function airyAiSlope(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x === Infinity || x === -Infinity) return x < 0 ? Number.NaN : 0;
  if (x > 1) {
    const zeta = (2 / 3) * x * Math.sqrt(x);
    return (-x / (Math.PI * Math.sqrt(3))) * scaledSecond(2 / 3, zeta) * Math.exp(-zeta);
  }
  return x > -7 ? airySeriesSlope(x) : airySlopeFarOut(-x);
}

function airySeries(x: number): number {
  const cube = x * x * x;
  let [even, odd] = [AIRY_AT_0, AIRY_SLOPE_AT_0 * x];
  let sum = even + odd;
  for (let k = 1; k < 100; k++) {
    even *= cube / ((3 * k - 1) * (3 * k));
    odd *= cube / (3 * k * (3 * k + 1));
    sum += even + odd;
    if (Math.abs(even) + Math.abs(odd) < 1e-18) break;
  }
  return sum;
}

function airySeriesSlope(x: number): number {
  const cube = x * x * x;
  let [even, odd] = [(AIRY_AT_0 * x * x) / 2, AIRY_SLOPE_AT_0];
  let sum = even + odd;
  for (let k = 1; k < 100; k++) {
    even *= cube / (3 * k * (3 * k + 2));
    odd *= cube / ((3 * k - 2) * (3 * k));
    sum += even + odd;
    if (Math.abs(even) + Math.abs(odd) < 1e-18) break;
  }
  return sum;
}

/** The alternating sums of even and odd terms u(k) / ζᵏ, each times a factor. */
function airySums(zeta: number, factor: (k: number) => number): readonly [even: number, odd: number] {
  let [even, odd] = [0, 0];
  untilSmallest(
    (k) => ((6 * k - 5) * (6 * k - 3) * (6 * k - 1)) / (216 * k * (2 * k - 1) * zeta),
    (term, k) => {
      const signed = (k % 4 < 2 ? 1 : -1) * term * factor(k);
      if (k % 2 === 0) even += signed;
      else odd += signed;
    },
  );
  return [even, odd];
}

function airyFarOut(x: number): number {
  const zeta = (2 / 3) * x * Math.sqrt(x);
  const [even, odd] = airySums(zeta, () => 1);
  const angle = zeta - Math.PI / 4;
  return (Math.cos(angle) * even + Math.sin(angle) * odd) / (Math.sqrt(Math.PI) * x ** 0.25);
}

function airySlopeFarOut(x: number): number {
  const zeta = (2 / 3) * x * Math.sqrt(x);
  const [even, odd] = airySums(zeta, (k) => (6 * k + 1) / (1 - 6 * k));
  const angle = zeta - Math.PI / 4;
  return ((Math.sin(angle) * even - Math.cos(angle) * odd) * x ** 0.25) / Math.sqrt(Math.PI);
}
