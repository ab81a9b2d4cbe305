/** Levels of forward mode, what makeDual takes and how it lays tangents out, and what jvp takes and gives. */
import { autograd, noGrad, ones, rand, type Tensor, tensor, vmap, zeros } from 'nabla';
import { jvp } from 'nabla/func';
import { describe, expect, test } from 'vitest';
import { mode } from '../../src/tensor/modes.ts';
import { refused, values } from './support.ts';

const { dualLevel, enterDualLevel, exitDualLevel, isForwardGradEnabled, makeDual, setForwardGradEnabled, unpackDual } = autograd.forwardAd;

const vector = (): Tensor => tensor([3, 4]);
const direction = (): Tensor => tensor([5, 6]);
const tangentOf = (x: Tensor): unknown => values(unpackDual(x).tangent);

describe('levels', () => {
  test('what is refused says what to do instead', () => {
    refused(() => exitDualLevel(), 'AutogradError', /^exitDualLevel: no level of dual numbers is open: call enterDualLevel first/);
    refused(
      () => dualLevel(async () => 0),
      'ArgumentError',
      /^dualLevel: the function must be synchronous, since the level ends when it returns/,
    );
    refused(
      () => makeDual(vector(), direction()),
      'AutogradError',
      /^makeDual: no level of dual numbers is open: call it inside autograd\.forwardAd\.dualLevel\(\(\) => …\), and take the tangents out/,
    );
    dualLevel(() => {
      refused(
        () => enterDualLevel(),
        'AutogradError',
        /^enterDualLevel: a level is open already, and levels of dual numbers do not nest: nest jvp/,
      );
      const exiting = (x: Tensor): Tensor => {
        exitDualLevel();
        return x;
      };
      refused(
        () => jvp(exiting, [vector()], [direction()]),
        'AutogradError',
        /^exitDualLevel: a vmap or jvp that began inside the level still runs: close the level/,
      );
      expect(tangentOf(makeDual(vector(), direction()))).toEqual([5, 6]);
    });
  });

  test('a scope closes its level once, and not the level that was opened after it', () => {
    const first = dualLevel();
    first[Symbol.dispose]();
    enterDualLevel();
    first[Symbol.dispose]();
    expect(tangentOf(makeDual(vector(), direction()))).toEqual([5, 6]);
    exitDualLevel();
    refused(() => exitDualLevel(), 'AutogradError');
    expect(mode.interpreters).toBe(0);
  });

  test('a level that was left open inside a transform has ended with it: its duals are plain', () => {
    let dual: Tensor | null = null;
    vmap((x) => {
      enterDualLevel();
      dual = makeDual(vector(), direction());
      expect(String(dual)).toContain('tangent');
      return x;
    })(ones([2]));
    expect(unpackDual(dual as unknown as Tensor).tangent).toBeNull();
    expect(String(dual)).toBe('tensor([3., 4.])');
    expect(dualLevel(() => tangentOf((dual as unknown as Tensor).mul(2)))).toBeNull();
  });

  test('forward mode comes back on after an error, a promise is refused', () => {
    const failing = (): never => {
      throw new Error('inside');
    };
    expect(() => setForwardGradEnabled(false, failing)).toThrow('inside');
    expect(isForwardGradEnabled()).toBe(true);
    refused(
      () => setForwardGradEnabled(false, async () => 0),
      'ArgumentError',
      /^setForwardGradEnabled: the function must be synchronous, since the mode ends when it returns/,
    );
    expect(isForwardGradEnabled()).toBe(true);
    expect(setForwardGradEnabled(false, () => 'result')).toBe('result');
  });
});

describe('makeDual', () => {
  test('names the argument that does not fit', () => {
    dualLevel(() => {
      refused(() => makeDual(3 as never, direction()), 'ArgumentError', /^makeDual: tensor must be a tensor, got the number 3/);
      refused(() => makeDual(vector(), 3 as never), 'ArgumentError', /^makeDual: tangent must be a tensor, got the number 3/);
      refused(() => unpackDual(3 as never), 'ArgumentError', /^unpackDual: expected a tensor, got the number 3/);
      const integers = ones([2], { dtype: 'int64' });
      const only = /only floating and complex tensors have tangents, cast it first/;
      refused(() => makeDual(integers, direction()), 'DTypeError', /^makeDual: tensor has dtype int64/);
      refused(() => makeDual(vector(), integers), 'DTypeError', /^makeDual: tangent has dtype int64/);
      refused(() => makeDual(integers, integers), 'DTypeError', only);
      refused(() => makeDual(vector(), ones([3])), 'ShapeError', /^makeDual: tangent has shape \[3\], its input \[2\]: they must be equal/);
      const dual = makeDual(vector(), direction());
      refused(() => makeDual(dual, direction()), 'AutogradError', /^makeDual: tensor, .*\[2\].*, has a tangent already: unpackDual it, or/);
      refused(
        () => makeDual(vector(), dual),
        'AutogradError',
        /^makeDual: tangent, .*\[2\].*, is itself dual at this level: unpackDual it, or/,
      );
    });
  });

  test('a tangent is cast to the dtype of its tensor; complex tensors have tangents, real ones no complex tangent', () => {
    const wide = tensor([5, 6], { dtype: 'float64' });
    const complex = tensor([{ re: 1, im: 2 }]);
    dualLevel(() => {
      expect(unpackDual(makeDual(vector(), wide)).tangent?.dtype).toBe('float32');
      expect(unpackDual(makeDual(complex, complex)).tangent).toBe(complex);
      expect(tangentOf(makeDual(complex, ones([1])))).toEqual([{ re: 1, im: 0 }]);
      refused(() => makeDual(ones([1]), complex), 'DTypeError', /^makeDual: tangent is complex, but its input has dtype float32/);
    });
  });

  test('what came out of operators without a tangent may get one', () => {
    dualLevel(() => {
      const x = makeDual(vector(), direction());
      const cut = setForwardGradEnabled(false, () => x.mul(2));
      expect(tangentOf(makeDual(cut, direction()))).toEqual([5, 6]);
    });
  });

  test('the tangent is kept where its elements lie as those of the tensor, else copied', () => {
    const kept = (x: Tensor, t: Tensor): boolean => {
      const before = values(t);
      return dualLevel(() => {
        const found = unpackDual(makeDual(x, t)).tangent as Tensor;
        expect(values(found)).toEqual(before);
        if (x.size > 0) expect(found.strides).toEqual(x.strides);
        return found === t;
      });
    };
    const cut = (at: number): Tensor => rand([3]).narrow(0, at, 2);
    expect(kept(rand([2, 3]), rand([2, 3]))).toBe(true);
    expect(kept(rand([2, 3]), rand([3, 2]).T)).toBe(false);
    expect(kept(rand([3, 2]).T, rand([3, 2]).T)).toBe(true);
    // Parts of a storage: at the same place of one as long.
    expect(kept(cut(1), cut(1))).toBe(true);
    expect(kept(cut(0), cut(1))).toBe(false);
    expect(kept(cut(0), rand([2]))).toBe(false);
    expect(kept(rand([2]), cut(0))).toBe(false);
    // A tensor with a value for each member of a batch lies nowhere in particular.
    const t = ones([3]);
    vmap((x) => {
      expect(dualLevel(() => unpackDual(makeDual(x, t)).tangent === t)).toBe(true);
      return x;
    })(rand([2, 3]));
    // Of tensors without elements the strides mean nothing.
    expect(kept(zeros([0, 2]), zeros([2, 0]).T)).toBe(true);
  });

  test('gradients flow through a dual to what was recorded, and nowhere inside noGrad', () => {
    const x = vector().requiresGrad_();
    const t = direction().requiresGrad_();
    dualLevel(() => {
      const dual = makeDual(x, t);
      expect([dual.requiresGrad, dual.isLeaf]).toEqual([true, false]);
      dual.mul(2).sum().backward();
      expect(values(x.grad)).toEqual([2, 2]);
      const cut = noGrad(() => makeDual(x, t));
      expect([cut.requiresGrad, tangentOf(cut)]).toEqual([false, [5, 6]]);
      expect(makeDual(vector(), t).requiresGrad).toBe(false);
    });
  });

  test('what unpackDual gives can be taken apart by name and in order', () => {
    dualLevel(() => {
      const found = unpackDual(makeDual(vector(), direction()));
      expect(Object.keys(found)).toEqual(['primal', 'tangent']);
      const [primal, tangent] = found;
      expect([primal === found.primal, tangent === found.tangent]).toEqual([true, true]);
    });
    const x = vector();
    const [primal, tangent] = unpackDual(x);
    expect([primal === x, tangent]).toEqual([true, null]);
  });
});

describe('jvp', () => {
  const x = tensor([1, 2], { dtype: 'float64' });
  const t = ones([2], { dtype: 'float64' });

  test('names what does not fit, and how', () => {
    const same = (a: Tensor): Tensor => a;
    const arrays = /^jvp: inputs and tangents are arrays with an entry for each argument/;
    refused(() => jvp(same, x as never, [t]), 'ArgumentError', arrays);
    refused(() => jvp(same, [x], t as never), 'ArgumentError', arrays);
    refused(() => jvp(same as never, [x, x], [t]), 'ArgumentError', /^jvp: got 1 tangents for 2 inputs/);
    refused(
      () => jvp(((_: number, __: string) => x) as never, [3, 'a'], [null, null]),
      'ArgumentError',
      /^jvp: the inputs hold no tensor, got the number 3, the string/,
    );
    refused(() => jvp(same as never, [x, x], [t, 5 as never]), 'ArgumentError', /^jvp: tangent 1 must be a tensor, got the number 5/);
    refused(
      () => jvp(same as never, [x, x], [t, ones([3])]),
      'ShapeError',
      /^jvp: tangent 1 has shape \[3\], its input \[2\]: they must be/,
    );
    refused(() => jvp(same, [x], [t], { strickt: true } as never), 'ArgumentError', /^jvp: .*strickt/);
    refused(() => jvp((() => 3) as never, [x], [t]), 'ArgumentError', /^jvp: the function must return tensors, .* got the number 3/);
    refused(
      () => jvp((() => x) as never, [x], [t], { hasAux: true }),
      'ArgumentError',
      /^jvp: with hasAux the function must return \[output, aux\], got a tensor of shape \[2\]/,
    );
    for (const wrong of [[x], [x, 1, 2]])
      refused(() => jvp((() => wrong) as never, [x], [t], { hasAux: true }), 'ArgumentError', /must return \[output, aux\], got an array/);
  });

  test('tangents are of the kind of their inputs', () => {
    const same = (a: Tensor): Tensor => a;
    const integers = ones([2], { dtype: 'int32' });
    const complex = tensor([{ re: 1, im: 2 }]);
    refused(
      () => jvp(same, [integers], [t]),
      'DTypeError',
      /^jvp: a tensor of dtype int32 has no tangent: cast it to a floating dtype, or/,
    );
    refused(
      () => jvp(same, [x], [integers]),
      'DTypeError',
      /^jvp: tangent 0 has dtype int32: a tangent must be floating, like its input \(float64\)/,
    );
    refused(() => jvp(same, [ones([1])], [complex]), 'DTypeError', /^jvp: tangent 0 is complex, but its input has dtype float32/);
    expect(values(jvp(same, [complex], [complex])[1])).toEqual([{ re: 1, im: 2 }]);
    expect(values(jvp((a: Tensor, i: Tensor) => a.indexSelect(0, i), [x, tensor([1, 1], { dtype: 'int64' })], [t, null])[1])).toEqual([
      1, 1,
    ]);
  });

  test('strict refuses results that do not depend on the inputs, and names the first', () => {
    const f = (a: Tensor) => [a.mul(2), ones([1]), ones([1])];
    refused(
      () => jvp(f, [x], [t], { strict: true } as never),
      'AutogradError',
      /^jvp: with strict, every result must depend on the inputs, but result 1 does not: leave strict out for zeros/,
    );
    const found = jvp(f, [x], [t], { strict: false } as never);
    expect(found[1].map(values)).toEqual([[2, 2], [0], [0]]);
    expect(values(jvp((a) => a.mul(2), [x], [t], { strict: true } as never)[1])).toEqual([2, 2]);
  });

  test('zeros for what does not depend have the shape and dtype of the result; in the flat list they are null', () => {
    const found = jvp((a) => ({ y: a.mul(2), c: ones([1, 3], { dtype: 'float16' }) }), [x], [t]);
    expect([found[1].c.shape, found[1].c.dtype, values(found[1].c)]).toEqual([[1, 3], 'float16', [[0, 0, 0]]]);
    expect(found.outputs.map(values)).toEqual([[2, 4], [[1, 1, 1]]]);
    expect(found.tangents.map(values)).toEqual([[2, 2], null]);
    expect([...found]).toHaveLength(2);
  });

  test('auxiliary results are plain tensors and whatever else, and need not depend', () => {
    const [, , aux] = jvp((a: Tensor) => [a.mul(2), { seen: a.mul(3), text: 'kept' }] as const, [x], [t], { hasAux: true });
    expect([values(aux.seen.mul(1)), String(aux.seen), aux.text]).toEqual([[3, 6], 'tensor([3., 6.], dtype=float64)', 'kept']);
  });

  test('what was kept from inside is refused afterwards, and names the operation', () => {
    let kept: Tensor | null = null;
    jvp(
      (a) => {
        kept = a;
        return a;
      },
      [x],
      [t],
    );
    const handle = kept as unknown as Tensor;
    refused(() => handle.mul(2), 'AutogradError', /^mul: a tensor of shape \[2\] .* was kept from inside a vmap or jvp that has ended/);
    refused(() => unpackDual(handle), 'AutogradError', /^unpackDual: .* was kept from inside/);
    refused(() => dualLevel(() => makeDual(handle, t)), 'AutogradError', /^makeDual: .* was kept from inside/);
    refused(() => dualLevel(() => makeDual(x, handle)), 'AutogradError', /^makeDual: .* was kept from inside/);
  });
});
