import { autograd, inferenceMode, nn, noGrad, ones, rand, type Tensor, tensor, vmap, zeros } from 'nabla';
import { describe, expect, test } from 'vitest';
import { refused, values } from '../engine/support.ts';
import { collected } from './garbage.ts';

const { dualLevel, enterDualLevel, exitDualLevel, isForwardGradEnabled, makeDual, setForwardGradEnabled, unpackDual } = autograd.forwardAd;

const vector = (): Tensor => tensor([3, 4]);
const direction = (): Tensor => tensor([5, 6]);
const tangentOf = (x: Tensor): unknown => values(unpackDual(x).tangent);

describe('levels', () => {
  test('test_default_level: tangents exist inside the level, and are gone after it', () => {
    const x = vector();
    const dual = dualLevel(() => {
      const made = makeDual(x, direction());
      expect(tangentOf(made)).toEqual([5, 6]);
      return made;
    });
    expect(tangentOf(dual)).toBeNull();
    expect(values(dual.mul(2))).toEqual([6, 8]);
    expect(dualLevel(() => tangentOf(dual))).toBeNull();
  });

  test('test_nested_level: a second level is refused, and the first goes on', () => {
    dualLevel(() => {
      refused(() => dualLevel(() => 0), 'AutogradError', /do not nest/);
      refused(() => enterDualLevel(), 'AutogradError', /nest jvp/);
      expect(tangentOf(makeDual(vector(), direction()))).toEqual([5, 6]);
    });
  });

  test('behaviour forward AD nested level: refused', () => {
    refused(() => dualLevel(() => dualLevel(() => 0)), 'AutogradError');
    expect(dualLevel(() => 1)).toBe(1);
  });

  test('behaviour forward AD exit twice: refused', () => {
    refused(() => exitDualLevel(), 'AutogradError', /no level/);
    enterDualLevel();
    exitDualLevel();
    refused(() => exitDualLevel(), 'AutogradError', /no level/);
  });

  test('behaviour forward AD outside level: makeDual is refused', () => {
    refused(() => makeDual(ones([3]), ones([3])), 'AutogradError', /dualLevel/);
    expect(unpackDual(ones([1])).tangent).toBeNull();
  });

  test('a level that a scope opened ends with the block, and with an error', () => {
    {
      using _level = dualLevel();
      expect(tangentOf(makeDual(vector(), direction()))).toEqual([5, 6]);
    }
    const failing = (): never => {
      throw new Error('on purpose');
    };
    expect(() => dualLevel(failing)).toThrow('on purpose');
    refused(() => exitDualLevel(), 'AutogradError');
    refused(() => dualLevel(async () => 0), 'ArgumentError', /synchronous/);
    refused(() => makeDual(ones([1]), ones([1])), 'AutogradError');
  });

  test('a level that is closed or left open inside a transform', () => {
    const exiting = (x: Tensor): Tensor => {
      exitDualLevel();
      return x;
    };
    dualLevel(() => refused(() => vmap(exiting)(ones([2])), 'AutogradError', /vmap or jvp/));
    const entering = (x: Tensor): Tensor => {
      enterDualLevel();
      return x;
    };
    vmap(entering)(ones([2]));
    refused(() => makeDual(ones([1]), ones([1])), 'AutogradError', /no level/);
    expect(dualLevel(() => tangentOf(makeDual(vector(), direction())))).toEqual([5, 6]);
  });

  test('test_grad_cleanup: a tensor has no tangent in the next level, until it is given one', () => {
    const [foo, bar, baz] = [vector(), direction(), tensor([7, 8])];
    const dual = dualLevel(() => {
      const made = makeDual(foo, bar);
      expect(tangentOf(foo)).toBeNull();
      expect(unpackDual(made).tangent).toBe(bar);
      return made;
    });
    dualLevel(() => {
      expect(tangentOf(foo)).toBeNull();
      expect(tangentOf(dual)).toBeNull();
      expect(tangentOf(makeDual(foo, baz))).toEqual([7, 8]);
      expect(tangentOf(makeDual(dual, baz))).toEqual([7, 8]);
    });
  });

  test('test_forward_level_cleanup: a level does not keep the tangents of its tensors', async () => {
    const reference = (): WeakRef<Tensor> => {
      const tangent = rand([2], { requiresGrad: true });
      const dual = makeDual(vector(), tangent);
      expect(unpackDual(dual).tangent).toBe(tangent);
      return new WeakRef(tangent);
    };
    enterDualLevel();
    try {
      expect(await collected(reference())).toBe(true);
    } finally {
      exitDualLevel();
    }
  });

  test('test_fwd_grad_enabled: forward mode can be turned off and on', () => {
    expect(isForwardGradEnabled()).toBe(true);
    const scope = setForwardGradEnabled(false);
    expect(isForwardGradEnabled()).toBe(false);
    scope[Symbol.dispose]();
    expect(isForwardGradEnabled()).toBe(true);
  });

  test('test_set_fwd_grad_enabled: while it is off, results have no tangents, and targets of writes keep theirs', () => {
    dualLevel(() => {
      const x = makeDual(vector(), direction());
      setForwardGradEnabled(false, () => {
        expect(isForwardGradEnabled()).toBe(false);
        expect(tangentOf(x.mul(2))).toBeNull();
        expect(tangentOf(makeDual(vector(), direction()))).toBeNull();
        setForwardGradEnabled(true, () => expect(tangentOf(x.mul(2))).toEqual([10, 12]));
        x.mul_(2);
      });
      expect([values(x), tangentOf(x)]).toEqual([
        [6, 8],
        [5, 6],
      ]);
    });
    expect(() => setForwardGradEnabled(false, () => refused(() => exitDualLevel(), 'AutogradError'))).not.toThrow();
    expect(isForwardGradEnabled()).toBe(true);
  });
});

describe('making and unpacking', () => {
  test('behaviour forward AD basic: the tangent of a square is 2 x t', () => {
    const found = dualLevel(() => {
      const d = makeDual(ones([3]), ones([3]).mul(2));
      const { primal, tangent } = unpackDual(d.mul(d));
      return [values(primal), values(tangent)];
    });
    expect(found).toEqual([
      [1, 1, 1],
      [4, 4, 4],
    ]);
  });

  test('behaviour forward AD tangent None unpack: a tensor without a tangent', () => {
    const x = ones([2]);
    dualLevel(() => {
      const [primal, tangent] = unpackDual(x);
      expect([values(primal ?? null), tangent]).toEqual([[1, 1], null]);
    });
  });

  test('test_basic_packing_unpacking: unpacking gives the values and the same tangent; what went in is unchanged', () => {
    const [foo, bar] = [vector(), direction()];
    dualLevel(() => {
      const { primal, tangent } = unpackDual(makeDual(foo, bar));
      expect(values(primal)).toEqual([3, 4]);
      expect(primal.storage).toBe(foo.storage);
      expect(tangent).toBe(bar);
      expect(values(unpackDual(foo).primal)).toEqual([3, 4]);
      expect(tangentOf(foo)).toBeNull();
      expect(tangentOf(bar)).toBeNull();
    });
  });

  test('test_size_check: a tangent has the shape of its tensor', () => {
    const tangent = rand([3]);
    dualLevel(() => {
      refused(() => makeDual(vector(), tangent), 'ShapeError', /\[3\].*\[2\]/);
      const dual = makeDual(vector(), tangent.narrow(0, 1, 2));
      expect(tangentOf(dual)).toEqual(values(tangent.narrow(0, 1, 2)));
    });
  });

  test('behaviour forward AD tangent mismatch shape: refused', () => {
    dualLevel(() => refused(() => makeDual(ones([3]), ones([2])), 'ShapeError'));
  });

  test('behaviour forward AD int: refused', () => {
    const integers = ones([3], { dtype: 'int64' });
    dualLevel(() => refused(() => makeDual(integers, integers), 'DTypeError', /int64/));
  });

  test('test_make_dual_forbid_integral_dtype: neither the tensor nor the tangent may be of an integer dtype', () => {
    dualLevel(() => {
      refused(() => makeDual(ones([3], { dtype: 'int64' }), ones([3])), 'DTypeError', /tensor has dtype int64/);
      refused(() => makeDual(ones([3]), ones([3], { dtype: 'int64' })), 'DTypeError', /tangent has dtype int64/);
      refused(() => makeDual(3 as never, ones([3])), 'ArgumentError');
      refused(() => makeDual(ones([3]), 3 as never), 'ArgumentError');
      refused(() => unpackDual(3 as never), 'ArgumentError');
    });
  });

  test('test_set_fw_grad_having_own_fw_grad_at_same_level: a tangent must not be dual, a dual not get a second one', () => {
    dualLevel(() => {
      const dual = makeDual(vector(), direction());
      refused(() => makeDual(vector(), dual), 'AutogradError', /itself dual/);
      refused(() => makeDual(dual, direction()), 'AutogradError', /has a tangent already/);
    });
  });

  test('test_metadata_check_checks_storage_numel: over a longer storage the tangent is a copy, so that all views have one', () => {
    const primal = rand([5]).narrow(0, 0, 4).detach();
    const tangent = rand([4]);
    const before = values(tangent);
    dualLevel(() => {
      const dual = makeDual(primal, tangent);
      (unpackDual(dual).tangent as Tensor).mul_(2);
      expect(values(tangent)).toEqual(before);
      expect(unpackDual(dual.asStrided([5], [1], 0)).primal.shape).toEqual([5]);
    });
  });

  test('test_metadata_check_checks_ignores_size_zero: strides of empty tensors mean nothing', () => {
    const a = ones([0]).asStrided([0, 1], [1, 1], 0);
    const b = ones([0]).asStrided([0, 1], [1, 0], 0);
    dualLevel(() => {
      const dual = makeDual(a, b);
      expect(unpackDual(dual).tangent).toBe(b);
      expect(unpackDual(dual.mul(2)).tangent?.shape).toEqual([0, 1]);
    });
  });

  test('test_metadata_check_ignore_storage_offset_for_zero_numel_tensor: nor do their offsets', () => {
    const a = tensor([1]).asStrided([0], [1], 1);
    const b = tensor([1, 1]).asStrided([0], [1], 2);
    dualLevel(() => {
      expect(unpackDual(makeDual(a, b)).tangent).toBe(b);
    });
  });

  test('test_make_dual_inference_tensor_in_inference_mode: duals of inference tensors share their memory', () => {
    inferenceMode(() => {
      const foo = vector();
      dualLevel(() => {
        const dual = makeDual(foo, direction());
        dual.add_(1);
        expect(values(foo)).toEqual([4, 5]);
        expect(tangentOf(dual)).toEqual([5, 6]);
      });
    });
  });

  test('test_print: a dual shows its tangent, its parts and what it was made of do not', () => {
    dualLevel(() => {
      const a = vector();
      const b = makeDual(a, direction());
      expect(String(b)).toBe('tensor([3., 4.], tangent=tensor([5., 6.]))');
      const { primal, tangent } = unpackDual(b);
      for (const x of [a, primal, tangent as Tensor]) expect(String(x)).not.toContain('tangent');
    });
  });

  test('test_advanced_packing_unpacking: memory and versions are shared, and both parts stay part of the graph', () => {
    const [foo, bar] = [vector(), ones([2])];
    dualLevel(() => {
      const dual = makeDual(foo, bar);
      expect(dual.storage).toBe(foo.storage);
      foo.add_(1);
      expect(dual.version).toBe(foo.version);
      const { primal, tangent } = unpackDual(dual);
      expect([primal.storage, tangent?.storage]).toEqual([foo.storage, bar.storage]);
      foo.add_(1);
      bar.add_(1);
      expect([primal.version, tangent?.version]).toEqual([foo.version, bar.version]);
      expect([values(primal), values(tangent)]).toEqual([
        [5, 6],
        [2, 2],
      ]);
    });
    dualLevel(() => {
      foo.requiresGrad_();
      bar.requiresGrad_();
      const dual = makeDual(foo, bar);
      const { primal, tangent } = unpackDual(dual);
      const gradients = (y: Tensor): unknown[] =>
        autograd.grad(y.sum(), [foo, bar], null, { allowUnused: true, retainGraph: true }).map(values);
      expect(gradients(primal)).toEqual([[1, 1], null]);
      expect(gradients(tangent as Tensor)).toEqual([null, [1, 1]]);

      const cut = unpackDual(dual.detach().mul(2));
      expect([cut.primal.requiresGrad, values(cut.primal), cut.tangent]).toEqual([false, [10, 12], null]);

      const unrecorded = unpackDual(noGrad(() => dual.mul(3)));
      expect([unrecorded.primal.requiresGrad, unrecorded.tangent?.requiresGrad]).toEqual([false, false]);
      expect([values(unrecorded.primal), values(unrecorded.tangent)]).toEqual([
        [15, 18],
        [6, 6],
      ]);

      const copy = dual.clone();
      copy.detach_();
      const after = unpackDual(copy.mul(2));
      expect([after.primal.requiresGrad, values(after.primal), after.tangent]).toEqual([false, [10, 12], null]);
    });
  });
});

describe('operators', () => {
  test('test_not_implemented_fwad: what cannot carry a tangent on says so, with its name', () => {
    class Double extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor) {
        return x.mul(2);
      }
      static backward(_context: autograd.FunctionContext, g: Tensor) {
        return g.mul(2);
      }
    }
    dualLevel(() => {
      refused(() => Double.apply(makeDual(vector(), direction())), 'AutogradError', /Double.*jvp/);
      expect(values(Double.apply(vector()) as Tensor)).toEqual([6, 8]);
    });
  });

  test('behaviour forward AD custom fn without jvp: refused', () => {
    class Double extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor) {
        return x.mul(2);
      }
    }
    dualLevel(() => refused(() => Double.apply(makeDual(ones([2]), ones([2]))), 'AutogradError', /no jvp/));
  });

  test('behaviour forward AD unsupported: every operator carries tangents on, distances too', () => {
    const found = dualLevel(() => {
      const x = makeDual(tensor([3, 4]), tensor([1, 1]));
      return [tangentOf(x.dist(zeros([2]))), tangentOf(nn.functional.pairwiseDistance(x, zeros([2]), { eps: 0 }))];
    });
    expect(found[0]).toBeCloseTo(7 / 5, 6);
    expect(found[1]).toBeCloseTo(7 / 5, 6);
  });

  test('test_out_of_place_basic: tangents of a batch of directions at once', () => {
    const x = rand([4, 4], { dtype: 'float64', requiresGrad: true });
    const options = { checkForwardAd: true, checkBatchedForwardGrad: true } as const;
    expect(autograd.gradcheck((a: Tensor) => a.sin(), [x], options)).toBe(true);
    expect(
      autograd.gradcheck((a: Tensor, b: Tensor) => a.add(b), [x, rand([4, 4], { dtype: 'float64', requiresGrad: true })], options),
    ).toBe(true);
  });

  test('test_non_differentiable: comparisons of duals have no tangents, in place neither', () => {
    dualLevel(() => {
      const [a, b] = [makeDual(vector(), direction()), makeDual(vector(), direction())];
      expect([values(a.eq(b)), tangentOf(a.eq(b))]).toEqual([[true, true], null]);
      a.eq_(b);
      expect([values(a), tangentOf(a)]).toEqual([
        [1, 1],
        [0, 0],
      ]);
    });
  });

  test('test_codegen_ignores_undefined_outputs: gradients that nobody wants stay undefined for dual weights', () => {
    const weight = rand([6, 3], { requiresGrad: true });
    const input = rand([2, 3]);
    dualLevel(() => {
      const dual = makeDual(weight, ones([6, 3]));
      nn.functional.linear(input, dual).sum().backward();
      expect(input.grad).toBeNull();
      expect(weight.grad?.shape).toEqual([6, 3]);
      expect(tangentOf(weight.grad as Tensor)).toBeNull();
    });
  });

  test('test_backward_graph_destruction: a level ends although graphs lead from tangents back to duals', async () => {
    const reference = dualLevel(() => {
      const a = rand([10], { requiresGrad: true });
      const result = makeDual(rand([10]), a).exp();
      expect(unpackDual(result).tangent?.requiresGrad).toBe(true);
      return new WeakRef(result);
    });
    expect(await collected(reference)).toBe(true);
  });

  test('reverse mode inside a level gives gradients with tangents, and reverse mode outside differentiates tangents', () => {
    const x = tensor([1, 2, 3], { requiresGrad: true });
    dualLevel(() => {
      makeDual(x, tensor([1, 0, 2]))
        .pow(3)
        .sum()
        .backward();
      expect(tangentOf(x.grad as Tensor)).toEqual([6, 0, 36]);
    });
    expect(values((x.grad as Tensor).mul(1))).toEqual([3, 12, 27]);
    expect(String(x.grad)).toBe('tensor([ 3., 12., 27.])');
    x.grad = null;
    const slope = dualLevel(
      () =>
        unpackDual(
          makeDual(x, tensor([1, 0, 2]))
            .pow(3)
            .sum(),
        ).tangent as Tensor,
    );
    slope.backward();
    expect(values(x.grad)).toEqual([6, 0, 36]);
  });
});
