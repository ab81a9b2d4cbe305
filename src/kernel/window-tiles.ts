import { COMPUTE_BYTES, LANES } from './element.ts';
import { advance, advanceBy, repeat, whileLoop } from './loops.ts';
import { type MatmulVariant, multiplyAdd, tileColumns, transposed } from './matmul.ts';
import { loadTile, storeTile } from './matmul-variant.ts';
import { ENTRY_BYTES, pushIsRun } from './pack-windows.ts';
import { FunctionBuilder, i32s, type Local } from './wasm/encoder.ts';

/**
 * Products of windows with packed panels, the windows read where they lie: the element of row i and inner index k is a broadcast of the one at
 * `across[i] + along[k]`, so no matrix of windows is ever made, whatever strides and dilations are (an implicit product with the layout of rows turned: Chetlur et al.,
 * "cuDNN: Efficient Primitives for Deep Learning", 2014, pack what is read here).
 */

/**
 * `(k, source, across, along, b, c, ldc, first, ldf)`: a tile of `rows` rows of c, ldc bytes apart, is set to that at `first`, ldf bytes apart, plus the product.
 * `joined`: the rows are elements that lie in one piece.
 */
function windowTile(variant: MatmulVariant, rows: number, joined: boolean): FunctionBuilder {
  const bytes = COMPUTE_BYTES[variant.compute];
  const align = Math.log2(bytes);
  const f = new FunctionBuilder(`windowTile${rows}`, i32s(9), [], false);
  const [k, source, across, along, b, c, ldc, first, ldf] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const accumulators = Array.from({ length: rows }, () => Array.from({ length: variant.vectors }, () => f.local('v128')));
  const right = Array.from({ length: variant.vectors }, () => f.local('v128'));
  const left = f.local('v128');
  const pointers = Array.from({ length: joined ? 1 : rows }, () => f.local('i32'));
  const [offset, at] = [f.local('i32'), f.local('i32')];
  loadTile(f, accumulators, first, ldf, align);
  pointers.forEach((pointer, i) => {
    f.get(source)
      .get(across)
      .load('i32.load', ENTRY_BYTES * i)
      .op('i32.add')
      .set(pointer);
  });
  // As in the tiles of plain products: not unrolled, and in a block of its own.
  f.get(k).if(() => {
    f.loop((next) => {
      f.get(along).load('i32.load').set(offset);
      right.forEach((vector, j) => {
        f.get(b)
          .load('v128.load', 16 * j, align)
          .set(vector);
      });
      if (joined) f.get(pointers[0]!).get(offset).op('i32.add').set(at);
      accumulators.forEach((row, i) => {
        if (joined) f.get(at);
        else f.get(pointers[i]!).get(offset).op('i32.add');
        f.load(bytes === 4 ? 'v128.load32_splat' : 'v128.load64_splat', joined ? i * bytes : 0).set(left);
        row.forEach((accumulator, j) => {
          multiplyAdd(f, variant, accumulator, left, right[j]!);
        });
      });
      advanceBy(f, along, ENTRY_BYTES);
      advanceBy(f, b, tileColumns(variant) * bytes);
      f.get(k).i32(1).op('i32.sub').tee(k).brIf(next);
    });
  });
  storeTile(f, accumulators, c, ldc, align);
  return f;
}

/** Steps of the inner dimension that are multiplied at a time: a panel stays in the first-level cache. */
export const WINDOW_DEPTH = 256;

/**
 * `(m, panels, k, source, across, along, b, c, ldc, first, ldf)`: m rows of windows times panels of b, which come in blocks of `WINDOW_DEPTH` steps. c has
 * whole panels of columns. `first` may be c itself, or a row that all begin with: ldf is 0 then.
 */
export function multiplyWindows(variant: MatmulVariant): FunctionBuilder {
  const f = new FunctionBuilder('multiplyWindows', i32s(11), [], false);
  const [m, panels, k, source, across, along, b, c, ldc, first, ldf] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const width = tileColumns(variant) * COMPUTE_BYTES[variant.compute];
  const local = (): Local => f.local('i32');
  const [left, row, to, from, depth, panel, target, begin] = [local(), local(), local(), local(), local(), local(), local(), local()];
  const call = (tile: FunctionBuilder): void => {
    f.get(depth).get(source).get(row).get(along).get(b).get(to).get(ldc).get(from).get(ldf).call(tile);
  };
  const whole = windowTile(variant, variant.rows, false);
  const joined = windowTile(variant, variant.rows, true);
  const callTileOf = (count: number): void => {
    const tile = windowTile(variant, count, false);
    if (count === 1) call(tile);
    else
      f.get(left)
        .i32(count)
        .op('i32.eq')
        .if(
          () => call(tile),
          () => callTileOf(count - 1),
        );
  };
  const onePanel = (): void => {
    f.get(m).set(left).get(across).set(row).get(target).set(to).get(begin).set(from);
    whileLoop(
      f,
      () => f.get(left).i32(variant.rows).op('i32.ge_s'),
      () => {
        pushIsRun(f, row, variant.rows);
        f.if(
          () => call(joined),
          () => call(whole),
        );
        advanceBy(f, row, ENTRY_BYTES * variant.rows);
        f.get(to).get(ldc).i32(variant.rows).op('i32.mul').op('i32.add').set(to);
        f.get(from).get(ldf).i32(variant.rows).op('i32.mul').op('i32.add').set(from);
        advanceBy(f, left, -variant.rows);
      },
    );
    f.get(left).if(() => callTileOf(variant.rows - 1));
    f.get(b).get(depth).i32(width).op('i32.mul').op('i32.add').set(b);
    advanceBy(f, target, width);
    advanceBy(f, begin, width);
  };
  whileLoop(
    f,
    () => f.get(k),
    () => {
      f.get(k).i32(WINDOW_DEPTH).get(k).i32(WINDOW_DEPTH).op('i32.lt_u').op('select').set(depth);
      f.get(c).set(target).get(first).set(begin);
      repeat(f, panel, panels, onePanel);
      f.get(c).set(first).get(ldc).set(ldf);
      advanceBy(f, along, ENTRY_BYTES * WINDOW_DEPTH);
      f.get(k).get(depth).op('i32.sub').set(k);
    },
  );
  return f;
}

/** `(target, targetStride, source, sourceStride, rows, columns)`: row r and column c of the target are column r and row c of the source; strides in bytes. */
export function transposeBlock({ compute }: MatmulVariant): FunctionBuilder {
  const bytes = COMPUTE_BYTES[compute];
  const lanes = LANES[compute];
  const align = Math.log2(bytes);
  const f = new FunctionBuilder('transpose', i32s(6));
  const [target, targetStride, source, sourceStride, rows, columns] = [0, 1, 2, 3, 4, 5];
  const local = (): Local => f.local('i32');
  const [left, to, from, line, element, rest, more] = [local(), local(), local(), local(), local(), local(), local()];
  const square = Array.from({ length: lanes }, () => f.local('v128'));
  const scratch = Array.from({ length: lanes }, () => f.local('v128'));
  /** What is left of a strip of `rest` rows, column by column. */
  const columnsOneByOne = (): void =>
    whileLoop(
      f,
      () => f.get(left),
      () => {
        f.get(to).set(line).get(from).set(element);
        repeat(f, more, rest, () => {
          f.get(line).get(element).load(`${compute}.load`).store(`${compute}.store`);
          advance(f, line, targetStride);
          advanceBy(f, element, bytes);
        });
        advance(f, from, sourceStride);
        advanceBy(f, to, bytes);
        advanceBy(f, left, -1);
      },
    );
  const begin = (): FunctionBuilder => f.get(columns).set(left).get(target).set(to).get(source).set(from);
  whileLoop(
    f,
    () => f.get(rows).i32(lanes).op('i32.ge_s'),
    () => {
      begin();
      whileLoop(
        f,
        () => f.get(left).i32(lanes).op('i32.ge_s'),
        () => {
          f.get(from).set(element);
          for (const vector of square) {
            f.get(element).load('v128.load', 0, align).set(vector);
            advance(f, element, sourceStride);
          }
          f.get(to).set(line);
          transposed(f, square, scratch, (_, push) => {
            f.get(line);
            push();
            f.store('v128.store', 0, align);
            advance(f, line, targetStride);
          });
          f.get(element).set(from);
          advanceBy(f, to, lanes * bytes);
          advanceBy(f, left, -lanes);
        },
      );
      f.i32(lanes).set(rest);
      columnsOneByOne();
      f.get(target).get(targetStride).i32(lanes).op('i32.mul').op('i32.add').set(target);
      advanceBy(f, source, lanes * bytes);
      advanceBy(f, rows, -lanes);
    },
  );
  f.get(rows).tee(rest);
  f.if(() => {
    begin();
    columnsOneByOne();
  });
  return f;
}
