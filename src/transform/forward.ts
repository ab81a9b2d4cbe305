import type { Operator } from '../op/contract.ts';
import { stridedTangent } from '../ops/structural.ts';
import { apply } from '../tensor/apply.ts';
import { overwriteWith } from '../tensor/inplace.ts';
import { AutogradMeta } from '../tensor/meta.ts';
import { structural } from '../tensor/structural.ts';
import { aliasOf, type Interpreter, type Tensor, type Wrapped } from '../tensor/tensor.ts';
import { InPlaceError } from '../util/errors.ts';
import { outputsOf, refuseEscaped, wrapHandle } from './interpret.ts';
import { type Spreading, sameLayout, spreadLike, zerosInLayout } from './layout.ts';
import { fitTangent, hasOwnTangent, tangentsOf } from './tangent-rules.ts';

type AnyOperator = Operator<Tensor, never>;

/** A primal with its tangent; a null tangent is zero. Handles on the same elements share it, so that an in-place write reaches all of them. */
export class Dual implements Wrapped {
  readonly level: number;
  readonly interpreter: Interpreter;
  readonly primal: Tensor;
  tangent: Tensor | null;
  /** The tangent's elements belong to this dual alone, or to who gave it away: in-place operations write into them. */
  owned: boolean;
  constructor(interpreter: Interpreter, primal: Tensor, tangent: Tensor | null = null, owned = false) {
    this.level = interpreter.level;
    this.interpreter = interpreter;
    this.primal = primal;
    this.tangent = tangent;
    this.owned = owned;
  }
}

/** A primal with its tangent, as `unpack` finds them. */
export interface Pair {
  readonly primal: Tensor;
  readonly tangent: Tensor | null;
}

/** Whether forward mode carries tangents on: while it does not, results have none. */
export const forwardGrad = { enabled: true };

/** Forward mode: each operator's tangent from its derivative's kind. */
export class ForwardMode implements Spreading {
  readonly level: number;
  ended = false;
  /** Whether handles that outlive the level are plain tensors from then on; else they are refused. */
  private readonly lasting: boolean;
  /** Plain tensors that were written with values that have tangents, and views of them. */
  private readonly promoted = new Set<Tensor>();
  constructor(level: number, lasting: boolean) {
    this.level = level;
    this.lasting = lasting;
  }

  /** The level is over: what it promoted is plain again, with the values that were written. */
  end(): void {
    this.ended = true;
    for (const target of this.promoted) {
      const dual = this.dualOf(target);
      // A level inside this one that has not ended yet brings the target back.
      if (dual === null) continue;
      this.promoted.delete(target);
      this.demote(target, dual);
    }
  }

  private demote(target: Tensor, { primal }: Dual): void {
    target.wrapped = primal.wrapped;
    target.node = primal.node;
    target.outputIndex = primal.outputIndex;
    target.tracked = primal.tracked;
    if (target.meta?.base) target.meta.viewVersion = -1;
    // What an outer level promoted meanwhile was the handle below: the target has taken its place.
    const outer = primal.wrapped?.interpreter;
    if (!(outer instanceof ForwardMode)) return;
    if (outer.promoted.has(primal)) outer.promoted.add(target);
    if (outer.ended) outer.end();
  }

  shown(x: Tensor): Pair {
    return this.unpack(x);
  }

  settle(name: string, x: Tensor): void {
    if (!this.lasting) refuseEscaped(name, x);
    x.wrapped = (x.wrapped as Dual).primal.wrapped;
  }

  lift(primal: Tensor, tangent: Tensor | null, owned?: boolean): Tensor {
    return wrapHandle(primal, new Dual(this, primal, tangent, owned));
  }

  dualOf(x: Tensor): Dual | null {
    return x.wrapped instanceof Dual && x.wrapped.interpreter === this ? x.wrapped : null;
  }

  unpack(x: Tensor): Pair {
    const dual = this.dualOf(x);
    return dual === null ? { primal: x, tangent: null } : { primal: dual.primal, tangent: this.tangentOf(x, dual) };
  }

  /** A view's tangent is that part of its base's, also after the base got another one. */
  private tangentOf(x: Tensor, dual: Dual): Tensor | null {
    const whole = this.wholeOf(x);
    if (whole?.dual.tangent && dual.tangent?.storage !== whole.dual.tangent.storage)
      dual.tangent = partOf(this.inLayoutOf(whole.base, whole.dual, whole.dual.tangent), whole.base, x);
    return dual.tangent;
  }

  /** What `x` is a view of, where the tangent of the one is part of that of the other: not where a view reads the bytes as another dtype. */
  private wholeOf(x: Tensor): { readonly base: Tensor; readonly dual: Dual } | null {
    const base = x.meta?.base ?? null;
    const dual = base?.type === x.type ? this.dualOf(base) : null;
    return dual === null ? null : { base: base as Tensor, dual };
  }

  process(operator: AnyOperator, inputs: readonly Tensor[], params: unknown): Tensor | Tensor[] {
    if (operator.composite && !hasOwnTangent(operator)) return operator.forward(inputs, params as never);
    const pairs = inputs.map((x) => this.unpack(x));
    const primals = pairs.map((pair) => pair.primal);
    const tangents = pairs.map((pair) => pair.tangent);
    const result = apply(operator, primals, params as never);
    const outputs = outputsOf(result);
    const outputTangents =
      !forwardGrad.enabled || tangents.every((t) => t === null) ? [] : tangentsOf(operator, primals, tangents, outputs, params);
    const lifted = outputs.map((output, i) => {
      const tangent = outputTangents[i] ?? null;
      return this.lift(output, tangent !== null && isContinuous(output) ? fitTangent(tangent, output) : null);
    });
    return Array.isArray(result) ? lifted : (lifted[0] as Tensor);
  }

  write(name: string, target: Tensor, result: Tensor): void {
    const { primal, tangent } = this.unpack(result);
    const dual = this.dualOf(target) ?? this.promote(target);
    // Before anything is written: it may refuse.
    const place = forwardGrad.enabled ? this.placeOf(name, target, dual, tangent) : null;
    overwriteWith(name, dual.primal, primal);
    writeTangent(name, place, tangent);
  }

  /** Gives what a custom function wrote into the primal of `target` its tangent. */
  setTangent(name: string, target: Tensor, tangent: Tensor | null): void {
    writeTangent(name, this.placeOf(name, target, this.dualOf(target) ?? this.promote(target), tangent), tangent);
  }

  /** Where the tangent of what is written into `target` goes; null for a tangent of zero where there is none yet. */
  private placeOf(name: string, target: Tensor, dual: Dual, tangent: Tensor | null): Tensor | null {
    if (tangent === null && this.tangentOf(target, dual) === null) return null;
    const whole = this.wholeOf(target);
    const part =
      whole === null
        ? this.ownTangent(target, dual, tangent)
        : partOf(this.ownTangent(whole.base, whole.dual, tangent), whole.base, target);
    if (whole !== null && part.storage !== whole.dual.tangent?.storage) {
      throw new InPlaceError(
        `${name}: the target reaches elements of its storage that its base does not see, and the tangent of the base has no place for them: write into a view of the base that lies inside it`,
      );
    }
    dual.tangent = part;
    return part;
  }

  /** A tangent of `x` that in-place operations may write values like `incoming` into. */
  private ownTangent(x: Tensor, dual: Dual, incoming: Tensor | null): Tensor {
    const tangent = dual.tangent;
    const fits = tangent !== null && (incoming === null || spreadLike(tangent, incoming) === tangent);
    return fits && dual.owned && sameLayout(tangent, x) ? tangent : this.copyInLayout(x, dual, incoming);
  }

  /** The tangent of `x` with elements that lie as those of `x` do, so that views of it are views of the tangent too. */
  private inLayoutOf(x: Tensor, dual: Dual, tangent: Tensor): Tensor {
    return sameLayout(tangent, x) ? tangent : this.copyInLayout(x, dual, null);
  }

  private copyInLayout(x: Tensor, dual: Dual, incoming: Tensor | null): Tensor {
    const fresh = zerosInLayout(x, [dual.tangent, incoming]);
    if (dual.tangent !== null) overwriteWith('tangent', fresh, dual.tangent);
    dual.tangent = fresh;
    dual.owned = true;
    return fresh;
  }

  /** A plain tensor becomes a dual without a tangent, until the level ends. A view does together with its base. */
  private promote(target: Tensor): Dual {
    const base = target.meta?.base ?? null;
    if (base !== null) {
      if (this.dualOf(base) === null) this.promote(base);
      return this.joined(target, base);
    }
    const primal = lowerHandle(target);
    primal.meta = target.meta;
    return this.wrapPromoted(target, primal);
  }

  spread(x: Tensor, source: Tensor): Tensor {
    const primal = this.unpack(x).primal;
    const found = spreadLike(primal, this.unpack(source).primal);
    return found === primal ? x : found;
  }

  join(view: Tensor, base: Tensor): void {
    this.joined(view, base);
  }

  private joined(view: Tensor, base: Tensor): Dual {
    const primal = lowerHandle(view);
    const meta = new AutogradMeta();
    meta.base = (this.dualOf(base) as Dual).primal;
    meta.origin = (view.meta as AutogradMeta).origin;
    // Its history is that of the base below, which may have been written meanwhile.
    meta.viewVersion = -1;
    primal.meta = meta;
    return this.wrapPromoted(view, primal);
  }

  private wrapPromoted(target: Tensor, primal: Tensor): Dual {
    const dual = new Dual(this, primal);
    target.wrapped = dual;
    this.promoted.add(target);
    return dual;
  }
}

/** The handle as the levels below see it. */
function lowerHandle(x: Tensor): Tensor {
  const handle = aliasOf(x);
  handle.node = x.node;
  handle.outputIndex = x.outputIndex;
  handle.tracked = x.tracked;
  return handle;
}

function writeTangent(name: string, place: Tensor | null, tangent: Tensor | null): void {
  if (place !== null) overwriteWith(name, place, structural().cast(tangent ?? structural().zeros([], place.type), place.type));
}

function isContinuous(x: Tensor): boolean {
  return x.type.isFloat || x.type.isComplex;
}

/** The part of `tangent`, which lies as `base` does, that `view` is of `base`: a view of it, or a copy where it reaches further. */
function partOf(tangent: Tensor, base: Tensor, view: Tensor): Tensor {
  return stridedTangent(tangent, { shape: view.shape, strides: view.strides, offset: view.offset, source: base });
}
