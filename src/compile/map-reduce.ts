/**
 * Reductions cut into parts, so that they run on a block while it is in the cache. The parts are those of which the reduction consists as a whole, and
 * are joined as it joins them: results have the same bits. What cannot be cut like that is left alone.
 */
import { FLOAT32, FLOAT64 } from '../dtype/dtype.ts';
import type { ReduceKind } from '../runtime/backend.ts';
import { contiguousStrides } from '../shape/shape.ts';
import type { Cut } from './cut.ts';
import { newBuffer } from './cut.ts';
import { type CallItem, Operand } from './items.ts';
import { columnGroup, joinGroups, joinPlanes, LONGEST_ROW, rowPieces } from './reduction-kernels.ts';

/** How a reduction is cut. */
export interface ReductionCut {
  readonly units: number;
  /** Blocks have multiples of so many units, */
  readonly grain: number;
  /** or exactly so many. */
  readonly isFixed: boolean;
  readonly cut: Cut;
  /** What joins the parts; null: they are the results. */
  readonly join: CallItem | null;
}

/** Neighbouring dimensions that are all reduced, or all kept. */
interface Run {
  readonly isReduced: boolean;
  readonly size: number;
}

function runsOf(shape: readonly number[], dims: readonly number[]): Run[] {
  const runs: Run[] = [];
  shape.forEach((size, dim) => {
    if (size === 1) return;
    const isReduced = dims.includes(dim);
    const last = runs.at(-1);
    if (last?.isReduced === isReduced) runs[runs.length - 1] = { isReduced, size: last.size * size };
    else runs.push({ isReduced, size });
  });
  return runs;
}

/** How a launch is cut if it is a reduction of consecutive elements; null: it cannot be. */
export function cutReduction(item: CallItem): ReductionCut | null {
  if (item.name !== 'reduce') return null;
  const [kind, out, input, dims] = item.args as unknown as [ReduceKind, Operand, Operand, readonly number[]];
  const { type } = out;
  if (!(input instanceof Operand) || input.type !== type || (type !== FLOAT32 && type !== FLOAT64)) return null;
  if (!input.rowMajor || !out.rowMajor || kind === 'any' || kind === 'all') return null;
  const runs = runsOf(input.shape, dims);
  const sizes = runs.map(({ size }) => size) as [number, number, number];
  const pattern = runs.map(({ isReduced }) => (isReduced ? 'r' : 'k')).join('');
  switch (pattern) {
    case 'r':
      // Others are joined in another way.
      if (dims.some((dim, i) => dim !== (dims[0] as number) + i)) return null;
      return cutRow(item, kind, out, input, sizes[0]);
    case 'rk':
      return cutColumns(item, kind, out, input, sizes[0], sizes[1]);
    case 'kr':
      return sizes[1] > LONGEST_ROW ? null : cutKept(item, kind, out, input, sizes);
    case 'krk':
      return columnGroup('sum', sizes[1]) === columnGroup('sum', 1) ? cutKept(item, kind, out, input, sizes) : null;
    case 'rkr':
      return sizes[2] > LONGEST_ROW ? null : cutPlanes(item, kind, out, input, sizes);
    default:
      return null;
  }
}

function reduction(item: CallItem, kind: ReduceKind, out: Operand, input: Operand, dims: readonly number[]): CallItem {
  return { ...item, args: [kind, out, input, dims], reads: [input], writes: [out] };
}

/** Room for the parts of a result. */
function partials({ type }: Operand, shape: readonly number[]): Operand {
  const size = shape.reduce((a, b) => a * b, 1);
  return operandAt({ buffer: newBuffer(size * type.itemsize), offset: 0, type }, 0, shape);
}

function joinOf(item: CallItem, run: typeof joinPlanes, kind: ReduceKind, out: Operand, parts: Operand, count: number): CallItem {
  return { ...item, name: 'join', run: run as CallItem['run'], args: [kind, out, parts, count], reads: [parts], writes: [out] };
}

/** A long row is several pieces and a rest. */
function cutRow(item: CallItem, kind: ReduceKind, out: Operand, input: Operand, size: number): ReductionCut | null {
  if (size <= LONGEST_ROW) return null;
  const pieces = rowPieces(size);
  if (pieces === null) return null;
  const { length } = pieces;
  const parts = partials(out, [pieces.count + 1]);
  return {
    units: size,
    grain: length,
    isFixed: true,
    cut: (cutter, from, count) => {
      const part = cutter.part(input, from, from, 1, [count]);
      const result = operandAt(parts, from / length, []);
      cutter.moves.set(result, 1);
      return [reduction(item, kind, result, part, [0])];
    },
    join: reduction(item, kind, out, parts, [0]),
  };
}

/** An operand of some shape, so many elements further on. */
function operandAt(
  { buffer, offset, type }: Pick<Operand, 'buffer' | 'offset' | 'type'>,
  further: number,
  shape: readonly number[],
): Operand {
  const size = shape.reduce((a, b) => a * b, 1);
  return new Operand(buffer, { offset: offset + further, shape, strides: contiguousStrides(shape), type, size, rowMajor: true });
}

/** Columns are combined in groups of rows. */
function cutColumns(item: CallItem, kind: ReduceKind, out: Operand, input: Operand, rows: number, width: number): ReductionCut | null {
  const grain = columnGroup(kind, rows);
  if (grain === null) return null;
  const groups = Math.ceil(rows / grain);
  if (columnGroup(kind, groups) !== columnGroup(kind, 1)) return null;
  const parts = partials(out, [groups, width]);
  const isNested = grain !== columnGroup(kind, 1);
  return {
    units: rows,
    grain,
    isFixed: false,
    cut: (cutter, from, count) => {
      const whole = Math.floor(count / grain);
      const cut = (at: number, shape: readonly [number, number, number]): CallItem => {
        const part = cutter.part(input, from, at, width, shape);
        const result = operandAt(parts, (at / grain) * width, [shape[0], width]);
        cutter.moves.set(result, whole * width);
        return reduction(item, kind, result, part, [1]);
      };
      const found = whole === 0 ? [] : [cut(from, [whole, grain, width])];
      const left = count - whole * grain;
      return left === 0 ? found : [...found, cut(from + whole * grain, [1, left, width])];
    },
    join: isNested ? reduction(item, kind, out, parts, [0]) : joinOf(item, joinGroups, kind, out, parts, groups),
  };
}

/** What is kept comes first: parts are results. */
function cutKept(
  item: CallItem,
  kind: ReduceKind,
  out: Operand,
  input: Operand,
  [units, rows, width = 1]: readonly number[],
): ReductionCut {
  const [places, count] = [units as number, rows as number];
  return {
    units: places,
    grain: 1,
    isFixed: false,
    cut: (cutter, from, taken) => {
      const part = cutter.part(input, from, from, count * width, [taken, count, width]);
      return [reduction(item, kind, cutter.part(out, from, from, width, [taken, width]), part, [1])];
    },
    join: null,
  };
}

/** What is reduced lies in planes that are apart: each of them is reduced on its own. */
function cutPlanes(
  item: CallItem,
  kind: ReduceKind,
  out: Operand,
  input: Operand,
  [planes, kept, size]: readonly [number, number, number],
): ReductionCut {
  const parts = partials(out, [planes, kept]);
  return {
    units: planes,
    grain: 1,
    isFixed: false,
    cut: (cutter, from, count) => {
      const part = cutter.part(input, from, from, kept * size, [count, kept, size]);
      const result = cutter.part(parts, from, from, kept, [count, kept]);
      return [reduction(item, kind, result, part, [2])];
    },
    join: joinOf(item, joinPlanes, kind, out, parts, planes),
  };
}
