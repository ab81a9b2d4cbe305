/** In-place operations and views in forward mode, also under vmap. */
import { autograd, rand, type Tensor, tensor, vmap, zeros } from 'nabla';
import { expect, test } from 'vitest';
import { values } from '../engine/support.ts';
import { collected } from './garbage.ts';

const { dualLevel, makeDual, unpackDual } = autograd.forwardAd;
const tangentOf = (x: Tensor): unknown => values(unpackDual(x).tangent);

test('test_view_inplace_non_differentiable_views: writes change values everywhere, and tangents only of what is dual', () => {
  const [foo, bar] = [tensor([3, 4]), tensor([1, 1])];
  dualLevel(() => {
    const dual = makeDual(foo, bar);
    dual.mul_(2);
    expect(tangentOf(foo)).toBeNull();
    expect([values(bar), tangentOf(dual)]).toEqual([
      [2, 2],
      [2, 2],
    ]);
    expect([values(foo), values(unpackDual(dual).primal)]).toEqual([
      [6, 8],
      [6, 8],
    ]);
    const { primal, tangent } = unpackDual(dual);
    expect([tangentOf(primal), tangentOf(tangent as Tensor)]).toEqual([null, null]);
    primal.mul_(2);
    expect([values(dual), tangentOf(dual)]).toEqual([
      [12, 16],
      [2, 2],
    ]);
    tangent?.mul_(2);
    expect([values(dual), tangentOf(dual)]).toEqual([
      [12, 16],
      [4, 4],
    ]);
  });
});

test('test_view_inplace_differentiable_views: a write through a view reaches that part of the tangent of its base', () => {
  const [foo, bar] = [tensor([3, 4]), tensor([1, 1])];
  dualLevel(() => {
    const dual = makeDual(foo, bar);
    const view = dual.narrow(0, 0, 1);
    view.mul_(2);
    expect(tangentOf(foo)).toBeNull();
    expect([tangentOf(dual), tangentOf(view)]).toEqual([[2, 1], [2]]);

    const whole = rand([2]);
    whole.add_(dual);
    expect(tangentOf(whole)).toEqual([2, 1]);

    const part = rand([2]);
    part.set(0, dual.at(0));
    expect([tangentOf(part), values(part.at(0))]).toEqual([[2, 0], 6]);

    const cut = rand([2]);
    const detached = cut.detach();
    detached.add_(dual);
    expect([tangentOf(cut), tangentOf(detached)]).toEqual([null, [2, 1]]);
  });
});

test.each<[string, (x: Tensor, y: Tensor) => Tensor]>([
  ['add_', (x, y) => x.add_(y)],
  ['mul_', (x, y) => x.mul_(y)],
  ['copy_', (x, y) => x.copy_(y)],
])('test_view_inplace_always_creates_a_view: after view.%s(dual) the tangents of view and base are one memory', (_, write) => {
  const base = rand([2, 2]);
  const view = base.T;
  dualLevel(() => {
    write(view, makeDual(rand([2, 2]), rand([2, 2])));
    const before = unpackDual(base);
    const [primal, tangent] = [before.primal.clone(), (before.tangent as Tensor).clone()];
    view.mul_(2);
    const after = unpackDual(base);
    expect(values(after.primal)).toEqual(values(primal.mul(2)));
    expect(values(after.tangent)).toEqual(values(tangent.mul(2)));
    expect(unpackDual(view).tangent?.storage).toBe(after.tangent?.storage);
  });
});

test('test_detach_view_tracking: what is detached keeps nothing alive but the memory', async () => {
  const make = (): [Tensor, WeakRef<Tensor>] => {
    const foo = rand([2]);
    return [foo.detach(), new WeakRef(foo)];
  };
  const [detached, reference] = make();
  expect(await collected(reference)).toBe(true);
  expect(detached.shape).toEqual([2]);
});

test('test_create_new_zeros_with_same_meta: a tangent that a write makes lies as its tensor does', () => {
  const layouts: Tensor[] = [
    rand([3, 4]),
    rand([3, 4]).T.clone().T,
    rand([3, 4]).asStrided([2, 3], [5, 1], 1),
    rand([4, 3]).T,
    rand([2, 0]),
    rand([]),
  ];
  dualLevel(() => {
    for (const x of layouts) {
      const whole = x.clone();
      const strided = x.detach();
      for (const target of [whole, strided]) {
        const row = (y: Tensor): Tensor => (y.ndim > 0 ? y.narrow(0, 0, 1) : y);
        const before = values(target);
        const factor = row(target).detach().clone();
        row(target).mul_(makeDual(factor.clone().fill_(1), factor.clone().fill_(7)));
        const tangent = unpackDual(target).tangent as Tensor;
        expect(values(target)).toEqual(before);
        expect(tangent.shape).toEqual(target.shape);
        if (target.size > 0) expect(tangent.strides).toEqual(target.strides);
        expect(values(row(tangent))).toEqual(values(factor.mul(7)));
      }
    }
  });
});

test('test_copy_forward_ad_broadcasting: copy_ spreads a tangent with its value', () => {
  dualLevel(() => {
    const target = rand([2, 3, 3]);
    const tangent = rand([3, 3]);
    target.copy_(makeDual(rand([3, 3]), tangent));
    expect(tangentOf(target)).toEqual([values(tangent), values(tangent)]);
  });
});

test('test_copy_forward_ad_same_layout_copies_grad: copy_ copies the tangent, and does not share it', () => {
  const tangent = tensor([[5], [6]]);
  dualLevel(() => {
    const target = tensor([[1], [2]]);
    target.copy_(makeDual(tensor([[3], [4]]), tangent));
    const own = unpackDual(target).tangent as Tensor;
    expect(own.storage).not.toBe(tangent.storage);
    own.mul_(10);
    expect([values(tangent), values(own)]).toEqual([
      [[5], [6]],
      [[50], [60]],
    ]);
  });
});

test('test_out_of_place_not_same_layout: a batch of tangents that lie otherwise is copied', () => {
  const input = zeros([2, 2]).T;
  const tangent = rand([2, 2, 2]);
  const found = vmap((t) => dualLevel(() => unpackDual(makeDual(input, t)).tangent as Tensor))(tangent);
  expect(values(found)).toEqual(values(tangent));
  expect(found.storage).not.toBe(tangent.storage);
});

test('test_inplace_on_view_same_layout: a batch of tangents is written through a view', () => {
  const [input, tangent, base] = [rand([2, 2]), rand([2, 2, 2]), zeros([2, 2])];
  const view = base.view(2, 2);
  const [xs, views, bases] = vmap((t) =>
    dualLevel(() => {
      const x = makeDual(input, t);
      view.copy_(x);
      return [x, view, base].map((y) => unpackDual(y).tangent as Tensor);
    }),
  )(tangent) as [Tensor, Tensor, Tensor];
  for (const found of [xs, views, bases]) expect(values(found)).toEqual(values(tangent));
  expect(xs.storage).toBe(tangent.storage);
  expect(values(base)).toEqual(values(input));
});

test('test_inplace_on_view_not_same_layout: also through a transposed view', () => {
  const [input, tangent, base] = [rand([2, 2]), rand([2, 2, 2]), zeros([2, 2])];
  const view = base.T;
  const [xs, views, bases] = vmap((t) =>
    dualLevel(() => {
      const x = makeDual(input, t);
      view.copy_(x);
      return [x, view, base].map((y) => unpackDual(y).tangent as Tensor);
    }),
  )(tangent) as [Tensor, Tensor, Tensor];
  expect([values(xs), values(views)]).toEqual([values(tangent), values(tangent)]);
  expect(values(bases)).toEqual(values(tangent.mT));
});

test('test_metadata_check_for_storage_numel_skipped: one member of a batch of tangents is as good as a tensor of its own', () => {
  const primal = rand([5]).narrow(0, 0, 4).detach();
  const tangent = rand([10, 4]);
  const found = vmap((t) =>
    dualLevel(() => {
      const dual = makeDual(primal, t);
      return unpackDual(dual.mul(1)).tangent as Tensor;
    }),
  )(tangent);
  expect(values(found)).toEqual(values(tangent));
});
