/** Products of a few rows, columns or steps of the inner dimension: nothing is packed, and what is large is read once and in order. */
import { COMPUTE_BYTES, LANES, VECTOR_SHAPE } from './element.ts';
import { advance, advanceBy, whileLoop } from './loops.ts';
import { alignmentOf, type MatmulVariant, multiplyAdd, SCALAR_LOAD, SCALAR_STORE, splatLoad } from './matmul-variant.ts';
import { FunctionBuilder, i32s, type Local } from './wasm/encoder.ts';

/** Repeats `body` for `count` of what is left in a local, as long as there are so many. */
function chunks(f: FunctionBuilder, left: Local, count: number, body: () => void): void {
  whileLoop(
    f,
    () => f.get(left).i32(count).op('i32.ge_u'),
    () => {
      body();
      advanceBy(f, left, -count);
    },
  );
}

/** Sets locals to a pointer and those a stride apart from it. */
function spread(f: FunctionBuilder, pointers: readonly Local[], first: Local, stride: Local): void {
  pointers.forEach((pointer, i) => {
    if (i === 0) f.get(first).set(pointer);
    else
      f.get(pointers[i - 1]!)
        .get(stride)
        .op('i32.add')
        .set(pointer);
  });
}

function locals(f: FunctionBuilder, count: number, type: 'i32' | 'v128'): Local[] {
  return Array.from({ length: count }, () => f.local(type));
}

/**
 * `(m, k, a, ars, x, c, cs, count, xs, ccs, start, ss, scs)`: the products of m rows of consecutive values, ars bytes apart, with `count` consecutive vectors,
 * xs bytes apart, written to c: cs bytes from row to row, ccs from vector to vector. They are added to what lies at `start`, ss and scs bytes apart, if that is not 0.
 */
export function dots(variant: MatmulVariant): FunctionBuilder {
  const { compute } = variant;
  const bytes = COMPUTE_BYTES[compute];
  const lanes = LANES[compute];
  const shape = VECTOR_SHAPE[compute];
  const align = alignmentOf(compute);
  const f = new FunctionBuilder('dots', i32s(13));
  const [m, k, a, ars, x, c, cs, count, xs, ccs, start, ss, scs] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
  const [left, rows, row, vector, result, from, to, added] = locals(f, 8, 'i32') as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const other = f.local('v128');
  /** The products of so many rows with so many vectors. */
  const emit = (height: number, width: number): void => {
    const sums = Array.from({ length: height }, () => locals(f, width, 'v128'));
    const pointers = locals(f, height, 'i32');
    const vectors = locals(f, width, 'i32');
    const loaded = locals(f, width, 'v128');
    spread(f, pointers, row, ars);
    spread(f, vectors, vector, xs);
    for (const sum of sums.flat()) f.i32x4(0).set(sum);
    f.get(k).set(left);
    chunks(f, left, lanes, () => {
      loaded.forEach((value, j) => {
        f.get(vectors[j]!).load('v128.load', 0, align).set(value);
        advanceBy(f, vectors[j]!, 16);
      });
      sums.forEach((line, i) => {
        f.get(pointers[i]!).load('v128.load', 0, align).set(other);
        line.forEach((sum, j) => {
          multiplyAdd(f, variant, sum, other, loaded[j]!);
        });
        advanceBy(f, pointers[i]!, 16);
      });
    });
    // What is left of the inner dimension goes to the first lane of a second sum, which is added at the end.
    const tails = sums.map((line) =>
      line.map((sum) => {
        const tail = f.local(compute);
        if (lanes === 4) f.get(sum).get(sum).get(sum).shuffle32(2, 3, 2, 3).op(`${shape}.add`).set(sum);
        f.get(sum).lane(`${shape}.extract_lane`, 0).get(sum).lane(`${shape}.extract_lane`, 1).op(`${compute}.add`).set(tail);
        return tail;
      }),
    );
    chunks(f, left, 1, () => {
      tails.forEach((line, i) => {
        line.forEach((tail, j) => {
          f.get(tail).get(pointers[i]!).load(SCALAR_LOAD[compute]).get(vectors[j]!).load(SCALAR_LOAD[compute]);
          f.op(`${compute}.mul`).op(`${compute}.add`).set(tail);
        });
      });
      for (const pointer of [...pointers, ...vectors]) advanceBy(f, pointer, bytes);
    });
    const each = (body: (tail: Local) => void): void => {
      for (const line of tails) {
        f.get(result).set(to).get(from).set(added);
        for (const tail of line) {
          body(tail);
          advance(f, to, ccs);
          advance(f, added, scs);
        }
        advance(f, result, cs);
        advance(f, from, ss);
        advance(f, row, ars);
      }
    };
    each((tail) => {
      f.get(start).if(() => f.get(tail).get(added).load(SCALAR_LOAD[compute]).op(`${compute}.add`).set(tail));
      f.get(to).get(tail).store(SCALAR_STORE[compute]);
    });
  };
  const vectorsOf = (width: number): void =>
    chunks(f, count, width, () => {
      f.get(m).set(rows).get(a).set(row).get(x).set(vector).get(c).set(result).get(start).set(from);
      chunks(f, rows, 4, () => emit(4, width));
      chunks(f, rows, 1, () => emit(1, width));
      for (let j = 0; j < width; j++) {
        advance(f, x, xs);
        advance(f, c, ccs);
        f.get(start).if(() => advance(f, start, scs));
      }
    });
  vectorsOf(2);
  vectorsOf(1);
  return f;
}

/**
 * `(m, n, k, a, ars, acs, b, brs, c, ldc, start, startRow)`: each row of c is a sum of k rows of b, times the values of a row of a. It is added to the row at `start`,
 * which `startRow` leads on, if that is not 0. Rows of b, c and start are consecutive. k is not 0.
 */
export function combine(variant: MatmulVariant): FunctionBuilder {
  const { compute } = variant;
  const bytes = COMPUTE_BYTES[compute];
  const align = alignmentOf(compute);
  const f = new FunctionBuilder('combine', i32s(12));
  const [m, n, k, a, ars, acs, b, brs, c, ldc, start, startRow] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
  const [steps, factor, line, from, to, left] = locals(f, 6, 'i32') as [Local, Local, Local, Local, Local, Local];
  const [loaded, mask] = locals(f, 2, 'v128') as [Local, Local];
  /** Adds so many rows of b to a row of c. */
  const emit = (count: number): void => {
    const factors = locals(f, count, 'v128');
    const pointers = locals(f, count, 'i32');
    spread(f, pointers, line, brs);
    for (const each of factors) {
      f.get(factor).load(splatLoad(compute)).set(each);
      advance(f, factor, acs);
      advance(f, line, brs);
    }
    f.get(c).set(to).get(n).set(left);
    /** Of so many vectors; 0: of one value. */
    const columns = (vectors: number): void => {
      const sums = locals(f, vectors || 1, 'v128');
      const step = vectors === 0 ? bytes : 16 * vectors;
      const load = (pointer: Local, j: number): FunctionBuilder =>
        vectors === 0 ? f.get(pointer).load(splatLoad(compute)) : f.get(pointer).load('v128.load', 16 * j, align);
      sums.forEach((sum, j) => {
        load(from, j).get(mask).op('v128.and').set(sum);
      });
      advanceBy(f, from, step);
      pointers.forEach((pointer, i) => {
        sums.forEach((sum, j) => {
          load(pointer, j).set(loaded);
          multiplyAdd(f, variant, sum, factors[i]!, loaded);
        });
        advanceBy(f, pointer, step);
      });
      sums.forEach((sum, j) => {
        f.get(to).get(sum);
        if (vectors === 0) f.memoryLane(bytes === 4 ? 'v128.store32_lane' : 'v128.store64_lane', 0);
        else f.store('v128.store', 16 * j, align);
      });
      advanceBy(f, to, step);
    };
    for (const vectors of [4, 1]) chunks(f, left, vectors * LANES[compute], () => columns(vectors));
    chunks(f, left, 1, () => columns(0));
    f.get(c).set(from).i32x4(-1).set(mask);
  };
  chunks(f, m, 1, () => {
    f.get(start).get(c).get(start).op('select').set(from);
    f.i32(-1).i32(0).get(start).op('select').op('i32x4.splat').set(mask);
    f.get(k).set(steps).get(a).set(factor).get(b).set(line);
    for (const count of [4, 2, 1]) chunks(f, steps, count, () => emit(count));
    advance(f, a, ars);
    advance(f, c, ldc);
    f.get(start).if(() => advance(f, start, startRow));
  });
  return f;
}
