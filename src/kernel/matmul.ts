/**
 * Matrix products, emitted for one compute type. Blocks of the operands are packed into panels and multiplied tile by tile, each tile of the
 * result staying in registers for a whole block of the inner dimension (Goto and van de Geijn, "Anatomy of high-performance matrix
 * multiplication", ACM TOMS 34, 2008). Integers wrap, so they are exact modulo the size of the type.
 */
import { COMPUTE_BYTES, type ComputeType, LANES, VECTOR_SHAPE } from './element.ts';
import { advance, advanceBy, repeat, whileLoop } from './loops.ts';
import { FunctionBuilder, type Local, type ValueType } from './wasm/encoder.ts';

/** What the emitted code depends on. */
export interface MatmulVariant {
  readonly compute: ComputeType;
  /** Whether products are added with relaxed SIMD's fused multiply-add. */
  readonly fused: boolean;
  /** Rows of a tile, and vectors in each: what the registers hold beside what is being multiplied. */
  readonly rows: number;
  readonly vectors: number;
}

/** Columns of a tile. */
export function tileColumns({ compute, vectors }: MatmulVariant): number {
  return vectors * LANES[compute];
}

/** Bytes of a tile. */
export function tileBytes({ rows, vectors }: MatmulVariant): number {
  return rows * vectors * 16;
}

const SCALAR_LOAD = { f32: 'f32.load', f64: 'f64.load', i32: 'i32.load', i64: 'i64.load' } as const;
const SCALAR_STORE = { f32: 'f32.store', f64: 'f64.store', i32: 'i32.store', i64: 'i64.store' } as const;

function i32s(count: number): ValueType[] {
  return Array.from({ length: count }, () => 'i32');
}

function alignmentOf(compute: ComputeType): number {
  return Math.log2(COMPUTE_BYTES[compute]);
}

/** accumulator += the product of two locals. */
export function multiplyAdd(f: FunctionBuilder, variant: MatmulVariant, accumulator: Local, a: Local, b: Local): void {
  const { compute, fused } = variant;
  const shape = VECTOR_SHAPE[compute];
  if (fused && compute === 'f32') f.get(a).get(b).get(accumulator).op('f32x4.relaxed_madd').set(accumulator);
  else if (fused && compute === 'f64') f.get(a).get(b).get(accumulator).op('f64x2.relaxed_madd').set(accumulator);
  else f.get(accumulator).get(a).get(b).op(`${shape}.mul`).op(`${shape}.add`).set(accumulator);
}

/**
 * Adds the product of `rows` rows of a and a panel of b to a tile of c. Packed: `(k, a, b, brs, c, ldc)`, a's values consecutive for each k.
 * Otherwise `(k, a, b, brs, c, ldc, ars, acs)`. Strides are in bytes; brs leads from one row of the panel to the next.
 */
function tile(variant: MatmulVariant, rows: number, packed: boolean): FunctionBuilder {
  const { compute } = variant;
  const bytes = COMPUTE_BYTES[compute];
  const align = alignmentOf(compute);
  const f = new FunctionBuilder(`tile${rows}`, i32s(packed ? 6 : 8), [], false);
  const [k, a, b, brs, c, ldc, ars, acs] = [0, 1, 2, 3, 4, 5, 6, 7];
  const accumulators = Array.from({ length: rows }, () => Array.from({ length: variant.vectors }, () => f.local('v128')));
  const right = Array.from({ length: variant.vectors }, () => f.local('v128'));
  const left = f.local('v128');
  const result = f.local('i32');
  const pointers = packed ? [] : Array.from({ length: rows }, () => f.local('i32'));
  const eachRow = (body: (accumulator: Local, offset: number) => void): void => {
    f.get(c).set(result);
    for (const row of accumulators) {
      row.forEach((accumulator, j) => {
        body(accumulator, 16 * j);
      });
      advance(f, result, ldc);
    }
  };
  eachRow((accumulator, offset) => f.get(result).load('v128.load', offset, align).set(accumulator));
  pointers.forEach((pointer, i) => {
    if (i === 0) f.get(a).set(pointer);
    else
      f.get(pointers[i - 1]!)
        .get(ars)
        .op('i32.add')
        .set(pointer);
  });
  // Not unrolled: the engines' compilers spill registers if it is. V8 before 12 also does so unless the loop stands in a block of its own
  // and what it adds to was loaded before: measured, 56 against 25 Gflop/s for six rows.
  f.get(k).if(() => {
    f.loop((next) => {
      right.forEach((vector, j) => {
        f.get(b)
          .load('v128.load', 16 * j, align)
          .set(vector);
      });
      accumulators.forEach((row, i) => {
        f.get(packed ? a : pointers[i]!)
          .load(bytes === 4 ? 'v128.load32_splat' : 'v128.load64_splat', packed ? i * bytes : 0)
          .set(left);
        row.forEach((accumulator, j) => {
          multiplyAdd(f, variant, accumulator, left, right[j]!);
        });
      });
      if (packed) advanceBy(f, a, rows * bytes);
      for (const pointer of pointers) advance(f, pointer, acs);
      advance(f, b, brs);
      f.get(k).i32(1).op('i32.sub').tee(k).brIf(next);
    });
  });
  for (const row of accumulators) {
    row.forEach((accumulator, j) => {
      f.get(c)
        .get(accumulator)
        .store('v128.store', 16 * j, align);
    });
    advance(f, c, ldc);
  }
  return f;
}

/** `(target, targetStride, source, sourceStride, rows, columns)`: copies a small rectangle. */
function copyTile(compute: ComputeType): FunctionBuilder {
  const bytes = COMPUTE_BYTES[compute];
  const f = new FunctionBuilder('copyTile', i32s(6), [], false);
  const [target, targetStride, source, sourceStride, rows, columns] = [0, 1, 2, 3, 4, 5];
  const [row, column, to, from] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
  repeat(f, row, rows, () => {
    f.get(target).set(to).get(source).set(from);
    repeat(f, column, columns, () => {
      f.get(to).get(from).load(SCALAR_LOAD[compute]).store(SCALAR_STORE[compute]);
      advanceBy(f, to, bytes);
      advanceBy(f, from, bytes);
    });
    advance(f, target, targetStride);
    advance(f, source, sourceStride);
  });
  return f;
}

/**
 * Adds the product of m × k values of a and n columns of b to c, tile by tile.
 * `multiply(m, n, k, a, b, brs, bps, c, ldc, edge, clear, ars, acs)`, or without the last two for packed values of a. Panels of b are bps bytes
 * apart. `edge` is room for one tile, used where n is no multiple of a tile's columns; then the last panel is padded. With `clear`, m × ldc bytes of
 * c are cleared first. k is not 0.
 */
function multiply(variant: MatmulVariant, packed: boolean): FunctionBuilder {
  const { compute } = variant;
  const bytes = COMPUTE_BYTES[compute];
  const columns = tileColumns(variant);
  const f = new FunctionBuilder(packed ? 'multiplyPacked' : 'multiply', i32s(packed ? 11 : 13));
  const [m, n, k, a, b, brs, bps, c, ldc, edge, clear, ars, acs] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
  const tiles = Array.from({ length: variant.rows }, (_, i) => tile(variant, i + 1, packed));
  const copy = copyTile(compute);
  const local = (): Local => f.local('i32');
  const [rowsLeft, rows, panel, left, result, target, targetStride] = [local(), local(), local(), local(), local(), local(), local()];
  const callTile = (count: number): void => {
    f.get(k).get(panel).get(b).get(brs).get(target).get(targetStride);
    if (!packed) f.get(ars).get(acs);
    f.call(tiles[count - 1]!);
  };
  const callTileOf = (count: number): void => {
    if (count === 1) callTile(1);
    else
      f.get(rows)
        .i32(count)
        .op('i32.eq')
        .if(
          () => callTile(count),
          () => callTileOf(count - 1),
        );
  };
  const atEdge = (): void => {
    f.get(left).i32(columns).op('i32.lt_u');
  };
  f.get(clear).if(() => f.get(c).i32(0).get(m).get(ldc).op('i32.mul').memoryFill());
  f.get(n).set(left);
  whileLoop(
    f,
    () => f.get(left),
    () => {
      f.get(m).set(rowsLeft).get(a).set(panel).get(c).set(result);
      f.loop((next) => {
        f.get(rowsLeft).i32(variant.rows).get(rowsLeft).i32(variant.rows).op('i32.lt_u').op('select').set(rows);
        f.get(result).set(target).get(ldc).set(targetStride);
        atEdge();
        f.if(() => {
          f.get(edge)
            .set(target)
            .i32(columns * bytes)
            .set(targetStride);
          f.get(edge).get(targetStride).get(result).get(ldc).get(rows).get(left).call(copy);
        });
        callTileOf(variant.rows);
        atEdge();
        f.if(() => f.get(result).get(ldc).get(edge).get(targetStride).get(rows).get(left).call(copy));
        f.get(result).get(rows).get(ldc).op('i32.mul').op('i32.add').set(result);
        f.get(panel);
        if (packed) f.get(rows).get(k).op('i32.mul').i32(bytes).op('i32.mul');
        else f.get(rows).get(ars).op('i32.mul');
        f.op('i32.add').set(panel);
        f.get(rowsLeft).get(rows).op('i32.sub').tee(rowsLeft).brIf(next);
      });
      advance(f, b, bps);
      advanceBy(f, c, columns * bytes);
      f.get(left).i32(columns).op('i32.sub').i32(0).get(left).i32(columns).op('i32.gt_u').op('select').set(left);
    },
  );
  return f;
}

/** Registers of the packing functions. */
interface PackLocals {
  readonly target: Local;
  readonly source: Local;
  readonly k: Local;
  readonly across: Local;
  readonly along: Local;
}

/** Copies a panel whose values for one k are consecutive. */
function packRuns(f: FunctionBuilder, compute: ComputeType, width: number, at: PackLocals, counter: Local, from: Local): void {
  const align = alignmentOf(compute);
  const bytes = width * COMPUTE_BYTES[compute];
  f.get(at.source).set(from);
  repeat(f, counter, at.k, () => {
    for (let offset = 0; offset < bytes; offset += 16) {
      const whole = offset + 16 <= bytes;
      f.get(at.target)
        .get(from)
        .load(whole ? 'v128.load' : 'i64.load', offset, align)
        .store(whole ? 'v128.store' : 'i64.store', offset, align);
    }
    advance(f, from, at.along);
    advanceBy(f, at.target, bytes);
  });
}

/** Pushes the columns of a square of vectors, from its rows: 4 × 4 or 2 × 2 values. */
export function transposed(
  f: FunctionBuilder,
  rows: readonly Local[],
  scratch: readonly Local[],
  store: (i: number, push: () => void) => void,
): void {
  if (rows.length === 2) {
    const [r0, r1] = rows as [Local, Local];
    store(0, () => f.get(r0).get(r1).shuffle64(0, 2));
    store(1, () => f.get(r0).get(r1).shuffle64(1, 3));
    return;
  }
  const [r0, r1, r2, r3] = rows as [Local, Local, Local, Local];
  const [t0, t1, t2, t3] = scratch as [Local, Local, Local, Local];
  f.get(r0).get(r1).shuffle32(0, 4, 1, 5).set(t0);
  f.get(r0).get(r1).shuffle32(2, 6, 3, 7).set(t1);
  f.get(r2).get(r3).shuffle32(0, 4, 1, 5).set(t2);
  f.get(r2).get(r3).shuffle32(2, 6, 3, 7).set(t3);
  store(0, () => f.get(t0).get(t2).shuffle64(0, 2));
  store(1, () => f.get(t0).get(t2).shuffle64(1, 3));
  store(2, () => f.get(t1).get(t3).shuffle64(0, 2));
  store(3, () => f.get(t1).get(t3).shuffle64(1, 3));
}

/** Stores the columns of two rows of four 32-bit values as pairs, `step` bytes apart. */
function storePairs(f: FunctionBuilder, rows: readonly Local[], target: Local, offset: number, step: number): void {
  const [r0, r1] = rows as [Local, Local];
  const store = (column: number): void => {
    f.lane('i64x2.extract_lane', column % 2).store('i64.store', offset + column * step, 2);
  };
  for (let column = 0; column < 4; column++) {
    f.get(target).get(r0).get(r1);
    if (column < 2) f.shuffle32(0, 4, 1, 5);
    else f.shuffle32(2, 6, 3, 7);
    store(column);
  }
}

/** Copies a panel whose values for one column or row are consecutive along k, squares of vectors at a time. */
function packSquares(f: FunctionBuilder, compute: ComputeType, width: number, at: PackLocals, counter: Local, from: Local): void {
  const lanes = LANES[compute];
  const bytes = COMPUTE_BYTES[compute];
  const align = alignmentOf(compute);
  const rows = Array.from({ length: lanes }, () => f.local('v128'));
  const scratch = Array.from({ length: lanes }, () => f.local('v128'));
  const [line, squares] = [f.local('i32'), f.local('i32')];
  f.get(at.source).set(from);
  f.get(at.k).i32(Math.log2(lanes)).op('i32.shr_u').set(squares);
  repeat(f, counter, squares, () => {
    f.get(from).set(line);
    for (let x = 0; x < width; x += lanes) {
      const taken = rows.slice(0, width - x);
      for (const row of taken) {
        f.get(line).load('v128.load', 0, align).set(row);
        advance(f, line, at.across);
      }
      if (taken.length < lanes) storePairs(f, taken, at.target, x * bytes, width * bytes);
      else
        transposed(f, rows, scratch, (i, push) => {
          f.get(at.target);
          push();
          f.store('v128.store', (i * width + x) * bytes, align);
        });
    }
    advanceBy(f, from, 16);
    advanceBy(f, at.target, lanes * width * bytes);
  });
  f.get(at.k)
    .i32(lanes - 1)
    .op('i32.and')
    .set(squares);
  repeat(f, counter, squares, () => {
    f.get(from).set(line);
    for (let x = 0; x < width; x++) {
      f.get(at.target)
        .get(line)
        .load(SCALAR_LOAD[compute])
        .store(SCALAR_STORE[compute], x * bytes);
      advance(f, line, at.across);
    }
    advanceBy(f, from, bytes);
    advanceBy(f, at.target, width * bytes);
  });
}

/**
 * `(target, source, count, k, across, along)`: packs count × k values, `across` bytes apart across and `along` bytes apart along the inner dimension, into
 * panels of `width`: for each k, the values of a panel are consecutive. The last panel is padded with zeros, or narrower.
 */
export function packFunction(name: string, compute: ComputeType, width: number, padded: boolean): FunctionBuilder {
  const bytes = COMPUTE_BYTES[compute];
  const f = new FunctionBuilder(name, i32s(6));
  const [target, source, count, k, across, along] = [0, 1, 2, 3, 4, 5];
  const at: PackLocals = { target, source, k, across, along };
  const local = (): Local => f.local('i32');
  const [counter, from, line, taken, taking, to, step] = [local(), local(), local(), local(), local(), local(), local()];
  const packAny = (): void => {
    f.get(source).set(from);
    if (padded) f.i32(width * bytes).set(step);
    else f.get(taken).i32(bytes).op('i32.mul').set(step);
    if (padded) f.get(target).i32(0).get(k).get(step).op('i32.mul').memoryFill();
    repeat(f, counter, k, () => {
      f.get(from).set(line).get(target).set(to).get(taken).set(taking);
      f.loop((next) => {
        f.get(to).get(line).load(SCALAR_LOAD[compute]).store(SCALAR_STORE[compute]);
        advanceBy(f, to, bytes);
        advance(f, line, across);
        f.get(taking).i32(1).op('i32.sub').tee(taking).brIf(next);
      });
      advance(f, from, along);
      advance(f, target, step);
    });
  };
  whileLoop(
    f,
    () => f.get(count),
    () => {
      f.get(count).i32(width).get(count).i32(width).op('i32.lt_u').op('select').set(taken);
      f.get(taken).i32(width).op('i32.eq').get(across).i32(bytes).op('i32.eq').op('i32.and');
      f.if(
        () => packRuns(f, compute, width, at, counter, from),
        () => {
          f.get(taken).i32(width).op('i32.eq').get(along).i32(bytes).op('i32.eq').op('i32.and');
          f.if(() => packSquares(f, compute, width, at, counter, from), packAny);
        },
      );
      f.get(source).get(across).i32(width).op('i32.mul').op('i32.add').set(source);
      f.get(count).get(taken).op('i32.sub').set(count);
    },
  );
  return f;
}

/**
 * `(m, k, a, ars, x, c, cs)`: the products of m rows of consecutive values, ars bytes apart, with the consecutive vector x, written cs bytes apart to c.
 */
function dots(variant: MatmulVariant): FunctionBuilder {
  const { compute } = variant;
  const bytes = COMPUTE_BYTES[compute];
  const lanes = LANES[compute];
  const shape = VECTOR_SHAPE[compute];
  const align = alignmentOf(compute);
  const f = new FunctionBuilder('dots', i32s(7));
  const [m, k, a, ars, x, c, cs] = [0, 1, 2, 3, 4, 5, 6];
  const local = (): Local => f.local('i32');
  const [left, vector] = [local(), local()];
  const loaded = f.local('v128');
  const other = f.local('v128');
  const emit = (count: number): void => {
    const sums = Array.from({ length: count }, () => f.local('v128'));
    const tails = Array.from({ length: count }, () => f.local(compute));
    const pointers = Array.from({ length: count }, () => local());
    pointers.forEach((pointer, i) => {
      if (i === 0) f.get(a).set(pointer);
      else
        f.get(pointers[i - 1]!)
          .get(ars)
          .op('i32.add')
          .set(pointer);
    });
    for (const sum of sums) f.i32x4(0).set(sum);
    f.get(x).set(vector).get(k).set(left);
    whileLoop(
      f,
      () => f.get(left).i32(lanes).op('i32.ge_u'),
      () => {
        f.get(vector).load('v128.load', 0, align).set(loaded);
        sums.forEach((sum, i) => {
          f.get(pointers[i]!).load('v128.load', 0, align).set(other);
          multiplyAdd(f, variant, sum, other, loaded);
          advanceBy(f, pointers[i]!, 16);
        });
        advanceBy(f, vector, 16);
        advanceBy(f, left, -lanes);
      },
    );
    sums.forEach((sum, i) => {
      if (lanes === 4) f.get(sum).get(sum).get(sum).shuffle32(2, 3, 2, 3).op(`${shape}.add`).set(sum);
      f.get(sum).lane(`${shape}.extract_lane`, 0).get(sum).lane(`${shape}.extract_lane`, 1).op(`${compute}.add`).set(tails[i]!);
    });
    whileLoop(
      f,
      () => f.get(left),
      () => {
        tails.forEach((tail, i) => {
          f.get(tail)
            .get(pointers[i]!)
            .load(SCALAR_LOAD[compute])
            .get(vector)
            .load(SCALAR_LOAD[compute])
            .op(`${compute}.mul`)
            .op(`${compute}.add`)
            .set(tail);
          advanceBy(f, pointers[i]!, bytes);
        });
        advanceBy(f, vector, bytes);
        advanceBy(f, left, -1);
      },
    );
    for (const tail of tails) {
      f.get(c).get(tail).store(SCALAR_STORE[compute]);
      advance(f, c, cs);
      advance(f, a, ars);
    }
    advanceBy(f, m, -count);
  };
  whileLoop(
    f,
    () => f.get(m).i32(4).op('i32.ge_u'),
    () => emit(4),
  );
  whileLoop(
    f,
    () => f.get(m),
    () => emit(1),
  );
  return f;
}

/** The functions `multiply`, `multiplyPacked`, `packLeft`, `packRight` and `dots` of a variant. */
export function matmulFunctions(variant: MatmulVariant): FunctionBuilder[] {
  const { compute } = variant;
  return [
    multiply(variant, false),
    multiply(variant, true),
    packFunction('packLeft', compute, variant.rows, false),
    packFunction('packRight', compute, tileColumns(variant), true),
    dots(variant),
  ];
}
