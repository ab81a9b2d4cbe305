import { type DTypeInfo, FLOAT64 } from '../../dtype/dtype.ts';
import type { FloatDType, RealDType, RealNumericDType } from '../../dtype/types.ts';
import { t } from '../../op/contract.ts';
import { defaultGenerator, fillUniform } from '../../runtime/random.ts';
import * as S from '../../scalar/expr.ts';
import { normalizeDim } from '../../shape/dims.ts';
import { formatShape } from '../../shape/shape.ts';
import { applyOne } from '../../tensor/apply.ts';
import { tensorOfBytes, typedArrayOf } from '../../tensor/data.ts';
import { draw } from '../../tensor/draw.ts';
import type { MapOperator } from '../../tensor/map-operator.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, ShapeError } from '../../util/errors.ts';
import { type Plan, planned, realFloatOnly, realNumbers, toRealFloat, unarySamples } from '../elementwise.ts';
import { callMap, compositeOperator, described, mapOperator, requireSameType, requireTensor } from '../family.ts';
import { narrow } from '../movement.ts';
import { cast, reshape } from '../structural.ts';
import type { GluFunction, PreluFunction, UnaryFloat, UnarySame } from '../types.ts';

/** Activation functions. Floating dtypes of any shape, unless said otherwise; complex is refused. */

/** Options that every activation with an in-place form has. */
export interface InplaceOptions {
  /** Write the result into the input. Default false. */
  readonly inplace?: boolean;
}

type Rule = (common: DTypeInfo, name: string) => DTypeInfo;

const x = S.arg(0);
const KINKED = unarySamples().map((sample) => ({ ...sample, skipNumericGradient: true }));
const BAD_INTEGER = [{ args: [t([2], { dtype: 'int64', grad: false })], error: /floating/ }];
const BAD_BOOL = [{ args: [t([2], { dtype: 'bool', grad: false })], error: /bool/ }];

function path(name: string): string {
  return `nn.functional.${name}`;
}

function requireInput(name: string, input: Tensor, rule: Rule): DTypeInfo {
  requireTensor(name, 'input', input);
  return rule(input.type, name);
}

/** An activation without parameters. */
function fixed<R extends object>(name: string, expr: S.Expr, options: { rule?: Rule; inplace?: boolean; smooth?: boolean } = {}): R {
  const operator = mapOperator(path(name), 1, 0, () => expr);
  const rule = options.rule ?? realFloatOnly;
  return planned(
    path(name),
    (input: Tensor): Plan => ({ operator, inputs: [input], values: [], compute: requireInput(name, input, rule) }),
    {
      signature: options.inplace === false ? 'input' : 'input, *, inplace',
      samples: options.smooth === false ? KINKED : unarySamples(),
      bad:
        rule === realFloatOnly
          ? BAD_INTEGER
          : rule === toRealFloat
            ? [{ args: [t([2], { dtype: 'complex64' })], error: /complex64/ }]
            : BAD_BOOL,
    },
  );
}

/** An activation with parameters: `values` checks the options and gives them as numbers. */
function tunable<O, R extends object = UnarySame<RealNumericDType, [options?: O]>>(
  name: string,
  operator: MapOperator,
  parameters: string,
  values: (options: O, input: Tensor) => readonly number[],
  description: { samples: readonly object[]; rule?: Rule; bad?: Parameters<typeof planned>[2]['bad'] },
): R {
  const rule = description.rule ?? realFloatOnly;
  return planned(
    path(name),
    (input: Tensor, options?: O): Plan => {
      const compute = requireInput(name, input, rule);
      return { operator, inputs: [input], values: values(options ?? ({} as O), input), compute };
    },
    {
      signature: `input, *, ${parameters}`,
      samples: [...KINKED, ...description.samples.map((options) => ({ args: [t([2, 3]), options], skipNumericGradient: true }))],
      bad: description.bad ?? (rule === realFloatOnly ? BAD_INTEGER : BAD_BOOL),
    },
  );
}

function parametric(name: string, scalars: number, build: (...ps: S.Expr[]) => S.Expr): MapOperator {
  return mapOperator(path(name), 1, scalars, (_, ps) => build(...ps));
}

/**
 * max(x, 0); integers too. The derivative at 0 is 0.
 *
 * @example
 * nn.functional.relu(tensor([-1, 2])); // tensor([0., 2.])
 */
export const relu: UnarySame<RealNumericDType, [options?: InplaceOptions]> = fixed('relu', S.relu(x), { rule: realNumbers, smooth: false });

const between = (low: S.Operand, high: S.Operand): S.Expr =>
  S.select(S.le(x, low), low as S.Expr, S.select(S.ge(x, high), high as S.Expr, x));

/**
 * min(max(x, 0), 6); integers too. The derivative at 0 and at 6 is 0.
 *
 * @example
 * nn.functional.relu6(tensor([-1, 2, 8])); // tensor([0., 2., 6.])
 */
export const relu6: UnarySame<RealNumericDType, [options?: InplaceOptions]> = fixed('relu6', between(S.constant(0), S.constant(6)), {
  rule: realNumbers,
  smooth: false,
});

/** Options of `hardtanh`. */
export interface HardtanhOptions extends InplaceOptions {
  /** Lower bound. Default -1. */
  readonly minVal?: number;
  /** Upper bound. Default 1. */
  readonly maxVal?: number;
}

/**
 * Each element brought into [minVal, maxVal]; integers too. The derivative at the bounds is 0.
 *
 * @example
 * nn.functional.hardtanh(tensor([-2, 0.5, 2])); // tensor([-1.0000,  0.5000,  1.0000])
 */
export const hardtanh = tunable<HardtanhOptions>(
  'hardtanh',
  parametric('hardtanh', 2, (low, high) => between(low as S.Expr, high as S.Expr)),
  'min_val, max_val, inplace',
  ({ minVal = -1, maxVal = 1 }, input) => {
    if (minVal > maxVal) throw new ArgumentError(`hardtanh: minVal ${minVal} is greater than maxVal ${maxVal}`);
    if (minVal < 0 && input.type.isInteger && !input.type.isSigned)
      throw new ArgumentError(`hardtanh: minVal ${minVal} is negative, but the input has the unsigned dtype ${input.dtype}`);
    return [minVal, maxVal];
  },
  { samples: [{ minVal: -0.5, maxVal: 0.25 }], rule: realNumbers, bad: [{ args: [t([2]), { minVal: 1, maxVal: -1 }], error: /greater/ }] },
);

/** Options of `leakyRelu`. */
export interface LeakyReluOptions extends InplaceOptions {
  /** Slope below 0. Default 0.01. */
  readonly negativeSlope?: number;
}

const LEAKY = (slope: S.Expr): S.Expr => S.select(S.gt(x, 0), x, S.mul(slope, x));

/**
 * x above 0, negativeSlope · x below.
 *
 * @example
 * nn.functional.leakyRelu(tensor([-1, 2])); // tensor([-0.0100,  2.0000])
 */
export const leakyRelu = tunable<LeakyReluOptions>(
  'leakyRelu',
  parametric('leakyRelu', 1, (slope) => LEAKY(slope as S.Expr)),
  'negative_slope, inplace',
  ({ negativeSlope = 0.01 }) => [negativeSlope],
  { samples: [{ negativeSlope: 0.2 }] },
);

/** Options of `elu` and `celu`. */
export interface AlphaOptions extends InplaceOptions {
  /** The limit for large negative elements is -alpha. Default 1. */
  readonly alpha?: number;
}

/**
 * x above 0, alpha · (exp(x) - 1) below (Clevert et al., 2015).
 *
 * @example
 * nn.functional.elu(tensor([-1, 2])); // tensor([-0.6321,  2.0000])
 */
export const elu = tunable<AlphaOptions>(
  'elu',
  parametric('elu', 1, (alpha) => S.select(S.le(x, 0), S.mul(alpha as S.Expr, S.expm1(x)), x)),
  'alpha, inplace',
  ({ alpha = 1 }) => [alpha],
  { samples: [{ alpha: 0.5 }] },
);

const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

/**
 * The scaled exponential linear unit, whose constants keep mean 0 and variance 1 (Klambauer et al., 2017).
 *
 * @example
 * nn.functional.selu(tensor([-1, 2])); // tensor([-1.1113,  2.1014])
 */
export const selu: UnarySame<FloatDType, [options?: InplaceOptions]> = fixed(
  'selu',
  S.select(S.le(x, 0), S.mul(SELU_SCALE * SELU_ALPHA, S.expm1(x)), S.mul(SELU_SCALE, x)),
  {
    smooth: false,
  },
);

/**
 * x above 0, alpha · (exp(x / alpha) - 1) below (Barron, 2017). alpha must not be 0.
 *
 * @example
 * nn.functional.celu(tensor([-1, 2]), { alpha: 2 }); // tensor([-0.7869,  2.0000])
 */
export const celu = tunable<AlphaOptions>(
  'celu',
  parametric('celu', 1, (alpha) => S.select(S.le(x, 0), S.mul(alpha as S.Expr, S.expm1(S.div(x, alpha as S.Expr))), x)),
  'alpha, inplace',
  ({ alpha = 1 }) => {
    if (alpha === 0) throw new ArgumentError('celu: alpha must not be 0');
    return [alpha];
  },
  { samples: [{ alpha: 2 }], bad: [{ args: [t([2]), { alpha: 0 }], error: /alpha must not be 0/ }] },
);

/** Options of `gelu`. */
export interface GeluOptions {
  /** `'tanh'`: the approximation by a hyperbolic tangent. Default `'none'`. */
  readonly approximate?: 'none' | 'tanh';
}

const GELU = mapOperator(path('gelu'), 1, 0, () => S.mul(x, S.normalCdf(x)));
const GELU_TANH = mapOperator(path('gelu'), 1, 0, () => {
  const inner = S.mul(Math.sqrt(2 / Math.PI), S.add(x, S.mul(0.044715, S.mul(S.mul(x, x), x))));
  return S.mul(S.mul(0.5, x), S.add(1, S.tanh(inner)));
});

/**
 * x times the normal distribution function of x (Hendrycks and Gimpel, 2016).
 *
 * @example
 * nn.functional.gelu(tensor([-1, 2])); // tensor([-0.1587,  1.9545])
 */
export const gelu: UnarySame<FloatDType, [options?: GeluOptions]> = planned(
  path('gelu'),
  (input: Tensor, options?: GeluOptions): Plan => {
    const approximate = options?.approximate ?? 'none';
    const compute = requireInput('gelu', input, realFloatOnly);
    if (approximate !== 'none' && approximate !== 'tanh')
      throw new ArgumentError(`gelu: approximate must be 'none' or 'tanh', got '${String(approximate)}'`);
    return { operator: approximate === 'none' ? GELU : GELU_TANH, inputs: [input], values: [], compute };
  },
  {
    signature: 'input, *, approximate',
    samples: [...unarySamples(), { args: [t([2, 3]), { approximate: 'tanh' }] }],
    bad: [...BAD_INTEGER, { args: [t([2]), { approximate: 'sine' }], error: /'none' or 'tanh'/ }],
  },
);

/**
 * x · sigmoid(x) (Elfwing et al., 2017).
 *
 * @example
 * nn.functional.silu(tensor([-1, 2])); // tensor([-0.2689,  1.7616])
 */
export const silu: UnarySame<FloatDType, [options?: InplaceOptions]> = fixed('silu', S.mul(x, S.sigmoid(x)));

/**
 * x · tanh(softplus(x)) (Misra, 2019).
 *
 * @example
 * nn.functional.mish(tensor([-1, 2])); // tensor([-0.3034,  1.9440])
 */
export const mish: UnarySame<FloatDType, [options?: InplaceOptions]> = fixed('mish', S.mul(x, S.tanh(S.softplus(x))));

/** Options of `softplus`. */
export interface SoftplusOptions {
  /** Steepness. Default 1. */
  readonly beta?: number;
  /** Above this value of beta · x the result is x. Default 20. */
  readonly threshold?: number;
}

/**
 * log(1 + exp(beta · x)) / beta, a smooth relu.
 *
 * @example
 * nn.functional.softplus(tensor([-1, 2])); // tensor([0.3133, 2.1269])
 */
export const softplus = tunable<SoftplusOptions>(
  'softplus',
  parametric('softplus', 2, (beta, threshold) => {
    const scaled = S.mul(x, beta as S.Expr);
    return S.select(S.gt(scaled, threshold as S.Expr), x, S.div(S.softplus(scaled), beta as S.Expr));
  }),
  'beta, threshold',
  ({ beta = 1, threshold = 20 }) => [beta, threshold],
  { samples: [{ beta: 3, threshold: 1 }] },
);

/**
 * x / (1 + |x|). Integers give the default float.
 *
 * @example
 * nn.functional.softsign(tensor([-1, 3])); // tensor([-0.5000,  0.7500])
 */
export const softsign: UnaryFloat<RealNumericDType> = fixed('softsign', S.div(x, S.add(1, S.abs(x))), {
  rule: (common, name) => toRealFloat(realNumbers(common, name), name),
  inplace: false,
});

/**
 * x - tanh(x). Integers give the default float.
 *
 * @example
 * nn.functional.tanhshrink(tensor([-1, 2])); // tensor([-0.2384,  1.0360])
 */
export const tanhshrink: UnaryFloat<RealDType> = fixed('tanhshrink', S.sub(x, S.tanh(x)), {
  rule: (common, name) => toRealFloat(realNumbers(common, name), name),
  inplace: false,
});

/**
 * log(sigmoid(x)), without overflow.
 *
 * @example
 * nn.functional.logsigmoid(tensor([-1, 2])); // tensor([-1.3133, -0.1269])
 */
export const logsigmoid: UnarySame<FloatDType> = fixed('logsigmoid', S.neg(S.softplus(S.neg(x))), { inplace: false });

/**
 * 0 up to -3, 1 from 3 on, a straight line between. The derivative at -3 and at 3 is 0.
 *
 * @example
 * nn.functional.hardsigmoid(tensor([-4, 0, 4])); // tensor([0.0000, 0.5000, 1.0000])
 */
export const hardsigmoid: UnarySame<FloatDType, [options?: InplaceOptions]> = fixed(
  'hardsigmoid',
  S.select(S.le(x, -3), 0, S.select(S.ge(x, 3), 1, S.div(S.add(x, 3), 6))),
  {
    smooth: false,
  },
);

/**
 * x · hardsigmoid(x) (Howard et al., 2019).
 *
 * @example
 * nn.functional.hardswish(tensor([-4, 1, 4])); // tensor([0.0000, 0.6667, 4.0000])
 */
export const hardswish: UnarySame<FloatDType, [options?: InplaceOptions]> = fixed(
  'hardswish',
  S.select(S.le(x, -3), 0, S.select(S.ge(x, 3), x, S.div(S.mul(x, S.add(x, 3)), 6))),
  {
    smooth: false,
  },
);

/** Options of `hardshrink` and `softshrink`. */
export interface ShrinkOptions {
  /** Half the width of what becomes 0. Default 0.5. */
  readonly lambd?: number;
}

/**
 * 0 in [-lambd, lambd], x elsewhere.
 *
 * @example
 * nn.functional.hardshrink(tensor([-1, 0.25, 2])); // tensor([-1.,  0.,  2.])
 */
export const hardshrink = tunable<ShrinkOptions>(
  'hardshrink',
  parametric('hardshrink', 1, (l) => S.select(S.and(S.ge(x, S.neg(l as S.Expr)), S.le(x, l as S.Expr)), 0, x)),
  'lambd',
  ({ lambd = 0.5 }) => [lambd],
  { samples: [{ lambd: 0.25 }] },
);

/**
 * x moved by lambd towards 0, and 0 in [-lambd, lambd]. lambd must not be negative.
 *
 * @example
 * nn.functional.softshrink(tensor([-1, 0.25, 2])); // tensor([-0.5000,  0.0000,  1.5000])
 */
export const softshrink = tunable<ShrinkOptions>(
  'softshrink',
  parametric('softshrink', 1, (l) => {
    const lambd = l as S.Expr;
    return S.select(S.gt(x, lambd), S.sub(x, lambd), S.select(S.lt(x, S.neg(lambd)), S.add(x, lambd), S.mul(x, 0)));
  }),
  'lambd',
  ({ lambd = 0.5 }) => {
    if (!(lambd >= 0)) throw new ArgumentError(`softshrink: lambd must not be negative, got ${lambd}`);
    return [lambd];
  },
  { samples: [{ lambd: 0.25 }], bad: [{ args: [t([2]), { lambd: -1 }], error: /negative/ }] },
);

const THRESHOLD = parametric('threshold', 2, (limit, value) => S.select(S.le(x, limit as S.Expr), value as S.Expr, x));

/**
 * x above `threshold`, `value` elsewhere; integers too.
 *
 * @example
 * nn.functional.threshold(tensor([-1, 0.5, 2]), 1, 0); // tensor([0., 0., 2.])
 */
export const threshold: UnarySame<RealNumericDType, [threshold: number, value: number, options?: InplaceOptions]> = planned(
  path('threshold'),
  (input: Tensor, limit: number, value: number, _options?: InplaceOptions): Plan => {
    const compute = requireInput('threshold', input, realNumbers);
    for (const [role, number] of [
      ['threshold', limit],
      ['value', value],
    ] as const) {
      if (typeof number !== 'number') throw new ArgumentError(`threshold: ${role} must be a number, got ${typeof number}`);
    }
    return { operator: THRESHOLD, inputs: [input], values: [limit, value], compute };
  },
  {
    signature: 'input, threshold, value, *, inplace',
    samples: [[2, 3], [], [0, 3]].map((shape) => ({ args: [t(shape), 0.5, -1], skipNumericGradient: true })),
    bad: [{ args: [t([2], { dtype: 'bool', grad: false }), 0, 1], error: /bool/ }],
  },
);

const PRELU = mapOperator(path('prelu'), 2, 0, ([v, w]) => S.select(S.gt(v as S.Expr, 0), v as S.Expr, S.mul(w as S.Expr, v as S.Expr)));

const preluOperator = compositeOperator<null>(path('prelu'), ([input, weight]) => {
  const x = input as Tensor;
  return callMap(PRELU, [x, alignedSlopes(x, weight as Tensor)], [], x.type);
});

function checkSlopes(input: Tensor, weight: Tensor): void {
  if (weight.ndim > 1) throw new ShapeError(`prelu: weight must have at most one dimension, got ${formatShape(weight.shape)}`);
  if (weight.size !== 1) {
    const channels = input.ndim < 2 ? 1 : (input.shape[1] as number);
    if (input.ndim === 0 || channels !== weight.size) {
      throw new ShapeError(
        `prelu: weight ${formatShape(weight.shape)} must have one element, or one for each of the ${channels} channels of input ${formatShape(input.shape)}`,
      );
    }
  }
}

/** The slopes in a shape that broadcasts along dimension 1. */
function alignedSlopes(input: Tensor, weight: Tensor): Tensor {
  return input.ndim === 0
    ? reshape(weight, [])
    : reshape(
        weight,
        input.shape.map((_, i) => (i === Math.min(1, input.ndim - 1) ? weight.size : 1)),
      );
}

/**
 * x above 0, weight · x below, with one learned slope or one for each channel (dimension 1) (He et al., 2015). Both need one floating dtype.
 *
 * @example
 * nn.functional.prelu(tensor([-1, 2]), tensor([0.25])); // tensor([-0.2500,  2.0000])
 */
export const prelu: PreluFunction = described(
  path('prelu'),
  (input: Tensor, weight: Tensor): Tensor => {
    requireTensor('prelu', 'weight', weight);
    const compute = requireInput('prelu', input, realFloatOnly);
    requireSameType('prelu', 'weight', input, weight);
    checkSlopes(input, weight);
    const fits = weight.ndim <= input.ndim && (weight.size === 1 || input.ndim === 2);
    return fits ? applyOne(PRELU, [input, weight], { values: [], compute }) : applyOne(preluOperator, [input, weight], null);
  },
  {
    signature: 'input, weight',
    samples: [
      { args: [t([2, 3]), t([3])], skipNumericGradient: true },
      { args: [t([2, 3, 2]), t([1])], skipNumericGradient: true },
      { args: [t([]), t([1])], skipNumericGradient: true },
    ],
    bad: [{ args: [t([2, 3]), t([2])], error: /3 channels/ }],
  },
);

/** Options of `rrelu`. */
export interface RreluOptions extends InplaceOptions {
  /** Lower bound of the slopes. Default 1/8. */
  readonly lower?: number;
  /** Upper bound of the slopes. Default 1/3. */
  readonly upper?: number;
  /** Draw the slopes; otherwise they are the mean of the bounds. Default false. */
  readonly training?: boolean;
}

const RRELU = parametric('rrelu', 1, (slope) => LEAKY(slope as S.Expr));
const RRELU_DRAWN = mapOperator(path('rrelu'), 2, 0, ([v, w]) =>
  S.select(S.le(v as S.Expr, 0), S.mul(w as S.Expr, v as S.Expr), v as S.Expr),
);

/** Slopes as PyTorch draws them: in double precision, for the elements that are not above 0, in their order. */
function drawSlopes(input: Tensor, lower: number, upper: number): Tensor {
  return draw('nn.functional.rrelu', [input], input.shape, ([x]) => slopesOf(x as Tensor, lower, upper));
}

function slopesOf(input: Tensor, lower: number, upper: number): Tensor {
  const values = typedArrayOf(input) as Float32Array | Float64Array;
  const slopes = new Float64Array(values.length);
  let count = 0;
  for (const value of values) if (value <= 0) count++;
  const drawn = fillUniform(defaultGenerator, new Float64Array(count), lower, upper);
  let next = 0;
  for (let i = 0; i < values.length; i++) if ((values[i] as number) <= 0) slopes[i] = drawn[next++] as number;
  return cast(tensorOfBytes(new Uint8Array(slopes.buffer), input.shape, FLOAT64), input.type);
}

/**
 * x above 0, slope · x below: slopes are drawn from [lower, upper) for each element while training, and are their mean otherwise (Xu et al., 2015).
 *
 * @example
 * nn.functional.rrelu(tensor([-48, 2])); // tensor([-11.,   2.])
 */
export const rrelu: UnarySame<FloatDType, [options?: RreluOptions]> = planned(
  path('rrelu'),
  (input: Tensor, options: RreluOptions = {}): Plan => {
    const { lower = 1 / 8, upper = 1 / 3, training = false } = options;
    const compute = requireInput('rrelu', input, realFloatOnly);
    if (!(lower <= upper)) throw new ArgumentError(`rrelu: lower ${lower} is greater than upper ${upper}`);
    if (!training) return { operator: RRELU, inputs: [input], values: [(lower + upper) / 2], compute };
    return { operator: RRELU_DRAWN, inputs: [input, drawSlopes(input, lower, upper)], values: [], compute };
  },
  {
    signature: 'input, *, lower, upper, training, inplace',
    samples: [...KINKED, { args: [t([2, 3]), { lower: 0.1, upper: 0.2 }], skipNumericGradient: true }],
    bad: [...BAD_INTEGER, { args: [t([2]), { lower: 0.3, upper: 0.1 }], error: /greater/ }],
  },
);

const GATE = mapOperator('mul', 2, 0, ([a, b]) => S.mul(a as S.Expr, S.sigmoid(b as S.Expr)));

const gluOperator = compositeOperator<number>(path('glu'), ([source], dim) => {
  const input = source as Tensor;
  const half = (input.shape[dim] as number) / 2;
  return applyOne(GATE, [narrow(input, dim, 0, half), narrow(input, dim, half, half)], { values: [], compute: input.type });
});

/**
 * The first half along `dim` times the sigmoid of the second (Dauphin et al., 2016). `dim` (default the last) must have an even size.
 *
 * @example
 * nn.functional.glu(tensor([1, 2, 0, 0])); // tensor([0.5000, 1.0000])
 */
export const glu: GluFunction<'glu'> = described(
  path('glu'),
  (input: Tensor, dim: number = -1): Tensor => {
    requireInput('glu', input, realFloatOnly);
    if (input.ndim === 0) throw new ShapeError('glu: a tensor without dimensions has no halves');
    const axis = normalizeDim('glu', dim, input.ndim);
    if ((input.shape[axis] as number) % 2 !== 0)
      throw new ShapeError(`glu: dimension ${axis} of ${formatShape(input.shape)} must have an even size`);
    return applyOne(gluOperator, [input], axis);
  },
  {
    signature: 'input, dim?',
    samples: [{ args: [t([2, 4])] }, { args: [t([4, 3]), 0] }, { args: [t([0, 2])] }],
    bad: [{ args: [t([3])], error: /even/ }],
  },
);
