/** Runs heavy elementwise kernels on large tensors often enough that they are compiled again, and compares with the first results bit by bit. */
import { autograd, cat, configureKernels, kernelLevels, manualSeed, nn, ones, optim, randn, type Tensor } from 'nabla';

manualSeed(0);
const x = randn([123, 457]);
const row = randn([457]);
const programs: ((x: Tensor) => Tensor)[] = [
  (x) => x.exp(),
  (x) => x.tanh(),
  (x) => x.double().log1p(),
  (x) => x.sigmoid().mul(row),
  (x) => x.t().exp(),
  (x) => x.sub(row).exp(),
  (x) => x.clone().exp_(),
  (x) => x.softmax(1),
  (x) => x.double().logSoftmax(1),
  (x) => {
    const leaves = [x, row, row].map((y) => y.clone().requiresGrad_());
    const y = nn.functional.layerNorm(leaves[0] as Tensor, [457], leaves[1], leaves[2]);
    return cat([y.detach(), ...autograd.grad([y], leaves, [x])].map((g) => (g as Tensor).reshape([-1])));
  },
  (x) => {
    const leaf = x.clone().requiresGrad_();
    const [g] = autograd.grad([nn.functional.crossEntropy(leaf, x.argmax(0).narrow(0, 0, 123).clamp(0, 456))], [leaf]);
    return g as Tensor;
  },
  (x) => {
    const weight = ones(x.shape, { requiresGrad: true });
    const optimizer = new optim.Adam([weight]);
    weight.grad = x;
    for (let i = 0; i < 2; i++) optimizer.step();
    return weight.detach();
  },
];
const bits = (x: Tensor): string => Buffer.from(new Uint8Array((x.toTypedArray() as Float32Array).buffer)).toString('base64');

configureKernels({ level: 'wide' });
const different = programs.filter((program) => {
  const first = bits(program(x));
  for (let i = 0; i < 24; i++) if (bits(program(x)) !== first) return true;
  return false;
});
console.log(JSON.stringify({ levels: kernelLevels(), different: different.length }));
