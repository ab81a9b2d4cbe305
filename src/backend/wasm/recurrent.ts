/** Launches of recurrent layers: which rows of the batch run together, and where everything lies. */

import type { MatmulVariant } from '../../kernel/matmul.ts';
import { type RecurrentCell, recurrentFunctions, recurrentScratch } from '../../kernel/recurrent.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { addressOf, allocate, beginLaunch, release } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { addressOfView } from './host.ts';
import { type MatmulKernels, matmulKernels } from './matmul-kernels.ts';
import { rowsToShare, runRows } from './parallel.ts';
import { instantiateTrusted, withTrialViews } from './trusted.ts';

export type { CellStep, RecurrentCell } from '../../kernel/recurrent.ts';

const BYTES = 4;
/** Rows of the batch that a thread takes at least, and how many parts there are at most: each packs the weight for itself. */
const PART_ROWS = 8;
const MOST_PARTS = 8;
/** Nanoseconds of a multiplication and an addition, and of what the gates compute for one value. */
const PER_PRODUCT = 0.03;
const PER_GATE = 2;

export interface Kernels {
  readonly variant: MatmulVariant;
  readonly forward: KernelFunction;
  readonly backward: KernelFunction;
}

const compiled = new WeakMap<RecurrentCell, Map<MatmulKernels, Kernels>>();

function kernelsFor(cell: RecurrentCell): Kernels {
  const product = matmulKernels('f32');
  let known = compiled.get(cell);
  if (known === undefined) {
    known = new Map();
    compiled.set(cell, known);
  }
  let kernels = known.get(product);
  if (kernels === undefined) {
    const { level, variant } = product;
    kernels = instantiateTrusted(
      level,
      () => recurrentFunctions(cell, variant),
      (all) => ({ variant, forward: all['forward'] as KernelFunction, backward: all['backward'] as KernelFunction }),
      (each) => tryOut(each, cell),
    );
    known.set(product, kernels);
  }
  return kernels;
}

/** A tensor whose rows are those of the batch: where its first step is, and how far steps and rows lie apart. */
interface Place {
  readonly address: number;
  readonly step: number;
  readonly row: number;
}

const NOWHERE: Place = { address: 0, step: 0, row: 0 };

/** Of a view [T, N, …], or [N, …]; `last`: from the last step on. */
function placeOf(view: View | null, last: boolean): Place {
  if (view === null) return NOWHERE;
  const address = addressOfView(view);
  const [first, second] = view.strides.map((stride) => stride * BYTES) as [number, number];
  if (view.shape.length === 2) return { address, step: 0, row: first };
  return { address: address + (last ? (view.shape[0]! - 1) * first : 0), step: last ? -first : first, row: second };
}

/** Rows of a batch do not know of each other: any cut gives the same bits. `run` gets the arguments for some of them. */
function launch(
  kernel: KernelFunction,
  cell: RecurrentCell,
  [steps, batch, size]: readonly [number, number, number],
  scratchNumbers: (rows: number) => number,
  argumentsOf: () => (first: number, rows: number, scratch: number) => number[],
): void {
  const nanoseconds = steps * batch * size * cell.gates * (size * PER_PRODUCT + PER_GATE);
  const table = batch < 2 * PART_ROWS ? null : rowsToShare(nanoseconds, kernel);
  const parts = table === null ? 1 : Math.min(MOST_PARTS, Math.floor(batch / PART_ROWS));
  const part = Math.ceil(batch / parts);
  const bytes = (BYTES * scratchNumbers(part) + 63) & -64;
  const storage = allocate(parts * bytes);
  beginLaunch();
  const scratch = addressOf(storage);
  const make = argumentsOf();
  if (table === null) kernel(...make(0, batch, scratch));
  else {
    let at = 0;
    let count = 0;
    for (let first = 0; first < batch; first += part, count++)
      for (const value of make(first, Math.min(part, batch - first), scratch + count * bytes)) table[at++] = value;
    runRows(count, at / count, true);
  }
  release(storage);
}

/**
 * The states of all steps [T, N, H], what is carried besides, and what is kept, [T, N, kept · H], contiguous. `input` [T, N, gates · H], contiguous; `weight`
 * [gates · H, H], of any strides; `bias` [gates · H], consecutive; `state` and `carried` [N, H] before the first step, with consecutive columns. H is a
 * multiple of 4. `reverse`: from the last step to the first.
 */
export function recurrentForward(
  cell: RecurrentCell,
  states: View,
  carriedAll: View | null,
  kept: View | null,
  input: View,
  weight: View,
  bias: View | null,
  state: View,
  carried: View | null,
  reverse: boolean,
  kernels: Kernels = kernelsFor(cell),
): void {
  const [steps, batch, size] = states.shape as [number, number, number];
  const scratch = (rows: number): number => recurrentScratch(cell, kernels.variant, rows, size);
  launch(kernels.forward, cell, [steps, batch, size], scratch, () => {
    const [inputs, all, others, keeps] = [input, states, carriedAll, kept].map((view) => placeOf(view, reverse)) as [
      Place,
      Place,
      Place,
      Place,
    ];
    const [first, other] = [placeOf(state, false), placeOf(carried, false)];
    const origin = bias === null ? 1 : addressOfView(bias);
    const [weightRow, weightColumn] = weight.strides.map((stride) => stride * BYTES) as [number, number];
    const at = ({ address, row }: Place, from: number): number => address + from * row;
    return (from, rows, room) => [
      ...[steps, rows, size, room, addressOfView(weight), weightRow, weightColumn, at(inputs, from), inputs.step, origin],
      ...[at(first, from), first.row, at(other, from), other.row, at(all, from), at(others, from), all.step, at(keeps, from), keeps.step],
    ];
  });
}

/**
 * The gradients of input and product [T, N, gates · H], contiguous, which are one where the product is added to the input, and of the first states [N, H].
 * `before`: the states before the first step that the unit reads, and `states` those of all steps; `ofStates` and `ofCarried` [T, N, H], or [N, H] for all
 * steps alike, with consecutive columns. That of the first state has no meaning unless it is `complete`.
 */
export function recurrentBackward(
  cell: RecurrentCell,
  ofInput: View,
  ofProduct: View | null,
  ofFirst: View,
  ofFirstCarried: View | null,
  weight: View,
  states: View,
  kept: View | null,
  before: View,
  ofStates: View,
  ofCarried: View | null,
  reverse: boolean,
  complete: boolean,
  kernels: Kernels = kernelsFor(cell),
): void {
  const [steps, batch, size] = states.shape as [number, number, number];
  const scratch = (rows: number): number => recurrentScratch(cell, kernels.variant, rows, size);
  launch(kernels.backward, cell, [steps, batch, size], scratch, () => {
    const places = [states, kept, ofStates, ofCarried, ofInput, ofProduct].map((view) => placeOf(view, !reverse));
    const [all, keeps, outer, outerCarried, inputs, products] = places as [Place, Place, Place, Place, Place, Place];
    const [first, later, laterCarried] = [placeOf(before, false), placeOf(ofFirst, false), placeOf(ofFirstCarried, false)];
    const [weightRow, weightColumn] = weight.strides.map((stride) => stride * BYTES) as [number, number];
    const at = ({ address, row }: Place, from: number): number => address + from * row;
    return (from, rows, room) => [
      ...[steps, rows, size, room, addressOfView(weight), weightRow, weightColumn, at(first, from), first.row],
      ...[at(all, from), all.step, at(keeps, from), keeps.step, at(outer, from), outer.step, outer.row],
      ...[at(outerCarried, from), outerCarried.step, outerCarried.row, complete ? 1 : 0, at(later, from), at(laterCarried, from)],
      ...[at(inputs, from), at(products, from), inputs.step],
    ];
  });
}

/** Both directions over two steps of a few rows, with tiles that are not whole. */
function tryOut(kernels: Kernels, cell: RecurrentCell): Uint8Array {
  const [batch, size] = [7, 20];
  const wide = [2, batch, cell.gates * size];
  const line = [2, batch, size];
  const one = [batch, size];
  const shapes = [line, line, [2, batch, Math.max(cell.kept, 1) * size], wide, [cell.gates * size, size], [cell.gates * size], one, one];
  return withTrialViews([...shapes, wide, wide, one, one, line, line], (views) => {
    const [states, carried, kept, input, weight, bias, first, other, ofInput, ofProduct, ofFirst, ofOther, ofStates, ofCarried] = views;
    const all = [states, carried, kept, input, weight, bias, first, other] as [View, View, View, View, View, View, View, View];
    recurrentForward(cell, ...all, false, kernels);
    const read = cell.kind === 'added' ? all[1] : all[0];
    const rest = [read, all[2], cell.kind === 'added' ? all[7] : all[6], ofStates, ofCarried] as [View, View, View, View, View];
    recurrentBackward(cell, ofInput as View, ofProduct as View, ofFirst as View, ofOther as View, all[4], ...rest, false, true, kernels);
  });
}
