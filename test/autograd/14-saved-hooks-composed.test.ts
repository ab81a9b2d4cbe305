/** Hooks on what is saved inside of operators that are composed of others, and values of all kinds that they pack into. */
import { autograd, randn, scope, type Tensor } from 'nabla';
import { describe, expect, test } from 'vitest';
import { total, values } from '../engine/support.ts';

const COMPOSED: readonly (readonly [name: string, of: (x: Tensor) => Tensor])[] = [
  ['std', (x) => x.std(0)],
  ['renorm', (x) => x.renorm(2, 0, 1)],
  ['norm', (x) => x.norm()],
  ['prod', (x) => x.prod()],
  ['cumprod', (x) => x.cumprod(0)],
  ['logcumsumexp', (x) => x.logcumsumexp(1)],
];

describe('hooks on saved tensors in composed operators', () => {
  test.each(COMPOSED)('%s: the input itself is packed, once, and read from what was packed', (_, of) => {
    const x = randn([3, 4], { dtype: 'float64', requiresGrad: true });
    const shown: Tensor[] = [];
    let read = 0;
    const y = autograd.graph.savedTensorsHooks(
      (t) => {
        shown.push(t);
        return t.detach().clone();
      },
      (t) => {
        read++;
        return t;
      },
      () => of(x),
    );
    const like = JSON.stringify(values(x));
    const copies = shown.filter((t) => JSON.stringify(values(t)) === like);
    expect(copies).toHaveLength(1);
    expect(copies[0]).toBe(x);
    // A derivative that is to be differentiated again is composed anew, on the input.
    const [g] = autograd.grad(total(y), x, null, { createGraph: true });
    expect(read).toBeGreaterThan(0);
    const [plain] = autograd.grad(total(of(x)), x, null, { createGraph: true });
    expect(values(g as Tensor)).toEqual(values(plain as Tensor));
  });
});

describe('a scope around hooks', () => {
  test.each([
    ['null', null],
    ['undefined', undefined],
    ['a number', 1],
    ['bytes', new Uint8Array(2)],
    ['an object without tensors', { place: 'elsewhere', next: null }],
  ])('passes over what was packed into %s', (_, packed) => {
    const x = randn([3], { dtype: 'float64', requiresGrad: true });
    const y = scope(() =>
      autograd.graph.savedTensorsHooks(
        () => packed,
        () => x.detach().exp(),
        () => x.exp(),
      ),
    );
    const [g] = autograd.grad(total(y), x);
    expect(values(g as Tensor)).toEqual(values(y));
  });
});
