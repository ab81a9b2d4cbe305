/** Launches of attention, forwards and backwards: which blocks it runs in, and where the heads lie. */
import { attentionFunctions, attentionScratch, BACKWARD_WORDS, FORWARD_WORDS } from '../../kernel/attention.ts';
import { MASK_KINDS } from '../../kernel/attention-rows.ts';
import { type MatmulVariant, tileColumns } from '../../kernel/matmul.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocate, beginLaunch, release } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { addressOfView } from './host.ts';
import { type MatmulKernels, matmulKernels } from './matmul-kernels.ts';
import { chunksFor, rowsToShare, runRows } from './parallel.ts';
import { instantiateTrusted, withTrialViews } from './trusted.ts';

/** How queries attend to keys. */
export interface AttentionForm {
  /** Each position attends to itself and to those before it. */
  readonly causal: boolean;
  /** Factor of the scores: above 0. */
  readonly scale: number;
  /** How many heads of queries, one after the other, one head of keys and values serves. */
  readonly group: number;
}

/** Rows of a block of queries: whole tiles of 4 or 6. In the blocks on the diagonal half of the work is lost, so they are small where there are few. */
const BLOCK_ROWS = 48;
const FEW_ROWS = 24;
const FEW_QUERIES = 192;
/** Keys of a block: whole tiles of 8 or 16. */
const BLOCK_COLUMNS = 128;
const BYTES = 4;
/** Each chunk has scratch memory of its own. */
const MOST_CHUNKS = 16;

interface Kernels {
  readonly variant: MatmulVariant;
  readonly attend: KernelFunction;
  readonly attendBackward: KernelFunction;
}

const compiled = new Map<MatmulKernels, Kernels>();

/** On the tiles that the matrix product found to be right. */
function kernelsNow(): Kernels {
  const product = matmulKernels('f32');
  let kernels = compiled.get(product);
  if (kernels === undefined) {
    const { level, variant } = product;
    kernels = instantiateTrusted(
      level,
      () => attentionFunctions(variant),
      (all) => ({ variant, attend: all['attend'] as KernelFunction, attendBackward: all['attendBackward'] as KernelFunction }),
      tryOut,
    );
    compiled.set(product, kernels);
  }
  return kernels;
}

/** Writes the addresses of the matrices of `view` into a column of the table, each for `repeat` heads in a row. */
function writeAddresses(view: View, repeat: number, words: Uint32Array, first: number, step: number): void {
  const dims = view.shape.length - 2;
  const bytes = view.type.itemsize;
  const index = new Array<number>(dims).fill(0);
  let address = addressOfView(view);
  for (let at = first; at < words.length; ) {
    for (let k = 0; k < repeat; k++, at += step) words[at] = address;
    for (let dim = dims - 1; dim >= 0; dim--) {
      const stride = view.strides[dim]! * bytes;
      address += stride;
      if (++index[dim]! < view.shape[dim]!) break;
      address -= index[dim]! * stride;
      index[dim] = 0;
    }
  }
}

const rowStride = (view: View): number => view.strides[view.shape.length - 2]! * view.type.itemsize;
const columnStride = (view: View): number => view.strides[view.shape.length - 1]! * view.type.itemsize;
const rowsOf = (view: View): number => view.shape[view.shape.length - 2]!;
const columnsOf = (view: View): number => view.shape[view.shape.length - 1]!;

/** Runs a kernel over all heads. `shared`: which views have a matrix for each group of heads. */
function launch(
  kernels: Kernels,
  views: readonly View[],
  shared: ReadonlySet<View>,
  mask: View | null,
  form: AttentionForm,
  backward: boolean,
  rowStrides: readonly number[],
): void {
  const [query, key, value, out] = views as [View, View, View, View];
  const [queries, keys, width, valueWidth] = [rowsOf(query), rowsOf(key), columnsOf(query), columnsOf(value)];
  const heads = query.size / (queries * width);
  const rows = form.causal && queries <= FEW_QUERIES ? FEW_ROWS : BLOCK_ROWS;
  const columns = Math.min(BLOCK_COLUMNS, wholeTiles(kernels.variant, keys));
  const words = backward ? BACKWARD_WORDS : FORWARD_WORDS;
  const scratchBytes = align(BYTES * attentionScratch(kernels.variant, [keys, width, valueWidth], [rows, columns], backward));
  const run = backward ? kernels.attendBackward : kernels.attend;
  const scores = heads * queries * (form.causal ? (keys + rows) / 2 : keys);
  const nanoseconds = scores * (backward ? 3 + 0.05 * (3 * width + 2 * valueWidth) : 2 + 0.05 * (width + valueWidth));
  const table = rowsToShare(nanoseconds, run);
  const chunk = table === null ? heads : form.group * Math.ceil(heads / form.group / Math.min(MOST_CHUNKS, chunksFor(nanoseconds, heads)));
  const chunks = Math.ceil(heads / chunk);
  const addressBytes = align(heads * words * BYTES);
  const storage = allocate(addressBytes + chunks * scratchBytes);
  beginLaunch();
  const addresses = addressOf(storage);
  const words32 = heap.u32.subarray(addresses / BYTES, addresses / BYTES + heads * words);
  for (const [i, view] of views.entries()) writeAddresses(view, shared.has(view) ? form.group : 1, words32, i, words);
  if (mask !== null) writeAddresses(mask, 1, words32, words - 1, words);
  const masking = mask === null ? [0, 0, 0] : [MASK_KINDS[mask.type.name as 'bool'], rowStride(mask), columnStride(mask)];
  const strides = [query, key, value].flatMap((view) => [rowStride(view), columnStride(view)]);
  const more = [...strides, rowStride(out), ...masking, ...rowStrides, form.scale * Math.LOG2E, form.scale];
  // Heads do not know of each other, but for those that share keys: any cut gives the same bits.
  const argumentsOf = (i: number): number[] => {
    const first = i * chunk;
    const [from, scratch] = [addresses + first * words * BYTES, addresses + addressBytes + i * scratchBytes];
    const count = Math.min(chunk, heads - first);
    return [from, count, queries, keys, width, valueWidth, form.causal ? 1 : 0, rows, columns, scratch, ...more];
  };
  if (table === null) run(...argumentsOf(0));
  else {
    let at = 0;
    for (let i = 0; i < chunks; i++) for (const value of argumentsOf(i)) table[at++] = value;
    runRows(chunks, at / chunks, true);
  }
  release(storage);
}

function wholeTiles(variant: MatmulVariant, count: number): number {
  const columns = tileColumns(variant);
  return Math.ceil(count / columns) * columns;
}

function align(bytes: number): number {
  return (bytes + 63) & -64;
}

/**
 * Attention in float32: `out` [..., L, Ev] from query [..., L, E], key [..., S, E] and value [..., S, Ev], whose leading dimensions are equal, but for `group`
 * in the last of them. `mask` [..., L, S], of any strides: float32 that is added to the scaled scores, or bool that says which of them count. `known` [..., L, 2], contiguous:
 * for the way back. The last dimension of `out` lies in a run. No size is 0.
 */
export function attend(out: View, known: View, query: View, key: View, value: View, mask: View | null, form: AttentionForm): void {
  attendBy(kernelsNow(), [query, key, value, out, known], mask, form);
}

function attendBy(kernels: Kernels, views: readonly View[], mask: View | null, form: AttentionForm): void {
  launch(kernels, views, new Set([1, 2].map((i) => views[i] as View)), mask, form, false, []);
}

/** The gradients of query, key and value, from that of `out`, whose last dimension lies in a run, as those of what is written do. */
export function attendBackward(
  ofQuery: View,
  ofKey: View,
  ofValue: View,
  query: View,
  key: View,
  value: View,
  out: View,
  known: View,
  gradient: View,
  mask: View | null,
  form: AttentionForm,
): void {
  backwardBy(kernelsNow(), [query, key, value, out, known, gradient, ofQuery, ofKey, ofValue], mask, form);
}

function backwardBy(kernels: Kernels, views: readonly View[], mask: View | null, form: AttentionForm): void {
  const strides = views.slice(5).map(rowStride);
  launch(kernels, views, new Set([1, 2, 7, 8].map((i) => views[i] as View)), mask, form, true, strides);
}

/** Both directions on a few heads that share keys, with blocks that are not whole. */
function tryOut(kernels: Kernels): Uint8Array {
  const [queries, keys] = [
    [2, 29, 20],
    [1, 37, 20],
  ] as const;
  const form: AttentionForm = { causal: true, scale: 0.3, group: 2 };
  const shapes = [queries, keys, keys, queries, [2, 29, 2], queries, queries, keys, keys, [2, 29, 37]];
  return withTrialViews(shapes, (all) => {
    const [views, mask] = [all.slice(0, 9), all[9] as View];
    for (const each of [null, mask]) {
      attendBy(kernels, views.slice(0, 5), each, form);
      backwardBy(kernels, views, each, form);
    }
  });
}
