/** The compiled matrix product of each compute type: at the best level that is there and multiplies right. */
import { COMPUTE_BYTES, type ComputeType } from '../../kernel/element.ts';
import { type MatmulVariant, matmulFunctions, tileBytes, tileColumns } from '../../kernel/matmul.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { release } from '../../runtime/storage.ts';
import { instantiateAt, type KernelLevel, kernelLevels, levelEpoch } from './level.ts';
import { trialMemory } from './trusted.ts';

export interface MatmulKernels {
  readonly multiply: KernelFunction;
  readonly multiplyPacked: KernelFunction;
  readonly products: KernelFunction;
  readonly packLeft: KernelFunction;
  readonly packRight: KernelFunction;
  readonly dots: KernelFunction;
  readonly combine: KernelFunction;
  readonly level: KernelLevel;
  readonly variant: MatmulVariant;
  readonly bytes: number;
  /** Columns of a tile. */
  readonly columns: number;
  /** Bytes of a tile: the room that `multiply` needs at an edge. */
  readonly edgeBytes: number;
}

/** Tiles that stay in registers: 16 vectors, less one row of b and one value of a (and one that V8 keeps for itself). */
const TILES: Record<KernelLevel, { readonly rows: number; readonly vectors: number }> = {
  plain: { rows: 4, vectors: 2 },
  fused: { rows: 6, vectors: 2 },
  wide: { rows: 6, vectors: 4 },
};

const compiled: Partial<Record<string, MatmulKernels | null>> = {};
let chosen: Partial<Record<ComputeType, MatmulKernels>> = {};
let chosenAt = 0;

/** The kernels for a compute type. */
export function matmulKernels(compute: ComputeType): MatmulKernels {
  if (chosenAt !== levelEpoch()) {
    chosen = {};
    chosenAt = levelEpoch();
  }
  return chosen[compute] ?? choose(compute);
}

function choose(compute: ComputeType): MatmulKernels {
  // Integers have no fused multiply-add, and the plain tile is right by construction.
  const levels = compute === 'i32' || compute === 'i64' ? [] : kernelLevels().filter((level) => level !== 'plain');
  for (const level of levels) {
    const key = `${level} ${compute}`;
    compiled[key] ??= tried(level, compute);
    const kernels = compiled[key];
    if (kernels !== null) {
      chosen[compute] = kernels;
      return kernels;
    }
  }
  const plain = (compiled[compute] ??= compile('plain', compute));
  chosen[compute] = plain;
  return plain;
}

function tried(level: KernelLevel, compute: ComputeType): MatmulKernels | null {
  try {
    const kernels = compile(level, compute);
    return multipliesRight(kernels) ? kernels : null;
  } catch {
    return null;
  }
}

function compile(level: KernelLevel, compute: ComputeType): MatmulKernels {
  const variant: MatmulVariant = { compute, fused: level !== 'plain', ...TILES[level] };
  const { multiply, multiplyPacked, products, packLeft, packRight, dots, combine } = instantiateAt(level, matmulFunctions(variant));
  return {
    multiply: multiply!,
    multiplyPacked: multiplyPacked!,
    products: products!,
    packLeft: packLeft!,
    packRight: packRight!,
    dots: dots!,
    combine: combine!,
    level,
    variant,
    bytes: COMPUTE_BYTES[compute],
    columns: tileColumns(variant),
    edgeBytes: tileBytes(variant),
  };
}

const ROWS = 13;
const DEPTH = 11;
/** Which operands are turned. */
const LAYOUTS = [
  [false, false],
  [false, true],
  [true, true],
] as const;

/**
 * Whether the kernels multiply small whole numbers right, in all layouts and with edges: code from an optional pass of a compiler is not trusted before.
 * The numbers are exact in every type, so there is one right answer.
 */
function multipliesRight(kernels: MatmulKernels): boolean {
  const columns = 2 * kernels.columns + 3;
  const panels = 3 * kernels.columns;
  const sizes = [ROWS * DEPTH, DEPTH * columns, ROWS * DEPTH, DEPTH * panels, ROWS * columns, kernels.edgeBytes / kernels.bytes];
  const { storage, at: runs } = trialMemory(sizes, kernels.bytes);
  const [a, b, left, right, c, edge] = runs as [number, number, number, number, number, number];
  const values = kernels.bytes === 4 ? heap.f32 : heap.f64;
  const at = (address: number, index: number): number => address / kernels.bytes + index;
  const valueOfA = (i: number, k: number): number => ((i * 7 + k * 3) % 5) - 2;
  const valueOfB = (k: number, j: number): number => ((k * 5 + j * 2) % 7) - 3;
  const expected = (i: number, j: number): number => {
    let sum = 0;
    for (let k = 0; k < DEPTH; k++) sum += valueOfA(i, k) * valueOfB(k, j);
    return sum;
  };
  const isRight = (i: number, j: number): boolean => values[at(c, i * columns + j)] === expected(i, j);
  let good = true;
  for (const [aTurned, bTurned] of LAYOUTS) {
    const [ars, acs] = aTurned ? [1, ROWS] : [DEPTH, 1];
    const [brs, bcs] = bTurned ? [1, DEPTH] : [columns, 1];
    for (let k = 0; k < DEPTH; k++) {
      for (let i = 0; i < ROWS; i++) values[at(a, i * ars + k * acs)] = valueOfA(i, k);
      for (let j = 0; j < columns; j++) values[at(b, k * brs + j * bcs)] = valueOfB(k, j);
    }
    const { bytes } = kernels;
    kernels.packLeft(left, a, ROWS, DEPTH, ars * bytes, acs * bytes);
    kernels.packRight(right, b, columns, DEPTH, bcs * bytes, brs * bytes);
    const step = kernels.columns * bytes;
    const all = (check: (i: number, j: number) => boolean, width: number): boolean => {
      for (let i = 0; i < ROWS; i++) for (let j = 0; j < width; j++) if (!check(i, j)) return false;
      return true;
    };
    kernels.multiplyPacked(ROWS, columns, DEPTH, left, right, step, DEPTH * step, c, columns * bytes, edge, 1);
    good &&= all(isRight, columns);
    kernels.multiply(ROWS, columns, DEPTH, a, right, step, DEPTH * step, c, columns * bytes, edge, 1, ars * bytes, acs * bytes);
    good &&= all(isRight, columns);
    const [rowBytes, from] = [columns * bytes, bTurned ? right : 0];
    kernels.products(1, 0, 0, 0, ROWS, columns, DEPTH, a, ars * bytes, acs * bytes, b, brs * bytes, bcs * bytes, c, from, edge, 1);
    good &&= all(isRight, columns);
    if (aTurned) continue;
    if (bTurned) kernels.dots(columns, DEPTH, b, bcs * bytes, a, c, bytes, ROWS, ars * bytes, rowBytes, 0, 0, 0);
    else kernels.combine(ROWS, columns, DEPTH, a, ars * bytes, acs * bytes, b, brs * bytes, c, rowBytes, 0, 0);
    good &&= all(isRight, columns);
  }
  release(storage);
  return good;
}
