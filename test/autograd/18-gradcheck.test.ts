/** gradcheck and gradgradcheck as users call them. */
import { autograd, NablaError, noGrad, ones, randn, type Tensor, tensor } from 'nabla';
import { describe, expect, test } from 'vitest';
import { refused, values } from '../engine/support.ts';

type Context = autograd.FunctionContext;
const { gradcheck, gradgradcheck, GradcheckError } = autograd;
const random = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });
const both = [{ fastMode: false }, { fastMode: true }];

/** Doubles, with another derivative. */
class Bad extends autograd.Function {
  static readonly generateVmapRule = true;
  static forward(x: Tensor) {
    return x.mul(2);
  }
  static setupContext() {}
  static backward(_context: Context, g: Tensor) {
    return g.mul(3);
  }
  static jvp(_context: Context, t: Tensor) {
    return t.mul(4);
  }
}

describe('gradcheck', () => {
  test('test_gradcheck_single_input: one tensor alone', () => {
    const f = (x: Tensor): Tensor => x.mul(5);
    for (const mode of both) {
      expect(gradcheck(f, random(10), mode)).toBe(true);
      expect(gradgradcheck(f, random(10), null, mode)).toBe(true);
    }
  });

  test('test_gradcheck_nondeterministic: a backward pass that does not repeat itself is found, or allowed', () => {
    let calls = 0;
    class NonDeterministic extends autograd.Function {
      static forward(_context: Context, x: Tensor, _jitter: number) {
        return x.mul(2);
      }
      static backward(_context: Context, g: Tensor): [Tensor, null] {
        calls++;
        return [g.mul(2 + (calls % 2) * 1e-7), null];
      }
    }
    const f = (x: Tensor): Tensor => NonDeterministic.apply(x, 0);
    for (const mode of both) {
      expect(() => gradcheck(f, random(3), mode)).toThrow(/backward pass is not deterministic: two runs gave/);
      expect(gradcheck(f, random(3), { ...mode, raiseException: false })).toBe(false);
      expect(gradcheck(f, random(3), { ...mode, nondetTol: 1e-5 })).toBe(true);
    }
  });

  test('test_gradcheck_validates_inputs: something must require a gradient, and elements must not share an address', () => {
    refused(() => gradcheck((x: Tensor) => x, ones([3])), 'ArgumentError', /at least one input must require a gradient/);
    const shared = ones([1], { dtype: 'float64' }).expand(3).requiresGrad_();
    for (const raiseException of [true, false])
      refused(() => gradcheck((x: Tensor) => x.mul(2), shared, { raiseException }), 'ArgumentError', /share one address/);
    // Inputs that are no tensors, or require no gradient, are passed on.
    expect(
      gradcheck((x: Tensor, factor: number, y: Tensor) => x.mul(factor).mul(y), [random(2), 3, ones([2], { dtype: 'float64' })] as const),
    ).toBe(true);
    refused(() => gradcheck((x: Tensor) => x, random(1), { fast: true } as never), 'ArgumentError', /fast/);
  });

  test('behaviour gradcheck no rg: is refused', () => {
    refused(() => gradcheck((x: Tensor) => x.mul(2), ones([2])), 'ArgumentError', /require a gradient/);
  });

  test('behaviour gradcheck float32 warning: fails, and says why', () => {
    const x = ones([2], { dtype: 'float32', requiresGrad: true });
    expect(() => gradcheck((a: Tensor) => a.mul(2), x)).toThrow(
      /finite differences give .* Note that input 0 has dtype float32, whose rounding errors/,
    );
    expect(gradcheck((a: Tensor) => a.mul(2), x, { raiseException: false })).toBe(false);
    expect(gradcheck((a: Tensor) => a.mul(2), x, { eps: 1e-2, atol: 1e-2 })).toBe(true);
  });

  test('behaviour gradcheck wrong backward: throws', () => {
    expect(() => gradcheck((x: Tensor) => Bad.apply(x), random(2))).toThrow(GradcheckError);
    expect(() => gradcheck((x: Tensor) => Bad.apply(x), random(2), { fastMode: true })).toThrow(
      /gradient of output 0 with respect to input 0/,
    );
  });

  test('behaviour gradcheck raise_exception=False: gives false', () => {
    expect(gradcheck((x: Tensor) => Bad.apply(x), random(2), { raiseException: false })).toBe(false);
  });

  test('behaviour gradcheck overlapping input: is refused', () => {
    const x = ones([1], { dtype: 'float64' }).expand(3).requiresGrad_();
    refused(() => gradcheck((a: Tensor) => a.mul(2), x), 'ArgumentError', /pass a clone\(\)/);
  });

  test('test_gradcheck_check_no_differentiable_outputs: a result without a gradient must be a constant; no result at all is fine', () => {
    for (const mode of both) {
      const x = random(2, 2);
      expect(() => gradcheck((a: Tensor) => noGrad(() => a.mul(3)), x, mode)).toThrow(
        /output 0 does not require a gradient, but changes with input 0/,
      );
      expect(() => gradcheck((a: Tensor) => a.detach().mul(3), x, mode)).toThrow(GradcheckError);
      expect(gradcheck((a: Tensor) => noGrad(() => a.mul(3)), x, { ...mode, raiseException: false })).toBe(false);
      expect(gradcheck(() => ones([2], { dtype: 'float64' }), x, mode)).toBe(true);
      expect(gradcheck(() => [], x, mode)).toBe(true);
    }
  });

  test('test_gradcheck_check_batched_grad: a backward pass that fails on a batch of gradients is reported', () => {
    class PerBatch extends autograd.Function {
      static forward(_context: Context, x: Tensor) {
        return x.mul(1);
      }
      static backward(_context: Context, g: Tensor) {
        // Reads the value, which a batch has none of.
        return g.mul((g.sum().item() as number) === 0 ? 1 : 1);
      }
    }
    expect(() => gradcheck((x: Tensor) => PerBatch.apply(x), random(2), { checkBatchedGrad: true })).toThrow(
      /fails on a batch of gradients \(vmap\)/,
    );
    expect(gradcheck((x: Tensor) => x.sin().matmul(x.cos()), random(3), { checkBatchedGrad: true })).toBe(true);
  });

  test('test_gradcheck_backward_mul_by_grad_output: a backward pass that is not linear is reported', () => {
    class Offset extends autograd.Function {
      static forward(context: Context, x: Tensor) {
        context.saveForBackward(x);
        return x.mul(1);
      }
      static backward(_context: Context, g: Tensor) {
        return g.add(g.eq(0).to('float64').mul(1e-7));
      }
    }
    expect(() => gradcheck((x: Tensor) => Offset.apply(x), random(2))).toThrow(/it must be linear in that/);
    expect(gradcheck((x: Tensor) => x.mul(2), random(2), { checkGradDtypes: true })).toBe(true);
  });

  test('test_gradcheck_undefined_grad: gradients that do not arrive must count as zeros', () => {
    const made = (answer: (a: Tensor | null, b: Tensor | null) => Tensor | null) => {
      class Two extends autograd.Function {
        static forward(context: Context, x: Tensor): [Tensor, Tensor] {
          context.setMaterializeGrads(false);
          return [x.mul(2), x.mul(3)];
        }
        static backward(_context: Context, a: Tensor | null, b: Tensor | null) {
          return answer(a, b);
        }
      }
      return (x: Tensor) => Two.apply(x);
    };
    const right = made((a, b) => (a === null ? (b as Tensor).mul(3) : b === null ? a.mul(2) : a.mul(2).add(b.mul(3))));
    const failing = made((a, b) => (a as Tensor).mul(2).add((b as Tensor).mul(3)));
    const wrong = made((a, b) => (a === null || b === null ? null : a.mul(2).add(b.mul(3))));
    // Only the combined pass is right here, so each result alone is compared with it.
    const both = (f: (x: Tensor) => readonly Tensor[]) => (x: Tensor) => {
      const [a, b] = f(x) as [Tensor, Tensor];
      return [a.add(b.mul(0)), b.add(a.mul(0))];
    };
    expect(gradcheck(right, random(2))).toBe(true);
    expect(() => gradcheck(failing, random(2))).toThrow();
    expect(gradcheck(both(failing), random(2))).toBe(true);
    expect(() => gradcheck(wrong, random(2))).toThrow(GradcheckError);
    const backwardOnly = (f: (x: Tensor) => readonly Tensor[]): string => {
      try {
        gradcheck(f, random(2), { checkBackwardAd: true });
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    };
    expect(backwardOnly(wrong)).toMatch(/gradient of output 0/);
  });

  test('test_gradcheck_output_shape_or_dtype_depend_on_values: is refused', () => {
    for (const mode of both) {
      const x = tensor([1, 1], { dtype: 'float64', requiresGrad: true });
      const shape = (a: Tensor): Tensor => ((a.select(0, 0).item() as number) > 1 ? a.mul(a) : a.mul(a).narrow(0, 0, 1));
      expect(() => gradcheck(shape, x, mode)).toThrow(/output 0 has shape \[2\] .* had shape \[1\].*must not depend on the values/);
      const dtype = (a: Tensor): Tensor => ((a.select(0, 0).item() as number) > 1 ? a.mul(a).to('float32') : a.mul(a));
      expect(() => gradcheck(dtype, x, mode)).toThrow(/dtype float32 .*must not depend on the values/);
    }
  });

  test('test_gradcheck_custom_error: GradcheckError is one of our errors, and only that becomes false', () => {
    expect(new GradcheckError('text')).toBeInstanceOf(NablaError);
    expect(gradcheck((x: Tensor) => Bad.apply(x), random(2), { raiseException: false })).toBe(false);
    class Mine extends Error {}
    const failing = (_x: Tensor): Tensor => {
      throw new Mine('not a disagreement');
    };
    for (const raiseException of [true, false]) expect(() => gradcheck(failing, random(2), { raiseException })).toThrow(Mine);
  });
});

describe('Jacobians', () => {
  test('test_gradcheck_get_numerical_jacobian: is that of finite differences, input by input', () => {
    const f = (x: Tensor, y: Tensor): Tensor[] => [x.mul(2).add(y.mul(3)), x.pow(2)];
    const [a, b] = [random(2, 2), random(2, 2)];
    const [first, second] = autograd.getNumericalJacobian(f, [a, b], { eps: 1e-6 }) as [Tensor, Tensor];
    const diagonal = (v: number): unknown => [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => (i === j ? v : 0)));
    expect([first, second].map((j) => values(j.round({ decimals: 4 })))).toEqual([diagonal(2), diagonal(3)]);
    const [squares] = autograd.getNumericalJacobian(f, [a, b], { target: [a], output: 1, eps: 1e-6 }) as [Tensor];
    expect(squares.sum().allclose(a.mul(2).sum(), { rtol: 1e-3 })).toBe(true);
  });

  test('test_gradcheck_get_analytical_jacobian: is that of the backward pass, and says whether it repeats itself', () => {
    const [a, b] = [random(2, 2), random(2, 2)];
    const found = autograd.getAnalyticalJacobian([a, b], a.mul(2).add(b.mul(3)));
    expect(found.reentrant).toBe(true);
    expect(found.jacobians.map((j) => [j.shape, j.sum().item()])).toEqual([
      [[4, 4], 8],
      [[4, 4], 12],
    ]);
    let calls = 0;
    class NonDeterministic extends autograd.Function {
      static forward(_context: Context, x: Tensor) {
        return x.mul(2);
      }
      static backward(_context: Context, g: Tensor) {
        return g.mul(calls++);
      }
    }
    expect(autograd.getAnalyticalJacobian([a], NonDeterministic.apply(a)).reentrant).toBe(false);
    expect(autograd.getAnalyticalJacobian([a], NonDeterministic.apply(a), 100).reentrant).toBe(true);
  });
});

describe('forward mode', () => {
  const forwardOnly = { checkForwardAd: true, checkBackwardAd: false };

  test('test_gradcheck_forward_ad: a wrong tangent is found', () => {
    for (const mode of both) {
      expect(gradcheck((x: Tensor, y: Tensor) => [x.mul(y), y.sin()], [random(2), random(2)], { ...mode, checkForwardAd: true })).toBe(
        true,
      );
      expect(() => gradcheck((x: Tensor) => Bad.apply(x), random(2), { ...mode, ...forwardOnly })).toThrow(
        /tangent of output 0 with respect to input 0/,
      );
    }
  });

  test('test_gradcheck_forward_ad_runs_with_no_requires_grad: the inputs do not require gradients there', () => {
    const seen: boolean[] = [];
    class Both extends autograd.Function {
      static readonly generateVmapRule = true;
      static forward(x: Tensor, y: Tensor): [Tensor, Tensor] {
        return [x.clone(), y.clone()];
      }
      static setupContext() {}
      static jvp(context: Context, dx: Tensor, dy: Tensor): [Tensor, Tensor] {
        seen.push(...context.needsInputGrad);
        return [dx, dy];
      }
    }
    const f = (x: Tensor, y: Tensor): Tensor[] => Both.apply(x, y);
    for (const extra of [{}, { checkUndefinedGrad: false }, { checkBatchedForwardGrad: true }])
      expect(gradcheck(f, [random(1), random(1)], { ...forwardOnly, ...extra })).toBe(true);
    expect(gradcheck(f, [ones([1], { dtype: 'float64' }), random(1)], forwardOnly)).toBe(true);
    expect(seen.length).toBeGreaterThan(8);
    expect(seen).not.toContain(true);
  });

  test('test_gradcheck_forward_ad_respects_requires_grad: only inputs that require gradients get tangents', () => {
    let count = 0;
    class Both extends autograd.Function {
      static readonly generateVmapRule = true;
      static forward(x: Tensor, y: Tensor): [Tensor, Tensor] {
        return [x.clone(), y.clone()];
      }
      static setupContext() {}
      static jvp(_context: Context, dx: Tensor, dy: Tensor): [Tensor, Tensor] {
        count++;
        return [dx, dy];
      }
    }
    const counted = (inputs: Tensor[], options: autograd.GradcheckOptions): number => {
      count = 0;
      gradcheck((x: Tensor, y: Tensor) => Both.apply(x, y), inputs, { ...forwardOnly, ...options });
      return count;
    };
    const two = [random(1), random(1)];
    // Once an input; then twice for undefined tangents, with and without zeros; then a batch, and its two members.
    expect(counted(two, { checkUndefinedGrad: false })).toBe(2);
    expect(counted(two, {})).toBe(6);
    expect(counted(two, { checkUndefinedGrad: false, checkBatchedForwardGrad: true })).toBe(8);
    expect(counted([random(1), ones([1], { dtype: 'float64' })], { checkBatchedForwardGrad: true })).toBe(4);
  });

  test('test_gradcheck_check_forward_or_backward_only: each combination runs what it names', () => {
    class Failing extends autograd.Function {
      static forward(_context: Context, x: Tensor) {
        return x.mul(1);
      }
      static vjp(): never {
        throw new Error('FAIL BACKWARD');
      }
      static jvp(): never {
        throw new Error('FAIL FORWARD');
      }
    }
    const f = (x: Tensor): Tensor => Failing.apply(x);
    for (const checkForwardAd of [true, false]) {
      for (const checkBackwardAd of [true, false]) {
        for (const checkBatchedForwardGrad of [true, false]) {
          for (const checkBatchedGrad of [true, false]) {
            for (const fastMode of [true, false]) {
              const options = { checkForwardAd, checkBackwardAd, checkBatchedForwardGrad, checkBatchedGrad, fastMode };
              const run = (): unknown => gradcheck(f, random(1), options);
              if (!checkForwardAd && !checkBackwardAd) refused(run, 'ArgumentError', /checkForwardAd or checkBackwardAd must be true/);
              else if (!checkForwardAd && checkBatchedForwardGrad)
                refused(run, 'ArgumentError', /checkBatchedForwardGrad needs checkForwardAd/);
              else if (!checkBackwardAd && checkBatchedGrad) refused(run, 'ArgumentError', /checkBatchedGrad needs checkBackwardAd/);
              else expect(run).toThrow(checkBackwardAd ? 'FAIL BACKWARD' : 'FAIL FORWARD');
            }
          }
        }
      }
    }
  });

  test('test_gradcheck_forward_ad_batched_grad: a batch of tangents is compared with its members', () => {
    const options = { ...forwardOnly, checkBatchedForwardGrad: true };
    expect(gradcheck((x: Tensor, y: Tensor) => [x.mul(y), x.exp()], [random(2), random(2)], options)).toBe(true);
    class NoRule extends autograd.Function {
      static forward(_context: Context, x: Tensor) {
        return x.clone();
      }
      static jvp(_context: Context, t: Tensor) {
        return t.mul((t.sum().item() as number) > Number.NEGATIVE_INFINITY ? 1 : 0);
      }
    }
    expect(gradcheck((x: Tensor) => NoRule.apply(x), random(2), forwardOnly)).toBe(true);
    expect(() => gradcheck((x: Tensor) => NoRule.apply(x), random(2), options)).toThrow(/forward mode fails on a batch of tangents/);
    expect(gradcheck((x: Tensor) => NoRule.apply(x), random(2), { ...options, raiseException: false })).toBe(false);
  });
});

describe('gradgradcheck', () => {
  test('in both orders, with given cotangents and with gaps in them', () => {
    const f = (x: Tensor, y: Tensor): Tensor => x.pow(3).mul(y.sin());
    const inputs = [random(2), random(2)];
    for (const mode of both) {
      expect(gradgradcheck(f, inputs, null, { ...mode, checkFwdOverRev: true })).toBe(true);
      expect(gradgradcheck(f, inputs, null, { ...mode, checkFwdOverRev: true, checkRevOverRev: false })).toBe(true);
      expect(gradgradcheck(f, inputs, random(2), mode)).toBe(true);
      expect(gradgradcheck(f, inputs, null, { ...mode, genNonContigGradOutputs: true, checkBatchedGrad: true })).toBe(true);
    }
    refused(() => gradgradcheck(f, inputs, [random(2), random(2)]), 'ArgumentError', /2 gradOutputs for 1 differentiable/);
    refused(() => gradgradcheck(f, inputs, null, { checkForwardAd: true } as never), 'ArgumentError', /checkForwardAd/);
  });

  test('finds a wrong second derivative behind a right first one', () => {
    class Detached extends autograd.Function {
      static forward(context: Context, x: Tensor) {
        context.saveForBackward(x);
        return x.pow(3);
      }
      static backward(context: Context, g: Tensor) {
        return g.mul((context.savedTensors[0] as Tensor).detach().pow(2).mul(3));
      }
    }
    const f = (x: Tensor): Tensor => Detached.apply(x);
    expect(gradcheck(f, random(2))).toBe(true);
    expect(() => gradgradcheck(f, random(2))).toThrow(/gradient of output 0 with respect to input 0/);
    expect(gradgradcheck(f, random(2), null, { raiseException: false })).toBe(false);
  });

  test('the inputs are as before, also when it fails', () => {
    const x = random(3);
    const before = x.detach().clone();
    expect(() => gradcheck((a: Tensor) => Bad.apply(a), x)).toThrow(GradcheckError);
    gradgradcheck((a: Tensor) => a.sin(), x);
    expect([values(x), x.grad]).toEqual([values(before), null]);
  });
});

describe('complex numbers', () => {
  const pair = (): Tensor =>
    tensor(
      [
        { re: 1, im: 2 },
        { re: -3, im: 0.5 },
      ],
      { dtype: 'complex128', requiresGrad: true },
    );

  test('test_gradcheck_complex_non_complex_outputs: real and complex results in one function', () => {
    for (const mode of both) {
      expect(gradcheck((x: Tensor, y: Tensor) => [x.to('complex128'), x.mul(y)], [random(2), random(2)], mode)).toBe(true);
      for (const f of [(z: Tensor) => z.to('float64'), (z: Tensor) => z.clone(), (z: Tensor) => z.reshape([2, 1])])
        expect(gradcheck(f, pair(), mode)).toBe(true);
    }
  });

  test('test_gradcheck_jacobian_mismatch: from real to complex, from complex to and the place is named', () => {
    class Widened extends autograd.Function {
      static forward(_context: Context, x: Tensor) {
        return x.to('complex128') as Tensor;
      }
      static backward(_context: Context, g: Tensor) {
        return g.to('float64').mul(2) as Tensor;
      }
    }
    class Tripled extends autograd.Function {
      static forward(_context: Context, z: Tensor) {
        return z.to('float64') as Tensor;
      }
      static backward(_context: Context, g: Tensor) {
        return g.mul(2).to('complex128') as Tensor;
      }
    }
    for (const mode of both) {
      expect(() => gradcheck((x: Tensor) => Widened.apply(x), random(2), mode)).toThrow(
        /gradient of output 0 with respect to input 0 is wrong/,
      );
      expect(() => gradcheck((z: Tensor) => Tripled.apply(z), pair(), mode)).toThrow(
        /gradient of output 0 with respect to input 0 is wrong/,
      );
      expect(gradcheck((z: Tensor) => Tripled.apply(z), pair(), { ...mode, raiseException: false })).toBe(false);
    }
    // Row 0 is the real part of the first result, column 0 that of the first input.
    expect(() => gradcheck((z: Tensor) => Tripled.apply(z), pair())).toThrow(
      /row 0, column 0 of the Jacobian: got 2, finite differences give (1|0\.9999)/,
    );
  });
});
