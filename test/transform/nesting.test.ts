import { ArgumentError, AutogradError, arange, autograd, noGrad, ones, ShapeError, type Tensor, tensor } from 'nabla';
import { grad, hessian, jacfwd, jacrev, jvp, vmap } from 'nabla/func';
import { describe, expect, test } from 'vitest';

const vector = (): Tensor => tensor([1, 2, 3]);
const matrix = (): Tensor =>
  tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
const cubes = (x: Tensor): Tensor => x.pow(3).sum();
/** Σ x³ has the gradient 3x² and the Hessian diag(6x). */
const thrice = [6, 12, 18];

/** The gradient of Σ x³ by the tape, inside whatever transform runs. */
function gradientByTape(x: Tensor): Tensor {
  const leaf = x.mul(1);
  return autograd.grad(cubes(leaf.requiresGrad ? leaf : leaf.requiresGrad_()), [leaf], null, { createGraph: true })[0] as Tensor;
}

describe('reverse mode and vmap', () => {
  test('grad of vmap', () => {
    const g = grad((x: Tensor) => vmap((row) => row.pow(2).sum())(x).sum())(matrix()) as Tensor;
    expect(g.toArray()).toEqual(matrix().mul(2).toArray());
  });

  test('vmap of grad', () => {
    const g = vmap(grad((row: Tensor) => row.pow(2).sum()) as (row: Tensor) => Tensor)(matrix());
    expect(g.toArray()).toEqual(matrix().mul(2).toArray());
  });

  test('the tape inside vmap', () => {
    expect(vmap(gradientByTape)(matrix()).toArray()).toEqual(matrix().pow(2).mul(3).toArray());
  });

  test('the tape outside vmap sees arguments and what the function captured', () => {
    const x = matrix().requiresGrad_();
    const w = vector().requiresGrad_();
    vmap((row) => row.mul(w).sum())(x)
      .sum()
      .backward();
    expect(x.grad?.toArray()).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect(w.grad?.toArray()).toEqual([5, 7, 9]);
  });

  test('vmap of grad with a captured tensor that wants a gradient itself', () => {
    const w = vector().requiresGrad_();
    const rows = vmap(grad((row: Tensor) => row.pow(2).mul(w).sum()) as (row: Tensor) => Tensor)(matrix());
    expect(rows.toArray()).toEqual(matrix().mul(2).mul(vector()).toArray());
    rows.sum().backward();
    expect(w.grad?.toArray()).toEqual([10, 14, 18]);
  });

  test('vmap of vmap', () => {
    const outer = vmap((a) => vmap((b) => a.mul(b))(vector()))(tensor([10, 100]));
    expect(outer.toArray()).toEqual([
      [10, 20, 30],
      [100, 200, 300],
    ]);
  });

  test('inDims, outDims, and no members at all', () => {
    const f = vmap((a, b) => a.mul(b), { inDims: [1, null], outDims: 1 });
    expect(f(matrix(), tensor([1, 10])).toArray()).toEqual([
      [1, 2, 3],
      [40, 50, 60],
    ]);
    expect(vmap((row) => row.mul(2))(ones([0, 3])).shape).toEqual([0, 3]);
  });
});

describe('forward mode', () => {
  test('of itself: second derivatives', () => {
    const second = jvp((x) => jvp((y) => y.pow(3), [x], [ones([])]).tangents[0] as Tensor, [tensor(2)], [ones([])]);
    expect(second.tangents[0]?.item()).toBe(12);
  });

  test('keeps the perturbations of two levels apart', () => {
    // d/dx [x · d/dy (x + y)] is 1: the inner derivative must not see the outer tangent of x.
    const inner = (x: Tensor): Tensor => jvp((y) => x.add(y), [ones([])], [ones([])]).tangents[0] as Tensor;
    expect(jvp((x) => x.mul(inner(x)), [ones([])], [ones([])]).tangents[0]?.item()).toBe(1);
    const slope = grad((x: Tensor) => x.mul(grad((y: Tensor) => x.add(y))(ones([])) as Tensor))(ones([])) as Tensor;
    expect(slope.item()).toBe(1);
    const mixed = grad((x: Tensor) => x.mul(inner(x)))(ones([])) as Tensor;
    expect(mixed.item()).toBe(1);
  });

  test('over reverse: a Hessian-vector product', () => {
    const product = jvp(grad(cubes) as (x: Tensor) => Tensor, [vector()], [ones([3])]).tangents[0];
    expect(product?.toArray()).toEqual(thrice);
    expect(jvp(gradientByTape, [vector()], [ones([3])]).tangents[0]?.toArray()).toEqual(thrice);
  });

  test('under reverse', () => {
    const x = vector().requiresGrad_();
    (jvp(cubes, [x], [ones([3])]).tangents[0] as Tensor).backward();
    expect(x.grad?.toArray()).toEqual(thrice);
    const byTransform = grad((y: Tensor) => jvp(cubes, [y], [ones([3])]).tangents[0] as Tensor)(vector()) as Tensor;
    expect(byTransform.toArray()).toEqual(thrice);
  });

  test('with a captured tensor that wants a gradient', () => {
    const w = ones([3]).requiresGrad_();
    const { outputs, tangents } = jvp((x) => x.mul(w).sum(), [vector()], [tensor([5, 6, 7])]);
    expect(autograd.grad(outputs[0] as Tensor, [w])[0]?.toArray()).toEqual([1, 2, 3]);
    expect(autograd.grad(tangents[0] as Tensor, [w])[0]?.toArray()).toEqual([5, 6, 7]);
  });

  test('of vmap and under vmap', () => {
    const squares = (row: Tensor): Tensor => row.pow(2).sum();
    expect(jvp((x) => vmap(squares)(x), [matrix()], [ones([2, 3])]).tangents[0]?.toArray()).toEqual([12, 30]);
    const tangents = vmap((row) => jvp(squares, [row], [ones([3])]).tangents[0] as Tensor)(matrix());
    expect(tangents.toArray()).toEqual([12, 30]);
  });

  test('where nothing is recorded', () => {
    expect(noGrad(() => jvp((x) => x.pow(2), [vector()], [ones([3])])).tangents[0]?.toArray()).toEqual([2, 4, 6]);
  });

  test('a result that does not depend on the input has no tangent; detach() drops it', () => {
    expect(jvp(() => ones([2]), [vector()], [ones([3])]).tangents).toEqual([null]);
    expect(jvp((x) => x.detach().mul(2), [vector()], [ones([3])]).tangents).toEqual([null]);
  });

  test('a composite with rules of its own and one without', () => {
    const softmax = (x: Tensor): Tensor => x.softmax(0);
    const step = 1e-3;
    const direction = tensor([1, 0, -1], { dtype: 'float64' });
    const x = vector().to('float64');
    const difference = softmax(x.add(direction.mul(step)))
      .sub(softmax(x.sub(direction.mul(step))))
      .div(2 * step);
    const tangent = jvp(softmax, [x], [direction]).tangents[0] as Tensor;
    expect(tangent.sub(difference).abs().max().item()).toBeLessThan(1e-6);
  });
});

describe('whole Jacobians', () => {
  test('agree in both modes', () => {
    const f = (x: Tensor): Tensor => x.pow(2).mul(x.sum());
    const [reverse, forward] = [jacrev(f)(vector()), jacfwd(f)(vector())];
    expect(reverse.toArray()).toEqual(forward.toArray());
    // ∂/∂xⱼ xᵢ² s = 2 xᵢ s δᵢⱼ + xᵢ²
    expect(reverse.toArray()).toEqual([
      [13, 1, 1],
      [4, 28, 4],
      [9, 9, 45],
    ]);
  });

  test('Hessian, also of every member of a batch', () => {
    const h = hessian(cubes)(vector());
    expect(h.diagonal().toArray()).toEqual(thrice);
    expect(h.sum().item()).toBe(36);
    expect(vmap(hessian(cubes))(matrix()).shape).toEqual([2, 3, 3]);
  });
});

describe('refused', () => {
  test.each<[string, (x: Tensor) => unknown]>([
    ['item', (x) => x.sum().item()],
    ['toArray', (x) => x.toArray()],
    ['toTypedArray', (x) => x.toTypedArray()],
    ['toBytes', (x) => x.toBytes()],
    ['toBigInt', (x) => x.toBigInt()],
    ['data', (x) => x.data],
    ['isNonzero', (x) => x.sum().isNonzero()],
    ['withData', (x) => x.withData(() => 0)],
    ['equal', (x) => x.equal(x)],
  ])('%s of a tensor under vmap, with the reason', (name, read) => {
    const body = (x: Tensor): Tensor => {
      read(x);
      return x;
    };
    const run = (): unknown => vmap(body)(matrix());
    expect(run).toThrow(AutogradError);
    expect(run).toThrow(new RegExp(`^${name}: the tensor is being transformed by vmap`));
    expect(() => jvp((x) => vmap(body)(x), [matrix()], [ones([2, 3])])).toThrow(/transformed by vmap/);
    expect(() => vmap((x) => jvp(body, [x], [ones([3])])[0])(matrix())).toThrow(/transformed by vmap/);
  });

  test('values of a tensor in forward mode can be read', () => {
    const f = (x: Tensor): Tensor => {
      expect(x.toArray()).toEqual([1, 2, 3]);
      expect(x.data.mul(2).toArray()).toEqual([2, 4, 6]);
      expect(String(x)).toBe('tensor([1., 2., 3.], tangent=tensor([1., 1., 1.]))');
      return x.sum().item() === 6 ? x.mul(x.data) : x;
    };
    expect(jvp(f, [vector()], [ones([3])])[1].toArray()).toEqual([1, 2, 3]);
  });

  test('printing shows that it is transformed', () => {
    vmap((x) => {
      expect(String(x)).toBe('tensor(<transformed>, shape=[3], dtype=float32)');
      return x;
    })(matrix());
  });

  test('functions that return no tensors, and arguments that do not fit', () => {
    expect(() => vmap((() => 5) as never)(matrix())).toThrow(
      /vmap: the function must return tensors, alone or in arrays and objects, got the number 5/,
    );
    expect(() => jvp((() => [null]) as never, [vector()], [ones([3])])).toThrow(/got null as result\[0\]/);
    expect(() => vmap((async () => ones([1])) as never)(matrix())).toThrow(/must be synchronous/);
    expect(() => vmap((x) => x, { inDims: 5 })(matrix())).toThrow(ShapeError);
    expect(() => vmap((x) => x, { inDims: [null] })(matrix())).toThrow(ArgumentError);
    expect(() => vmap((a, b) => a.add(b))(ones([2]), ones([3]))).toThrow(/different sizes: 2, 3/);
    expect(() => jvp((x) => x, [vector()], [ones([2])])).toThrow(ShapeError);
  });

  test('what was kept from inside, once the transform has ended', () => {
    let kept: Tensor | undefined;
    vmap((x) => {
      kept = x;
      return x;
    })(matrix());
    expect(() => kept?.add(1)).toThrow(/kept from inside a vmap or jvp that has ended/);
    expect(() => kept?.requiresGrad_().sum()).toThrow(AutogradError);
    expect(() => kept?.toArray()).toThrow(AutogradError);
  });

  test('an error inside leaves nothing switched on', () => {
    const failing = (): never => {
      throw new Error('the user’s own');
    };
    expect(() => vmap(failing)(matrix())).toThrow('the user’s own');
    expect(() => jvp(failing, [vector()], [ones([3])])).toThrow('the user’s own');
    expect(arange(3).add(1).toArray()).toEqual([1, 2, 3]);
    const x = ones([2], { requiresGrad: true });
    x.mul(3).sum().backward();
    expect(x.grad?.toArray()).toEqual([3, 3]);
  });
});
