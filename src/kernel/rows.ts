/**
 * Kernels that go over rows of elements several times: each stage of a program reads what the ones before have found out about the row or stored in it.
 * All rows are one launch, so a row is still in the cache when the next stage comes.
 *
 * Sums are kept in float64 across blocks of elements, in a few chains of vectors within one; how a row is split depends on its length alone.
 */
import type { DTypeInfo } from '../dtype/dtype.ts';
import { type Expr, reads } from '../scalar/expr.ts';
import { computeTypeOf, convert, storeElement } from './element.ts';
import { advanceBy, repeat } from './loops.ts';
import { vectorsAtOnce } from './vector/cost.ts';
import { partOf, VectorEmitter } from './vector/emitter.ts';
import { fusedFunctions } from './vector/math-fused.ts';
import { type LaneAddress, loadLanes, loadUniform, loadUnit, storeLanes, storeUnit } from './vector/memory.ts';
import { LANE_TYPE } from './vector/shape.ts';
import { FunctionBuilder, type Local, newFragment } from './wasm/encoder.ts';

/**
 * How an operand lies: 'row' has an element for each place of each row, 'shared' one for each place, the same for all rows, 'each' one for each row,
 * 'one' is a single element. 'sum' is for what is added up over rows: like 'shared', but another one after each `ROWS_OF_A_SUM` rows, so that no sum is long.
 */
export type RowAccess = 'row' | 'shared' | 'each' | 'one' | 'sum';

export const ROWS_OF_A_SUM = 64;

/** One pass over a row. Expressions see operand i as argument i, and behind the operands the results of `reduce`, in the order of the stages. */
export interface RowStage {
  /** What is combined over the row. A maximum passes over NaN. */
  readonly reduce?: readonly (readonly [kind: 'sum' | 'max', of: Expr])[];
  /** What is written to which operand, which may be one that the expression reads. */
  readonly store?: readonly (readonly [operand: number, value: Expr])[];
}

export interface RowSignature {
  readonly access: readonly RowAccess[];
  readonly stages: readonly RowStage[];
  readonly paramCount: number;
  readonly compute: DTypeInfo;
  readonly types: readonly DTypeInfo[];
  /** Whether there are multiply-adds that round once. */
  readonly fused: boolean;
  /** Whether pairs of vectors are to be joined: that begins where neighbours are stored, which what is combined has to be for it. */
  readonly wide: boolean;
}

/** Elements of a row that are summed before the sum goes to float64. */
const BLOCK = 1024;

/** What one chunk of a launch has at its scratch address. */
export const SCRATCH_BYTES = 512;

/**
 * The kernel of a signature, a function `name`. Parameters: rows, elements of a row, where there are `SCRATCH_BYTES` to spare, addresses of the operands
 * (i32); launch parameters (f64).
 */
export function compileRows(name: string, signature: RowSignature): FunctionBuilder {
  const { types, access, paramCount, stages } = signature;
  const first = 3;
  const params = new Array<'f64'>(paramCount).fill('f64');
  const f = new FunctionBuilder(name, ['i32', 'i32', 'i32', ...types.map(() => 'i32' as const), ...params]);
  const results: Local[] = [];
  const done = f.local('i32');
  const nextRow = (kind: RowAccess): void => {
    types.forEach((type, i) => {
      if (access[i] === kind)
        f.get(1)
          .i32(type.shift)
          .op('i32.shl')
          .get(first + i)
          .op('i32.add')
          .set(first + i);
    });
  };
  repeat(f, f.local('i32'), 0, () => {
    for (const stage of stages) {
      // Functions of their own, since engines keep the constants of long ones out of registers.
      const pass = passFor(stage, signature, results.length);
      for (let i = 1; i < first + types.length; i++) f.get(i);
      for (const result of results) f.get(result);
      for (let i = 0; i < paramCount; i++) f.get(first + types.length + i);
      f.call(pass);
      const made = pass.results.map(() => f.local('f64'));
      for (const result of made.toReversed()) f.set(result);
      results.push(...made);
    }
    nextRow('row');
    types.forEach((type, i) => {
      if (access[i] === 'each') advanceBy(f, first + i, type.itemsize);
    });
    if (!access.includes('sum')) return;
    advanceBy(f, done, 1);
    f.get(done)
      .i32(ROWS_OF_A_SUM - 1)
      .op('i32.and')
      .op('i32.eqz')
      .if(() => nextRow('sum'));
  });
  return f;
}

/** A value that is being combined: a vector for each of those side by side, and what the blocks before came to. */
interface Accumulator {
  readonly kind: 'sum' | 'max';
  readonly of: Expr;
  readonly vectors: readonly Local[];
  readonly total: Local;
}

/**
 * One stage for one row, a function of the elements of the row, the scratch, the addresses of the operands there, the `known` results of the stages
 * before and the launch parameters. It returns what it combines.
 */
function passFor({ reduce = [], store = [] }: RowStage, signature: RowSignature, known: number): FunctionBuilder {
  const { types, access, paramCount, compute, fused, wide } = signature;
  const count = types.length;
  const floats = new Array<'f64'>(known + paramCount).fill('f64');
  const f = new FunctionBuilder(
    'pass',
    ['i32', 'i32', ...types.map(() => 'i32' as const), ...floats],
    reduce.map(() => 'f64'),
    false,
  );
  /** The elements that the lanes of the last vector take, and which lanes are not repeated; null elsewhere. */
  let tail: readonly Local[] | null = null;
  const typeOf = (index: number): DTypeInfo => types[index] as DTypeInfo;
  const pointerOf = (index: number): Local => 2 + index;
  /** Whether an argument changes from one place of a row to the next. */
  const runsAlong = (index: number): boolean => index < count && access[index] !== 'each' && access[index] !== 'one';
  const laneAddresses =
    (index: number, elements: readonly Local[]) =>
    (lane: number): LaneAddress => {
      const address = f.local('i32');
      f.get(elements[lane] as Local)
        .i32(typeOf(index).shift)
        .op('i32.shl')
        .get(pointerOf(index))
        .op('i32.add')
        .set(address);
      return { address, offset: 0 };
    };
  const e: VectorEmitter = new VectorEmitter(f, compute, {
    isUniform: (index) => !runsAlong(index),
    load: (index, part) => {
      const pointer = pointerOf(index);
      if (index >= count) {
        f.get(pointer);
        if (shape === 'f32x4') f.op('f32.demote_f64');
        f.op(`${shape}.splat`);
      } else if (!runsAlong(index)) loadUniform(e, typeOf(index), pointer);
      else if (tail !== null) loadLanes(e, typeOf(index), laneAddresses(index, tail));
      else loadUnit(e, typeOf(index), pointer, part * e.lanes * typeOf(index).itemsize);
    },
    loadMask: () => false,
    rules: fused && compute.itemsize <= 4 ? fusedFunctions : undefined,
    param: (index) => {
      f.get(pointerOf(count + known + index));
    },
  });
  const { lanes } = e;
  const shape = e.shape as 'f32x4' | 'f64x2';
  const along = store.filter(([operand]) => runsAlong(operand));
  const values = [...reduce.map(([, of]) => of), ...along.map(([, value]) => value)];
  const width = vectorsAtOnce(values, compute);
  const moving = [...new Set([...reads(values).args, ...along.map(([operand]) => operand)])].filter(runsAlong);
  const accumulators = reduce.map(([kind, of]): Accumulator => {
    const vectors = Array.from({ length: width }, () => f.local('v128'));
    return { kind, of, vectors, total: f.local('f64') };
  });

  /** What is left of a count after rounds of so many elements, a power of two. */
  const rest = (of: Local, elements: number): FunctionBuilder =>
    f
      .get(of)
      .i32(elements - 1)
      .op('i32.and');
  /** Through memory, all accumulators. */
  const eachInScratch = (visit: (vector: Local, offset: number) => void): void => {
    accumulators.forEach(({ vectors }, k) => {
      vectors.forEach((vector, part) => {
        visit(vector, 16 * (k * width + part));
      });
    });
  };
  const throughScratch = (): void => {
    if (!wide || width === 1) return;
    eachInScratch((vector, offset) => {
      f.get(1).get(vector).store('v128.store', offset);
    });
    eachInScratch((vector, offset) => {
      f.get(1).load('v128.load', offset).set(vector);
    });
  };
  const combine = ({ kind, of, vectors }: Accumulator, side: number): void => {
    const found = e.value(of);
    for (let part = 0; part < side; part++) {
      const vector = vectors[part] as Local;
      f.get(vector).get(partOf(found, part));
      if (kind === 'max') f.op(`${shape}.pmax`);
      else {
        if (tail !== null) f.get(tail[lanes] as Local).op('v128.and');
        f.op(`${shape}.add`);
      }
      f.set(vector);
    }
  };
  const round = (side: number): void => {
    e.nextVectors(side);
    for (const accumulator of accumulators) combine(accumulator, side);
    for (const [index, value] of along) {
      const type = typeOf(index);
      if (tail !== null) storeLanes(e, type, value, 0, laneAddresses(index, tail));
      else for (let part = 0; part < side; part++) storeUnit(e, type, value, part, pointerOf(index), part * lanes * type.itemsize);
    }
    e.forget();
  };
  const rounds = (side: number, of: Local): void => {
    const times = f.local('i32');
    f.get(of)
      .i32(Math.log2(side * lanes))
      .op('i32.shr_u')
      .set(times);
    repeat(f, f.local('i32'), times, () => {
      round(side);
      for (const i of moving) advanceBy(f, pointerOf(i), side * lanes * typeOf(i).itemsize);
    });
  };
  /** Which of the last elements, fewer than a vector holds, each lane takes: lanes past the end take the last one again. Then the mask of the others. */
  const planTail = (of: Local): readonly Local[] => {
    const last = f.local('i32');
    rest(of, lanes).i32(1).op('i32.sub').set(last);
    const plan = Array.from({ length: lanes }, (_, lane) => {
      const element = f.local('i32');
      f.i32(lane).get(last).get(last).i32(lane).op('i32.gt_s').op('select').set(element);
      return element;
    });
    const mask = f.local('v128');
    const numbers = Array.from({ length: 16 }, (_, byte) => (byte % 4 === 0 ? Math.floor((byte * lanes) / 16) : 0));
    f.get(last).op('i32x4.splat').v128(numbers).op('i32x4.ge_s').set(mask);
    return [...plan, mask];
  };
  /** Takes the vectors of a block into the total. */
  const addUp = ({ kind, vectors, total }: Accumulator): void => {
    const operation = kind === 'sum' ? 'add' : 'pmax';
    const [head, ...others] = vectors as [Local, ...Local[]];
    f.get(head);
    for (const vector of others) f.get(vector).op(`${shape}.${operation}`);
    if (shape === 'f32x4') {
      f.tee(head).op('f64x2.promote_low_f32x4').get(head).get(head).shuffle32(2, 3, 2, 3);
      f.op('f64x2.promote_low_f32x4').op(`f64x2.${operation}`);
    }
    f.tee(head).lane('f64x2.extract_lane', 0).get(head).lane('f64x2.extract_lane', 1);
    const scalar = kind === 'sum' ? 'f64.add' : 'f64.max';
    f.op(scalar).get(total).op(scalar).set(total);
  };
  const block = (of: Local): void => {
    for (const { kind, vectors } of accumulators) for (const vector of vectors) f[shape](neutral(kind)).set(vector);
    let left = of;
    if (width > 1) {
      throughScratch();
      rounds(width, of);
      throughScratch();
      left = f.local('i32');
      rest(of, width * lanes).set(left);
    }
    rounds(1, left);
    rest(of, lanes).if(() => {
      tail = planTail(of);
      round(1);
      tail = null;
    });
    accumulators.forEach(addUp);
  };

  const body = newFragment();
  f.into(body, () => {
    for (const { kind, total } of accumulators) f.f64(neutral(kind)).set(total);
    if (reduce.some(([kind]) => kind === 'sum')) {
      const size = f.local('i32');
      f.loop((next) => {
        f.get(0).i32(BLOCK).get(0).i32(BLOCK).op('i32.lt_u').op('select').set(size);
        block(size);
        f.get(0).get(size).op('i32.sub').tee(0).brIf(next);
      });
    } else if (values.length > 0) block(0);
    for (const [index, value] of store) {
      if (runsAlong(index)) continue;
      f.get(pointerOf(index))
        .get(partOf(e.value(value), 0))
        .lane(`${shape}.extract_lane`, 0);
      convert(f, LANE_TYPE[shape], computeTypeOf(typeOf(index).name));
      storeElement(f, typeOf(index).name);
    }
    for (const { total } of accumulators) f.get(total);
  });
  return f.append(e.launchCode).append(e.rowCode).append(body);
}

function neutral(kind: 'sum' | 'max'): number {
  return kind === 'sum' ? 0 : Number.NEGATIVE_INFINITY;
}
