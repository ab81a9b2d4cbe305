/** What nodes save, and hooks on one tensor of it. */
import { autograd, noGrad, randn, type Tensor, tensor } from 'nabla';
import { describe, expect, test } from 'vitest';
import { leaf, refused, total, values } from '../engine/support.ts';

const { graph } = autograd;
const same = (x: Tensor): Tensor => x;
const twice = (x: Tensor): Tensor => x.mul(2);
const half = (x: Tensor): Tensor => x.div(2);

const random = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });
const savedOf = (x: Tensor) => graph.savedValues(x.gradFn as autograd.graph.Node);

describe('what a node saved', () => {
  test('test_no_unnecessary_unwrapping: saved inputs are the tensors themselves, leaves or not; after the pass they are gone', () => {
    const a = random(5);
    const b = a.mul(a);
    expect(savedOf(b).map((saved) => saved.unpack() === a)).toEqual([true, true]);
    const c = b.mul(b);
    expect(savedOf(c).map((saved) => saved.unpack() === b)).toEqual([true, true]);
    const d = a.exp();
    const [result] = savedOf(d);
    expect([result?.role, result?.index, result?.unpack().gradFn === d.gradFn]).toEqual(['output', 0, true]);
    total(b).backward();
    refused(() => savedOf(b), 'AutogradError', /freed by an earlier backward.*retainGraph/);
  });

  test('behaviour saved tensors introspection: the input of pow is the tensor itself', () => {
    const x = leaf(2);
    const [saved] = savedOf(x.pow(2));
    expect([saved?.unpack() === x, saved?.role, saved?.index]).toEqual([true, 'input', 0]);
    expect(saved?.constructor.name).toBe('SavedTensor');
  });

  test('behaviour saved tensor after release: refused, with what to do', () => {
    const x = leaf(2);
    const y = x.pow(2);
    const [early] = savedOf(y);
    total(y).backward();
    refused(() => savedOf(y), 'AutogradError', /PowBackward.*retainGraph/);
    refused(() => early?.unpack(), 'AutogradError', /PowBackward.*retainGraph/);
    refused(() => early?.registerHooks(same, same), 'AutogradError', /PowBackward.*retainGraph/);
  });

  test('test_grad_fn_attr_bindings: for operators of all kinds it is what their derivative reads, by role and place, and nothing else', () => {
    const positive = () => random(2, 3).detach().abs().add(1).requiresGrad_();
    const x = positive();
    const y = positive();
    const w = random(3, 2);
    const listed = (z: Tensor) => savedOf(z).map((saved) => `${saved.role} ${saved.index}`);
    expect(listed(x.add(y))).toEqual([]);
    expect(listed(x.neg())).toEqual([]);
    expect(listed(x.sum(0))).toEqual([]);
    expect(listed(x.reshape([3, 2]))).toEqual([]);
    expect(listed(x.mul(y))).toEqual(['input 0', 'input 1']);
    expect(listed(x.mul(y.detach()))).toEqual(['input 1']);
    expect(listed(x.sin())).toEqual(['input 0']);
    expect(listed(x.exp())).toEqual(['output 0']);
    expect(listed(x.div(y))).toEqual(['input 0', 'input 1']);
    expect(listed(x.matmul(w))).toEqual(['input 0', 'input 1']);
    expect(listed(x.detach().matmul(w))).toEqual(['input 0']);
    const index = tensor([1, 0], { dtype: 'int64' });
    expect(listed(x.indexSelect(1, index))).toEqual(['input 1']);
    expect(savedOf(x.indexSelect(1, index))[0]?.unpack() === index).toBe(true);
    for (const z of [x.mul(y), x.sin(), x.matmul(w), x.std(0), x.softmax(1), x.logsumexp(0)]) {
      const kept = savedOf(z);
      for (const saved of kept) expect(saved.unpack().dtype).toBe('float64');
      total(z).backward(null, { retainGraph: true });
      total(z).backward();
      refused(() => savedOf(z), 'AutogradError', /freed/);
      for (const saved of kept) refused(() => saved.unpack(), 'AutogradError', /freed/);
    }
  });

  test('of a custom function is what it saved, in its order', () => {
    class Keeps extends autograd.Function {
      static forward(context: autograd.FunctionContext, x: Tensor) {
        const middle = x.sin();
        const result = middle.mul(x);
        context.saveForBackward(x, middle, null, result);
        return result;
      }
      static backward(context: autograd.FunctionContext, g: Tensor) {
        const [x, middle] = context.savedTensors as [Tensor, Tensor];
        return g.mul(middle.add(x.mul(x.cos())));
      }
    }
    const x = leaf(2);
    const y = Keeps.apply(x);
    const saved = savedOf(y);
    expect(saved.map(({ role, index }) => `${role} ${index}`)).toEqual(['saved tensor 0', 'saved tensor 1', 'saved tensor 3']);
    expect(saved[0]?.unpack() === x).toBe(true);
    expect(saved[2]?.unpack().gradFn === y.gradFn).toBe(true);
  });

  test('a tensor that was changed in place since is refused', () => {
    const x = random(2).mul(1);
    const y = x.sin();
    x.add_(1);
    refused(() => savedOf(y)[0]?.unpack(), 'AutogradError', /changed in place.*add_/);
  });

  test('a saved result keeps its history where the handle lost it', () => {
    const x = tensor([2], { dtype: 'float64', requiresGrad: true });
    const y = x.exp();
    const out = y.mul(1).sum();
    y.detach_();
    const [g] = autograd.grad(out, x, null, { createGraph: true });
    const [second] = autograd.grad(g as Tensor, x);
    expect((values(second) as number[])[0]).toBeCloseTo(Math.exp(2), 12);
  });
});

describe('hooks on one saved tensor', () => {
  test('test_saved_variable_packing_unpacking_saved_original_with_hooks: leaves and results are packed at once and unpacked in the pass', () => {
    const check = (make: (a: Tensor) => Tensor) => {
      const x = random(5);
      const a = make(x);
      let y = a.mul(a);
      let kept = savedOf(y);
      kept[0]?.registerHooks(twice, half);
      kept[1]?.registerHooks(twice, half);
      expect(kept.map((saved) => values(saved.unpack()))).toEqual([values(a), values(a)]);
      expect(kept[0]?.unpack().gradFn === a.gradFn).toBe(true);
      a.retainGrad();
      total(y).backward();
      expect(values(a.grad)).toEqual(values(twice(a.detach())));

      const b = make(random(5));
      b.retainGrad();
      y = b.mul(b);
      kept = savedOf(y);
      kept[0]?.registerHooks(twice, same);
      total(y).backward();
      expect(values(b.grad)).toEqual(values(b.detach().mul(3)));
    };
    check(same);
    check((x) => x.mul(1));
    check((x) => x.add(1).mul(2));
  });

  test('test_saved_variable_packing_unpacking_saved_original_with_hooks: what is wrong with hooks is refused, one pair is allowed', () => {
    const a = random(5);
    const y = a.mul(a);
    const [first, second] = savedOf(y);
    refused(() => first?.registerHooks(1 as never, same), 'ArgumentError', /pack must be a function/);
    refused(() => first?.registerHooks(same, null as never), 'ArgumentError', /unpack must be a function/);
    const before = values(a);
    refused(() => first?.registerHooks((x) => noGrad(() => x.mul_(2)), same), 'InPlaceError', /pack function changed.*clone/);
    noGrad(() => a.div_(2));
    expect(values(a)).toEqual(before);
    const z = a.mul(a);
    const [kept] = savedOf(z);
    kept?.registerHooks(same, same);
    refused(() => kept?.registerHooks(same, same), 'AutogradError', /MulBackward has hooks already/);
    expect(() =>
      savedOf(z)[1]?.registerHooks(() => {
        throw new RangeError('mine');
      }, same),
    ).toThrow(RangeError);
    total(z).backward();
    expect(values(a.grad)).toEqual(values(a.detach().mul(2)));
    expect(second).toBeDefined();

    const w = a.mul(a);
    savedOf(w)[0]?.registerHooks(same, () => 1 as never);
    refused(() => total(w).backward(), 'ArgumentError', /registerHooks: the unpack function returned the number 1/);
    const v = a.mul(a);
    savedOf(v)[0]?.registerHooks(same, () => {
      throw new RangeError('mine');
    });
    expect(() => total(v).backward()).toThrow(RangeError);
  });

  test('test_saved_variable_packing_unpacking_did_not_save_original_with_hooks: a saved result keeps its history', () => {
    const a = random(5);
    const y = a.exp();
    const [saved] = savedOf(y);
    saved?.registerHooks(
      (x) => x.detach().clone(),
      (x) => x,
    );
    expect(saved?.unpack().gradFn === y.gradFn).toBe(true);
    const [g] = autograd.grad(total(y), a, null, { createGraph: true });
    expect(values(g)).toEqual(values(y));
    total(g as Tensor).backward();
    expect(values(a.grad)).toEqual(values(y));
  });

  test('inside of a composed operator as well: what it unpacks is not freed with the values on the way', () => {
    const x = random(4);
    const y = x.std();
    const held: Tensor[] = [];
    for (const saved of savedOf(y)) {
      expect(saved.role).toBe('inner');
      saved.registerHooks(
        (t) => t.toArray(),
        (list) => {
          const back = tensor(list as number[], { dtype: 'float64' });
          held.push(back);
          return back;
        },
      );
    }
    y.backward();
    const plain = x.detach().clone().requiresGrad_();
    plain.std().backward();
    expect(values(x.grad)).toEqual(values(plain.grad));
    expect(held.length).toBeGreaterThan(0);
    for (const t of held) expect(t.toArray()).toBeDefined();
  });
});
