import type { DTypeInfo } from '../../dtype/dtype.ts';
import type { Expr, Intrinsic } from '../../scalar/expr.ts';
import { type Fragment, type FunctionBuilder, type Instruction, type Local, newFragment } from '../wasm/encoder.ts';
import { FLOAT_MASKS, floatFallback, floatValues } from './float-rules.ts';
import { INTEGER_MASKS, integerFallback, integerValues } from './integer-rules.ts';
import { LANE_TYPE, MASK_SHAPE, VECTOR_LANES, type VectorShape, vectorShapeOf } from './shape.ts';

/** Emits code that computes a vector from vectors; operands and result are locals. */
export type VectorRule = (e: VectorEmitter, ...operands: Local[]) => Local;

/** Where the operands of the expression come from. */
export interface Arguments {
  /** Whether an operand is the same for the whole of the inner loop. */
  isUniform(index: number): boolean;
  /** Pushes a vector of operand `index`, converted to the compute dtype. */
  load(index: number): void;
  /** Pushes a mask of where operand `index` is not 0, or returns false if going through `load` is as good. */
  loadMask(index: number): boolean;
  /** Pushes launch parameter `index` as an f64. */
  param(index: number): void;
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
  readonly launchCode: Fragment = newFragment();
  /** What runs before each inner loop. */
  readonly rowCode: Fragment = newFragment();

  private level = VECTOR;
  private readonly source: Arguments;
  private readonly values: Map<Expr, Local>[] = [new Map(), new Map(), new Map()];
  private readonly masks: Map<Expr, Local>[] = [new Map(), new Map(), new Map()];
  private readonly levels = new Map<Expr, number>();
  private readonly constants = new Map<string, Local>();
  private readonly valueRules: Record<string, VectorRule>;
  private readonly maskRules: Record<string, VectorRule>;

  constructor(f: FunctionBuilder, type: DTypeInfo, source: Arguments) {
    this.f = f;
    this.type = type;
    this.shape = vectorShapeOf(type);
    this.maskShape = MASK_SHAPE[this.shape];
    this.lanes = VECTOR_LANES[this.shape];
    this.source = source;
    const isFloat = this.shape === 'f32x4' || this.shape === 'f64x2';
    this.valueRules = isFloat ? floatValues(this.shape as 'f32x4' | 'f64x2') : integerValues(type, this.shape);
    this.maskRules = isFloat ? FLOAT_MASKS : INTEGER_MASKS;
  }

  /** Forgets what was computed for the vector before. */
  nextVector(): void {
    this.values[VECTOR]?.clear();
    this.masks[VECTOR]?.clear();
  }

  /** The value of a node in the compute dtype. */
  value(node: Expr): Local {
    return this.memoised(this.values, node, () => this.makeValue(node));
  }

  /** The mask of where a node is not 0. */
  mask(node: Expr): Local {
    return this.memoised(this.masks, node, () => this.makeMask(node));
  }

  private memoised(maps: Map<Expr, Local>[], node: Expr, make: () => Local): Local {
    const level = this.levelOf(node);
    const map = maps[level] as Map<Expr, Local>;
    const known = map.get(node);
    if (known !== undefined) return known;
    const made = this.atLevel(level, make);
    map.set(node, made);
    return made;
  }

  private atLevel(level: number, make: () => Local): Local {
    if (level >= this.level) return make();
    const outer = this.level;
    let made = 0;
    this.level = level;
    this.f.into(level === LAUNCH ? this.launchCode : this.rowCode, () => {
      made = make();
    });
    this.level = outer;
    return made;
  }

  private levelOf(node: Expr): number {
    const known = this.levels.get(node);
    if (known !== undefined) return known;
    let level = LAUNCH;
    if (node.op === 'arg') level = this.source.isUniform(node.index) ? ROW : VECTOR;
    for (const operand of node.args) level = Math.max(level, this.levelOf(operand));
    this.levels.set(node, level);
    return level;
  }

  private makeValue(node: Expr): Local {
    switch (node.op) {
      case 'arg':
        this.source.load(node.index);
        return this.keep();
      case 'param':
        this.source.param(node.index);
        return this.splatOfNumber();
      case 'const':
        return this.number(node.value);
      case 'out':
        throw new TypeError('an expression that reads its own output cannot be computed');
      default:
        return node.isBoolean ? this.op2('v128.and', this.mask(node), this.number(1)) : this.makeCall(node.op, node.args);
    }
  }

  private makeCall(intrinsic: Intrinsic, args: readonly Expr[]): Local {
    if (intrinsic.name === 'select') {
      const [condition, first, second] = args as [Expr, Expr, Expr];
      const mask = this.mask(condition);
      return this.op3('v128.bitselect', this.value(first), this.value(second), mask);
    }
    const rule = this.valueRules[intrinsic.name];
    if (rule === undefined && intrinsic.expand !== null) return this.value(intrinsic.expand(...args));
    const operands = args.map((a) => this.value(a));
    if (rule !== undefined) return rule(this, ...operands);
    const isFloat = this.shape === 'f32x4' || this.shape === 'f64x2';
    return isFloat ? floatFallback(this, intrinsic, operands) : integerFallback(this, intrinsic, operands);
  }

  private makeMask(node: Expr): Local {
    if (node.op === 'const') return this.bits(node.value !== 0 ? ALL_ONES : ALL_ONES.map(() => 0));
    if (node.op === 'arg' && this.source.loadMask(node.index)) return this.keep();
    if (typeof node.op !== 'string') {
      const name = node.op.name;
      if (name === 'not') return this.op1('v128.not', this.mask(node.args[0] as Expr));
      if (name === 'and' || name === 'or' || name === 'xor') {
        return this.op2(`v128.${name}`, this.mask(node.args[0] as Expr), this.mask(node.args[1] as Expr));
      }
      if (name === 'select') {
        const [condition, first, second] = node.args.map((a) => this.mask(a)) as [Local, Local, Local];
        return this.op3('v128.bitselect', first, second, condition);
      }
      const rule = node.isBoolean ? this.maskRules[name] : undefined;
      if (rule !== undefined) return rule(this, ...node.args.map((a) => this.value(a)));
    }
    return this.op2(`${this.shape}.ne`, this.value(node), this.number(0));
  }

  // ---- building blocks of rules ----

  /** Keeps the vector on the stack in a new local. */
  keep(): Local {
    const local = this.f.local('v128');
    this.f.set(local);
    return local;
  }

  op1(name: Instruction, a: Local): Local {
    this.f.get(a).op(name);
    return this.keep();
  }

  op2(name: Instruction, a: Local, b: Local): Local {
    this.f.get(a).get(b).op(name);
    return this.keep();
  }

  op3(name: Instruction, a: Local, b: Local, c: Local): Local {
    this.f.get(a).get(b).get(c).op(name);
    return this.keep();
  }

  /** A shift of each lane by a constant. */
  shift(name: Instruction, a: Local, count: number): Local {
    this.f.get(a).i32(count).op(name);
    return this.keep();
  }

  /** `a` where the mask is set, else `b`. */
  select(mask: Local, a: Local, b: Local): Local {
    return this.op3('v128.bitselect', a, b, mask);
  }

  /** A number of the compute dtype in each lane, loaded once a launch. */
  number(value: number): Local {
    if (this.shape === 'f32x4' || this.shape === 'f64x2') return this.splat(this.shape, value);
    if (this.type.kind === 'bool') return this.splat('i8x16', value !== 0 ? 1 : 0);
    return this.splat(this.shape, Number.isNaN(value) ? 0 : Math.trunc(value));
  }

  /** A number in each lane of a vector of any shape, loaded once a launch. */
  splat(shape: VectorShape, value: number): Local {
    return this.constant(`${shape} ${Object.is(value, -0) ? '-0' : value}`, () => {
      if (shape === 'f32x4' || shape === 'f64x2') this.f[shape](value);
      else if (shape === 'i64x2') this.f.i64x2(saturate(value, 64));
      else this.f[shape](Number(saturate(value, 32)));
    });
  }

  /** A 64-bit integer in each lane, loaded once a launch. */
  int64(value: bigint): Local {
    return this.constant(`int64 ${value}`, () => {
      this.f.i64x2(value);
    });
  }

  /** A vector of 16 bytes, loaded once a launch. */
  bits(bytes: readonly number[]): Local {
    return this.constant(`bits ${bytes.join(' ')}`, () => {
      this.f.v128(bytes);
    });
  }

  private constant(key: string, push: () => void): Local {
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const made = this.atLevel(LAUNCH, () => {
      push();
      return this.keep();
    });
    this.constants.set(key, made);
    return made;
  }

  /** Converts the f64 on the stack to the compute dtype, in each lane. */
  private splatOfNumber(): Local {
    const { f } = this;
    if (this.type.kind === 'bool') f.f64(0).op('f64.ne');
    else if (LANE_TYPE[this.shape] === 'f32') f.op('f32.demote_f64');
    else if (LANE_TYPE[this.shape] === 'i32') f.op('i32.trunc_sat_f64_s');
    else if (LANE_TYPE[this.shape] === 'i64') f.op('i64.trunc_sat_f64_s');
    f.op(`${this.shape}.splat`);
    return this.keep();
  }
}

function saturate(value: number, bits: 32 | 64): bigint {
  const limit = 2 ** (bits - 1);
  if (value >= limit) return BigInt(limit) - 1n;
  return value < -limit ? -BigInt(limit) : BigInt(Math.trunc(value));
}
