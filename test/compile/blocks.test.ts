/** Reductions that run block by block behind what makes their operand: the bits are those of the whole, and the operand is never there as a whole. */
import { manualSeed, noGrad, randn, type Tensor } from 'nabla';
import { compile } from 'nabla/compile';
import { describe, expect, it } from 'vitest';

type Reduction = (x: Tensor) => Tensor;

const CASES: readonly [name: string, shape: readonly number[], reduction: Reduction][] = [
  ['a long row of whole pieces', [1 << 20], (x) => x.sum()],
  ['a long row with a rest', [700_001], (x) => x.sum()],
  ['the largest element of a long row', [700_001], (x) => x.amax()],
  ['columns', [1500, 401], (x) => x.sum(0)],
  ['long columns', [4100, 130], (x) => x.sum(0)],
  ['the smallest elements of columns', [1500, 401], (x) => x.amin(0)],
  ['rows', [1501, 400], (x) => x.sum(1)],
  ['products of rows', [1501, 400], (x) => x.prod(1)],
  ['the dimension in the middle', [101, 60, 100], (x) => x.sum(1)],
  ['images and places', [21, 32, 30, 30], (x) => x.sum([0, 2, 3])],
  ['the largest of images and places', [21, 32, 30, 30], (x) => x.amax([0, 2, 3])],
];

function expectSame(found: Tensor, wanted: Tensor): void {
  expect(found.shape).toEqual(wanted.shape);
  expect(found.eq(wanted).all().item()).toBe(true);
}

describe('reductions in blocks', () => {
  it.each(CASES)('%s', (_, shape, reduction) => {
    manualSeed(7);
    const last = shape.at(-1) as number;
    const operands: Tensor[] = shape.length === 1 ? [randn([...shape])] : [randn([...shape]), randn([last])];
    const plain = (...xs: Tensor[]): Tensor =>
      reduction(
        xs
          .reduce((x, y) => x.mul(y))
          .mul(0.5)
          .add(0.25)
          .relu(),
      );
    const both = (...xs: Tensor[]): Tensor[] => {
      const y = xs
        .reduce((x, other) => x.mul(other))
        .mul(0.5)
        .add(0.25)
        .relu();
      return [y, reduction(y)];
    };
    noGrad(() => {
      const [compiled, compiledBoth] = [compile(plain), compile(both)];
      const wanted = plain(...operands);
      const wantedBoth = both(...operands);
      for (let i = 0; i < 4; i++) {
        expectSame(compiled(...operands), wanted);
        compiledBoth(...operands).forEach((found, k) => {
          expectSame(found, wantedBoth[k] as Tensor);
        });
      }
      const [program] = compiled.explain().signatures[0]?.programs ?? [];
      expect(program?.runs).toBe(2);
      expect(program?.bytes).toBeLessThan(2 * (operands[0] as Tensor).size);
    });
  });

  it('reduce all of a matrix, and leave it alone where an operand is broadcast', () => {
    noGrad(() => {
      const x = randn([1000, 700]);
      const bytes = [randn([1000, 700]), randn([700])].map((y) => {
        const plain = (a: Tensor, b: Tensor): Tensor => a.mul(b).add(1).mean();
        const compiled = compile(plain);
        for (let i = 0; i < 4; i++) expectSame(compiled(x, y), plain(x, y));
        return compiled.explain().signatures[0]?.programs[0]?.bytes as number;
      });
      expect(bytes[0]).toBeLessThan(2 * x.size);
      expect(bytes[1]).toBeGreaterThanOrEqual(4 * x.size);
    });
  });

  it('put what they make in the place of what is over', () => {
    const step = (x: Tensor, y: Tensor): Tensor[] => {
      const middle = x.sin();
      // Read by a matrix product, so that the rest is another launch.
      const product = middle.narrow(0, 0, 8).matmul(middle.narrow(0, 0, 8).t());
      const after = middle.mul(y.add(product.sum()));
      return [after.sum(0), after.narrow(0, 0, 4).matmul(after.narrow(0, 4, 4).t())];
    };
    noGrad(() => {
      const [x, y] = [randn([1500, 401]), randn([401])];
      const compiled = compile(step);
      const wanted = step(x, y);
      for (let i = 0; i < 4; i++)
        compiled(x, y).forEach((found, k) => {
          expectSame(found, wanted[k] as Tensor);
        });
      const [program] = compiled.explain().signatures[0]?.programs ?? [];
      expect(program?.bytes).toBeLessThan(1.5 * x.size * 4);
    });
  });

  it('leave writes and reads in their order', () => {
    const step = (x: Tensor, kept: Tensor): Tensor[] => {
      const a = x.mul(2);
      const early = kept.sum();
      const b = a.add(kept);
      kept.add_(1);
      const sum = b.sum([0]);
      return [sum, early, kept.sum(), b.mul(kept).sum(1)];
    };
    noGrad(() => {
      const x = randn([1500, 401]);
      const [one, other] = [randn([1500, 401]), randn([1500, 401])];
      other.copy_(one);
      const compiled = compile(step);
      for (let i = 0; i < 4; i++) {
        const wanted = step(x, one);
        compiled(x, other).forEach((found, k) => {
          expectSame(found, wanted[k] as Tensor);
        });
      }
      expectSame(one, other);
    });
  });
});
