"""Polynomial coefficients for src/scalar/special.ts and src/kernel/math-*.ts.

Each polynomial interpolates its function at Chebyshev nodes with 60 digits (within a small factor of the minimax error) and is
printed as monomials. Run: python3 scripts/coefficients.py (needs mpmath).
"""
from mpmath import mp, mpf, cos, pi, erf, erfc, exp, log, loggamma, digamma, matrix, lu_solve, sqrt, tanh, expm1, log1p, sin

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


def show(name, result):
    c, worst = result
    print(f'// {name}: relative error {mp.nstr(worst, 3)}')
    print('[' + ', '.join(repr(float(v)) for v in c) + ']')


def erfcx_scaled(t):
    """(1 + 2x) exp(x^2) erfc(x) as a function of t = (x - 3.75) / (x + 3.75)."""
    x = mpf(3.75) * (1 + t) / (1 - t)
    return (1 + 2 * x) * exp(x * x) * erfc(x)


if __name__ == '__main__':
    show('erf(x)/x in x^2 on [0, 1]', fit(lambda z: erf(sqrt(z)) / sqrt(z), 0, 1, 12))
    lo = (mpf('0.5') - mpf('3.75')) / (mpf('0.5') + mpf('3.75'))
    hi = (mpf('28') - mpf('3.75')) / (mpf('28') + mpf('3.75'))
    show('(1+2x) erfcx(x)', fit(erfcx_scaled, lo, hi, 22))
    show('loggamma(x)/((x-1)(x-2)) on [1, 3] in u = x - 2', fit(lambda u: loggamma(u + 2) / (u * (u + 1)), -1, 1, 29))
