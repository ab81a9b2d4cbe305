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
}

/** Elements of a row that are summed before the sum goes to float64. */
const BLOCK = 1024;

/** The kernel of a signature, a function `name`. Parameters: rows, elements of a row, addresses of the operands (i32); launch parameters (f64). */
export function compileRows(name: string, signature: RowSignature): FunctionBuilder {
  const { types, access, paramCount, stages } = signature;
  const params = new Array<'f64'>(paramCount).fill('f64');
  const f = new FunctionBuilder(name, ['i32', 'i32', ...types.map(() => 'i32' as const), ...params]);
  const results: Local[] = [];
  const done = f.local('i32');
  repeat(f, f.local('i32'), 0, () => {
    for (const stage of stages) {
      // Functions of their own, since engines keep the constants of long ones out of registers.
      const pass = new PassCompiler(stage, signature, results.length).compile();
      for (let i = 1; i < 2 + types.length; i++) f.get(i);
      for (const result of results) f.get(result);
      for (let i = 0; i < paramCount; i++) f.get(2 + types.length + i);
      f.call(pass);
      const made = pass.results.map(() => f.local('f64'));
      for (const result of made.toReversed()) f.set(result);
      results.push(...made);
    }
    const nextRow = (kind: RowAccess): void => {
      types.forEach((type, i) => {
        const at = 2 + i;
        if (access[i] === kind) f.get(1).i32(type.shift).op('i32.shl').get(at).op('i32.add').set(at);
      });
    };
    nextRow('row');
    types.forEach((type, i) => {
      if (access[i] === 'each') advanceBy(f, 2 + i, type.itemsize);
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

/** A value that is being combined: a vector for each of those side by side, and the sum of the blocks before. */
interface Accumulator {
  readonly kind: 'sum' | 'max';
  readonly of: Expr;
  readonly vectors: readonly Local[];
  readonly total: Local;
}

/**
 * One stage for one row, a function of the elements of the row, the addresses of the operands there, the results of the stages before and the launch
 * parameters. It returns what it combines.
 */
class PassCompiler {
  private readonly f: FunctionBuilder;
  private readonly e: VectorEmitter;
  private readonly signature: RowSignature;
  private readonly stage: RowStage;
  private readonly pointers: readonly Local[];
  private inTail: readonly Local[] | null = null;

  constructor(stage: RowStage, signature: RowSignature, known: number) {
    const { types, paramCount, compute } = signature;
    const count = types.length;
    const params = new Array<'f64'>(known + paramCount).fill('f64');
    const results = (stage.reduce ?? []).map(() => 'f64' as const);
    const f = new FunctionBuilder('pass', ['i32', ...types.map(() => 'i32' as const), ...params], results, false);
    this.f = f;
    this.stage = stage;
    this.signature = signature;
    this.pointers = types.map((_, i) => 1 + i);
    this.e = new VectorEmitter(f, compute, {
      isUniform: (index) => !this.runsAlong(index),
      load: (index, part) => this.emitLoad(index, part),
      loadMask: () => false,
      rules: signature.fused && compute.itemsize <= 4 ? fusedFunctions : undefined,
      param: (index) => {
        f.get(1 + count + known + index);
      },
    });
  }

  /** Whether an argument changes from one place of a row to the next. */
  private runsAlong(index: number): boolean {
    const access = this.signature.access[index];
    return access === 'row' || access === 'shared' || access === 'sum';
  }

  compile(): FunctionBuilder {
    const { f, e } = this;
    const { reduce = [], store = [] } = this.stage;
    const along = store.filter(([operand]) => this.runsAlong(operand));
    const body = newFragment();
    f.into(body, () => {
      if (along.length + reduce.length > 0) this.emitPass(reduce, along);
      for (const [index, value] of store) if (!this.runsAlong(index)) this.emitStoreOne(index, value);
    });
    return f.append(e.launchCode).append(e.rowCode).append(body);
  }

  /** Stores what is the same for all places. */
  private emitStoreOne(index: number, value: Expr): void {
    const { f, e } = this;
    const type = this.typeOf(index);
    const shape = e.shape as 'f32x4';
    f.get(this.pointers[index] as Local)
      .get(partOf(e.value(value), 0))
      .lane(`${shape}.extract_lane`, 0);
    convert(f, LANE_TYPE[shape], computeTypeOf(type.name));
    storeElement(f, type.name);
  }

  private emitPass(reduce: NonNullable<RowStage['reduce']>, store: NonNullable<RowStage['store']>): void {
    const { f, e } = this;
    const values = [...reduce.map(([, of]) => of), ...store.map(([, value]) => value)];
    const width = vectorsAtOnce(values, this.signature.compute);
    const accumulators = reduce.map(
      ([kind, of]): Accumulator => ({ kind, of, vectors: Array.from({ length: width }, () => f.local('v128')), total: f.local('f64') }),
    );
    for (const { kind, total } of accumulators) f.f64(neutral(kind)).set(total);
    const moving = [...new Set([...reads(values).args, ...store.map(([operand]) => operand)])].filter((i) => this.runsAlong(i));
    const round = (vectors: number): void => {
      e.nextVectors(vectors);
      for (const accumulator of accumulators) this.emitCombine(accumulator, vectors);
      for (const [index, value] of store) this.emitStore(index, value, vectors);
      e.forget();
    };
    const rounds = (vectors: number, count: Local): void => {
      const times = f.local('i32');
      f.get(count)
        .i32(Math.log2(vectors * e.lanes))
        .op('i32.shr_u')
        .set(times);
      repeat(f, f.local('i32'), times, () => {
        round(vectors);
        for (const i of moving) advanceBy(f, this.pointers[i] as Local, vectors * e.lanes * this.typeOf(i).itemsize);
      });
    };
    const block = (count: Local): void => {
      for (const { kind, vectors } of accumulators) for (const vector of vectors) f[e.shape as 'f32x4'](neutral(kind)).set(vector);
      let left = count;
      if (width > 1) {
        rounds(width, count);
        left = f.local('i32');
        f.get(count)
          .i32(width * e.lanes - 1)
          .op('i32.and')
          .set(left);
      }
      rounds(1, left);
      f.get(count)
        .i32(e.lanes - 1)
        .op('i32.and')
        .if(() => {
          this.inTail = this.emitTailPlan(count);
          round(1);
          this.inTail = null;
        });
      for (const accumulator of accumulators) this.emitTotal(accumulator);
    };
    if (reduce.some(([kind]) => kind === 'sum')) {
      const count = f.local('i32');
      f.loop((next) => {
        f.get(0).i32(BLOCK).get(0).i32(BLOCK).op('i32.lt_u').op('select').set(count);
        block(count);
        f.get(0).get(count).op('i32.sub').tee(0).brIf(next);
      });
    } else block(0);
    for (const { total } of accumulators) f.get(total);
  }

  private emitStore(index: number, value: Expr, vectors: number): void {
    const type = this.typeOf(index);
    const pointer = this.pointers[index] as Local;
    const { e } = this;
    if (this.inTail !== null) storeLanes(e, type, value, 0, this.laneAddresses(index));
    else for (let part = 0; part < vectors; part++) storeUnit(e, type, value, part, pointer, part * e.lanes * type.itemsize);
  }

  private emitCombine({ kind, of, vectors }: Accumulator, count: number): void {
    const { f, e } = this;
    const values = e.value(of);
    for (let part = 0; part < count; part++) {
      const vector = vectors[part] as Local;
      f.get(vector).get(partOf(values, part));
      if (kind === 'max') f.op(`${e.shape as 'f32x4'}.pmax`);
      else {
        if (this.inTail !== null) f.get(this.inTail[e.lanes] as Local).op('v128.and');
        f.op(`${e.shape as 'f32x4'}.add`);
      }
      f.set(vector);
    }
  }

  /** Takes the vectors of a block into the total. */
  private emitTotal({ kind, vectors, total }: Accumulator): void {
    const { f, e } = this;
    const operation = kind === 'sum' ? 'add' : 'pmax';
    const [head, ...rest] = vectors as [Local, ...Local[]];
    f.get(head);
    for (const vector of rest) f.get(vector).op(`${e.shape as 'f32x4'}.${operation}`);
    if (e.shape === 'f32x4')
      f.tee(head)
        .op('f64x2.promote_low_f32x4')
        .get(head)
        .get(head)
        .shuffle32(2, 3, 2, 3)
        .op('f64x2.promote_low_f32x4')
        .op(`f64x2.${operation}`);
    f.tee(head).lane('f64x2.extract_lane', 0).get(head).lane('f64x2.extract_lane', 1);
    const scalar = kind === 'sum' ? 'f64.add' : 'f64.max';
    f.op(scalar).get(total).op(scalar).set(total);
  }

  private emitLoad(index: number, part: number): void {
    const { f, e } = this;
    const pointer = 1 + index;
    if (index >= this.pointers.length) {
      f.get(pointer);
      if (e.shape === 'f32x4') f.op('f32.demote_f64');
      f.op(`${e.shape as 'f32x4'}.splat`);
    } else if (!this.runsAlong(index)) loadUniform(e, this.typeOf(index), pointer);
    else if (this.inTail !== null) loadLanes(e, this.typeOf(index), this.laneAddresses(index));
    else loadUnit(e, this.typeOf(index), pointer, part * e.lanes * this.typeOf(index).itemsize);
  }

  private typeOf(index: number): DTypeInfo {
    return this.signature.types[index] as DTypeInfo;
  }

  /** Which of the last elements, fewer than a vector holds, each lane takes: lanes past the end take the last one again. Then the mask of the others. */
  private emitTailPlan(count: Local): readonly Local[] {
    const { f, e } = this;
    const last = f.local('i32');
    f.get(count)
      .i32(e.lanes - 1)
      .op('i32.and')
      .i32(1)
      .op('i32.sub')
      .set(last);
    const plan: Local[] = [];
    for (let lane = 0; lane < e.lanes; lane++) {
      plan.push(f.local('i32'));
      f.i32(lane)
        .get(last)
        .get(last)
        .i32(lane)
        .op('i32.gt_s')
        .op('select')
        .set(plan[lane] as Local);
    }
    plan.push(f.local('v128'));
    const lanes = Array.from({ length: 16 }, (_, byte) => (byte % 4 === 0 ? Math.floor((byte * e.lanes) / 16) : 0));
    f.get(last)
      .op('i32x4.splat')
      .v128(lanes)
      .op('i32x4.ge_s')
      .set(plan[e.lanes] as Local);
    return plan;
  }

  private laneAddresses(index: number): (lane: number) => LaneAddress {
    const { f } = this;
    return (lane) => {
      const address = f.local('i32');
      f.get((this.inTail as readonly Local[])[lane] as Local)
        .i32(this.typeOf(index).shift)
        .op('i32.shl')
        .get(this.pointers[index] as Local)
        .op('i32.add')
        .set(address);
      return { address, offset: 0 };
    };
  }
}

function neutral(kind: 'sum' | 'max'): number {
  return kind === 'sum' ? 0 : Number.NEGATIVE_INFINITY;
}
