/**
 * Whole convolutions in one call each: for every image, its windows times the weights. Images get their border of zeros one after the other in the same small place, so
 * that no padded copy of all of them goes through memory.
 */
import { COMPUTE_BYTES, type ComputeType, LANES } from './element.ts';
import { advance, advanceBy, repeat, whileLoop } from './loops.ts';
import { type MatmulVariant, multiplyFunction, packFunction, tileColumns } from './matmul.ts';
import { ENTRY_BYTES, packWindowsFunction, type Runs } from './pack-windows.ts';
import { MOST_PHASES, splitBytes, splitImage } from './split-image.ts';
import { FunctionBuilder, i32s, type Local } from './wasm/encoder.ts';
import { multiplyWindows, transposeBlock, WINDOW_DEPTH } from './window-tiles.ts';

/** Where in the description of a border that of a layout is. */
export const SPLIT_AT = 48;
/** Bytes of the description of a border, as `borderImage` reads it. */
export const BORDER_BYTES = SPLIT_AT + splitBytes(MOST_PHASES);

/**
 * `borderImage(border, source)`: where the windows of an image lie: at `source` if border is 0, else in a place of zeros into which the image is copied. border points to
 * ten i32: that place; where the image's first element goes; how many channels, slices, rows and elements of a row it has; how many bytes its channels, slices and rows lie
 * apart there; and how many bytes the place has, which `clearBorder` sets to 0. An eleventh that is not 0: the image is laid out as `splitImage` is told at `SPLIT_AT`.
 */
export function borderImage(compute: ComputeType): FunctionBuilder {
  const bytes = COMPUTE_BYTES[compute];
  const lanes = LANES[compute];
  const align = Math.log2(bytes);
  const f = new FunctionBuilder('borderImage', ['i32', 'i32'], ['i32']);
  const [border, from] = [0, 1];
  const [base, first, channels, slices, rows, width, channelStep, sliceStep, rowStep] = f.localsOf('i32', 9);
  const [channel, slice, row, left, atChannel, atSlice, atRow, to] = f.localsOf('i32', 8);
  const split = splitImage(compute);
  const asItIs = (): void => {
    [base, first, channels, slices, rows, width, channelStep, sliceStep, rowStep].forEach((value, i) => {
      f.get(border)
        .load('i32.load', 4 * i)
        .set(value);
    });
    f.get(first).set(atChannel);
    repeat(f, channel, channels, () => {
      f.get(atChannel).set(atSlice);
      repeat(f, slice, slices, () => {
        f.get(atSlice).set(atRow);
        repeat(f, row, rows, () => {
          f.get(atRow).set(to).get(width).set(left);
          whileLoop(
            f,
            () => f.get(left).i32(lanes).op('i32.ge_s'),
            () => {
              f.get(to).get(from).load('v128.load', 0, align).store('v128.store', 0, align);
              advanceBy(f, to, 16);
              advanceBy(f, from, 16);
              advanceBy(f, left, -lanes);
            },
          );
          whileLoop(
            f,
            () => f.get(left),
            () => {
              f.get(to).get(from).load(`${compute}.load`).store(`${compute}.store`);
              advanceBy(f, to, bytes);
              advanceBy(f, from, bytes);
              advanceBy(f, left, -1);
            },
          );
          advance(f, atRow, rowStep);
        });
        advance(f, atSlice, sliceStep);
      });
      advance(f, atChannel, channelStep);
    });
  };
  f.get(border).if(() => {
    f.get(border).load('i32.load', 40);
    f.if(() => f.get(border).i32(SPLIT_AT).op('i32.add').get(from).get(border).load('i32.load').tee(base).call(split), asItIs);
    f.get(base).set(from);
  });
  f.get(from);
  return f;
}

/** Clears the place that a border describes, if there is one. */
export function clearBorder(f: FunctionBuilder, border: Local): void {
  f.get(border).if(() => f.get(border).load('i32.load').i32(0).get(border).load('i32.load', 36).memoryFill());
}

/**
 * `convolve(images, m, block, panels, k, source, sourceStep, across, along, b, scratch, start, out, outStep, outRow, rows, border)`: for each image, the product of m windows
 * and b, transposed: row r of the output, outRow bytes apart, has column r of the product. Each row of the product begins with that at `start`. `scratch` has
 * room for `block` rows of whole panels.
 */
function convolve(
  variant: MatmulVariant,
  multiply: FunctionBuilder,
  transpose: FunctionBuilder,
  bordered: FunctionBuilder,
): FunctionBuilder {
  const f = new FunctionBuilder('convolve', i32s(17));
  const [images, m, block, panels, k, source, sourceStep, across, along, b, scratch, start, out, outStep, outRow, rows, border] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
  ];
  const bytes = COMPUTE_BYTES[variant.compute];
  const local = (): Local => f.local('i32');
  const [image, left, count, at, to, ldc, windows] = [local(), local(), local(), local(), local(), local(), local()];
  f.get(panels)
    .i32(tileColumns(variant) * bytes)
    .op('i32.mul')
    .set(ldc);
  clearBorder(f, border);
  repeat(f, image, images, () => {
    f.get(border).get(source).call(bordered).set(windows);
    f.get(m).set(left).get(across).set(at).get(out).set(to);
    whileLoop(
      f,
      () => f.get(left),
      () => {
        f.get(left).get(block).get(left).get(block).op('i32.lt_u').op('select').set(count);
        f.get(count).get(panels).get(k).get(windows).get(at).get(along).get(b).get(scratch).get(ldc).get(start).i32(0).call(multiply);
        f.get(to).get(outRow).get(scratch).get(ldc).get(rows).get(count).call(transpose);
        f.get(at).get(count).i32(ENTRY_BYTES).op('i32.mul').op('i32.add').set(at);
        f.get(to).get(count).i32(bytes).op('i32.mul').op('i32.add').set(to);
        f.get(left).get(count).op('i32.sub').set(left);
      },
    );
    advance(f, source, sourceStep);
    advance(f, out, outStep);
  });
  return f;
}

/**
 * `correlate(blocks, done, m, rows, panels, k, source, sourceStep, across, along, right, rightStep, packed, c, first, border)`: c[i][r] is the sum over images and places p of
 * window p's element i times right[r][p], where right is an image of `rows` rows of k elements. `blocks` blocks of `WINDOW_DEPTH` places are summed, from place `done` of the
 * first image on; each row of c begins with that at `first`. `packed` has room for whole panels of a block.
 */
function correlate(variant: MatmulVariant, multiply: FunctionBuilder, pack: FunctionBuilder, bordered: FunctionBuilder): FunctionBuilder {
  const f = new FunctionBuilder('correlate', i32s(16));
  const [blocks, done, m, rows, panels, k, source, sourceStep, across, along, right, rightStep, packed, c, first, border] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
  ];
  const bytes = COMPUTE_BYTES[variant.compute];
  const local = (): Local => f.local('i32');
  const [block, depth, ldc, ldf, left, windows] = [local(), local(), local(), local(), local(), local()];
  const enter = (): FunctionBuilder => f.get(border).get(source).call(bordered).set(windows);
  f.get(panels)
    .i32(tileColumns(variant) * bytes)
    .op('i32.mul')
    .set(ldc);
  clearBorder(f, border);
  enter();
  repeat(f, block, blocks, () => {
    f.get(k).get(done).op('i32.sub').set(left);
    f.get(left).i32(WINDOW_DEPTH).get(left).i32(WINDOW_DEPTH).op('i32.lt_u').op('select').set(depth);
    f.get(packed).get(right).get(done).i32(bytes).op('i32.mul').op('i32.add').get(rows).get(depth);
    f.get(k).i32(bytes).op('i32.mul').i32(bytes).call(pack);
    f.get(m).get(panels).get(depth).get(windows).get(across);
    f.get(along).get(done).i32(ENTRY_BYTES).op('i32.mul').op('i32.add');
    f.get(packed).get(c).get(ldc).get(first).get(ldf).call(multiply);
    f.get(c).set(first).get(ldc).set(ldf);
    f.get(done).get(depth).op('i32.add').set(done);
    f.get(done).get(k).op('i32.eq');
    f.if(() => {
      f.i32(0).set(done);
      advance(f, source, sourceStep);
      advance(f, right, rightStep);
      f.get(block).i32(1).op('i32.gt_u');
      f.if(() => enter());
    });
  });
  return f;
}

/** Columns that are packed at a time, and rows that are multiplied with them: whole tiles. */
const PACKED_COLUMNS = 256;
const PACKED_ROWS = 120;

/** How many bytes of scratch memory `convolvePacked` needs behind that for an edge. */
export function packedBytes(columns: number, depth: number, width: number, bytes: number): number {
  return Math.min(PACKED_COLUMNS, Math.ceil(columns / width) * width) * Math.min(WINDOW_DEPTH, depth) * bytes;
}

/**
 * `convolvePacked(images, columns, k, rows, left, leftStep, leftRow, packedLeft, source, sourceStep, across, along, scratch, start, startStep, out, outStep, outRow, border)`: for each image, `rows` rows of left times
 * `columns` windows, which are packed. left has been packed to packedLeft where leftStep is 0, else it is packed for each image. Row r of the output begins with the value
 * r · startStep bytes from `start` on; where that is 0, the products are added to what is there. scratch has room for a tile, then for packed windows.
 */
function convolvePacked(
  variant: MatmulVariant,
  name: string,
  multiply: FunctionBuilder,
  packLeft: FunctionBuilder,
  packRight: FunctionBuilder,
  bordered: FunctionBuilder,
): FunctionBuilder {
  const { compute } = variant;
  const bytes = COMPUTE_BYTES[compute];
  const lanes = LANES[compute];
  const f = new FunctionBuilder(name, i32s(19));
  const [images, columns, k, rows, left, leftStep, leftRow, packedLeft, source, sourceStep] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const [across, along, scratch, start, startStep, out, outStep, outRow, border] = [10, 11, 12, 13, 14, 15, 16, 17, 18];
  const width = tileColumns(variant) * bytes;
  const local = (): Local => f.local('i32');
  const [image, more, block, at, to, windows, step, depth, panels, row, height, result] = f.localsOf('i32', 12);
  const [counter, from] = [local(), local()];
  const value = f.local(compute);
  const vector = f.local('v128');
  const atMost = (value: Local, most: number): FunctionBuilder => f.get(value).i32(most).get(value).i32(most).op('i32.lt_u').op('select');
  /** Begins the rows of a block of columns. */
  const begin = (): void => {
    f.get(start).set(from).get(to).set(result);
    repeat(f, row, rows, () => {
      f.get(from)
        .load(`${compute}.load`)
        .tee(value)
        .op(compute === 'f64' ? 'f64x2.splat' : 'f32x4.splat')
        .set(vector);
      f.get(result).set(panels).get(block).set(counter);
      whileLoop(
        f,
        () => f.get(counter).i32(lanes).op('i32.ge_s'),
        () => {
          f.get(panels).get(vector).store('v128.store', 0, Math.log2(bytes));
          advanceBy(f, panels, 16);
          advanceBy(f, counter, -lanes);
        },
      );
      whileLoop(
        f,
        () => f.get(counter),
        () => {
          f.get(panels).get(value).store(`${compute}.store`);
          advanceBy(f, panels, bytes);
          advanceBy(f, counter, -1);
        },
      );
      advance(f, from, startStep);
      advance(f, result, outRow);
    });
  };
  const packRows = (): void => {
    f.get(k).set(more).get(left).set(at).get(packedLeft).set(to);
    whileLoop(
      f,
      () => f.get(more),
      () => {
        atMost(more, WINDOW_DEPTH).set(depth);
        f.get(to).get(at).get(rows).get(depth).get(leftRow).i32(bytes).call(packLeft);
        advanceBy(f, at, WINDOW_DEPTH * bytes);
        f.get(to).get(depth).get(rows).op('i32.mul').i32(bytes).op('i32.mul').op('i32.add').set(to);
        f.get(more).get(depth).op('i32.sub').set(more);
      },
    );
    advance(f, left, leftStep);
  };
  const multiplyBlock = (): void => {
    f.get(k).set(step).get(packedLeft).set(panels).get(along).set(from);
    whileLoop(
      f,
      () => f.get(step),
      () => {
        atMost(step, WINDOW_DEPTH).set(depth);
        f.get(scratch).i32(EDGE_BYTES).op('i32.add').get(windows).get(at).get(block).get(from).get(depth).call(packRight);
        f.get(rows).set(row).get(to).set(result);
        whileLoop(
          f,
          () => f.get(row),
          () => {
            atMost(row, PACKED_ROWS).set(height);
            f.get(height).get(block).get(depth).get(panels).get(scratch).i32(EDGE_BYTES).op('i32.add').i32(width);
            f.get(depth).i32(width).op('i32.mul').get(result).get(outRow).get(scratch).i32(0).call(multiply);
            f.get(panels).get(height).get(depth).op('i32.mul').i32(bytes).op('i32.mul').op('i32.add').set(panels);
            f.get(result).get(height).get(outRow).op('i32.mul').op('i32.add').set(result);
            f.get(row).get(height).op('i32.sub').set(row);
          },
        );
        advanceBy(f, from, ENTRY_BYTES * WINDOW_DEPTH);
        f.get(step).get(depth).op('i32.sub').set(step);
      },
    );
  };
  clearBorder(f, border);
  repeat(f, image, images, () => {
    f.get(border).get(source).call(bordered).set(windows);
    f.get(leftStep).if(packRows);
    f.get(columns).set(more).get(across).set(at).get(out).set(to);
    whileLoop(
      f,
      () => f.get(more),
      () => {
        atMost(more, PACKED_COLUMNS).set(block);
        f.get(start).if(begin);
        multiplyBlock();
        advanceBy(f, at, ENTRY_BYTES * PACKED_COLUMNS);
        advanceBy(f, to, bytes * PACKED_COLUMNS);
        f.get(more).get(block).op('i32.sub').set(more);
      },
    );
    advance(f, source, sourceStep);
    advance(f, out, outStep);
  });
  return f;
}

/** Room for the largest tile at an edge. */
export const EDGE_BYTES = 384;

/** `addTo(target, source, count)`: adds `count` vectors. */
function addTo(compute: ComputeType): FunctionBuilder {
  const f = new FunctionBuilder('addTo', i32s(3));
  const [target, source, count] = [0, 1, 2];
  const left = f.local('i32');
  repeat(f, left, count, () => {
    f.get(target)
      .get(target)
      .load('v128.load')
      .get(source)
      .load('v128.load')
      .op(compute === 'f64' ? 'f64x2.add' : 'f32x4.add')
      .store('v128.store');
    advanceBy(f, target, 16);
    advanceBy(f, source, 16);
  });
  return f;
}

/** The functions `convolve`, `correlate`, `transpose`, `packRight`, `addTo` and `borderImage` of a variant. */
export function windowTileFunctions(variant: MatmulVariant): FunctionBuilder[] {
  const multiply = multiplyWindows(variant);
  const transpose = transposeBlock(variant);
  const bordered = borderImage(variant.compute);
  const pack = packFunction('packRight', variant.compute, tileColumns(variant), true);
  return [
    convolve(variant, multiply, transpose, bordered),
    correlate(variant, multiply, pack, bordered),
    transpose,
    pack,
    addTo(variant.compute),
  ];
}

/** The function `convolvePacked` of a variant, for windows that lie in pieces along one of their tables. */
export function packedFunctions(variant: MatmulVariant, runs: Runs): FunctionBuilder[] {
  const { compute, rows } = variant;
  const multiply = multiplyFunction(variant, true);
  const packLeft = packFunction('packLeft', compute, rows, false);
  const packRight = packWindowsFunction(compute, tileColumns(variant), runs);
  return [convolvePacked(variant, 'convolvePacked', multiply, packLeft, packRight, borderImage(compute)), packLeft];
}
