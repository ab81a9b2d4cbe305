/**
 * Matrix products, emitted for one compute type. Blocks of the operands are packed into panels and multiplied tile by tile, each tile of the
 * result staying in registers for a whole block of the inner dimension (Goto and van de Geijn, "Anatomy of high-performance matrix
 * multiplication", ACM TOMS 34, 2008). Integers wrap, so they are exact modulo the size of the type.
 */
import { COMPUTE_BYTES, type ComputeType } from './element.ts';
import { advance, advanceBy, repeat, whileLoop } from './loops.ts';
import { packFunction, transposed } from './matmul-pack.ts';
import { combine, dots } from './matmul-thin.ts';
import {
  alignmentOf,
  loadTile,
  type MatmulVariant,
  multiplyAdd,
  SCALAR_LOAD,
  SCALAR_STORE,
  splatLoad,
  storeTile,
  tileBytes,
  tileColumns,
} from './matmul-variant.ts';
import { FunctionBuilder, i32s, type Local } from './wasm/encoder.ts';

export { type MatmulVariant, multiplyAdd, packFunction, tileBytes, tileColumns, transposed };

/**
 * Sets a tile of c to what lies at `from`, `frs` bytes from row to row, plus the product of `rows` rows of a and a panel of b. Packed:
 * `(k, a, b, brs, c, ldc, from, frs)`, a's values consecutive for each k. Otherwise `(k, a, b, brs, c, ldc, from, frs, ars, acs)`. Strides are in bytes; brs leads
 * from one row of the panel to the next.
 */
function tile(variant: MatmulVariant, rows: number, packed: boolean): FunctionBuilder {
  const { compute, store = storeTile } = variant;
  const bytes = COMPUTE_BYTES[compute];
  const align = alignmentOf(compute);
  const f = new FunctionBuilder(`tile${rows}`, i32s(packed ? 8 : 10), [], false);
  const [k, a, b, brs, c, ldc, from, frs, ars, acs] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const accumulators = Array.from({ length: rows }, () => Array.from({ length: variant.vectors }, () => f.local('v128')));
  const right = Array.from({ length: variant.vectors }, () => f.local('v128'));
  const left = f.local('v128');
  const pointers = packed ? [] : Array.from({ length: rows }, () => f.local('i32'));
  loadTile(f, accumulators, from, frs, align);
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
          .load(splatLoad(compute), packed ? i * bytes : 0)
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
  store(f, accumulators, c, ldc, align);
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
 * The product of m × k values of a and n columns of b, tile by tile. `multiply(m, n, k, a, b, brs, bps, c, ldc, edge, origin, ars, acs)`, or without the last two
 * for packed values of a. Panels of b are bps bytes apart. It is added to c (`origin` 0), to nothing (1), or each row to that at the address `origin`. `edge` is room for
 * one tile: for zeros, and for what is computed where n is no multiple of a tile's columns; then whole vectors of b are read all the same. k is not 0.
 */
export function multiplyFunction(variant: MatmulVariant, packed: boolean): FunctionBuilder {
  const { compute } = variant;
  const bytes = COMPUTE_BYTES[compute];
  const columns = tileColumns(variant);
  const f = new FunctionBuilder(packed ? 'multiplyPacked' : 'multiply', i32s(packed ? 11 : 13));
  const [m, n, k, a, b, brs, bps, c, ldc, edge, origin] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const [ars, acs] = [11, 12];
  const tiles = Array.from({ length: variant.rows }, (_, i) => tile(variant, i + 1, packed));
  const copy = copyTile(compute);
  const local = (): Local => f.local('i32');
  const [rowsLeft, rows, panel, left, result, target, targetStride] = [local(), local(), local(), local(), local(), local(), local()];
  const [start, startRow, startStep, from, source, sourceStride] = [local(), local(), local(), local(), local(), local()];
  const callTile = (count: number): void => {
    f.get(k).get(panel).get(b).get(brs).get(target).get(targetStride).get(source).get(sourceStride);
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
  const setZeros = (): void => {
    for (let offset = 0; offset < columns * bytes; offset += 16) f.get(edge).i32x4(0).store('v128.store', offset);
  };
  f.get(origin).i32(1).op('i32.eq');
  f.if(
    () => {
      setZeros();
      f.get(edge).set(start);
    },
    () => {
      f.i32(columns * bytes)
        .set(startStep)
        .get(origin)
        .set(start);
      f.get(origin).op('i32.eqz');
      f.if(() => f.get(c).set(start).get(ldc).set(startRow));
    },
  );
  f.get(n).set(left);
  whileLoop(
    f,
    () => f.get(left),
    () => {
      f.get(m).set(rowsLeft).get(a).set(panel).get(c).set(result).get(start).set(from);
      f.loop((next) => {
        f.get(rowsLeft).i32(variant.rows).get(rowsLeft).i32(variant.rows).op('i32.lt_u').op('select').set(rows);
        // Halves of what is left are faster than a whole tile and one of two rows. Packed rows lie in whole tiles.
        if (!packed) {
          f.get(rowsLeft)
            .i32(variant.rows + 1)
            .op('i32.sub')
            .i32(variant.rows - 1)
            .op('i32.lt_u');
          f.if(() => f.get(rowsLeft).i32(1).op('i32.add').i32(1).op('i32.shr_u').set(rows));
        }
        f.get(result).set(target).get(ldc).set(targetStride).get(from).set(source).get(startRow).set(sourceStride);
        atEdge();
        f.if(() => {
          f.get(edge)
            .set(target)
            .i32(columns * bytes)
            .set(targetStride);
          f.get(startStep).if(() => {
            f.get(edge).get(targetStride).get(from).get(startRow).get(rows).get(left).call(copy);
            f.get(edge).set(source).get(targetStride).set(sourceStride);
          });
        });
        callTileOf(variant.rows);
        atEdge();
        f.if(() => {
          f.get(result).get(ldc).get(edge).get(targetStride).get(rows).get(left).call(copy);
          f.get(startStep).op('i32.eqz').if(setZeros);
        });
        f.get(result).get(rows).get(ldc).op('i32.mul').op('i32.add').set(result);
        f.get(from).get(rows).get(startRow).op('i32.mul').op('i32.add').set(from);
        f.get(panel);
        if (packed) f.get(rows).get(k).op('i32.mul').i32(bytes).op('i32.mul');
        else f.get(rows).get(ars).op('i32.mul');
        f.op('i32.add').set(panel);
        f.get(rowsLeft).get(rows).op('i32.sub').tee(rowsLeft).brIf(next);
      });
      advance(f, b, bps);
      advance(f, start, startStep);
      advanceBy(f, c, columns * bytes);
      f.get(left).i32(columns).op('i32.sub').i32(0).get(left).i32(columns).op('i32.gt_u').op('select').set(left);
    },
  );
  return f;
}

/**
 * `(count, as, bs, cs, m, n, k, a, ars, acs, b, brs, bcs, c, panels, edge, origin)`: products of `count` pairs of matrices, as, bs and cs bytes apart from each
 * other, as `multiply` does them. b is packed to `panels`, once if bs is 0, or read where it is if that is 0; then its rows are consecutive.
 */
function products(variant: MatmulVariant, multiplyOne: FunctionBuilder, packRight: FunctionBuilder): FunctionBuilder {
  const bytes = COMPUTE_BYTES[variant.compute];
  const rowBytes = tileColumns(variant) * bytes;
  const f = new FunctionBuilder('products', i32s(17));
  const [count, as, bs, cs, m, n, k, a, ars, acs, b, brs, bcs, c, panels, edge, origin] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
  ];
  const [packed, right, brsOne, bpsOne] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
  f.get(brs).set(brsOne).i32(rowBytes).set(bpsOne);
  f.loop((next) => {
    f.get(b).set(right);
    f.get(panels).if(() => {
      f.get(bs).get(packed).op('i32.eqz').op('i32.or');
      f.if(() => f.get(panels).get(b).get(n).get(k).get(bcs).get(brs).call(packRight));
      f.i32(1).set(packed).get(panels).set(right).i32(rowBytes).set(brsOne);
      f.get(k).i32(rowBytes).op('i32.mul').set(bpsOne);
    });
    f.get(m).get(n).get(k).get(a).get(right).get(brsOne).get(bpsOne).get(c);
    f.get(n).i32(bytes).op('i32.mul').get(edge).get(origin).get(ars).get(acs).call(multiplyOne);
    advance(f, a, as);
    advance(f, b, bs);
    advance(f, c, cs);
    f.get(count).i32(1).op('i32.sub').tee(count).brIf(next);
  });
  return f;
}

/** The functions `multiply`, `multiplyPacked`, `products`, `packLeft`, `packRight`, `dots` and `combine` of a variant. */
export function matmulFunctions(variant: MatmulVariant): FunctionBuilder[] {
  const { compute } = variant;
  const multiplyOne = multiplyFunction(variant, false);
  const packRight = packFunction('packRight', compute, tileColumns(variant), true);
  return [
    multiplyOne,
    multiplyFunction(variant, true),
    products(variant, multiplyOne, packRight),
    packFunction('packLeft', compute, variant.rows, false),
    packRight,
    dots(variant),
    combine(variant),
  ];
}
