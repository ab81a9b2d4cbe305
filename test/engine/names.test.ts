import { describe, expect, test } from 'vitest';
import * as nabla from '../../src/index.ts';
import { leaf } from './support.ts';

type Tensor = nabla.Tensor;
const whereTensor = nabla.where as (condition: Tensor, input: Tensor, other: Tensor) => Tensor;

/** PyTorch 2.13's names without the digit of the overload. */
const NAMES: readonly (readonly [string, (a: Tensor) => Tensor])[] = [
  ['AddBackward', (a) => a.add(1)],
  ['SubBackward', (a) => a.sub(1)],
  ['MulBackward', (a) => a.mul(2)],
  ['DivBackward', (a) => a.div(2)],
  ['SumBackward', (a) => a.sum()],
  ['SumBackward', (a) => a.sum(0)],
  ['SumBackward', (a) => a.sum(0, { keepdim: true })],
  ['MeanBackward', (a) => a.mean()],
  ['MeanBackward', (a) => a.mean(0, { keepdim: true })],
  ['TBackward', (a) => a.t()],
  ['PermuteBackward', (a) => a.T],
  ['PermuteBackward', (a) => a.permute(1, 0)],
  ['TransposeBackward', (a) => a.transpose(0, 1)],
  ['ViewBackward', (a) => a.view(-1)],
  ['ViewBackward', (a) => a.reshape(-1)],
  ['SelectBackward', (a) => a.select(0, 0)],
  ['SliceBackward', (a) => a.narrow(0, 0, 1)],
  ['CatBackward', (a) => nabla.cat([a, a])],
  ['StackBackward', (a) => nabla.stack([a, a])],
  ['ReluBackward', (a) => a.relu()],
  ['MaxBackward', (a) => a.max()],
  ['MaxBackward', (a) => a.max(0).values],
  ['PowBackward', (a) => a.pow(2)],
  ['PowBackward', (a) => a.pow(a)],
  ['ExpandBackward', (a) => a.expand(2, 2, 2)],
  ['SoftmaxBackward', (a) => a.softmax(0)],
  ['LogSoftmaxBackward', (a) => a.logSoftmax(0)],
  ['CloneBackward', (a) => a.T.contiguous()],
  ['WhereBackward', (a) => whereTensor(a.gt(0), a, a)],
  ['MaskedFillBackward', (a) => a.maskedFill(a.gt(0), 0)],
  ['ToCopyBackward', (a) => a.float()],
  ['NegBackward', (a) => a.neg()],
  ['SqueezeBackward', (a) => a.squeeze()],
  ['UnsqueezeBackward', (a) => a.unsqueeze(0)],
  ['StdBackward', (a) => a.std()],
  ['CloneBackward', (a) => a.clone()],
  ['ExpBackward', (a) => a.exp()],
];

describe('names of gradFn', () => {
  for (const [name, make] of NAMES) {
    test(`${name} of ${String(make).replace(/^.*=> /, '')}`, () => {
      const node = make(leaf(2, 2)).gradFn;
      expect(node?.name).toBe(name);
      expect(String(node)).toBe(`<${name}>`);
    });
  }

  test('leaves end in AccumulateGrad, constants in null', () => {
    const x = leaf(2);
    const next = x.mul(nabla.ones([2])).gradFn?.nextFunctions ?? [];
    expect(next.map(([node, index]) => [node?.name ?? null, index])).toEqual([
      ['AccumulateGrad', 0],
      [null, 0],
    ]);
    const [sink] = next[0] as unknown as [{ variable: Tensor }];
    expect(sink.variable).toBe(x);
  });

  test('outputs of one operation are numbered', () => {
    const parts = leaf(4).mul(1).unbind(0) as Tensor[];
    expect(parts.map((part) => part.outputNr)).toEqual([0, 1, 2, 3]);
    expect(new Set(parts.map((part) => part.gradFn)).size).toBe(1);
  });

  test('a tensor shows what made it', () => {
    const a = nabla.ones([2, 2], { requiresGrad: true });
    expect(String(a)).toBe('tensor([[1., 1.],\n        [1., 1.]], requiresGrad=true)');
    expect(String(a.add(2).pow(2).sum())).toBe('tensor(36., gradFn=<SumBackward>)');
  });
});
