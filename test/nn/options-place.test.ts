import { describe, expect, test } from 'vitest';
import { ArgumentError, autograd, nn, ones, randn, type Tensor, zeros } from '../../src/index.ts';

const F = nn.functional;

function expectSame(x: Tensor, y: Tensor): void {
  expect(x.equal(y)).toBe(true);
}

describe('options in the place of optional tensors that are left out', () => {
  const x = randn([2, 3, 4]);

  test('of functions with one, two and four of them', () => {
    expectSame(F.scaledDotProductAttention(x, x, x, { isCausal: true }), F.scaledDotProductAttention(x, x, x, null, { isCausal: true }));
    const w = randn([2, 3, 3]);
    expectSame(F.conv1d(x, w, { padding: 1 }), F.conv1d(x, w, null, { padding: 1 }));
    expectSame(F.convTranspose1d(x, randn([3, 2, 3]).fill_(1), { stride: 2 }), F.convTranspose1d(x, ones([3, 2, 3]), null, { stride: 2 }));
    expectSame(F.layerNorm(x, [4], { eps: 1 }), F.layerNorm(x, [4], null, null, { eps: 1 }));
    expectSame(F.layerNorm(x, [4], ones([4]), { eps: 1 }), F.layerNorm(x, [4], { eps: 1 }));
    expectSame(F.rmsNorm(x, 4, { eps: 1 }), F.rmsNorm(x, 4, null, { eps: 1 }));
    expectSame(F.groupNorm(x, 3, { eps: 1 }), F.groupNorm(x, 3, null, null, { eps: 1 }));
    expectSame(F.instanceNorm(x, { eps: 1 }), F.instanceNorm(x, null, null, null, null, { eps: 1 }));
    expectSame(F.batchNorm(x, null, null, { training: true }), F.batchNorm(x, null, null, null, null, { training: true }));
  });

  test('of functions with optional numbers', () => {
    expectSame(F.dropout(x, { training: false } as never), x);
    expectSame(x.sum({ keepdim: true } as never) as Tensor, x.sum(null, { keepdim: true } as never) as Tensor);
  });

  test('of backward and grad', () => {
    const y = ones([2]).requiresGrad_();
    const loss = y.pow(2).sum();
    loss.backward({ retainGraph: true });
    const [slope] = autograd.grad(loss, [y], { createGraph: true }) as [Tensor];
    expectSame(slope.detach(), (y.grad as Tensor).detach());
    expect(slope.requiresGrad).toBe(true);
  });

  test('only where all that follow may be left out, and with the names that there are', () => {
    expect(() => F.conv1d(x, { padding: 1 } as never)).toThrow(ArgumentError);
    expect(() => F.scaledDotProductAttention(x, x, x, { causal: true } as never)).toThrow(/unknown option 'causal'/);
    expect(() => F.batchNorm(x, { training: true } as never, zeros([3]))).toThrow(ArgumentError);
  });
});
