/** Rows of a table: fetched by indices, and added to where indices say, each in one function that checks the indices too. */
import { advance, advanceBy, repeat } from './loops.ts';
import { FunctionBuilder, i32s, type Local } from './wasm/encoder.ts';

const VECTOR_BYTES = 16;
/** Longer rows are copied by the engine's own routine, which takes that long to begin. */
const LONG_ROW = 2048;

/** Pushes the index at `at`, of 4 or 8 bytes, as an i32: one that no table could have is -1. */
function loadIndex(f: FunctionBuilder, bytes: 4 | 8, at: Local): void {
  if (bytes === 4) {
    f.get(at).load('i32.load');
    return;
  }
  f.get(at).load('i32.load').i32(-1);
  f.get(at).load('i32.load', 4).op('i32.eqz').op('select');
}

/** Copies `size` bytes, 16 or more of them, from `from` to `to` in vectors of which the last may overlap the one before; both are moved. */
function copyVectors(f: FunctionBuilder, to: Local, from: Local, size: Local): void {
  const [vectors, left] = f.localsOf('i32', 2) as [Local, Local];
  const copy = (offset: number): void => {
    f.get(to).get(from).load('v128.load', offset, 0).store('v128.store', offset, 0);
  };
  const several = (count: number): void => {
    repeat(f, left, vectors, () => {
      for (let i = 0; i < count; i++) copy(VECTOR_BYTES * i);
      advanceBy(f, to, VECTOR_BYTES * count);
      advanceBy(f, from, VECTOR_BYTES * count);
    });
  };
  f.get(size).i32(6).op('i32.shr_u').set(vectors);
  several(4);
  f.get(size).i32(4).op('i32.shr_u').i32(3).op('i32.and').set(vectors);
  several(1);
  // What is left over is the end of a whole vector; where nothing is, the last one is written again.
  f.get(size)
    .i32(VECTOR_BYTES - 1)
    .op('i32.and')
    .i32(VECTOR_BYTES)
    .op('i32.sub')
    .set(vectors);
  advance(f, to, vectors);
  advance(f, from, vectors);
  copy(0);
}

/**
 * The function `look`: `(out, index, table, n, size, rows)` copies the n rows of `size` bytes (a multiple of `unit`) that the indices name, one after the other, to `out`. The
 * table has `rows` of them. Returns 1, and stops, at an index out of range, else 0.
 */
export function lookFunction(indexBytes: 4 | 8, unit: 1 | 4): FunctionBuilder {
  const f = new FunctionBuilder('look', i32s(6), ['i32']);
  const [out, index, table, n, size, rows] = [0, 1, 2, 3, 4, 5];
  const [left, row, from, to, small] = f.localsOf('i32', 5) as [Local, Local, Local, Local, Local];
  const copySmall = (): void => {
    repeat(f, small, size, () => {
      f.get(to).get(from);
      if (unit === 4) f.load('i32.load').store('i32.store');
      else f.load('i32.load8_u').store('i32.store8');
      advanceBy(f, to, unit);
      advanceBy(f, from, unit);
      // `repeat` takes one more.
      f.get(small)
        .i32(unit - 1)
        .op('i32.sub')
        .set(small);
    });
  };
  repeat(f, left, n, () => {
    loadIndex(f, indexBytes, index);
    f.tee(row)
      .get(rows)
      .op('i32.ge_u')
      .if(() => {
        f.i32(1).op('return');
      });
    f.get(row).get(size).op('i32.mul').get(table).op('i32.add').set(from);
    f.get(out).set(to);
    f.get(size).i32(LONG_ROW).op('i32.gt_u');
    f.if(
      () => {
        f.get(to).get(from).get(size).memoryCopy();
      },
      () => {
        f.get(size).i32(VECTOR_BYTES).op('i32.lt_u');
        f.if(copySmall, () => copyVectors(f, to, from, size));
      },
    );
    advance(f, out, size);
    advanceBy(f, index, indexBytes);
  });
  f.i32(0);
  return f;
}

/**
 * The function `spread`: `(out, first, rows, index, values, n, width, skipped)` makes the `rows` rows from number `first` on, which lie at `out`, zeros, and adds to each those of the n
 * rows of `width` floats at `values` whose index it is, in their order. Row `skipped` stays 0; -1: none. Indices elsewhere are passed over, so parts of a table are made apart.
 */
export function spreadFunction(indexBytes: 4 | 8, type: 'float32' | 'float64'): FunctionBuilder {
  const f = new FunctionBuilder('spread', i32s(8));
  const [out, first, rows, index, values, n, width, skipped] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [left, row, from, to, size, inner, count] = f.localsOf('i32', 7) as [Local, Local, Local, Local, Local, Local, Local];
  const isSingle = type === 'float32';
  const bytes = isSingle ? 4 : 8;
  const perVector = VECTOR_BYTES / bytes;
  const addVector = (offset: number): void => {
    f.get(to).get(to).load('v128.load', offset, 2).get(from).load('v128.load', offset, 2);
    f.op(isSingle ? 'f32x4.add' : 'f64x2.add').store('v128.store', offset, 2);
  };
  const addOne = (): void => {
    if (isSingle) f.get(to).get(to).load('f32.load').get(from).load('f32.load').op('f32.add').store('f32.store');
    else f.get(to).get(to).load('f64.load').get(from).load('f64.load').op('f64.add').store('f64.store');
  };
  const several = (vectors: number): void => {
    repeat(f, inner, count, () => {
      for (let i = 0; i < vectors; i++) addVector(VECTOR_BYTES * i);
      advanceBy(f, to, VECTOR_BYTES * vectors);
      advanceBy(f, from, VECTOR_BYTES * vectors);
    });
  };
  const addRow = (): void => {
    f.get(row).get(size).op('i32.mul').get(out).op('i32.add').set(to);
    f.get(values).set(from);
    f.get(width)
      .i32(Math.log2(4 * perVector))
      .op('i32.shr_u')
      .set(count);
    several(4);
    f.get(width).i32(Math.log2(perVector)).op('i32.shr_u').i32(3).op('i32.and').set(count);
    several(1);
    f.get(width)
      .i32(perVector - 1)
      .op('i32.and')
      .set(count);
    repeat(f, inner, count, () => {
      addOne();
      advanceBy(f, to, bytes);
      advanceBy(f, from, bytes);
    });
  };
  f.get(width).i32(bytes).op('i32.mul').set(size);
  f.get(out).i32(0).get(rows).get(size).op('i32.mul').memoryFill();
  repeat(f, left, n, () => {
    loadIndex(f, indexBytes, index);
    f.tee(row).get(skipped).op('i32.ne');
    f.get(row).get(first).op('i32.sub').tee(row).get(rows).op('i32.lt_u').op('i32.and').if(addRow);
    advance(f, values, size);
    advanceBy(f, index, indexBytes);
  });
  return f;
}
