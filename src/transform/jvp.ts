import type { Operator, RuleContext } from '../op/contract.ts';
import { formatShape } from '../shape/shape.ts';
import { apply } from '../tensor/apply.ts';
import { grad } from '../tensor/autograd.ts';
import { pointAt, writeInPlace } from '../tensor/inplace.ts';
import type { MapOperator, MapParams } from '../tensor/map-operator.ts';
import { describeValue } from '../tensor/messages.ts';
import { withGradMode } from '../tensor/modes.ts';
import { structural } from '../tensor/structural.ts';
import { aliasOf, type Interpreter, isTensor, type Tensor, type Wrapped } from '../tensor/tensor.ts';
import { ArgumentError, AutogradError, ShapeError } from '../util/errors.ts';
import { outputsOf, returnedTensors, withInterpreter, wrapHandle } from './interpret.ts';

type AnyOperator = Operator<Tensor, never>;

/** A primal with its tangent; a null tangent is zero. */
class Dual implements Wrapped {
  readonly level: number;
  readonly interpreter: Interpreter;
  readonly primal: Tensor;
  readonly tangent: Tensor | null;
  constructor(interpreter: Interpreter, primal: Tensor, tangent: Tensor | null) {
    this.level = interpreter.level;
    this.interpreter = interpreter;
    this.primal = primal;
    this.tangent = tangent;
  }
}

/** Forward mode: each operator's tangent from its derivative's kind. */
class ForwardMode implements Interpreter {
  readonly level: number;
  /** Plain tensors that were written with values that have tangents, each with what it was before. */
  private readonly adopted = new Map<Tensor, Tensor>();
  constructor(level: number) {
    this.level = level;
  }

  /** A plain tensor becomes one with a tangent, until forward mode ends. */
  adopt(_name: string, target: Tensor): void {
    const before = aliasOf(target);
    pointAt(before, target);
    this.adopted.set(target, before);
  }

  /** Writes the primal values into what was adopted, where its views see them; the tangents end here. After a failure all is as it was before. */
  end(failed: boolean): void {
    for (const [target, before] of this.adopted) {
      const { primal } = this.unpack(target);
      pointAt(target, before);
      if (!failed) writeInPlace('jvp', target, () => primal);
    }
  }

  lift(primal: Tensor, tangent: Tensor | null): Tensor {
    return wrapHandle(primal, new Dual(this, primal, tangent));
  }

  unpack(x: Tensor): { primal: Tensor; tangent: Tensor | null } {
    const value = x.wrapped;
    if (value instanceof Dual && value.interpreter === this) return { primal: value.primal, tangent: value.tangent };
    return { primal: x, tangent: null };
  }

  process(operator: AnyOperator, inputs: readonly Tensor[], params: unknown): Tensor | Tensor[] {
    if (operator.composite && !hasOwnTangent(operator)) return operator.forward(inputs, params as never);
    const pairs = inputs.map((x) => this.unpack(x));
    const primals = pairs.map((pair) => pair.primal);
    const tangents = pairs.map((pair) => (pair.primal.type.isFloat || pair.primal.type.isComplex ? pair.tangent : null));
    const result = apply(operator, primals, params as never);
    const outputs = outputsOf(result);
    const outputTangents = tangents.every((t) => t === null) ? [] : tangentsOf(operator, primals, tangents, outputs, params);
    const lifted = outputs.map((output, i) => {
      const tangent = outputTangents[i] ?? null;
      return this.lift(output, tangent !== null && (output.type.isFloat || output.type.isComplex) ? fitTangent(tangent, output) : null);
    });
    return Array.isArray(result) ? lifted : (lifted[0] as Tensor);
  }
}

/** Whether a composite brings a forward rule instead of being run through. */
function hasOwnTangent({ derivative }: AnyOperator): boolean {
  return (derivative.kind === 'composite' || derivative.kind === 'rules') && derivative.jvp !== undefined;
}

function fitTangent(tangent: Tensor, output: Tensor): Tensor {
  return structural().cast(structural().expand(tangent, output.shape), output.type);
}

function tangentsOf(
  operator: AnyOperator,
  primals: readonly Tensor[],
  tangents: readonly (Tensor | null)[],
  outputs: readonly Tensor[],
  params: unknown,
): readonly (Tensor | null)[] {
  const derivative = operator.derivative;
  switch (derivative.kind) {
    case 'none':
      return [];
    case 'map':
      return [mapTangent(operator as unknown as MapOperator, primals, tangents, outputs[0] as Tensor, params as MapParams)];
    case 'linear':
      return outputsOf(apply(operator, filled(primals, tangents), params as never));
    case 'bilinear':
      return [bilinearTangent(operator, primals, tangents, params)];
    case 'rules': {
      const context = contextOf(primals, outputs, tangents, params);
      if (derivative.jvp !== undefined) return derivative.jvp(tangents, context as RuleContext<Tensor, never>);
      return transposedTwice(operator, primals, tangents, params);
    }
    case 'composite':
      if (derivative.jvp !== undefined)
        return derivative.jvp(tangents, contextOf(primals, outputs, tangents, params) as RuleContext<Tensor, never>);
      throw new AutogradError(`${operator.name}: a composite without a forward rule is run through, not differentiated here`);
  }
}

function filled(primals: readonly Tensor[], tangents: readonly (Tensor | null)[]): Tensor[] {
  return tangents.map((t, i) => t ?? zerosLike(primals[i] as Tensor));
}

function zerosLike(x: Tensor): Tensor {
  return structural().zeros(x.shape, x.type);
}

function sumOf(terms: readonly (Tensor | null)[]): Tensor | null {
  return terms.reduce<Tensor | null>((sum, term) => (term === null ? sum : sum === null ? term : structural().add(sum, term)), null);
}

/** The partials are those of the vector-Jacobian product: for one element the Jacobian is a number. */
function mapTangent(
  operator: MapOperator,
  primals: readonly Tensor[],
  tangents: readonly (Tensor | null)[],
  output: Tensor,
  params: MapParams,
): Tensor | null {
  return sumOf(
    tangents.map((t, i) => {
      const partial = t === null ? null : operator.partial(i);
      if (t === null || partial === null) return null;
      const expanded = structural().expand(t, output.shape);
      if (partial.operator === null) return structural().cast(expanded, params.compute);
      const operands = [expanded, ...partial.inputs.map((k) => primals[k] as Tensor)];
      if (partial.output) operands.push(output);
      return apply(partial.operator, operands, params) as Tensor;
    }),
  );
}

function bilinearTangent(
  operator: AnyOperator,
  primals: readonly Tensor[],
  tangents: readonly (Tensor | null)[],
  params: unknown,
): Tensor | null {
  const [a, b] = primals as readonly [Tensor, Tensor];
  const [da, db] = tangents as readonly [Tensor | null, Tensor | null];
  const left = da === null ? null : (apply(operator, [da, b], params as never) as Tensor);
  const right = db === null ? null : (apply(operator, [a, db], params as never) as Tensor);
  return sumOf([left, right]);
}

function contextOf(
  primals: readonly Tensor[],
  outputs: readonly Tensor[],
  tangents: readonly (Tensor | null)[],
  params: unknown,
): RuleContext<Tensor, unknown> {
  return {
    params,
    input: (i) => primals[i] as Tensor,
    output: (i) => outputs[i] as Tensor,
    inputCount: primals.length,
    inputShape: (i) => (primals[i] as Tensor).shape,
    inputType: (i) => (primals[i] as Tensor).type,
    needs: (i) => tangents[i] !== null,
  };
}

/**
 * A tangent from the backward rule alone: J v is the derivative of wᵀ(Jᵀ w ↦ …) — the vector-Jacobian product is linear in its cotangent w, and
 * its transpose, applied to the tangent, is the Jacobian-vector product.
 */
function transposedTwice(
  operator: AnyOperator,
  primals: readonly Tensor[],
  tangents: readonly (Tensor | null)[],
  params: unknown,
): (Tensor | null)[] {
  return withGradMode(true, () => {
    const leaves = primals.map((x, i) => {
      const leaf = aliasOf(x);
      leaf.wrapped = x.wrapped;
      leaf.tracked = tangents[i] !== null;
      return leaf;
    });
    const outputs = outputsOf(apply(operator, leaves, params as never));
    const tracked = outputs.filter((y) => y.tracked);
    const cotangents = tracked.map((y) => {
      const w = zerosLike(y);
      w.tracked = true;
      return w;
    });
    const wanted = leaves.filter((leaf) => leaf.tracked);
    const products = grad(tracked, wanted, cotangents, { createGraph: true, allowUnused: true });
    const pairs: [Tensor, Tensor][] = [];
    let k = 0;
    for (const t of tangents) {
      if (t === null) continue;
      const product = products[k++] ?? null;
      if (product !== null && product.tracked) pairs.push([product, t]);
    }
    if (pairs.length === 0) return outputs.map(() => null);
    const found = grad(
      pairs.map(([product]) => product),
      cotangents,
      pairs.map(([, t]) => t),
      { allowUnused: true },
    );
    let j = 0;
    return outputs.map((y) => (y.tracked ? (found[j++] ?? null) : null));
  });
}

function requireTensor(role: string, x: unknown): void {
  if (!isTensor(x)) throw new ArgumentError(`jvp: ${role} must be a tensor, got ${describeValue(x)}`);
}

/** What `jvp` returns: the function's values and their tangents (null where a tangent is zero throughout). */
export interface JvpResult {
  readonly outputs: Tensor[];
  readonly tangents: (Tensor | null)[];
}

/**
 * Forward mode: the values of `f` at `inputs` and the Jacobian-vector product with `tangents`, in one pass.
 * Each tangent has the shape of its input; null stands for zero. Throws ShapeError otherwise.
 *
 * @example
 * const { outputs, tangents } = jvp(x => x.pow(2), [tensor([3.])], [tensor([1.])]);
 * outputs[0]; // tensor([9.])
 * tangents[0]; // tensor([6.])
 */
export function jvp(
  f: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  tangents: readonly (Tensor | null)[],
): JvpResult {
  if (inputs.length !== tangents.length) throw new ArgumentError(`jvp: got ${tangents.length} tangents for ${inputs.length} inputs`);
  for (const [i, x] of inputs.entries()) requireTensor(`input ${i}`, x);
  tangents.forEach((t, i) => {
    if (t !== null) requireTensor(`tangent ${i}`, t);
    const x = inputs[i] as Tensor;
    if (t !== null && formatShape(t.shape) !== formatShape(x.shape)) {
      throw new ShapeError(`jvp: tangent ${i} has shape ${formatShape(t.shape)}, its input ${formatShape(x.shape)}: they must be equal`);
    }
  });
  return withInterpreter((level) => {
    const forward = new ForwardMode(level);
    let failed = true;
    let pairs: readonly { readonly primal: Tensor; readonly tangent: Tensor | null }[];
    try {
      const results = returnedTensors('jvp', f(...inputs.map((x, i) => forward.lift(x, tangents[i] ?? null))));
      pairs = results.map((y) => forward.unpack(y));
      failed = false;
    } finally {
      forward.end(failed);
    }
    return { outputs: pairs.map((pair) => pair.primal), tangents: pairs.map((pair) => pair.tangent) };
  });
}
