"""Polynomial coefficients for src/scalar/special.ts, src/scalar/narrow.ts and src/kernel/vector/math-*.ts.

Each polynomial interpolates its function at Chebyshev nodes with 60 digits (within a small factor of the minimax error) and is
printed as monomials. Run: python3 scripts/coefficients.py (needs mpmath).
"""
import struct

from mpmath import mp, mpf, asin, atan, atanh, cos, erf, erfc, erfinv, exp, expm1, log, log1p, loggamma, lu_solve, matrix, pi, qr_solve, sin, sinh, sqrt, tanh

mp.dps = 60


def fit(f, a, b, degree, weight=lambda x: 1):
    """Monomial coefficients (ascending) of the interpolant of f at Chebyshev nodes of [a, b], and its largest error."""
    n = degree + 1
    a, b = mpf(a), mpf(b)
    nodes = [(a + b) / 2 + (b - a) / 2 * cos(pi * (2 * k + 1) / (2 * n)) for k in range(n)]
    A = matrix(n, n)
    y = matrix(n, 1)
    for i, x in enumerate(nodes):
        for j in range(n):
            A[i, j] = x ** j
        y[i] = f(x)
    c = lu_solve(A, y)
    worst = 0
    for i in range(400):
        x = a + (b - a) * i / mpf(399)
        if i == 0 or i == 399:
            x = x + (b - a) * mpf(10) ** -25 * (1 if i == 0 else -1)
        p = mpf(0)
        for j in reversed(range(n)):
            p = p * x + c[j]
        v = f(x)
        worst = max(worst, abs((p - v) / v))
    return [c[j] for j in range(n)], worst


def value(c, x):
    return sum(c[j] * x ** j for j in range(len(c)))


def fit_quotient(f, b, degree, rounds=60, points=200):
    """Coefficients in x^2 of numerator and denominator (from 1 on) of f(x) / x on [0, b], and the largest error of x times the quotient.

    Lawson's iteration (weights grow where the error is large) on Loeb's linearised least squares (the last denominator divides).
    """
    b = mpf(b)
    xs = [b * (1 - cos(pi * (i + mpf(1) / 2) / points)) / 2 for i in range(points)]
    zs, ys = [x * x for x in xs], [f(x) / x for x in xs]
    weights, below, best = [mpf(1) / points] * points, [mpf(1)] * points, None
    for _ in range(rounds):
        A = matrix(points, 2 * degree + 1)
        y = matrix(points, 1)
        for i in range(points):
            s = sqrt(weights[i]) / below[i] * xs[i]
            y[i] = s * ys[i]
            for j in range(degree + 1):
                A[i, j] = s * zs[i] ** j
            for j in range(degree):
                A[i, degree + 1 + j] = -s * ys[i] * zs[i] ** (j + 1)
        c, _ = qr_solve(A, y)
        above = [c[j] for j in range(degree + 1)]
        divisor = [mpf(1)] + [c[degree + 1 + j] for j in range(degree)]
        below = [value(divisor, z) for z in zs]
        errors = [abs(x * (value(above, z) / d - v)) for x, z, d, v in zip(xs, zs, below, ys)]
        if best is None or max(errors) < best[0]:
            best = (max(errors), above, divisor)
        total = sum(w * e for w, e in zip(weights, errors))
        weights = [w * e / total + mpf(10) ** -30 for w, e in zip(weights, errors)]
    return best


def single(v):
    """The shortest decimal that rounds to the same float32."""
    nearest = struct.pack('f', float(v))
    return next(s for s in (f'{float(v):.{digits}g}' for digits in range(1, 10)) if struct.pack('f', float(s)) == nearest)


def twelve(v):
    """As many digits as errors of 1e-11 need."""
    return repr(float(f'{float(v):.12g}'))


def enough(radius, error):
    """Writes coefficients, ascending, of a polynomial on [-radius, radius] with as many digits as it takes for each term to be right to `error`."""
    power = [mpf(1)]

    def write(v):
        least = error / power[0]
        power[0] *= radius
        return next(s for s in (repr(float(f'{float(v):.{digits}g}')) for digits in range(2, 18)) if abs(mpf(s) - v) <= least or len(s) > 20)

    return write


def show(name, result, write=lambda v: repr(float(v))):
    c, worst = result
    print(f'// {name}: relative error {mp.nstr(worst, 3)}')
    print('[' + ', '.join(write(v) for v in c) + ']')


def erfcx_scaled(t):
    """(1 + 2x) exp(x^2) erfc(x) as a function of t = (x - 3.75) / (x + 3.75)."""
    x = mpf(3.75) * (1 + t) / (1 - t)
    return (1 + 2 * x) * exp(x * x) * erfc(x)


def at_square(f):
    """The function of z = x^2 for a function of x."""
    return lambda z: f(sqrt(z))


def exp_tail(r):
    return (exp(r) - 1 - r) / r ** 2 if abs(r) > mpf(10) ** -20 else mpf(1) / 2


def erfinv_factor(w):
    """erfinv(x) / x for w = -log(1 - x^2)."""
    if abs(w) < mpf(10) ** -20:
        return sqrt(pi) / 2
    x = sqrt(-expm1(-w))
    return erfinv(x) / x


def erfcx_inverse(u):
    """exp(a^2) erfc(a) (a + 3) for u = 1 / (a + 3)."""
    a = 1 / u - 3
    return exp(a * a) * erfc(a) / u


def log_gamma_factor(u):
    return loggamma(u + 2) / (u * (u + 1)) if abs(u) > mpf(10) ** -20 else 1 - mp.euler


def log_tail(f):
    return (log1p(f) - f + f * f / 2) / f ** 3 if abs(f) > mpf(10) ** -15 else mpf(1) / 3


def erfcx_range(high):
    return [(mpf(x) - mpf(3.75)) / (mpf(x) + mpf(3.75)) for x in (0.5, high)]


if __name__ == '__main__':
    tiny = mpf('1e-28')
    half_ln2 = log(mpf(2)) / 2 * mpf('1.0001')
    quarter = (pi / 4) ** 2 * mpf('1.001')
    largest_s = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2 * mpf('1.001')
    sin_tail = at_square(lambda x: (sin(x) - x) / x ** 3)
    cos_tail = at_square(lambda x: (cos(x) - 1 + x * x / 2) / x ** 4)
    erf_tail = at_square(lambda x: erf(x) / x - 1)

    print('special.ts')
    show('ERF', fit(at_square(lambda x: erf(x) / x), tiny, 1, 12))
    show('ERFCX', fit(erfcx_scaled, *erfcx_range(28), 22))
    show('ERFINV', fit(lambda v: erfinv_factor(v + mpf('2.5')), mpf('-2.5') + mpf('1e-18'), mpf('2.5'), 12), enough(mpf('2.5'), mpf('4e-12')))
    show('ERFINV_TAIL', fit(lambda v: erfinv_factor((v + 3) ** 2), sqrt(mpf(5)) - 3, 1, 12), enough(mpf(1), mpf('1e-11')))
    show('LOG_GAMMA', fit(log_gamma_factor, mpf('-0.5'), mpf('0.5'), 16), enough(mpf('0.5'), mpf('2e-17')))
    print('narrow.ts')
    show('ERFC', fit(erfcx_inverse, 1 / mpf('13.2'), mpf(1) / 3, 11), enough(mpf(1) / 3, mpf('4e-12')))
    print('math-float32.ts')
    show('EXP', fit(exp_tail, -half_ln2, half_ln2, 4), single)
    show('TANH', fit(at_square(lambda x: (tanh(x) - x) / x ** 3), tiny, mpf('0.625') ** 2, 5), single)
    show('ERF', fit(erf_tail, tiny, 1, 6), single)
    show('ERFC', fit(lambda t: erfc(mpf('2.465') + mpf('1.465') * t), -1, 1, 14), single)
    # The last factor makes the ends come out as 1/2 or more after rounding, which is then cut off.
    end = mpf('5.6')
    worst, above, below = fit_quotient(lambda x: erf(x / sqrt(mpf(2))) / 2 * (1 + mpf('2.5e-7') * (x / end) ** 8), end, 5)
    show('NORMAL_NUMERATOR', (above, worst), single)
    show('NORMAL_DENOMINATOR', (below, worst), single)
    show('LOG', fit(log_tail, sqrt(mpf(1) / 2) - 1, sqrt(mpf(2)) - 1, 8), single)
    show('SIN', fit(sin_tail, tiny, (pi / 4) ** 2, 2), single)
    show('COS', fit(cos_tail, mpf('1e-18'), (pi / 4) ** 2, 2), single)
    print('math-float64.ts')
    show('EXP', fit(exp_tail, -half_ln2, half_ln2, 10))
    show('ATANH', fit(at_square(lambda s: (2 * atanh(s) / s - 2) / s ** 2), tiny, largest_s, 7))
    show('SIN', fit(sin_tail, tiny, quarter, 6))
    show('COS', fit(cos_tail, mpf('1e-18'), quarter, 6))
    show('ERF', fit(erf_tail, tiny, 1, 12))
    print('math-wide.ts')
    show('LOG2', fit(at_square(lambda s: 2 * atanh(s) / s / log(mpf(2))), tiny, largest_s, 4), twelve)
    show('EXP2', fit(lambda r: mpf(2) ** r, mpf('-0.5'), mpf('0.5'), 7), twelve)
    show('ATAN', fit(at_square(lambda x: atan(x) / x), tiny, 1, 12), twelve)
    show('ASIN', fit(at_square(lambda x: asin(x) / x), tiny, mpf(1) / 4, 7), twelve)
    show('SINH', fit(at_square(lambda x: sinh(x) / x), tiny, mpf(1) / 4, 3), twelve)
