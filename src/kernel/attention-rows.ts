/** What attention does with blocks of scores, row by row: weights from scores, and gradients of scores from those of weights. All in float32. */
import { advance, advanceBy, repeat, whileLoop } from './loops.ts';
import { FunctionBuilder, i32s, type Local } from './wasm/encoder.ts';

/** Bytes of what is known of a row of scores: its maximum, and the sum of its weights or one over it. */
export const ROW_BYTES = 8;
/** Rows are worked on in steps of so many values: blocks of scores have room for whole steps. */
const STEP = 8;
const STEP_BYTES = 4 * STEP;

/** 2^r for |r| <= 1/2, to 2e-9. */
const POWERS = [1, Math.LN2, 0.24022646, 0.055503286, 0.0096184891, 0.0013399931, 0.00015345812];
/** Adding this number (1.5 · 2^23) rounds a small float to an integer, which the low bits of the sum hold. */
const ROUNDER = 12582912;
/** Below this power of two there are no normal numbers, and weights are 0. */
const LEAST = -126;

/** Emits powers of two of numbers up to 0, two vectors at a time, whose constants are loaded once a call. */
class PowersOfTwo {
  readonly #f: FunctionBuilder;
  readonly #fused: boolean;
  readonly #constants: Local[];
  readonly #least: Local;
  readonly #rounder: Local;
  readonly #bias: Local;

  constructor(f: FunctionBuilder, fused: boolean) {
    this.#f = f;
    this.#fused = fused;
    this.#constants = POWERS.map((value) => this.#keep(() => f.f32x4(value)));
    this.#least = this.#keep(() => f.f32x4(LEAST));
    this.#rounder = this.#keep(() => f.f32x4(ROUNDER));
    this.#bias = this.#keep(() => f.i32x4(127));
  }

  #keep(push: () => void): Local {
    const local = this.#f.local('v128');
    push();
    this.#f.set(local);
    return local;
  }

  /** `push` leaves one of the vectors on the stack. NaN stays. The results are to be let go of by `forget`, so that V8 can join their operations. */
  of(push: (part: number) => void): readonly Local[] {
    const f = this.#f;
    const each = (body: (part: number) => void): Local[] => [0, 1].map((part) => this.#keep(() => body(part)));
    const x = each(push);
    const at = (locals: readonly Local[], part: number): Local => locals[part] as Local;
    const sum = each((part) => f.get(at(x, part)).get(this.#least).op('f32x4.pmax').get(this.#rounder).op('f32x4.add'));
    const rest = each((part) =>
      f.get(at(x, part)).get(this.#least).op('f32x4.pmax').get(at(sum, part)).get(this.#rounder).op('f32x4.sub').op('f32x4.sub'),
    );
    let power = [this.#constants.at(-1) as Local, this.#constants.at(-1) as Local];
    const made = [...x, ...sum, ...rest];
    for (const constant of this.#constants.slice(0, -1).reverse()) {
      power = each((part) => {
        f.get(at(power, part)).get(at(rest, part));
        if (this.#fused) f.get(constant).op('f32x4.relaxed_madd');
        else f.op('f32x4.mul').get(constant).op('f32x4.add');
      });
      made.push(...power);
    }
    const results = each((part) => {
      f.get(at(power, part)).get(at(sum, part)).get(this.#bias).op('i32x4.add').i32(23).op('i32x4.shl').op('f32x4.mul');
      f.get(at(x, part)).get(this.#least).op('f32x4.lt').op('v128.andnot');
    });
    forget(f, made);
    return results;
  }
}

function forget(f: FunctionBuilder, locals: readonly Local[]): void {
  for (const local of locals) f.i32x4(0).set(local);
}

/** Calls `body` with the address of each step of a row: `bytes` is a multiple of those of a step. */
function eachStep(f: FunctionBuilder, at: Local, start: Local, end: Local, body: () => void): void {
  f.get(start).set(at);
  whileLoop(
    f,
    () => f.get(at).get(end).op('i32.lt_u'),
    () => {
      body();
      advanceBy(f, at, STEP_BYTES);
    },
  );
}

interface Row {
  readonly f: FunctionBuilder;
  /** How many columns of the block the row may see. */
  readonly count: Local;
  readonly start: Local;
  /** The address behind the steps with those columns. */
  readonly end: Local;
}

/** Sets `count` to how many of `columns` the row sees, of which `limit` says how many, beginning with any; and writes -∞ to what is left of the last step. */
function beginRow({ f, count, start, end }: Row, columns: Local, limit: Local): void {
  const [mask, over] = [f.local('v128'), f.local('v128')];
  f.get(limit).get(columns).get(limit).get(columns).op('i32.lt_s').op('select').tee(count);
  f.i32(0).get(count).i32(0).op('i32.gt_s').op('select').set(count);
  f.get(start)
    .get(count)
    .i32(STEP - 1)
    .op('i32.add')
    .i32(-STEP)
    .op('i32.and')
    .i32(2)
    .op('i32.shl')
    .op('i32.add')
    .set(end);
  // Lane i of the last step is kept where i <= (count - 1) mod 8.
  f.get(count)
    .i32(1)
    .op('i32.sub')
    .i32(STEP - 1)
    .op('i32.and')
    .op('i32x4.splat')
    .set(mask);
  f.f32x4(Number.NEGATIVE_INFINITY).set(over);
  f.get(count).if(() => {
    for (const part of [0, 1]) {
      const offset = 16 * part;
      f.get(end).i32(STEP_BYTES).op('i32.sub');
      f.get(end).i32(STEP_BYTES).op('i32.sub').load('v128.load', offset, 2).get(over);
      f.v128(lanesFrom(4 * part))
        .get(mask)
        .op('i32x4.le_s')
        .op('v128.bitselect')
        .store('v128.store', offset, 2);
    }
  });
}

/** The bytes of the integers from `first` on. */
function lanesFrom(first: number): number[] {
  return [0, 1, 2, 3].flatMap((lane) => [first + lane, 0, 0, 0]);
}

/** Writes 0 to the columns behind the steps of a row. */
function clearRest({ f, start, end }: Row, base: Local, columns: Local): void {
  const left = f.local('i32');
  f.get(start).get(columns).i32(2).op('i32.shl').op('i32.add').get(end).op('i32.sub').tee(left).i32(0).op('i32.gt_s');
  f.if(() => f.get(base).get(end).get(start).op('i32.sub').op('i32.add').i32(0).get(left).memoryFill());
}

/** Pushes one number made of all lanes of two vectors. */
function reduceLanes(f: FunctionBuilder, op: 'f32x4.add' | 'f32x4.pmax', a: Local, b: Local, scratch: Local): void {
  f.get(a).get(b).op(op).set(scratch);
  f.get(scratch).get(scratch).get(scratch).shuffle32(2, 3, 0, 1).op(op).set(scratch);
  f.get(scratch).get(scratch).get(scratch).shuffle32(1, 0, 3, 2).op(op).set(scratch);
  f.get(scratch).lane('f32x4.extract_lane', 0);
}

/** Multiplies `count` values at an address by a number. */
function scaleRun(f: FunctionBuilder, address: Local, count: Local, factor: Local): void {
  const [at, left] = [f.local('i32'), f.local('i32')];
  f.get(address).set(at).get(count).set(left);
  whileLoop(
    f,
    () => f.get(left).i32(4).op('i32.ge_u'),
    () => {
      f.get(at).get(at).load('v128.load', 0, 2).get(factor).op('f32x4.splat').op('f32x4.mul').store('v128.store', 0, 2);
      advanceBy(f, at, 16);
      advanceBy(f, left, -4);
    },
  );
  repeat(f, left, left, () => {
    f.get(at).get(at).load('f32.load').get(factor).op('f32.mul').store('f32.store');
    advanceBy(f, at, 4);
  });
}

/**
 * `(rows, columns, scores, stride, limit, step, known, out, outStride, width, first, scale)`: 2^((s - maximum) · scale) in the place of the scores s, and 0
 * for the columns that a row does not see: the first sees `limit`, each one below `step` more. Brings what is known of the rows, and their outputs so far,
 * which belong to a smaller maximum, up to date (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018). `first`: nothing is known.
 */
export function weighFunction(fused: boolean): FunctionBuilder {
  const f = new FunctionBuilder('weigh', [...i32s(11), 'f32'], [], false);
  const [rows, columns, scores, stride, limit, step, known, out, outStride, width, first, scale] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
  const [left, count, end, at] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
  const [before, most, total, change] = [f.local('f32'), f.local('f32'), f.local('f32'), f.local('f32')];
  const [a, b, c, shift, factor] = [f.local('v128'), f.local('v128'), f.local('v128'), f.local('v128'), f.local('v128')];
  const row: Row = { f, count, start: scores, end };
  const powers = new PowersOfTwo(f, fused);
  f.get(scale).op('f32x4.splat').set(factor);
  const findMost = (): void => {
    f.get(before).op('f32x4.splat').tee(a).set(b);
    // A maximum that passes over NaN costs less, and NaN comes back with the weights.
    eachStep(f, at, scores, end, () => {
      f.get(a).get(at).load('v128.load', 0, 2).op('f32x4.pmax').set(a);
      f.get(b).get(at).load('v128.load', 16, 2).op('f32x4.pmax').set(b);
    });
    reduceLanes(f, 'f32x4.pmax', a, b, c);
    f.set(most).get(known).get(most).store('f32.store');
    // Of scores that all are -∞ nothing is taken off: their weights are 0, and the output is 0 / 0.
    f.f32(0).get(most).get(most).f32(Number.NEGATIVE_INFINITY).op('f32.eq').op('select').set(most);
    f.get(most).op('f32x4.splat').set(shift);
  };
  const reweigh = (): void => {
    const changes = powers.of(() => f.get(before).get(most).op('f32.sub').get(scale).op('f32.mul').op('f32x4.splat'));
    f.get(changes[0] as Local)
      .lane('f32x4.extract_lane', 0)
      .set(change);
    forget(f, changes);
    f.get(total).get(change).op('f32.mul').set(total);
    scaleRun(f, out, width, change);
  };
  repeat(f, left, rows, () => {
    beginRow(row, columns, limit);
    f.get(count).if(() => {
      f.get(first).if(
        () => f.f32(Number.NEGATIVE_INFINITY).set(before).f32(0).set(total),
        () => f.get(known).load('f32.load').set(before).get(known).load('f32.load', 4).set(total),
      );
      findMost();
      f.get(first).op('i32.eqz').get(before).get(most).op('f32.ne').op('i32.and');
      f.if(reweigh);
      f.f32x4(0).tee(a).set(b);
      eachStep(f, at, scores, end, () => {
        const weights = powers.of((part) => shifted(f, at, part, shift, factor));
        weights.forEach(
          (weight, part) =>
            void f
              .get(at)
              .get(weight)
              .store('v128.store', 16 * part, 2),
        );
        weights.forEach((weight, part) => {
          const sum = part === 0 ? a : b;
          f.get(sum).get(weight).op('f32x4.add').set(sum);
        });
        forget(f, weights);
      });
      reduceLanes(f, 'f32x4.add', a, b, c);
      f.get(total).op('f32.add').set(total);
      f.get(known).get(total).store('f32.store', 4);
    });
    clearRest(row, scores, columns);
    for (const [pointer, by] of [
      [scores, stride],
      [limit, step],
      [out, outStride],
    ] as const)
      f.get(pointer).get(by).op('i32.add').set(pointer);
    advanceBy(f, known, ROW_BYTES);
  });
  return f;
}

/** Pushes a vector of scores, less their maximum, times a factor. */
function shifted(f: FunctionBuilder, at: Local, part: number, shift: Local, factor: Local): void {
  f.get(at)
    .load('v128.load', 16 * part, 2)
    .get(shift)
    .op('f32x4.sub')
    .get(factor)
    .op('f32x4.mul');
}

/** `(rows, width, out, outStride)`: sets rows of numbers to 0. */
export function clearFunction(): FunctionBuilder {
  const f = new FunctionBuilder('clear', i32s(4), [], false);
  const [rows, width, out, outStride] = [0, 1, 2, 3];
  const [left, at, rest] = [f.local('i32'), f.local('i32'), f.local('i32')];
  repeat(f, left, rows, () => {
    f.get(out).set(at).get(width).set(rest);
    whileLoop(
      f,
      () => f.get(rest).i32(4).op('i32.ge_u'),
      () => {
        f.get(at).f32x4(0).store('v128.store', 0, 2);
        advanceBy(f, at, 16);
        advanceBy(f, rest, -4);
      },
    );
    repeat(f, rest, rest, () => {
      f.get(at).f32(0).store('f32.store');
      advanceBy(f, at, 4);
    });
    f.get(out).get(outStride).op('i32.add').set(out);
  });
  return f;
}

/**
 * `(rows, width, out, outStride, known, masked)`: divides outputs by the sums of their weights, which are replaced by one over them. Rows of which a mask allows
 * nothing are 0, as are all their weights afterwards.
 */
export function finishFunction(): FunctionBuilder {
  const f = new FunctionBuilder('finish', i32s(6), [], false);
  const [rows, width, out, outStride, known, masked] = [0, 1, 2, 3, 4, 5];
  const [left, factor] = [f.local('i32'), f.local('f32')];
  repeat(f, left, rows, () => {
    f.f32(1).get(known).load('f32.load', 4).op('f32.div').set(factor);
    f.get(known).load('f32.load', 4).f32(0).op('f32.eq').get(masked).i32(0).op('i32.ne').op('i32.and');
    f.if(() => f.f32(0).set(factor).get(known).f32(0).store('f32.store'));
    f.get(known).get(factor).store('f32.store', 4);
    scaleRun(f, out, width, factor);
    f.get(out).get(outStride).op('i32.add').set(out);
    advanceBy(f, known, ROW_BYTES);
  });
  return f;
}

/** Kinds of masks: numbers that are added to scores, and truth values (bytes) that say which of them count. */
export const MASK_KINDS = { float32: 1, bool: 2 } as const;

/**
 * `(rows, columns, scores, stride, mask, maskRow, maskColumn, kind, scale)`: adds a mask, over `scale`, to a block of scores, or puts -∞ in the place of those
 * where it is false.
 */
export function maskFunction(): FunctionBuilder {
  const f = new FunctionBuilder('mask', [...i32s(8), 'f32'], [], false);
  const [rows, columns, scores, stride, mask, maskRow, maskColumn, kind, scale] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const [left, at, from, rest] = f.localsOf('i32', 4) as [Local, Local, Local, Local];
  const [minus, factor] = f.localsOf('v128', 2) as [Local, Local];
  f.f32x4(Number.NEGATIVE_INFINITY).set(minus).get(scale).op('f32x4.splat').set(factor);
  const row = (bytes: number, vector: () => void, one: () => void): void => {
    f.get(maskColumn).i32(bytes).op('i32.eq');
    f.if(() =>
      whileLoop(
        f,
        () => f.get(rest).i32(4).op('i32.ge_u'),
        () => {
          f.get(at);
          vector();
          f.store('v128.store', 0, 2);
          advanceBy(f, at, 16);
          advanceBy(f, from, 4 * bytes);
          advanceBy(f, rest, -4);
        },
      ),
    );
    repeat(f, rest, rest, () => {
      f.get(at);
      one();
      f.store('f32.store');
      advanceBy(f, at, 4);
      advance(f, from, maskColumn);
    });
  };
  const added = (): void =>
    row(
      4,
      () => f.get(at).load('v128.load', 0, 2).get(from).load('v128.load', 0, 2).get(factor).op('f32x4.div').op('f32x4.add'),
      () => f.get(at).load('f32.load').get(from).load('f32.load').get(scale).op('f32.div').op('f32.add'),
    );
  const chosen = (): void =>
    row(
      1,
      () => {
        f.get(minus).get(at).load('v128.load', 0, 2);
        f.get(from).load('v128.load32_zero', 0, 0).op('i16x8.extend_low_i8x16_u').op('i32x4.extend_low_i16x8_u');
        f.i32x4(0).op('i32x4.eq').op('v128.bitselect');
      },
      () => f.get(at).load('f32.load').f32(Number.NEGATIVE_INFINITY).get(from).load('i32.load8_u').op('select'),
    );
  repeat(f, left, rows, () => {
    f.get(scores).set(at).get(mask).set(from).get(columns).set(rest);
    f.get(kind).i32(MASK_KINDS.bool).op('i32.eq').if(chosen, added);
    advance(f, scores, stride);
    advance(f, mask, maskRow);
  });
  return f;
}

/** `(rows, width, x, xStride, y, yStride, out)`: the products of rows with rows. */
export function rowProductsFunction(): FunctionBuilder {
  const f = new FunctionBuilder('rowProducts', i32s(7), [], false);
  const [rows, width, x, xStride, y, yStride, out] = [0, 1, 2, 3, 4, 5, 6];
  const [left, i, j, rest] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
  const [sum, scratch, total] = [f.local('v128'), f.local('v128'), f.local('f32')];
  repeat(f, left, rows, () => {
    f.get(x).set(i).get(y).set(j).get(width).set(rest).f32x4(0).set(sum);
    whileLoop(
      f,
      () => f.get(rest).i32(4).op('i32.ge_u'),
      () => {
        f.get(sum).get(i).load('v128.load', 0, 2).get(j).load('v128.load', 0, 2).op('f32x4.mul').op('f32x4.add').set(sum);
        advanceBy(f, i, 16);
        advanceBy(f, j, 16);
        advanceBy(f, rest, -4);
      },
    );
    f.f32x4(0).set(scratch);
    reduceLanes(f, 'f32x4.add', sum, scratch, scratch);
    f.set(total);
    repeat(f, rest, rest, () => {
      f.get(total).get(i).load('f32.load').get(j).load('f32.load').op('f32.mul').op('f32.add').set(total);
      advanceBy(f, i, 4);
      advanceBy(f, j, 4);
    });
    f.get(out).get(total).store('f32.store');
    advanceBy(f, out, 4);
    f.get(x).get(xStride).op('i32.add').set(x).get(y).get(yStride).op('i32.add').set(y);
  });
  return f;
}

/**
 * `(rows, columns, scores, gradients, stride, limit, step, known, products, scale, ofScale)`: weights in the place of scores, and in the place of the weights'
 * gradients g those of the scores, weight · (g - product) · ofScale; both 0 for columns that a row does not see.
 */
export function spreadFunction(fused: boolean): FunctionBuilder {
  const f = new FunctionBuilder('spread', [...i32s(9), 'f32', 'f32'], [], false);
  const [rows, columns, scores, gradients, stride, limit, step, known, products, scale, ofScale] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const [left, count, end, at, other] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
  const [shift, inverse, product] = [f.local('v128'), f.local('v128'), f.local('v128')];
  const [factor, last] = [f.local('v128'), f.local('v128')];
  const row: Row = { f, count, start: scores, end };
  const powers = new PowersOfTwo(f, fused);
  f.get(scale).op('f32x4.splat').set(factor).get(ofScale).op('f32x4.splat').set(last);
  const kept = (push: (part: number) => void): Local[] =>
    [0, 1].map((part) => {
      const local = f.local('v128');
      push(part);
      f.set(local);
      return local;
    });
  repeat(f, left, rows, () => {
    beginRow(row, columns, limit);
    f.get(known).load('v128.load32_splat').set(shift);
    f.get(known).load('v128.load32_splat', 4).set(inverse);
    f.get(products).load('v128.load32_splat').set(product);
    f.get(gradients).set(other);
    eachStep(f, at, scores, end, () => {
      const raw = powers.of((part) => shifted(f, at, part, shift, factor));
      const weights = kept((part) =>
        f
          .get(raw[part] as Local)
          .get(inverse)
          .op('f32x4.mul'),
      );
      const results = kept((part) => {
        f.get(other)
          .load('v128.load', 16 * part, 2)
          .get(product)
          .op('f32x4.sub');
        f.get(weights[part] as Local)
          .op('f32x4.mul')
          .get(last)
          .op('f32x4.mul');
      });
      weights.forEach(
        (weight, part) =>
          void f
            .get(at)
            .get(weight)
            .store('v128.store', 16 * part, 2),
      );
      results.forEach(
        (result, part) =>
          void f
            .get(other)
            .get(result)
            .store('v128.store', 16 * part, 2),
      );
      forget(f, [...raw, ...weights, ...results]);
      advanceBy(f, other, STEP_BYTES);
    });
    clearRest(row, scores, columns);
    clearRest(row, gradients, columns);
    for (const [pointer, by] of [
      [scores, stride],
      [gradients, stride],
      [limit, step],
    ] as const)
      f.get(pointer).get(by).op('i32.add').set(pointer);
    advanceBy(f, known, ROW_BYTES);
    advanceBy(f, products, 4);
  });
  return f;
}
