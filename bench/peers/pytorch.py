"""PyTorch's side of the measurements, on as many threads as the first argument says."""
import json, os, statistics, sys, time
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


def cnn():
    net = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10))
    y = torch.randint(0, 10, (64,))
    return training(net, torch.randn(64, 1, 28, 28), lambda o: F.cross_entropy(o, y), torch.optim.SGD(net.parameters(), lr=.01, momentum=.9))


def resblock():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__(); self.a = nn.Conv2d(64, 64, 3, padding=1, bias=False); self.n = nn.BatchNorm2d(64)
            self.b = nn.Conv2d(64, 64, 3, padding=1, bias=False); self.m = nn.BatchNorm2d(64)
        def forward(self, x): return F.relu(x + self.m(self.b(F.relu(self.n(self.a(x))))))
    net = Residual(); y = torch.randn(8, 64, 32, 32)
    return training(net, torch.randn(8, 64, 32, 32), lambda o: F.mse_loss(o, y), torch.optim.SGD(net.parameters(), lr=.01))


def lenet():
    net = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 3), nn.Tanh(), nn.Flatten(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
    y = torch.randint(0, 10, (32,))
    return training(net, torch.randn(32, 1, 8, 8), lambda o: F.cross_entropy(o, y), torch.optim.SGD(net.parameters(), lr=.05))


class Block(nn.Module):
    def __init__(self, d, h):
        super().__init__(); self.h = h; self.l1 = nn.LayerNorm(d); self.qkv = nn.Linear(d, 3 * d); self.o = nn.Linear(d, d)
        self.l2 = nn.LayerNorm(d); self.f1 = nn.Linear(d, 4 * d); self.f2 = nn.Linear(4 * d, d)
    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (u.view(b, t, self.h, d // self.h).transpose(1, 2) for u in self.qkv(self.l1(x)).split(d, 2))
        x = x + self.o(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).contiguous().view(b, t, d))
        return x + self.f2(F.gelu(self.f1(self.l2(x))))


def gpt():
    class Gpt(nn.Module):
        def __init__(self):
            super().__init__(); self.e = nn.Embedding(65, 128); self.p = nn.Embedding(64, 128)
            self.b = nn.Sequential(*[Block(128, 4) for _ in range(4)]); self.n = nn.LayerNorm(128); self.head = nn.Linear(128, 65, bias=False)
        def forward(self, i): return self.head(self.n(self.b(self.e(i) + self.p(torch.arange(i.shape[1])))))
    net = Gpt(); y = torch.randint(0, 65, (12 * 64,))
    return training(net, torch.randint(0, 65, (12, 64)), lambda o: F.cross_entropy(o.view(-1, 65), y), torch.optim.AdamW(net.parameters(), lr=1e-3))


def lstm():
    class Recurrent(nn.Module):
        def __init__(self): super().__init__(); self.e = nn.Embedding(64, 64); self.r = nn.LSTM(64, 128, 2); self.o = nn.Linear(128, 64)
        def forward(self, i): return self.o(self.r(self.e(i))[0])
    net = Recurrent(); y = torch.randint(0, 64, (512,))
    return training(net, torch.randint(0, 64, (32, 16)), lambda o: F.cross_entropy(o.view(-1, 64), y), torch.optim.Adam(net.parameters(), lr=1e-3))


def chain(n):
    def make():
        x, w, b = torch.randn(n, requires_grad=True), torch.randn(n), torch.randn(n)
        def f():
            (F.gelu(x * w + b).tanh() * x).sum().backward(); x.grad = None
        return f
    return make


def pair(n, f):
    def make():
        a, b = torch.randn(n, n), torch.randn(n, n)
        return lambda: f(a, b)
    return make


W = {'dispatch, no tape': dispatch(False), 'dispatch, tape': dispatch(True), 'scalars': scalars, 'reverse 1000': reverse, 'hessian 50': hessian,
     'per-sample gradients': per_sample, 'seed': seed, 'tiny': tiny, 'mlp': mlp, 'digits step': digits,
     'transpose-add': pair(1000, lambda a, b: a + a.t()), 'softmax': lambda: (lambda x: lambda: torch.softmax(x, 1))(torch.randn(512, 1000))}
W.update({'cnn': cnn, 'resblock': resblock, 'lenet on digits': lenet, 'gpt': gpt, 'lstm': lstm, 'chain 1e4': chain(10 ** 4), 'chain 1e6': chain(10 ** 6),
          'layernorm': lambda: (lambda x: lambda: F.layer_norm(x, (768,)))(torch.randn(512, 768))})
# nabla compiles these; PyTorch runs them as they are.
W.update({f'{name} compiled': W[name] for name in ('tiny', 'mlp', 'digits step', 'cnn', 'resblock', 'lenet on digits', 'gpt', 'lstm', 'chain 1e4', 'chain 1e6')})
W['add 1e6 in scope'] = elementwise(10 ** 6, lambda x: x + x)
W['mul 1e6 in scope'] = elementwise(10 ** 6, lambda x: x * x)
for n in (64, 128, 256, 512, 1024, 2048): W[f'matmul {n}'] = pair(n, lambda a, b: a @ b)
for e in range(1, 8):
    n = 10 ** e
    W[f'add 1e{e}'] = elementwise(n, lambda x: x + x)
    W[f'mul 1e{e}'] = elementwise(n, lambda x: x * x)
    W[f'sum 1e{e}'] = elementwise(n, torch.sum)
    if e <= 6:
        W[f'exp 1e{e}'] = elementwise(n, torch.exp)
        W[f'tanh 1e{e}'] = elementwise(n, torch.tanh)
        W[f'gelu 1e{e}'] = elementwise(n, F.gelu)


def layer(spec):
    """The parameters of a layer of layers.json, and the layer as a function of its input."""
    kind, shape, kernel, groups = spec['kind'], spec['input'], spec.get('kernel', []), spec.get('groups', 1)
    channels = shape[1]
    where = {k: tuple(spec[k]) for k in ('stride', 'padding', 'dilation') if k in spec}
    if kind in ('conv', 'transposed'):
        outputs = spec['outputs']
        f = getattr(F, f"conv{'_transpose' if kind == 'transposed' else ''}{len(kernel)}d")
        w = torch.randn([outputs, channels // groups, *kernel] if kind == 'conv' else [channels, outputs // groups, *kernel]) * .1
        b = torch.randn(outputs)
        return [w, b], lambda x: f(x, w, b, groups=groups, **where)
    if kind == 'layerNorm':
        axes = shape[len(shape) - spec['axes']:]; w, b = torch.ones(axes), torch.zeros(axes)
        return [w, b], lambda x: F.layer_norm(x, axes, w, b)
    w, b, mean, var = torch.ones(channels), torch.zeros(channels), torch.zeros(channels), torch.ones(channels)
    if kind == 'batchNorm': return [w, b], lambda x: F.batch_norm(x, mean, var, w, b, spec['training'])
    if kind == 'groupNorm': return [w, b], lambda x: F.group_norm(x, groups, w, b)
    if kind == 'instanceNorm': return [w, b], lambda x: F.instance_norm(x, None, None, w, b)
    if kind == 'maxPool': return [], lambda x: F.max_pool2d(x, tuple(kernel), **where)
    if kind == 'avgPool': return [], lambda x: F.avg_pool2d(x, tuple(kernel), **where)
    return [], lambda x: F.adaptive_avg_pool2d(x, 1)


def forwards(spec):
    def make():
        _, f = layer(spec); x = torch.randn(spec['input'])
        return lambda: f(x)
    return make


def both_ways(spec):
    def make():
        parameters, f = layer(spec); leaves = [torch.randn(spec['input']), *parameters]
        for leaf in leaves: leaf.requires_grad_()
        cotangent = torch.ones_like(f(leaves[0])).detach()
        def run():
            f(leaves[0]).backward(cotangent)
            for leaf in leaves: leaf.grad = None
        return run
    return make


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'layers.json')) as file:
    for name, spec in json.load(file).items():
        W[name] = forwards(spec); W[f'{name} both ways'] = both_ways(spec)


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
