/** Tangents of operators that bring no rule for them: those with a backward rule alone, derivatives of zero, casts, results without a derivative. */
import { autograd, linalg, nn, noGrad, ones, randn, type Tensor, tensor } from 'nabla';
import { grad, jvp, vmap } from 'nabla/func';
import { describe, expect, test } from 'vitest';
import type { Operator } from '../../src/op/contract.ts';
import { makeOperator } from '../../src/ops/family.ts';
import { apply } from '../../src/tensor/apply.ts';
import { close } from '../autograd/close.ts';
import { values } from './support.ts';

const float64 = { dtype: 'float64' } as const;
const random = (...shape: number[]): Tensor => randn(shape, float64);
const [x, w, b] = [random(1, 2, 5), random(3, 2, 2), random(3)];
const [dx, dw, db] = [random(1, 2, 5), random(3, 2, 2), random(3)];
const convolve = (input: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor => nn.functional.conv1d(input, weight, bias);

describe('from the backward rule alone', () => {
  test('each of several inputs has its part, and those without a tangent none', () => {
    const parts = [convolve(dx, w), convolve(x, dw), convolve(x.mul(0), w, db)] as [Tensor, Tensor, Tensor];
    for (const chosen of [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]]) {
      const given = [dx, dw, db].map((t, i) => (chosen.includes(i) ? t : null));
      const { tangents } = jvp((a, k, c) => convolve(a, k, c), [x, w, b], given);
      close(
        tangents[0],
        chosen.map((i) => parts[i] as Tensor).reduce((sum, part) => sum.add(part)),
      );
    }
  });

  test('several results', () => {
    const [a, da] = [random(4, 3), random(4, 3)];
    const f = (m: Tensor): Tensor[] => {
      const { Q, R } = linalg.qr(m) as unknown as { Q: Tensor; R: Tensor };
      return [Q, R];
    };
    const { outputs, tangents } = jvp(f, [a], [da]);
    const [q, r] = outputs as [Tensor, Tensor];
    const [dq, dr] = tangents as [Tensor, Tensor];
    close(dq.matmul(r).add(q.matmul(dr)), da);
    const skew = q.T.matmul(dq);
    close(skew, skew.T.neg());
    close(dr.tril(-1), random(3, 3).mul(0));
  });

  test('results without a derivative beside one that has one', () => {
    const rows = tensor(
      [
        [1, 20],
        [3, 40],
        [5, 60],
      ],
      float64,
    );
    const f = (m: Tensor): Tensor[] => {
      const { values: middle, indices } = m.median(0) as unknown as { values: Tensor; indices: Tensor };
      return [middle, indices];
    };
    const { outputs, tangents } = jvp(f, [rows], [rows.mul(10)]);
    expect([outputs.map(values), tangents.map(values)]).toEqual([
      [
        [3, 40],
        [1, 1],
      ],
      [[30, 400], null],
    ]);
  });

  test('nothing is recorded where nothing wants a gradient', () => {
    const [y, dy] = jvp((a) => convolve(a, w), [x], [dx]);
    expect([y.requiresGrad, dy.requiresGrad, dy.gradFn]).toEqual([false, false, null]);
    const kernel = w.clone().requiresGrad_();
    const [z, dz] = noGrad(() => jvp((a) => convolve(a, kernel), [x], [dx]));
    expect([z.requiresGrad, dz.requiresGrad]).toEqual([false, false]);
    close(dz, convolve(dx, w));
  });

  test('results that are no numbers beside those that are', () => {
    const [a, da] = [random(3, 3).add(tensor([3, 3, 3], float64).diag()), random(3, 3)];
    const f = (m: Tensor): Tensor[] => {
      const { LU, pivots } = linalg.luFactor(m) as unknown as { LU: Tensor; pivots: Tensor };
      return [pivots, LU];
    };
    const h = 1e-6;
    const { tangents } = jvp(f, [a], [da]);
    const difference = (f(a.add(da.mul(h)))[1] as Tensor).sub(f(a.sub(da.mul(h)))[1] as Tensor).div(2 * h);
    expect(tangents[0]).toBeNull();
    close(tangents[1], difference, 1e-6);
  });

  test('levels below see what tangents are made of, also where handles do not show it', () => {
    const xs = random(2, 1, 2, 5).requiresGrad_();
    vmap((a: Tensor) => jvp((k) => convolve(a, k), [w], [dw])[1])(xs)
      .sum()
      .backward();
    const alone = grad((a: Tensor) => convolve(a, dw).sum())(x);
    close(xs.grad?.at(0), alone);
    close(xs.grad?.at(1), alone);
  });

  test('reverse mode goes on through the tangent to inputs, captured tensors and tangents that want gradients', () => {
    const of = (y: Tensor, ...inputs: Tensor[]): (Tensor | null)[] => autograd.grad(y.sum(), inputs, null, { allowUnused: true });
    const kernel = w.clone().requiresGrad_();
    const direction = dx.clone().requiresGrad_();
    const input = x.clone().requiresGrad_();
    const expected = of(convolve(direction, kernel), kernel, direction) as [Tensor, Tensor];
    const byCaptured = jvp((a) => convolve(a, kernel), [x], [dx])[1];
    close(of(byCaptured, kernel)[0], expected[0]);
    close(of(jvp((a) => convolve(a, w), [x], [direction])[1], direction)[0], expected[1]);
    const found = of(jvp((a, k) => convolve(a, k), [input, kernel], [direction, null])[1], kernel, direction, input);
    close(found[0], expected[0]);
    close(found[1], expected[1]);
    expect(found[2]).toBeNull();
    // The tangent of the kernel meets the input.
    const weights = dw.clone().requiresGrad_();
    const both = of(jvp((a, k) => convolve(a, k), [input, kernel], [null, weights])[1], input, weights, kernel);
    close(both[0], of(convolve(input, weights), input)[0] as Tensor);
    close(both[1], of(convolve(input, weights), weights)[0] as Tensor);
    expect(both[2]).toBeNull();
  });

  test('second derivatives in every order of modes, and batches', () => {
    // Quadratic in (x, w): the second derivative in a direction is twice the product of the two parts of it.
    const slope = (a: Tensor, k: Tensor): Tensor => jvp((p, q) => convolve(p, q), [a, k], [dx, dw])[1];
    close(jvp(slope, [x, w], [dx, dw])[1], convolve(dx, dw).mul(2));
    const gradient = grad((a: Tensor) => slope(a, w).sum())(x);
    close(gradient, grad((a: Tensor) => convolve(a, dw).sum())(x));
    close(jvp((a) => grad((k: Tensor) => convolve(a, k).sum())(w), [x], [dx])[1], grad((k: Tensor) => convolve(dx, k).sum())(w));
    const [xs, ds] = [random(2, 1, 2, 5), random(2, 1, 2, 5)];
    const batch = vmap((a: Tensor, t: Tensor) => jvp((p) => convolve(p, w), [a], [t])[1])(xs, ds);
    close(batch.at(0), convolve(ds.at(0), w));
    close(batch.at(1), convolve(ds.at(1), w));
    const [a, da] = [random(3, 3), random(3, 3)];
    const h = 1e-5;
    const curve = (m: Tensor): Tensor => jvp((p) => (linalg.qr(p) as unknown as { R: Tensor }).R, [m], [da])[1];
    close(
      jvp(curve, [a], [da])[1],
      curve(a.add(da.mul(h)))
        .sub(curve(a.sub(da.mul(h))))
        .div(2 * h),
      1e-4,
    );
  });
});

describe('rules of their own', () => {
  test('a random draw is the same for values and tangents', () => {
    const { outputs, tangents } = jvp((a) => nn.functional.dropout(a), [ones([50])], [ones([50]).mul(3)]);
    expect(values(tangents[0])).toEqual(values(outputs[0]?.mul(3)));
  });

  test('a composite that has one is exact where its parts are not', () => {
    const point = tensor([Number.NEGATIVE_INFINITY, 1, 2]);
    expect(values(jvp((a) => a.logcumsumexp(0), [point], [ones([3])])[1])).toEqual([0, 1, 1]);
  });
});

describe('the contract of an operator', () => {
  const twice = (t: Tensor | null | undefined): Tensor | null => (t === null || t === undefined ? null : t.mul(2));
  const call = (operator: Operator<Tensor, string>, ...inputs: Tensor[]): Tensor[] => apply(operator, inputs, 'parameter') as Tensor[];
  const [p, q] = [tensor([1, 2], float64), tensor([3, 4], float64)];
  const [dp, dq] = [tensor([10, 20], float64), tensor([30, 40], float64)];

  test('a backward rule may have nothing for an input, and read nothing of an output: so has the tangent', () => {
    // The second input and the second output are constants to the derivative.
    const operator = makeOperator<string>({
      name: 'doubled',
      forward: ([a, b]) => [noGrad(() => (a as Tensor).mul(2)), noGrad(() => (b as Tensor).mul(3))],
      derivative: { kind: 'rules', vjp: ([g]) => [twice(g), null] },
    });
    const tangents = (da: Tensor | null, db: Tensor | null): unknown =>
      jvp((a, b) => call(operator, a, b), [p, q], [da, db]).tangents.map(values);
    expect(tangents(dp, null)).toEqual([[20, 40], null]);
    expect(tangents(null, dq)).toEqual([null, null]);
    expect(tangents(dp, dq)).toEqual([[20, 40], null]);
  });

  test('a forward rule sees the call: parameters, inputs and outputs, and which inputs have tangents', () => {
    const seen: unknown[] = [];
    const operator = makeOperator<string>({
      name: 'watched',
      forward: ([a, b]) => [noGrad(() => (a as Tensor).mul(b as Tensor))],
      derivative: {
        kind: 'rules',
        vjp: () => [null, null],
        jvp: ([da], context) => {
          seen.push(context.params, context.inputCount, context.needs(0), context.needs(1), context.inputShape(1));
          seen.push((context.inputType(1) as Tensor['type']).name, values(context.input(1)), values(context.output(0)));
          return [twice(da)];
        },
      },
    });
    expect(jvp((a, b) => call(operator, a, b), [p, q], [dp, null]).tangents.map(values)).toEqual([[20, 40]]);
    expect(seen).toEqual(['parameter', 2, true, false, [2], 'float64', [3, 4], [3, 8]]);
  });
});

describe('elementwise', () => {
  const point = tensor([1, 4], float64);
  const one = ones([2], float64);
  test('derivatives that are zero give zeros, alone and beside one that is not', () => {
    expect(values(jvp((a) => a.sign(), [point], [one]).tangents[0])).toEqual([0, 0]);
    expect(values(jvp((a) => a.floor(), [point], [one]).tangents[0])).toEqual([0, 0]);
    expect(values(jvp((a) => a.floor().add(a), [point], [one]).tangents[0])).toEqual([1, 1]);
  });

  test('derivatives that read the result, an input or another input', () => {
    expect(values(jvp((a) => a.sqrt(), [point], [one])[1])).toEqual([0.5, 0.25]);
    expect(values(jvp((a) => a.square(), [point], [one])[1])).toEqual([2, 8]);
    expect(values(jvp((a, c) => a.div(c), [point, point.mul(2)], [one, null])[1])).toEqual([0.5, 0.125]);
    expect(values(jvp((a, c) => a.div(c), [point, point.mul(2)], [null, one])[1])).toEqual([-0.25, -0.0625]);
  });

  test('tangents have the dtype and shape of the result', () => {
    const [half, wide] = [tensor([1, 2], { dtype: 'float16' }), tensor([[1], [2]], float64)];
    for (const given of [
      [half, null],
      [null, wide],
      [half, wide],
    ]) {
      const { tangents } = jvp((a, c) => a.add(c), [half, wide], given);
      expect([tangents[0]?.dtype, tangents[0]?.shape]).toEqual(['float64', [2, 2]]);
    }
    expect(jvp((a) => a.to('float16'), [point], [one])[1].dtype).toBe('float16');
  });

  test('integers and truth values made of duals have no tangent, nor what is made of those', () => {
    const found = jvp((a) => [a.gt(2), a.to('int64'), a.argmax(), a.to('int64').to('float64')], [point], [one]);
    expect(found.tangents).toEqual([null, null, null, null]);
    expect(found.outputs.map(values)).toEqual([[false, true], [1, 4], 1, [1, 4]]);
  });
});
