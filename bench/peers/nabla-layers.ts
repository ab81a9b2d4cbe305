/** Single layers at the sizes of known networks, forwards and both ways; layers.json lists them, for PyTorch too. */
import { readFileSync } from 'node:fs';
import type { Tensor } from 'nabla';

type Step = () => void;

interface Layer {
  readonly kind: string;
  readonly input: readonly number[];
  readonly outputs?: number;
  readonly kernel?: readonly number[];
  readonly stride?: readonly number[];
  readonly padding?: readonly number[];
  readonly dilation?: readonly number[];
  readonly groups?: number;
  readonly training?: boolean;
  readonly axes?: number;
}

const LAYERS = JSON.parse(readFileSync(new URL('layers.json', import.meta.url), 'utf8')) as Readonly<Record<string, Layer>>;

/** What the convolutions of any number of dimensions have in common here. */
type Convolve = (x: Tensor, weight: Tensor, bias: Tensor, options: object) => Tensor;

/** The parameters of a layer, and the layer as a function of them. */
function layerOf({ nn, randn, ones, zeros }: typeof import('nabla'), layer: Layer): { parameters: Tensor[]; run: (x: Tensor) => Tensor } {
  const F = nn.functional;
  const { kind, input, kernel = [], stride, padding, dilation, groups = 1 } = layer;
  const channels = input[1] as number;
  if (kind === 'conv' || kind === 'transposed') {
    const outputs = layer.outputs as number;
    const name = `${kind === 'conv' ? 'conv' : 'convTranspose'}${kernel.length}d` as 'conv2d';
    const weight = randn(kind === 'conv' ? [outputs, channels / groups, ...kernel] : [channels, outputs / groups, ...kernel]).mul(0.1);
    const bias = randn([outputs]);
    const options = { stride, padding, dilation, groups };
    return { parameters: [weight, bias], run: (x) => (F[name] as unknown as Convolve)(x, weight, bias, options) };
  }
  if (kind === 'layerNorm') {
    const shape = input.slice(input.length - (layer.axes as number));
    const [weight, bias] = [ones(shape), zeros(shape)];
    return { parameters: [weight, bias], run: (x) => F.layerNorm(x, shape, weight, bias) };
  }
  const [weight, bias, mean, variance] = [ones([channels]), zeros([channels]), zeros([channels]), ones([channels])];
  const parameters = [weight, bias];
  if (kind === 'batchNorm')
    return { parameters, run: (x) => F.batchNorm(x, mean, variance, weight, bias, { training: layer.training === true }) };
  if (kind === 'groupNorm') return { parameters, run: (x) => F.groupNorm(x, groups, weight, bias) };
  if (kind === 'instanceNorm') return { parameters, run: (x) => F.instanceNorm(x, null, null, weight, bias) };
  const [size, every, around] = [kernel, stride, padding] as [number[], number[], number[]];
  if (kind === 'maxPool') return { parameters: [], run: (x) => F.maxPool2d(x, size, { stride: every, padding: around }) };
  if (kind === 'avgPool') return { parameters: [], run: (x) => F.avgPool2d(x, size, { stride: every, padding: around }) };
  return { parameters: [], run: (x) => F.adaptiveAvgPool2d(x, 1) };
}

/** Each layer as two workloads: forwards without a tape, and forwards and backwards. */
export function layerSteps(nabla: typeof import('nabla')): Record<string, () => Step> {
  const steps: Record<string, () => Step> = {};
  for (const [name, layer] of Object.entries(LAYERS)) {
    steps[name] = () => {
      const { run } = layerOf(nabla, layer);
      const x = nabla.randn([...layer.input]);
      return () => {
        run(x);
      };
    };
    steps[`${name} both ways`] = () => {
      const { parameters, run } = layerOf(nabla, layer);
      const leaves = [nabla.randn([...layer.input]), ...parameters];
      for (const leaf of leaves) leaf.requiresGrad = true;
      const cotangent = nabla.onesLike(run(leaves[0] as Tensor)).detach();
      return () => {
        run(leaves[0] as Tensor).backward(cotangent);
        for (const leaf of leaves) leaf.grad = null;
      };
    };
  }
  return steps;
}
