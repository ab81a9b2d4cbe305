"""Values of functions to the last bit of float64, for test/kernel/ulp.test.ts. Run: python3 scripts/float64_values.py (needs mpmath)."""
import json
import random
from mpmath import mp, mpf
import mpmath as m

mp.dps = 60
random.seed(1)


def log_uniform(low, high, signed=True):
    x = 10 ** random.uniform(low, high)
    return -x if signed and random.random() < 0.5 else x


def uniform(low, high):
    return random.uniform(low, high)


def many(*generators):
    return [g() for g in generators for _ in range(60)]


ANY = many(lambda: log_uniform(-12, 0), lambda: uniform(-5, 5), lambda: uniform(-40, 40))
POSITIVE = many(lambda: log_uniform(-300, 300, False), lambda: uniform(0.5, 2), lambda: uniform(0.99, 1.01))
UNIT = many(lambda: uniform(-1, 1), lambda: log_uniform(-12, 0))

FUNCTIONS = {
    'exp': (m.exp, many(lambda: uniform(-700, 700), lambda: uniform(-1, 1), lambda: uniform(-740, -708))),
    'exp2': (lambda x: mpf(2) ** x, many(lambda: uniform(-1000, 1000), lambda: uniform(-1, 1))),
    'expm1': (m.expm1, ANY),
    'log': (m.log, POSITIVE + many(lambda: log_uniform(-320, -308, False))),
    'log2': (lambda x: m.log(x, 2), POSITIVE),
    'log10': (m.log10, POSITIVE),
    'log1p': (m.log1p, many(lambda: uniform(-0.99, 5), lambda: log_uniform(-20, 0), lambda: log_uniform(0, 300, False))),
    'sin': (m.sin, ANY + many(lambda: uniform(-1e6, 1e6), lambda: uniform(-1e12, 1e12))),
    'cos': (m.cos, ANY + many(lambda: uniform(-1e6, 1e6), lambda: uniform(-1e12, 1e12))),
    'tan': (m.tan, ANY),
    'asin': (m.asin, UNIT),
    'acos': (m.acos, UNIT),
    'atan': (m.atan, ANY),
    'sinh': (m.sinh, ANY),
    'cosh': (m.cosh, ANY),
    'tanh': (m.tanh, ANY),
    'asinh': (m.asinh, ANY),
    'acosh': (m.acosh, many(lambda: uniform(1, 2), lambda: uniform(1, 1e3))),
    'atanh': (m.atanh, UNIT),
    'sigmoid': (lambda x: 1 / (1 + m.exp(-x)), ANY),
    'erf': (m.erf, ANY),
    'erfc': (m.erfc, many(lambda: uniform(-5, 5), lambda: uniform(0, 26))),
    'erfcx': (lambda x: m.exp(x * x) * m.erfc(x), many(lambda: uniform(-5, 5), lambda: uniform(0, 100))),
    'erfinv': (m.erfinv, UNIT),
    'lgamma': (lambda x: m.log(abs(m.gamma(x))), many(lambda: uniform(0, 5), lambda: uniform(0, 150))),
    'digamma': (m.digamma, many(lambda: uniform(2, 50), lambda: uniform(0, 1.2))),
}

table = {}
for name, (f, points) in FUNCTIONS.items():
    rows = []
    for x in points:
        if abs(x) >= 1 and f in (m.asin, m.acos, m.atanh, m.erfinv):
            continue
        value = float(f(mpf(x)))
        if value not in (float('inf'), float('-inf')):
            rows.append([x, value])
    table[name] = rows

with open('test/kernel/data/float64-values.json', 'w') as out:
    out.write('{\n' + ',\n'.join(f'{json.dumps(k)}: {json.dumps(v)}' for k, v in table.items()) + '\n}\n')
