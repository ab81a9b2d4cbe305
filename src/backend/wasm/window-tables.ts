/** What products of windows are given, and the tables that say where the windows' elements lie. */
import { BORDER_BYTES, SPLIT_AT } from '../../kernel/window-images.ts';
import { heap } from '../../runtime/heap.ts';
import type { View } from '../../runtime/view.ts';
import { type Layout, writeSplit } from './window-layout.ts';

/**
 * For each image and group: `out += left · windows`, where `windows[i][j]` is the element of the source at `along[i] + across[j]`. Everything counts elements, and is
 * contiguous but for the steps that are given.
 */
export interface WindowProduct {
  readonly images: number;
  readonly groups: number;
  /** Rows of `left` and `out`. */
  readonly rows: number;
  readonly left: View;
  readonly leftSteps: ImageSteps & { readonly row: number };
  readonly source: View;
  readonly sourceSteps: ImageSteps;
  readonly across: Int32Array;
  readonly along: Int32Array;
  readonly out: View;
  readonly outSteps: ImageSteps;
  /** What `out` starts from: a value for each row of each group, or 0. */
  readonly start: View | null;
  /** What goes around the images of a group before the tables are right for them. */
  readonly border: Border | null;
}

/** A border of zeros around the images of a group: sizes and steps in elements, those of the bordered image. Where it has a layout, that says everything but the size. */
export interface Border {
  readonly layout: Layout | null;
  readonly channels: number;
  readonly slices: number;
  readonly rows: number;
  readonly width: number;
  /** Where the first element goes. */
  readonly first: number;
  readonly channelStep: number;
  readonly sliceStep: number;
  readonly rowStep: number;
  readonly size: number;
}

/** How far the images and groups of an operand lie apart; an image step of 0: all have the same. */
export interface ImageSteps {
  readonly image: number;
  readonly group: number;
}

export function align(bytes: number): number {
  return (bytes + 63) & -64;
}

/** Writes a table: bytes, and how many entries from each on go up by `apart` elements; its last entry is repeated up to `length`. */
export function writeTable(address: number, table: Int32Array, length: number, bytes: number, apart = 1): void {
  const { i32 } = heap;
  const first = address / 4;
  let run = 0;
  for (let i = length - 1; i >= 0; i--) {
    const value = table[Math.min(i, table.length - 1)]!;
    run = i + 1 < table.length && table[i + 1]! - value === apart ? run + 1 : 1;
    i32[first + 2 * i] = value * bytes;
    i32[first + 2 * i + 1] = run;
  }
}

/** Room for the description of a border and one bordered image. */
export function borderBytes(border: Border | null, bytes: number): number {
  return border === null ? 0 : align(BORDER_BYTES) + align(border.size * bytes);
}

/** Describes a border at `address`, behind which there is room for an image, and returns the address; 0 if there is none. */
export function writeBorder(address: number, border: Border | null, bytes: number): number {
  if (border === null) return 0;
  const { channels, slices, rows, width, first, channelStep, sliceStep, rowStep, size, layout } = border;
  const place = address + align(BORDER_BYTES);
  const steps = [channelStep, sliceStep, rowStep, size].map((step) => step * bytes);
  heap.i32.set([place, place + first * bytes, channels, slices, rows, width, ...steps, layout === null ? 0 : 1], address / 4);
  if (layout !== null) writeSplit(address + SPLIT_AT, layout, bytes);
  return address;
}

/** Clears the place of a border that was written. */
export function clearPlace(address: number, border: Border | null, bytes: number): void {
  if (border === null) return;
  const place = address + align(BORDER_BYTES);
  heap.u8.fill(0, place, place + border.size * bytes);
}
