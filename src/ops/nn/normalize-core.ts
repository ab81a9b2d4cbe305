/** The one operator under all normalisations of mean and variance, and that of the root mean square. */

import type { Operator, RuleContext } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { applyOne } from '../../tensor/apply.ts';
import type { MapOperator } from '../../tensor/map-operator.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { callMap, compositeOperator, mapOperator } from '../family.ts';
import { ADD, MUL, SQUARE } from '../maps.ts';
import { countOf, discard, meanOver, needsComposition, scaled, sumOver } from '../reduction.ts';
import { reshape, sumDimsOperator } from '../structural.ts';
import { cotangentSums, normalizedRows, rowGradients, squaresInRows } from './normalize-rows.ts';

export interface NormalizationParams {
  /** The shape in which the input is normalised, of as many elements. */
  readonly seen: readonly number[];
  /** The dimensions of that shape over which the statistics are taken. */
  readonly dims: readonly number[];
  readonly eps: number;
  /** The shape in which weight and bias are seen: it broadcasts with `seen`. */
  readonly affine: readonly number[];
  readonly weighted: boolean;
  readonly biased: boolean;
}

type Exprs = readonly S.Expr[];

const SQUARED_DEVIATION = mapOperator('var', 2, 0, ([x, m]) => {
  const d = S.sub(x as S.Expr, m as S.Expr);
  return S.mul(d, d);
});
const INVERSE_ROOT = mapOperator('rsqrt', 1, 1, ([v], [eps]) => S.rsqrt(S.add(v as S.Expr, eps as S.Expr)));

/** Without a mean to take off, with one. */
const centred = (x: S.Expr, m: S.Expr, r: S.Expr): S.Expr => S.mul(S.sub(x, m), r);
const plain = (x: S.Expr, r: S.Expr): S.Expr => S.mul(x, r);

/** Normalised, times weight, plus bias: by which of the two there are. */
function affineMaps(count: number, normalized: (...xs: Exprs) => S.Expr): { readonly [key: string]: MapOperator } {
  const value = (xs: Exprs): S.Expr => normalized(...xs.slice(0, count));
  return {
    plain: mapOperator('normalize', count, 0, value),
    weight: mapOperator('normalize', count + 1, 0, (xs) => S.mul(value(xs), xs[count] as S.Expr)),
    bias: mapOperator('normalize', count + 1, 0, (xs) => S.add(value(xs), xs[count] as S.Expr)),
    both: mapOperator('normalize', count + 2, 0, (xs) => S.add(S.mul(value(xs), xs[count] as S.Expr), xs[count + 1] as S.Expr)),
  };
}

const centredMaps = affineMaps(3, (x, m, r) => centred(x as S.Expr, m as S.Expr, r as S.Expr));
const plainMaps = affineMaps(2, (x, r) => plain(x as S.Expr, r as S.Expr));

function mapFor(maps: { readonly [key: string]: MapOperator }, { weighted, biased }: NormalizationParams): MapOperator {
  return maps[weighted ? (biased ? 'both' : 'weight') : biased ? 'bias' : 'plain'] as MapOperator;
}

/** The cotangent times the normalised input. */
const G_NORMALIZED = mapOperator('mul', 4, 0, ([g, x, m, r]) => S.mul(g as S.Expr, centred(x as S.Expr, m as S.Expr, r as S.Expr)));
const G_PLAIN = mapOperator('mul', 3, 0, ([g, x, r]) => S.mul(g as S.Expr, plain(x as S.Expr, r as S.Expr)));
/** r (u - mean(u) - x̂ mean(u x̂)). */
const INPUT_GRADIENT = mapOperator('normalizeBackward', 6, 0, ([u, x, m, r, a, b]) =>
  S.mul(S.sub(S.sub(u as S.Expr, a as S.Expr), S.mul(centred(x as S.Expr, m as S.Expr, r as S.Expr), b as S.Expr)), r as S.Expr),
);
/** The same where the weight is one number for all that is normalised together: it goes with r. */
const SCALED_GRADIENT = mapOperator('normalizeBackward', 7, 0, ([g, x, m, r, a, b, w]) =>
  S.mul(
    S.sub(S.sub(g as S.Expr, a as S.Expr), S.mul(centred(x as S.Expr, m as S.Expr, r as S.Expr), b as S.Expr)),
    S.mul(r as S.Expr, w as S.Expr),
  ),
);
/** r (g w - a - x̂ b) */
const CHANNEL_GRADIENT = mapOperator('normalizeBackward', 7, 0, ([g, x, m, r, a, b, w]) =>
  S.mul(
    S.sub(S.sub(S.mul(g as S.Expr, w as S.Expr), a as S.Expr), S.mul(centred(x as S.Expr, m as S.Expr, r as S.Expr), b as S.Expr)),
    r as S.Expr,
  ),
);
const PLAIN_GRADIENT = mapOperator('normalizeBackward', 4, 0, ([u, x, r, b]) =>
  S.mul(S.sub(u as S.Expr, S.mul(plain(x as S.Expr, r as S.Expr), b as S.Expr)), r as S.Expr),
);
/** What cotangents of the mean and of the inverse deviation add: d mean = 1 / N, d r = -r² x̂ / N. */
const STATISTICS_GRADIENT = mapOperator('normalizeBackward', 5, 1, ([gm, gr, x, m, r], [n]) =>
  S.div(
    S.sub(gm as S.Expr, S.mul(gr as S.Expr, S.mul(S.mul(r as S.Expr, r as S.Expr), centred(x as S.Expr, m as S.Expr, r as S.Expr)))),
    n as S.Expr,
  ),
);
/** A cotangent of the variance as one of the inverse deviation: d var = -2 / r³ · d r. */
const VARIANCE_AS_INVERSE = mapOperator('normalizeBackward', 2, 0, ([gv, r]) =>
  S.div(S.mul(-2, gv as S.Expr), S.mul(S.mul(r as S.Expr, r as S.Expr), r as S.Expr)),
);
const ROOT_GRADIENT = mapOperator('normalizeBackward', 3, 1, ([gr, x, r], [n]) =>
  S.div(S.neg(S.mul(gr as S.Expr, S.mul(S.mul(r as S.Expr, r as S.Expr), plain(x as S.Expr, r as S.Expr)))), n as S.Expr),
);
const ZERO = mapOperator('zero', 1, 0, ([x]) => S.select(S.eq(x as S.Expr, x as S.Expr), 0, 0), false);

/** Weight and bias, those that there are, in the shape in which they are seen. */
function affineOf(inputs: readonly Tensor[], { affine }: NormalizationParams): Tensor[] {
  return inputs.slice(1).map((x) => reshape(x, affine));
}

/** Sums over all dimensions in which `affine` has size 1, in the shape of the weight. */
function affineGradient(x: Tensor, { affine }: NormalizationParams, shape: readonly number[]): Tensor {
  const dims = affine.flatMap((size, d) => (size === 1 && x.shape[d] !== 1 ? [d] : []));
  return reshape(dims.length === 0 ? x : applyOne(sumDimsOperator, [x], { dims, type: x.type }), shape);
}

function weightGradients(g: Tensor, product: Tensor | null, context: RuleContext<Tensor, NormalizationParams>): (Tensor | null)[] {
  const { weighted, biased } = context.params;
  const result: (Tensor | null)[] = [];
  if (weighted) result.push(product !== null && context.needs(1) ? affineGradient(product, context.params, context.inputShape(1)) : null);
  const at = weighted ? 2 : 1;
  if (biased) result.push(context.needs(at) ? affineGradient(g, context.params, context.inputShape(at)) : null);
  return result;
}

/** Frees what no derivative can ask for. */
function drop(x: Tensor): void {
  if (!needsComposition(x)) discard(x);
}

/** Whether weight and bias do not change within what is normalised together. */
function isUniform({ affine, dims }: NormalizationParams): boolean {
  return dims.every((d) => affine[d] === 1);
}

/**
 * (x - mean) / sqrt(var + eps) · weight + bias, over `dims`; the variance is that of the whole, without correction. The outputs are the result, mean,
 * inverse deviation and variance, the statistics with the reduced dimensions of size 1.
 *
 * Ba, Kiros, Hinton, "Layer Normalization", 2016; Ioffe, Szegedy, "Batch Normalization", 2015.
 */
export function normalizationOperator(name: string): Operator<Tensor, NormalizationParams> {
  return compositeOperator<NormalizationParams>(
    name,
    (inputs, params) => {
      const input = inputs[0] as Tensor;
      const { type } = input;
      const x = params.seen === input.shape ? input : reshape(input, params.seen);
      const affine = (mean: Tensor, inverse: Tensor): Tensor => {
        const result = callMap(mapFor(centredMaps, params), [x, mean, inverse, ...affineOf(inputs, params)], [], type);
        return reshape(result, input.shape);
      };
      const rows = normalizedRows(inputs, params, true);
      if (rows !== null) {
        const [inverse, mean, variance] = rows.lines as [Tensor, Tensor, Tensor];
        return [rows.result ?? affine(mean, inverse), mean, inverse, variance];
      }
      const mean = meanOver(x, params.dims, true);
      const squares = squaresInRows(x, mean, params) ?? callMap(SQUARED_DEVIATION, [x, mean], [], type);
      const variance = scaled(sumOver(squares, params.dims, true), 1 / countOf(x.shape, params.dims));
      drop(squares);
      const inverse = callMap(INVERSE_ROOT, [variance], [params.eps], type);
      return [affine(mean, inverse), mean, inverse, variance];
    },
    {
      kind: 'rules',
      saves: (needs, { weighted }) => ({ inputs: weighted && needs[0] === true ? [0, 1] : [0], outputs: [1, 2] }),
      vjp: ([g, gMean, gDeviation, gVariance], context) => {
        const { params } = context;
        const x = reshape(context.input(0), params.seen);
        const [mean, inverse] = [context.output(1), context.output(2)];
        const direct = g === null || g === undefined ? null : inputGradients(reshape(g, params.seen), x, mean, inverse, context);
        let dx = direct?.[0] ?? null;
        const gInverse = inverseCotangent(gDeviation ?? null, gVariance ?? null, inverse);
        if (context.needs(0) && (gMean || gInverse)) {
          const zero = (): Tensor => callMap(ZERO, [mean], [], x.type);
          const more = callMap(
            STATISTICS_GRADIENT,
            [gMean ?? zero(), gInverse ?? zero(), x, mean, inverse],
            [countOf(x.shape, params.dims)],
            x.type,
          );
          dx = dx === null ? more : callMap(ADD, [dx, more], [], x.type);
        }
        return [dx === null ? null : reshape(dx, context.inputShape(0)), ...(direct?.slice(1) ?? [])];
      },
    },
  );
}

/** The cotangents of inverse deviation and variance as one. */
function inverseCotangent(gInverse: Tensor | null, gVariance: Tensor | null, inverse: Tensor): Tensor | null {
  if (gVariance === null) return gInverse;
  const own = callMap(VARIANCE_AS_INVERSE, [gVariance, inverse], [], inverse.type);
  return gInverse === null ? own : callMap(ADD, [gInverse, own], [], inverse.type);
}

/** Gradients of input, weight and bias from that of the result. */
function inputGradients(
  g: Tensor,
  x: Tensor,
  mean: Tensor,
  inverse: Tensor,
  context: RuleContext<Tensor, NormalizationParams>,
): (Tensor | null)[] {
  const { params } = context;
  const { type } = x;
  const wantsInput = context.needs(0);
  if (!wantsInput && !(params.weighted && context.needs(1))) return [null, ...weightGradients(g, null, context)];
  const fused = wantsInput ? fusedGradients(g, x, [inverse, mean], context) : null;
  if (fused !== null) return fused;
  const sums = cotangentSums(g, x, mean, inverse, params);
  if (sums !== null) return gradientsOfSums(g, x, mean, inverse, sums, context);
  const product = callMap(G_NORMALIZED, [g, x, mean, inverse], [], type);
  const rest = weightGradients(g, product, context);
  if (!wantsInput) return [null, ...rest];
  const average = (y: Tensor): Tensor => meanOver(y, params.dims, true);
  if (!params.weighted) return [callMap(INPUT_GRADIENT, [g, x, mean, inverse, average(g), average(product)], [], type), ...rest];
  const weight = reshape(context.input(1), params.affine);
  if (isUniform(params)) return [callMap(SCALED_GRADIENT, [g, x, mean, inverse, average(g), average(product), weight], [], type), ...rest];
  const u = callMap(MUL, [g, weight], [], type);
  const weighted = average(callMap(MUL, [product, weight], [], type));
  return [callMap(INPUT_GRADIENT, [u, x, mean, inverse, average(u), weighted], [], type), ...rest];
}

/** Gradients from the sums of g and g x̂ over rows in which the weight does not change. */
function gradientsOfSums(
  g: Tensor,
  x: Tensor,
  mean: Tensor,
  inverse: Tensor,
  sums: readonly [Tensor, Tensor],
  context: RuleContext<Tensor, NormalizationParams>,
): (Tensor | null)[] {
  const { params } = context;
  const rest = weightGradients(...sums, context);
  if (!context.needs(0)) return [null, ...rest];
  const weight = params.weighted ? [reshape(context.input(1), params.affine)] : [];
  const share = 1 / countOf(x.shape, params.dims);
  const average = (y: Tensor): Tensor =>
    scaled(sumOver(params.weighted ? callMap(MUL, [y, ...weight], [], y.type) : y, params.dims, true), share);
  const operands = [g, x, mean, inverse, average(sums[0]), average(sums[1]), ...weight];
  return [callMap(params.weighted ? CHANNEL_GRADIENT : INPUT_GRADIENT, operands, [], x.type), ...rest];
}

/** The gradients that are wanted, from one kernel, or null. */
function fusedGradients(
  g: Tensor,
  x: Tensor,
  lines: readonly Tensor[],
  context: RuleContext<Tensor, NormalizationParams>,
): (Tensor | null)[] | null {
  const { weighted, biased } = context.params;
  const wants = {
    weight: weighted && context.needs(1),
    bias: biased && context.needs(weighted ? 2 : 1),
    shape: weighted || biased ? context.inputShape(1) : [],
  };
  const found = rowGradients(g, x, lines, weighted ? context.input(1) : null, wants, context.params);
  return found === null ? null : [found.input, ...(weighted ? [found.weight] : []), ...(biased ? [found.bias] : [])];
}

/**
 * x / sqrt(mean(x²) + eps) · weight over `dims`; outputs are the result and the inverse root.
 *
 * Zhang, Sennrich, "Root Mean Square Layer Normalization", 2019.
 */
export function rootMeanSquareOperator(name: string): Operator<Tensor, NormalizationParams> {
  return compositeOperator<NormalizationParams>(
    name,
    (inputs, params) => {
      const rows = normalizedRows(inputs, params, false);
      if (rows !== null && rows.result !== null) return [rows.result, ...rows.lines];
      const x = inputs[0] as Tensor;
      const squares = callMap(SQUARE, [x], [], x.type);
      const inverse = callMap(INVERSE_ROOT, [meanOver(squares, params.dims, true)], [params.eps], x.type);
      return [callMap(mapFor(plainMaps, params), [x, inverse, ...affineOf(inputs, params)], [], x.type), inverse];
    },
    {
      kind: 'rules',
      saves: (needs, { weighted }) => ({ inputs: weighted && needs[0] === true ? [0, 1] : [0], outputs: [1] }),
      vjp: ([g, gInverse], context) => {
        const { params } = context;
        const x = context.input(0);
        const inverse = context.output(1);
        const direct = g && context.needs(0) && !gInverse ? fusedGradients(g, x, [inverse], context) : null;
        if (direct !== null) return direct;
        const product = g === null || g === undefined ? null : callMap(G_PLAIN, [g, x, inverse], [], x.type);
        const rest = product === null ? [] : weightGradients(g as Tensor, product, context);
        if (!context.needs(0)) return [null, ...rest];
        let dx = product === null ? null : plainGradient(g as Tensor, product, x, inverse, context);
        if (gInverse) {
          const more = callMap(ROOT_GRADIENT, [gInverse, x, inverse], [countOf(x.shape, params.dims)], x.type);
          dx = dx === null ? more : callMap(ADD, [dx, more], [], x.type);
        }
        return [dx, ...rest];
      },
    },
  );
}

function plainGradient(g: Tensor, product: Tensor, x: Tensor, inverse: Tensor, context: RuleContext<Tensor, NormalizationParams>): Tensor {
  const { params } = context;
  if (!params.weighted) return callMap(PLAIN_GRADIENT, [g, x, inverse, meanOver(product, params.dims, true)], [], x.type);
  const weight = reshape(context.input(1), params.affine);
  const weighted = meanOver(callMap(MUL, [product, weight], [], x.type), params.dims, true);
  return callMap(PLAIN_GRADIENT, [callMap(MUL, [g, weight], [], x.type), x, inverse, weighted], [], x.type);
}
