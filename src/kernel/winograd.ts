/**
 * Convolutions of float32 with kernels of 3 × 3 and a stride of 1, by tiles of 2 × 2 outputs: sixteen products a tile instead of thirty-six, in sixteen matrix products over the channels
 * (Winograd, "Arithmetic complexity of computations", 1980; Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016: F(2 × 2, 3 × 3)).
 *
 * Four tiles that lie side by side are transformed at a time. The factors of the transforms are 1, -1 and, for the weights, 1/2 and 1/4: nothing is lost but roundings of sums.
 */
import { advance, advanceBy, repeat, whileLoop } from './loops.ts';
import { type MatmulVariant, multiplyFunction, packFunction, tileColumns } from './matmul.ts';
import { FunctionBuilder, i32s, type Local } from './wasm/encoder.ts';
import { borderImage, clearBorder } from './window-images.ts';

const SIXTEEN = Array.from({ length: 16 }, (_, i) => i);

/** What keeps the sixteen matrices of a block from lying a power of two apart, where they would fall on the same lines of the cache. */
export const APART_BYTES = 64;

type Names = readonly string[];
const PARAMETERS: Names = (
  'images source sourceStep border channelStep rowStep channels outputs tileRows blockRows rowTiles weights v m edge start startStep ' +
  'out outStep plane width height'
).split(' ');

/** `(weights, kernels, kernelStep, rowStep, columnStep, count, elementStep)`: the sixteen transformed values, elementStep bytes apart, of each of `count` kernels of nine. */
function transformWeights(): FunctionBuilder {
  const f = new FunctionBuilder('transformWeights', i32s(7));
  const [target, kernel, kernelStep, rowStep, columnStep, count, elementStep] = [0, 1, 2, 3, 4, 5, 6];
  const [left, at, line] = [f.local('i32'), f.local('i32'), f.local('i32')];
  const values = f.localsOf('f32', 9);
  const rows = f.localsOf('f32', 12);
  const [sum] = [f.local('f32')];
  /** Sets four locals to the transform of three. */
  const transform = (g: readonly Local[], to: (i: number, push: () => void) => void): void => {
    f.get(g[0]!).get(g[2]!).op('f32.add').set(sum);
    to(0, () => f.get(g[0]!));
    to(1, () => f.get(sum).get(g[1]!).op('f32.add').f32(0.5).op('f32.mul'));
    to(2, () => f.get(sum).get(g[1]!).op('f32.sub').f32(0.5).op('f32.mul'));
    to(3, () => f.get(g[2]!));
  };
  repeat(f, left, count, () => {
    f.get(kernel).set(line);
    for (let i = 0; i < 3; i++) {
      f.get(line).set(at);
      for (let j = 0; j < 3; j++) {
        f.get(at)
          .load('f32.load')
          .set(values[3 * i + j]!);
        advance(f, at, columnStep);
      }
      advance(f, line, rowStep);
    }
    for (let j = 0; j < 3; j++)
      transform([values[j]!, values[3 + j]!, values[6 + j]!], (i, push) => {
        push();
        f.set(rows[3 * i + j]!);
      });
    f.get(target).set(at);
    for (let i = 0; i < 4; i++)
      transform([rows[3 * i]!, rows[3 * i + 1]!, rows[3 * i + 2]!], (_, push) => {
        f.get(at);
        push();
        f.store('f32.store');
        advance(f, at, elementStep);
      });
    advance(f, kernel, kernelStep);
    advanceBy(f, target, 4);
  });
  return f;
}

/** `(source, rowStep, target, elementStep)`: the sixteen values of four tiles from `source` on, as vectors elementStep bytes apart. */
function transformInput(): FunctionBuilder {
  const f = new FunctionBuilder('transformInput', i32s(4), [], false);
  const [source, rowStep, target, elementStep] = [0, 1, 2, 3];
  const loads = f.localsOf('v128', 4);
  const values = SIXTEEN.map(() => f.local('v128'));
  for (let i = 0; i < 4; i++) {
    loads.forEach((vector, j) => {
      f.get(source)
        .load('v128.load', 8 * j, 2)
        .set(vector);
    });
    const [a, b, c, d] = loads as [Local, Local, Local, Local];
    f.get(a)
      .get(c)
      .shuffle32(0, 2, 4, 6)
      .set(values[4 * i]!);
    f.get(a)
      .get(c)
      .shuffle32(1, 3, 5, 7)
      .set(values[4 * i + 1]!);
    f.get(b)
      .get(d)
      .shuffle32(0, 2, 4, 6)
      .set(values[4 * i + 2]!);
    f.get(b)
      .get(d)
      .shuffle32(1, 3, 5, 7)
      .set(values[4 * i + 3]!);
    advance(f, source, rowStep);
  }
  const [first, second, third, fourth] = loads as [Local, Local, Local, Local];
  /** Transforms four values in place of themselves. */
  const transform = (d: readonly Local[]): void => {
    f.get(d[0]!).get(d[2]!).op('f32x4.sub').set(first);
    f.get(d[1]!).get(d[2]!).op('f32x4.add').set(second);
    f.get(d[2]!).get(d[1]!).op('f32x4.sub').set(third);
    f.get(d[1]!).get(d[3]!).op('f32x4.sub').set(fourth);
    [first, second, third, fourth].forEach((value, i) => {
      f.get(value).set(d[i]!);
    });
  };
  for (let j = 0; j < 4; j++) transform([0, 1, 2, 3].map((i) => values[4 * i + j]!));
  for (let i = 0; i < 4; i++) {
    transform(values.slice(4 * i, 4 * i + 4));
    for (const value of values.slice(4 * i, 4 * i + 4)) {
      f.get(target).get(value).store('v128.store', 0, 2);
      advance(f, target, elementStep);
    }
  }
  return f;
}

/** `(target, stride, columns, rows, source, elementStep, start)`: the 2 × 8 outputs of four tiles, those of the first `columns` columns and `rows` rows, plus the value at `start`. */
function transformOutput(): FunctionBuilder {
  const f = new FunctionBuilder('transformOutput', i32s(7), [], false);
  const [target, stride, columns, rows, source, elementStep, start] = [0, 1, 2, 3, 4, 5, 6];
  const values = SIXTEEN.map(() => f.local('v128'));
  const halves = f.localsOf('v128', 8);
  const [left, right, bias] = [f.local('v128'), f.local('v128'), f.local('v128')];
  f.get(start).load('v128.load32_splat').set(bias);
  for (const value of values) {
    f.get(source).load('v128.load', 0, 2).set(value);
    advance(f, source, elementStep);
  }
  /** The transform of four values to two. */
  const transform = (m: readonly Local[], to: readonly [Local, Local]): void => {
    f.get(m[0]!).get(m[1]!).op('f32x4.add').get(m[2]!).op('f32x4.add').set(to[0]);
    f.get(m[1]!).get(m[2]!).op('f32x4.sub').get(m[3]!).op('f32x4.sub').set(to[1]);
  };
  for (let j = 0; j < 4; j++)
    transform(
      [0, 1, 2, 3].map((i) => values[4 * i + j]!),
      [halves[j]!, halves[4 + j]!],
    );
  const storeRow = (row: number): void => {
    transform(halves.slice(4 * row, 4 * row + 4), [values[0]!, values[1]!]);
    for (const value of [values[0]!, values[1]!]) f.get(value).get(bias).op('f32x4.add').set(value);
    f.get(values[0]!).get(values[1]!).shuffle32(0, 4, 1, 5).set(left);
    f.get(values[0]!).get(values[1]!).shuffle32(2, 6, 3, 7).set(right);
    f.get(columns).i32(8).op('i32.ge_s');
    f.if(
      () => {
        f.get(target).get(left).store('v128.store', 0, 2);
        f.get(target).get(right).store('v128.store', 16, 2);
      },
      () => {
        for (let x = 0; x < 7; x++) {
          f.get(columns).i32(x).op('i32.gt_s');
          f.if(() =>
            f
              .get(target)
              .get(x < 4 ? left : right)
              .lane('f32x4.extract_lane', x % 4)
              .store('f32.store', 4 * x),
          );
        }
      },
    );
  };
  storeRow(0);
  advance(f, target, stride);
  f.get(rows).i32(1).op('i32.gt_s');
  f.if(() => storeRow(1));
  return f;
}

/**
 * `winograd(…)`, see `PARAMETERS`: for each image, out = start + the convolution of the image's channels, channelStep and rowStep bytes apart, with the transformed and packed
 * weights. `tileRows` rows of `rowTiles` tiles, a multiple of four, are computed, `blockRows` at a time; `v` and `m` have room for the transforms of a block before and after the products. The outputs
 * have `height` rows of `width` elements; planes are `plane` bytes apart.
 */
function winograd(variant: MatmulVariant, bordered: FunctionBuilder): FunctionBuilder {
  const f = new FunctionBuilder('winograd', i32s(PARAMETERS.length));
  const of = (name: string): Local => PARAMETERS.indexOf(name);
  const columns = tileColumns(variant);
  const multiply = multiplyFunction(variant, true);
  const [input, output] = [transformInput(), transformOutput()];
  const local = (): Local => f.local('i32');
  const [image, from, to, left, block, tiles, panelBytes, vStep, mStep, rowBytes] = f.localsOf('i32', 10);
  const [counter, row, quad, quads, tile, line, at, place, rest, begin] = f.localsOf('i32', 10);
  const [rowsLeft, target] = [local(), local()];
  const width = of('width');
  const eachTile = (body: () => void, endOfRow: () => void): void => {
    f.i32(0).set(tile);
    repeat(f, row, block, () => {
      repeat(f, quad, quads, () => {
        body();
        advanceBy(f, tile, 4);
      });
      endOfRow();
    });
  };
  const transformBlock = (): void => {
    f.get(from).set(line).get(of('v')).set(place);
    repeat(f, counter, of('channels'), () => {
      f.get(line).set(at);
      eachTile(
        () => {
          f.get(at).get(of('rowStep')).get(place);
          f.get(tile).i32(Math.log2(columns)).op('i32.shr_u').get(panelBytes).op('i32.mul').op('i32.add');
          f.get(tile)
            .i32(columns - 1)
            .op('i32.and')
            .i32(4)
            .op('i32.mul')
            .op('i32.add');
          f.get(vStep).call(input);
          advanceBy(f, at, 32);
        },
        () =>
          f.get(at).get(of('rowTiles')).i32(8).op('i32.mul').op('i32.sub').get(of('rowStep')).i32(2).op('i32.mul').op('i32.add').set(at),
      );
      advance(f, line, of('channelStep'));
      advanceBy(f, place, columns * 4);
    });
  };
  const multiplyBlock = (): void => {
    f.i32(0).set(counter);
    f.loop((next) => {
      f.get(of('outputs')).get(tiles).get(of('channels')).get(of('weights'));
      f.get(counter).get(of('outputs')).get(of('channels')).op('i32.mul').i32(4).op('i32.mul').op('i32.mul').op('i32.add');
      f.get(of('v'))
        .get(counter)
        .get(vStep)
        .op('i32.mul')
        .op('i32.add')
        .i32(columns * 4)
        .get(panelBytes);
      f.get(of('m'))
        .get(counter)
        .get(mStep)
        .op('i32.mul')
        .op('i32.add')
        .get(tiles)
        .i32(4)
        .op('i32.mul')
        .get(of('edge'))
        .i32(1)
        .call(multiply);
      f.get(counter).i32(1).op('i32.add').tee(counter).i32(16).op('i32.lt_u').brIf(next);
    });
  };
  const writeBlock = (): void => {
    f.get(to).set(line).get(of('m')).set(place).get(of('start')).set(begin);
    repeat(f, counter, of('outputs'), () => {
      f.get(line).set(at).get(of('height')).get(rowsLeft).op('i32.sub').set(rest);
      f.get(width).set(target);
      eachTile(
        () => {
          f.get(target).i32(0).op('i32.gt_s');
          f.if(() => {
            f.get(at).get(width).i32(4).op('i32.mul').get(target).get(rest).get(place).get(tile).i32(4).op('i32.mul').op('i32.add');
            f.get(mStep).get(begin).call(output);
          });
          advanceBy(f, at, 32);
          advanceBy(f, target, -8);
        },
        () => {
          f.get(at).get(of('rowTiles')).i32(8).op('i32.mul').op('i32.sub').get(width).i32(8).op('i32.mul').op('i32.add').set(at);
          f.get(width).set(target);
          advanceBy(f, rest, -2);
        },
      );
      advance(f, line, of('plane'));
      f.get(place).get(tiles).i32(4).op('i32.mul').op('i32.add').set(place);
      advance(f, begin, of('startStep'));
    });
  };
  clearBorder(f, of('border'));
  f.get(of('rowTiles')).i32(2).op('i32.shr_u').set(quads);
  f.get(of('channels'))
    .i32(columns * 4)
    .op('i32.mul')
    .set(panelBytes);
  repeat(f, image, of('images'), () => {
    f.get(of('border')).get(of('source')).call(bordered).set(from);
    f.get(of('out')).set(to).get(of('tileRows')).set(left).i32(0).set(rowsLeft);
    whileLoop(
      f,
      () => f.get(left),
      () => {
        f.get(left).get(of('blockRows')).get(left).get(of('blockRows')).op('i32.lt_u').op('select').set(block);
        // Whole panels: what is in the last one behind the last tile is multiplied and never read.
        f.get(block)
          .get(of('rowTiles'))
          .op('i32.mul')
          .i32(columns - 1)
          .op('i32.add')
          .i32(-columns)
          .op('i32.and')
          .set(tiles);
        f.get(tiles).get(of('channels')).op('i32.mul').i32(4).op('i32.mul').i32(APART_BYTES).op('i32.add').set(vStep);
        f.get(tiles).get(of('outputs')).op('i32.mul').i32(4).op('i32.mul').i32(APART_BYTES).op('i32.add').set(mStep);
        transformBlock();
        multiplyBlock();
        writeBlock();
        f.get(block).i32(2).op('i32.mul').set(rowBytes);
        f.get(from).get(rowBytes).get(of('rowStep')).op('i32.mul').op('i32.add').set(from);
        f.get(to).get(rowBytes).get(width).op('i32.mul').i32(4).op('i32.mul').op('i32.add').set(to);
        advance(f, rowsLeft, rowBytes);
        f.get(left).get(block).op('i32.sub').set(left);
      },
    );
    advance(f, of('source'), of('sourceStep'));
    advance(f, of('out'), of('outStep'));
  });
  return f;
}

/** The functions `winograd`, `transformWeights`, `packLeft` and `borderImage` of a variant for f32. */
export function winogradFunctions(variant: MatmulVariant): FunctionBuilder[] {
  const bordered = borderImage('f32');
  return [winograd(variant, bordered), transformWeights(), packFunction('packLeft', 'f32', variant.rows, false), bordered];
}
