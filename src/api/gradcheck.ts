import { stack } from '../ops/join.ts';
import { randn } from '../ops/random.ts';
import { zerosLike } from '../ops/ranges.ts';
import { backend } from '../runtime/backend.ts';
import { formatShape } from '../shape/shape.ts';
import { grad } from '../tensor/autograd.ts';
import { elementsOf, tensorOfElements } from '../tensor/data.ts';
import { IDENTITY } from '../tensor/identity.ts';
import { markWritten } from '../tensor/inplace.ts';
import { withGradMode } from '../tensor/modes.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { jvp } from '../transform/jvp.ts';
import { vmap } from '../transform/vmap.ts';
import { ArgumentError, NablaError } from '../util/errors.ts';

/**
 * A gradient that does not agree with finite differences.
 *
 * @example
 * // not run: it fails on purpose
 * autograd.gradcheck((x) => wrongDerivative(x), [ones([2], { dtype: 'float64', requiresGrad: true })]); // throws GradcheckError
 */
export class GradcheckError extends NablaError {
  constructor(message: string) {
    super('GradcheckError', 'GRADCHECK', message);
  }
}

/** How closely, and in which modes, `gradcheck` compares. */
export interface GradcheckOptions {
  /** Step of the finite differences. Default 1e-6. */
  readonly eps?: number;
  /** Absolute tolerance. Default 1e-5. */
  readonly atol?: number;
  /** Relative tolerance. Default 1e-3. */
  readonly rtol?: number;
  /** Throw GradcheckError (default), or return false. */
  readonly raiseException?: boolean;
  /** How far two runs of the backward pass may differ. Default 0. */
  readonly nondetTol?: number;
  /** Compare one random projection of the Jacobian instead of all of it. */
  readonly fastMode?: boolean;
  /** Check forward mode too. */
  readonly checkForwardAd?: boolean;
  /** Check the backward pass. Default true. */
  readonly checkBackwardAd?: boolean;
  /** Check that the backward pass runs under vmap with the same result. */
  readonly checkBatchedGrad?: boolean;
  /** Check that gradients that did not arrive count as zeros. Default true. */
  readonly checkUndefinedGrad?: boolean;
}

type CheckedFunction = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

function listOf(x: Tensor | readonly Tensor[]): Tensor[] {
  return isTensor(x) ? [x] : [...x];
}

function differentiable(outputs: readonly Tensor[]): Tensor[] {
  return outputs.filter((y) => y.type.isFloat);
}

function checkInputs(inputs: readonly Tensor[]): number[] {
  const checked = inputs.flatMap((x, i) => (isTensor(x) && isTracked(x) ? [i] : []));
  if (checked.length === 0) throw new ArgumentError('gradcheck: at least one input must require a gradient');
  for (const i of checked) {
    const x = inputs[i] as Tensor;
    if (x.strides.some((stride, d) => stride === 0 && (x.shape[d] as number) > 1)) {
      throw new ArgumentError(
        `gradcheck: input ${i} of shape ${formatShape(x.shape)} has elements that share one address (it was expanded), so they cannot be nudged one by one: pass a clone()`,
      );
    }
  }
  return checked;
}

function numbers(x: Tensor): number[] {
  return elementsOf(x) as number[];
}

/** Overwrites the values of an input for one evaluation; the tape does not see it. */
function put(x: Tensor, values: readonly number[]): void {
  const source = tensorOfElements(values, x.shape, x.type);
  backend().map(IDENTITY.program, x, [source], [], x.type);
  markWritten(x, 'gradcheck');
}

/** The derivative of all outputs along a direction in one input, by central differences. */
function numericalAlong(
  f: CheckedFunction,
  inputs: readonly Tensor[],
  index: number,
  direction: readonly number[],
  eps: number,
): number[][] {
  const x = inputs[index] as Tensor;
  const before = numbers(x);
  const at = (sign: number): number[][] => {
    put(
      x,
      before.map((v, k) => v + sign * eps * (direction[k] as number)),
    );
    return withGradMode(false, () => differentiable(listOf(f(...inputs))).map(numbers));
  };
  try {
    const [high, low] = [at(1), at(-1)];
    return high.map((values, o) => values.map((v, k) => (v - ((low[o] as number[])[k] as number)) / (2 * eps)));
  } finally {
    put(x, before);
  }
}

function unit(size: number, k: number): number[] {
  return Array.from({ length: size }, (_, i) => (i === k ? 1 : 0));
}

function close(a: number, b: number, o: Required<Pick<GradcheckOptions, 'atol' | 'rtol'>>): boolean {
  return Object.is(a, b) || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= o.atol + o.rtol * Math.abs(b);
}

/** J ᵀ applied to a cotangent of one output, for each checked input. */
function pullBack(
  f: CheckedFunction,
  inputs: readonly Tensor[],
  checked: readonly number[],
  output: number,
  cotangent: readonly number[],
): number[][] {
  const outputs = withGradMode(true, () => differentiable(listOf(f(...inputs))));
  const y = outputs[output] as Tensor;
  if (!isTracked(y)) return checked.map((i) => new Array<number>((inputs[i] as Tensor).size).fill(0));
  const found = grad(
    y,
    checked.map((i) => inputs[i] as Tensor),
    [tensorOfElements(cotangent, y.shape, y.type)],
    { allowUnused: true },
  );
  return found.map((g, j) => (g === null ? new Array<number>((inputs[checked[j] as number] as Tensor).size).fill(0) : numbers(g)));
}

function fail(what: string, input: number, output: number, position: string, analytical: number, numerical: number): never {
  throw new GradcheckError(
    `gradcheck: the ${what} of output ${output} with respect to input ${input} is wrong at ${position}: got ${analytical}, finite differences give ${numerical}. ` +
      'Check the backward rule; use float64 inputs, away from kinks; a function of random numbers must be seeded inside.',
  );
}

type Tolerances = Required<Pick<GradcheckOptions, 'eps' | 'atol' | 'rtol' | 'nondetTol'>>;

function checkBackward(
  f: CheckedFunction,
  inputs: readonly Tensor[],
  checked: readonly number[],
  shapes: readonly Tensor[],
  o: Tolerances,
): void {
  const numerical = checked.map((i) =>
    Array.from({ length: (inputs[i] as Tensor).size }, (_, k) => numericalAlong(f, inputs, i, unit((inputs[i] as Tensor).size, k), o.eps)),
  );
  shapes.forEach((y, output) => {
    for (let r = 0; r < y.size; r++) {
      const rows = pullBack(f, inputs, checked, output, unit(y.size, r));
      const again = pullBack(f, inputs, checked, output, unit(y.size, r));
      rows.forEach((row, j) => {
        row.forEach((value, k) => {
          const expected = ((numerical[j] as number[][][])[k] as number[][])[output]?.[r] as number;
          if (!close(value, expected, o))
            fail('gradient', checked[j] as number, output, `row ${r}, column ${k} of the Jacobian`, value, expected);
          const second = (again[j] as number[])[k] as number;
          if (Math.abs(second - value) > o.nondetTol) {
            throw new GradcheckError(
              `gradcheck: the backward pass is not deterministic: two runs gave ${value} and ${second} (row ${r}, column ${k}); seed it, or allow it with nondetTol`,
            );
          }
        });
      });
    }
  });
}

/** uᵀ J v for random u and v, both ways. */
function checkBackwardFast(
  f: CheckedFunction,
  inputs: readonly Tensor[],
  checked: readonly number[],
  shapes: readonly Tensor[],
  o: Tolerances,
): void {
  checked.forEach((i, j) => {
    const v = numbers(randn([(inputs[i] as Tensor).size], { dtype: 'float64' }));
    const numerical = numericalAlong(f, inputs, i, v, o.eps);
    shapes.forEach((y, output) => {
      const u = numbers(randn([y.size], { dtype: 'float64' }));
      const pulled = pullBack(f, inputs, checked, output, u)[j] as number[];
      const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, k) => sum + x * (b[k] as number), 0);
      const [value, expected] = [dot(pulled, v), dot(u, numerical[output] as number[])];
      if (!close(value, expected, { atol: o.atol * Math.sqrt(y.size * v.length), rtol: o.rtol }))
        fail('gradient', i, output, 'a random projection', value, expected);
    });
  });
}

function checkForward(f: CheckedFunction, inputs: readonly Tensor[], checked: readonly number[], o: Tolerances): void {
  for (const i of checked) {
    const x = inputs[i] as Tensor;
    for (let k = 0; k < x.size; k++) {
      const numerical = numericalAlong(f, inputs, i, unit(x.size, k), o.eps);
      const tangent = tensorOfElements(unit(x.size, k), x.shape, x.type);
      const { outputs, tangents } = jvp(
        f,
        inputs,
        inputs.map((_, j) => (j === i ? tangent : null)),
      );
      let at = 0;
      outputs.forEach((y, position) => {
        if (!y.type.isFloat) return;
        const found = tangents[position] ?? null;
        const values = found === null ? new Array<number>(y.size).fill(0) : numbers(found);
        const output = at++;
        values.forEach((value, r) => {
          const expected = (numerical[output] as number[])[r] as number;
          if (!close(value, expected, o)) fail('tangent', i, output, `element ${r} for a tangent at ${k}`, value, expected);
        });
      });
    }
  }
}

/** The backward pass on a batch of two cotangents at once against one by one. */
function checkBatched(
  f: CheckedFunction,
  inputs: readonly Tensor[],
  checked: readonly number[],
  shapes: readonly Tensor[],
  o: Tolerances,
): void {
  const targets = checked.map((i) => inputs[i] as Tensor);
  shapes.forEach((shape, output) => {
    const y = withGradMode(true, () => differentiable(listOf(f(...inputs))))[output] as Tensor;
    if (!isTracked(y)) return;
    const cotangents = [randn(shape.shape, { dtype: shape.type.name }), randn(shape.shape, { dtype: shape.type.name })];
    const pull = (g: Tensor): Tensor[] =>
      grad(y, targets, [g], { retainGraph: true, allowUnused: true }).map((x, j) => x ?? zerosLike(targets[j] as Tensor));
    const batched = vmap((g: Tensor) => pull(g) as readonly Tensor[])(stack(cotangents));
    const single = cotangents.map(pull);
    batched.forEach((found, j) => {
      const expected = numbers(stack(single.map((row) => row[j] as Tensor)));
      numbers(found).forEach((value, k) => {
        if (!close(value, expected[k] as number, o))
          fail('batched gradient', checked[j] as number, output, `element ${k}`, value, expected[k] as number);
      });
    });
  });
}

/** Gradients that did not arrive must count as zeros: each output alone, the others undefined. */
function checkUndefined(f: CheckedFunction, inputs: readonly Tensor[], checked: readonly number[], shapes: readonly Tensor[]): void {
  if (shapes.length < 2) return;
  shapes.forEach((y, output) => {
    try {
      pullBack(f, inputs, checked, output, new Array<number>(y.size).fill(0));
    } catch (error) {
      throw new GradcheckError(
        `gradcheck: the backward pass fails when only output ${output} has a gradient: ${error instanceof Error ? error.message : String(error)}. Undefined gradients must count as zeros.`,
      );
    }
  });
}

/**
 * Compares the gradients of `f` at `inputs` with central finite differences, for every input that requires a gradient. Use float64.
 * Returns true, or throws GradcheckError naming output, input and element (false with `raiseException: false`).
 *
 * @example
 * const x = randn([3], { dtype: 'float64', requiresGrad: true });
 * autograd.gradcheck((x) => x.sin(), [x]); // true
 */
export function gradcheck(f: CheckedFunction, inputs: Tensor | readonly Tensor[], options: GradcheckOptions = {}): boolean {
  const list = listOf(inputs);
  const checked = checkInputs(list);
  const o: Tolerances = {
    eps: options.eps ?? 1e-6,
    atol: options.atol ?? 1e-5,
    rtol: options.rtol ?? 1e-3,
    nondetTol: options.nondetTol ?? 0,
  };
  try {
    const shapes = withGradMode(false, () => differentiable(listOf(f(...list))));
    if (shapes.length === 0) throw new GradcheckError('gradcheck: the function has no floating output to differentiate');
    if (options.checkBackwardAd ?? true) {
      if (options.fastMode === true) checkBackwardFast(f, list, checked, shapes, o);
      else checkBackward(f, list, checked, shapes, o);
      if (options.checkUndefinedGrad ?? true) checkUndefined(f, list, checked, shapes);
    }
    if (options.checkForwardAd === true) checkForward(f, list, checked, o);
    if (options.checkBatchedGrad === true) checkBatched(f, list, checked, shapes, o);
    return true;
  } catch (error) {
    if (error instanceof GradcheckError && options.raiseException === false) return false;
    throw error;
  }
}

/**
 * Compares second derivatives with finite differences: `gradcheck` of the gradient, as a function of the inputs and of the cotangents
 * (`gradOutputs`, random ones by default).
 *
 * @example
 * const x = randn([3], { dtype: 'float64', requiresGrad: true });
 * autograd.gradgradcheck((x) => x.sin(), [x]); // true
 */
export function gradgradcheck(
  f: CheckedFunction,
  inputs: Tensor | readonly Tensor[],
  gradOutputs?: Tensor | readonly Tensor[] | null,
  options: GradcheckOptions = {},
): boolean {
  const list = listOf(inputs);
  const checked = checkInputs(list);
  const outputs = withGradMode(false, () => differentiable(listOf(f(...list))));
  const cotangents =
    gradOutputs === undefined || gradOutputs === null
      ? outputs.map((y) => randn(y.shape, { dtype: y.type.name, requiresGrad: true }))
      : listOf(gradOutputs);
  const gradient = (...all: Tensor[]): readonly Tensor[] => {
    const xs = all.slice(0, list.length);
    const gs = all.slice(list.length);
    return withGradMode(true, () => {
      const ys = differentiable(listOf(f(...xs)));
      const pairs = ys.map((y, k) => [y, gs[k] as Tensor] as const).filter(([y]) => isTracked(y));
      const targets = checked.map((i) => xs[i] as Tensor);
      const found = grad(
        pairs.map(([y]) => y),
        targets,
        pairs.map(([, g]) => g),
        { createGraph: true, allowUnused: true },
      );
      return found.map((g, j) => g ?? zerosLike(targets[j] as Tensor));
    });
  };
  return gradcheck(gradient, [...list, ...cotangents], options);
}
