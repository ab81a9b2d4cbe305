/** Elementwise programs in the stores of a matrix product: tiles are completed in registers, and never stored as they are if nobody wants that. */
import type { DTypeInfo } from '../dtype/dtype.ts';
import { type Expr, forEachNode } from '../scalar/core.ts';
import { advance } from './loops.ts';
import { alignmentOf, type MatmulVariant, storeTile, type TileEnd } from './matmul-variant.ts';
import { LIGHT } from './vector/cost.ts';
import { partOf, VectorEmitter, type Vectors } from './vector/emitter.ts';
import { type FunctionBuilder, type Local, newFragment } from './wasm/encoder.ts';

/** Functions in the stores at most. */
const MOST_CALLS = 12;

/**
 * What completes a tile. Operands are numbered as the arguments of the expressions; all are of the product's dtype and shape, so that they lie as it does, so many bytes further on: each of those that are
 * not the product takes an argument of the functions for that.
 */
export interface StoredProgram {
  readonly type: DTypeInfo;
  /** What is computed, and for which operand; -1: the output. */
  readonly results: readonly (readonly [expr: Expr, operand: number])[];
  /** The arguments of operands, from 0 on, the output's first; -1: the operand is the product. */
  readonly places: readonly number[];
  /** Whether the product itself is stored: no result lies in its place, and somebody reads it. */
  readonly keeps: boolean;
}

/** Whether all of this is of functions that vectors have an instruction or two for, and little of it: then registers hold it beside a tile. */
export function isLight(exprs: readonly Expr[]): boolean {
  let calls = 0;
  let light = true;
  const visit = ({ op, args }: Expr): void => {
    if (typeof op === 'string') return;
    if (!LIGHT.has(op.name) && op.expand !== null) {
      forEachNode(op.expand(...args), visit);
      return;
    }
    calls++;
    light &&= LIGHT.has(op.name);
  };
  forEachNode(exprs, visit);
  return light && calls <= MOST_CALLS;
}

/** How a program completes tiles. Everything is computed before anything is stored, vectors of a row side by side. */
export function tileEnd({ type, results, places, keeps }: StoredProgram, { compute }: MatmulVariant): TileEnd {
  const align = alignmentOf(compute);
  const extra = Math.max(...places) + 1;
  const store = (f: FunctionBuilder, rows: readonly (readonly Local[])[], address: Local, step: Local, first: Local): void => {
    const pointers = Array.from({ length: extra }, () => f.local('i32'));
    let row: readonly Local[] = [];
    const pointerOf = (operand: number): Local => pointers[places[operand + 1] as number] ?? address;
    const e = new VectorEmitter(f, type, {
      isUniform: () => false,
      load: (operand, part) => {
        if ((places[operand + 1] as number) < 0) f.get(row[part] as Local);
        else f.get(pointerOf(operand)).load('v128.load', 16 * part, align);
      },
      loadMask: () => false,
      param: () => {},
    });
    const body = newFragment();
    f.into(body, () => {
      pointers.forEach((pointer, i) => {
        f.get(address)
          .get(first + i)
          .op('i32.add')
          .set(pointer);
      });
      for (row of rows) {
        e.nextVectors(row.length);
        const values = results.map(([expr]) => e.value(expr));
        results.forEach(([, operand], i) => {
          row.forEach((_, part) => {
            f.get(pointerOf(operand))
              .get(partOf(values[i] as Vectors, part))
              .store('v128.store', 16 * part, align);
          });
        });
        if (keeps) storeTile(f, [row], address, step, align);
        else advance(f, address, step);
        for (const pointer of pointers) advance(f, pointer, step);
      }
    });
    for (const code of [e.launchCode, e.rowCode, body]) f.append(code);
  };
  return { extra, store };
}
