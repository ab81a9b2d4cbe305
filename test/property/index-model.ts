/** Indexing as Python has it, on the model: which place each element of x[…] comes from. */
import fc from 'fast-check';
import { slice, tensor } from '../../src/index.ts';
import type { IndexItem } from '../../src/ops/index-plan.ts';
import { coordinatesOf, indexOf, type Model, sizeOf } from './model.ts';

export type Item =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'slice'; readonly start: number | null; readonly stop: number | null; readonly step: number }
  | { readonly kind: 'new' }
  | { readonly kind: 'rest' }
  | { readonly kind: 'list'; readonly shape: readonly number[]; readonly values: readonly number[]; readonly asTensor: boolean }
  | { readonly kind: 'mask'; readonly shape: readonly number[]; readonly values: readonly boolean[] };

/** What the user writes for an item. */
export function written(item: Item): IndexItem {
  switch (item.kind) {
    case 'number':
      return item.value;
    case 'slice':
      return item.start === null && item.stop === null && item.step === 1 ? ':' : slice(item.start, item.stop, item.step);
    case 'new':
      return null;
    case 'rest':
      return '...';
    case 'list':
      return item.asTensor || item.shape.length !== 1
        ? tensor(item.values.map(BigInt), { dtype: 'int64' }).reshape(item.shape)
        : [...item.values];
    default:
      return tensor(item.values, { dtype: 'bool' }).reshape(item.shape);
  }
}

/** How many dimensions of the tensor an item speaks of. */
function taken(item: Item): number {
  if (item.kind === 'new' || item.kind === 'rest') return 0;
  return item.kind === 'mask' ? item.shape.length : 1;
}

/** The positions that a Python slice takes of a dimension. */
function positionsOf(item: { readonly start: number | null; readonly stop: number | null; readonly step: number }, size: number): number[] {
  const clamp = (value: number): number => Math.min(size, Math.max(0, value < 0 ? value + size : value));
  const positions: number[] = [];
  for (let i = clamp(item.start ?? 0); i < clamp(item.stop ?? size); i += item.step) positions.push(i);
  return positions;
}

type List = { readonly shape: readonly number[]; readonly values: readonly number[] };

/** What happens along a dimension of the source (or a new one): positions are walked, a number selects, or a list of indices decides. */
interface Axis {
  readonly dim: number;
  readonly positions: readonly number[];
  readonly list: List | null;
  readonly selects: boolean;
}

function axesOf(shape: readonly number[], items: readonly Item[]): Axis[] {
  const named = items.reduce((sum, item) => sum + taken(item), 0);
  const complete = items.some(({ kind }) => kind === 'rest') ? items : [...items, { kind: 'rest' } as const];
  const axes: Axis[] = [];
  let dim = 0;
  const walk = (positions: readonly number[], selects = false): void => void axes.push({ dim: dim++, positions, list: null, selects });
  for (const item of complete) {
    const size = shape[dim] as number;
    const fromFront = (value: number): number => (value < 0 ? value + size : value);
    if (item.kind === 'rest') for (let k = shape.length - named; k > 0; k--) walk(positionsOf(WHOLE, shape[dim] as number));
    else if (item.kind === 'new') axes.push({ dim: -1, positions: [0], list: null, selects: false });
    else if (item.kind === 'slice') walk(positionsOf(item, size));
    else if (item.kind === 'number') walk([fromFront(item.value)], true);
    else if (item.kind === 'list') {
      axes.push({ dim: dim++, positions: [], list: { shape: item.shape, values: item.values.map(fromFront) }, selects: false });
    } else {
      const hits = item.values.flatMap((hit, i) => (hit ? [coordinatesOf(item.shape, i)] : []));
      for (let d = 0; d < item.shape.length; d++) {
        axes.push({ dim: dim++, positions: [], list: { shape: [hits.length], values: hits.map((at) => at[d] as number) }, selects: false });
      }
    }
  }
  return axes;
}

const WHOLE = { start: null, stop: null, step: 1 };

function broadcast(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((shape) => shape[i - rank + shape.length] ?? 1).filter((size) => size !== 1);
    return sizes[0] ?? 1;
  });
}

function broadcastValue({ shape, values }: List, at: readonly number[]): number {
  const own = at.slice(at.length - shape.length).map((c, d) => (shape[d] === 1 ? 0 : c));
  return values[indexOf(shape, own)] as number;
}

/** The model of x[items]. Unlike NumPy's, PyTorch's numbers select before lists of indices are looked at. */
export function indexed(source: Model, items: readonly Item[]): Model {
  const all = axesOf(source.shape, items);
  const axes = all.filter(({ selects }) => !selects);
  const lists = axes.flatMap(({ dim, list }) => (list === null ? [] : [{ dim, list }]));
  const common = broadcast(lists.map(({ list }) => list.shape));
  const first = axes.findIndex(({ list }) => list !== null);
  const last = axes.findLastIndex(({ list }) => list !== null);
  // Index dimensions that are next to each other stay in place; otherwise they come first.
  const together = axes.slice(first, last + 1).every(({ list }) => list !== null);
  const before = first >= 0 && together ? first : 0;
  const walked = axes.filter(({ list }) => list === null);
  const sizes = walked.map(({ positions }) => positions.length);
  const shape = [...sizes.slice(0, before), ...common, ...sizes.slice(before)];
  const places = Array.from({ length: sizeOf(shape) }, (_, i) => {
    const to = coordinatesOf(shape, i);
    const rest = [...to.slice(0, before), ...to.slice(before + common.length)];
    const from = new Array<number>(source.shape.length).fill(0);
    for (const { dim, positions, selects } of all) if (selects) from[dim] = positions[0] as number;
    for (const [k, { dim, positions }] of walked.entries()) if (dim >= 0) from[dim] = positions[rest[k] as number] as number;
    for (const { dim, list } of lists) from[dim] = broadcastValue(list, to.slice(before, before + common.length));
    return source.places[indexOf(source.shape, from)] as number;
  });
  return { shape, places };
}

const fraction = fc.double({ min: 0, max: 0.999, noNaN: true });

const draws = fc.record({
  kinds: fc.array(fc.constantFrom('number', 'slice', 'new', 'rest', 'list', 'mask'), { maxLength: 5 }),
  numbers: fc.array(fraction, { minLength: 40, maxLength: 40 }),
  common: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
});

/** A tensor's shape with items that index it. */
export const indexing: fc.Arbitrary<{ shape: number[]; items: Item[] }> = fc
  .tuple(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }), draws)
  .map(([shape, { kinds, numbers, common }]) => {
    let next = 0;
    const draw = (count: number): number => Math.floor((numbers[next++ % numbers.length] as number) * count);
    const items: Item[] = [];
    // Masks and lists must fit together; a mask gives as many indices as it has hits, so only one of them, alone.
    const masked = kinds.includes('mask') && !kinds.includes('list');
    let dim = 0;
    let rest = false;
    let hasMask = false;
    for (const kind of kinds) {
      const size = shape[dim];
      if (kind === 'new') items.push({ kind });
      else if (kind === 'rest') {
        // What follows would address other dimensions than were drawn for: the dots come last.
        rest = true;
      } else if (size === undefined) continue;
      else if (kind === 'mask') {
        if (!masked || hasMask) continue;
        hasMask = true;
        const own = shape.slice(dim, dim + 1 + draw(2));
        items.push({ kind, shape: own, values: Array.from({ length: sizeOf(own) }, () => draw(3) > 0) });
        dim += own.length;
      } else {
        const index = (): number => draw(2 * size) - size;
        if (kind === 'number') items.push({ kind, value: index() });
        else if (kind === 'list') {
          const own = draw(3) === 0 ? common.map((n) => (draw(2) === 0 ? 1 : n)) : common;
          items.push({ kind, shape: own, values: Array.from({ length: sizeOf(own) }, index), asTensor: draw(2) === 0 });
        } else {
          const edge = (): number | null => (draw(3) === 0 ? null : draw(2 * size + 2) - size);
          items.push({ kind, start: edge(), stop: edge(), step: 1 + draw(2) });
        }
        dim++;
      }
    }
    if (rest) items.push({ kind: 'rest' });
    return { shape, items };
  });
