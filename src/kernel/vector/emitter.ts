import { type DTypeInfo, FLOAT64 } from '../../dtype/dtype.ts';
import { type Expr, type Intrinsic, isConstant } from '../../scalar/core.ts';
import { type Fragment, type FunctionBuilder, type Instruction, type Local, newFragment } from '../wasm/encoder.ts';
import { FLOAT_MASKS, floatFallback, floatValues } from './float-rules.ts';
import { INTEGER_MASKS, integerFallback, integerValues } from './integer-rules.ts';
import { LANE_TYPE, MASK_SHAPE, VECTOR_LANES, type VectorShape, vectorShapeOf } from './shape.ts';

/**
 * The locals of vectors that are computed side by side: several independent chains of operations keep the processor busy where one would
 * wait for its own results. What is the same for all of them is a single local.
 */
export type Vectors = readonly Local[];

/** Emits code that computes vectors from vectors. */
export type VectorRule = (e: VectorEmitter, ...operands: Vectors[]) => Vectors;

/** Where the operands of the expression come from. */
export interface Arguments {
  /** Whether an operand is the same for the whole of the inner loop. */
  isUniform(index: number): boolean;
  /** Pushes vector number `part` of operand `index`, converted to the compute dtype. */
  load(index: number, part: number): void;
  /** Pushes a mask of where operand `index` is not 0, or returns false if going through `load` is as good. */
  loadMask(index: number, part: number): boolean;
  /** Pushes launch parameter `index` as an f64. */
  param(index: number): void;
  /** Code for intrinsics that goes before that of all kernels. */
  readonly rules?: Readonly<Record<string, VectorRule>> | undefined;
}

/** Code that does not change is moved out of loops: once a launch, once a row (an inner loop), or for each vector. */
const LAUNCH = 0;
const ROW = 1;
const VECTOR = 2;

const ALL_ONES: readonly number[] = new Array(16).fill(255);

/**
 * Emits the evaluation of expressions on vectors: each distinct node once, into a local of its own. A node is there as a value, as a mask
 * (all bits of a lane set where it is not 0), or as both: comparisons make masks, selections and logic use them.
 */
export class VectorEmitter {
  readonly f: FunctionBuilder;
  readonly type: DTypeInfo;
  readonly shape: VectorShape;
  readonly maskShape: (typeof MASK_SHAPE)[VectorShape];
  readonly lanes: number;
  /** What runs once before everything else. */
  readonly launchCode: Fragment;
  /** What runs before each inner loop. */
  readonly rowCode: Fragment;

  #level: number;
  readonly #kept: Local[];
  /** How many vectors are computed side by side. */
  #width: number;
  readonly #source: Arguments;
  readonly #values: Map<Expr, Vectors>[] = [new Map(), new Map(), new Map()];
  readonly #masks: Map<Expr, Vectors>[] = [new Map(), new Map(), new Map()];
  readonly #levels = new Map<Expr, number>();
  readonly #constants = new Map<string, Vectors>();
  readonly #valueRules: Record<string, VectorRule>;
  readonly #maskRules: Record<string, VectorRule>;

  /** `outer`: what emits around this one, see `within`. */
  constructor(f: FunctionBuilder, type: DTypeInfo, source: Arguments, outer?: VectorEmitter) {
    this.f = f;
    this.type = type;
    this.shape = vectorShapeOf(type);
    this.maskShape = MASK_SHAPE[this.shape];
    this.lanes = VECTOR_LANES[this.shape];
    this.#source = source;
    this.launchCode = outer?.launchCode ?? newFragment();
    this.rowCode = outer?.rowCode ?? newFragment();
    this.#level = outer === undefined ? VECTOR : outer.#level;
    this.#kept = outer === undefined ? [] : outer.#kept;
    this.#width = outer === undefined ? 1 : outer.#width;
    const isFloat = this.shape === 'f32x4' || this.shape === 'f64x2';
    this.#valueRules = isFloat ? floatValues(this.shape as 'f32x4' | 'f64x2') : integerValues(type, this.shape);
    this.#maskRules = isFloat ? FLOAT_MASKS : INTEGER_MASKS;
  }

  /** Starts a new group of `width` vectors: forgets what was computed for the one before. */
  nextVectors(width: number): void {
    this.#width = width;
    this.#kept.length = 0;
    this.#values[VECTOR]?.clear();
    this.#masks[VECTOR]?.clear();
  }

  /** The value of a node in the compute dtype. */
  value(node: Expr): Vectors {
    return this.#memoised(this.#values, node, () => this.#makeValue(node));
  }

  /** The mask of where a node is not 0. */
  mask(node: Expr): Vectors {
    return this.#memoised(this.#masks, node, () => this.#makeMask(node));
  }

  #memoised(maps: Map<Expr, Vectors>[], node: Expr, make: () => Vectors): Vectors {
    const level = this.#levelOf(node);
    const map = maps[level] as Map<Expr, Vectors>;
    const known = map.get(node);
    if (known !== undefined) return known;
    const made = this.#atLevel(level, make);
    map.set(node, made);
    return made;
  }

  #atLevel(level: number, make: () => Vectors): Vectors {
    if (level >= this.#level) return make();
    const outer = this.#level;
    const width = this.#width;
    let made: Vectors = [];
    this.#level = level;
    this.#width = 1;
    this.f.into(level === LAUNCH ? this.launchCode : this.rowCode, () => {
      made = make();
    });
    this.#level = outer;
    this.#width = width;
    return made;
  }

  #levelOf(node: Expr): number {
    const known = this.#levels.get(node);
    if (known !== undefined) return known;
    let level = LAUNCH;
    if (node.op === 'arg') level = this.#source.isUniform(node.index) ? ROW : VECTOR;
    for (const operand of node.args) level = Math.max(level, this.#levelOf(operand));
    this.#levels.set(node, level);
    return level;
  }

  #makeValue(node: Expr): Vectors {
    switch (node.op) {
      case 'arg':
        return this.each([], (_, part) => this.#source.load(node.index, part));
      case 'param':
        return this.each([], () => {
          this.#source.param(node.index);
          this.#splatNumber();
        });
      case 'const':
        return this.number(node.value);
      case 'out':
        throw new TypeError('an expression that reads its own output cannot be computed');
      default:
        return node.isBoolean ? this.op2('v128.and', this.mask(node), this.number(1)) : this.#makeCall(node.op, node.args);
    }
  }

  #makeCall(intrinsic: Intrinsic, args: readonly Expr[]): Vectors {
    if (intrinsic.name === 'select') {
      const [condition, first, second] = args as [Expr, Expr, Expr];
      const mask = this.mask(condition);
      if (isConstant(first, 0)) return this.op2('v128.andnot', this.value(second), mask);
      if (isConstant(second, 0)) return this.op2('v128.and', this.value(first), mask);
      return this.op3('v128.bitselect', this.value(first), this.value(second), mask);
    }
    const rule = this.#source.rules?.[intrinsic.name] ?? this.#valueRules[intrinsic.name];
    if (rule === undefined && intrinsic.expand !== null) return this.value(intrinsic.expand(...args));
    const operands = args.map((a) => this.value(a));
    if (rule !== undefined) return rule(this, ...operands);
    const isFloat = this.shape === 'f32x4' || this.shape === 'f64x2';
    return isFloat ? floatFallback(this, intrinsic, operands) : integerFallback(this, intrinsic, operands);
  }

  #makeMask(node: Expr): Vectors {
    if (node.op === 'const') return this.bits(node.value !== 0 ? ALL_ONES : ALL_ONES.map(() => 0));
    if (node.op === 'arg') {
      const masks = this.#loadMasks(node.index);
      if (masks !== null) return masks;
    }
    if (typeof node.op !== 'string') {
      const name = node.op.name;
      if (name === 'not') return this.op1('v128.not', this.mask(node.args[0] as Expr));
      if (name === 'and' || name === 'or' || name === 'xor') {
        return this.op2(`v128.${name}`, this.mask(node.args[0] as Expr), this.mask(node.args[1] as Expr));
      }
      if (name === 'select') {
        const [condition, first, second] = node.args.map((a) => this.mask(a)) as [Vectors, Vectors, Vectors];
        return this.op3('v128.bitselect', first, second, condition);
      }
      const rule = node.isBoolean ? this.#maskRules[name] : undefined;
      if (rule !== undefined) return rule(this, ...node.args.map((a) => this.value(a)));
    }
    return this.op2(`${this.shape}.ne`, this.value(node), this.number(0));
  }

  #loadMasks(index: number): Vectors | null {
    const masks: Local[] = [];
    for (let part = 0; part < this.#width; part++) {
      if (!this.#source.loadMask(index, part)) return null;
      masks.push(this.keep());
    }
    return masks;
  }

  /** Emits expressions of vectors of float64, which are there already, among the code of this one. */
  within(operands: readonly Vectors[]): VectorEmitter {
    const source: Arguments = {
      isUniform: () => false,
      load: (index, part) => this.f.get(partOf(operands[index] as Vectors, part)),
      loadMask: () => false,
      param: () => {},
    };
    return new VectorEmitter(this.f, FLOAT64, source, this);
  }

  // ---- building blocks of rules ----

  /** Keeps the vector on the stack in a new local. */
  keep(): Local {
    const local = this.f.local('v128');
    this.f.set(local);
    if (this.#level === VECTOR) this.#kept.push(local);
    return local;
  }

  /** Lets go of what was computed for the vectors of this round. */
  forget(): void {
    for (const local of this.#kept) this.f.i32x4(0).set(local);
    this.#kept.length = 0;
  }

  /** Computes each of the vectors side by side: `push` gets the operands of one of them and leaves the result on the stack. */
  each(operands: readonly Vectors[], push: (operands: Local[], part: number) => void): Vectors {
    const results: Local[] = [];
    for (let part = 0; part < this.#width; part++) {
      push(
        operands.map((operand) => partOf(operand, part)),
        part,
      );
      results.push(this.keep());
    }
    return results;
  }

  /** Emits `body` for another number of vectors side by side. */
  withWidth<T>(width: number, body: () => T): T {
    const outer = this.#width;
    this.#width = width;
    const result = body();
    this.#width = outer;
    return result;
  }

  op1(name: Instruction, a: Vectors): Vectors {
    return this.each([a], ([x]) => {
      this.f.get(x as Local).op(name);
    });
  }

  op2(name: Instruction, a: Vectors, b: Vectors): Vectors {
    return this.each([a, b], ([x, y]) => {
      this.f
        .get(x as Local)
        .get(y as Local)
        .op(name);
    });
  }

  op3(name: Instruction, a: Vectors, b: Vectors, c: Vectors): Vectors {
    return this.each([a, b, c], ([x, y, z]) => {
      this.f
        .get(x as Local)
        .get(y as Local)
        .get(z as Local)
        .op(name);
    });
  }

  /** A shift of each lane by a constant. */
  shift(name: Instruction, a: Vectors, count: number): Vectors {
    return this.each([a], ([x]) => {
      this.f
        .get(x as Local)
        .i32(count)
        .op(name);
    });
  }

  /** `a` where the mask is set, else `b`. */
  select(mask: Vectors, a: Vectors, b: Vectors): Vectors {
    return this.op3('v128.bitselect', a, b, mask);
  }

  /**
   * Replaces, where the mask is set, what was computed: for rare cases, lane by lane. `push` gets the operands of one vector and a lane, and leaves
   * the lane's new value on the stack.
   */
  correctLanes(
    shape: 'f32x4' | 'f64x2',
    mask: Vectors,
    operands: readonly Vectors[],
    computed: Vectors,
    push: (operands: Local[], lane: number) => void,
  ): Vectors {
    const { f } = this;
    return this.each([mask, computed, ...operands], ([isRare, value, ...own]) => {
      const exact = f.local('v128');
      const result = f.local('v128');
      f.get(value as Local).set(result);
      f.get(isRare as Local).op('v128.any_true');
      f.if(() => {
        for (let lane = 0; lane < VECTOR_LANES[shape]; lane++) {
          f.get(exact);
          push(own, lane);
          f.lane(`${shape}.replace_lane`, lane).set(exact);
        }
        f.get(exact)
          .get(value as Local)
          .get(isRare as Local)
          .op('v128.bitselect')
          .set(result);
      });
      f.get(result);
    });
  }

  /** A number of the compute dtype in each lane, loaded once a launch. */
  number(value: number): Vectors {
    if (this.shape === 'f32x4' || this.shape === 'f64x2') return this.splat(this.shape, value);
    if (this.type.kind === 'bool') return this.splat('i8x16', value !== 0 ? 1 : 0);
    return this.splat(this.shape, Number.isNaN(value) ? 0 : Math.trunc(value));
  }

  /** A number in each lane of a vector of any shape, loaded once a launch. */
  splat(shape: VectorShape, value: number): Vectors {
    return this.#constant(`${shape} ${Object.is(value, -0) ? '-0' : value}`, () => {
      if (shape === 'f32x4' || shape === 'f64x2') this.f[shape](value);
      else if (shape === 'i64x2') this.f.i64x2(saturate(value, 64));
      else this.f[shape](Number(saturate(value, 32)));
    });
  }

  /** A 64-bit integer in each lane, loaded once a launch. */
  int64(value: bigint): Vectors {
    return this.#constant(`int64 ${value}`, () => {
      this.f.i64x2(value);
    });
  }

  /** A vector of 16 bytes, loaded once a launch. */
  bits(bytes: readonly number[]): Vectors {
    return this.#constant(`bits ${bytes.join(' ')}`, () => {
      this.f.v128(bytes);
    });
  }

  #constant(key: string, push: () => void): Vectors {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const made = this.#atLevel(LAUNCH, () => {
      push();
      return [this.keep()];
    });
    this.#constants.set(key, made);
    return made;
  }

  /** Converts the f64 on the stack to the compute dtype, in each lane. */
  #splatNumber(): void {
    const { f } = this;
    if (this.type.kind === 'bool') f.f64(0).op('f64.ne');
    else if (LANE_TYPE[this.shape] === 'f32') f.op('f32.demote_f64');
    else if (LANE_TYPE[this.shape] === 'i32') f.op('i32.trunc_sat_f64_s');
    else if (LANE_TYPE[this.shape] === 'i64') f.op('i64.trunc_sat_f64_s');
    f.op(`${this.shape}.splat`);
  }
}

/** The local of one of several vectors. */
export function partOf(vectors: Vectors, part: number): Local {
  return (vectors.length === 1 ? vectors[0] : vectors[part]) as Local;
}

function saturate(value: number, bits: 32 | 64): bigint {
  const limit = 2 ** (bits - 1);
  if (value >= limit) return BigInt(limit) - 1n;
  return value < -limit ? -BigInt(limit) : BigInt(Math.trunc(value));
}
