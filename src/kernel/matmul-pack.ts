/** Packing of matrices into panels: for each step of the inner dimension, the values that a tile multiplies are consecutive. */
import { COMPUTE_BYTES, type ComputeType, LANES } from './element.ts';
import { advance, advanceBy, repeat, whileLoop } from './loops.ts';
import { alignmentOf, SCALAR_LOAD, SCALAR_STORE } from './matmul-variant.ts';
import { FunctionBuilder, i32s, type Local } from './wasm/encoder.ts';

/** Registers of the packing functions. */
interface PackLocals {
  readonly target: Local;
  readonly source: Local;
  readonly k: Local;
  readonly across: Local;
  readonly along: Local;
}

/** Copies two panels at once, each of half a cache line for one k. */
function packPairs(f: FunctionBuilder, at: PackLocals, counter: Local, from: Local): void {
  const second = f.local('i32');
  f.get(at.source).set(from).get(at.target).get(at.k).i32(5).op('i32.shl').op('i32.add').set(second);
  repeat(f, counter, at.k, () => {
    for (const [i, target] of [at.target, at.target, second, second].entries())
      f.get(target)
        .get(from)
        .load('v128.load', 16 * i, 2)
        .store('v128.store', 16 * (i % 2), 2);
    advance(f, from, at.along);
    advanceBy(f, at.target, 32);
    advanceBy(f, second, 32);
  });
  f.get(second).set(at.target);
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

/**
 * Copies a panel whose values for one column or row are consecutive along k, squares of vectors at a time. With `some`, a panel of so many columns or rows: the last one stands where there
 * is none, since nobody reads what is computed of it.
 */
function packSquares(
  f: FunctionBuilder,
  compute: ComputeType,
  width: number,
  at: PackLocals,
  counter: Local,
  from: Local,
  some: Local | null,
): void {
  const lanes = LANES[compute];
  const bytes = COMPUTE_BYTES[compute];
  const align = alignmentOf(compute);
  const rows = Array.from({ length: lanes }, () => f.local('v128'));
  const scratch = Array.from({ length: lanes }, () => f.local('v128'));
  const [line, squares] = [f.local('i32'), f.local('i32')];
  const next = (x: number): void => {
    f.get(line).get(at.across);
    if (some !== null)
      f.i32(0)
        .get(some)
        .i32(x + 1)
        .op('i32.gt_u')
        .op('select');
    f.op('i32.add').set(line);
  };
  f.get(at.source).set(from);
  f.get(at.k).i32(Math.log2(lanes)).op('i32.shr_u').set(squares);
  repeat(f, counter, squares, () => {
    f.get(from).set(line);
    for (let x = 0; x < width; x += lanes) {
      const taken = rows.slice(0, width - x);
      taken.forEach((row, i) => {
        f.get(line).load('v128.load', 0, align).set(row);
        next(x + i);
      });
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
      next(x);
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
  if (width * bytes === 32)
    whileLoop(
      f,
      () =>
        f
          .get(count)
          .i32(2 * width)
          .op('i32.ge_u')
          .get(across)
          .i32(bytes)
          .op('i32.eq')
          .op('i32.and'),
      () => {
        packPairs(f, at, counter, from);
        advanceBy(f, source, 64);
        advanceBy(f, count, -2 * width);
      },
    );
  whileLoop(
    f,
    () => f.get(count),
    () => {
      f.get(count).i32(width).get(count).i32(width).op('i32.lt_u').op('select').set(taken);
      f.get(taken).i32(width).op('i32.eq').get(across).i32(bytes).op('i32.eq').op('i32.and');
      f.if(
        () => packRuns(f, compute, width, at, counter, from),
        () => {
          const squares = (some: Local | null) => () => packSquares(f, compute, width, at, counter, from, some);
          const isWhole = (): FunctionBuilder => f.get(taken).i32(width).op('i32.eq');
          f.get(along).i32(bytes).op('i32.eq');
          if (!padded) isWhole().op('i32.and');
          f.if(() => (padded ? isWhole().if(squares(null), squares(taken)) : squares(null)()), packAny);
        },
      );
      f.get(source).get(across).i32(width).op('i32.mul').op('i32.add').set(source);
      f.get(count).get(taken).op('i32.sub').set(count);
    },
  );
  return f;
}
