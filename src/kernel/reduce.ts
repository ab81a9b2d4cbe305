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

/** Vectors in flight: enough independent chains to hide the latency of an addition. */
const CHAINS = 8;
/** Rows up to this many elements are added without halving. */
const ROW_BLOCK = 2048;
const STRIDED_BLOCK = 128;
/** Rows of columns that are added in registers before the result in memory is updated. */
const COLUMN_BLOCK = 64;
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

function combineVectors(f: FunctionBuilder, kind: Combination, compute: ComputeType, pair: readonly [Local, Local]): void {
  if (kind === 'any') f.op('v128.or');
  else if (kind === 'all') f.op('v128.and');
  else if (kind === 'sum') f.op(`${VECTOR_SHAPE[compute]}.add`);
  else if (kind === 'prod') f.op(`${VECTOR_SHAPE[compute]}.mul`);
  else if (compute === 'f32') f.op(`f32x4.${kind}`);
  else if (compute === 'f64') f.op(`f64x2.${kind}`);
  else if (compute === 'i32') f.op(`i32x4.${kind}_s`);
  else {
    const [first, second] = pair;
    f.set(second).tee(first).get(second).get(first).get(second);
    f.op(kind === 'max' ? 'i64x2.gt_s' : 'i64x2.lt_s').op('v128.bitselect');
  }
}

/** The monoid's code for one function: it may use two locals of each kind for its operands. */
function monoidFor(f: FunctionBuilder, kind: Combination, type: DType, compute: ComputeType): Monoid {
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
    combineVector: () => combineVectors(f, kind, compute, vectors),
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

/** `(address, count) → value`: combines consecutive elements. */
function rowBlock(kind: Combination, type: DType, compute: ComputeType): FunctionBuilder {
  const f = new FunctionBuilder('rowBlock', ['i32', 'i32'], [compute], false);
  const m = monoidFor(f, kind, type, compute);
  const [address, count] = [0, 1];
  const value = f.local(compute);
  const accumulators = Array.from({ length: CHAINS }, () => f.local('v128'));
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
        .i32(CHAINS * lanes)
        .op('i32.ge_u')
        .if(() => {
          for (const accumulator of accumulators.slice(1)) f.get(first).set(accumulator);
          f.loop((next) => {
            accumulators.forEach((accumulator, i) => {
              accumulate(accumulator, i * bytes);
            });
            advanceBy(f, address, CHAINS * bytes);
            f.get(count)
              .i32(CHAINS * lanes)
              .op('i32.sub')
              .tee(count)
              .i32(CHAINS * lanes)
              .op('i32.ge_u')
              .brIf(next);
          });
          // One after the other: combining them as a tree makes V8 shuffle registers in the loop above, at twice the time.
          for (const accumulator of accumulators.slice(1)) {
            f.get(first).get(accumulator);
            m.combineVector(f);
            f.set(first);
          }
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
  const chains = Array.from({ length: 4 }, () => f.local(compute));
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
  const outer = halving(`${name}Outer`, kind, type, compute, 1, 2, (f) => f.get(0).get(3).get(4).call(inner));
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

/** Registers of the columns kernel. */
interface ColumnLocals {
  readonly out: Local;
  readonly input: Local;
  readonly height: Local;
  readonly step: Local;
  readonly first: Local;
  readonly address: Local;
  readonly row: Local;
}

/** Combines `height` rows of `vectors` vectors of columns (0 for a single column) into the results at `out`, then moves on to the right. */
function columnStrip(f: FunctionBuilder, m: Monoid, at: ColumnLocals, accumulators: readonly Local[], scalar: Local | null): void {
  const lanes = scalar === null ? LANES[m.compute] : 1;
  const targets = scalar === null ? accumulators : [scalar];
  const load = (address: Local, offset: number): void => (scalar === null ? m.loadVector(f, address, offset) : m.load(f, address, offset));
  const combine = (): void => (scalar === null ? m.combineVector(f) : m.combine(f));
  targets.forEach((accumulator, i) => {
    load(at.input, i * lanes * m.itemsize);
    f.set(accumulator);
  });
  f.get(at.input).get(at.step).op('i32.add').set(at.address);
  f.get(at.height).i32(1).op('i32.sub').tee(at.row);
  f.if(() => {
    f.loop((next) => {
      targets.forEach((accumulator, i) => {
        f.get(accumulator);
        load(at.address, i * lanes * m.itemsize);
        combine();
        f.set(accumulator);
      });
      advance(f, at.address, at.step);
      f.get(at.row).i32(1).op('i32.sub').tee(at.row).brIf(next);
    });
  });
  const bytes = COMPUTE_BYTES[m.compute];
  const loadResult = scalar === null ? 'v128.load' : NATIVE_LOAD[m.compute];
  f.get(at.first)
    .op('i32.eqz')
    .if(() => {
      targets.forEach((accumulator, i) => {
        f.get(accumulator)
          .get(at.out)
          .load(loadResult, i * lanes * bytes, Math.log2(bytes));
        combine();
        f.set(accumulator);
      });
    });
  targets.forEach((accumulator, i) => {
    f.get(at.out)
      .get(accumulator)
      .store(scalar === null ? 'v128.store' : NATIVE_STORE[m.compute], i * lanes * bytes, Math.log2(bytes));
  });
  advanceBy(f, at.out, targets.length * lanes * bytes);
  advanceBy(f, at.input, targets.length * lanes * m.itemsize);
}

/**
 * `(out, input, n1, s1, width, r1, t1, r0, t0)`: for each of n1 places s1 bytes apart, a row of `width` consecutive results, each the combination
 * of r1 × r0 elements t1 and t0 bytes apart. There is at least one element.
 */
function columns(kind: Combination, type: DType, compute: ComputeType): FunctionBuilder {
  const f = new FunctionBuilder('columns', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const m = monoidFor(f, kind, type, compute);
  const [out, input, n1, s1, width, r1, t1, r0, t0] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const local = (): Local => f.local('i32');
  const [i1, j1, left, place, block, columnsLeft] = [local(), local(), local(), local(), local(), local()];
  const at: ColumnLocals = { out: local(), input: local(), height: local(), step: t0, first: local(), address: local(), row: local() };
  const accumulators = Array.from({ length: CHAINS }, () => f.local('v128'));
  const scalar = f.local(compute);
  const lanes = LANES[compute];
  const strips = (count: number, body: () => void): void =>
    whileLoop(
      f,
      () => f.get(columnsLeft).i32(count).op('i32.ge_u'),
      () => {
        body();
        advanceBy(f, columnsLeft, -count);
      },
    );
  repeat(f, i1, n1, () => {
    f.get(input).set(place).i32(1).set(at.first);
    repeat(f, j1, r1, () => {
      f.get(place).set(block).get(r0).set(left);
      f.loop((next) => {
        f.get(left).i32(COLUMN_BLOCK).get(left).i32(COLUMN_BLOCK).op('i32.lt_u').op('select').set(at.height);
        f.get(out).set(at.out).get(block).set(at.input).get(width).set(columnsLeft);
        strips(CHAINS * lanes, () => columnStrip(f, m, at, accumulators, null));
        strips(lanes, () => columnStrip(f, m, at, accumulators.slice(0, 1), null));
        strips(1, () => columnStrip(f, m, at, [], scalar));
        f.i32(0).set(at.first);
        f.get(block).get(at.height).get(t0).op('i32.mul').op('i32.add').set(block);
        f.get(left).get(at.height).op('i32.sub').tee(left).brIf(next);
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
