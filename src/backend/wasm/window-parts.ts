/** How products of windows are cut for threads. Every element of a result is computed in the same way wherever a part begins, so that any cut gives the same bits. */
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { runRows } from './parallel.ts';
import type { WindowProduct } from './window-tables.ts';

/** Some images, and some columns of each. */
export interface Part {
  readonly image: number;
  readonly images: number;
  readonly column: number;
  readonly columns: number;
}

/** Multiplications and additions in a nanosecond. */
const SPEED = 40;
/** A part has about as many nanoseconds at least, so that what it does before it multiplies does not count. */
const PART = 5e4;
const MOST = 16;

/** About how many nanoseconds the products of all groups take. */
export function nanosecondsOf({ images, groups, rows, across, along }: WindowProduct): number {
  return (images * groups * rows * across.length * along.length) / SPEED;
}

/** Cuts images that take so many nanoseconds together: between them where there are enough, else each into blocks of columns; then they come one after the other. */
export function partsOf(images: number, columns: number, block: number, nanoseconds: number): Part[] {
  const wanted = Math.max(1, Math.min(MOST, Math.floor(nanoseconds / PART)));
  const cut = (i: number, n: number, of: number): number => Math.floor((i * of) / n);
  const blocks = Math.ceil(columns / block);
  const each = Math.min(blocks, Math.ceil(wanted / images));
  if (each === 1 || images >= MOST / 2) {
    const n = Math.min(images, wanted);
    return Array.from({ length: n }, (_, i) => ({
      image: cut(i, n, images),
      images: cut(i + 1, n, images) - cut(i, n, images),
      column: 0,
      columns,
    }));
  }
  return Array.from({ length: each }, (_, i) => {
    const column = cut(i, each, blocks) * block;
    return { image: 0, images: 1, column, columns: Math.min(cut(i + 1, each, blocks) * block, columns) - column };
  });
}

/** Some groups of some images. */
export interface GroupPart {
  readonly image: number;
  readonly images: number;
  readonly group: number;
  readonly groups: number;
}

/** Cuts what takes so many nanoseconds between images, of which `cuttable` may be apart, or else between groups. */
export function groupParts(nanoseconds: number, cuttable: number, images: number, groups: number): GroupPart[] {
  const wanted = Math.max(1, Math.min(MOST, Math.floor(nanoseconds / PART)));
  const cut = (i: number, n: number, of: number): number => Math.floor((i * of) / n);
  const n = Math.min(wanted, Math.max(cuttable, groups));
  const between = cuttable >= n;
  return Array.from({ length: n }, (_, i) => {
    const [image, group] = between ? [cut(i, n, images), 0] : [0, cut(i, n, groups)];
    return {
      image,
      images: between ? cut(i + 1, n, images) - image : images,
      group,
      groups: between ? groups : cut(i + 1, n, groups) - group,
    };
  });
}

/** Runs a kernel once for each list of arguments: shared with threads where there is room for them. */
export function launchParts(shares: Float64Array | null, args: readonly (readonly number[])[], kernel: KernelFunction): void {
  if (shares === null) {
    for (const list of args) kernel(...list);
    return;
  }
  args.forEach((list, i) => {
    shares.set(list, i * list.length);
  });
  runRows(args.length, args[0]!.length);
}
