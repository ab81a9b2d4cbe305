/**
 * Matrix products with an elementwise program behind them: it completes each block of rows when the sums of the block are done, while it is in the cache, on
 * whatever thread has it. An element is computed by the code that a launch of the program has, wherever it lies, so the bits are those of the product and then
 * the program.
 */
import type { DTypeInfo } from '../../dtype/dtype.ts';
import { compileMap } from '../../kernel/map.ts';
import { isLight } from '../../kernel/matmul-stores.ts';
import { isHeavy } from '../../kernel/vector/cost.ts';
import { type KernelFunction, sourceOf } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocatePermanent, type Storage } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import type { MapProgram } from '../../scalar/program.ts';
import { addressOfView } from './host.ts';
import { type KernelLevel, levelEpoch } from './level.ts';
import { map } from './map.ts';
import { sizes, strides, writePlan } from './map-plan.ts';
import { matmulReal } from './matmul.ts';
import { type MatmulKernels, matmulKernels } from './matmul-kernels.ts';
import { BLOCK_ROWS, completing, DEPTH, MOST_CHUNKS, runChunks, WHOLE } from './matmul-run.ts';
import { compileStored } from './matmul-stores.ts';
import { flatTrial, kernelFor, launchesFor, type TrialFor } from './widen.ts';

/** How an operand lies over the rows of a product: element by element, one element for all, a row that all share, or one element for each row. */
export type Lie = 'all' | 'one' | 'row' | 'column';

/** Whether a program is quicker as a part of a product of this shape than behind it. */
export function completes({ expr, more }: MapProgram, operands: readonly ProductOperand[], shape: readonly number[]): boolean {
  if (thenTuning.always) return true;
  if (!operands.every(({ isProduct }) => isProduct) || !isLight([expr, ...more])) return false;
  const kernels = matmulKernels((operands[0] as ProductOperand).type.itemsize === 4 ? 'f32' : 'f64');
  const isStored = thenTuning.storedAt.includes(kernels.level) && (shape[shape.length - 1] as number) % kernels.columns === 0;
  return shape.reduce((size, extent) => size * extent, 1) >= (isStored ? thenTuning.leastElements : thenTuning.leastOfBlocks);
}

/** An operand of a program that completes a product. */
export interface ProductOperand {
  readonly type: DTypeInfo;
  readonly lie: Lie;
  /** Whether it is the product, or lies in its place. */
  readonly isProduct: boolean;
}

/** Operands at most, besides the output: a chunk has eleven arguments. */
export const MOST_INPUTS = 8;

/** What decides between the ways. Measured; tests change it. */
export const thenTuning = {
  /** Whether also what pays nothing is done: what is more than light, which is bound by computing wherever the product lies, and what reads other memory, for which tiles wait. */
  always: false,
  /** Fewer elements are not worth what it takes to say so: 2 µs. */
  leastElements: 32768,
  /** Fewer are still in the cache when the program comes, where blocks and not the stores are completed. */
  leastOfBlocks: 2 ** 20,
  /** After so many elements a program is compiled into the stores of the product, which takes 4 ms and saves 0.05 ns an element. */
  storedAfter: 2 ** 24,
  /** Where they hold it beside the sums. V8 11 takes the sums out of the registers for it: 1.3 ns an element after 32 steps, in the place of 0.1. */
  storedAt: ['wide'] as readonly KernelLevel[],
};

/** Bytes of the result that a block has. */
const BLOCK_BYTES = 1 << 18;
/** Rows of whole tiles, at every level. */
const WHOLE_TILES = 12;

/** Arguments of `products`, of which others have fewer. */
const PRODUCTS_WIDTH = 17;

/** Room for the plan of a chunk: two loops of so many operands. */
const PLAN_BYTES = 4 * (2 * (MOST_INPUTS + 1) + 3);
let plans: Storage | null = null;

const NO_PARAMS: readonly number[] = [];

/** A kernel, which may be replaced by its wide form. */
interface Kernel {
  run: KernelFunction;
}

/** A product with the program in its stores: none if it is null, not compiled yet if it is undefined. */
interface Stored {
  elements: number;
  kernel: KernelFunction | null | undefined;
}

/** A program that completes the blocks of products. Its operands are `out` and `ins`, as in a launch; those that lie where the product does are the product. */
export class ProductMap {
  readonly #program: MapProgram;
  readonly #compute: DTypeInfo;
  /** Of all operands, the output first. */
  readonly #types: readonly DTypeInfo[];
  readonly #lies: readonly Lie[];
  readonly #hasRows: boolean;
  /** Whether something is written that is read, besides the product. */
  readonly #isUpdate: boolean;
  readonly #isLight: boolean;
  /** Whether the stores of the product could do it. */
  readonly #fitsStores: boolean;
  /** Of the way that the product went last. */
  #stored: Stored | null = null;
  #isPacked = false;
  #epoch = -1;
  readonly #kernels: [Kernel | null, Kernel | null] = [null, null];
  #product: View | null = null;
  #views: readonly View[] = [];
  #isDone = false;
  readonly #complete: typeof runChunks = (...launch) => this.#runChunks(...launch);

  constructor(program: MapProgram, compute: DTypeInfo, operands: readonly ProductOperand[], isUpdate: boolean) {
    this.#program = program;
    this.#compute = compute;
    this.#types = operands.map(({ type }) => type);
    this.#lies = operands.map(({ lie }) => lie);
    this.#hasRows = this.#lies.some((lie) => lie === 'row' || lie === 'column');
    this.#isUpdate = isUpdate;
    this.#isLight = isLight([program.expr, ...program.more]);
    this.#fitsStores = this.#isLight && program.more.length === 0 && operands.every(({ isProduct }) => isProduct);
  }

  /** The product of real matrices, `start + a @ b` (see `Backend.matmul`), and then the program. All are float32, or all float64. */
  run(product: View, a: View, b: View, start: View | null, out: View, ins: readonly View[]): void {
    this.#isDone = false;
    if (product.size >= thenTuning.leastElements) {
      plans ??= allocatePermanent(MOST_CHUNKS * PLAN_BYTES);
      this.#product = product;
      this.#views = [out, ...ins];
      this.#compileStored();
      completing.run = this.#complete;
      completing.rows = this.#rowsAtATime(a.shape[a.shape.length - 1] as number);
    }
    try {
      matmulReal(product, a, b, start);
    } finally {
      completing.run = null;
      completing.rows = 0;
      this.#product = null;
      this.#views = [];
    }
    if (!this.#isDone) map(this.#program, out, ins, NO_PARAMS, this.#compute);
  }

  /** How many rows to complete at a time, if nothing is packed of the left side: all, as a product takes them that fits into the cache, or equal parts, where it must still be there for the program. */
  #rowsAtATime(k: number): number {
    const { shape, size, type } = this.#product as View;
    const n = shape[shape.length - 1] as number;
    const rows = size / n;
    if (k > DEPTH || rows * k * type.itemsize > WHOLE) return BLOCK_ROWS;
    const most = this.#stored?.kernel ? rows : BLOCK_BYTES / n / type.itemsize;
    return Math.ceil(rows / Math.ceil(rows / most) / WHOLE_TILES) * WHOLE_TILES;
  }

  /** Chunks of the product, each with the program behind it. */
  #runChunks(...[nanoseconds, steps, chunks, adds, argumentsOf]: Parameters<typeof runChunks>): void {
    if (chunks === 0) return;
    this.#isDone = true;
    const first = argumentsOf(0);
    const width = first.length / steps.length;
    const from = first.length - width;
    const isBatch = width === PRODUCTS_WIDTH;
    const product = this.#product as View;
    const address = addressOfView(product);
    const stored = isBatch ? null : this.#storedFor(steps);
    if (stored !== null) {
      runChunks(nanoseconds, [...steps.slice(0, -1), stored], chunks, adds, argumentsOf);
      return;
    }
    // Rows that follow each other are one run.
    const isFlat =
      !this.#hasRows && (isBatch || first[from] === 1 || (first[from + 1] as number) * product.type.itemsize === first[from + 8]);
    runChunks(nanoseconds, [...steps, this.#kernelOf(isFlat)], chunks, adds || this.#isUpdate, (i) => {
      const values = [...(i === 0 ? first : argumentsOf(i))];
      const [rows, columns, target] = isBatch ? [0, 5, 13] : [0, 1, 7];
      const members = isBatch ? (values[4] as number) : 1;
      const element = ((values[from + target] as number) - address) / product.type.itemsize;
      this.#addArguments(values, i, isFlat, (values[from + rows] as number) * members, values[from + columns] as number, element);
      while (values.length < from + 2 * width) values.push(0);
      return values;
    });
  }

  /** The kernel in the place of the last of these, if that is there; counts what it would have done. */
  #storedFor(steps: readonly KernelFunction[]): KernelFunction | null {
    const kernels = this.#kernelsOfProduct();
    const { shape, size } = this.#product as View;
    if (kernels === null || (shape[shape.length - 1] as number) % kernels.columns !== 0) return null;
    const isPacked = steps[steps.length - 1] === kernels.multiplyPacked;
    if (this.#stored === null || isPacked !== this.#isPacked || this.#epoch !== levelEpoch()) {
      this.#isPacked = isPacked;
      this.#epoch = levelEpoch();
      const key = `stores ${this.#compute.index} ${isPacked} ${this.#epoch}`;
      this.#stored = (this.#program.kernels.get(key) as Stored | undefined) ?? { elements: 0, kernel: undefined };
      this.#program.kernels.set(key, this.#stored);
    }
    this.#stored.elements += size;
    return this.#stored.kernel ?? null;
  }

  #kernelsOfProduct(): MatmulKernels | null {
    if (!this.#fitsStores) return null;
    const kernels = matmulKernels(this.#compute.itemsize === 4 ? 'f32' : 'f64');
    return thenTuning.storedAt.includes(kernels.level) ? kernels : null;
  }

  /** Compiles the program into the stores of the product, for the way that it went the last time, once that pays. */
  #compileStored(): void {
    const stored = this.#stored;
    const kernels = this.#kernelsOfProduct();
    if (kernels === null || stored === null || stored.kernel !== undefined || stored.elements < thenTuning.storedAfter) return;
    const kernel = this.#known(true).run;
    const inputs = this.#views.length;
    const complete = (address: number, elements: number): unknown => kernel(elements, ...Array<number>(inputs).fill(address));
    stored.kernel = compileStored(kernels, this.#isPacked, this.#program.expr, this.#compute, complete);
  }

  /** Adds what the program's kernel gets for a block: so many rows and columns, from an element of the product on. */
  #addArguments(values: number[], chunk: number, isFlat: boolean, rows: number, columns: number, element: number): void {
    const views = this.#views;
    const { shape } = this.#product as View;
    const all = shape[shape.length - 1] as number;
    const plan = isFlat ? 0 : addressOf(plans as Storage) + (chunk % MOST_CHUNKS) * PLAN_BYTES;
    if (isFlat) values.push(rows * columns);
    else values.push(columns, plan);
    for (let k = 0; k < views.length; k++) {
      const view = views[k] as View;
      const { itemsize } = view.type;
      const lie = this.#lies[k] as Lie;
      const at = lie === 'all' ? element : lie === 'row' ? element % all : lie === 'column' ? Math.floor(element / all) : 0;
      values.push(addressOfView(view) + at * itemsize);
      strides[k] = lie === 'all' || lie === 'row' ? itemsize : 0;
      strides[views.length + k] = lie === 'all' ? all * itemsize : lie === 'column' ? itemsize : 0;
    }
    if (isFlat) return;
    sizes[0] = columns;
    sizes[1] = rows;
    writePlan(heap.i32, plan >>> 2, 2, views.length);
  }

  #kernelOf(isFlat: boolean): KernelFunction {
    const kernel = (this.#kernels[isFlat ? 0 : 1] ??= this.#known(isFlat));
    // What may yet be replaced is asked for each time; threads could not have it anyway.
    return sourceOf(kernel.run) === undefined ? (...args) => kernel.run(...args) : kernel.run;
  }

  /** The kernel that all products with this program and these operands have in common. */
  #known(isFlat: boolean): Kernel {
    const { kernels } = this.#program;
    const key = `then ${isFlat} ${this.#compute.index} ${this.#types.map(({ index }, k) => `${index}${this.#lies[k]}`)}`;
    let kernel = kernels.get(key) as Kernel | undefined;
    if (kernel === undefined) kernels.set(key, (kernel = this.#compile(isFlat)));
    return kernel;
  }

  #compile(isFlat: boolean): Kernel {
    const { expr, more } = this.#program;
    const [output, ...inputs] = this.#types as [DTypeInfo, ...DTypeInfo[]];
    const signature = {
      expr,
      more,
      compute: this.#compute,
      output,
      inputs,
      paramCount: 0,
      outputAccess: 'unit',
      inputAccess: this.#lies.slice(1).map((lie) => (lie === 'one' || (lie === 'column' && !isFlat) ? 'uniform' : 'unit')),
      nested: !isFlat,
    } as const;
    const results = [expr, ...more];
    const outputs = this.#types.slice(0, results.length);
    const trial = isFlat ? flatTrial(outputs) : nestedTrial(outputs, this.#types.length);
    const make = (name: string) => compileMap(name, signature);
    const kernel = {} as Kernel;
    const replace = (run: KernelFunction): void => {
      kernel.run = run;
    };
    replace(kernelFor(make, !this.#isLight && isHeavy(results), trial, replace, 'plain', launchesFor((this.#product as View).size)));
    return kernel;
  }
}

/** The trial of a block, `(columns, plan, outputs…, inputs…)`: from the first to the last of its elements. */
function nestedTrial(outputs: readonly DTypeInfo[], operands: number): TrialFor {
  return (args) => {
    const [columns, plan] = args as [number, number];
    const words = plan >>> 2;
    const rows = heap.i32[words + operands + 1] as number;
    const written = outputs.map(({ itemsize }, k) => {
      const start = args[k + 2] as number;
      const row = heap.i32[words + operands + 3 + k] as number;
      return [start, start + (rows - 1) * row + columns * itemsize] as const;
    });
    return { args, written };
  };
}
