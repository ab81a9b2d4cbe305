import { FLOAT32, FLOAT64 } from '../../dtype/dtype.ts';
import { toFloatType } from '../../dtype/promotion.ts';
import type { FloatDType, RealDType } from '../../dtype/types.ts';
import { type Operator, t } from '../../op/contract.ts';
import * as S from '../../scalar/expr.ts';
import { formatShape, sameShape } from '../../shape/shape.ts';
import { applyMany, applyOne } from '../../tensor/apply.ts';
import { mapInPlace } from '../../tensor/inplace.ts';
import { withGradMode } from '../../tensor/modes.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../../util/errors.ts';
import { requireWhole } from '../../util/whole.ts';
import { fullTensor } from '../create.ts';
import { callMap, compositeOperator, described, floatOnly, mapOperator, realOnly, requireDims, requireTensor } from '../family.ts';
import { catTensors } from '../join.ts';
import { ADD, SQUARE } from '../maps.ts';
import { sliceDim } from '../movement.ts';
import { countOf, meanOver } from '../reduction.ts';
import { reshape } from '../structural.ts';
import type { GroupsNorm, LastDimsNorm, ThenOptions, UnarySame } from '../types.ts';
import { replaced } from '../view.ts';
import { type NormalizationParams, normalizationOperator, rootMeanSquareOperator } from './normalize-core.ts';

type Maybe = Tensor | null | undefined;

export interface EpsOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number | null;
}

/** Refuses an input that cannot be normalised, and parameters of another dtype or shape. */
function checkInputs(name: string, input: Tensor, parameters: Readonly<Record<string, Maybe>>, shape: readonly number[] | null): void {
  requireTensor(name, 'input', input);
  realOnly(floatOnly(input.type, name), name);
  for (const [role, x] of Object.entries(parameters)) {
    if (x === null || x === undefined) continue;
    requireTensor(name, role, x);
    if (x.type !== input.type)
      throw new DTypeError(`${name}: ${role} has dtype ${x.dtype}, the input ${input.dtype}: cast one with .to(…)`);
    if (shape !== null && !sameShape(x.shape, shape))
      throw new ShapeError(`${name}: ${role} must have shape ${formatShape(shape)}, got ${formatShape(x.shape)}`);
  }
}

function present(...xs: readonly Maybe[]): Tensor[] {
  return xs.filter((x): x is Tensor => x !== null && x !== undefined);
}

/** The trailing dimensions that are normalised together. */
function trailing(name: string, input: Tensor, normalizedShape: number | readonly number[]): number[] {
  const shape = typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape];
  if (shape.length === 0) throw new ShapeError(`${name}: normalizedShape must name at least one dimension`);
  requireTensor(name, 'input', input);
  const own = input.shape.slice(Math.max(0, input.ndim - shape.length));
  if (input.ndim < shape.length || !sameShape(own, shape)) {
    throw new ShapeError(
      `${name}: normalizedShape ${formatShape(shape)} must be the last dimensions of the input, which has shape ${formatShape(input.shape)}`,
    );
  }
  return shape;
}

function trailingParams(input: Tensor, shape: readonly number[], eps: number, weight: Maybe, bias: Maybe): NormalizationParams {
  const first = input.ndim - shape.length;
  return {
    seen: input.shape,
    dims: shape.map((_, i) => first + i),
    eps,
    affine: input.shape.map((size, d) => (d < first ? 1 : size)),
    weighted: present(weight).length === 1,
    biased: present(bias).length === 1,
  };
}

// ---------------------------------------------------------------- layerNorm, rmsNorm

const TRAILING_BAD = [
  { args: [t([2, 3]), [2]], error: /last dimensions/ },
  { args: [t([2, 3]), []], error: /at least one/ },
  { args: [t([2, 3]), [3], t([2])], error: /shape \[3\]/ },
];

function layerNormed(name: string) {
  const operator = normalizationOperator(name);
  return (input: Tensor, normalizedShape: number | readonly number[], weight: Maybe, bias: Maybe, options: EpsOptions): Tensor[] => {
    const shape = trailing(name, input, normalizedShape);
    checkInputs(name, input, { weight, bias }, shape);
    return applyMany(operator, [input, ...present(weight, bias)], trailingParams(input, shape, options.eps ?? 1e-5, weight, bias));
  };
}

const layerNormOf = layerNormed('nn.functional.layerNorm');
const nativeLayerNormOf = layerNormed('nativeLayerNorm');

/**
 * Normalises the last dimensions, those of `normalizedShape`, to mean 0 and variance 1, then scales by `weight` and shifts by `bias`, which have that
 * shape. Needs a floating dtype. Ba, Kiros, Hinton, "Layer Normalization", 2016.
 *
 * @example
 * nn.functional.layerNorm(tensor([[1, 3]]), [2]); // tensor([[-1.0000, 1.0000]])
 */
export const layerNorm: LastDimsNorm<'layerNorm', ThenOptions<[weight: Maybe, bias: Maybe], EpsOptions>> = described(
  'nn.functional.layerNorm',
  (input: Tensor, normalizedShape: number | readonly number[], weight?: Maybe, bias?: Maybe, options: EpsOptions = {}): Tensor =>
    layerNormOf(input, normalizedShape, weight, bias, options)[0] as Tensor,
  {
    signature: 'input, normalized_shape, weight?, bias?, *, eps',
    samples: [
      { args: [t([2, 3]), [3]] },
      { args: [t([2, 3]), [3], t([3]), t([3])] },
      { args: [t([2, 3, 4]), [3, 4], t([3, 4]), null, { eps: 0.1 }] },
    ],
    bad: TRAILING_BAD,
  },
);

/**
 * `layerNorm` with its statistics: result, mean and inverse standard deviation, the latter two with the normalised dimensions of size 1.
 *
 * @example
 * nativeLayerNorm(tensor([[1, 3]]), [2], null, null, { eps: 0 })[1]; // tensor([[2.]])
 */
export const nativeLayerNorm = described(
  'nativeLayerNorm',
  (
    input: Tensor,
    normalizedShape: number | readonly number[],
    weight?: Maybe,
    bias?: Maybe,
    options: EpsOptions = {},
  ): [Tensor, Tensor, Tensor] => nativeLayerNormOf(input, normalizedShape, weight, bias, options).slice(0, 3) as [Tensor, Tensor, Tensor],
  {
    signature: 'input, normalized_shape, weight?, bias?, *, eps',
    samples: [{ args: [t([2, 3]), [3], t([3]), t([3]), { eps: 0.1 }] }],
    bad: TRAILING_BAD,
  },
);

const rmsOperator = rootMeanSquareOperator('nn.functional.rmsNorm');

/** The distance of 1 to the next number. */
const EPSILONS = new Map([
  [FLOAT32, 2 ** -23],
  [FLOAT64, 2 ** -52],
]);

/**
 * Divides the last dimensions, those of `normalizedShape`, by their root mean square, then scales by `weight`, which has that shape. `eps` is the
 * dtype's machine epsilon by default. Zhang, Sennrich, "Root Mean Square Layer Normalization", 2019.
 *
 * @example
 * nn.functional.rmsNorm(tensor([[3, 3]]), [2]); // tensor([[1., 1.]])
 */
export const rmsNorm: LastDimsNorm<'rmsNorm', ThenOptions<[weight: Maybe], EpsOptions>> = described(
  'nn.functional.rmsNorm',
  (input: Tensor, normalizedShape: number | readonly number[], weight?: Maybe, options: EpsOptions = {}): Tensor => {
    const name = 'nn.functional.rmsNorm';
    const shape = trailing(name, input, normalizedShape);
    checkInputs(name, input, { weight }, shape);
    const eps = options.eps ?? EPSILONS.get(input.type) ?? 2 ** -10;
    return applyMany(rmsOperator, [input, ...present(weight)], trailingParams(input, shape, eps, weight, null))[0] as Tensor;
  },
  {
    signature: 'input, normalized_shape, weight?, *, eps',
    samples: [{ args: [t([2, 3]), [3]] }, { args: [t([2, 3]), [3], t([3])] }, { args: [t([2, 3, 4]), [3, 4], t([3, 4]), { eps: 0.1 }] }],
    bad: TRAILING_BAD,
  },
);

// ---------------------------------------------------------------- groups of channels

function groupParams(name: string, input: Tensor, groups: number, eps: number, weight: Maybe, bias: Maybe): NormalizationParams {
  requireTensor(name, 'input', input);
  if (input.ndim < 2) throw new ShapeError(`${name}: the input needs a batch and a channel dimension, got ${formatShape(input.shape)}`);
  const [batch, channels] = input.shape as readonly [number, number];
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new ArgumentError(`${name}: ${channels} channels cannot be divided into ${groups} groups`);
  checkInputs(name, input, { weight, bias }, [channels]);
  const rest = input.shape.slice(2).reduce((n, size) => n * size, 1);
  const each = channels / groups;
  return {
    seen: [batch, groups, each, rest],
    dims: [2, 3],
    eps,
    affine: [1, groups, each, 1],
    weighted: present(weight).length === 1,
    biased: present(bias).length === 1,
  };
}

const groupNormOperator = normalizationOperator('nn.functional.groupNorm');
const groupStatistics = normalizationOperator('nativeGroupNorm');
const nativeGroupNormOperator = compositeOperator<NormalizationParams>('nativeGroupNorm', (inputs, params) => {
  const [result, mean, inverse] = applyMany(groupStatistics, inputs, params) as [Tensor, Tensor, Tensor];
  const shape = params.seen.slice(0, 2);
  return [result, reshape(mean, shape), reshape(inverse, shape)];
});

/**
 * Normalises groups of channels of each example: `input` [N, C, …], C divided into `numGroups`; `weight` and `bias` [C].
 * Wu, He, "Group Normalization", 2018.
 *
 * @example
 * nn.functional.groupNorm(tensor([[1, 3, 5, 7]]), 2); // tensor([[-1.0000, 1.0000, -1.0000, 1.0000]])
 */
export const groupNorm: GroupsNorm<'groupNorm', EpsOptions> = described(
  'nn.functional.groupNorm',
  (input: Tensor, numGroups: number, weight?: Maybe, bias?: Maybe, options: EpsOptions = {}): Tensor => {
    const params = groupParams('nn.functional.groupNorm', input, numGroups, options.eps ?? 1e-5, weight, bias);
    return applyMany(groupNormOperator, [input, ...present(weight, bias)], params)[0] as Tensor;
  },
  {
    signature: 'input, num_groups, weight?, bias?, *, eps',
    samples: [{ args: [t([2, 4, 3]), 2] }, { args: [t([2, 4, 3]), 2, t([4]), t([4]), { eps: 0.1 }] }, { args: [t([1, 3]), 1, t([3])] }],
    bad: [
      { args: [t([2, 7, 4]), 2], error: /7 channels cannot be divided into 2 groups/ },
      { args: [t([1]), 1], error: /batch and a channel/ },
    ],
  },
);

/**
 * `groupNorm` with its statistics: result, mean and inverse standard deviation of shape [N, groups]. The sizes are repeated as PyTorch has them.
 *
 * @example
 * nativeGroupNorm(tensor([[1, 3]]), null, null, 1, 2, 1, 1, 0)[1]; // tensor([[2.]])
 */
export const nativeGroupNorm = described(
  'nativeGroupNorm',
  (
    input: Tensor,
    weight: Maybe,
    bias: Maybe,
    _N: number,
    _C: number,
    _HxW: number,
    group: number,
    eps: number,
  ): [Tensor, Tensor, Tensor] => {
    const params = groupParams('nativeGroupNorm', input, group, eps, weight, bias);
    return applyMany(nativeGroupNormOperator, [input, ...present(weight, bias)], params) as [Tensor, Tensor, Tensor];
  },
  {
    signature: 'input, weight, bias, N, C, HxW, group, eps',
    samples: [{ args: [t([2, 4, 3]), t([4]), t([4]), 2, 4, 3, 2, 0.1] }],
    bad: [{ args: [t([2, 7, 4]), null, null, 2, 7, 4, 2, 0.1], error: /7 channels/ }],
  },
);

// ---------------------------------------------------------------- batchNorm, instanceNorm

/** running · (1 - momentum) + statistic · momentum, the variance with the correction of a sample. */
const RUNNING = mapOperator('lerp', 2, 2, ([old, now], [momentum, factor]) =>
  S.add(S.mul(S.sub(1, momentum as S.Expr), old as S.Expr), S.mul(S.mul(now as S.Expr, factor as S.Expr), momentum as S.Expr)),
);

/** Moves running statistics towards those of a batch, outside of any graph. */
function updateRunning(name: string, running: Maybe, statistic: Tensor, momentum: number, factor: number): void {
  if (running === null || running === undefined) return;
  withGradMode(false, () =>
    mapInPlace(name, running, RUNNING, [running, reshape(statistic, running.shape)], { values: [momentum, factor], compute: running.type }),
  );
}

const FROM_RUNNING = {
  plain: mapOperator('batchNorm', 3, 1, (xs, ps) => fromRunning(xs, ps)),
  weight: mapOperator('batchNorm', 4, 1, (xs, ps) => S.mul(fromRunning(xs, ps), xs[3] as S.Expr)),
  bias: mapOperator('batchNorm', 4, 1, (xs, ps) => S.add(fromRunning(xs, ps), xs[3] as S.Expr)),
  both: mapOperator('batchNorm', 5, 1, (xs, ps) => S.add(S.mul(fromRunning(xs, ps), xs[3] as S.Expr), xs[4] as S.Expr)),
};

function fromRunning([x, m, v]: readonly S.Expr[], [eps]: readonly S.Expr[]): S.Expr {
  return S.mul(S.sub(x as S.Expr, m as S.Expr), S.rsqrt(S.add(v as S.Expr, eps as S.Expr)));
}

interface RunningParams {
  readonly form: keyof typeof FROM_RUNNING;
  readonly eps: number;
}

/** Normalises by statistics that were gathered before. */
function runningOperator(name: string) {
  return compositeOperator<RunningParams>(name, ([input, ...channels], { form, eps }) => {
    const x = input as Tensor;
    const shape = x.shape.map((size, d) => (d === 1 ? size : 1));
    return callMap(FROM_RUNNING[form], [x, ...channels.map((c) => reshape(c, shape))], [eps], x.type);
  });
}

interface Running {
  readonly mean: Maybe;
  readonly variance: Maybe;
}

export interface RunningOptions extends EpsOptions {
  /** How far the running statistics move: 0.1 by default. */
  readonly momentum?: number;
}

function formOf(weight: Maybe, bias: Maybe): RunningParams['form'] {
  const [weighted, biased] = [present(weight).length === 1, present(bias).length === 1];
  return weighted ? (biased ? 'both' : 'weight') : biased ? 'bias' : 'plain';
}

/** Parameters that normalise `dims` of an input with channels in dimension 1. */
function channelParams(input: Tensor, dims: readonly number[], eps: number, weight: Maybe, bias: Maybe): NormalizationParams {
  return {
    seen: input.shape,
    dims,
    eps,
    affine: input.shape.map((size, d) => (d === 1 ? size : 1)),
    weighted: present(weight).length === 1,
    biased: present(bias).length === 1,
  };
}

function batchNormed(name: string, operator: Operator<Tensor, NormalizationParams> = normalizationOperator(name)) {
  const evaluation = runningOperator(name);
  /** The result, and in training its statistics. */
  return (input: Tensor, running: Running, weight: Maybe, bias: Maybe, training: boolean, momentum: number, eps: number): Tensor[] => {
    requireTensor(name, 'input', input);
    const channels = input.shape[1] ?? 0;
    checkInputs(name, input, { weight, bias, runningMean: running.mean, runningVar: running.variance }, [channels]);
    if (!(training ? eps > 0 : eps >= 0))
      throw new ArgumentError(`${name}: eps must be ${training ? 'positive in training' : 'at least 0'}, got ${eps}`);
    if (input.ndim < 2) {
      if (input.ndim === 0 || input.size > 0)
        throw new ShapeError(`${name}: the input needs a batch and a channel dimension, got ${formatShape(input.shape)}`);
      return [input];
    }
    const dims = input.shape.map((_, d) => d).filter((d) => d !== 1);
    const count = countOf(input.shape, dims);
    if (!training) {
      if (present(running.mean, running.variance).length < 2)
        throw new ArgumentError(`${name}: without training the running mean and variance are needed`);
      return [applyOne(evaluation, [input, ...present(running.mean, running.variance, weight, bias)], { form: formOf(weight, bias), eps })];
    }
    if (count === 1)
      throw new ShapeError(`${name}: training needs more than one value for each channel, got an input of ${formatShape(input.shape)}`);
    const outputs = applyMany(operator, [input, ...present(weight, bias)], channelParams(input, dims, eps, weight, bias));
    if (count > 0) {
      updateRunning(name, running.mean, outputs[1] as Tensor, momentum, 1);
      updateRunning(name, running.variance, outputs[3] as Tensor, momentum, count / (count - 1));
    }
    return outputs;
  };
}

const batchNormOf = batchNormed('nn.functional.batchNorm');
const batchStatistics = normalizationOperator('nativeBatchNorm');
const nativeBatchNormOf = batchNormed(
  'nativeBatchNorm',
  compositeOperator<NormalizationParams>('nativeBatchNorm', (inputs, params) => {
    const [result, ...lines] = applyMany(batchStatistics, inputs, params) as [Tensor, ...Tensor[]];
    return [result, ...lines.map((x) => reshape(x, [x.size]))];
  }),
);

/**
 * Normalises each channel over the batch: `input` [N, C, …], all others [C]. In training by the batch's own statistics, towards which `runningMean`
 * and `runningVar` are moved in place by `momentum`; else by those. Ioffe, Szegedy, "Batch Normalization", 2015.
 *
 * @example
 * nn.functional.batchNorm(tensor([[1], [3]]), zeros([1]), ones([1]), null, null, { training: true }); // tensor([[-1.0000], [1.0000]])
 */
export const batchNorm: UnarySame<
  FloatDType,
  [
    runningMean: Maybe,
    runningVar: Maybe,
    ...rest: ThenOptions<[weight: Maybe, bias: Maybe], RunningOptions & { readonly training?: boolean }>,
  ]
> = described(
  'nn.functional.batchNorm',
  (
    input: Tensor,
    runningMean: Maybe,
    runningVar: Maybe,
    weight?: Maybe,
    bias?: Maybe,
    options: RunningOptions & { readonly training?: boolean } = {},
  ): Tensor =>
    batchNormOf(
      input,
      { mean: runningMean, variance: runningVar },
      weight,
      bias,
      options.training === true,
      options.momentum ?? 0.1,
      options.eps ?? 1e-5,
    )[0] as Tensor,
  {
    signature: 'input, running_mean, running_var, weight?, bias?, *, training, momentum, eps',
    samples: [
      { args: [t([4, 2]), null, null, t([2]), t([2]), { training: true }] },
      { args: [t([2, 3, 4]), t([3], { grad: false }), t([3], { low: 0.5, high: 2, grad: false }), t([3]), t([3])] },
      { args: [t([3, 2, 2, 2]), null, null, null, null, { training: true, eps: 0.1 }] },
    ],
    bad: [
      { args: [t([1, 2]), null, null, null, null, { training: true }], error: /more than one value/ },
      { args: [t([3, 2]), null, null], error: /running mean and variance are needed/ },
      { args: [t([3, 2]), t([3]), t([3])], error: /shape \[2\]/ },
    ],
  },
);

/**
 * `batchNorm` with its statistics: result, mean and inverse standard deviation of shape [C] (empty without training).
 *
 * @example
 * nativeBatchNorm(tensor([[1], [3]]), null, null, null, null, true, 0.1, 1e-5)[1]; // tensor([2.])
 */
export const nativeBatchNorm = described(
  'nativeBatchNorm',
  (
    input: Tensor,
    weight: Maybe,
    bias: Maybe,
    runningMean: Maybe,
    runningVar: Maybe,
    training: boolean,
    momentum: number,
    eps: number,
  ): [Tensor, Tensor, Tensor] => {
    const [result, mean, inverse] = nativeBatchNormOf(
      input,
      { mean: runningMean, variance: runningVar },
      weight,
      bias,
      training,
      momentum,
      eps,
    );
    const none = (): Tensor => fullTensor([0], 0, input.type);
    return [result as Tensor, mean ?? none(), inverse ?? none()];
  },
  {
    signature: 'input, weight, bias, running_mean, running_var, training, momentum, eps',
    samples: [{ args: [t([4, 2]), t([2]), t([2]), null, null, true, 0.1, 1e-5] }],
    bad: [{ args: [t([1, 2]), null, null, null, null, true, 0.1, 1e-5], error: /more than one value/ }],
  },
);

const instanceNormOperator = normalizationOperator('nn.functional.instanceNorm');
const instanceEvaluation = runningOperator('nn.functional.instanceNorm');

/**
 * Normalises each channel of each example: `input` [N, C, …]. Running statistics (of shape [C]) move by `momentum` towards the average over the batch;
 * with `useInputStats: false` they take the place of the input's own. Ulyanov, Vedaldi, Lempitsky, "Instance Normalization", 2016.
 *
 * @example
 * nn.functional.instanceNorm(tensor([[[1, 3]]])); // tensor([[[-1.0000, 1.0000]]])
 */
export const instanceNorm: UnarySame<
  FloatDType,
  ThenOptions<[runningMean: Maybe, runningVar: Maybe, weight: Maybe, bias: Maybe], RunningOptions & { readonly useInputStats?: boolean }>
> = described(
  'nn.functional.instanceNorm',
  (
    input: Tensor,
    runningMean?: Maybe,
    runningVar?: Maybe,
    weight?: Maybe,
    bias?: Maybe,
    options: RunningOptions & { readonly useInputStats?: boolean } = {},
  ): Tensor => {
    const name = 'nn.functional.instanceNorm';
    if (input.ndim < 3)
      throw new ShapeError(`${name}: the input needs batch, channel and at least one more dimension, got ${formatShape(input.shape)}`);
    checkInputs(name, input, { runningMean, runningVar, weight, bias }, [input.shape[1] as number]);
    const eps = options.eps ?? 1e-5;
    if (options.useInputStats === false) {
      if (present(runningMean, runningVar).length < 2)
        throw new ArgumentError(`${name}: without the input's statistics the running mean and variance are needed`);
      return applyOne(instanceEvaluation, [input, ...present(runningMean, runningVar, weight, bias)], { form: formOf(weight, bias), eps });
    }
    const dims = input.shape.map((_, d) => d).slice(2);
    const count = countOf(input.shape, dims);
    if (count === 1) throw new ShapeError(`${name}: each channel needs more than one value, got an input of ${formatShape(input.shape)}`);
    const [result, mean, , variance] = applyMany(
      instanceNormOperator,
      [input, ...present(weight, bias)],
      channelParams(input, dims, eps, weight, bias),
    ) as [Tensor, Tensor, Tensor, Tensor];
    const momentum = options.momentum ?? 0.1;
    if (input.size > 0) {
      updateRunning(name, runningMean, overBatch(mean), momentum, 1);
      updateRunning(name, runningVar, overBatch(variance), momentum, count / (count - 1));
    }
    return result;
  },
  {
    signature: 'input, running_mean?, running_var?, weight?, bias?, *, use_input_stats, momentum, eps',
    tensors: 1,
    samples: [{ args: [t([2, 3, 4])] }, { args: [t([2, 3, 4]), null, null, t([3]), t([3]), { eps: 0.1 }] }],
    bad: [
      { args: [t([2, 3])], error: /at least one more/ },
      { args: [t([2, 3, 1])], error: /more than one value/ },
    ],
  },
);

/** Statistics averaged over the first dimension. */
function overBatch(x: Tensor): Tensor {
  return withGradMode(false, () => meanOver(x, [0]));
}

// ---------------------------------------------------------------- localResponseNorm

const WHOLE_AVERAGE = mapOperator('floorDivide', 1, 1, ([x], [n]) => S.floorDivide(x as S.Expr, n as S.Expr));
const RESPONSE = mapOperator('localResponseNorm', 2, 4, ([x, sum], [n, alpha, beta, k]) =>
  S.div(x as S.Expr, S.pow(S.add(S.mul(S.div(sum as S.Expr, n as S.Expr), alpha as S.Expr), k as S.Expr), beta as S.Expr)),
);

interface ResponseParams {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;
}

const localResponseOperator = compositeOperator<ResponseParams>('nn.functional.localResponseNorm', ([input], { size, alpha, beta, k }) => {
  const x = input as Tensor;
  const channels = x.shape[1] as number;
  const zeros = (count: number): Tensor[] => (count === 0 ? [] : [fullTensor(replaced(x.shape, 1, count), 0, x.type)]);
  const before = Math.floor(size / 2);
  const padded = catTensors([...zeros(before), callMap(SQUARE, [x], [], x.type), ...zeros(size - 1 - before)], 1);
  let sum = sliceDim(padded, 1, 0, channels);
  for (let i = 1; i < size; i++) sum = callMap(ADD, [sum, sliceDim(padded, 1, i, channels)], [], x.type);
  const type = toFloatType(x.type);
  // An average of integers is an integer, as pooling has it.
  if (type !== x.type) return callMap(RESPONSE, [x, callMap(WHOLE_AVERAGE, [sum], [size], x.type)], [1, alpha, beta, k], type);
  return callMap(RESPONSE, [x, sum], [size, alpha, beta, k], type);
});

export interface ResponseOptions {
  readonly alpha?: number;
  readonly beta?: number;
  readonly k?: number;
}

/**
 * x / (k + alpha · average of x² over `size` neighbouring channels) ** beta: `input` [N, C, …] with at least 3 dimensions; channels beyond the edges
 * count as 0. Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012.
 *
 * @example
 * nn.functional.localResponseNorm(ones([1, 1, 1]), 1, { alpha: 1, beta: 1, k: 1 }); // tensor([[[0.5000]]])
 */
export const localResponseNorm: UnarySame<RealDType, [size: number, options?: ResponseOptions]> = described(
  'nn.functional.localResponseNorm',
  (input: Tensor, size: number, options: ResponseOptions = {}): Tensor => {
    const name = 'nn.functional.localResponseNorm';
    realOnly(input.type, name);
    requireDims(name, input, 3);
    requireWhole(name, 'size', size, 1);
    if (input.size === 0) return input;
    return applyOne(localResponseOperator, [input], { size, alpha: options.alpha ?? 1e-4, beta: options.beta ?? 0.75, k: options.k ?? 1 });
  },
  {
    signature: 'input, size, *, alpha, beta, k',
    tensors: 1,
    samples: [{ args: [t([1, 4, 3]), 2] }, { args: [t([2, 5, 2, 2]), 3, { alpha: 0.5, beta: 0.5, k: 2 }] }],
    bad: [{ args: [t([2, 3]), 2], error: /at least 3 dimensions/ }],
  },
);
