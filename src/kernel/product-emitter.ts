/** Functions that run matrix products and what comes between them, in one call: their parameters by name, addresses and strides (in bytes), and scratch memory. */
import { type MatmulVariant, tileBytes, tileColumns } from './matmul.ts';
import { FunctionBuilder, i32s, type Local, type ValueType } from './wasm/encoder.ts';

/** A local, or code that leaves a number on the stack. */
export type Push = Local | (() => void);

/** `P`: the names of the parameters, all i32, in their order; one of them is `scratch`. */
export class ProductEmitter<P extends string> {
  readonly f: FunctionBuilder;
  /** Columns of a tile. */
  readonly columns: number;
  readonly #names: readonly (P | 'scratch')[];
  readonly #multiply: FunctionBuilder;
  readonly #pack: FunctionBuilder;
  readonly #edge: Local;
  /** Where room that nobody has taken begins. */
  readonly #free: Local;

  /** `product`: the functions of the matrix product, which functions of one module share. */
  constructor(
    name: string,
    variant: MatmulVariant,
    product: readonly FunctionBuilder[],
    names: readonly (P | 'scratch')[],
    more: readonly ValueType[] = [],
  ) {
    this.f = new FunctionBuilder(name, [...i32s(names.length), ...more]);
    this.#names = names;
    this.columns = tileColumns(variant);
    this.#multiply = product.find((each) => each.name === 'multiply') as FunctionBuilder;
    this.#pack = product.find((each) => each.name === 'packRight') as FunctionBuilder;
    this.#free = this.local();
    this.#edge = this.p('scratch');
    this.set(this.#free, this.plus(this.#edge, this.constant(edgeBytes(variant))));
  }

  p(name: P | 'scratch'): Local {
    return this.#names.indexOf(name);
  }

  local(): Local {
    return this.f.local('i32');
  }

  push(x: Push): void {
    if (typeof x === 'number') this.f.get(x);
    else x();
  }

  set(local: Local, value: Push): void {
    this.push(value);
    this.f.set(local);
  }

  call(target: FunctionBuilder, ...args: readonly Push[]): void {
    for (const each of args) this.push(each);
    this.f.call(target);
  }

  constant(value: number): () => void {
    return () => this.f.i32(value);
  }

  plus(x: Push, y: Push): () => void {
    return () => {
      this.push(x);
      this.push(y);
      this.f.op('i32.add');
    };
  }

  times(x: Push, y: Push): () => void {
    return () => {
      this.push(x);
      this.push(y);
      this.f.op('i32.mul');
    };
  }

  /** `base` + `index` rows that are `by` bytes long. */
  at(base: Push, index: Push, by: Push): () => void {
    return this.plus(base, this.times(index, by));
  }

  least(x: Push, y: Push): () => void {
    return () => {
      for (const each of [x, y, x, y]) this.push(each);
      this.f.op('i32.lt_s').op('select');
    };
  }

  /** Rounded up to whole tiles. */
  whole(x: Push): () => void {
    return () => {
      this.push(x);
      this.f
        .i32(this.columns - 1)
        .op('i32.add')
        .i32(-this.columns)
        .op('i32.and');
    };
  }

  /** Room for rows × columns numbers. */
  room(rows: Push, columns: Push): Local {
    const taken = this.local();
    this.set(taken, this.#free);
    this.push(this.at(this.#free, rows, this.times(columns, this.constant(4))));
    this.f.set(this.#free);
    return taken;
  }

  /** Packs `count` columns of `depth` values as the right side of products. */
  pack(target: Push, source: Push, count: Push, depth: Push, across: Push, along: Push): void {
    this.call(this.#pack, target, source, count, depth, across, along);
  }

  /** Adds left (m × k) · packed (k × n, packed `depth` deep) to out, or where `fresh` is 1, sets out to it. */
  multiply(
    [m, n, k]: readonly [Push, Push, Push],
    [left, leftRow, leftColumn]: readonly [Push, Push, Push],
    [packed, depth]: readonly [Push, Push],
    [out, outRow]: readonly [Push, Push],
    fresh: Push = this.constant(0),
  ): void {
    const bytes = 4 * this.columns;
    const panel = this.times(depth, this.constant(bytes));
    this.call(this.#multiply, m, n, k, left, packed, this.constant(bytes), panel, out, outRow, this.#edge, fresh, leftRow, leftColumn);
  }
}

function edgeBytes(variant: MatmulVariant): number {
  return (tileBytes(variant) + 63) & -64;
}

/** How many numbers of scratch memory the room for an edge takes. */
export function edgeNumbers(variant: MatmulVariant): number {
  return edgeBytes(variant) / 4;
}
