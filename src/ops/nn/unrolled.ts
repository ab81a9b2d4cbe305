/**
 * Loops over time. Where nobody asks for a derivative or another interpretation of what happens inside, each step writes straight into its place in a
 * tensor of all steps; else the steps are operators like any others, and their results are stacked.
 */
import type { DTypeInfo } from '../../dtype/dtype.ts';
import { backend } from '../../runtime/backend.ts';
import type { MapOperator } from '../../tensor/map-operator.ts';
import { type Tensor, viewOf } from '../../tensor/tensor.ts';
import { emptyTensor } from '../create.ts';
import { callMap } from '../family.ts';
import { catTensors } from '../join.ts';
import { matrixProduct } from '../matmul.ts';
import { narrow } from '../movement.ts';
import { needsComposition } from '../reduction.ts';
import { permute, select, stack } from '../structural.ts';

/** An elementwise function and its operands, the first of which has the shape of the result. */
export type Piece = readonly [map: MapOperator, inputs: readonly Tensor[]];

/** A loop over steps whose tensors are matrices [batch, columns]. */
export class Unrolled {
  /** Whether steps write into their places. */
  readonly direct: boolean;
  readonly #type: DTypeInfo;

  constructor(operands: readonly (Tensor | null)[], type: DTypeInfo) {
    this.direct = !operands.some((x) => x !== null && needsComposition(x));
    this.#type = type;
  }

  /** Room for the results of all steps. */
  line(count: number, batch: number, columns: number): Line {
    return new Line(this, this.direct ? emptyTensor([count, batch, columns], this.#type) : null, count);
  }

  /** Room that each step overwrites; null where steps make tensors of their own. */
  scratch(batch: number, columns: number): Tensor | null {
    return this.direct ? emptyTensor([batch, columns], this.#type) : null;
  }

  /** One step of [steps, batch, columns]. */
  step(x: Tensor, index: number): Tensor {
    if (!this.direct) return select(x, 0, index);
    return viewOf(x, x.shape.slice(1), x.strides.slice(1), x.offset + index * (x.strides[0] as number));
  }

  /** Some columns of a step. */
  columns(x: Tensor, from: number, count: number): Tensor {
    if (!this.direct) return narrow(x, 1, from, count);
    return viewOf(x, [x.shape[0] as number, count], x.strides, x.offset + from * (x.strides[1] as number));
  }

  /** Rows as columns. */
  turned(x: Tensor): Tensor {
    if (!this.direct) return permute(x, [1, 0]);
    return viewOf(x, [x.shape[1] as number, x.shape[0] as number], [x.strides[1] as number, x.strides[0] as number], x.offset);
  }

  map([map, inputs]: Piece, target: Tensor | null): Tensor {
    if (target === null) return callMap(map, inputs, [], this.#type);
    map.forwardInto(target, inputs, { values: [], compute: this.#type });
    return target;
  }

  product(a: Tensor, b: Tensor, target: Tensor | null): Tensor {
    if (target === null) return matrixProduct(a, b);
    backend().matmul(target, a, b);
    return target;
  }
}

/** The results of all steps. */
export class Line {
  readonly #loop: Unrolled;
  readonly #whole: Tensor | null;
  readonly #steps: Tensor[];

  constructor(loop: Unrolled, whole: Tensor | null, count: number) {
    this.#loop = loop;
    this.#whole = whole;
    this.#steps = new Array<Tensor>(count);
  }

  /** Computes one step, its columns piece by piece. */
  write(index: number, ...pieces: readonly Piece[]): Tensor {
    const place = this.#whole === null ? null : this.#loop.step(this.#whole, index);
    let from = 0;
    const parts = pieces.map((piece) => {
      const count = (piece[1][0] as Tensor).shape[1] as number;
      from += count;
      return this.#loop.map(piece, place === null ? null : this.#loop.columns(place, from - count, count));
    });
    const made = place ?? (parts.length === 1 ? (parts[0] as Tensor) : catTensors(parts, 1));
    this.#steps[index] = made;
    return made;
  }

  /** Sets one step to a product of matrices. */
  multiply(index: number, a: Tensor, b: Tensor): Tensor {
    const made = this.#loop.product(a, b, this.#whole === null ? null : this.#loop.step(this.#whole, index));
    this.#steps[index] = made;
    return made;
  }

  at(index: number): Tensor {
    return this.#steps[index] as Tensor;
  }

  /** All steps as one tensor. */
  all(): Tensor {
    return this.#whole ?? stack(this.#steps);
  }
}
