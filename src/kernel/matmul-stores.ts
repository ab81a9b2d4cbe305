/** Elementwise expressions in the stores of a matrix product: tiles are completed in registers, and never stored as they are. */
import type { DTypeInfo } from '../dtype/dtype.ts';
import { type Expr, forEachNode } from '../scalar/core.ts';
import { type MatmulVariant, storeTile } from './matmul-variant.ts';
import { LIGHT } from './vector/cost.ts';
import { partOf, VectorEmitter } from './vector/emitter.ts';
import { type Local, newFragment } from './wasm/encoder.ts';

/** Functions in the stores at most. */
const MOST_CALLS = 12;

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

/** What stores the value of an expression, in which every operand is the product, in the place of each element of a tile. */
export function storeOf(expr: Expr, type: DTypeInfo): NonNullable<MatmulVariant['store']> {
  return (f, rows, address, step, alignment) => {
    let row: readonly Local[] = [];
    const e = new VectorEmitter(f, type, {
      isUniform: () => false,
      load: (_, part) => {
        f.get(row[part] as Local);
      },
      loadMask: () => false,
      param: () => {},
    });
    const body = newFragment();
    f.into(body, () => {
      for (row of rows) {
        e.nextVectors(row.length);
        const values = e.value(expr);
        const completed = row.map((_, part) => partOf(values, part));
        storeTile(f, [completed], address, step, alignment);
      }
    });
    for (const code of [e.launchCode, e.rowCode, body]) f.append(code);
  };
}
