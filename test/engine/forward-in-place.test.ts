/** Writes in forward mode: whose tangent is written, what views see of it, and what is left when the level ends. */
import { autograd, noGrad, ones, rand, type Tensor, tensor, vmap, zeros } from 'nabla';
import { jvp } from 'nabla/func';
import { describe, expect, test } from 'vitest';
import { refused, values } from './support.ts';

const { dualLevel, enterDualLevel, makeDual, setForwardGradEnabled, unpackDual } = autograd.forwardAd;
const tangentOf = (x: Tensor): unknown => values(unpackDual(x).tangent);
const vector = (): Tensor => tensor([1, 2, 3]);

describe('tangents', () => {
  test('what was computed with the same tangent keeps its own when one is written', () => {
    const { tangents } = jvp(
      (x) => {
        const y = x.add(1);
        y.mul_(5);
        return [x, y, x.add(2)];
      },
      [vector()],
      [ones([3])],
    );
    expect(tangents.map(values)).toEqual([
      [1, 1, 1],
      [5, 5, 5],
      [1, 1, 1],
    ]);
  });

  test('of a tensor that was written is its own from then on: later writes go into it', () => {
    dualLevel(() => {
      const y = zeros([3]).add_(makeDual(vector(), ones([3])));
      const own = unpackDual(y).tangent;
      y.mul_(2);
      y.add_(makeDual(vector(), ones([3])));
      expect(unpackDual(y).tangent).toBe(own);
      expect(values(own)).toEqual([3, 3, 3]);
      const row = y.narrow(0, 0, 2);
      expect(unpackDual(row).tangent).toBe(unpackDual(row).tangent);
    });
  });

  test('constants written into constants make none, and neither does what is written while forward mode is off', () => {
    const { tangents } = jvp((x) => [zeros([3]).add_(2), x.mul(0)], [vector()], [ones([3])]);
    expect(tangents.map(values)).toEqual([null, [0, 0, 0]]);
    dualLevel(() => {
      const [x, y] = [makeDual(vector(), ones([3])), zeros([3])];
      setForwardGradEnabled(false, () => y.add_(x));
      expect([values(y), tangentOf(y)]).toEqual([[1, 2, 3], null]);
      const part = setForwardGradEnabled(false, () => x.narrow(0, 0, 1));
      expect(tangentOf(part)).toEqual([1]);
    });
  });

  test('a view whose base has a tangent that lies otherwise sees its part', () => {
    const direction = tensor([
      [1, 10],
      [2, 20],
      [3, 30],
    ]).T;
    const { tangents } = jvp(
      (x) => {
        const y = x.add(1);
        const row = setForwardGradEnabled(false, () => y.select(0, 1));
        return [row.mul(1), y];
      },
      [rand([2, 3])],
      [direction],
    );
    expect(tangents.map(values)).toEqual([
      [10, 20, 30],
      [
        [1, 2, 3],
        [10, 20, 30],
      ],
    ]);
  });

  test('bytes seen as integers have none, and writes into them change no tangent', () => {
    dualLevel(() => {
      const x = makeDual(vector(), ones([3]));
      const bits = x.view('int32');
      expect(unpackDual(bits).tangent).toBeNull();
      bits.zero_();
      expect([values(x), tangentOf(x), unpackDual(bits).tangent]).toEqual([[0, 0, 0], [1, 1, 1], null]);
    });
  });

  test('a tangent that differs between the members of a batch is written into one that does not', () => {
    const ts = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const found = vmap((t) =>
      dualLevel(() => {
        const y = zeros([3]).add_(makeDual(ones([3]), ones([3])));
        y.mul_(makeDual(ones([3]), t));
        return unpackDual(y).tangent as Tensor;
      }),
    )(ts);
    expect(values(found)).toEqual(values(ts.add(1)));
    // One level more between the two.
    const nested = vmap((t) => {
      const slope = (x: Tensor): Tensor =>
        dualLevel(() => {
          const y = zeros([3]).add_(makeDual(ones([3]), x));
          y.mul_(makeDual(ones([3]), x.mul(t)));
          return unpackDual(y).tangent as Tensor;
        });
      return jvp(slope, [vector()], [ones([3])])[1];
    })(ts);
    expect(values(nested)).toEqual(values(ts.add(1)));
  });

  test('a tangent that itself has a tangent is written in place too', () => {
    jvp(
      (x) =>
        dualLevel(() => {
          const y = zeros([3]).add_(makeDual(ones([3]), x));
          const own = unpackDual(y).tangent;
          y.mul_(makeDual(ones([3]), x));
          expect(unpackDual(y).tangent).toBe(own);
          return x;
        }),
      [vector()],
      [ones([3])],
    );
  });

  test('a view that reaches beyond its base is refused: nothing of its tangent would have a place', () => {
    jvp(
      (x) => {
        const whole = x.mul(1);
        const base = whole.narrow(0, 0, 2).detach();
        const beyond = base.asStrided([2], [1], 1);
        refused(
          () => beyond.mul_(x.narrow(0, 0, 2)),
          'InPlaceError',
          /^mul_: the target reaches elements of its storage that its base does not see, .*: write into a view of the base that lies inside it/,
        );
        expect(values(whole)).toEqual([1, 2, 3]);
        expect(values(base.asStrided([2], [1], 0).mul_(x.narrow(0, 0, 2)))).toEqual([1, 4]);
        return x;
      },
      [vector()],
      [ones([3])],
    );
  });
});

describe('when the level ends', () => {
  test('views of what was written have the history of the writes', () => {
    const w = tensor([1, 1, 1], { requiresGrad: true });
    const buffer = w.mul(2);
    const view = buffer.narrow(0, 0, 2);
    const { outputs } = jvp(
      (x) => {
        buffer.mul_(x);
        return view.mul(1);
      },
      [vector()],
      [ones([3])],
    );
    for (const y of [outputs[0] as Tensor, view, buffer.narrow(0, 0, 2)])
      expect(values(autograd.grad(y.sum(), [w], null, { retainGraph: true })[0])).toEqual([2, 4, 0]);
    const part = w.mul(2);
    const slice = part.narrow(0, 0, 2);
    jvp((x) => slice.mul_(x), [tensor([5, 6])], [ones([2])]);
    noGrad(() => expect(values(part)).toEqual([10, 12, 2]));
    expect(values(autograd.grad(slice.sum(), [w], null, { retainGraph: true })[0])).toEqual([10, 12, 0]);
    expect(values(autograd.grad(part.sum(), [w])[0])).toEqual([10, 12, 2]);
  });

  test('an argument of an outer level that an inner one wrote is refused after the outer has ended', () => {
    let kept: Tensor | null = null;
    const { tangents } = jvp(
      (x) => {
        kept = x;
        jvp((y) => x.mul_(y), [tensor([2, 2, 2])], [ones([3])]);
        return x.mul(1);
      },
      [vector()],
      [ones([3])],
    );
    expect(values(tangents[0])).toEqual([2, 2, 2]);
    refused(() => (kept as unknown as Tensor).mul(1), 'AutogradError', /kept from inside/);
  });

  test('a batched tensor that a level inside vmap wrote is batched again', () => {
    const found = vmap((row) => {
      const y = row.mul(1);
      jvp((x) => y.mul_(x), [tensor([1, 10, 100])], [ones([3])]);
      return y.add(1);
    })(tensor([[1, 2, 3]]));
    expect(values(found)).toEqual([[2, 21, 301]]);
  });

  test('a tensor from outside is plain, whichever of two levels ends first', () => {
    const buffer = ones([2]);
    jvp(
      (x) => {
        buffer.mul_(x);
        enterDualLevel();
        buffer.mul_(makeDual(ones([2]), ones([2])));
        return x;
      },
      [tensor([3, 4])],
      [ones([2])],
    );
    expect(unpackDual(buffer).tangent).toBeNull();
    expect([values(buffer.mul(2)), String(buffer)]).toEqual([[6, 8], 'tensor([3., 4.])']);
  });
});
