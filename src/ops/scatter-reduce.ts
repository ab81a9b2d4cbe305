import { type Operator, t } from '../op/contract.ts';
import type { ScatterMode } from '../runtime/backend.ts';
import { backend } from '../runtime/backend.ts';
import * as S from '../scalar/expr.ts';
import { applyOne } from '../tensor/apply.ts';
import { elementsOf } from '../tensor/data.ts';
import { writeInPlace } from '../tensor/inplace.ts';
import { mode } from '../tensor/modes.ts';
import { aliasOf, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, AutogradError, DTypeError } from '../util/errors.ts';
import { fullTensor } from './create.ts';
import { callMap, type Described, described, makeOperator, mapOperator, requireTensor } from './family.ts';
import { scatterArguments } from './gather.ts';
import { lineArguments, sourceFit } from './index-along.ts';
import { alongDim, type IndexFamily, type Indexing, indexFamily, scatterBatching, scatterInto } from './indexed.ts';
import { DIV, MUL } from './maps.ts';
import { cloneOperator, expand, reshape } from './structural.ts';
import type { IndexWriteFunction, ScatterFunction } from './types.ts';

/** Elements that meet at one place, combined: sums, products, means and extrema. */

export type Reduction = 'sum' | 'prod' | 'mean' | 'amax' | 'amin';

interface ReduceIndexing extends Indexing {
  readonly reduce: Reduction;
  /** Whether what is at the place takes part. */
  readonly includeSelf: boolean;
}

const MODES: Readonly<Record<Reduction, ScatterMode>> = { sum: 'add', mean: 'add', prod: 'mul', amax: 'max', amin: 'min' };
const NEUTRAL = { sum: 0, mean: 0, prod: 1 } as const;

const FLOOR_DIV = mapOperator('div', 2, 0, ([x, y]) => S.floorDivide(x as S.Expr, y as S.Expr), false);
const EQUAL = mapOperator('eq', 2, 0, ([x, y]) => S.select(S.eq(x as S.Expr, y as S.Expr), S.constant(1), S.constant(0)), false);
const IS_ZERO = mapOperator('eq', 1, 0, ([x]) => S.select(S.eq(x as S.Expr, 0), S.constant(1), S.constant(0)), false);
const ZERO_TO_ONE = mapOperator('where', 1, 0, ([x]) => S.select(S.eq(x as S.Expr, 0), S.constant(1), x as S.Expr));
const ONE_ZERO_TO_ONE = mapOperator('where', 2, 0, ([x, zeros]) =>
  S.select(isOnlyZero(x as S.Expr, zeros as S.Expr), S.constant(1), x as S.Expr),
);
const CHOOSE = mapOperator('where', 4, 0, ([x, zeros, a, b]) =>
  S.select(isOnlyZero(x as S.Expr, zeros as S.Expr), a as S.Expr, b as S.Expr),
);
const AT_LEAST_ONE = mapOperator('maximum', 1, 0, ([x]) => S.max(x as S.Expr, S.constant(1)), false);
const KEEP_IF = mapOperator('where', 2, 0, ([g, hit]) => S.select(S.ne(hit as S.Expr, 0), g as S.Expr, S.constant(0)));

/** The one zero among the factors of its place: its derivative is the product of the others. */
function isOnlyZero(x: S.Expr, zeros: S.Expr): S.Expr {
  return S.and(S.eq(x, 0), S.eq(zeros, 1));
}

const mul = (x: Tensor, y: Tensor): Tensor => callMap(MUL, [x, y], [], x.type);
const div = (x: Tensor, y: Tensor): Tensor => callMap(DIV, [x, y], [], x.type);

/** How many elements meet at each place; 1 where none does. */
function counts(x: Tensor, positions: readonly number[], indices: readonly Tensor[], params: ReduceIndexing): Tensor {
  const start = fullTensor(x.shape, params.includeSelf ? 1 : 0, x.type);
  scatterInto('scatterReduce', 'add', start, expand(fullTensor([], 1, x.type), positions), indices, params);
  return callMap(AT_LEAST_ONE, [start], [], x.type);
}

function reduced(name: string, x: Tensor, source: Tensor, indices: readonly Tensor[], params: ReduceIndexing): Tensor {
  const { reduce, includeSelf } = params;
  const result = cloneOperator.forward([x], null) as Tensor;
  if (!includeSelf) {
    // An extremum has no neutral element in every dtype: one of the elements that meet stands in for it.
    const first = reduce === 'amax' || reduce === 'amin' ? source : expand(fullTensor([], NEUTRAL[reduce], x.type), params.shape);
    scatterInto(name, 'set', result, first, indices, params);
  }
  scatterInto(name, MODES[reduce], result, source, indices, params);
  if (reduce !== 'mean') return result;
  const by = counts(x, params.shape, indices, params);
  const type = x.type;
  backend().map(type.isFloat || type.isComplex ? DIV.program : FLOOR_DIV.program, result, [result, by], [], type);
  return result;
}

interface Rule {
  readonly g: Tensor;
  readonly x: Tensor;
  readonly source: Tensor;
  readonly result: Tensor;
  readonly indices: readonly Tensor[];
  readonly params: ReduceIndexing;
  readonly family: IndexFamily;
  readonly operator: Operator<Tensor, ReduceIndexing>;
}

const gatherFrom = ({ family, indices, params }: Rule, y: Tensor): Tensor => applyOne(family.gather, [y, ...indices], params);

/** Elements that are the extremum of their place share its gradient evenly, the place's own element among them. */
function extremumRule(rule: Rule): [Tensor, Tensor] {
  const { g, x, source, result, indices, params, family } = rule;
  const own = callMap(EQUAL, [x, result], [], x.type);
  const theirs = callMap(EQUAL, [source, gatherFrom(rule, result)], [], x.type);
  const share = div(g, applyOne(family.add, [own, theirs, ...indices], params));
  return [callMap(KEEP_IF, [share, own], [], x.type), callMap(KEEP_IF, [gatherFrom(rule, share), theirs], [], x.type)];
}

/** A product's derivative is the product of the other factors: the quotient by the factor, or, for the only zero, the product without it. */
function productRule(rule: Rule): [Tensor, Tensor] {
  const { g, x, source, result, indices, params, family, operator } = rule;
  const { type } = x;
  const x1 = callMap(ZERO_TO_ONE, [x], [], type);
  const gx = div(mul(g, applyOne(operator, [x1, source, ...indices], params)), x1);
  const zero = callMap(IS_ZERO, [source], [], type);
  const zeros = gatherFrom(rule, applyOne(family.spread, [zero, ...indices], params));
  const others = applyOne(operator, [x, callMap(ONE_ZERO_TO_ONE, [source, zeros], [], type), ...indices], params);
  const quotient = div(gatherFrom(rule, mul(g, result)), callMap(ZERO_TO_ONE, [source], [], type));
  const gSource = callMap(CHOOSE, [source, zeros, gatherFrom(rule, mul(g, others)), quotient], [], type);
  return [gx, mode.grad && severalZeros(zeros) ? applyOne(onceOnly(operator.name), [gSource], null) : gSource];
}

/** Whether zeros of the source meet somewhere: the derivative by each is 0 there, but that by two of them is not. */
function severalZeros(zeros: Tensor): boolean {
  return zeros.wrapped === null && elementsOf(zeros).some((count) => (count as number) > 1);
}

/** Hands on a gradient that must not be differentiated again. */
function onceOnly(name: string): Operator<Tensor, null> {
  return makeOperator<null>({
    name,
    forward: ([x]) => aliasOf(x as Tensor),
    derivative: {
      kind: 'rules',
      vjp: () => {
        throw new AutogradError(
          `${name}: with reduce 'prod', the second derivative is not defined here where two zeros of src meet at one place: keep the factors away from 0, or multiply them with prod()`,
        );
      },
    },
  });
}

function ruleFor(rule: Rule): [Tensor, Tensor] {
  const { g, x, indices, params } = rule;
  switch (params.reduce) {
    case 'sum':
      return [g, gatherFrom(rule, g)];
    case 'mean': {
      const start = fullTensor(x.shape, params.includeSelf ? 1 : 0, x.type);
      const met = applyOne(rule.family.add, [start, expand(fullTensor([], 1, x.type), params.shape), ...indices], params);
      const share = div(g, callMap(AT_LEAST_ONE, [met], [], x.type));
      return [share, gatherFrom(rule, share)];
    }
    case 'prod':
      return productRule(rule);
    default:
      return extremumRule(rule);
  }
}

function reduceOperator(name: string): Operator<Tensor, ReduceIndexing> {
  const family = indexFamily(name);
  const operator: Operator<Tensor, ReduceIndexing> = makeOperator<ReduceIndexing>({
    name,
    forward: ([x, source, ...indices], params) => reduced(name, x as Tensor, source as Tensor, indices, params),
    derivative: {
      kind: 'rules',
      saves: (_needs, params) => ({ inputs: [0, 1, ...params.dims.map((_, k) => k + 2)], outputs: [0] }),
      vjp: ([g], context) => {
        const { params } = context;
        const indices = params.dims.map((_, k) => context.input(k + 2));
        const rule: Rule = {
          g: g as Tensor,
          x: context.input(0),
          source: context.input(1),
          result: context.output(0),
          indices,
          params,
          family,
          operator,
        };
        const [gx, gSource] = ruleFor(rule);
        return [params.includeSelf ? gx : applyOne(family.fill(0), [gx, ...indices], params), gSource];
      },
    },
    batching: scatterBatching(() => operator, 1),
  });
  return operator;
}

const scatterReducing = reduceOperator('scatterReduce');
const indexReducing = reduceOperator('indexReduce');

function requireReduction(name: string, reduce: unknown, allowed: readonly Reduction[], x: Tensor): asserts reduce is Reduction {
  if (!allowed.includes(reduce as Reduction))
    throw new ArgumentError(`${name}: reduce must be one of ${allowed.join(', ')}, got '${String(reduce)}'`);
  if (x.type.isComplex && (reduce === 'amax' || reduce === 'amin'))
    throw new DTypeError(`${name}: complex numbers have no order: reduce cannot be '${String(reduce)}'`);
}

export interface IncludeSelfOptions {
  /** Whether the element of `input` takes part where others go. Default true. */
  readonly includeSelf?: boolean;
}

/** A reduction into places, with its in-place form. */
export interface ReduceFunction extends Described {
  (input: Tensor, dim: number, index: Tensor, source: Tensor, reduce: Reduction, options?: IncludeSelfOptions): Tensor;
  inPlace(input: Tensor, dim: number, index: Tensor, source: Tensor, reduce: Reduction, options?: IncludeSelfOptions): Tensor;
}

type Functional = (input: Tensor, dim: number, index: Tensor, source: Tensor, reduce: Reduction, options?: IncludeSelfOptions) => Tensor;

function withInPlace(name: string, f: Functional) {
  return Object.assign(f, {
    inPlace: (input: Tensor, ...args: [number, Tensor, Tensor, Reduction, IncludeSelfOptions?]): Tensor =>
      writeInPlace(`${name}_`, input, (old) => f(old, ...args)),
  });
}

const index = (shape: readonly number[], values: readonly number[]) => t(shape, { dtype: 'int64', values, grad: false });
const ALL: readonly Reduction[] = ['sum', 'prod', 'mean', 'amax', 'amin'];

/**
 * `input` with the elements of `src` combined into the places that `index` names along `dim` (see `scatter`): their sum, product, mean, maximum or
 * minimum. With `includeSelf: false` the element of `input` does not take part where others go. Extrema share their gradient evenly.
 *
 * @example
 * scatterReduce(tensor([1, 2]), 0, tensor([0n, 0n, 1n]), tensor([3, 4, 5]), 'sum'); // tensor([8., 7.])
 */
export const scatterReduce: ScatterFunction<'scatterReduce', Tensor, [reduce: Reduction, options?: IncludeSelfOptions]> = described(
  'scatterReduce',
  withInPlace('scatterReduce', (input, dim, indices, src, reduce, options = {}) => {
    requireTensor('scatterReduce', 'input', input);
    requireTensor('scatterReduce', 'src', src);
    const args = scatterArguments('scatterReduce', input, dim, indices, src);
    const source = args.fit?.(args.src as Tensor) ?? (args.src as Tensor);
    requireReduction('scatterReduce', reduce, ALL, input);
    const includeSelf = options.includeSelf !== false;
    const indexing =
      args.at.size === 0
        ? alongDim(
            input.shape,
            args.dim,
            input.shape.map(() => 0),
          )
        : alongDim(input.shape, args.dim, args.at.shape);
    const [at, values] = args.at.size === 0 ? [reshapeEmpty(args.at, input.ndim), reshapeEmpty(source, input.ndim)] : [args.at, source];
    return applyOne(scatterReducing, [input, values, at], { ...indexing, reduce, includeSelf });
  }),
  {
    signature: 'input, dim, index, src, reduce, *, include_self',
    samples: [
      ...ALL.map((reduce) => ({ args: [t([2, 3]), 1, index([2, 3], [0, 0, 2, 1, 1, 1]), t([2, 3], { low: 0.5, high: 3 }), reduce] })),
      ...ALL.map((reduce) => ({
        args: [t([3]), 0, index([4], [0, 0, 2, 0]), t([4], { low: 0.5, high: 3 }), reduce, { includeSelf: false }],
      })),
      { args: [t([]), 0, index([], [0]), t([]), 'sum'] },
    ],
    bad: [
      { args: [t([3]), 0, index([1], [3]), t([1]), 'sum'], error: /index 3 is out of range/ },
      { args: [t([3]), 0, index([1], [0]), t([1]), 'max'], error: /one of sum, prod/ },
    ],
  },
);

function reshapeEmpty(x: Tensor, ndim: number): Tensor {
  return reshape(x, ndim === 0 ? [0] : Array<number>(ndim).fill(0));
}

/**
 * `input` with the slices of `source` combined into those that `index` (one dimension) names along `dim`: their product, mean, maximum or minimum
 * (for a sum see `indexAdd`). With `includeSelf: false` the slice of `input` does not take part where others go. Extrema share their gradient evenly.
 *
 * @example
 * indexReduce(tensor([1, 2]), 0, tensor([0n, 0n]), tensor([3, 4]), 'prod'); // tensor([12., 2.])
 */
export const indexReduce: IndexWriteFunction<'indexReduce', Tensor, [reduce: Reduction, options?: IncludeSelfOptions]> = described(
  'indexReduce',
  withInPlace('indexReduce', (input, dim, indices, source, reduce, options = {}) => {
    const line = lineArguments('indexReduce', input, dim, indices, 'int32 or int64');
    const values = sourceFit('indexReduce', 'source', input, source, line, true)?.(source) ?? source;
    requireReduction('indexReduce', reduce, ['prod', 'mean', 'amax', 'amin'], input);
    return applyOne(indexReducing, [input, values, line.indices], { ...line.indexing, reduce, includeSelf: options.includeSelf !== false });
  }),
  {
    signature: 'input, dim, index, source, reduce, *, include_self',
    samples: (['prod', 'mean', 'amax', 'amin'] as const).flatMap((reduce) => [
      { args: [t([3, 2]), 0, index([4], [2, 0, 2, 2]), t([4, 2], { low: 0.5, high: 3 }), reduce] },
      { args: [t([2, 3]), 1, index([2], [0, 0]), t([2, 2], { low: 0.5, high: 3 }), reduce, { includeSelf: false }] },
    ]),
    bad: [
      { args: [t([3]), 0, index([1], [3]), t([1]), 'prod'], error: /index 3 is out of range/ },
      { args: [t([3]), 0, index([1], [0]), t([1]), 'sum'], error: /one of prod/ },
    ],
  },
);
