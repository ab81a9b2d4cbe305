/** Random programs of views and in-place operations: every transform agrees with plain runs and with finite differences. */
import { manualSeed, ones, randn, type Tensor, tensor } from 'nabla';
import { grad, jvp, vmap } from 'nabla/func';
import { test } from 'vitest';
import { close } from '../autograd/close.ts';

/** Numbers that depend on the seed alone. */
function numbers(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state >>> 8) & 0xffff) % below;
  };
}

type Program = (x: Tensor) => Tensor;
const float64 = { dtype: 'float64' } as const;

function viewOf(x: Tensor, next: (below: number) => number): Tensor {
  if (x.ndim === 0) return x;
  const dim = next(x.ndim);
  const size = x.shape[dim] as number;
  switch (next(5)) {
    case 0:
      return x.select(dim, next(size));
    case 1:
      return size > 1 ? x.narrow(dim, next(2), size - 1) : x;
    case 2:
      return x.transpose(0, x.ndim - 1);
    case 3:
      return x.unsqueeze(dim);
    default:
      return x.ndim < 2 ? x : x.diagonal();
  }
}

/** A program on [3, 4]: tensors that depend on x and tensors that do not, views of both, writes into all of them. */
function program(seed: number, intoConstants: boolean): Program {
  return (x) => {
    const next = numbers(seed);
    const first = x.mul(2);
    const constant = intoConstants ? ones([3, 4], float64) : x.mul(0).add(1);
    const pool: Tensor[] = [first, constant];
    for (let step = 0; step < 8; step++) {
      const target = pool[next(pool.length)] as Tensor;
      const source = pool[next(pool.length)] as Tensor;
      switch (next(6)) {
        case 0:
        case 1:
          pool.push(viewOf(target, next));
          break;
        case 2:
          target.mul_(source.mean().sin());
          break;
        case 3:
          target.add_(target.clone().mul(source.sum().cos()));
          break;
        case 4:
          target.copy_(target.clone().mul(0.5).add(x.mean()));
          break;
        default:
          target.sin_();
      }
    }
    return pool
      .map((y, i) =>
        y
          .cos()
          .mean()
          .mul(i + 1),
      )
      .reduce((a, b) => a.add(b));
  };
}

/** Sixty programs, and five that bend so sharply that plain differences miss the second derivative. */
const SEEDS = [...Array.from({ length: 60 }, (_, i) => i), 106, 188, 240, 243, 258];

test.each(SEEDS)('program %i', (seed) => {
  manualSeed(seed);
  const x = randn([3, 4], float64);
  const v = randn([3, 4], float64);
  const f = program(seed, true);
  const h = 1e-6;
  const difference = f(x.add(v.mul(h)))
    .sub(f(x.sub(v.mul(h))))
    .div(2 * h);
  const [value, tangent] = jvp(f, [x], [v]);
  close(value, f(x));
  close(tangent, difference, 1e-6);
  const gradient = grad(f)(x);
  close(gradient.mul(v).sum(), difference, 1e-6);
  // Second derivatives, both ways.
  const product = jvp(grad(f), [x], [v])[1];
  close(grad((y: Tensor) => jvp(f, [y], [v])[1])(x), product, 1e-8);
  const slope = (step: number): Tensor =>
    grad(f)(x.add(v.mul(step)))
      .sub(grad(f)(x.sub(v.mul(step))))
      .div(2 * step);
  // Extrapolated, and measured by the largest element: in some programs a plain difference is off by 3e5 step² of the value.
  const scale = Math.max(1, product.abs().max().item() as number);
  const extrapolated = slope(1e-5).mul(4).sub(slope(2e-5)).div(3);
  close(product.div(scale), extrapolated.div(scale), 1e-6);
  // Batches: constants are made of the argument, since vmap refuses writes into what does not differ.
  const b = program(seed, false);
  const xs = randn([2, 3, 4], float64);
  const rows = [xs.at(0), xs.at(1)] as Tensor[];
  for (const g of [b, grad(b), (row: Tensor) => jvp(b, [row], [v])[1]]) {
    const batch = vmap(g)(xs);
    rows.forEach((row, i) => {
      close(batch.at(i), g(row));
    });
  }
  close(
    jvp((y: Tensor) => vmap(b)(y).sum(), [xs], [ones([2, 3, 4], float64)])[1],
    tensor(
      grad((y: Tensor) => vmap(b)(y).sum())(xs)
        .sum()
        .item() as number,
      float64,
    ),
    1e-8,
  );
});
