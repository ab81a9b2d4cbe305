/** Reading, writing and differentiating x[…] against a model of Python's indexing. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { autograd, type Tensor, tensor } from '../../src/index.ts';
import { type Item, indexed, indexing, written } from './index-model.ts';
import { type Model, overlaps, read, sizeOf, wholeOf } from './model.ts';

const RUNS = { numRuns: 500, seed: 7 } as const;

function numbers(count: number, seed = 1): number[] {
  return Array.from({ length: count }, (_, i) => Math.round(1000 * Math.sin(i * 12.9898 + seed * 78.233)));
}

function make(shape: readonly number[], values: readonly number[]): Tensor {
  return tensor(values, { dtype: 'float64' }).reshape(shape);
}

function elements(x: Tensor): number[] {
  return [...x.toTypedArray()].map(Number);
}

function at(x: Tensor, items: readonly Item[]): Tensor {
  return x.at(...items.map(written));
}

describe('x.at(…)', () => {
  test('has the elements and the shape of x[…]', () => {
    fc.assert(
      fc.property(indexing, ({ shape, items }) => {
        const memory = numbers(sizeOf(shape));
        const model = indexed(wholeOf(shape), items);
        const y = at(make(shape, memory), items);
        expect(y.shape).toEqual(model.shape);
        expect(elements(y)).toEqual(read(memory, model));
      }),
      RUNS,
    );
  });

  test('of a view has the elements of that view', () => {
    fc.assert(
      fc.property(indexing, ({ shape, items }) => {
        const memory = numbers(sizeOf(shape));
        const turned = make([...shape].reverse(), memory).permute(shape.map((_, i) => shape.length - 1 - i));
        const y = at(turned, items);
        expect(elements(y)).toEqual(read(elements(turned), indexed(wholeOf(shape), items)));
      }),
      RUNS,
    );
  });

  test('sends gradients to where the elements came from, and adds up those that were taken more than once', () => {
    fc.assert(
      fc.property(indexing, ({ shape, items }) => {
        const x = make(shape, numbers(sizeOf(shape)))
          .detach()
          .requiresGrad_();
        const model = indexed(wholeOf(shape), items);
        const weights = numbers(sizeOf(model.shape), 2);
        const y = at(x, items);
        if (y === x) return;
        const expected = new Array<number>(x.size).fill(0);
        for (const [i, place] of model.places.entries()) expected[place] = (expected[place] as number) + (weights[i] as number);
        const [g] = autograd.grad(y, x, make(model.shape, weights));
        expect(elements(g as Tensor)).toEqual(expected);
      }),
      RUNS,
    );
  });
});

/** What the memory holds after x[…] = values. */
function assigned(memory: readonly number[], model: Model, values: readonly number[]): number[] {
  const after = [...memory];
  for (const [i, place] of model.places.entries()) after[place] = values[i] as number;
  return after;
}

describe('x.set([…], …)', () => {
  test('writes a number or a tensor to the elements of x[…]', () => {
    fc.assert(
      fc.property(indexing, fc.boolean(), ({ shape, items }, isNumber) => {
        const memory = numbers(sizeOf(shape));
        const model = indexed(wholeOf(shape), items);
        if (overlaps(model) && !isNumber) return;
        const values = isNumber ? model.places.map(() => 7) : numbers(sizeOf(model.shape), 3);
        const x = make(shape, memory);
        const result = x.set(items.map(written), isNumber ? 7 : make(model.shape, values));
        expect(result === x).toBe(true);
        expect(elements(x)).toEqual(assigned(memory, model, values));
        if (model.places.length > 0) expect(x.version).toBeGreaterThan(0);
      }),
      RUNS,
    );
  });

  test('sends the gradient of what was written to the value, and none of it to what was there', () => {
    fc.assert(
      fc.property(indexing, ({ shape, items }) => {
        const model = indexed(wholeOf(shape), items);
        if (overlaps(model)) return;
        const x = make(shape, numbers(sizeOf(shape)))
          .detach()
          .requiresGrad_();
        const value = make(model.shape, numbers(sizeOf(model.shape), 3))
          .detach()
          .requiresGrad_();
        const weights = numbers(x.size, 2);
        const y = x.mul(1);
        y.set(items.map(written), value);
        const [gx, gv] = autograd.grad(y, [x, value], make(shape, weights), { materializeGrads: true });
        expect(elements(gv as Tensor)).toEqual(read(weights, model));
        expect(elements(gx as Tensor)).toEqual(
          assigned(
            weights,
            model,
            model.places.map(() => 0),
          ),
        );
      }),
      RUNS,
    );
  });

  test('through a view writes into its base', () => {
    fc.assert(
      fc.property(indexing, ({ shape, items }) => {
        const memory = numbers(sizeOf(shape));
        const base = make([...shape].reverse(), memory);
        const turned = base.permute(shape.map((_, i) => shape.length - 1 - i));
        const before = elements(turned);
        const model = indexed(wholeOf(shape), items);
        turned.set(items.map(written), 7);
        const after = assigned(
          before,
          model,
          model.places.map(() => 7),
        );
        expect(elements(turned)).toEqual(after);
        expect(elements(base.permute(shape.map((_, i) => shape.length - 1 - i)))).toEqual(after);
      }),
      RUNS,
    );
  });
});
