import { COMPUTE_BYTES, type ComputeType } from './element.ts';
import { advance, advanceBy, repeat, whileLoop } from './loops.ts';
import { FunctionBuilder, i32s, type Local } from './wasm/encoder.ts';

/** How far the first elements of four neighbouring windows lie apart, where they are read as vectors; 0: not told. */
export type WindowStep = 0 | 1 | 2;

/** Bytes of an entry of a table of windows: where they begin, how many elements they have, and whether the next four are alike and evenly apart. */
export const WINDOW_ENTRY = 12;

type Names = readonly string[];
const PARAMETERS: Names =
  'values indices input planes planeElements depths rows columns zTable yTable xTable zStep yStep xStep slice width apart'.split(' ');

/**
 * `maxWindows(values, indices, input, planes, planeElements, depths, rows, columns, zTable, yTable, xTable, zStep, yStep, xStep, slice, width, apart)`: the
 * largest element of each window, and its place in its plane as an int64; the first of equal ones, and the last NaN. The windows of `depths` × `rows` × `columns` places are
 * those of three tables; the steps are those from one element of a window to the next, `slice` and `width` the elements of a slice and of a row.
 *
 * float32 is compared four windows at a time where the table says that they are alike, `apart` elements from each other.
 */
export function maxWindowsFunction(compute: ComputeType, step: WindowStep): FunctionBuilder {
  const f = new FunctionBuilder('maxWindows', i32s(PARAMETERS.length));
  const of = (name: string): Local => PARAMETERS.indexOf(name);
  const bytes = COMPUTE_BYTES[compute];
  const shift = Math.log2(bytes);
  const counters = f.localsOf('i32', 9);
  const [plane, depth, row, left, z, y, x] = counters;
  const local = (): Local => f.local('i32');
  const [zEntry, yEntry, xEntry, first, atZ, atY, at, counted] = [local(), local(), local(), local(), local(), local(), local(), local()];
  const origin = local();
  const [best, value] = [f.local(compute), f.local(compute)];
  const place = local();
  const isMore = local();
  const lanes = { best: f.local('v128'), value: f.local('v128'), place: f.local('v128'), at: f.local('v128'), offsets: f.local('v128') };
  const [isMoreLanes, zeros] = [f.local('v128'), f.local('v128')];

  /** Calls `visit` at each element of the window, with its place in `at`. */
  const eachElement = (visit: () => void): void => {
    f.get(first).set(atZ);
    f.get(zEntry).load('i32.load', 4).set(counted);
    repeat(f, z, counted, () => {
      f.get(atZ).set(atY);
      f.get(yEntry).load('i32.load', 4).set(counted);
      repeat(f, y, counted, () => {
        f.get(atY).set(at);
        f.get(xEntry).load('i32.load', 4).set(counted);
        repeat(f, x, counted, () => {
          visit();
          advance(f, at, of('xStep'));
        });
        f.get(atY).get(of('yStep')).get(of('width')).op('i32.mul').op('i32.add').set(atY);
      });
      f.get(atZ).get(of('zStep')).get(of('slice')).op('i32.mul').op('i32.add').set(atZ);
    });
  };
  const address = (index: Local): FunctionBuilder => f.get(of('input')).get(index).i32(shift).op('i32.shl').op('i32.add');
  const one = (): void => {
    address(first).load(`${compute}.load`).set(best).get(first).set(place);
    eachElement(() => {
      address(at).load(`${compute}.load`).set(value);
      if (compute === 'f32' || compute === 'f64')
        f.get(value).get(best).op(`${compute}.gt`).get(value).get(value).op(`${compute}.ne`).op('i32.or').set(isMore);
      else f.get(value).get(best).op(`${compute}.gt_s`).set(isMore);
      f.get(value).get(best).get(isMore).op('select').set(best);
      f.get(at).get(place).get(isMore).op('select').set(place);
    });
    f.get(of('values')).get(best).store(`${compute}.store`);
    f.get(of('indices')).get(place).op('i64.extend_i32_u').store('i64.store');
    advanceBy(f, of('values'), bytes);
    advanceBy(f, of('indices'), 8);
    advanceBy(f, xEntry, WINDOW_ENTRY);
    advanceBy(f, left, -1);
  };
  /** Four elements, `apart` from each other, from that at `index` on. */
  const load = (index: Local): void => {
    if (step === 1) address(index).load('v128.load', 0, 2);
    else if (step === 2) {
      address(index).load('v128.load', 0, 2);
      address(index).load('v128.load', 12, 2).shuffle32(0, 2, 5, 7);
    } else {
      address(index).load('v128.load32_splat');
      for (let lane = 1; lane < 4; lane++) {
        f.get(index).get(of('apart')).i32(lane).op('i32.mul').op('i32.add').set(isMore);
        address(isMore).load('f32.load').lane('f32x4.replace_lane', lane);
      }
    }
  };
  const four = (): void => {
    load(first);
    f.set(lanes.best).get(first).op('i32x4.splat').get(lanes.offsets).op('i32x4.add').set(lanes.place);
    eachElement(() => {
      load(at);
      f.set(lanes.value).get(at).op('i32x4.splat').get(lanes.offsets).op('i32x4.add').set(lanes.at);
      f.get(lanes.value).get(lanes.best).op('f32x4.gt').get(lanes.value).get(lanes.value).op('f32x4.ne').op('v128.or').set(isMoreLanes);
      f.get(lanes.value).get(lanes.best).get(isMoreLanes).op('v128.bitselect').set(lanes.best);
      f.get(lanes.at).get(lanes.place).get(isMoreLanes).op('v128.bitselect').set(lanes.place);
    });
    f.get(of('values')).get(lanes.best).store('v128.store', 0, 2);
    f.get(of('indices')).get(lanes.place).get(zeros).shuffle32(0, 4, 1, 5).store('v128.store', 0, 3);
    f.get(of('indices')).get(lanes.place).get(zeros).shuffle32(2, 6, 3, 7).store('v128.store', 16, 3);
    advanceBy(f, of('values'), 16);
    advanceBy(f, of('indices'), 32);
    advanceBy(f, xEntry, 4 * WINDOW_ENTRY);
    advanceBy(f, left, -4);
  };

  if (compute === 'f32') {
    f.i32x4(0).set(lanes.offsets);
    for (let lane = 1; lane < 4; lane++)
      f.get(lanes.offsets).get(of('apart')).i32(lane).op('i32.mul').lane('i32x4.replace_lane', lane).set(lanes.offsets);
  }
  repeat(f, plane, of('planes'), () => {
    f.get(of('zTable')).set(zEntry);
    repeat(f, depth, of('depths'), () => {
      f.get(of('yTable')).set(yEntry);
      repeat(f, row, of('rows'), () => {
        f.get(zEntry).load('i32.load').get(of('slice')).op('i32.mul');
        f.get(yEntry).load('i32.load').get(of('width')).op('i32.mul').op('i32.add').set(origin);
        f.get(of('xTable')).set(xEntry).get(of('columns')).set(left);
        whileLoop(
          f,
          () => f.get(left),
          () => {
            f.get(origin).get(xEntry).load('i32.load').op('i32.add').set(first);
            if (compute === 'f32') f.get(xEntry).load('i32.load', 8).if(four, one);
            else one();
          },
        );
        advanceBy(f, yEntry, WINDOW_ENTRY);
      });
      advanceBy(f, zEntry, WINDOW_ENTRY);
    });
    f.get(of('input')).get(of('planeElements')).i32(shift).op('i32.shl').op('i32.add').set(of('input'));
  });
  return f;
}

/**
 * `spreadMax(out, values, indices, planes, count, planeElements)`: in each plane, values are added at the places that the indices (int64) name; indices of no place are
 * passed over. The planes are cleared before.
 */
export function spreadMaxFunction(compute: ComputeType): FunctionBuilder {
  const bytes = COMPUTE_BYTES[compute];
  const f = new FunctionBuilder('spreadMax', i32s(6));
  const [out, values, indices, planes, count, planeElements] = [0, 1, 2, 3, 4, 5];
  const [plane, left, to, planeBytes] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
  f.get(planeElements).i32(bytes).op('i32.mul').set(planeBytes);
  repeat(f, plane, planes, () => {
    f.get(out).i32(0).get(planeBytes).memoryFill();
    repeat(f, left, count, () => {
      f.get(indices).load('i32.load').tee(to).get(planeElements).op('i32.lt_u');
      f.if(() => {
        f.get(out).get(to).i32(bytes).op('i32.mul').op('i32.add').tee(to);
        f.get(to).load(`${compute}.load`).get(values).load(`${compute}.load`).op(`${compute}.add`).store(`${compute}.store`);
      });
      advanceBy(f, values, bytes);
      advanceBy(f, indices, 8);
    });
    advance(f, out, planeBytes);
  });
  return f;
}
