import { COMPUTE_BYTES, type ComputeType, LANES, VECTOR_SHAPE } from './element.ts';
import { advance, advanceBy, repeat, whileLoop } from './loops.ts';
import { FunctionBuilder, i32s } from './wasm/encoder.ts';

/**
 * The function `resample`: `(out, x, outer, count, inner, starts, offsets, weights, step)`. Each of `count` rows of `inner` consecutive values is a sum of
 * rows of x, which lie at `offsets` (bytes, from the row's own number in `starts` to the next one's), times `weights`; the whole is done `outer` times, `step`
 * bytes of x apart.
 */
export function resampleFunction(compute: ComputeType): FunctionBuilder {
  const f = new FunctionBuilder('resample', i32s(9));
  const [out, x, outer, count, inner, starts, offsets, weights, step] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const bytes = COMPUTE_BYTES[compute];
  const lanes = LANES[compute];
  const shape = VECTOR_SHAPE[compute];
  const [outers, rows, start, first, taps, tap, offset, weight, at, left] = f.localsOf('i32', 10);
  const vector = f.local('v128');
  const scalar = f.local(compute);
  /** Sums the taps of one position; `wide`: of a whole vector. */
  const sum = (wide: boolean): void => {
    const target = wide ? vector : scalar;
    if (wide) f.i32x4(0);
    else if (compute === 'f32') f.f32(0);
    else if (compute === 'f64') f.f64(0);
    else if (compute === 'i64') f.i64(0);
    else f.i32(0);
    f.set(target);
    f.get(offsets).get(first).i32(2).op('i32.shl').op('i32.add').set(offset);
    f.get(weights).get(first).i32(Math.log2(bytes)).op('i32.shl').op('i32.add').set(weight);
    repeat(f, tap, taps, () => {
      f.get(target).get(at).get(offset).load('i32.load').op('i32.add');
      if (wide) {
        f.load('v128.load', 0, 2)
          .get(weight)
          .load(bytes === 4 ? 'v128.load32_splat' : 'v128.load64_splat', 0);
        f.op(`${shape}.mul`).op(`${shape}.add`).set(vector);
      } else {
        f.load(`${compute}.load`).get(weight).load(`${compute}.load`).op(`${compute}.mul`).op(`${compute}.add`).set(scalar);
      }
      advanceBy(f, offset, 4);
      advanceBy(f, weight, bytes);
    });
    f.get(out).get(target);
    if (wide) f.store('v128.store', 0, 2);
    else f.store(`${compute}.store`);
    const done = wide ? 16 : bytes;
    advanceBy(f, out, done);
    advanceBy(f, at, done);
    advanceBy(f, left, -done / bytes);
  };
  repeat(f, outers, outer, () => {
    f.get(starts).set(start);
    repeat(f, rows, count, () => {
      f.get(start).load('i32.load').set(first);
      f.get(start).load('i32.load', 4).get(first).op('i32.sub').set(taps);
      f.get(x).set(at).get(inner).set(left);
      whileLoop(
        f,
        () => f.get(left).i32(lanes).op('i32.ge_u'),
        () => sum(true),
      );
      whileLoop(
        f,
        () => f.get(left),
        () => sum(false),
      );
      advanceBy(f, start, 4);
    });
    advance(f, x, step);
  });
  return f;
}
