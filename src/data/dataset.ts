import { select } from '../ops/structural.ts';
import { defaultGenerator, type Generator, randperm } from '../runtime/random.ts';
import { formatShape } from '../shape/shape.ts';
import { describeTensor } from '../tensor/messages.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError, IndexError, ShapeError } from '../util/errors.ts';

/** A collection of samples with known length. */
export interface Dataset<Sample> {
  readonly length: number;
  get(index: number): Sample;
}

/**
 * Samples that are the rows of tensors of one first size.
 *
 * @example
 * const data = new TensorDataset(ones([5, 2]), arange(5));
 * const [x, y] = data.get(3);
 * y; // tensor(3)
 */
export class TensorDataset implements Dataset<Tensor[]> {
  readonly tensors: readonly Tensor[];
  readonly length: number;

  constructor(...tensors: Tensor[]) {
    const [first] = tensors;
    if (first === undefined) throw new ArgumentError('TensorDataset: needs at least one tensor');
    for (const x of tensors) {
      if (x.ndim === 0 || x.shape[0] !== first.shape[0]) {
        throw new ShapeError(
          `TensorDataset: all tensors need the same first size: ${formatShape(first.shape)} and ${formatShape(x.shape)}`,
        );
      }
    }
    this.tensors = tensors;
    this.length = first.shape[0] as number;
  }

  get(index: number): Tensor[] {
    if (index < 0 || index >= this.length)
      throw new IndexError(`TensorDataset: sample ${index} of ${this.length} (${describeTensor(this.tensors[0] as Tensor)})`);
    return this.tensors.map((x) => select(x, 0, index));
  }
}

/**
 * Some samples of another dataset, by number.
 *
 * @example
 * const even = new Subset(new TensorDataset(arange(10)), [0, 2, 4]);
 * even.length; // 3
 */
export class Subset<Sample> implements Dataset<Sample> {
  readonly dataset: Dataset<Sample>;
  readonly indices: readonly number[];

  constructor(dataset: Dataset<Sample>, indices: readonly number[]) {
    this.dataset = dataset;
    this.indices = indices;
  }

  get length(): number {
    return this.indices.length;
  }

  get(index: number): Sample {
    const at = this.indices[index];
    if (at === undefined) throw new IndexError(`Subset: sample ${index} of ${this.length}`);
    return this.dataset.get(at);
  }
}

/**
 * Splits a dataset at random into parts of the given sizes (or shares that add up to 1), as PyTorch's `random_split`.
 *
 * @example
 * const [train, test] = randomSplit(new TensorDataset(arange(10)), [0.8, 0.2]);
 */
export function randomSplit<Sample>(
  dataset: Dataset<Sample>,
  lengths: readonly number[],
  generator: Generator = defaultGenerator,
): Subset<Sample>[] {
  const sizes = splitSizes(dataset.length, lengths);
  const order = Array.from(randperm(generator, dataset.length));
  let at = 0;
  return sizes.map((size) => {
    at += size;
    return new Subset(dataset, order.slice(at - size, at));
  });
}

function splitSizes(total: number, lengths: readonly number[]): number[] {
  const sum = lengths.reduce((a, b) => a + b, 0);
  if (Math.abs(sum - 1) < 1e-9 && lengths.every((share) => share <= 1)) {
    const sizes = lengths.map((share) => Math.floor(total * share));
    let rest = total - sizes.reduce((a, b) => a + b, 0);
    for (let i = 0; rest > 0; i = (i + 1) % sizes.length, rest--) sizes[i] = (sizes[i] as number) + 1;
    return sizes;
  }
  if (sum !== total)
    throw new ArgumentError(`randomSplit: the lengths add up to ${sum}, the dataset has ${total} samples (shares must add up to 1)`);
  return [...lengths];
}
