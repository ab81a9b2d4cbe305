/**
 * Convolutions of few channels at a time, depthwise ones above all: each output is so short a product that packing costs more than multiplying. A tile of outputs stays in
 * registers, its rows and columns read as vectors where the image was laid out for it (`split-image.ts`), while the elements of the window go by.
 */
import { COMPUTE_BYTES, LANES } from './element.ts';
import { advance, advanceBy, repeat, whileLoop } from './loops.ts';
import { alignmentOf, loadTile, type MatmulVariant, multiplyAdd, splatLoad, storeTile, tileBytes, tileColumns } from './matmul-variant.ts';
import { splitImage } from './split-image.ts';
import { FunctionBuilder, i32s, type Local } from './wasm/encoder.ts';

/** What the kernels are told, as i32s: bytes, where nothing else is said. */
export const GRID_FIELDS = [
  // Elements of a window, and where they lie: pairs of an offset from the window's place and one from the weights, of outputs in runs of columns.
  'taps',
  'table',
  'runs',
  // Outputs: slices, rows and columns; and how many rows and columns a tile takes.
  'depth',
  'height',
  'width',
  'tileRows',
  'tileColumns',
  // Steps in the laid-out image: of slices, of rows, of the rows of a tile.
  'sliceStep',
  'rowStep',
  'tileStep',
  // Steps in the output: of slices, rows, columns and the rows of a tile.
  'sliceOut',
  'rowOut',
  'columnOut',
  'tileOut',
  // Whether the output's rows, slices and channels follow each other.
  'dense',
  // Channels of the output in a group, and how far apart they lie in weights, start and output.
  'rows',
  'rowWeights',
  'startStep',
  'rowTo',
  // Steps of groups and images.
  'groupFrom',
  'groupWeights',
  'groupTo',
  'imageFrom',
  'imageTo',
  // What `splitImage` is told about the image, how many bytes are laid out; the same of the other operand of a gradient.
  'split',
  'size',
  'otherSplit',
  'otherSize',
  // For gradients of weights: rows of a tile in a row of the other operand, what the laid-out image has beyond them, and the other's steps.
  'vectors',
  'rowGap',
  'otherSlice',
  'rowOther',
  'groupOther',
  'imageOther',
] as const;

export type GridField = (typeof GRID_FIELDS)[number];

function pushField(f: FunctionBuilder, grid: Local, name: GridField): FunctionBuilder {
  return f.get(grid).load('i32.load', 4 * GRID_FIELDS.indexOf(name));
}

/** Room before the laid-out image of a place: a row to start from, and a tile. */
export function tilePlaceBytes(variant: MatmulVariant): number {
  return (tileColumns(variant) * COMPUTE_BYTES[variant.compute] + tileBytes(variant) + 63) & -64;
}

/** Bytes of what stands before the columns of a run: how many elements of a window each has below each other, how far these lie apart in the weights, and how many columns there are. */
export const RUN_BYTES = 16;

/**
 * `(count, table, source, weights, weightStep, step, first, firstStep, to, toStep)`: a tile of outputs, whose rows lie `step` bytes apart in the image, is set to that at `first` and the products of
 * `count` columns of `lines` elements of their windows, as far below each other as the tile's rows: so what is read once is used by as many rows.
 */
function outputTile(variant: MatmulVariant, lines: number): FunctionBuilder {
  const align = alignmentOf(variant.compute);
  const f = new FunctionBuilder(`outputTile${lines}`, i32s(10), [], false);
  const [count, table, source, weights, weightStep, step, first, firstStep, to, toStep] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const sums = Array.from({ length: variant.rows }, () => Array.from({ length: variant.vectors }, () => f.local('v128')));
  const values = Array.from({ length: variant.vectors }, () => f.local('v128'));
  const factors = Array.from({ length: lines }, () => f.local('v128'));
  const at = f.local('i32');
  loadTile(f, sums, first, firstStep, align);
  // As in the tiles of products: in a block of its own.
  f.get(count).if(() => {
    f.loop((next) => {
      f.get(weights).get(table).load('i32.load', 4).op('i32.add').set(at);
      factors.forEach((factor, i) => {
        f.get(at).load(splatLoad(variant.compute)).set(factor);
        if (i < lines - 1) advance(f, at, weightStep);
      });
      f.get(source).get(table).load('i32.load').op('i32.add').set(at);
      for (let line = 0; line < variant.rows + lines - 1; line++) {
        values.forEach((value, j) => {
          f.get(at)
            .load('v128.load', 16 * j, align)
            .set(value);
        });
        factors.forEach((factor, i) => {
          sums[line - i]?.forEach((sum, j) => {
            multiplyAdd(f, variant, sum, factor, values[j]!);
          });
        });
        advance(f, at, step);
      }
      advanceBy(f, table, 8);
      f.get(count).i32(1).op('i32.sub').tee(count).brIf(next);
    });
  });
  storeTile(f, sums, to, toStep, align);
  return f;
}

/** `(to, rowStep, columnStep, from, fromStep, rows, columns)`: copies part of a tile. */
function copyTile({ compute }: MatmulVariant): FunctionBuilder {
  const bytes = COMPUTE_BYTES[compute];
  const lanes = LANES[compute];
  const align = alignmentOf(compute);
  const f = new FunctionBuilder('copyTile', i32s(7), [], false);
  const [to, rowStep, columnStep, from, fromStep, rows, columns] = [0, 1, 2, 3, 4, 5, 6];
  const [row, left, at, source] = f.localsOf('i32', 4);
  repeat(f, row, rows, () => {
    f.get(to).set(at).get(from).set(source).get(columns).set(left);
    f.get(columnStep).i32(bytes).op('i32.eq');
    f.if(() =>
      whileLoop(
        f,
        () => f.get(left).i32(lanes).op('i32.ge_s'),
        () => {
          f.get(at).get(source).load('v128.load', 0, align).store('v128.store', 0, align);
          advanceBy(f, at, 16);
          advanceBy(f, source, 16);
          advanceBy(f, left, -lanes);
        },
      ),
    );
    whileLoop(
      f,
      () => f.get(left),
      () => {
        f.get(at).get(source).load(`${compute}.load`).store(`${compute}.store`);
        advance(f, at, columnStep);
        advanceBy(f, source, bytes);
        advanceBy(f, left, -1);
      },
    );
    advance(f, to, rowStep);
    advance(f, from, fromStep);
  });
  return f;
}

type Tiles = readonly [readonly [lines: number, tile: FunctionBuilder], ...(readonly [lines: number, tile: FunctionBuilder])[]];

/**
 * `gridOutputs(grid, images, groups, source, weights, start, out, place)`: for each image, group and channel of its output, `out = start + Σ weights · windows`, where `start` points to the
 * channel's value. `place`: room for a tile, then for the image of a group, laid out.
 */
function gridOutputs(variant: MatmulVariant, lengths: readonly number[], split: FunctionBuilder): FunctionBuilder {
  const { compute } = variant;
  const bytes = COMPUTE_BYTES[compute];
  const lineBytes = tileColumns(variant) * bytes;
  const f = new FunctionBuilder('gridOutputs', i32s(8));
  const [grid, images, groups, source, weights, start, out, place] = [0, 1, 2, 3, 4, 5, 6, 7];
  const field = (name: GridField): FunctionBuilder => pushField(f, grid, name);
  const tiles = lengths.map((lines) => [lines, outputTile(variant, lines)] as const);
  const copy = copyTile(variant);
  const [image, group, rows, row, from, factors, begin, to, atRow] = f.localsOf('i32', 9);
  const [windows, edge, depth, slice, left, more, rowsNow, columnsNow] = f.localsOf('i32', 8);
  const [atSlice, atLine, at, toSlice, toLine, toTile, mostRows, mostColumns, columnOut, rowOut, tileOut] = f.localsOf('i32', 11);
  const [factorsNow, beginNow, target, targetStep, inPart, end, tileReach, lastColumn, width, rowStep, tileStep] = f.localsOf('i32', 11);
  const [table, runs, run, first, firstStep] = f.localsOf('i32', 5);
  const add = (name: GridField, local: Local): void => {
    field(name).get(local).op('i32.add').set(local);
  };
  const least = (count: Local, most: Local, into: Local): void => {
    f.get(count).get(most).get(count).get(most).op('i32.lt_u').op('select').set(into);
  };
  f.get(place).i32(tilePlaceBytes(variant)).op('i32.add').set(windows).get(place).i32(lineBytes).op('i32.add').set(edge);
  for (const [name, local] of [
    ['depth', depth],
    ['rows', rows],
    ['width', width],
    ['tileRows', mostRows],
    ['tileColumns', mostColumns],
    ['columnOut', columnOut],
    ['rowOut', rowOut],
    ['tileOut', tileOut],
    ['rowStep', rowStep],
    ['tileStep', tileStep],
    ['runs', runs],
  ] as const)
    field(name).set(local);
  f.get(tileOut)
    .i32(variant.rows - 1)
    .op('i32.mul')
    .i32(lineBytes)
    .op('i32.add')
    .set(tileReach);
  f.get(width).i32(1).op('i32.sub').get(mostColumns).op('i32.div_u').get(mostColumns).op('i32.mul').set(lastColumn);
  f.get(windows).i32(0);
  field('size').memoryFill();
  const callTile = ([[lines, tile], ...others]: Tiles): void => {
    const call = (): void => {
      f.get(table).load('i32.load', 8).get(table).i32(RUN_BYTES).op('i32.add').get(at).get(factorsNow);
      f.get(table).load('i32.load', 4).get(tileStep).get(first).get(firstStep).get(target).get(targetStep).call(tile);
    };
    if (others.length === 0) call();
    else
      f.get(table)
        .load('i32.load')
        .i32(lines)
        .op('i32.eq')
        .if(call, () => callTile(others as unknown as Tiles));
  };
  const oneTile = (): void => {
    f.get(toTile).set(target).get(tileOut).set(targetStep);
    // What a tile has too much goes where others come later, unless there is nothing behind it, or what others wrote.
    f.get(target).get(tileReach).op('i32.add').get(end).op('i32.gt_u');
    f.get(rowsNow)
      .get(mostRows)
      .op('i32.ne')
      .get(columnsNow)
      .get(mostColumns)
      .op('i32.ne')
      .op('i32.or')
      .get(columnOut)
      .i32(bytes)
      .op('i32.ne')
      .op('i32.or');
    f.op('i32.and').tee(inPart);
    f.if(() => f.get(edge).set(target).i32(lineBytes).set(targetStep));
    field('table').set(table).get(place).set(first).i32(0).set(firstStep);
    repeat(f, run, runs, () => {
      callTile(tiles as unknown as Tiles);
      f.get(table).get(table).load('i32.load', 8).i32(8).op('i32.mul').op('i32.add').set(table);
      advanceBy(f, table, RUN_BYTES);
      f.get(target).set(first).get(targetStep).set(firstStep);
    });
    f.get(inPart);
    f.if(() => {
      f.get(toTile);
      f.get(rowOut).get(columnOut).get(edge).i32(lineBytes).get(rowsNow).get(columnsNow).call(copy);
    });
    f.get(at).get(mostColumns).i32(bytes).op('i32.mul').op('i32.sub').set(at);
    f.get(toTile).get(mostColumns).get(columnOut).op('i32.mul').op('i32.sub').set(toTile);
    f.get(more).get(columnsNow).op('i32.sub').set(more);
    f.get(mostColumns).set(columnsNow);
  };
  /** From right to left, so that what a tile has too much is there before the row that it lies in. */
  const oneLine = (): void => {
    least(left, mostRows, rowsNow);
    f.get(atLine).get(lastColumn).i32(bytes).op('i32.mul').op('i32.add').set(at);
    f.get(toLine).get(lastColumn).get(columnOut).op('i32.mul').op('i32.add').set(toTile);
    f.get(width).tee(more).get(lastColumn).op('i32.sub').set(columnsNow);
    whileLoop(f, () => f.get(more), oneTile);
    f.get(rowStep).get(rowsNow).op('i32.mul').get(atLine).op('i32.add').set(atLine);
    f.get(rowOut).get(rowsNow).op('i32.mul').get(toLine).op('i32.add').set(toLine);
    f.get(left).get(rowsNow).op('i32.sub').set(left);
  };
  const oneChannel = (): void => {
    for (let offset = 0; offset < lineBytes; offset += 16) f.get(place).get(beginNow).load(splatLoad(compute)).store('v128.store', offset);
    f.get(windows).set(atSlice).get(atRow).set(toSlice);
    repeat(f, slice, depth, () => {
      f.get(atSlice).set(atLine).get(toSlice).set(toLine);
      field('height').set(left);
      whileLoop(f, () => f.get(left), oneLine);
      add('sliceStep', atSlice);
      add('sliceOut', toSlice);
    });
    add('rowWeights', factorsNow);
    add('startStep', beginNow);
    add('rowTo', atRow);
  };
  repeat(f, image, images, () => {
    f.get(source).set(from).get(weights).set(factors).get(start).set(begin).get(out).set(to);
    field('dense').if(() => {
      f.get(out).get(groups);
      field('groupTo').op('i32.mul').op('i32.add').set(end);
    });
    repeat(f, group, groups, () => {
      field('split').get(from).get(windows).call(split);
      f.get(factors).set(factorsNow).get(begin).set(beginNow).get(to).set(atRow);
      repeat(f, row, rows, oneChannel);
      f.get(beginNow).set(begin);
      add('groupFrom', from);
      add('groupWeights', factors);
      add('groupTo', to);
    });
    add('imageFrom', source);
    add('imageTo', out);
  });
  return f;
}

/** How many elements of a window are summed side by side. */
export const TAPS_AT_ONCE = 9;

/**
 * `(lines, vectors, table, source, gap, other, sums)`: adds to `TAPS_AT_ONCE` rows of sums the products of the other operand with the elements that the table says: `lines` of them, each
 * `vectors` rows of a tile long, in the source `gap` bytes apart.
 */
function sumTaps(variant: MatmulVariant): FunctionBuilder {
  const { compute } = variant;
  const align = alignmentOf(compute);
  const lineBytes = tileColumns(variant) * COMPUTE_BYTES[compute];
  const f = new FunctionBuilder('sumTaps', i32s(7), [], false);
  const [lines, vectors, table, source, gap, other, sums] = [0, 1, 2, 3, 4, 5, 6];
  const own = Array.from({ length: TAPS_AT_ONCE }, () => Array.from({ length: variant.vectors }, () => f.local('v128')));
  const values = Array.from({ length: variant.vectors }, () => f.local('v128'));
  const found = Array.from({ length: variant.vectors }, () => f.local('v128'));
  const pointers = own.map(() => f.local('i32'));
  const [step, at, count] = f.localsOf('i32', 3);
  f.i32(lineBytes).set(step).get(sums).set(at);
  loadTile(f, own, at, step, align);
  pointers.forEach((pointer, i) => {
    f.get(source)
      .get(table)
      .load('i32.load', 8 * i)
      .op('i32.add')
      .set(pointer);
  });
  f.get(lines).if(() => {
    f.loop((nextLine) => {
      f.get(vectors).set(count);
      f.loop((next) => {
        values.forEach((value, j) => {
          f.get(other)
            .load('v128.load', 16 * j, align)
            .set(value);
        });
        own.forEach((line, i) => {
          found.forEach((value, j) => {
            f.get(pointers[i]!)
              .load('v128.load', 16 * j, align)
              .set(value);
          });
          line.forEach((sum, j) => {
            multiplyAdd(f, variant, sum, values[j]!, found[j]!);
          });
          advanceBy(f, pointers[i]!, lineBytes);
        });
        advanceBy(f, other, lineBytes);
        f.get(count).i32(1).op('i32.sub').tee(count).brIf(next);
      });
      for (const pointer of pointers) advance(f, pointer, gap);
      f.get(lines).i32(1).op('i32.sub').tee(lines).brIf(nextLine);
    });
  });
  storeTile(f, own, sums, step, align);
  return f;
}

/**
 * `gridWeights(grid, images, groups, source, other, out, place)`: for each group and each of its channels in the other operand, `out = Σ other · windows` over all places and images, an
 * element for each of the taps, which the table repeats up to a multiple of `TAPS_AT_ONCE`. `place`: room for the sums of each, then for the images of a group of both operands, laid out.
 */
function gridWeights(variant: MatmulVariant, split: FunctionBuilder): FunctionBuilder {
  const { compute } = variant;
  const bytes = COMPUTE_BYTES[compute];
  const shape = compute === 'f64' ? 'f64x2' : 'f32x4';
  const lineBytes = tileColumns(variant) * bytes;
  const f = new FunctionBuilder('gridWeights', i32s(7));
  const [grid, images, groups, source, other, out, place] = [0, 1, 2, 3, 4, 5, 6];
  const field = (name: GridField): FunctionBuilder => pushField(f, grid, name);
  const run = sumTaps(variant);
  const [image, group, rows, row, from, fromOther, to, sums, windows, values] = f.localsOf('i32', 10);
  const [depth, slice, taps, left, line, table, atSlice, atOther, otherRow, target] = f.localsOf('i32', 10);
  const total = f.local('v128');
  const add = (name: GridField, local: Local): void => {
    field(name).get(local).op('i32.add').set(local);
  };
  field('depth').set(depth);
  field('rows').set(rows);
  field('taps').set(taps);
  f.get(place).set(sums);
  f.get(place).get(taps).i32(TAPS_AT_ONCE).op('i32.add').i32(lineBytes).op('i32.mul').op('i32.add').set(windows);
  f.get(windows);
  field('size').op('i32.add').set(values);
  f.get(windows).i32(0);
  field('size');
  field('otherSize').op('i32.add').memoryFill();
  const oneSlice = (): void => {
    f.get(sums).set(line).get(taps).set(left);
    field('table').set(table);
    whileLoop(
      f,
      () => f.get(left).i32(0).op('i32.gt_s'),
      () => {
        field('height');
        field('vectors').get(table).get(atSlice);
        field('rowGap').get(atOther).get(line).call(run);
        advanceBy(f, table, 8 * TAPS_AT_ONCE);
        advanceBy(f, line, lineBytes * TAPS_AT_ONCE);
        advanceBy(f, left, -TAPS_AT_ONCE);
      },
    );
    add('sliceStep', atSlice);
    add('otherSlice', atOther);
  };
  const oneChannel = (): void => {
    f.get(sums).i32(0).get(taps).i32(TAPS_AT_ONCE).op('i32.add').i32(lineBytes).op('i32.mul').memoryFill();
    field('otherSplit').get(otherRow).get(values).call(split);
    f.get(windows).set(atSlice).get(values).set(atOther);
    repeat(f, slice, depth, oneSlice);
    f.get(sums).set(line);
    repeat(f, left, taps, () => {
      f.get(line).load('v128.load');
      for (let j = 1; j < variant.vectors; j++)
        f.get(line)
          .load('v128.load', 16 * j)
          .op(`${shape}.add`);
      f.set(total).get(target).get(target).load(`${compute}.load`);
      for (let lane = 0; lane < LANES[compute]; lane++) f.get(total).lane(`${shape}.extract_lane`, lane).op(`${compute}.add`);
      f.store(`${compute}.store`);
      advanceBy(f, line, lineBytes);
      advanceBy(f, target, bytes);
    });
    add('rowOther', otherRow);
  };
  repeat(f, image, images, () => {
    f.get(source).set(from).get(other).set(fromOther).get(out).set(to);
    repeat(f, group, groups, () => {
      field('split').get(from).get(windows).call(split);
      f.get(fromOther).set(otherRow).get(to).set(target);
      repeat(f, row, rows, oneChannel);
      add('groupFrom', from);
      add('groupOther', fromOther);
      add('groupTo', to);
    });
    add('imageFrom', source);
    add('imageOther', other);
  });
  return f;
}

/** The function `gridOutputs` of a variant, for columns of so many elements. */
export function gridOutputsFunction(variant: MatmulVariant, lengths: readonly number[]): FunctionBuilder {
  return gridOutputs(variant, lengths, splitImage(variant.compute));
}

/** The function `gridWeights` of a variant. */
export function gridWeightsFunction(variant: MatmulVariant): FunctionBuilder {
  return gridWeights(variant, splitImage(variant.compute));
}
