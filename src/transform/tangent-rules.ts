import type { Operator, RuleContext } from '../op/contract.ts';
import { apply } from '../tensor/apply.ts';
import { gradOf } from '../tensor/autograd.ts';
import type { MapOperator, MapParams } from '../tensor/map-operator.ts';
import { mode, withGradMode } from '../tensor/modes.ts';
import { structural } from '../tensor/structural.ts';
import { aliasOf, type Tensor } from '../tensor/tensor.ts';
import { isTracked } from '../tensor/views.ts';
import { outputsOf } from './interpret.ts';
import { connected, released } from './lifted.ts';

/** The tangent of one operator's results from those of its inputs, by the kind of its derivative. */

type AnyOperator = Operator<Tensor, never>;
/** A composite without a forward rule is run through: it does not come here. */
type WithTangent = Required<Extract<AnyOperator['derivative'], { readonly kind: 'composite' }>>;

/** Whether a composite brings a forward rule instead of being run through. */
export function hasOwnTangent({ derivative }: AnyOperator): boolean {
  return (derivative as { readonly jvp?: unknown }).jvp !== undefined;
}

export function fitTangent(tangent: Tensor, output: Tensor): Tensor {
  return structural().cast(structural().expand(tangent, output.shape), output.type);
}

export function tangentsOf(
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
    default:
      if (derivative.kind === 'rules' && derivative.jvp === undefined) return transposedTwice(operator, primals, tangents, params);
      return (derivative as WithTangent).jvp(tangents, contextOf(primals, outputs, tangents, params) as RuleContext<Tensor, never>);
  }
}

function filled(primals: readonly Tensor[], tangents: readonly (Tensor | null)[]): Tensor[] {
  return tangents.map((t, i) => t ?? zerosLike(primals[i] as Tensor));
}

export function zerosLike(x: Tensor): Tensor {
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
      if (t === null) return null;
      const partial = operator.partial(i);
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
  // Levels below may record what the tangent is made of, also where the handles of this level do not show it.
  const recorded = mode.grad && (mode.interpreters > 1 || [...primals, ...tangents].some((x) => x !== null && isTracked(x)));
  return withGradMode(true, () => {
    const own = new Set<Tensor>();
    const leaves = primals.map((x, i) => {
      if (tangents[i] === null) return x;
      if (isTracked(x)) return connected(x);
      const leaf = aliasOf(x);
      leaf.tracked = true;
      own.add(leaf);
      return leaf;
    });
    const outputs = outputsOf(apply(operator, leaves, params as never));
    const tracked = outputs.filter((y) => y.tracked);
    const cotangents = tracked.map((y) => {
      const w = zerosLike(y);
      w.tracked = true;
      own.add(w);
      return w;
    });
    const wanted = leaves.filter((_, i) => tangents[i] !== null);
    const products = gradOf(tracked, wanted, cotangents, { createGraph: true, allowUnused: true });
    const pairs: [Tensor, Tensor][] = [];
    let k = 0;
    for (const t of tangents) {
      if (t === null) continue;
      const product = products[k++] ?? null;
      if (product !== null && product.tracked) pairs.push([product, t]);
    }
    if (pairs.length === 0) return outputs.map(() => null);
    const found = gradOf(
      pairs.map(([product]) => product),
      cotangents,
      pairs.map(([, t]) => t),
      { allowUnused: true, createGraph: recorded },
    );
    let j = 0;
    return outputs.map((y) => {
      const tangent = y.tracked ? (found[j++] ?? null) : null;
      return tangent === null ? null : released(tangent, own);
    });
  });
}
