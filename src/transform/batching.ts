import type { Operator } from '../op/contract.ts';
import { apply } from '../tensor/apply.ts';
import { overwriteWith } from '../tensor/inplace.ts';
import { describeTensor } from '../tensor/messages.ts';
import { mode, type Randomness } from '../tensor/modes.ts';
import { structural } from '../tensor/structural.ts';
import { type Interpreter, Tensor, type Wrapped } from '../tensor/tensor.ts';
import { ArgumentError, InPlaceError } from '../util/errors.ts';
import { refuseEscaped } from './interpret.ts';
import { type Spreading, spreadLike } from './layout.ts';

type AnyOperator = Operator<Tensor, never>;

/** What random draws inside vmap do: refuse, draw for each member, or draw once for all. */
export type RandomnessMode = 'error' | 'different' | 'same';

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
export class Batching implements Spreading {
  readonly level: number;
  ended = false;
  readonly size: number;
  constructor(level: number, size: number) {
    this.level = level;
    this.size = size;
  }

  shown(): null {
    return null;
  }

  settle(name: string, x: Tensor): void {
    refuseEscaped(name, x);
  }

  /** A view of a batched tensor is batched from the start. */
  join(): void {}

  write(name: string, target: Tensor, result: Tensor): void {
    const value = this.valueOf(target);
    if (value === null) {
      throw new InPlaceError(
        `${name}: a value that differs between the members of the batch is written into ${describeTensor(target)}, which does not: ` +
          'use the functional form, or make the target from a batched value (for example x.mul(0))',
      );
    }
    const written = this.valueOf(result);
    overwriteWith(name, value, written === null ? result : padded(written, target.ndim));
  }

  spread(x: Tensor, source: Tensor): Tensor {
    const value = this.valueOf(x);
    const like = this.valueOf(source);
    if (value === null) return like === null ? x : this.lift(spreadLike(structural().clone(this.repeated(x)), like));
    const found = spreadLike(value, like ?? source);
    return found === value ? x : this.lift(found);
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

  /** The value with the batch in front, repeated where it is the same for all members. */
  whole(x: Tensor): Tensor {
    return this.valueOf(x) ?? this.repeated(x);
  }

  private repeated(x: Tensor): Tensor {
    return structural().expand(structural().reshape(x, [1, ...x.shape]), [this.size, ...x.shape]);
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
    const whole = (): Tensor[] => inputs.map((x, i) => (batched[i] === true ? x : this.repeated(x)));
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
        return apply(operator, whole(), params as never);
      case 'params': {
        const all = whole();
        return apply(operator, all, batching.rewrite(params as never, all[0] as Tensor, this.size));
      }
      case 'whole':
        return batching.rule(whole(), this.size, params as never);
      case 'rule':
        return batching.rule(inputs, batched, this.size, params as never);
      default:
        return this.loop(operator, inputs, batched, params);
    }
  }

  /** One call for each member, for operators without a rule. */
  private loop(operator: AnyOperator, inputs: readonly Tensor[], batched: readonly boolean[], params: unknown): Tensor | Tensor[] {
    if (this.size === 0) return this.noMembers(operator, inputs, batched, params);
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

  /** Results of a batch without members: the shapes are those of one member made of zeros. */
  private noMembers(operator: AnyOperator, inputs: readonly Tensor[], batched: readonly boolean[], params: unknown): Tensor | Tensor[] {
    const zeros = inputs.map((x, i) => (batched[i] === true ? structural().zeros(x.shape.slice(1), x.type) : x));
    const result = apply(operator, zeros, params as never);
    const none = (y: Tensor): Tensor => structural().zeros([0, ...y.shape], y.type);
    return Array.isArray(result) ? result.map(none) : none(result);
  }
}

/** Inserts dimensions of size 1 after the batch, so that broadcasting aligns the logical ones. */
function padded(x: Tensor, rank: number): Tensor {
  const missing = rank - (x.ndim - 1);
  if (missing <= 0) return x;
  return structural().reshape(x, [x.shape[0] as number, ...Array<number>(missing).fill(1), ...x.shape.slice(1)]);
}

/** Random draws inside one vmap; what it draws for the whole batch, the vmap around it draws in its turn. */
export class BatchedDraws implements Randomness {
  private readonly batching: Batching;
  readonly randomness: RandomnessMode;
  readonly outer: Randomness | null;
  constructor(batching: Batching, randomness: RandomnessMode) {
    this.batching = batching;
    this.randomness = randomness;
    this.outer = mode.randomness;
  }

  draw(
    name: string,
    inputs: readonly Tensor[],
    shape: readonly number[],
    sample: (inputs: readonly Tensor[], shape: readonly number[]) => Tensor,
  ): Tensor {
    const { batching } = this;
    if (this.randomness === 'error') {
      throw new ArgumentError(
        `${name}: a random draw inside vmap could mean one for all members of the batch or one for each: pass { randomness: 'same' } or { randomness: 'different' } to vmap, or draw outside`,
      );
    }
    if (this.randomness === 'different') {
      const whole = inputs.map((x) => batching.whole(x));
      return batching.lift(this.below(name, whole, [batching.size, ...shape], sample));
    }
    if (inputs.some((x) => batching.valueOf(x) !== null)) {
      throw new ArgumentError(
        `${name}: with randomness 'same' all members of the batch get the same draw, but its probabilities or weights differ between them: use { randomness: 'different' }`,
      );
    }
    return this.below(name, inputs, shape, sample);
  }

  private below(
    name: string,
    inputs: readonly Tensor[],
    shape: readonly number[],
    sample: (inputs: readonly Tensor[], shape: readonly number[]) => Tensor,
  ): Tensor {
    return this.outer === null ? sample(inputs, shape) : this.outer.draw(name, inputs, shape, sample);
  }
}
