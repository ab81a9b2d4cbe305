/** Views against a model of positions in memory: values, writes, and gradients. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { autograd, NablaError, type Tensor, tensor } from '../../src/index.ts';
import { type Model, overlaps, read, sizeOf, wholeOf } from './model.ts';
import { outcomeOf, type Step, shapes, steps } from './steps.ts';

const RUNS = { numRuns: 400, seed: 20, endOnFailure: false } as const;

function numbers(count: number, seed = 1): number[] {
  return Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233));
}

function make(shape: readonly number[], values: readonly number[]): Tensor {
  return tensor(values, { dtype: 'float64' }).reshape(shape);
}

function elements(x: Tensor): number[] {
  return [...x.toTypedArray()].map(Number);
}

describe('chains of views', () => {
  test('show the elements of the model', () => {
    fc.assert(
      fc.property(shapes, steps(6), (shape, chain) => {
        const memory = numbers(sizeOf(shape));
        let model = wholeOf(shape);
        let x = make(shape, memory);
        for (const step of chain) {
          const outcome = outcomeOf(model, step);
          if (outcome === null) continue;
          x = outcome.tensor(x);
          model = outcome.model;
          expect(x.shape, outcome.name).toEqual(model.shape);
          expect(elements(x), outcome.name).toEqual(read(memory, model));
        }
      }),
      RUNS,
    );
  });

  test('are written through, and every other view sees it', () => {
    fc.assert(
      fc.property(shapes, steps(5), fc.constantFrom('add_', 'mul_', 'neg_'), (shape, chain, method) => {
        const memory = numbers(sizeOf(shape));
        let model = wholeOf(shape);
        let x = tensor(memory, { dtype: 'float64' }).reshape(shape) as Tensor;
        const views: [Tensor, Model][] = [[x, model]];
        for (const step of chain) {
          const outcome = outcomeOf(model, step);
          if (outcome === null) continue;
          const view = outcome.tensor(x);
          // A reshape that had to copy has memory of its own.
          if (view.storage !== x.storage) continue;
          x = view;
          model = outcome.model;
          views.push([x, model]);
        }
        if (overlaps(model)) return;
        const change = { add_: (v: number) => v + 10, mul_: (v: number) => v * 3, neg_: (v: number) => -v }[method];
        for (const place of model.places) memory[place] = change(memory[place] as number);
        if (method === 'neg_') x.neg_();
        else x[method](method === 'add_' ? 10 : 3);
        for (const [view, places] of views) {
          expect(elements(view)).toEqual(read(memory, places));
          expect(view.version).toBe(1);
        }
      }),
      RUNS,
    );
  });

  test('that show an element more than once are not written through', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 2, max: 4 }), (shape, count) => {
        const x = make([1, ...shape], numbers(sizeOf(shape)));
        const repeated = x.expand([count, ...shape]);
        expect(() => repeated.add_(1)).toThrow(NablaError);
        expect(elements(x)).toEqual(numbers(sizeOf(shape)));
      }),
      { ...RUNS, numRuns: 50 },
    );
  });

  test('send back to every element the sum of the gradients of what shows it', () => {
    fc.assert(
      fc.property(shapes, steps(6), (shape, chain) => {
        const memory = numbers(sizeOf(shape));
        const leaf = make(shape, memory).detach().requiresGrad_();
        let model = wholeOf(shape);
        let x = leaf as Tensor;
        for (const step of chain) {
          const outcome = outcomeOf(model, step);
          if (outcome === null) continue;
          x = outcome.tensor(x);
          model = outcome.model;
        }
        const weights = numbers(sizeOf(model.shape), 2);
        const expected = new Array<number>(memory.length).fill(0);
        for (const [i, place] of model.places.entries()) expected[place] = (expected[place] as number) + (weights[i] as number);
        if (x === leaf) return;
        const [g] = autograd.grad(x, leaf, make(model.shape, weights));
        const found = elements(g as Tensor);
        for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 12);
      }),
      RUNS,
    );
  });
});

/** A step of a program on the tensors made so far: a view of one of them, or a write into one. */
interface Instruction {
  readonly target: number;
  readonly view: Step | null;
  readonly write: 'scale' | 'shift' | 'sine' | 'times' | 'plus';
  readonly other: number;
}

const programs: fc.Arbitrary<Instruction[]> = fc.array(
  fc.record({
    target: fc.double({ min: 0, max: 0.999, noNaN: true }),
    view: fc.option(
      steps(1).map(([step]) => step as Step),
      { freq: 2 },
    ),
    write: fc.constantFrom('scale', 'shift', 'sine', 'times', 'plus'),
    other: fc.double({ min: 0, max: 0.999, noNaN: true }),
  }),
  { minLength: 2, maxLength: 7 },
);

/** A tensor of the target's shape made of the input, so that what is written depends on it. */
function operandOf(x: Tensor, shape: readonly number[]): Tensor {
  return x
    .sum()
    .mul(0.3)
    .add(make(shape, numbers(sizeOf(shape), 3)));
}

/** Runs a program: `y` is a copy of the input, views and writes follow, and all that was made counts. */
function runProgram(x: Tensor, program: readonly Instruction[]): Tensor {
  const y = x.mul(1);
  const live: [Tensor, Model][] = [[y, wholeOf(x.shape)]];
  for (const { target, view, write } of program) {
    const [t, model] = live[Math.floor(target * live.length)] as [Tensor, Model];
    if (view !== null) {
      const outcome = outcomeOf(model, view);
      if (outcome !== null) live.push([outcome.tensor(t), outcome.model]);
      continue;
    }
    if (overlaps(model)) continue;
    if (write === 'scale') t.mul_(1.5);
    else if (write === 'shift') t.add_(0.25);
    else if (write === 'sine') t.sin_();
    else if (write === 'times') t.mul_(operandOf(x, t.shape));
    else t.add_(operandOf(x, t.shape));
  }
  return live.map(([t], i) => t.mul(make(t.shape, numbers(t.size, 4 + i))).sum()).reduce((sum, term) => sum.add(term));
}

function valueAt(shape: readonly number[], values: readonly number[], program: readonly Instruction[]): number {
  return Number(runProgram(make(shape, values), program).item());
}

describe('gradients through views that are written in place', () => {
  test('agree with differences of values', () => {
    fc.assert(
      fc.property(shapes, programs, (shape, program) => {
        const values = numbers(sizeOf(shape));
        const x = make(shape, values).detach().requiresGrad_();
        const loss = runProgram(x, program);
        const grad = elements(autograd.grad(loss, x)[0] as Tensor);
        const direction = numbers(values.length, 9);
        const moved = (step: number): number =>
          valueAt(
            shape,
            values.map((v, i) => v + step * (direction[i] as number)),
            program,
          );
        const h = 1e-4;
        const numeric = (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h);
        const found = grad.reduce((sum, g, i) => sum + g * (direction[i] as number), 0);
        const scale = grad.reduce((sum, g) => sum + Math.abs(g), 1);
        expect(Math.abs(found - numeric)).toBeLessThan(1e-8 * scale * 10);
        expect(loss.item()).toBeCloseTo(moved(0), 12);
      }),
      { ...RUNS, numRuns: 600 },
    );
  });
});
