/** Launches cut into parts: what they do to some of the units, equal shares of their elements, into which a chain of them is cut. */
import { contiguousStrides } from '../shape/shape.ts';
import { Buffer, type CallItem, type MapItem, Operand } from './items.ts';

/** A launch, for the units from `from` on. */
export type Cut = (cutter: Cutter, from: number, count: number) => readonly (MapItem | CallItem)[];

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** A buffer of the program's own. */
export function newBuffer(byteLength: number): Buffer {
  return new Buffer({ byteLength } as never, true, false);
}

/** Makes the operands of parts, and remembers how far they move from block to block. */
export class Cutter {
  readonly moves = new Map<Operand, number>();
  readonly #perBlock: number;
  /** Buffers of which there is never more than a block. */
  readonly #small: ReadonlyMap<Buffer, Buffer>;

  constructor(perBlock: number, small: ReadonlyMap<Buffer, Buffer>) {
    this.#perBlock = perBlock;
    this.#small = small;
  }

  /**
   * What an operand is from unit `at` on, in the block that begins at `start`. `step`: its elements from one unit to the next. Without strides it is
   * consecutive.
   */
  part(operand: Operand, start: number, at: number, step: number, shape: readonly number[], strides?: readonly number[]): Operand {
    const small = this.#small.get(operand.buffer);
    const offset = small === undefined ? operand.offset + at * step : (at - start) * step;
    const size = product(shape);
    const part = new Operand(small ?? operand.buffer, {
      offset,
      shape,
      strides: strides ?? contiguousStrides(shape),
      type: operand.type,
      size,
      rowMajor: strides === undefined,
    });
    if (small === undefined && step !== 0) this.moves.set(part, step * this.#perBlock);
    return part;
  }
}

/** Whether an operand is a whole buffer that is cut into units with the launch, element by element. */
export function isAligned(item: MapItem | CallItem, operand: Operand, units: number): boolean {
  return operand.isWhole && operand.size % units === 0 && (item.kind !== 'map' || operand.size === item.out.size);
}

/** How an elementwise launch is cut into so many units; null: it cannot be. */
export function cutMap(item: MapItem, units: number): Cut | null {
  const { out, ins } = item;
  if (!out.rowMajor || out.size % units !== 0) return null;
  const isFlat = ins.every((operand) => operand.size === 1 || (operand.rowMajor && operand.size === out.size));
  const lead = isFlat ? null : leadingDims(out.shape, units);
  if (!isFlat && lead === null) return null;
  const inner = lead === null ? [] : out.shape.slice(lead.dims);
  const each = lead === null ? out.size / units : lead.each;
  const strides = ins.map((operand) => (lead === null ? [] : mergedStrides(operand, out.shape, lead.dims)));
  if (strides.some((own) => own === null)) return null;
  return (cutter, from, count) => {
    const shape = [count * each, ...inner];
    const cut = (operand: Operand, i: number): Operand => {
      if (operand.size === 1 && out.size !== 1) return operand;
      if (operand.rowMajor && operand.size === out.size) return cutter.part(operand, from, from, out.size / units, shape);
      const own = strides[i] as readonly number[];
      return cutter.part(operand, from, from, each * (own[0] as number), shape, own);
    };
    return [{ ...item, out: cut(out, -1), ins: ins.map(cut) }];
  };
}

/** The dimensions in front that make up the units, or the first one, of which `each` make up one. */
function leadingDims(shape: readonly number[], units: number): { readonly dims: number; readonly each: number } | null {
  let size = 1;
  for (let dims = 0; dims < shape.length; dims++) {
    if (size === units && dims > 0) return { dims, each: 1 };
    size *= shape[dims] as number;
    if (dims === 0 && size % units === 0) return { dims: 1, each: size / units };
  }
  return size === units ? { dims: shape.length, each: 1 } : null;
}

/** The strides of an operand over a shape of which the first dimensions are one; null: they cannot be. */
function mergedStrides(operand: Operand, shape: readonly number[], dims: number): readonly number[] | null {
  const shift = shape.length - operand.shape.length;
  const strides = shape.map((_, i) => (i < shift || operand.shape[i - shift] === 1 ? 0 : (operand.strides[i - shift] as number)));
  for (let i = 0; i < dims - 1; i++) if (strides[i] !== (strides[i + 1] as number) * (shape[i + 1] as number)) return null;
  return strides.slice(dims - 1);
}
