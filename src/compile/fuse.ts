/**
 * Fusion: elementwise launches over the same elements become one, which computes everything before it stores what somebody else reads.
 *
 * Launches stay in their order, but that one may move up into an earlier group: where nothing between them writes what it reads, reads what it
 * writes, or writes there.
 */
import { type DTypeInfo, FLOAT32, FLOAT64 } from '../dtype/dtype.ts';
import { arg, constant, type Expr, type MapProgram, programOf, reads, substitute } from '../scalar/expr.ts';
import { contiguousStrides, sameShape } from '../shape/shape.ts';
import { type Buffer, type Item, type MapItem, Operand, readsOf, writesOf } from './items.ts';

/** Inputs and outputs of a fused launch at most. */
const MOST_OPERANDS = 8;
/** Nodes of its expressions at most: longer code runs out of registers. */
const MOST_NODES = 120;
/** Up to so many elements a launch costs more than the work: then launches that share nothing are fused too. */
const FEW_ELEMENTS = 4096;
/** How many groups back a launch looks for its place. */
const REACH = 48;

/** How an operand lies over the elements of a group: one element for all, all in their order, or by strides. */
interface Layout {
  readonly key: string;
  readonly operand: Operand;
  /** Null: it is the same in every shape of that many elements. */
  readonly strides: readonly number[] | null;
}

interface Value {
  readonly layout: Layout;
  readonly expr: Expr;
  /** Whether a load of what is stored gives the expression's value again. */
  readonly exact: boolean;
}

/** Launches over the same elements, to become one. */
class Group {
  readonly members: MapItem[] = [];
  readonly compute: DTypeInfo;
  readonly size: number;
  shape: readonly number[];
  /** Whether operands lie by strides, so that the shape matters. */
  isShaped = false;
  /** What is read from memory, by key; `arg(i)` in the expressions. */
  readonly inputs = new Map<string, Layout>();
  /** What members wrote last, by buffer. */
  readonly values = new Map<Buffer, Value>();

  constructor(first: MapItem) {
    this.compute = first.compute;
    this.size = first.out.size;
    this.shape = first.out.shape;
  }
}

type Unit = Group | Item;

/** Where buffers were last written and read, as positions in the list of units. */
interface Uses {
  write: number;
  read: number;
}

/** Fuses what can be fused. `seen`: buffers that somebody looks at afterwards. */
export function fuse(items: readonly Item[], seen: ReadonlySet<Buffer>): Item[] {
  return new Fusion(items, seen).run();
}

class Fusion {
  readonly #units: Unit[] = [];
  readonly #uses = new Map<Buffer, Uses>();
  readonly #items: readonly Item[];
  readonly #seen: ReadonlySet<Buffer>;
  /** Buffers that hold one number throughout, and where that was written. */
  readonly #constants = new Map<Buffer, { readonly expr: Expr; readonly at: number; readonly type: DTypeInfo }>();
  /** The position of the last effect. */
  #barrier = -1;

  constructor(items: readonly Item[], seen: ReadonlySet<Buffer>) {
    this.#items = items;
    this.#seen = seen;
  }

  run(): Item[] {
    for (const item of this.#items) this.#place(item);
    return this.#units.flatMap((unit, at) => (unit instanceof Group ? this.#emit(unit, at) : [unit]));
  }

  #usesOf(buffer: Buffer): Uses {
    let uses = this.#uses.get(buffer);
    if (uses === undefined) this.#uses.set(buffer, (uses = { write: -1, read: -1 }));
    return uses;
  }

  #place(item: Item): void {
    if (item.kind === 'map' && isFusible(item)) {
      const at = this.#placeFor(item);
      if (at >= 0) {
        this.#join(this.#units[at] as Group, item, at);
        return;
      }
      this.#units.push(new Group(item));
      this.#join(this.#units.at(-1) as Group, item, this.#units.length - 1);
      return;
    }
    const at = this.#units.length;
    this.#units.push(item);
    if (item.kind === 'effect') this.#barrier = at;
    this.#note(item, at);
  }

  #note(item: Item, at: number): void {
    for (const { buffer } of readsOf(item)) {
      const uses = this.#usesOf(buffer);
      uses.read = Math.max(uses.read, at);
    }
    for (const { buffer } of writesOf(item)) {
      const uses = this.#usesOf(buffer);
      uses.write = Math.max(uses.write, at);
    }
  }

  /** The position of the group that a launch can join, or -1. */
  #placeFor(item: MapItem): number {
    const ins = this.#variable(item.ins);
    let least = [item.out, ...ins].some(({ buffer }) => this.#outlives(buffer)) ? this.#barrier + 1 : 0;
    for (const { buffer } of ins) least = Math.max(least, this.#usesOf(buffer).write);
    const own = this.#usesOf(item.out.buffer);
    least = Math.max(least, own.write, own.read);
    let second = -1;
    const last = Math.max(least, this.#units.length - REACH, 0);
    for (let at = this.#units.length - 1; at >= last; at--) {
      const unit = this.#units[at];
      if (!(unit instanceof Group) || !this.#fits(unit, item, at)) continue;
      if (this.#isRelated(unit, item)) return at;
      if (second < 0 && unit.size <= FEW_ELEMENTS) second = at;
    }
    return second;
  }

  /** The number that an operand holds at all of its elements, if that is known. */
  #constantOf(operand: Operand): Expr | null {
    const known = this.#constants.get(operand.buffer);
    return known !== undefined && known.at === this.#usesOf(operand.buffer).write && known.type === operand.type ? known.expr : null;
  }

  #variable(operands: readonly Operand[]): readonly Operand[] {
    return operands.filter((operand) => this.#constantOf(operand) === null);
  }

  #outlives(buffer: Buffer): boolean {
    return !buffer.made || this.#seen.has(buffer);
  }

  #isRelated(group: Group, item: MapItem): boolean {
    return this.#variable(item.ins).some(
      (operand) => group.values.has(operand.buffer) || group.inputs.has((layoutOf(operand, group.shape) as Layout | null)?.key ?? ''),
    );
  }

  #fits(group: Group, item: MapItem, at: number): boolean {
    if (group.compute !== item.compute || group.size !== item.out.size) return false;
    const shape = this.#shapeFor(group, item);
    if (shape === null) return false;
    const layouts = this.#variable(item.ins).map((operand) => layoutOf(operand, shape) as Layout);
    const out = layoutOf(item.out, shape) as Layout;
    for (const layout of layouts) {
      const value = group.values.get(layout.operand.buffer);
      if (value !== undefined && !(value.exact && value.layout.key === layout.key)) return false;
    }
    const before = group.values.get(item.out.buffer);
    if (before !== undefined && before.layout.key !== out.key) return false;
    // What members read of the memory that is to be written must be the elements that are written.
    for (const { key, operand } of group.inputs.values()) if (operand.buffer === item.out.buffer && key !== out.key) return false;
    for (const { key, operand } of layouts)
      if (operand.buffer === item.out.buffer && key !== out.key && !group.values.has(operand.buffer)) return false;
    const fresh = new Set(
      layouts.filter(({ key, operand }) => !group.values.has(operand.buffer) && !group.inputs.has(key)).map(({ key }) => key),
    );
    if (group.inputs.size + fresh.size + this.#outputsOf(group, at, item).length > MOST_OPERANDS) return false;
    return nodesOf([...group.values.values()].map(({ expr }) => expr)) + nodesOf([item.program.expr]) <= MOST_NODES;
  }

  /** The shape in which both can be computed, or null. */
  #shapeFor(group: Group, item: MapItem): readonly number[] | null {
    if (sameShape(group.shape, item.out.shape)) return group.shape;
    const isShaped = this.#variable(item.ins).some((operand) => layoutOf(operand, item.out.shape)?.strides !== null);
    if (isShaped && group.isShaped) return null;
    return isShaped ? item.out.shape : group.shape;
  }

  #join(group: Group, item: MapItem, at: number): void {
    group.shape = this.#shapeFor(group, item) as readonly number[];
    const exprs = item.ins.map((operand) => {
      const number = this.#constantOf(operand);
      if (number !== null) return number;
      const layout = layoutOf(operand, group.shape) as Layout;
      const value = group.values.get(operand.buffer);
      if (value !== undefined) return value.expr;
      if (!group.inputs.has(layout.key)) group.inputs.set(layout.key, layout);
      if (layout.strides !== null) group.isShaped = true;
      return arg([...group.inputs.keys()].indexOf(layout.key));
    });
    const expr = substitute(item.program.expr, exprs, undefined, item.params.map(constant));
    const type = item.out.type;
    const exact = type === item.compute || (type.kind === 'bool' && expr.isBoolean);
    group.values.delete(item.out.buffer);
    group.values.set(item.out.buffer, { layout: layoutOf(item.out, group.shape) as Layout, expr, exact });
    group.members.push(item);
    const ins = this.#variable(item.ins);
    this.#note({ ...item, ins }, at);
    this.#constants.delete(item.out.buffer);
    if (expr.op === 'const' && item.out.isWhole && exact) this.#constants.set(item.out.buffer, { expr, at, type });
  }

  /** The buffers that a group has to store. While it grows, those that might have to be. */
  #outputsOf(group: Group, at: number, next: MapItem | null = null): Buffer[] {
    const buffers = [...group.values.keys()].filter((buffer) => this.#outlives(buffer) || this.#usesOf(buffer).read > at);
    if (next === null) return buffers;
    return buffers.includes(next.out.buffer) ? buffers : [...buffers, next.out.buffer];
  }

  #emit(group: Group, at: number): Item[] {
    const outputs = this.#outputsOf(group, at).map((buffer) => group.values.get(buffer) as Value);
    const [first, ...more] = outputs;
    if (first === undefined) return [];
    const wanted = reads(outputs.map(({ expr }) => expr)).args;
    const layouts = [...group.inputs.values()];
    const order: (Expr | undefined)[] = [];
    wanted.forEach((index, i) => {
      order[index] = arg(i);
    });
    const exprs = outputs.map(({ expr }) => substitute(expr, order));
    const program = programFor(exprs, wanted.length);
    const shaped = (layout: Layout): Operand => operandIn(layout, group.shape);
    return [
      {
        kind: 'map',
        operator: [...new Set(group.members.map(({ operator }) => operator))].join('+'),
        program,
        out: shaped(first.layout),
        ins: [...more.map(({ layout }) => shaped(layout)), ...wanted.map((index) => shaped(layouts[index] as Layout))],
        params: [],
        compute: group.compute,
      },
    ];
  }
}

/** Expressions over numbers that are computed as they are stored: fusion is exact for them. */
function isFusible(item: MapItem): boolean {
  const { out, ins, compute, program } = item;
  if (compute !== FLOAT32 && compute !== FLOAT64) return false;
  if (program.more.length > 0 || out.size === 0 || !out.rowMajor) return false;
  if (item.params.some((value) => Number.isNaN(value))) return false;
  if (out.type !== compute && out.type.kind !== 'bool') return false;
  if (program.expr.op === 'arg' && (out.type !== compute || ins[0]?.type !== compute)) return false;
  return ins.every((operand) => isPlain(operand.type) && layoutOf(operand, out.shape) !== null);
}

function isPlain(type: DTypeInfo): boolean {
  return type.kind !== 'complex' && !(type.isFloat && type.itemsize === 2);
}

/** How an operand lies over the elements of a shape that it is broadcast to; null where it does not fit. */
function layoutOf(operand: Operand, shape: readonly number[]): Layout | null {
  const place = `${operand.buffer.index}:${operand.offset}:${operand.type.index}:`;
  if (operand.size === 1) return { key: `${place}one`, operand, strides: null };
  const size = shape.reduce((product, each) => product * each, 1);
  if (operand.rowMajor && operand.size === size) return { key: `${place}all`, operand, strides: null };
  const shift = shape.length - operand.shape.length;
  if (shift < 0) return null;
  const strides = shape.map((extent, dim) => {
    const own = operand.shape[dim - shift];
    return own === undefined || own === 1 ? 0 : own === extent ? (operand.strides[dim - shift] as number) : Number.NaN;
  });
  if (strides.some((stride) => Number.isNaN(stride))) return null;
  return { key: `${place}${strides.join()}`, operand, strides };
}

/** The operand of a layout in a shape. */
function operandIn({ operand, strides }: Layout, shape: readonly number[]): Operand {
  if (strides === null && (operand.size === 1 || sameShape(operand.shape, shape))) return operand;
  const size = shape.reduce((product, each) => product * each, 1);
  const all = strides ?? contiguousStrides(shape);
  return new Operand(operand.buffer, { offset: operand.offset, shape, strides: all, type: operand.type, size, rowMajor: strides === null });
}

function nodesOf(exprs: readonly Expr[]): number {
  const seen = new Set<Expr>();
  const stack = [...exprs];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    stack.push(...node.args);
  }
  return seen.size;
}

/** Programs by what they compute: kernels are compiled once for all compiled functions. */
const programs = new Map<string, MapProgram>();

function programFor(exprs: readonly Expr[], arity: number): MapProgram {
  const key = `${exprs.map(({ id }) => id).join()} ${arity}`;
  let program = programs.get(key);
  if (program === undefined) programs.set(key, (program = programOf(exprs, arity)));
  return program;
}
