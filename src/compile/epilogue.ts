/**
 * Epilogues: an elementwise launch on the result of a matrix product becomes a part of the product's, which completes each block of rows while it is in the cache. The
 * product itself is stored where the launch's result goes, and overwritten there, if nobody else reads it. Only what is quicker so is done: `completes` says what that is.
 *
 * The launch moves up to the product, where nothing between them writes what it reads or touches what it writes; else the product moves down to it, on the same terms.
 */
import { FLOAT32, FLOAT64 } from '../dtype/dtype.ts';
import { reads } from '../scalar/expr.ts';
import { type Buffer, type CallItem, type Item, type MapItem, Operand, readsOf, writesOf } from './items.ts';
import { completes, type Lie, MOST_INPUTS, ProductMap } from './product-kernels.ts';

/** How many items ahead the launch may be. */
const REACH = 48;

/** What an epilogue is called, as an item. */
const NAME = 'matmul then map';

/** `seen`: buffers that somebody looks at afterwards. */
export function withEpilogues(items: readonly Item[], seen: ReadonlySet<Buffer>): Item[] {
  const result = [...items];
  for (let at = 0; at < result.length; at++) {
    const product = result[at] as Item;
    if (!isProduct(product)) continue;
    const found = findLaunch(result, at, product);
    if (found === null) continue;
    const launch = result[found.index] as MapItem;
    const isNeeded = seen.has(out(product).buffer) || isUsed(result, out(product).buffer, [product, launch]);
    const both = joined(product, launch, isNeeded);
    if (both === null) continue;
    result[found.isUp ? at : found.index] = both;
    result.splice(found.isUp ? found.index : at, 1);
    if (!found.isUp) at--;
  }
  return result;
}

/** The operators of the epilogues in a list, and of the products that have them. */
export function epiloguesIn(items: readonly Item[]): string[] {
  return items.flatMap((item) => (item.kind === 'call' && item.name === NAME ? [item.operator] : []));
}

type Product = CallItem & { readonly args: readonly [Operand, Operand, Operand, start?: Operand | null] };

function out(product: Product): Operand {
  return product.args[0];
}

function isProduct(item: Item): item is Product {
  if (item.kind !== 'call' || item.name !== 'matmul') return false;
  const operands = item.args.filter((arg) => arg instanceof Operand);
  const { type, size, buffer, rowMajor } = operands[0] as Operand;
  const fits = buffer.made && rowMajor && size > 0 && (type === FLOAT32 || type === FLOAT64);
  return fits && operands.every((operand) => operand.type === type);
}

function isUsed(items: readonly Item[], buffer: Buffer, but: readonly Item[]): boolean {
  return items.some((item) => !but.includes(item) && touches(item, new Set([buffer])));
}

function touches(item: Item, buffers: ReadonlySet<Buffer>): boolean {
  return readsOf(item).some(({ buffer }) => buffers.has(buffer)) || writes(item, buffers);
}

function writes(item: Item, buffers: ReadonlySet<Buffer>): boolean {
  return (
    writesOf(item).some(({ buffer }) => buffers.has(buffer)) ||
    (item.kind === 'gradient' && item.grad !== null && buffers.has(item.grad.buffer))
  );
}

const buffersOf = (operands: readonly Operand[]): Set<Buffer> => new Set(operands.map(({ buffer }) => buffer));

/** The launch that can be a part of the product at `at`, and whether it can move up to it; null if there is none. */
function findLaunch(items: readonly Item[], at: number, product: Product): { readonly index: number; readonly isUp: boolean } | null {
  const own = new Set([out(product).buffer]);
  const operands = buffersOf(readsOf(product));
  let isStill = true;
  let isAlone = true;
  for (let index = at + 1; index < Math.min(items.length, at + REACH); index++) {
    const item = items[index] as Item;
    if (item.kind === 'effect') return null;
    if (item.kind === 'map' && fits(product, item)) {
      const [read, written] = [buffersOf(item.ins), buffersOf(writesOf(item))];
      const isUp = items.slice(at + 1, index).every((between) => !writes(between, read) && !touches(between, written));
      if (isUp || (isStill && isAlone)) return { index, isUp };
    }
    if (writes(item, own)) return null;
    isAlone &&= !touches(item, own);
    isStill &&= !writes(item, operands);
  }
  return null;
}

/** Whether a launch is elementwise on a product and otherwise on what lies along its rows, and the product does not read what the launch writes. */
function fits(product: Product, { ins, params, compute, out: result, program }: MapItem): boolean {
  const source = out(product);
  if (!ins.some(({ buffer }) => buffer === source.buffer)) return false;
  if (params.length > 0 || ins.length > MOST_INPUTS || compute !== source.type || result.size !== source.size) return false;
  const outputs = [result, ...ins.slice(0, program.more.length)];
  if (outputs.some((operand) => lieOf(operand, result, source) !== 'all')) return false;
  const read = buffersOf(readsOf(product));
  if (outputs.some(({ buffer }) => buffer !== source.buffer && read.has(buffer))) return false;
  return [result, ...ins].every(
    (operand) => lieOf(operand, result, source) !== null && (operand.buffer !== source.buffer || isSame(operand, source)),
  );
}

/** Whether an operand is the product. */
function isSame(operand: Operand, product: Operand): boolean {
  const { buffer, offset, type, size, rowMajor } = operand;
  return buffer === product.buffer && offset === product.offset && type === product.type && size === product.size && rowMajor;
}

/** How an operand of a launch lies along the rows of the product; null: in another way. */
function lieOf(operand: Operand, { shape, size }: Operand, product: Operand): Lie | null {
  if (operand.size === size && operand.rowMajor) return 'all';
  if (operand.size === 1) return 'one';
  const last = shape.length - 1;
  if (shape[last] !== product.shape.at(-1)) return null;
  const missing = shape.length - operand.shape.length;
  const strides = shape.map((_, dim) =>
    dim < missing || operand.shape[dim - missing] === 1 ? 0 : (operand.strides[dim - missing] as number),
  );
  let step = 1;
  let [isRow, isColumn] = [strides[last] === 1, strides[last] === 0];
  for (let dim = last - 1; dim >= 0; dim--) {
    const extent = shape[dim] as number;
    if (extent === 1) continue;
    isRow &&= strides[dim] === 0;
    isColumn &&= strides[dim] === step;
    step *= extent;
  }
  return isRow ? 'row' : isColumn ? 'column' : null;
}

/** Both as one launch; null where that does not pay. `isNeeded`: whether somebody else reads the product. */
function joined(product: Product, launch: MapItem, isNeeded: boolean): CallItem | null {
  const { program, compute } = launch;
  const source = out(product);
  const [, a, b, start = null] = product.args;
  const outputs = [launch.out, ...launch.ins.slice(0, program.more.length)];
  const read = new Set(reads([program.expr, ...program.more]).args.map((index) => launch.ins[index] as Operand));
  const place = isNeeded || outputs.some((operand) => isSame(operand, source)) ? null : placeIn(outputs, read, product);
  const there = place === null ? source : new Operand(place.buffer, { ...source, offset: place.offset });
  const ins = launch.ins.map((operand) => (isSame(operand, source) ? there : operand));
  const isUpdate = outputs.some(({ buffer }) => buffer !== there.buffer && [...read].some((operand) => operand.buffer === buffer));
  const operands = [launch.out, ...ins].map((operand) => {
    return { type: operand.type, lie: lieOf(operand, launch.out, source) as Lie, isProduct: isSame(operand, there) };
  });
  if (!completes(program, operands, source.shape)) return null;
  const then = new ProductMap(program, compute, operands, isUpdate);
  const written = [there, ...writesOf(launch).filter(({ buffer }) => buffer !== source.buffer)];
  return {
    kind: 'call',
    operator: `${product.operator}+${launch.operator}`,
    name: NAME,
    run: ((...args: Parameters<ProductMap['run']>) => then.run(...args)) as CallItem['run'],
    args: [there, a, b, start, launch.out, ins],
    reads: [...product.reads, ...ins.filter((operand) => read.has(operand))],
    writes: written,
  };
}

/** An output in the place of which the product may be: nobody reads what was there. */
function placeIn(outputs: readonly Operand[], read: ReadonlySet<Operand>, product: Product): Operand | null {
  const taken = new Set([...readsOf(product), ...read].map(({ buffer }) => buffer));
  return outputs.find(({ buffer, type }) => type === out(product).type && !taken.has(buffer)) ?? null;
}
