import { tensor } from '../ops/creation.ts';
import { stack } from '../ops/join.ts';
import { defaultGenerator, Generator, randperm } from '../runtime/random.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { checkOptions } from '../util/options.ts';
import { requireWhole } from '../util/whole.ts';
import type { Dataset } from './dataset.ts';

/** How samples become a batch. */
export type Collate<Sample, Batch> = (samples: readonly Sample[]) => Batch;

/** How a `DataLoader` forms batches. */
export interface DataLoaderOptions<Sample, Batch> {
  /** Samples in a batch. Default 1. */
  readonly batchSize?: number;
  /** A new random order for each pass. */
  readonly shuffle?: boolean;
  /** Leave out the last batch if it is not full. */
  readonly dropLast?: boolean;
  /** Draws the order; the default generator otherwise. */
  readonly generator?: Generator;
  /** Default: tensors are stacked, numbers become a tensor, lists and objects are collated entry by entry. */
  readonly collate?: Collate<Sample, Batch>;
}

const LOADER_OPTIONS: ReadonlySet<string> = new Set(['batchSize', 'shuffle', 'dropLast', 'generator', 'collate']);

/**
 * Passes over a dataset in batches. The random order is drawn as PyTorch's loader draws it, so the same seed gives the same batches.
 *
 * @example
 * const loader = new DataLoader(new TensorDataset(ones([100, 2]), arange(100)), { batchSize: 32, shuffle: true });
 * for (const [x, y] of loader) console.log(x.shape, y.shape);
 */
export class DataLoader<Sample, Batch = Sample> implements Iterable<Batch> {
  readonly dataset: Dataset<Sample>;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  readonly #generator: Generator | null;
  readonly #collate: Collate<Sample, Batch>;

  constructor(dataset: Dataset<Sample>, options: DataLoaderOptions<Sample, Batch> = {}) {
    checkOptions('DataLoader', options, LOADER_OPTIONS);
    this.dataset = dataset;
    this.batchSize = options.batchSize ?? 1;
    requireWhole('DataLoader', 'batchSize', this.batchSize, 1);
    this.shuffle = options.shuffle ?? false;
    this.dropLast = options.dropLast ?? false;
    this.#generator = options.generator ?? null;
    this.#collate = options.collate ?? (collate as unknown as Collate<Sample, Batch>);
  }

  /** How many batches a pass has. */
  get length(): number {
    const count = this.dataset.length / this.batchSize;
    return this.dropLast ? Math.floor(count) : Math.ceil(count);
  }

  *[Symbol.iterator](): Iterator<Batch> {
    const order = this.order();
    for (let batch = 0; batch < this.length; batch++) {
      const numbers = order.slice(batch * this.batchSize, (batch + 1) * this.batchSize);
      if (numbers.length < this.batchSize) this.#endPass();
      yield this.#collate(Array.from(numbers, (i) => this.dataset.get(i)));
    }
    if (this.dropLast || this.dataset.length % this.batchSize === 0) this.#endPass();
  }

  /** PyTorch's sampler draws one more order when it is asked for more than there is. That shows where the generator is the user's own. */
  #endPass(): void {
    if (this.shuffle && this.#generator !== null) randperm(this.#generator, this.dataset.length);
  }

  private order(): ArrayLike<number> & { slice(start: number, end: number): Iterable<number> & ArrayLike<number> } {
    // A pass draws a base seed for workers first, and a shuffled one then a seed for the order, also when the loader has a generator of its own.
    const source = this.#generator ?? defaultGenerator;
    drawSeed(source);
    if (!this.shuffle) return Int32Array.from({ length: this.dataset.length }, (_, i) => i);
    const generator = this.#generator ?? new Generator().manualSeed(drawSeed(source));
    return randperm(generator, this.dataset.length);
  }
}

/** An int64 over its whole non-negative range, as PyTorch draws seeds. */
function drawSeed(generator: Generator): bigint {
  return generator.draw64() & 0x7fff_ffff_ffff_ffffn;
}

/**
 * Stacks tensors, turns numbers into a tensor, and goes into lists and objects entry by entry.
 *
 * @example
 * collate([tensor([1, 2]), tensor([3, 4])]); // tensor([[1., 2.], [3., 4.]])
 */
export function collate(samples: readonly unknown[]): unknown {
  const [first] = samples;
  if (isTensor(first)) return stack(samples as readonly Tensor[]);
  if (typeof first === 'number' || typeof first === 'boolean' || typeof first === 'bigint') return tensor(samples as number[]);
  if (Array.isArray(first)) return first.map((_, k) => collate(samples.map((sample) => (sample as unknown[])[k])));
  if (typeof first === 'object' && first !== null) {
    return Object.fromEntries(
      Object.keys(first).map((key) => [key, collate(samples.map((sample) => (sample as Record<string, unknown>)[key]))]),
    );
  }
  return samples;
}
