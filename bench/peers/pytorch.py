"""PyTorch's side of the measurements, on as many threads as the first argument says."""
import json, statistics, sys, time
import torch
from torch import nn

F = nn.functional
torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
torch.manual_seed(0)


def elementwise(n, f):
    def make():
        x = (torch.rand(n) - 0.5) * 4
        return lambda: f(x)
    return make


def training(net, x, loss, opt):
    def step():
        opt.zero_grad(); l = loss(net(x)); l.backward(); opt.step(); return l.item()
    return step


def repeat(f, times=100):
    def run():
        for _ in range(times): f()
    return run


def dispatch(grad):
    def make():
        x = torch.ones(4, requires_grad=grad)
        return repeat(lambda: x + x)
    return make


def scalars():
    x = torch.tensor(.5, requires_grad=True)
    def f():
        y = x
        for _ in range(500): y = y * x + x
        y.backward(); x.grad = None
    return f


def reverse():
    x = torch.tensor(.5, requires_grad=True); y = x
    for _ in range(500): y = y * x + x
    def f():
        y.backward(retain_graph=True); x.grad = None
    return f


def hessian():
    def rosenbrock(x):
        now, after = x[:-1], x[1:]
        return (100 * (after - now ** 2) ** 2 + (1 - now) ** 2).sum()
    x = torch.randn(50); run = torch.func.hessian(rosenbrock)
    return lambda: run(x)


def per_sample():
    p = {'w1': torch.randn(32, 64) * .1, 'b1': torch.randn(32), 'w2': torch.randn(10, 32) * .1, 'b2': torch.randn(10)}
    def loss(p, x, y): return F.cross_entropy(F.linear(torch.tanh(F.linear(x, p['w1'], p['b1'])), p['w2'], p['b2']), y)
    x, y = torch.randn(128, 64), torch.randint(0, 10, (128,)); run = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    return lambda: run(p, x, y)


def seed():
    def f():
        a = torch.ones(2, 2, requires_grad=True); ((a + 2) ** 2).sum().backward()
    return f


def tiny():
    net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1)); y = torch.randn(4, 1)
    return training(net, torch.randn(4, 2), lambda o: F.mse_loss(o, y), torch.optim.SGD(net.parameters(), lr=.05))


def mlp():
    net = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)); y = torch.randint(0, 10, (128,))
    return training(net, torch.randn(128, 784), lambda o: F.cross_entropy(o, y), torch.optim.Adam(net.parameters(), lr=1e-3))


def digits():
    net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)); y = torch.randint(0, 10, (32,))
    return training(net, torch.rand(32, 64), lambda o: F.cross_entropy(o, y), torch.optim.AdamW(net.parameters(), lr=2e-3))


def pair(n, f):
    def make():
        a, b = torch.randn(n, n), torch.randn(n, n)
        return lambda: f(a, b)
    return make


W = {'dispatch, no tape': dispatch(False), 'dispatch, tape': dispatch(True), 'scalars': scalars, 'reverse 1000': reverse, 'hessian 50': hessian,
     'per-sample gradients': per_sample, 'seed': seed, 'tiny': tiny, 'mlp': mlp, 'digits step': digits,
     'transpose-add': pair(1000, lambda a, b: a + a.t()), 'softmax': lambda: (lambda x: lambda: torch.softmax(x, 1))(torch.randn(512, 1000))}
W['add 1e6 in scope'] = elementwise(10 ** 6, lambda x: x + x)
W['mul 1e6 in scope'] = elementwise(10 ** 6, lambda x: x * x)
for n in (64, 256, 512, 1024): W[f'matmul {n}'] = pair(n, lambda a, b: a @ b)
for e in range(1, 8):
    n = 10 ** e
    W[f'add 1e{e}'] = elementwise(n, lambda x: x + x)
    W[f'mul 1e{e}'] = elementwise(n, lambda x: x * x)
    W[f'sum 1e{e}'] = elementwise(n, torch.sum)
    if e <= 6:
        W[f'exp 1e{e}'] = elementwise(n, torch.exp)
        W[f'tanh 1e{e}'] = elementwise(n, torch.tanh)
        W[f'gelu 1e{e}'] = elementwise(n, F.gelu)


def measure(run, seconds):
    warm, calls = time.perf_counter(), 0
    while calls < 3 or (time.perf_counter() - warm < seconds * .2 and calls < 2000):
        run(); calls += 1
    once = max(1e-9, (time.perf_counter() - warm) / calls)
    group = max(1, int(5e-5 / once))
    t, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(t) < 5:
        s = time.perf_counter()
        for _ in range(group): run()
        t.append((time.perf_counter() - s) / group)
    return {'ms': statistics.median(t) * 1e3, 'min': min(t) * 1e3, 'calls': len(t) * group}


print(json.dumps({'ready': True, 'names': list(W)}), flush=True)
for line in sys.stdin:
    q = json.loads(line)
    print(json.dumps({'name': q['name'], 'timing': measure(W[q['name']](), q['seconds']) if q['name'] in W else None}), flush=True)
