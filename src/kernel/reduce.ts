/**
 * Reductions, emitted for one kind, input dtype and compute type.
 *
 * Sums are pairwise (Higham, "The accuracy of floating point summation", SIAM J. Sci. Comput. 14, 1993): a long row is halved until it is
 * short enough to be added in a few dozen parallel chains, so the error grows with the logarithm of the length. Where the halves lie depends
 * on the length alone.
 */
import type { DType } from '../dtype/dtype.ts';
import {
  COMPUTE_BYTES,
  type ComputeType,
  itemBytes,
  LANES,
  loadElement,
  loadTruth,
  loadTruthVector,
  loadVector,
  VECTOR_SHAPE,
} from './element.ts';
import { advance, advanceBy, repeat, whileLoop } from './loops.ts';
import { FunctionBuilder, type Local, type ValueType } from './wasm/encoder.ts';

/** How a reduction combines elements. */
export type Combination = 'sum' | 'prod' | 'max' | 'min' | 'any' | 'all';

/**
 * Vectors in flight in a row: enough independent chains to hide the latency of an addition. V8 moves the loads of a round before its additions, so twice
 * as many must fit in 15 registers.
 */
const CHAINS = 8;
/** The same where a NaN is looked for, too, which takes registers. */
const GUARDED_CHAINS = 6;
/** Vectors of columns that are combined at a time. */
const COLUMN_VECTORS = 4;
/** Rows up to this many elements are added without halving. */
const ROW_BLOCK = 2048;
/** Rows from this many elements on are read at two places far apart: the processor fetches more from memory ahead of its use that way. */
const PAIRED_ROW = 65536;
/** So many blocks at each place are added one after the other before they are halved again. */
const PAIRED_BLOCKS = 8;
const STRIDED_BLOCK = 128;
/** Rows of columns that are added in registers before the result in memory is updated. */
export const COLUMN_BLOCK = 32;
const NATIVE_STORE = { f32: 'f32.store', f64: 'f64.store', i32: 'i32.store', i64: 'i64.store' } as const;
const NATIVE_LOAD = { f32: 'f32.load', f64: 'f64.load', i32: 'i32.load', i64: 'i64.load' } as const;

/** How elements are loaded and combined. */
interface Monoid {
  readonly compute: ComputeType;
  readonly itemsize: number;
  load(f: FunctionBuilder, address: Local, offset?: number): void;
  loadVector(f: FunctionBuilder, address: Local, offset?: number): void;
  identity(f: FunctionBuilder): void;
  combine(f: FunctionBuilder): void;
  combineVector(f: FunctionBuilder): void;
}

/** The result of a reduction of nothing, as a number; max and min of integers have the bounds of the compute type. */
export function identityOf(kind: Combination, compute: ComputeType): number | bigint {
  if (kind === 'sum' || kind === 'any') return 0;
  if (kind === 'prod' || kind === 'all') return 1;
  const sign = kind === 'max' ? -1 : 1;
  if (compute === 'f32' || compute === 'f64') return sign * Number.POSITIVE_INFINITY;
  if (compute === 'i32') return kind === 'max' ? -(2 ** 31) : 2 ** 31 - 1;
  return kind === 'max' ? -(2n ** 63n) : 2n ** 63n - 1n;
}

function pushConstant(f: FunctionBuilder, compute: ComputeType, value: number | bigint): void {
  if (compute === 'i64') f.i64(value);
  else f[compute](Number(value));
}

function combineScalars(f: FunctionBuilder, kind: Combination, compute: ComputeType, pair: readonly [Local, Local]): void {
  if (kind === 'any') f.op('i32.or');
  else if (kind === 'all') f.op('i32.and');
  else if (kind === 'sum') f.op(`${compute}.add`);
  else if (kind === 'prod') f.op(`${compute}.mul`);
  else if (compute === 'f32' || compute === 'f64') f.op(`${compute}.${kind}`);
  else {
    const [first, second] = pair;
    f.set(second).tee(first).get(second).get(first).get(second);
    f.op(kind === 'max' ? `${compute}.gt_s` : `${compute}.lt_s`).op('select');
  }
}

/** Whether there are faster vector instructions that ignore NaN. */
function ignoresNaN(kind: Combination, compute: ComputeType): boolean {
  return (kind === 'max' || kind === 'min') && (compute === 'f32' || compute === 'f64');
}

/** `guard`, where given, collects in which lanes a NaN went by, which lets the faster instructions do that ignore it. */
function combineVectors(
  f: FunctionBuilder,
  kind: Combination,
  compute: ComputeType,
  pair: readonly [Local, Local],
  guard: Local | null,
): void {
  if (kind === 'any') f.op('v128.or');
  else if (kind === 'all') f.op('v128.and');
  else if (kind === 'sum') f.op(`${VECTOR_SHAPE[compute]}.add`);
  else if (kind === 'prod') f.op(`${VECTOR_SHAPE[compute]}.mul`);
  else if (guard !== null && (compute === 'f32' || compute === 'f64')) {
    const shape = VECTOR_SHAPE[compute];
    f.tee(pair[1]).op(`${shape}.p${kind}`);
    f.get(guard).get(pair[1]).get(pair[1]).op(`${shape}.ne`).op('v128.or').set(guard);
  } else if (compute === 'f32') f.op(`f32x4.${kind}`);
  else if (compute === 'f64') f.op(`f64x2.${kind}`);
  else if (compute === 'i32') f.op(`i32x4.${kind}_s`);
  else {
    const [first, second] = pair;
    f.set(second).tee(first).get(second).get(first).get(second);
    f.op(kind === 'max' ? 'i64x2.gt_s' : 'i64x2.lt_s').op('v128.bitselect');
  }
}

/** The monoid's code for one function: it may use two locals of each kind for its operands. */
function monoidFor(f: FunctionBuilder, kind: Combination, type: DType, compute: ComputeType, guard: Local | null = null): Monoid {
  const truth = kind === 'any' || kind === 'all';
  const scalars = [f.local(compute), f.local(compute)] as const;
  const vectors = [f.local('v128'), f.local('v128')] as const;
  return {
    compute,
    itemsize: itemBytes(type),
    load: (_, address, offset) => (truth ? loadTruth(f, type, address, offset) : loadElement(f, type, compute, address, offset)),
    loadVector: (_, address, offset) => (truth ? loadTruthVector(f, type, address, offset) : loadVector(f, type, compute, address, offset)),
    identity: () => pushConstant(f, compute, identityOf(kind, compute)),
    combine: () => combineScalars(f, kind, compute, scalars),
    combineVector: () => combineVectors(f, kind, compute, vectors, guard),
  };
}

/** Pushes the combination of the lanes of a vector. */
function combineLanes(f: FunctionBuilder, m: Monoid, vector: Local): void {
  const shape = VECTOR_SHAPE[m.compute];
  if (LANES[m.compute] === 4) {
    f.get(vector).get(vector).get(vector).shuffle32(2, 3, 2, 3);
    m.combineVector(f);
    f.set(vector);
  }
  f.get(vector).lane(`${shape}.extract_lane`, 0).get(vector).lane(`${shape}.extract_lane`, 1);
  m.combine(f);
}

/** Combines all vectors into the first one. */
function combineInto(f: FunctionBuilder, m: Monoid, [first, ...others]: readonly Local[]): void {
  for (const other of others) {
    f.get(first as Local).get(other);
    m.combineVector(f);
    f.set(first as Local);
  }
}

/** `(address, other) → vector`: combines a block of elements at each of two places. A function of its own, so that all engines keep it in registers. */
function pairBlock(kind: Combination, type: DType, compute: ComputeType): FunctionBuilder {
  const f = new FunctionBuilder('pairBlock', ['i32', 'i32'], ['v128'], false);
  const m = monoidFor(f, kind, type, compute);
  const left = f.local('i32');
  const accumulators = Array.from({ length: CHAINS }, () => f.local('v128'));
  const bytes = LANES[compute] * m.itemsize;
  for (const accumulator of accumulators) {
    m.identity(f);
    f.op(`${VECTOR_SHAPE[compute]}.splat`).set(accumulator);
  }
  f.i32(ROW_BLOCK).set(left);
  f.loop((next) => {
    accumulators.forEach((accumulator, i) => {
      f.get(accumulator);
      m.loadVector(f, i % 2, (i >> 1) * bytes);
      m.combineVector(f);
      f.set(accumulator);
    });
    for (const address of [0, 1]) advanceBy(f, address, (CHAINS / 2) * bytes);
    f.get(left)
      .i32((CHAINS / 2) * LANES[compute])
      .op('i32.sub')
      .tee(left)
      .brIf(next);
  });
  combineInto(f, m, accumulators);
  return f.get(accumulators[0] as Local);
}

/** `(address, count, distance) → value`: combines `count` elements, of which there are blocks, at `address` and as many `distance` bytes further on. */
function pairBlocks(kind: Combination, type: DType, compute: ComputeType): FunctionBuilder {
  const f = new FunctionBuilder('pairBlocks', ['i32', 'i32', 'i32'], [compute], false);
  const m = monoidFor(f, kind, type, compute);
  const block = pairBlock(kind, type, compute);
  const [address, count, distance] = [0, 1, 2];
  const total = f.local('v128');
  m.identity(f);
  f.op(`${VECTOR_SHAPE[compute]}.splat`).set(total);
  f.loop((next) => {
    f.get(total).get(address).get(address).get(distance).op('i32.add').call(block);
    m.combineVector(f);
    f.set(total);
    advanceBy(f, address, ROW_BLOCK * m.itemsize);
    f.get(count).i32(ROW_BLOCK).op('i32.sub').tee(count).brIf(next);
  });
  combineLanes(f, m, total);
  return f;
}

/** `(address, count, step) → value`: combines a row, a long one at two places at once. */
function longRow(kind: Combination, type: DType, compute: ComputeType, short: FunctionBuilder): FunctionBuilder {
  const block = pairBlocks(kind, type, compute);
  const pairs = halving('pairs', kind, type, compute, PAIRED_BLOCKS * ROW_BLOCK, 1, (f) => f.get(0).get(1).get(3).call(block));
  const f = new FunctionBuilder('longRow', ['i32', 'i32', 'i32'], [compute], false);
  const m = monoidFor(f, kind, type, compute);
  const [address, count, step] = [0, 1, 2];
  const half = f.local('i32');
  f.get(count).i32(PAIRED_ROW).op('i32.lt_u');
  f.if(
    () => f.get(address).get(count).get(step).call(short),
    () => {
      f.get(count).i32(1).op('i32.shr_u').i32(-ROW_BLOCK).op('i32.and').set(half);
      f.get(address).get(half).get(step).get(half).get(step).op('i32.mul').call(pairs);
      // What is left, less than two blocks.
      f.get(half).i32(1).op('i32.shl').tee(half).get(step).op('i32.mul').get(address).op('i32.add');
      f.get(count).get(half).op('i32.sub').get(step).call(short);
      m.combine(f);
    },
    compute,
  );
  return f;
}

/** `(address, count) → value`: combines consecutive elements. */
function rowBlock(kind: Combination, type: DType, compute: ComputeType): FunctionBuilder {
  const f = new FunctionBuilder('rowBlock', ['i32', 'i32'], [compute], false);
  const guard = ignoresNaN(kind, compute) ? f.local('v128') : null;
  const m = monoidFor(f, kind, type, compute, guard);
  const [address, count] = [0, 1];
  const value = f.local(compute);
  const chains = guard === null ? CHAINS : GUARDED_CHAINS;
  const accumulators = Array.from({ length: chains }, () => f.local('v128'));
  const [first] = accumulators as [Local, ...Local[]];
  const lanes = LANES[compute];
  const bytes = lanes * m.itemsize;
  const accumulate = (accumulator: Local, offset: number): void => {
    f.get(accumulator);
    m.loadVector(f, address, offset);
    m.combineVector(f);
    f.set(accumulator);
  };
  m.identity(f);
  f.set(value);
  f.get(count)
    .i32(lanes)
    .op('i32.ge_u')
    .if(() => {
      m.identity(f);
      f.op(`${VECTOR_SHAPE[compute]}.splat`).set(first);
      f.get(count)
        .i32(chains * lanes)
        .op('i32.ge_u')
        .if(() => {
          for (const accumulator of accumulators.slice(1)) f.get(first).set(accumulator);
          f.loop((next) => {
            accumulators.forEach((accumulator, i) => {
              accumulate(accumulator, i * bytes);
            });
            advanceBy(f, address, chains * bytes);
            f.get(count)
              .i32(chains * lanes)
              .op('i32.sub')
              .tee(count)
              .i32(chains * lanes)
              .op('i32.ge_u')
              .brIf(next);
          });
          combineInto(f, m, accumulators);
        });
      whileLoop(
        f,
        () => f.get(count).i32(lanes).op('i32.ge_u'),
        () => {
          accumulate(first, 0);
          advanceBy(f, address, bytes);
          advanceBy(f, count, -lanes);
        },
      );
      combineLanes(f, m, first);
      f.set(value);
      if (guard !== null) {
        f.get(guard)
          .op('v128.any_true')
          .if(() => {
            pushConstant(f, compute, Number.NaN);
            f.set(value);
          });
      }
    });
  whileLoop(
    f,
    () => f.get(count),
    () => {
      f.get(value);
      m.load(f, address);
      m.combine(f);
      f.set(value);
      advanceBy(f, address, m.itemsize);
      advanceBy(f, count, -1);
    },
  );
  return f.get(value);
}

/** `(address, count, step) → value`: combines elements `step` bytes apart, in four chains. */
function stridedBlock(kind: Combination, type: DType, compute: ComputeType): FunctionBuilder {
  const f = new FunctionBuilder('stridedBlock', ['i32', 'i32', 'i32'], [compute], false);
  const m = monoidFor(f, kind, type, compute);
  const [address, count, step] = [0, 1, 2];
  const chains = f.localsOf(compute, 4);
  const accumulate = (chain: Local): void => {
    f.get(chain);
    m.load(f, address);
    m.combine(f);
    f.set(chain);
    advance(f, address, step);
  };
  for (const chain of chains) {
    m.identity(f);
    f.set(chain);
  }
  whileLoop(
    f,
    () => f.get(count).i32(4).op('i32.ge_u'),
    () => {
      chains.forEach(accumulate);
      advanceBy(f, count, -4);
    },
  );
  const [a, b, c, d] = chains as [Local, Local, Local, Local];
  whileLoop(
    f,
    () => f.get(count),
    () => {
      accumulate(a);
      advanceBy(f, count, -1);
    },
  );
  f.get(a).get(b);
  m.combine(f);
  f.get(c).get(d);
  m.combine(f);
  m.combine(f);
  return f;
}

/**
 * `(address, count, step) → value` by halving down to blocks: `leaf(address, count, step)` does a block of up to `blockSize` elements.
 */
function halving(
  name: string,
  kind: Combination,
  type: DType,
  compute: ComputeType,
  blockSize: number,
  extra: number,
  leaf: (f: FunctionBuilder) => void,
): FunctionBuilder {
  const params: ValueType[] = ['i32', 'i32', 'i32', ...Array.from({ length: extra }, () => 'i32' as const)];
  const f = new FunctionBuilder(name, params, [compute], false);
  const m = monoidFor(f, kind, type, compute);
  const [address, count, step] = [0, 1, 2];
  const half = f.local('i32');
  const recurse = (): void => {
    for (let i = 0; i < extra; i++) f.get(3 + i);
    f.call(f);
  };
  f.get(count)
    .i32(blockSize)
    .op('i32.le_u')
    .if(
      () => leaf(f),
      () => {
        f.get(count)
          .i32(1)
          .op('i32.shr_u')
          .i32(blockSize - 1)
          .op('i32.add')
          .i32(-blockSize)
          .op('i32.and')
          .set(half);
        f.get(address).get(half).get(step);
        recurse();
        f.get(address).get(half).get(step).op('i32.mul').op('i32.add').get(count).get(half).op('i32.sub').get(step);
        recurse();
        m.combine(f);
      },
      compute,
    );
  return f;
}

/**
 * `(out, input, n1, s1, n0, s0, r1, t1, r0, t0)`: a result for each of n1 × n0 places s1 and s0 bytes apart, each the combination of r1 × r0
 * elements t1 and t0 bytes apart. Results are consecutive.
 */
function rows(name: string, kind: Combination, type: DType, compute: ComputeType, contiguous: boolean): FunctionBuilder {
  const block = contiguous ? rowBlock(kind, type, compute) : stridedBlock(kind, type, compute);
  const inner = halving(`${name}Inner`, kind, type, compute, contiguous ? ROW_BLOCK : STRIDED_BLOCK, 0, (f) => {
    f.get(0).get(1);
    if (!contiguous) f.get(2);
    f.call(block);
  });
  const row = contiguous && !ignoresNaN(kind, compute) ? longRow(kind, type, compute, inner) : inner;
  const outer = halving(`${name}Outer`, kind, type, compute, 1, 2, (f) => f.get(0).get(3).get(4).call(row));
  const f = new FunctionBuilder(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [out, input, n1, s1, n0, s0, r1, t1, r0, t0] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const [i1, i0, address] = [f.local('i32'), f.local('i32'), f.local('i32')];
  const eachPlace = (value: () => void): void =>
    repeat(f, i1, n1, () => {
      f.get(input).set(address);
      repeat(f, i0, n0, () => {
        f.get(out);
        value();
        f.store(NATIVE_STORE[compute]);
        advanceBy(f, out, COMPUTE_BYTES[compute]);
        advance(f, address, s0);
      });
      advance(f, input, s1);
    });
  // Short rows are frequent: they go to the block without the calls in between.
  f.get(r1)
    .i32(1)
    .op('i32.eq')
    .get(r0)
    .i32(contiguous ? ROW_BLOCK : STRIDED_BLOCK)
    .op('i32.le_u')
    .op('i32.and')
    .if(
      () =>
        eachPlace(() => {
          f.get(address).get(r0);
          if (!contiguous) f.get(t0);
          f.call(block);
        }),
      () => eachPlace(() => f.get(address).get(r1).get(t1).get(r0).get(t0).call(outer)),
    );
  return f;
}

/**
 * `(out, input, height, step, first)`: combines `height` rows, `step` bytes apart, of some columns, into the results at `out`; where `first`, there are
 * none yet. The columns are `vectors` vectors, or a single column for 0. A function of its own, since engines spill the registers of long ones.
 */
function columnStrip(kind: Combination, type: DType, compute: ComputeType, vectors: number): FunctionBuilder {
  const f = new FunctionBuilder(`strip${vectors}`, ['i32', 'i32', 'i32', 'i32', 'i32'], [], false);
  const m = monoidFor(f, kind, type, compute);
  const [out, address, height, step, first] = [0, 1, 2, 3, 4];
  const isVector = vectors > 0;
  const guarded = isVector && ignoresNaN(kind, compute) ? Array.from({ length: vectors }, () => f.local('v128')) : null;
  const monoids = guarded?.map((guard) => monoidFor(f, kind, type, compute, guard));
  const accumulators = Array.from({ length: Math.max(1, vectors) }, () => f.local(isVector ? 'v128' : compute));
  const bytes = COMPUTE_BYTES[compute];
  const lanes = LANES[compute];
  const combine = (): void => (isVector ? m.combineVector(f) : m.combine(f));
  const load = (i: number): void => {
    if (isVector) m.loadVector(f, address, i * lanes * m.itemsize);
    else m.load(f, address);
  };
  const store = (merge: boolean): void =>
    accumulators.forEach((accumulator, i) => {
      const offset = i * lanes * bytes;
      f.get(out);
      if (merge) f.get(out).load(isVector ? 'v128.load' : NATIVE_LOAD[compute], offset, Math.log2(bytes));
      f.get(accumulator);
      if (merge) combine();
      f.store(isVector ? 'v128.store' : NATIVE_STORE[compute], offset, Math.log2(bytes));
    });
  accumulators.forEach((accumulator, i) => {
    load(i);
    f.set(accumulator);
  });
  f.get(height).i32(1).op('i32.sub').tee(height);
  f.if(() => {
    f.loop((next) => {
      advance(f, address, step);
      accumulators.forEach((accumulator, i) => {
        f.get(accumulator);
        load(i);
        if (monoids === undefined) combine();
        else monoids[i]!.combineVector(f);
        f.set(accumulator);
      });
      f.get(height).i32(1).op('i32.sub').tee(height).brIf(next);
    });
  });
  // A lane of all ones is a NaN.
  guarded?.forEach((guard, i) => {
    f.get(accumulators[i]!).get(guard).op('v128.or').set(accumulators[i]!);
  });
  f.get(first).if(
    () => store(false),
    () => store(true),
  );
  return f;
}

/**
 * `(out, input, n1, s1, width, r1, t1, r0, t0)`: for each of n1 places s1 bytes apart, a row of `width` consecutive results, each the combination
 * of r1 × r0 elements t1 and t0 bytes apart. There is at least one element.
 */
function columns(kind: Combination, type: DType, compute: ComputeType): FunctionBuilder {
  const f = new FunctionBuilder('columns', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [out, input, n1, s1, width, r1, t1, r0, t0] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const local = (): Local => f.local('i32');
  const [i1, j1, left, place, block, columnsLeft] = [local(), local(), local(), local(), local(), local()];
  const [result, source, height, first] = [local(), local(), local(), local()];
  const lanes = LANES[compute];
  const strips = (vectors: number): void => {
    const strip = columnStrip(kind, type, compute, vectors);
    const count = vectors === 0 ? 1 : vectors * lanes;
    whileLoop(
      f,
      () => f.get(columnsLeft).i32(count).op('i32.ge_u'),
      () => {
        f.get(result).get(source).get(height).get(t0).get(first).call(strip);
        advanceBy(f, result, count * COMPUTE_BYTES[compute]);
        advanceBy(f, source, count * itemBytes(type));
        advanceBy(f, columnsLeft, -count);
      },
    );
  };
  repeat(f, i1, n1, () => {
    f.get(input).set(place).i32(1).set(first);
    repeat(f, j1, r1, () => {
      f.get(place).set(block).get(r0).set(left);
      f.loop((next) => {
        f.get(left).i32(COLUMN_BLOCK).get(left).i32(COLUMN_BLOCK).op('i32.lt_u').op('select').set(height);
        f.get(out).set(result).get(block).set(source).get(width).set(columnsLeft);
        strips(COLUMN_VECTORS);
        strips(1);
        strips(0);
        f.i32(0).set(first);
        f.get(block).get(height).get(t0).op('i32.mul').op('i32.add').set(block);
        f.get(left).get(height).op('i32.sub').tee(left).brIf(next);
      });
      advance(f, place, t1);
    });
    f.get(out).get(width).i32(COMPUTE_BYTES[compute]).op('i32.mul').op('i32.add').set(out);
    advance(f, input, s1);
  });
  return f;
}

/** The functions `rows`, `strided` and `columns` that reduce elements of `type`, accumulating and storing values of `compute`. */
export function reduceFunctions(kind: Combination, type: DType, compute: ComputeType): FunctionBuilder[] {
  return [rows('rows', kind, type, compute, true), rows('strided', kind, type, compute, false), columns(kind, type, compute)];
}
