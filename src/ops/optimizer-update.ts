import { backend } from '../runtime/backend.ts';
import { release } from '../runtime/storage.ts';
import * as S from '../scalar/expr.ts';
import { formatShape, sameShape } from '../shape/shape.ts';
import { emptyFor } from '../tensor/map-operator.ts';
import { mode } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ShapeError } from '../util/errors.ts';
import { MapTable } from './optimizer-kernels.ts';

/** Operands or launch parameters of an update, as expressions. */
export type Exprs = readonly S.Expr[];

/** Says what a target becomes, or, for null, names an intermediate result. Returns what is read in its place from there on. */
export type Put = (target: number | null, value: S.Expr) => S.Expr;

/** What an update consists of: what each target becomes, one after the other, from operands (targets first) and launch parameters. */
export type Rule = (operands: Exprs, params: Exprs, put: Put) => void;

/** What half types are updated by: one launch for each value that is named. */
interface Stages {
  readonly programs: readonly (readonly [target: number, program: S.MapProgram])[];
  /** How many intermediate results there are. */
  readonly scratch: number;
}

const table = new MapTable();
let collecting = false;

/**
 * Runs the updates in `body` in as few launches as their kinds allow, the last of them when it ends: only for what does not look at a tensor that an update has written. With observers,
 * each update is a launch of its own.
 */
export function together(body: () => void): void {
  if (collecting || mode.observer !== null || mode.beforeWrite !== null) {
    body();
    return;
  }
  collecting = true;
  try {
    body();
  } finally {
    collecting = false;
    table.run();
  }
}

/**
 * An elementwise update of several tensors in place, such as the running means of a parameter and, as the last of them, the parameter: one pass over memory. It leaves no trace on the tape;
 * the caller counts the write.
 *
 * For half types each named value is rounded before it is read, as PyTorch does: there, it is one pass for each of them.
 */
export class Update {
  readonly name: string;
  readonly #targets: number;
  readonly #arity: number;
  readonly #params: number;
  readonly #rule: Rule;
  #whole: S.MapProgram | null = null;
  #stages: Stages | null = null;

  constructor(name: string, targets: number, arity: number, params: number, rule: Rule) {
    this.name = name;
    this.#targets = targets;
    this.#arity = arity;
    this.#params = params;
    this.#rule = rule;
  }

  /** Updates the first operands. Throws ShapeError where they do not have one shape, with nothing changed. */
  run(operands: readonly Tensor[], values: readonly number[]): void {
    if (mode.observer === null) this.#write(operands, values);
    else {
      // A profile shows updates under the name of their operator.
      const parameter = operands[this.#targets - 1] as Tensor;
      mode.observer.write(this.name, parameter, () => {
        this.#write(operands, values);
        return parameter;
      });
    }
  }

  /** `run` with the operands `state`, `parameter` and `grad` and the values `sign` and `decay`, where it takes so many, then `values`: within `together` at its end. */
  step(state: readonly Tensor[], parameter: Tensor, grad: Tensor, sign: number, decay: number, values: readonly number[]): void {
    if (collecting) {
      for (let k = 0; k < state.length; k++)
        if (!sameShape(parameter.shape, (state[k] as Tensor).shape)) throw this.#mismatch(parameter, state[k] as Tensor);
      if (parameter.type.itemsize >= 4 && table.add(this.#inOnePass(), state, parameter, grad, sign, decay, values)) return;
    }
    this.run([...state, parameter, grad], this.#params > values.length ? [sign, decay, ...values] : values);
  }

  #write(operands: readonly Tensor[], values: readonly number[]): void {
    // What came before comes first.
    if (collecting) table.run();
    const last = operands[this.#targets - 1] as Tensor;
    let isOne = last.type.itemsize >= 4;
    for (let k = 0; k < this.#targets - 1; k++) {
      const target = operands[k] as Tensor;
      if (!sameShape(last.shape, target.shape)) throw this.#mismatch(last, target);
      isOne &&= target.type === last.type;
    }
    if (isOne) backend().map(this.#inOnePass(), last, operands, values, last.type);
    else this.#writeInStages(operands, values);
  }

  #writeInStages(operands: readonly Tensor[], values: readonly number[]): void {
    const { programs, scratch } = this.#inStages();
    const parameter = operands[this.#targets - 1] as Tensor;
    const temporary = Array.from({ length: scratch }, () => emptyFor([parameter], this.name, parameter.type));
    const all = [...operands, ...temporary];
    for (const [k, program] of programs) {
      const target = all[k] as Tensor;
      backend().map(program, target, all, values, target.type);
    }
    for (const { storage } of temporary) release(storage);
  }

  #mismatch(parameter: Tensor, state: Tensor): ShapeError {
    return new ShapeError(
      `${this.name}: the parameter has shape ${formatShape(parameter.shape)}, its state ${formatShape(state.shape)}: load the state of an optimizer of the same parameters`,
    );
  }

  /** The last target is the output of the launch, the others are its first operands. */
  #inOnePass(): S.MapProgram {
    if (this.#whole !== null) return this.#whole;
    const values: S.Expr[] = [];
    this.#rule(this.#leaves(S.arg), this.#leaves(S.param), (target, value) => {
      if (target !== null) values[target] = value;
      return value;
    });
    const last = values.pop() as S.Expr;
    this.#whole = new S.MapProgram(last, this.#arity, this.#params, values);
    return this.#whole;
  }

  #inStages(): Stages {
    if (this.#stages !== null) return this.#stages;
    const steps: [target: number, value: S.Expr][] = [];
    let arity = this.#arity;
    this.#rule(this.#leaves(S.arg), this.#leaves(S.param), (target, value) => {
      const place = target ?? arity++;
      steps.push([place, value]);
      return S.arg(place);
    });
    const programs = steps.map(([place, value]) => [place, new S.MapProgram(value, arity, this.#params)] as const);
    this.#stages = { programs, scratch: arity - this.#arity };
    return this.#stages;
  }

  #leaves(leaf: (index: number) => S.Expr): S.Expr[] {
    return Array.from({ length: leaf === S.arg ? this.#arity : this.#params }, (_, k) => leaf(k));
  }
}

/** Which way a parameter goes along its gradient, and what pulls it towards zero. */
export interface Way {
  readonly maximize: boolean;
  readonly weightDecay: number;
}

/** How many kinds of directions there are: rules differ between them. */
export const DIRECTIONS = 3;

/** The gradient as it is, negated, or with the penalty. */
export function directionOf({ maximize, weightDecay }: Way): number {
  return weightDecay !== 0 ? 2 : maximize ? 1 : 0;
}

/** The gradient as rules for a kind of direction read it: sign · grad + decay · parameter, which are the first launch parameters. */
export function directed(kind: number, grad: S.Expr, parameter: S.Expr, params: Exprs): S.Expr {
  if (kind === 0) return grad;
  const signed = S.mul(params[0] as S.Expr, grad);
  return kind === 1 ? signed : S.add(signed, S.mul(params[1] as S.Expr, parameter));
}
