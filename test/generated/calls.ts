/** Sample calls: their tensor arguments as values, tensors in their places, results as flat lists. */
import type { DType } from '../../src/index.ts';
import { isTensor, manualSeed, NablaError, noGrad } from '../../src/index.ts';
import type { BadSample, Sample, SampleTensor } from '../../src/op/contract.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { type Layout, layOut } from './layouts.ts';
import { partsOf, sizeOf, typeOf } from './numbers.ts';
import type { Call, Entry } from './operators.ts';
import { uniform } from './random.ts';

/** One tensor argument of a sample with the values that it gets. */
export interface Slot {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly values: readonly number[];
  /** Whether gradients with respect to it make sense. */
  readonly differentiable: boolean;
  /** Whether the sample itself names the values: others could be meaningless. */
  readonly explicit: boolean;
}

const SAMPLE_KEYS = new Set(['shape', 'dtype', 'low', 'high', 'values', 'grad']);

function isSampleTensor(value: unknown): value is SampleTensor {
  if (typeof value !== 'object' || value === null || !Array.isArray((value as SampleTensor).shape)) return false;
  return Object.keys(value).every((key) => SAMPLE_KEYS.has(key));
}

/** What integers are drawn from where the sample does not say. */
function rangeOf(sample: SampleTensor, dtype: DType): readonly [number, number] {
  const type = typeOf(dtype);
  const width = type.isInteger ? 7 : 4;
  if (dtype === 'bool') return [0, 2];
  if (sample.low !== undefined) return [sample.low, sample.high ?? sample.low + width];
  if (sample.high !== undefined) return [sample.high - width, sample.high];
  if (type.isInteger) return type.isSigned ? [-3, 4] : [0, 7];
  return [-2, 2];
}

function valuesOf(sample: SampleTensor, dtype: DType, seed: string): number[] {
  if (sample.values !== undefined) return sample.values.map(Number);
  const [low, high] = rangeOf(sample, dtype);
  const type = typeOf(dtype);
  const drawn = uniform(sizeOf(sample.shape) * partsOf(type), low, high, seed);
  return type.isFloat || type.isComplex ? drawn : drawn.map(Math.floor);
}

/** A call of one operator with one sample's arguments. */
export class SampleCall {
  readonly entry: Entry;
  readonly index: number;
  readonly slots: readonly Slot[];
  readonly skipNumericGradient: boolean;
  private readonly sample: Sample | BadSample;
  private readonly seed: string;
  private readonly defaultDtype: DType;

  constructor(entry: Entry, sample: Sample | BadSample, index: number, seed = '', slots: readonly Slot[] | null = null) {
    this.entry = entry;
    this.index = index;
    this.sample = sample;
    this.skipNumericGradient = 'skipNumericGradient' in sample && sample.skipNumericGradient === true;
    // Derivatives by differences need float64; a call that must be refused is what a user would write.
    this.defaultDtype = 'error' in sample ? 'float32' : 'float64';
    this.seed = `${entry.description.name}/${index}/${seed}`;
    this.slots = slots ?? placeholdersIn(sample.args).map((placeholder, position) => this.slot(placeholder, position));
  }

  private slot(placeholder: SampleTensor, position: number): Slot {
    const dtype = (placeholder.dtype ?? this.defaultDtype) as DType;
    const type = typeOf(dtype);
    return {
      shape: placeholder.shape,
      dtype,
      values: valuesOf(placeholder, dtype, `${this.seed}/${position}`),
      differentiable: (type.isFloat || type.isComplex) && placeholder.grad !== false,
      explicit: placeholder.values !== undefined,
    };
  }

  /** How a message names this call. */
  get label(): string {
    return `sample ${this.index} (${this.sample.args.map(describe).join(', ')})`;
  }

  /** The tensors of all slots, contiguous unless `layout` says otherwise. */
  tensors(layout: Layout = 'contiguous'): Tensor[] {
    return this.slots.map((slot) => layOut(slot.values, slot.shape, slot.dtype, layout));
  }

  /** Positions of the slots that gradients can be taken with respect to. */
  get differentiable(): number[] {
    return this.slots.flatMap((slot, i) => (slot.differentiable ? [i] : []));
  }

  /** Calls the operator, or another function in its place, with these tensors in the slots. */
  invoke(tensors: readonly Tensor[], call: Call = this.entry.call): unknown {
    let next = 0;
    const fill = (value: unknown): unknown => {
      if (isSampleTensor(value)) return tensors[next++];
      if (Array.isArray(value)) return value.map(fill);
      if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item)]));
    };
    const args = this.sample.args.map(fill);
    if (this.entry.description.random === true) manualSeed(7);
    return call(...args);
  }

  /** The tensors among the results. */
  run(tensors: readonly Tensor[], call?: Call): Tensor[] {
    return tensorsIn(this.invoke(tensors, call));
  }

  /** The results without a graph. */
  evaluate(tensors: readonly Tensor[], call?: Call): Tensor[] {
    return noGrad(() => this.run(tensors, call));
  }

  /** Whether the first argument is a tensor, so that the call can be written as a method. */
  get startsWithTensor(): boolean {
    return isSampleTensor(this.sample.args[0]);
  }

  /** The same call with the values of another seed; explicit values stay. */
  reseeded(seed: string): SampleCall {
    return new SampleCall(this.entry, this.sample, this.index, seed);
  }

  /** The same call with slots changed. */
  with(change: (slot: Slot, index: number) => Slot): SampleCall {
    return new SampleCall(this.entry, this.sample, this.index, '', this.slots.map(change));
  }
}

function placeholdersIn(value: unknown): SampleTensor[] {
  if (isSampleTensor(value)) return [value];
  if (Array.isArray(value)) return value.flatMap(placeholdersIn);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return [];
  return Object.values(value).flatMap(placeholdersIn);
}

function describe(value: unknown): string {
  if (isSampleTensor(value)) return `${value.dtype ?? ''}[${value.shape.join(', ')}]`;
  if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function' || typeof value === 'symbol') return String(value);
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return `{ ${Object.entries(value)
      .map(([key, item]) => `${key}: ${describe(item)}`)
      .join(', ')} }`;
  }
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** All tensors in a result, in order: results come alone, in arrays and in named, iterable objects. */
export function tensorsIn(result: unknown): Tensor[] {
  if (isTensor(result)) return [result as Tensor];
  if (typeof result === 'object' && result !== null && Symbol.iterator in result)
    return [...(result as Iterable<unknown>)].flatMap(tensorsIn);
  return [];
}

/** What a result holds besides tensors. */
export function othersIn(result: unknown): unknown[] {
  if (isTensor(result)) return [];
  if (typeof result === 'object' && result !== null && Symbol.iterator in result)
    return [...(result as Iterable<unknown>)].flatMap(othersIn);
  return [result];
}

/** The result, or the library's refusal; anything else that is thrown is a defect and passes through. */
export function attempt<R>(body: () => R): { readonly value: R } | { readonly refusal: NablaError } {
  try {
    return { value: body() };
  } catch (error) {
    if (error instanceof NablaError) return { refusal: error };
    throw error;
  }
}

/** All samples of an operator as calls. */
export function callsOf(entry: Entry): SampleCall[] {
  return entry.description.samples.map((sample, index) => new SampleCall(entry, sample, index));
}
