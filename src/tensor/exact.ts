import type { DTypeInfo } from '../dtype/dtype.ts';

/**
 * Arrays of exactly the length that a node needs. An array that grows by `push` reserves 17 elements at its first one, which is most of the
 * memory of a deep graph; and what is equal for many nodes is one array, which nobody writes to.
 */

/** `count` times null. */
export function nulls<T>(count: number): (T | null)[] {
  switch (count) {
    case 1:
      return [null];
    case 2:
      return [null, null];
    case 3:
      return [null, null, null];
    default:
      return new Array<T | null>(count).fill(null);
  }
}

/** `count` zeros to write to. */
export function zeros(count: number): number[] {
  switch (count) {
    case 2:
      return [0, 0];
    case 3:
      return [0, 0, 0];
    default:
      return new Array<number>(count).fill(0);
  }
}

const ZEROS: (readonly number[])[] = [[], [0], [0, 0], [0, 0, 0]];
/** `count` zeros, shared: the output indices of most inputs. */
export function sharedZeros(count: number): readonly number[] {
  const known = ZEROS[count];
  if (known !== undefined) return known;
  const made = zeros(count);
  ZEROS[count] = made;
  return made;
}

const TYPES: (readonly DTypeInfo[])[][] = [];
/** One dtype, `count` times, shared. */
export function sharedTypes(type: DTypeInfo, count: number): readonly DTypeInfo[] {
  TYPES[type.index] ??= [];
  const row = TYPES[type.index] as (readonly DTypeInfo[])[];
  const known = row[count];
  if (known !== undefined) return known;
  const made = new Array<DTypeInfo>(count).fill(type);
  row[count] = made;
  return made;
}

let shape: readonly number[] = [];
let alone: readonly (readonly number[])[] = [shape];
let twice: readonly (readonly number[])[] | null = null;
/** One shape, once or twice, shared while it stays the same from call to call. */
export function sharedShapes(of: readonly number[], count: number): readonly (readonly number[])[] {
  if (of !== shape) {
    shape = of;
    alone = [of];
    twice = null;
  }
  if (count === 1) return alone;
  if (count !== 2) return new Array<readonly number[]>(count).fill(of);
  twice ??= [of, of];
  return twice;
}
