import type { DType } from '../dtype/dtype.ts';
import { add } from '../ops/arithmetic.ts';
import { fullTensor } from '../ops/create.ts';
import { catTensors } from '../ops/join.ts';
import { dropout } from '../ops/nn/dropout.ts';
import { gruStates } from '../ops/nn/gru.ts';
import { linear } from '../ops/nn/linear.ts';
import { lstmStates } from '../ops/nn/lstm.ts';
import { plainStates } from '../ops/nn/recurrence.ts';
import { permute, reshape, select, stack } from '../ops/structural.ts';
import { formatShape } from '../shape/shape.ts';
import { describeValue } from '../tensor/messages.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../util/errors.ts';
import { emptyParameter, requireSizes } from './empty-parameter.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { describeOptions } from './repr.ts';

/** Options of all recurrent modules. */
export interface RecurrentOptions {
  /** Layers, each fed with the states of the one before. Default 1. */
  readonly numLayers?: number;
  /** Learn offsets. Default true. */
  readonly bias?: boolean;
  /** Sequences are [N, T, features] instead of [T, N, features]. */
  readonly batchFirst?: boolean;
  /** Probability with which states are dropped between layers in training. Default 0. */
  readonly dropout?: number;
  /** Run over the sequence from both ends; the states of both directions are side by side. */
  readonly bidirectional?: boolean;
  readonly dtype?: DType | null;
}

/** Options of `RNN`. */
export interface RNNOptions extends RecurrentOptions {
  /** 'tanh' (the default) or 'relu'. */
  readonly nonlinearity?: 'tanh' | 'relu';
}

/** Options of `LSTM`. */
export interface LSTMOptions extends RecurrentOptions {
  /** Project states to this size before they are passed on. Default 0: no projection. */
  readonly projSize?: number;
}

/** The weights of one layer in one direction. */
interface Weights {
  readonly ih: Tensor;
  readonly hh: Tensor;
  readonly biasIh: Tensor | null;
  readonly biasHh: Tensor | null;
  readonly hr: Tensor | null;
}

/** What one layer makes of its input in one direction: states of all steps, and the last of each kind of state. */
interface LayerResult {
  readonly states: Tensor;
  readonly last: readonly Tensor[];
}

/** Layers of recurrent units. A subclass says how many gates its unit has, and how one layer runs. */
abstract class Recurrent extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly projSize: number;
  readonly numLayers: number;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  readonly bias: boolean;
  declare weightIhL0: Tensor;
  declare weightHhL0: Tensor;
  declare biasIhL0: Tensor | undefined;
  declare biasHhL0: Tensor | undefined;

  constructor(gates: number, inputSize: number, hiddenSize: number, options: RecurrentOptions & { readonly projSize?: number }) {
    super(options);
    const { name } = new.target;
    const { numLayers = 1, projSize = 0, dropout: p = 0 } = options;
    requireSizes(name, { inputSize, hiddenSize, numLayers, projSize });
    if (hiddenSize < 1 || numLayers < 1)
      throw new ArgumentError(`${name}: needs a hidden size and a layer, got ${hiddenSize} and ${numLayers}`);
    if (projSize >= hiddenSize) throw new ArgumentError(`${name}: projSize ${projSize} must be below the hidden size ${hiddenSize}`);
    if (!(p >= 0 && p <= 1)) throw new ArgumentError(`${name}: dropout is a probability from 0 to 1, got ${p}`);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.projSize = projSize;
    this.numLayers = numLayers;
    this.batchFirst = options.batchFirst ?? false;
    this.dropout = p;
    this.bidirectional = options.bidirectional ?? false;
    this.bias = options.bias ?? true;
    this.makeWeights(gates * hiddenSize, options.dtype ?? null);
    this.resetParameters();
  }

  /** How many directions. */
  private get directions(): number {
    return this.bidirectional ? 2 : 1;
  }

  /** The size of a state that is passed on. */
  private get stateSize(): number {
    return this.projSize > 0 ? this.projSize : this.hiddenSize;
  }

  private makeWeights(rows: number, dtype: DType | null): void {
    const { name } = this.constructor;
    const set = (property: string, ...shape: number[]): void => {
      Object.assign(this, { [property]: emptyParameter(name, shape, dtype) });
    };
    for (let layer = 0; layer < this.numLayers; layer++) {
      const columns = layer === 0 ? this.inputSize : this.stateSize * this.directions;
      for (let direction = 0; direction < this.directions; direction++) {
        const suffix = suffixOf(layer, direction);
        set(`weightIh${suffix}`, rows, columns);
        set(`weightHh${suffix}`, rows, this.stateSize);
        if (this.bias) set(`biasIh${suffix}`, rows);
        if (this.bias) set(`biasHh${suffix}`, rows);
        if (this.projSize > 0) set(`weightHr${suffix}`, this.projSize, this.hiddenSize);
      }
    }
  }

  /** Draws all weights and offsets uniformly within ±1/√hiddenSize. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    for (const parameter of this.parameters()) init.uniform_(parameter, -bound, bound);
  }

  private weights(layer: number, direction: number): Weights {
    const own = this as unknown as Record<string, Tensor | undefined>;
    const suffix = suffixOf(layer, direction);
    return {
      ih: own[`weightIh${suffix}`] as Tensor,
      hh: own[`weightHh${suffix}`] as Tensor,
      biasIh: own[`biasIh${suffix}`] ?? null,
      biasHh: own[`biasHh${suffix}`] ?? null,
      hr: own[`weightHr${suffix}`] ?? null,
    };
  }

  /** Runs over `input` and returns the states of the last layer and the last states of all layers, one tensor for each kind of state. */
  protected runLayers(input: Tensor, given: readonly (Tensor | null)[]): [states: Tensor, last: Tensor[]] {
    const batched = this.checkInput(input);
    let x = !batched ? reshape(input, [input.shape[0] as number, 1, this.inputSize]) : this.batchFirst ? permute(input, [1, 0, 2]) : input;
    const initial = given.map((state, kind) => this.initialStates(state, kind, x, batched));
    const last: Tensor[][] = given.map(() => []);
    for (let layer = 0; layer < this.numLayers; layer++) {
      if (layer > 0 && this.training) x = dropout(x, this.dropout) as Tensor;
      const results = Array.from({ length: this.directions }, (_, direction) => {
        const row = layer * this.directions + direction;
        const first = initial.map((state) => select(state, 0, row));
        return this.runLayer(x, first, this.weights(layer, direction), direction === 1);
      });
      for (const result of results) for (const [kind, state] of result.last.entries()) (last[kind] as Tensor[]).push(state);
      x =
        results.length === 1
          ? (results[0] as LayerResult).states
          : catTensors(
              results.map(({ states }) => states),
              2,
            );
    }
    const states = !batched ? reshape(x, [x.shape[0] as number, x.shape[2] as number]) : this.batchFirst ? permute(x, [1, 0, 2]) : x;
    return [states, last.map((each) => this.finalStates(each, batched))];
  }

  /** One layer in one direction over [T, N, features]. */
  protected abstract runLayer(x: Tensor, first: readonly Tensor[], weights: Weights, reverse: boolean): LayerResult;

  private finalStates(each: readonly Tensor[], batched: boolean): Tensor {
    const all = stack(each);
    return batched ? all : reshape(all, [all.shape[0] as number, all.shape[2] as number]);
  }

  private checkInput(input: Tensor): boolean {
    const { name } = this.constructor;
    if (!isTensor(input)) throw new ArgumentError(`${name}: input must be a tensor, got ${describeValue(input)}`);
    if (input.ndim !== 2 && input.ndim !== 3)
      throw new ShapeError(`${name}: expected a sequence of 2 dimensions, or 3 with a batch, got ${formatShape(input.shape)}`);
    if (input.shape.at(-1) !== this.inputSize)
      throw new ShapeError(`${name}: expected ${this.inputSize} features, got ${input.shape.at(-1)} in ${formatShape(input.shape)}`);
    if (input.shape[input.ndim === 3 && this.batchFirst ? 1 : 0] === 0)
      throw new ShapeError(`${name}: a sequence needs at least one step, got ${formatShape(input.shape)}`);
    if (input.type !== this.weightIhL0.type)
      throw new DTypeError(`${name}: input has dtype ${input.dtype} and the weights ${this.weightIhL0.dtype}: cast one with .to(…)`);
    return input.ndim === 3;
  }

  /** The states before the first step, [layers · directions, N, size]: zeros where none were given. */
  private initialStates(given: Tensor | null, kind: number, x: Tensor, batched: boolean): Tensor {
    const { name } = this.constructor;
    const rows = this.numLayers * this.directions;
    const size = kind === 0 ? this.stateSize : this.hiddenSize;
    const shape = [rows, x.shape[1] as number, size];
    if (given === null) return fullTensor(shape, 0, x.type);
    const expected = batched ? shape : [rows, size];
    if (!isTensor(given)) throw new ArgumentError(`${name}: a state must be a tensor, got ${describeValue(given)}`);
    if (formatShape(given.shape) !== formatShape(expected))
      throw new ShapeError(`${name}: expected a state of shape ${formatShape(expected)}, got ${formatShape(given.shape)}`);
    if (given.type !== x.type) throw new DTypeError(`${name}: the state has dtype ${given.dtype} and the input ${x.dtype}`);
    return reshape(given, shape);
  }

  override extraRepr(): string {
    const { numLayers, dropout: p, batchFirst, bidirectional, projSize } = this;
    return `${this.inputSize}, ${this.hiddenSize}, ${describeOptions({ numLayers, dropout: p, batchFirst, bidirectional, ...(projSize > 0 ? { projSize } : {}) })}`;
  }
}

function suffixOf(layer: number, direction: number): string {
  return `L${layer}${direction === 1 ? 'Reverse' : ''}`;
}

/** The last state of a direction. */
function lastOf(states: Tensor, reverse: boolean): Tensor {
  return select(states, 0, reverse ? 0 : (states.shape[0] as number) - 1);
}

/** The input of all steps times its weight, with both offsets: one product. */
function projected(x: Tensor, { ih, biasIh, biasHh }: Weights): Tensor {
  return linear(x, ih, biasIh === null ? null : (add(biasIh, biasHh as Tensor) as Tensor)) as Tensor;
}

/**
 * Simple recurrent layers (Elman, 1990): h = tanh(x Wᵢₕᵀ + bᵢₕ + h Wₕₕᵀ + bₕₕ), or relu. `forward(input, h0?)` takes [T, N, inputSize], with `batchFirst` N in
 * front, or without N, and the first states [layers · directions, N, hiddenSize], zeros by default; returns the states of the last layer and the last states
 * of all layers. Throws ShapeError and DTypeError for what does not fit.
 *
 * @example
 * const [output, last] = new nn.RNN(4, 3).forward(ones([5, 2, 4]));
 * [output.shape, last.shape]; // [[5, 2, 3], [1, 2, 3]]
 */
export class RNN extends Recurrent {
  static readonly signature: string =
    'input_size, hidden_size, *, num_layers, nonlinearity, bias, batch_first, dropout, bidirectional, dtype';
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(inputSize: number, hiddenSize: number, options: RNNOptions = {}) {
    super(1, inputSize, hiddenSize, options);
    this.nonlinearity = nonlinearityOf('RNN', options.nonlinearity);
  }

  forward(input: Tensor, h0: Tensor | null = null): [output: Tensor, last: Tensor] {
    const [states, last] = this.runLayers(input, [h0]);
    return [states, last[0] as Tensor];
  }

  protected override runLayer(x: Tensor, first: readonly Tensor[], weights: Weights, reverse: boolean): LayerResult {
    const states = plainStates(this.nonlinearity, projected(x, weights), first[0] as Tensor, weights.hh, { reverse });
    return { states, last: [lastOf(states, reverse)] };
  }
}

/** The nonlinearity that was asked for; throws ArgumentError for an unknown one. */
export function nonlinearityOf(name: string, given: string | undefined): 'tanh' | 'relu' {
  if (given === undefined || given === 'tanh') return 'tanh';
  if (given === 'relu') return 'relu';
  throw new ArgumentError(`${name}: nonlinearity must be 'tanh' or 'relu', got '${given}'`);
}

/**
 * Layers of long short-term memory (Hochreiter and Schmidhuber, 1997); `weightIhL0` and the like hold the gates in the order input, forget, candidate,
 * output. `forward(input, [h0, c0]?)` takes [T, N, inputSize], with `batchFirst` N in front, or without N, and the first states and cells [layers · directions,
 * N, hiddenSize], zeros by default; returns the states of the last layer, and the last states and cells of all layers. With `projSize`, states are projected
 * to that size (Sak, Senior and Beaufays, 2014). Throws ShapeError and DTypeError for what does not fit.
 *
 * @example
 * const [output, [h, c]] = new nn.LSTM(4, 3, { numLayers: 2 }).forward(ones([5, 2, 4]));
 * [output.shape, h.shape, c.shape]; // [[5, 2, 3], [2, 2, 3], [2, 2, 3]]
 */
export class LSTM extends Recurrent {
  static readonly signature: string = 'input_size, hidden_size, *, num_layers, bias, batch_first, dropout, bidirectional, proj_size, dtype';

  constructor(inputSize: number, hiddenSize: number, options: LSTMOptions = {}) {
    super(4, inputSize, hiddenSize, options);
  }

  forward(input: Tensor, initial: readonly [h0: Tensor, c0: Tensor] | null = null): [output: Tensor, last: [h: Tensor, c: Tensor]] {
    if (initial !== null && !(Array.isArray(initial) && initial.length === 2))
      throw new ArgumentError(`LSTM: expected the first states as [h0, c0], got ${describeValue(initial)}`);
    const [states, last] = this.runLayers(input, initial ?? [null, null]);
    return [states, last as [Tensor, Tensor]];
  }

  protected override runLayer(x: Tensor, first: readonly Tensor[], weights: Weights, reverse: boolean): LayerResult {
    const [h, c] = first as [Tensor, Tensor];
    const [states, cells] = lstmStates([projected(x, weights), h, c, weights.hh, weights.hr ?? undefined], { reverse });
    return { states, last: [lastOf(states, reverse), lastOf(cells, reverse)] };
  }
}

/**
 * Layers of gated recurrent units (Cho et al., 2014); `weightIhL0` and the like hold the gates in the order reset, update, candidate. `forward(input, h0?)`
 * takes [T, N, inputSize], with `batchFirst` N in front, or without N, and the first states [layers · directions, N, hiddenSize], zeros by default; returns the
 * states of the last layer and the last states of all layers. Throws ShapeError and DTypeError for what does not fit.
 *
 * @example
 * const [output, last] = new nn.GRU(4, 3, { bidirectional: true }).forward(ones([5, 2, 4]));
 * [output.shape, last.shape]; // [[5, 2, 6], [2, 2, 3]]
 */
export class GRU extends Recurrent {
  static readonly signature: string = 'input_size, hidden_size, *, num_layers, bias, batch_first, dropout, bidirectional, dtype';

  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(3, inputSize, hiddenSize, options);
  }

  forward(input: Tensor, h0: Tensor | null = null): [output: Tensor, last: Tensor] {
    const [states, last] = this.runLayers(input, [h0]);
    return [states, last[0] as Tensor];
  }

  protected override runLayer(x: Tensor, first: readonly Tensor[], weights: Weights, reverse: boolean): LayerResult {
    const gates = linear(x, weights.ih, weights.biasIh) as Tensor;
    const states = gruStates([gates, first[0] as Tensor, weights.hh, weights.biasHh ?? undefined], { reverse });
    return { states, last: [lastOf(states, reverse)] };
  }
}
