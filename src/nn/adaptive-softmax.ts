import type { DType } from '../dtype/dtype.ts';
import { BOOL, INT64 } from '../dtype/dtype.ts';
import { add } from '../ops/arithmetic.ts';
import { argmax } from '../ops/extrema.ts';
import { callMap, mapOperator } from '../ops/family.ts';
import { gatherAlong } from '../ops/gather.ts';
import { catTensors } from '../ops/join.ts';
import { narrow } from '../ops/movement.ts';
import { logSoftmaxAlong } from '../ops/nn/softmax.ts';
import { meanOver, scaled } from '../ops/reduction.ts';
import { type NamedResults, namedResults } from '../ops/results.ts';
import { cast, reshape } from '../ops/structural.ts';
import * as S from '../scalar/expr.ts';
import { formatShape } from '../shape/shape.ts';
import { elementsOf } from '../tensor/data.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, IndexError, ShapeError } from '../util/errors.ts';
import { ModuleList, Sequential } from './container.ts';
import { requireSizes } from './empty-parameter.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';

type E = S.Expr;

/** Options of `AdaptiveLogSoftmaxWithLoss`. */
export interface AdaptiveSoftmaxOptions {
  /** By how much features shrink from one cluster to the next. Default 4. */
  readonly divValue?: number;
  /** Learn an offset of the head. Default false. */
  readonly headBias?: boolean;
  readonly dtype?: DType | null;
}

/** A cluster's part in the output of a row, where its class is in that cluster. */
const WHERE = mapOperator('where', 3, 0, ([inside, x, y]) => S.select(S.ne(inside as E, 0), x as E, y as E));
const WITHIN = mapOperator('logicalAnd', 1, 2, ([y], [low, high]) => S.and(S.ge(y as E, low as E), S.lt(y as E, high as E)), false);
const SHIFTED = mapOperator(
  'clamp',
  1,
  3,
  ([y], [low, most, otherwise]) =>
    S.select(S.and(S.ge(y as E, low as E), S.lt(y as E, most as E)), S.sub(y as E, low as E), otherwise as E),
  false,
);

/**
 * An approximation of softmax for very many classes (Grave et al., "Efficient softmax approximation for GPUs", 2017): classes are sorted by how frequent they
 * are and cut into clusters at `cutoffs`; the head tells the frequent classes and the clusters apart, each cluster its own. `forward(input, target)` takes
 * [N, inFeatures] and class indices [N], or both without N, and returns `output`, the log-probability of each target, and `loss`, the mean of its negative.
 * Throws ArgumentError for cutoffs that do not rise within the classes, IndexError for a class out of range.
 *
 * @example
 * const layer = new nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 10]);
 * const { output, loss } = layer.forward(ones([3, 16]), tensor([1n, 7n, 19n]));
 * [output.shape, loss.shape]; // [[3], []]
 */
export class AdaptiveLogSoftmaxWithLoss extends Module {
  static readonly signature: string = 'in_features, n_classes, cutoffs, *, div_value, head_bias, dtype';
  readonly inFeatures: number;
  readonly nClasses: number;
  /** Where clusters end: those given, and the number of classes. */
  readonly cutoffs: readonly number[];
  readonly divValue: number;
  readonly head: Linear;
  readonly tail: ModuleList<Sequential>;

  constructor(inFeatures: number, nClasses: number, cutoffs: readonly number[], options: AdaptiveSoftmaxOptions = {}) {
    super(options);
    requireSizes('AdaptiveLogSoftmaxWithLoss', { inFeatures, nClasses });
    const rises = cutoffs.every((cutoff, i) => Number.isInteger(cutoff) && cutoff > (cutoffs[i - 1] ?? 0) && cutoff < nClasses);
    if (cutoffs.length === 0 || !rises)
      throw new ArgumentError(
        `AdaptiveLogSoftmaxWithLoss: cutoffs must be whole numbers that rise from 1 to ${nClasses - 1}, got [${cutoffs.join(', ')}]`,
      );
    const { divValue = 4, headBias = false, dtype = null } = options;
    this.inFeatures = inFeatures;
    this.nClasses = nClasses;
    this.cutoffs = [...cutoffs, nClasses];
    this.divValue = divValue;
    this.head = new Linear(inFeatures, this.shortlist + cutoffs.length, { bias: headBias, dtype });
    this.tail = new ModuleList(
      cutoffs.map((cutoff, i) => {
        const hidden = Math.floor(inFeatures / divValue ** (i + 1));
        const project = new Linear(inFeatures, hidden, { bias: false, dtype });
        return new Sequential(project, new Linear(hidden, (this.cutoffs[i + 1] as number) - cutoff, { bias: false, dtype })) as Sequential;
      }),
    );
  }

  /** How many classes the head tells apart. */
  private get shortlist(): number {
    return this.cutoffs[0] as number;
  }

  /** Draws all weights anew. */
  resetParameters(): void {
    this.head.resetParameters();
    for (const module of this.tail.modules()) if (module instanceof Linear) module.resetParameters();
  }

  forward(input: Tensor, target: Tensor): NamedResults<'output' | 'loss'> {
    const name = 'AdaptiveLogSoftmaxWithLoss';
    if (target.ndim > 1 || input.ndim !== target.ndim + 1 || (target.ndim === 1 && target.shape[0] !== input.shape[0]))
      throw new ShapeError(
        `${name}: expected an input [N, ${this.inFeatures}] and classes [N], or both without N, got ${formatShape(input.shape)} and ${formatShape(target.shape)}`,
      );
    if (!target.type.isInteger) throw new DTypeError(`${name}: class indices must have dtype int64, got ${target.dtype}`);
    const wrong = elementsOf(target).find((value) => Number(value) < 0 || Number(value) >= this.nClasses);
    if (wrong !== undefined) throw new IndexError(`${name}: class ${String(wrong)} is out of range for ${this.nClasses} classes`);
    const x = target.ndim === 1 ? input : reshape(input, [1, this.inFeatures]);
    const rows = x.shape[0] as number;
    const classes = reshape(cast(target, INT64), [rows, 1]);
    const head = logSoftmaxAlong(this.head.forward(x) as Tensor, 1);
    let output = gatherAlong(head, callMap(SHIFTED, [classes], [0, this.shortlist, 0], INT64), 1);
    for (const [i, cluster] of [...this.tail].entries()) {
      const [low, high] = [this.cutoffs[i] as number, this.cutoffs[i + 1] as number];
      const inside = callMap(WITHIN, [classes], [low, high], INT64);
      if (!elementsOf(inside).includes(true)) continue;
      const logs = logSoftmaxAlong(cluster.forward(x) as Tensor, 1);
      const own = gatherAlong(logs, callMap(SHIFTED, [classes], [low, high, 0], INT64), 1);
      const chosen = add(own, narrow(head, 1, this.shortlist + i, 1) as Tensor) as Tensor;
      output = callMap(WHERE, [cast(inside, BOOL), chosen, output], [], output.type);
    }
    const found = reshape(output, target.shape);
    return namedResults(['output', 'loss'], [found, scaled(meanOver(output, [0, 1]), -1)]);
  }

  /** The log-probabilities of all classes, [N, nClasses]. */
  logProb(input: Tensor): Tensor {
    const head = logSoftmaxAlong(this.head.forward(input) as Tensor, 1);
    const clusters = [...this.tail].map((cluster, i) => {
      const logs = logSoftmaxAlong(cluster.forward(input) as Tensor, 1);
      return add(logs, narrow(head, 1, this.shortlist + i, 1) as Tensor) as Tensor;
    });
    return catTensors([narrow(head, 1, 0, this.shortlist) as Tensor, ...clusters], 1);
  }

  /** The most probable class of each row, [N]. */
  predict(input: Tensor): Tensor {
    return argmax(this.logProb(input) as Tensor<number[], 'float32'>, 1) as Tensor;
  }
}
