import { type PadMode, pad } from '../ops/padding.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { Layer } from './layer.ts';

/** Borders around the last dimensions. */
abstract class Padding extends Layer {
  /** Elements before and after each dimension, the last one first. */
  readonly padding: readonly number[];

  constructor(dims: number, padding: number | readonly number[]) {
    super();
    const { name } = new.target;
    this.padding = typeof padding === 'number' ? Array<number>(2 * dims).fill(padding) : [...padding];
    if (this.padding.length !== 2 * dims || this.padding.some((n) => !Number.isInteger(n)))
      throw new ArgumentError(`${name}: padding must be a whole number or a list of ${2 * dims}, got ${this.padding.length} entries`);
  }

  protected bordered(input: Tensor, mode: PadMode, value = 0): Tensor {
    return pad(input, this.padding, { mode, value }) as Tensor;
  }

  override extraRepr(): string {
    return `[${this.padding.join(', ')}]`;
  }
}

/**
 * Mirrors the input at its edges, which are not repeated. `padding`: one number, or those before and after each dimension, the last one first.
 *
 * @example
 * new nn.ReflectionPad1d(1).forward(ones([1, 3])).shape; // [1, 5]
 */
export class ReflectionPad1d extends Padding {
  static readonly signature: string = 'padding';

  constructor(padding: number | readonly number[]) {
    super(1, padding);
  }

  protected override run(input: Tensor): Tensor {
    return this.bordered(input, 'reflect');
  }
}

/**
 * Mirrors the input at its edges, which are not repeated. `padding`: one number, or those before and after each dimension, the last one first.
 *
 * @example
 * new nn.ReflectionPad2d(1).forward(ones([1, 3, 3])).shape; // [1, 5, 5]
 */
export class ReflectionPad2d extends Padding {
  static readonly signature: string = 'padding';

  constructor(padding: number | readonly number[]) {
    super(2, padding);
  }

  protected override run(input: Tensor): Tensor {
    return this.bordered(input, 'reflect');
  }
}

/**
 * Mirrors the input at its edges, which are not repeated. `padding`: one number, or those before and after each dimension, the last one first.
 *
 * @example
 * new nn.ReflectionPad3d(1).forward(ones([1, 3, 3, 3])).shape; // [1, 5, 5, 5]
 */
export class ReflectionPad3d extends Padding {
  static readonly signature: string = 'padding';

  constructor(padding: number | readonly number[]) {
    super(3, padding);
  }

  protected override run(input: Tensor): Tensor {
    return this.bordered(input, 'reflect');
  }
}

/**
 * Repeats the edges. `padding`: one number, or those before and after each dimension, the last one first.
 *
 * @example
 * new nn.ReplicationPad1d(1).forward(ones([1, 3])).shape; // [1, 5]
 */
export class ReplicationPad1d extends Padding {
  static readonly signature: string = 'padding';

  constructor(padding: number | readonly number[]) {
    super(1, padding);
  }

  protected override run(input: Tensor): Tensor {
    return this.bordered(input, 'replicate');
  }
}

/**
 * Repeats the edges. `padding`: one number, or those before and after each dimension, the last one first.
 *
 * @example
 * new nn.ReplicationPad2d(1).forward(ones([1, 3, 3])).shape; // [1, 5, 5]
 */
export class ReplicationPad2d extends Padding {
  static readonly signature: string = 'padding';

  constructor(padding: number | readonly number[]) {
    super(2, padding);
  }

  protected override run(input: Tensor): Tensor {
    return this.bordered(input, 'replicate');
  }
}

/**
 * Repeats the edges. `padding`: one number, or those before and after each dimension, the last one first.
 *
 * @example
 * new nn.ReplicationPad3d(1).forward(ones([1, 3, 3, 3])).shape; // [1, 5, 5, 5]
 */
export class ReplicationPad3d extends Padding {
  static readonly signature: string = 'padding';

  constructor(padding: number | readonly number[]) {
    super(3, padding);
  }

  protected override run(input: Tensor): Tensor {
    return this.bordered(input, 'replicate');
  }
}

/**
 * Goes on from the other end. `padding`: one number, or those before and after each dimension, the last one first.
 *
 * @example
 * new nn.CircularPad1d(1).forward(ones([1, 3])).shape; // [1, 5]
 */
export class CircularPad1d extends Padding {
  static readonly signature: string = 'padding';

  constructor(padding: number | readonly number[]) {
    super(1, padding);
  }

  protected override run(input: Tensor): Tensor {
    return this.bordered(input, 'circular');
  }
}

/**
 * Goes on from the other end. `padding`: one number, or those before and after each dimension, the last one first.
 *
 * @example
 * new nn.CircularPad2d(1).forward(ones([1, 3, 3])).shape; // [1, 5, 5]
 */
export class CircularPad2d extends Padding {
  static readonly signature: string = 'padding';

  constructor(padding: number | readonly number[]) {
    super(2, padding);
  }

  protected override run(input: Tensor): Tensor {
    return this.bordered(input, 'circular');
  }
}

/**
 * Goes on from the other end. `padding`: one number, or those before and after each dimension, the last one first.
 *
 * @example
 * new nn.CircularPad3d(1).forward(ones([1, 3, 3, 3])).shape; // [1, 5, 5, 5]
 */
export class CircularPad3d extends Padding {
  static readonly signature: string = 'padding';

  constructor(padding: number | readonly number[]) {
    super(3, padding);
  }

  protected override run(input: Tensor): Tensor {
    return this.bordered(input, 'circular');
  }
}

/**
 * A border of zeros. `padding`: one number, or those before and after each dimension, the last one first; negative ones take elements away.
 *
 * @example
 * new nn.ZeroPad1d(1).forward(ones([1, 3])).shape; // [1, 5]
 */
export class ZeroPad1d extends Padding {
  static readonly signature: string = 'padding';

  constructor(padding: number | readonly number[]) {
    super(1, padding);
  }

  protected override run(input: Tensor): Tensor {
    return this.bordered(input, 'constant');
  }
}

/**
 * A border of one value. `padding`: one number, or those before and after each dimension, the last one first; negative ones take elements away.
 *
 * @example
 * new nn.ConstantPad1d(1, 2).forward(ones([1, 3])).shape; // [1, 5]
 */
export class ConstantPad1d extends Padding {
  static readonly signature: string = 'padding, value';
  readonly value: number;

  constructor(padding: number | readonly number[], value: number) {
    super(1, padding);
    this.value = value;
  }

  protected override run(input: Tensor): Tensor {
    return this.bordered(input, 'constant', this.value);
  }

  override extraRepr(): string {
    return `padding=${super.extraRepr()}, value=${this.value}`;
  }
}

/**
 * A border of zeros. `padding`: one number, or those before and after each dimension, the last one first; negative ones take elements away.
 *
 * @example
 * new nn.ZeroPad2d(1).forward(ones([1, 3, 3])).shape; // [1, 5, 5]
 */
export class ZeroPad2d extends Padding {
  static readonly signature: string = 'padding';

  constructor(padding: number | readonly number[]) {
    super(2, padding);
  }

  protected override run(input: Tensor): Tensor {
    return this.bordered(input, 'constant');
  }
}

/**
 * A border of one value. `padding`: one number, or those before and after each dimension, the last one first; negative ones take elements away.
 *
 * @example
 * new nn.ConstantPad2d(1, 2).forward(ones([1, 3, 3])).shape; // [1, 5, 5]
 */
export class ConstantPad2d extends Padding {
  static readonly signature: string = 'padding, value';
  readonly value: number;

  constructor(padding: number | readonly number[], value: number) {
    super(2, padding);
    this.value = value;
  }

  protected override run(input: Tensor): Tensor {
    return this.bordered(input, 'constant', this.value);
  }

  override extraRepr(): string {
    return `padding=${super.extraRepr()}, value=${this.value}`;
  }
}

/**
 * A border of zeros. `padding`: one number, or those before and after each dimension, the last one first; negative ones take elements away.
 *
 * @example
 * new nn.ZeroPad3d(1).forward(ones([1, 3, 3, 3])).shape; // [1, 5, 5, 5]
 */
export class ZeroPad3d extends Padding {
  static readonly signature: string = 'padding';

  constructor(padding: number | readonly number[]) {
    super(3, padding);
  }

  protected override run(input: Tensor): Tensor {
    return this.bordered(input, 'constant');
  }
}

/**
 * A border of one value. `padding`: one number, or those before and after each dimension, the last one first; negative ones take elements away.
 *
 * @example
 * new nn.ConstantPad3d(1, 2).forward(ones([1, 3, 3, 3])).shape; // [1, 5, 5, 5]
 */
export class ConstantPad3d extends Padding {
  static readonly signature: string = 'padding, value';
  readonly value: number;

  constructor(padding: number | readonly number[], value: number) {
    super(3, padding);
    this.value = value;
  }

  protected override run(input: Tensor): Tensor {
    return this.bordered(input, 'constant', this.value);
  }

  override extraRepr(): string {
    return `padding=${super.extraRepr()}, value=${this.value}`;
  }
}
