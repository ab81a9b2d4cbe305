import type { Operator } from '../op/contract.ts';
import { formatShape } from '../shape/shape.ts';
import { apply } from '../tensor/apply.ts';
import { describeTensor, describeValue } from '../tensor/messages.ts';
import { structural } from '../tensor/structural.ts';
import { type Interpreter, isTensor, Tensor, type Wrapped } from '../tensor/tensor.ts';
import { ArgumentError, InPlaceError, ShapeError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { returnedTensors, withInterpreter } from './interpret.ts';

type AnyOperator = Operator<Tensor, never>;

/** A value with one hidden dimension, always its first. */
class Batched implements Wrapped {
  readonly level: number;
  readonly interpreter: Interpreter;
  readonly value: Tensor;
  constructor(interpreter: Interpreter, value: Tensor) {
    this.level = interpreter.level;
    this.interpreter = interpreter;
    this.value = value;
  }
}

/** vmap: each operator runs once on the whole batch, as its batching kind says. */
class Batching implements Interpreter {
  readonly level: number;
  readonly size: number;
  constructor(level: number, size: number) {
    this.level = level;
    this.size = size;
  }

  adopt(name: string, target: Tensor): void {
    throw new InPlaceError(
      `${name}: a value that differs between the members of the batch is written into ${describeTensor(target)}, which does not: ` +
        'use the functional form, or make the target from a batched value (for example x.mul(0))',
    );
  }

  lift(value: Tensor): Tensor {
    const handle = new Tensor(
      value.storage,
      value.offset,
      value.shape.slice(1),
      value.strides.slice(1),
      value.type,
      value.size / Math.max(1, this.size),
      false,
    );
    handle.wrapped = new Batched(this, value);
    return handle;
  }

  valueOf(x: Tensor): Tensor | null {
    return x.wrapped instanceof Batched && x.wrapped.interpreter === this ? x.wrapped.value : null;
  }

  process(operator: AnyOperator, inputs: readonly Tensor[], params: unknown): Tensor | Tensor[] {
    if (operator.composite || operator.batching.kind === 'composite') return operator.forward(inputs, params as never);
    const values = inputs.map((x) => this.valueOf(x));
    const plain = inputs.map((x, i) => values[i] ?? x);
    const batched = values.map((value) => value !== null);
    const result = this.run(operator, plain, batched, params);
    return Array.isArray(result) ? result.map((y) => this.lift(y)) : this.lift(result as Tensor);
  }

  private run(operator: AnyOperator, inputs: readonly Tensor[], batched: readonly boolean[], params: unknown): Tensor | readonly Tensor[] {
    const batching = operator.batching;
    switch (batching.kind) {
      case 'align': {
        const rank = Math.max(...inputs.map((x, i) => (batched[i] === true ? x.ndim - 1 : x.ndim)));
        return apply(
          operator,
          inputs.map((x, i) => (batched[i] === true ? padded(x, rank) : x)),
          params as never,
        );
      }
      case 'leading':
        return apply(
          operator,
          inputs.map((x, i) =>
            batched[i] === true ? x : structural().expand(structural().reshape(x, [1, ...x.shape]), [this.size, ...x.shape]),
          ),
          params as never,
        );
      case 'params':
        return apply(operator, inputs, batching.rewrite(params as never, inputs[0] as Tensor, this.size));
      case 'rule':
        return batching.rule(inputs, batched, this.size, params as never);
      default:
        return this.loop(operator, inputs, batched, params);
    }
  }

  /** One call for each member, for operators without a rule. */
  private loop(operator: AnyOperator, inputs: readonly Tensor[], batched: readonly boolean[], params: unknown): Tensor | Tensor[] {
    const results: (Tensor | Tensor[])[] = [];
    for (let k = 0; k < this.size; k++) {
      results.push(
        apply(
          operator,
          inputs.map((x, i) => (batched[i] === true ? structural().select(x, 0, k) : x)),
          params as never,
        ),
      );
    }
    const first = results[0] as Tensor | Tensor[];
    if (!Array.isArray(first)) return structural().stack(results as Tensor[]);
    return first.map((_, j) => structural().stack(results.map((r) => (r as Tensor[])[j] as Tensor)));
  }
}

/** Inserts dimensions of size 1 after the batch, so that broadcasting aligns the logical ones. */
function padded(x: Tensor, rank: number): Tensor {
  const missing = rank - (x.ndim - 1);
  if (missing <= 0) return x;
  return structural().reshape(x, [x.shape[0] as number, ...Array<number>(missing).fill(1), ...x.shape.slice(1)]);
}

function toFront(x: Tensor, dim: number): Tensor {
  const at = dim < 0 ? dim + x.ndim : dim;
  if (at < 0 || at >= x.ndim) throw new ShapeError(`vmap: inDims names dimension ${dim} of a tensor of shape ${formatShape(x.shape)}`);
  return at === 0 ? x : structural().permute(x, [at, ...x.shape.map((_, i) => i).filter((i) => i !== at)]);
}

export interface VmapOptions {
  /** For each argument the dimension that is mapped over, or null; one number for all. Default 0. */
  readonly inDims?: number | readonly (number | null)[];
  /** Where the mapped dimension goes in each result. Default 0. */
  readonly outDims?: number | readonly number[];
}

const VMAP_OPTIONS: ReadonlySet<string> = new Set(['inDims', 'outDims']);

/**
 * Vectorises `f`: the returned function takes arguments with one more dimension, runs `f` once on all members, and stacks the results.
 * Throws ArgumentError when nothing is mapped, ShapeError when the mapped sizes differ.
 *
 * @example
 * const dots = vmap((a, b) => a.mul(b).sum());
 * dots(ones([5, 3]), ones([5, 3])); // tensor([3., 3., 3., 3., 3.])
 */
export function vmap<R extends Tensor | readonly Tensor[]>(
  f: (...inputs: Tensor[]) => R,
  options: VmapOptions = {},
): (...inputs: Tensor[]) => R {
  checkOptions('vmap', options, VMAP_OPTIONS);
  return (...inputs) => {
    const given = options.inDims ?? 0;
    const inDims: readonly (number | null)[] = typeof given === 'number' ? inputs.map(() => given) : given;
    if (inDims.length !== inputs.length)
      throw new ArgumentError(`vmap: inDims has ${inDims.length} entries for ${inputs.length} arguments`);
    for (const [i, x] of inputs.entries())
      if (!isTensor(x)) throw new ArgumentError(`vmap: argument ${i} must be a tensor, got ${describeValue(x)}`);
    const moved = inputs.map((x, i) => (inDims[i] === null ? null : toFront(x, inDims[i] as number)));
    const sizes = moved.flatMap((x) => (x === null ? [] : [x.shape[0] as number]));
    const size = sizes[0];
    if (size === undefined) throw new ArgumentError('vmap: no argument is mapped over: at least one entry of inDims must not be null');
    if (sizes.some((s) => s !== size)) throw new ShapeError(`vmap: the mapped dimensions have different sizes: ${sizes.join(', ')}`);
    return withInterpreter((level) => {
      const batching = new Batching(level, size);
      const result = f(...inputs.map((x, i) => (moved[i] === null ? x : batching.lift(moved[i] as Tensor))));
      const outs = returnedTensors('vmap', result).map((y, i) => {
        const dim = typeof options.outDims === 'object' ? (options.outDims[i] ?? 0) : (options.outDims ?? 0);
        const value = batching.valueOf(y) ?? structural().expand(structural().reshape(y, [1, ...y.shape]), [size, ...y.shape]);
        return dim === 0 ? value : fromFront(value, dim);
      });
      return (Array.isArray(result) ? outs : outs[0]) as R;
    });
  };
}

function fromFront(x: Tensor, dim: number): Tensor {
  const at = dim < 0 ? dim + x.ndim : dim;
  const dims = x.shape.map((_, i) => i).slice(1);
  dims.splice(at, 0, 0);
  return structural().permute(x, dims);
}
