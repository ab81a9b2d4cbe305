/**
 * Elementwise kernels: a scalar expression at each element of its operands.
 *
 * Every element is computed by the same vector code wherever it lies, so its bits depend on its operands alone: the last elements of a row are
 * gathered into a vector whose other lanes repeat the last one.
 */
import type { DTypeInfo } from '../dtype/dtype.ts';
import { type Expr, reads } from '../scalar/expr.ts';
import { advanceBy, repeat } from './loops.ts';
import { vectorsAtOnce } from './vector/cost.ts';
import { type Arguments, VectorEmitter } from './vector/emitter.ts';
import {
  type LaneAddress,
  loadLanes,
  loadUniform,
  loadUnit,
  loadUnitMask,
  storeHalves,
  storeLanes,
  storeTruths,
  storeUnit,
} from './vector/memory.ts';
import { FunctionBuilder, type Local, newFragment } from './wasm/encoder.ts';

/** How an operand lies along the inner loop: 'unit' one after the other, 'uniform' the same element, 'strided' anything else. */
export type Access = 'unit' | 'uniform' | 'strided';

/** The name of a kernel whose vectors are to be joined in pairs (see level.ts of the device). */
export const WIDE_NAME = 'wide';

/** What a kernel is compiled for. */
export interface MapSignature {
  readonly expr: Expr;
  /** What is written to the memory of the first inputs: they are outputs too. */
  readonly more: readonly Expr[];
  readonly compute: DTypeInfo;
  readonly output: DTypeInfo;
  readonly inputs: readonly DTypeInfo[];
  readonly paramCount: number;
  readonly outputAccess: 'unit' | 'strided';
  readonly inputAccess: readonly Access[];
  /**
   * Whether there are loops around the inner one, or strides. Then the kernel takes the address of a plan, 32-bit words: the bytes from one
   * element to the next along the inner loop, for the output and each input; the number of outer loops; then for each, the innermost first: its
   * count, a 0 (the kernel's counter, which ends as 0 again), and for the output and each input the bytes to step after each round. A step also
   * takes back the rounds of the loop inside.
   */
  readonly nested: boolean;
}

/** The unit of access of one operand in the code being emitted. */
interface OperandCode {
  readonly type: DTypeInfo;
  readonly access: Access;
  /** Where the row starts. */
  readonly row: Local;
  /** Where the loop is. */
  readonly pointer: Local;
  /** Bytes from one element to the next, if strided. */
  readonly stride: Local;
}

/**
 * The kernel of a signature, a function `name`. Parameters, all i32 but the last: elements of the inner loop, the address of the plan (only if
 * nested), addresses of the first elements of output and inputs, launch parameters (f64).
 */
export function compileMap(name: string, signature: MapSignature): FunctionBuilder {
  return new MapCompiler(name, signature).compile();
}

class MapCompiler {
  readonly #f: FunctionBuilder;
  readonly #e: VectorEmitter;
  readonly #signature: MapSignature;
  readonly #output: OperandCode;
  readonly #inputs: OperandCode[];
  readonly #used: readonly OperandCode[];
  /** What is computed and where it goes. */
  readonly #results: readonly (readonly [expr: Expr, output: OperandCode])[];
  readonly #firstParam: number;
  /** Set while the end of a row is emitted: the element that each lane takes. */
  #tail: readonly Local[] | null = null;

  constructor(name: string, signature: MapSignature) {
    const { inputs, nested, paramCount } = signature;
    const addresses = inputs.map(() => 'i32' as const);
    const params = new Array<'f64'>(paramCount).fill('f64');
    this.#signature = signature;
    this.#f = new FunctionBuilder(name, ['i32', ...(nested ? (['i32'] as const) : []), 'i32', ...addresses, ...params]);
    const first = nested ? 2 : 1;
    this.#output = this.#operand(signature.output, signature.outputAccess, first);
    this.#inputs = inputs.map((type, i) => {
      const access = signature.inputAccess[i] ?? 'unit';
      return this.#operand(type, i < signature.more.length && access === 'uniform' ? 'unit' : access, first + 1 + i);
    });
    this.#firstParam = first + 1 + inputs.length;
    const roots = [signature.expr, ...signature.more];
    const wanted = new Set(reads(roots).args);
    this.#used = [this.#output, ...this.#inputs.filter((_, i) => wanted.has(i) || i < signature.more.length)];
    this.#results = roots.map((expr, i) => [expr, i === 0 ? this.#output : (this.#inputs[i - 1] as OperandCode)] as const);
    this.#e = new VectorEmitter(this.#f, signature.compute, this.#argumentSource());
  }

  #operand(type: DTypeInfo, access: Access, row: Local): OperandCode {
    const pointer = this.#signature.nested && access !== 'uniform' ? this.#f.local('i32') : row;
    const stride = access === 'strided' ? this.#f.local('i32') : -1;
    return { type, access, row, pointer, stride };
  }

  compile(): FunctionBuilder {
    const f = this.#f;
    const e = this.#e;
    const inner = newFragment();
    f.into(inner, () => this.#emitRow());
    this.#emitStrideLoads();
    f.append(e.launchCode);
    if (this.#signature.nested) {
      this.#emitRows(() => {
        f.append(e.rowCode);
        for (const { row, pointer } of this.#used) if (row !== pointer) f.get(row).set(pointer);
        f.append(inner);
      });
    } else {
      f.append(e.rowCode);
      f.append(inner);
    }
    return f;
  }

  #argumentSource(): Arguments {
    const input = (index: number): OperandCode => this.#inputs[index] as OperandCode;
    return {
      isUniform: (index) => input(index).access === 'uniform',
      load: (index, part) => this.#emitLoad(input(index), part),
      loadMask: (index, part) => {
        const { type, access, pointer } = input(index);
        return access === 'unit' && this.#tail === null && loadUnitMask(this.#e, type, pointer, part * this.#e.lanes * type.itemsize);
      },
      param: (index) => {
        this.#f.get(this.#firstParam + index);
      },
    };
  }

  #emitLoad(operand: OperandCode, part: number): void {
    const { type, access, pointer } = operand;
    if (access === 'uniform') loadUniform(this.#e, type, operand.row);
    else if (access === 'unit' && this.#tail === null) loadUnit(this.#e, type, pointer, part * this.#e.lanes * type.itemsize);
    else loadLanes(this.#e, type, this.#laneAddresses(operand));
  }

  /** Everything is computed before anything is stored: outputs may lie where inputs do. */
  #emitStores(vectors: number): void {
    const e = this.#e;
    e.nextVectors(vectors);
    if (this.#results.length > 1) for (const [expr, { type }] of this.#results) type.kind === 'bool' ? e.mask(expr) : e.value(expr);
    for (const [expr, output] of this.#results) this.#emitStore(expr, output, vectors);
  }

  #emitStore(expr: Expr, output: OperandCode, vectors: number): void {
    const { type, access, pointer } = output;
    if (access === 'unit' && this.#tail === null) {
      if (storeTruths(this.#e, type, expr, vectors, pointer) || storeHalves(this.#e, type, expr, vectors, pointer)) return;
      for (let part = 0; part < vectors; part++) storeUnit(this.#e, type, expr, part, pointer, part * this.#e.lanes * type.itemsize);
      return;
    }
    storeLanes(this.#e, type, expr, 0, this.#laneAddresses(output));
  }

  /** Emits the computation of lane addresses as they are asked for, in ascending order. */
  #laneAddresses(operand: OperandCode): (lane: number) => LaneAddress {
    const f = this.#f;
    const { type, access, pointer, stride } = operand;
    let last = pointer;
    return (lane) => {
      if (lane === 0) return { address: pointer, offset: 0 };
      const address = f.local('i32');
      const element = this.#tail?.[lane];
      if (element === undefined) f.get(last).get(stride).op('i32.add').set(address);
      else if (access === 'strided') f.get(element).get(stride).op('i32.mul').get(pointer).op('i32.add').set(address);
      else f.get(element).i32(type.shift).op('i32.shl').get(pointer).op('i32.add').set(address);
      last = address;
      return { address, offset: 0 };
    };
  }

  /** One inner loop: groups of vectors, then single ones, then the rest. */
  #emitRow(): void {
    const f = this.#f;
    const e = this.#e;
    const count = 0;
    const vectors = this.#vectorsAtOnce();
    let left: Local = count;
    if (vectors > 1) {
      this.#emitRounds(vectors, count);
      left = f.local('i32');
      f.get(count)
        .i32(vectors * e.lanes - 1)
        .op('i32.and')
        .set(left);
    }
    this.#emitRounds(1, left);
    this.#emitTail(count);
  }

  #emitRounds(vectors: number, count: Local): void {
    const f = this.#f;
    const e = this.#e;
    const rounds = f.local('i32');
    const left = f.local('i32');
    f.get(count)
      .i32(Math.log2(vectors * e.lanes))
      .op('i32.shr_u')
      .set(rounds);
    repeat(f, left, rounds, () => {
      this.#emitStores(vectors);
      this.#emitAdvance(vectors * e.lanes);
      e.forget();
    });
  }

  /** Strided operands come one vector at a time: their lanes are gathered. */
  #vectorsAtOnce(): number {
    if (this.#used.some((operand) => operand.access === 'strided')) return 1;
    const vectors = vectorsAtOnce(
      this.#results.map(([expr]) => expr),
      this.#signature.compute,
    );
    // Two are one there.
    return this.#f.name === WIDE_NAME && vectors > 1 ? 2 * vectors : vectors;
  }

  #emitAdvance(elements: number): void {
    const f = this.#f;
    for (const { access, type, pointer, stride } of this.#used) {
      if (access === 'unit') advanceBy(f, pointer, elements * type.itemsize);
      else if (access === 'strided') f.get(pointer).get(stride).i32(elements).op('i32.mul').op('i32.add').set(pointer);
    }
  }

  /** The last elements, fewer than a vector holds. Lanes past the end take the last element, and write what was written there already. */
  #emitTail(count: Local): void {
    const f = this.#f;
    const e = this.#e;
    const last = f.local('i32');
    f.get(count)
      .i32(e.lanes - 1)
      .op('i32.and')
      .i32(1)
      .op('i32.sub')
      .tee(last)
      .i32(0)
      .op('i32.ge_s');
    f.if(() => {
      const elements: Local[] = [0];
      for (let lane = 1; lane < e.lanes; lane++) {
        const element = f.local('i32');
        f.i32(lane).get(last).get(last).i32(lane).op('i32.gt_s').op('select').set(element);
        elements.push(element);
      }
      this.#tail = elements;
      this.#emitStores(1);
      this.#tail = null;
    });
  }

  #emitStrideLoads(): void {
    const f = this.#f;
    [this.#output, ...this.#inputs].forEach(({ stride }, i) => {
      if (stride >= 0)
        f.get(1)
          .load('i32.load', 4 * i)
          .set(stride);
    });
  }

  /** The outer loops, by counters in the plan. */
  #emitRows(body: () => void): void {
    const f = this.#f;
    const operands = 1 + this.#inputs.length;
    const loop = f.local('i32');
    const left = f.local('i32');
    const counter = f.local('i32');
    const loopBytes = 4 * (2 + operands);
    f.loop((nextRow) => {
      body();
      f.get(1)
        .i32(4 * operands + 4)
        .op('i32.add')
        .set(loop);
      f.get(1)
        .load('i32.load', 4 * operands)
        .set(left);
      f.loop((nextLoop) => {
        f.get(left)
          .op('i32.eqz')
          .if(() => f.op('return'));
        f.get(loop).load('i32.load', 4).i32(1).op('i32.add').set(counter);
        [this.#output, ...this.#inputs].forEach((operand, i) => {
          if (!this.#used.includes(operand)) return;
          f.get(operand.row)
            .get(loop)
            .load('i32.load', 8 + 4 * i)
            .op('i32.add')
            .set(operand.row);
        });
        f.get(loop).get(counter).store('i32.store', 4);
        f.get(counter).get(loop).load('i32.load').op('i32.lt_u').brIf(nextRow);
        f.get(loop).i32(0).store('i32.store', 4);
        advanceBy(f, loop, loopBytes);
        advanceBy(f, left, -1);
        f.br(nextLoop);
      });
    });
  }
}
