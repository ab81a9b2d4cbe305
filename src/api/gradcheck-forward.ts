import { stack } from '../ops/join.ts';
import { zerosLike } from '../ops/ranges.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { jvp } from '../transform/jvp.ts';
import { vmap } from '../transform/vmap.ts';
import { close, disagree, dot, messageOf, randomCoordinates, type Subject } from './gradcheck-backward.ts';
import {
  callOn,
  coordinateCount,
  coordinates,
  fromCoordinates,
  GradcheckError,
  isContinuous,
  numericalAlong,
  unit,
} from './gradcheck-jacobian.ts';

/** Tangents of the floating results; null where they are zero. The inputs do not require gradients while forward mode runs. */
function push({ f, inputs }: Subject, tangents: readonly (Tensor | null)[]): (Tensor | null)[] {
  const places = inputs.flatMap((x, i) => (isTensor(x) ? [i] : []));
  const on = (...tensors: Tensor[]): Tensor[] => {
    const all = [...inputs];
    places.forEach((place, k) => {
      all[place] = tensors[k];
    });
    return callOn(f, all);
  };
  const found = jvp(
    on,
    places.map((i) => (inputs[i] as Tensor).detach()),
    places.map((i) => tangents[i] ?? null),
  );
  return found.tangents as (Tensor | null)[];
}

/** A tangent in one input, the others without. */
function along(subject: Subject, input: number, values: readonly number[]): (Tensor | null)[] {
  return subject.inputs.map((x, i) => (i === input ? fromCoordinates(values, x as Tensor) : null));
}

function coordinatesOf(tangent: Tensor | null, subject: Subject, output: number): number[] {
  if (tangent !== null) return coordinates(tangent);
  return new Array<number>(coordinateCount(subject.like[output] as Tensor)).fill(0);
}

/** Each column of the Jacobian by forward mode against finite differences. */
export function checkForward(subject: Subject): void {
  const { f, inputs, checked, targets, like, tolerances } = subject;
  checked.forEach((i, j) => {
    const size = coordinateCount(targets[j] as Tensor);
    for (let k = 0; k < size; k++) {
      const numerical = numericalAlong(f, inputs, i, unit(size, k), tolerances.eps, like);
      push(subject, along(subject, i, unit(size, k))).forEach((tangent, output) => {
        coordinatesOf(tangent, subject, output).forEach((value, r) => {
          const expected = (numerical[output] as number[])[r] as number;
          if (!close(value, expected, tolerances))
            disagree(subject, 'tangent', i, output, `element ${r} for a tangent at ${k}`, value, expected);
        });
      });
    }
  });
}

/** One random projection of each Jacobian by forward mode. */
export function checkForwardFast(subject: Subject): void {
  const { f, inputs, checked, targets, like, tolerances } = subject;
  checked.forEach((i, j) => {
    const v = randomCoordinates(coordinateCount(targets[j] as Tensor));
    const numerical = numericalAlong(f, inputs, i, v, tolerances.eps, like);
    push(subject, along(subject, i, v)).forEach((tangent, output) => {
      const values = coordinatesOf(tangent, subject, output);
      const u = randomCoordinates(values.length);
      const [value, expected] = [dot(u, values), dot(u, numerical[output] as number[])];
      const atol = tolerances.atol * Math.sqrt(u.length * v.length);
      if (!close(value, expected, { atol, rtol: tolerances.rtol }))
        disagree(subject, 'tangent', i, output, 'a random projection', value, expected);
    });
  });
}

/** A tangent that is not given must count as zeros: against zeros that are. */
export function checkUndefinedForward(subject: Subject): void {
  const { inputs, checked, targets, tolerances } = subject;
  if (checked.length < 2) return;
  checked.forEach((i, j) => {
    const values = randomCoordinates(coordinateCount(targets[j] as Tensor));
    const [alone, whole] = [
      push(subject, along(subject, i, values)),
      push(
        subject,
        inputs.map((x, at) =>
          at === i ? fromCoordinates(values, x as Tensor) : checked.includes(at) && isContinuous(x) ? zerosLike(x.detach()) : null,
        ),
      ),
    ];
    alone.forEach((tangent, output) => {
      const [a, b] = [coordinatesOf(tangent, subject, output), coordinatesOf(whole[output] ?? null, subject, output)];
      const k = a.findIndex((value, at) => !close(value, b[at] as number, tolerances));
      if (k < 0) return;
      throw new GradcheckError(
        `gradcheck: with a tangent for input ${i} alone, that of output ${output} is ${a[k]} at ${k}; with zeros for the other inputs it is ${b[k]}. Tangents that are not given must count as zeros.`,
      );
    });
  });
}

/** Forward mode on a batch of two tangents at once against one by one. */
export function checkBatchedForward(subject: Subject): void {
  const { checked, targets, tolerances } = subject;
  checked.forEach((i, j) => {
    const x = targets[j] as Tensor;
    const tangents = [0, 1].map(() => fromCoordinates(randomCoordinates(coordinateCount(x)), x));
    const pushOne = (t: Tensor): Tensor[] =>
      push(
        subject,
        subject.inputs.map((_, at) => (at === i ? t : null)),
      ).map((found, output) => found ?? fromCoordinates(coordinatesOf(null, subject, output), subject.like[output] as Tensor));
    const single = tangents.map(pushOne);
    let batched: readonly Tensor[];
    try {
      batched = vmap((t: Tensor) => pushOne(t))(stack(tangents)) as readonly Tensor[];
    } catch (error) {
      throw new GradcheckError(
        `gradcheck: forward mode fails on a batch of tangents of input ${i} (vmap): ${messageOf(error)}. Make the function of operations that vmap knows, or leave out checkBatchedForwardGrad.`,
      );
    }
    batched.forEach((found, output) => {
      const expected = coordinates(stack(single.map((row) => row[output] as Tensor)));
      coordinates(found).forEach((value, k) => {
        if (!close(value, expected[k] as number, tolerances))
          throw new GradcheckError(
            `gradcheck: a batch of tangents of input ${i} gives ${value} at ${k} for output ${output}, one by one they give ${expected[k]}`,
          );
      });
    });
  });
}
