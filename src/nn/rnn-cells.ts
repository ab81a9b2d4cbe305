import type { DType } from '../dtype/dtype.ts';
import { add } from '../ops/arithmetic.ts';
import { fullTensor } from '../ops/create.ts';
import { gruStates } from '../ops/nn/gru.ts';
import { linear } from '../ops/nn/linear.ts';
import { lstmStates } from '../ops/nn/lstm.ts';
import { plainStates } from '../ops/nn/recurrence.ts';
import { reshape } from '../ops/structural.ts';
import { formatShape } from '../shape/shape.ts';
import { describeValue } from '../tensor/messages.ts';
import { isTensor, type Tensor } from '../tensor/tensor.ts';
import { ArgumentError, DTypeError, ShapeError } from '../util/errors.ts';
import { emptyParameter, requireSizes } from './empty-parameter.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { nonlinearityOf } from './rnn.ts';

/** Options of recurrent cells. */
export interface CellOptions {
  /** Learn offsets. Default true. */
  readonly bias?: boolean;
  readonly dtype?: DType | null;
}

/** Options of `RNNCell`. */
export interface RNNCellOptions extends CellOptions {
  /** 'tanh' (the default) or 'relu'. */
  readonly nonlinearity?: 'tanh' | 'relu';
}

const FORWARD = { reverse: false };

/** One step of recurrent units. */
abstract class Cell extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  weightIh: Tensor;
  weightHh: Tensor;
  biasIh: Tensor | null;
  biasHh: Tensor | null;

  constructor(gates: number, inputSize: number, hiddenSize: number, options: CellOptions) {
    super(options);
    const { name } = new.target;
    requireSizes(name, { inputSize, hiddenSize });
    const empty = (...shape: number[]): Tensor => emptyParameter(name, shape, options.dtype);
    const bias = options.bias ?? true;
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.weightIh = empty(gates * hiddenSize, inputSize);
    this.weightHh = empty(gates * hiddenSize, hiddenSize);
    this.biasIh = bias ? empty(gates * hiddenSize) : null;
    this.biasHh = bias ? empty(gates * hiddenSize) : null;
    this.resetParameters();
  }

  /** Draws all weights and offsets uniformly within ±1/√hiddenSize. */
  resetParameters(): void {
    const bound = this.hiddenSize > 0 ? 1 / Math.sqrt(this.hiddenSize) : 0;
    for (const parameter of this.parameters()) init.uniform_(parameter, -bound, bound);
  }

  /** The input as a sequence [1, N, inputSize] of one step. */
  protected sequence(input: Tensor): Tensor {
    const { name } = this.constructor;
    if (!isTensor(input)) throw new ArgumentError(`${name}: input must be a tensor, got ${describeValue(input)}`);
    if (input.ndim !== 1 && input.ndim !== 2)
      throw new ShapeError(`${name}: expected an input of 1 dimension, or 2 with a batch, got ${formatShape(input.shape)}`);
    if (input.shape.at(-1) !== this.inputSize)
      throw new ShapeError(`${name}: expected ${this.inputSize} features, got ${input.shape.at(-1)} in ${formatShape(input.shape)}`);
    if (input.type !== this.weightIh.type)
      throw new DTypeError(`${name}: input has dtype ${input.dtype} and the weights ${this.weightIh.dtype}: cast one with .to(…)`);
    return reshape(input, [1, input.ndim === 1 ? 1 : (input.shape[0] as number), this.inputSize]);
  }

  /** A state as [N, hiddenSize], zeros where none was given. */
  protected state(given: Tensor | null, input: Tensor): Tensor {
    const shape = [input.ndim === 1 ? 1 : (input.shape[0] as number), this.hiddenSize];
    if (given === null) return fullTensor(shape, 0, input.type);
    const { name } = this.constructor;
    if (!isTensor(given)) throw new ArgumentError(`${name}: a state must be a tensor, got ${describeValue(given)}`);
    const expected = input.ndim === 1 ? [this.hiddenSize] : shape;
    if (formatShape(given.shape) !== formatShape(expected) || given.type !== input.type)
      throw new ShapeError(
        `${name}: expected a state of shape ${formatShape(expected)} and dtype ${input.dtype}, got ${formatShape(given.shape)} and ${given.dtype}`,
      );
    return reshape(given, shape);
  }

  /** The only step of a sequence of states, in the shape of the input. */
  protected only(states: Tensor, input: Tensor): Tensor {
    return reshape(states, [...input.shape.slice(0, -1), this.hiddenSize]);
  }

  /** The input times its weight, with both offsets. */
  protected projected(input: Tensor): Tensor {
    const bias = this.biasIh === null ? null : (add(this.biasIh, this.biasHh as Tensor) as Tensor);
    return linear(this.sequence(input), this.weightIh, bias) as Tensor;
  }

  override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.biasIh === null ? ', bias=false' : ''}`;
  }
}

/**
 * One step of a simple recurrent unit. `forward(input, h?)` takes [N, inputSize] and [N, hiddenSize], or both without N, and returns the next state; without
 * `h` it starts from zeros.
 *
 * @example
 * new nn.RNNCell(4, 3).forward(ones([2, 4])).shape; // [2, 3]
 */
export class RNNCell extends Cell {
  static readonly signature: string = 'input_size, hidden_size, *, bias, nonlinearity, dtype';
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(inputSize: number, hiddenSize: number, options: RNNCellOptions = {}) {
    super(1, inputSize, hiddenSize, options);
    this.nonlinearity = nonlinearityOf('RNNCell', options.nonlinearity);
  }

  forward(input: Tensor, h: Tensor | null = null): Tensor {
    const x = this.projected(input);
    return this.only(plainStates(this.nonlinearity, x, this.state(h, input), this.weightHh, FORWARD), input);
  }
}

/**
 * One step of long short-term memory. `forward(input, [h, c]?)` takes [N, inputSize] and twice [N, hiddenSize], or all without N, and returns the next state
 * and cell; without states it starts from zeros.
 *
 * @example
 * const [h, c] = new nn.LSTMCell(4, 3).forward(ones([2, 4]));
 * [h.shape, c.shape]; // [[2, 3], [2, 3]]
 */
export class LSTMCell extends Cell {
  static readonly signature: string = 'input_size, hidden_size, *, bias, dtype';

  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(4, inputSize, hiddenSize, options);
  }

  forward(input: Tensor, states: readonly [h: Tensor, c: Tensor] | null = null): [h: Tensor, c: Tensor] {
    const x = this.projected(input);
    const [h, c] = states ?? [null, null];
    const [hidden, cells] = lstmStates([x, this.state(h, input), this.state(c, input), this.weightHh], FORWARD);
    return [this.only(hidden, input), this.only(cells, input)];
  }
}

/**
 * One step of a gated recurrent unit. `forward(input, h?)` takes [N, inputSize] and [N, hiddenSize], or both without N, and returns the next state; without
 * `h` it starts from zeros.
 *
 * @example
 * new nn.GRUCell(4, 3).forward(ones([2, 4])).shape; // [2, 3]
 */
export class GRUCell extends Cell {
  static readonly signature: string = 'input_size, hidden_size, *, bias, dtype';

  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(3, inputSize, hiddenSize, options);
  }

  forward(input: Tensor, h: Tensor | null = null): Tensor {
    const x = linear(this.sequence(input), this.weightIh, this.biasIh) as Tensor;
    return this.only(gruStates([x, this.state(h, input), this.weightHh, this.biasHh ?? undefined], FORWARD), input);
  }
}
