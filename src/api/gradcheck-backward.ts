import { stack } from '../ops/join.ts';
import { randn } from '../ops/random.ts';
import { zerosLike } from '../ops/ranges.ts';
import { gradOf } from '../tensor/autograd.ts';
import { withGradMode } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { vmap } from '../transform/vmap.ts';
import {
  type CheckedFunction,
  callOn,
  coordinateCount,
  coordinates,
  fromCoordinates,
  GradcheckError,
  type Like,
  numericalAlong,
  numericalColumns,
  pullBack,
  unit,
} from './gradcheck-jacobian.ts';

export interface Tolerances {
  readonly eps: number;
  readonly atol: number;
  readonly rtol: number;
  readonly nondetTol: number;
}

/** What all checks look at. */
export interface Subject {
  readonly f: CheckedFunction;
  readonly inputs: readonly unknown[];
  /** Which inputs are checked, and those inputs. */
  readonly checked: readonly number[];
  readonly targets: readonly Tensor[];
  /** What the floating results were, and which of them are recorded. */
  readonly like: readonly Like[];
  readonly differentiable: readonly number[];
  readonly tolerances: Tolerances;
  /** What to add to a message of disagreement. */
  readonly hint: string;
}

export function recordedOutputs({ f, inputs }: Pick<Subject, 'f' | 'inputs'>): Tensor[] {
  return withGradMode(true, () => callOn(f, inputs));
}

export function close(a: number, b: number, { atol, rtol }: Pick<Tolerances, 'atol' | 'rtol'>): boolean {
  return Object.is(a, b) || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= atol + rtol * Math.abs(b);
}

export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, k) => sum + x * (b[k] as number), 0);
}

export function randomCoordinates(count: number): number[] {
  return coordinates(randn([count], { dtype: 'float64' }));
}

/** Says which element disagrees, and with what. */
export function disagree(
  subject: Subject,
  what: string,
  input: number,
  output: number,
  position: string,
  got: number,
  expected: number,
): never {
  throw new GradcheckError(
    `gradcheck: the ${what} of output ${output} with respect to input ${input} is wrong at ${position}: got ${got}, finite differences give ${expected}. ` +
      `Check the rule; use float64 inputs, away from kinks; a function of random numbers must be seeded inside.${subject.hint}`,
  );
}

/** The whole Jacobian by the backward pass against finite differences, and twice, for passes that do not repeat themselves. */
export function checkBackward(subject: Subject): void {
  const { f, inputs, checked, targets, like, differentiable, tolerances } = subject;
  const numerical = checked.map((i) => numericalColumns(f, inputs, i, tolerances.eps, like));
  const outputs = recordedOutputs(subject);
  for (const output of differentiable) {
    const y = outputs[output] as Tensor;
    const count = coordinateCount(y);
    for (let r = 0; r < count; r++) {
      const rows = pullBack(y, targets, unit(count, r));
      const again = pullBack(y, targets, unit(count, r));
      rows.forEach((row, j) => {
        row.forEach((value, k) => {
          const expected = (((numerical[j] as number[][][])[k] as number[][])[output] as number[])[r] as number;
          if (!close(value, expected, tolerances))
            disagree(subject, 'gradient', checked[j] as number, output, `row ${r}, column ${k} of the Jacobian`, value, expected);
          refuseChange(value, (again[j] as number[])[k] as number, `row ${r}, column ${k}`, tolerances.nondetTol);
        });
      });
    }
  }
}

function refuseChange(first: number, second: number, position: string, tolerance: number): void {
  if (Math.abs(second - first) <= tolerance || (Number.isNaN(first) && Number.isNaN(second))) return;
  throw new GradcheckError(
    `gradcheck: the backward pass is not deterministic: two runs gave ${first} and ${second} (${position}); seed it, or allow it with nondetTol`,
  );
}

/** uᵀ J v for random u and v, both ways. */
export function checkBackwardFast(subject: Subject): void {
  const { f, inputs, checked, targets, like, differentiable, tolerances } = subject;
  const outputs = recordedOutputs(subject);
  for (const output of differentiable) {
    const y = outputs[output] as Tensor;
    const u = randomCoordinates(coordinateCount(y));
    const [pulled, again] = [pullBack(y, targets, u), pullBack(y, targets, u)];
    checked.forEach((i, j) => {
      const v = randomCoordinates(coordinateCount(targets[j] as Tensor));
      const along = numericalAlong(f, inputs, i, v, tolerances.eps, like)[output] as number[];
      const [value, expected] = [dot(pulled[j] as number[], v), dot(u, along)];
      const atol = tolerances.atol * Math.sqrt(u.length * v.length);
      if (!close(value, expected, { atol, rtol: tolerances.rtol }))
        disagree(subject, 'gradient', i, output, 'a random projection', value, expected);
      refuseChange(value, dot(again[j] as number[], v), 'a random projection', tolerances.nondetTol * Math.sqrt(v.length));
    });
  }
}

/** Results that nothing recorded must not depend on the inputs. */
export function checkConstants(subject: Subject): void {
  const { f, inputs, checked, like, differentiable, tolerances } = subject;
  if (differentiable.length > 0) return;
  for (const i of checked) {
    numericalColumns(f, inputs, i, tolerances.eps, like).forEach((results, k) => {
      results.forEach((values, output) => {
        if (values.every((v) => Math.abs(v) <= tolerances.atol)) return;
        throw new GradcheckError(
          `gradcheck: output ${output} does not require a gradient, but changes with input ${i} (element ${k}): was it detached, or computed inside noGrad?`,
        );
      });
    });
  }
}

/** A backward pass is linear: zeros give zeros, of the shape and dtype of the inputs. */
export function checkLinear(subject: Subject, checkDtypes: boolean): void {
  const { targets, differentiable, checked } = subject;
  const outputs = recordedOutputs(subject);
  for (const output of differentiable) {
    const y = outputs[output] as Tensor;
    gradOf([y], targets, [zerosLike(y)], { retainGraph: true, allowUnused: true }, null).forEach((g, j) => {
      const x = targets[j] as Tensor;
      if (g === null) return;
      if (coordinates(g).some((v) => v !== 0)) {
        throw new GradcheckError(
          `gradcheck: the backward pass gives something else than zeros for input ${checked[j]} when the gradient of output ${output} is zeros: it must be linear in that`,
        );
      }
      if (checkDtypes && g.type !== x.type)
        throw new GradcheckError(`gradcheck: the gradient of input ${checked[j]} has dtype ${g.type.name}, the input ${x.type.name}`);
    });
  }
}

/** A gradient that does not arrive must count as zeros: each result alone, the others undefined, against zeros for those. */
export function checkUndefined(subject: Subject): void {
  const { targets, differentiable, checked, tolerances } = subject;
  if (differentiable.length < 2) return;
  for (const output of differentiable) {
    const outputs = recordedOutputs(subject);
    const roots = differentiable.map((i) => outputs[i] as Tensor);
    const y = outputs[output] as Tensor;
    const g = fromCoordinates(randomCoordinates(coordinateCount(y)), y);
    const keep = { retainGraph: true, allowUnused: true };
    const whole = gradOf(
      roots,
      targets,
      // By position: two outputs may be one tensor.
      roots.map((root, k) => (differentiable[k] === output ? g : zerosLike(root))),
      keep,
      null,
    );
    let alone: (Tensor | null)[];
    try {
      alone = gradOf([y], targets, [g], keep, null);
    } catch (error) {
      throw new GradcheckError(
        `gradcheck: the backward pass fails when only output ${output} has a gradient: ${messageOf(error)}. Undefined gradients must count as zeros.`,
      );
    }
    alone.forEach((found, j) => {
      const expected = whole[j] ?? null;
      const size = coordinateCount(targets[j] as Tensor);
      const [a, b] = [found, expected].map((x) => (x === null ? new Array<number>(size).fill(0) : coordinates(x))) as [number[], number[]];
      const k = a.findIndex((value, at) => !close(value, b[at] as number, tolerances));
      if (k < 0) return;
      throw new GradcheckError(
        `gradcheck: when only output ${output} has a gradient, that of input ${checked[j]} is ${a[k]} at ${k}; with zeros for the other outputs it is ${b[k]}. Undefined gradients must count as zeros.`,
      );
    });
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The backward pass on a batch of two cotangents at once against one by one. */
export function checkBatched(subject: Subject): void {
  const { targets, differentiable, checked, tolerances } = subject;
  const outputs = recordedOutputs(subject);
  for (const output of differentiable) {
    const y = outputs[output] as Tensor;
    if (!isTracked(y)) continue;
    const cotangents = [0, 1].map(() => fromCoordinates(randomCoordinates(coordinateCount(y)), y));
    const pull = (g: Tensor): Tensor[] =>
      gradOf([y], targets, [g], { retainGraph: true, allowUnused: true }, null).map((x, j) => x ?? zerosLike(targets[j] as Tensor));
    const single = cotangents.map(pull);
    let batched: readonly Tensor[];
    try {
      batched = vmap((g: Tensor) => pull(g))(stack(cotangents)) as readonly Tensor[];
    } catch (error) {
      throw new GradcheckError(
        `gradcheck: the backward pass of output ${output} fails on a batch of gradients (vmap): ${messageOf(error)}. Make it of operations that vmap knows, or leave out checkBatchedGrad.`,
      );
    }
    batched.forEach((found, j) => {
      const expected = coordinates(stack(single.map((row) => row[j] as Tensor)));
      coordinates(found).forEach((value, k) => {
        if (!close(value, expected[k] as number, tolerances))
          throw new GradcheckError(
            `gradcheck: a batch of gradients of output ${output} gives ${value} at ${k} for input ${checked[j]}, one by one they give ${expected[k]}`,
          );
      });
    });
  }
}
