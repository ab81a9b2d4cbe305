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
import { type LaneAddress, loadLanes, loadUniform, loadUnit, storeLanes, storeUnit } from './vector/memory.ts';
import { FunctionBuilder, type Local, newFragment } from './wasm/encoder.ts';

/**
 * How an operand lies: 'row' has an element for each place of each row, 'shared' one for each place, the same for all rows, 'each' one for each row,
 * 'one' is a single element.
 */
export type RowAccess = 'row' | 'shared' | 'each' | 'one';

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
}

interface Operand {
  readonly type: DTypeInfo;
  readonly access: RowAccess;
  /** Where the row starts. */
  readonly row: Local;
  /** Where the loop is. */
  readonly pointer: Local;
}

/** A value that is being combined: a vector for each of those side by side, the sum of blocks before, and the result in each lane. */
interface Accumulator {
  readonly kind: 'sum' | 'max';
  readonly of: Expr;
  readonly vectors: readonly Local[];
  readonly total: Local;
  readonly result: Local;
}

/** Elements of a row that are summed before the sum goes to float64. */
const BLOCK = 1024;

/** The kernel of a signature, a function `name`. Parameters: rows, elements of a row, addresses of the operands (i32); launch parameters (f64). */
export function compileRows(name: string, signature: RowSignature): FunctionBuilder {
  return new RowCompiler(name, signature).compile();
}

class RowCompiler {
  private readonly f: FunctionBuilder;
  private readonly e: VectorEmitter;
  private readonly signature: RowSignature;
  private readonly operands: readonly Operand[];
  private readonly results: Local[] = [];
  /** Elements of the tail of a row that each lane takes, and which lanes are the first to take theirs. */
  private readonly elements: Local[] = [];
  private readonly fresh: Local;
  private inTail = false;

  constructor(name: string, signature: RowSignature) {
    const { types, access, paramCount, stages } = signature;
    const params = new Array<'f64'>(paramCount).fill('f64');
    const f = new FunctionBuilder(name, ['i32', 'i32', ...types.map(() => 'i32' as const), ...params]);
    this.f = f;
    this.signature = signature;
    this.operands = types.map((type, i) => {
      const kind = access[i] as RowAccess;
      return { type, access: kind, row: 2 + i, pointer: kind === 'row' || kind === 'shared' ? f.local('i32') : 2 + i };
    });
    for (const stage of stages) for (const _ of stage.reduce ?? []) this.results.push(f.local('v128'));
    this.fresh = f.local('v128');
    this.e = new VectorEmitter(f, signature.compute, {
      isUniform: (index) => !this.runsAlong(index),
      load: (index, part) => this.emitLoad(index, part),
      loadMask: () => false,
      param: (index) => {
        f.get(2 + types.length + index);
      },
    });
  }

  /** Whether an argument changes from one place of a row to the next. */
  private runsAlong(index: number): boolean {
    const access = this.operands[index]?.access;
    return access === 'row' || access === 'shared';
  }

  compile(): FunctionBuilder {
    const { f, e } = this;
    const rows = newFragment();
    f.into(rows, () => {
      repeat(f, f.local('i32'), 0, () => {
        let first = 0;
        for (const stage of this.signature.stages) {
          this.emitStage(stage, first);
          first += stage.reduce?.length ?? 0;
        }
        for (const { access, type, row } of this.operands) {
          if (access === 'row') f.get(1).i32(type.shift).op('i32.shl').get(row).op('i32.add').set(row);
          else if (access === 'each') advanceBy(f, row, type.itemsize);
        }
      });
    });
    f.append(e.launchCode);
    this.emitTailPlan();
    return f.append(rows);
  }

  /** What the last elements of a row are, fewer than a vector holds: lanes past the end take the last one again. */
  private emitTailPlan(): void {
    const { f, e, elements } = this;
    const last = f.local('i32');
    f.get(1)
      .i32(e.lanes - 1)
      .op('i32.and')
      .i32(1)
      .op('i32.sub')
      .set(last);
    elements.forEach((element, lane) => {
      f.i32(lane).get(last).get(last).i32(lane).op('i32.gt_s').op('select').set(element);
    });
    const lane = Array.from({ length: 16 }, (_, byte) => (byte % 4 === 0 ? Math.floor((byte * e.lanes) / 16) : 0));
    f.get(last).op('i32x4.splat').v128(lane).op('i32x4.ge_s').set(this.fresh);
  }

  /** Appends what has been moved out of the loop that is to follow. */
  private flushRowCode(): void {
    const { rowCode } = this.e;
    this.f.append(rowCode);
    rowCode.code = [];
    rowCode.calls.length = 0;
  }

  private emitStage(stage: RowStage, first: number): void {
    const { f, e } = this;
    const store = stage.store ?? [];
    const along = store.filter(([operand]) => this.runsAlong(operand));
    const reduce = stage.reduce ?? [];
    if (along.length + reduce.length > 0) {
      const inner = newFragment();
      f.into(inner, () => this.emitPass(reduce, along, first));
      this.flushRowCode();
      f.append(inner);
    }
    for (const [index, value] of store) {
      if (this.runsAlong(index)) continue;
      const { type, pointer } = this.operands[index] as Operand;
      const vector = partOf(e.value(value), 0);
      this.flushRowCode();
      const lane = e.shape as 'f32x4' | 'f64x2';
      f.get(pointer).get(vector).lane(`${lane}.extract_lane`, 0);
      convert(f, lane === 'f32x4' ? 'f32' : 'f64', computeTypeOf(type.name));
      storeElement(f, type.name);
    }
  }

  private emitPass(reduce: NonNullable<RowStage['reduce']>, store: NonNullable<RowStage['store']>, first: number): void {
    const { f, e } = this;
    const values = [...reduce.map(([, of]) => of), ...store.map(([, value]) => value)];
    const width = vectorsAtOnce(values, this.signature.compute);
    const used = new Set([...reads(values).args, ...store.map(([operand]) => operand)]);
    const pointers = this.operands.filter((_, i) => used.has(i) && this.runsAlong(i));
    for (const { row, pointer } of pointers) f.get(row).set(pointer);
    const accumulators = reduce.map(
      ([kind, of], k): Accumulator => ({
        kind,
        of,
        vectors: Array.from({ length: width }, () => f.local('v128')),
        total: f.local('f64'),
        result: this.results[first + k] as Local,
      }),
    );
    for (const { kind, total } of accumulators) f.f64(kind === 'sum' ? 0 : -Infinity).set(total);
    const round = (vectors: number): void => {
      e.nextVectors(vectors);
      for (const accumulator of accumulators) this.emitCombine(accumulator, vectors);
      for (const [index, value] of store) {
        const { type, pointer } = this.operands[index] as Operand;
        if (this.inTail) storeLanes(e, type, value, 0, this.laneAddresses(type, pointer));
        else for (let part = 0; part < vectors; part++) storeUnit(e, type, value, part, pointer, part * e.lanes * type.itemsize);
      }
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
        for (const { type, pointer } of pointers) advanceBy(f, pointer, vectors * e.lanes * type.itemsize);
      });
    };
    const block = (count: Local): void => {
      for (const { kind, vectors } of accumulators)
        for (const vector of vectors) f[e.shape as 'f32x4'](kind === 'sum' ? 0 : -Infinity).set(vector);
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
          this.inTail = true;
          round(1);
          this.inTail = false;
        });
      for (const accumulator of accumulators) this.emitTotal(accumulator);
    };
    if (reduce.some(([kind]) => kind === 'sum')) {
      const left = f.local('i32');
      const count = f.local('i32');
      f.get(1).set(left);
      f.loop((next) => {
        f.get(left).i32(BLOCK).get(left).i32(BLOCK).op('i32.lt_u').op('select').set(count);
        block(count);
        f.get(left).get(count).op('i32.sub').tee(left).brIf(next);
      });
    } else block(1);
    for (const { total, result } of accumulators) {
      f.get(total);
      if (e.shape === 'f32x4') f.op('f32.demote_f64');
      f.op(`${e.shape as 'f32x4'}.splat`).set(result);
    }
  }

  private emitCombine({ kind, of, vectors }: Accumulator, count: number): void {
    const { f, e } = this;
    const values = e.value(of);
    for (let part = 0; part < count; part++) {
      const vector = vectors[part] as Local;
      f.get(vector).get(partOf(values, part));
      if (kind === 'max') f.op(`${e.shape as 'f32x4'}.pmax`);
      else {
        if (this.inTail) f.get(this.fresh).op('v128.and');
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
    f.set(head).get(head);
    if (e.shape === 'f32x4')
      f.op('f64x2.promote_low_f32x4').get(head).get(head).shuffle32(2, 3, 2, 3).op('f64x2.promote_low_f32x4').op(`f64x2.${operation}`);
    f.tee(head).lane('f64x2.extract_lane', 0).get(head).lane('f64x2.extract_lane', 1);
    const scalar = kind === 'sum' ? 'f64.add' : 'f64.max';
    f.op(scalar).get(total).op(scalar).set(total);
  }

  private emitLoad(index: number, part: number): void {
    const { f, e } = this;
    const operand = this.operands[index];
    if (operand === undefined) f.get(this.results[index - this.operands.length] as Local);
    else if (!this.runsAlong(index)) loadUniform(e, operand.type, operand.pointer);
    else if (this.inTail) loadLanes(e, operand.type, this.laneAddresses(operand.type, operand.pointer));
    else loadUnit(e, operand.type, operand.pointer, part * e.lanes * operand.type.itemsize);
  }

  private laneAddresses(type: DTypeInfo, pointer: Local): (lane: number) => LaneAddress {
    const { f, elements } = this;
    return (lane) => {
      elements[lane] ??= f.local('i32');
      const address = f.local('i32');
      f.get(elements[lane]).i32(type.shift).op('i32.shl').get(pointer).op('i32.add').set(address);
      return { address, offset: 0 };
    };
  }
}
