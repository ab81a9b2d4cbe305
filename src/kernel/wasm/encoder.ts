import {
  INSTRUCTIONS,
  type Instruction,
  LANE_INSTRUCTIONS,
  type LaneInstruction,
  MEMORY_INSTRUCTIONS,
  MEMORY_LANE_INSTRUCTIONS,
  type MemoryInstruction,
  type MemoryLaneInstruction,
  naturalAlignment,
} from './opcodes.ts';

export type { Instruction, LaneInstruction, MemoryInstruction, MemoryLaneInstruction } from './opcodes.ts';

/** The types of WebAssembly values. */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/** A branch target: what `block` and `loop` hand to their bodies. */
export type Label = number;

/** The index of a parameter or local variable of the function being built. */
export type Local = number;
/** The types of parameters that are addresses, counts and steps alone. */
export function i32s(count: number): ValueType[] {
  return new Array<ValueType>(count).fill('i32');
}

/** A tuple of N locals. */
export type Locals<N extends number, L extends Local[] = []> = L['length'] extends N ? L : Locals<N, [...L, Local]>;

/** A function that the module imports; found by the encoder in the calls of the functions it encodes. */
export interface ImportedFunction {
  readonly module: string;
  readonly name: string;
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
  readonly implementation: (...args: number[]) => number;
}

/** Instructions that were set aside, to be appended to the function that they were written for. */
export interface Fragment {
  code: number[];
  readonly calls: Call[];
}

interface Call {
  readonly position: number;
  readonly target: ImportedFunction | FunctionBuilder;
}

export function newFragment(): Fragment {
  return { code: [], calls: [] };
}

const VALUE_TYPE_CODES: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const EMPTY_BLOCK_TYPE = 0x40;

const conversion = new DataView(new ArrayBuffer(8));

function pushUnsigned(code: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    code.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  code.push(rest);
}

function pushSigned(code: number[], value: bigint): void {
  let rest = value;
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0)) {
      code.push(byte);
      return;
    }
    code.push(byte | 0x80);
  }
}

function pushOpcode(code: number[], opcode: number): void {
  if (opcode < 0x1000) {
    code.push(opcode);
    return;
  }
  code.push(opcode >> 12);
  pushUnsigned(code, opcode & 0xfff);
}

/** Function indices are known when the module is complete: a call reserves this many bytes for its index. */
const CALL_INDEX_BYTES = 5;

/**
 * Builds the body of one WebAssembly function. Every method appends an instruction and returns the builder, so that code reads in
 * the order of the stack machine: `f.get(x).get(y).op('f32x4.add').set(z)`. Instructions carry their names of the text format.
 */
export class FunctionBuilder {
  readonly name: string;
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
  readonly exported: boolean;
  readonly locals: ValueType[] = [];
  code: number[] = [];
  calls: Call[] = [];
  #depth = 0;

  constructor(name: string, params: readonly ValueType[], results: readonly ValueType[] = [], exported = true) {
    this.name = name;
    this.params = params;
    this.results = results;
    this.exported = exported;
  }

  /** Adds a local variable, zero at the start. Parameters are the locals 0, 1, … */
  local(type: ValueType): Local {
    this.locals.push(type);
    return this.params.length + this.locals.length - 1;
  }

  /** So many new locals of one type. */
  localsOf<const N extends number>(type: ValueType, count: N): Locals<N> {
    return Array.from({ length: count }, () => this.local(type)) as unknown as Locals<N>;
  }

  get(local: Local): this {
    this.code.push(0x20);
    pushUnsigned(this.code, local);
    return this;
  }

  set(local: Local): this {
    this.code.push(0x21);
    pushUnsigned(this.code, local);
    return this;
  }

  tee(local: Local): this {
    this.code.push(0x22);
    pushUnsigned(this.code, local);
    return this;
  }

  /** Appends an instruction that has no immediates, such as 'i32.add' or 'f32x4.mul'. */
  op(name: Instruction): this {
    pushOpcode(this.code, INSTRUCTIONS[name]);
    return this;
  }

  /** Appends a load; the address is on the stack. `align` is the log2 of the alignment that is promised (natural if left out). */
  load(name: MemoryInstruction, offset = 0, align = naturalAlignment(name)): this {
    return this.#memory(MEMORY_INSTRUCTIONS[name], offset, align);
  }

  /** Appends a store; address and value are on the stack. */
  store(name: MemoryInstruction, offset = 0, align?: number): this {
    return this.load(name, offset, align);
  }

  /** Appends a load or store of one lane; address and vector are on the stack. */
  memoryLane(name: MemoryLaneInstruction, lane: number, offset = 0, align = naturalAlignment(name)): this {
    this.#memory(MEMORY_LANE_INSTRUCTIONS[name], offset, align).code.push(lane);
    return this;
  }

  /** Appends 'f32x4.extract_lane' and its like. */
  lane(name: LaneInstruction, lane: number): this {
    pushOpcode(this.code, LANE_INSTRUCTIONS[name]);
    this.code.push(lane);
    return this;
  }

  /** Appends 'i8x16.shuffle': 16 byte numbers, 0 to 15 of the first vector, 16 to 31 of the second. */
  shuffle(bytes: readonly number[]): this {
    this.code.push(0xfd, 0x0d, ...bytes);
    return this;
  }

  /** Appends 'i8x16.shuffle' for four 32-bit lanes: 0 to 3 of the first vector, 4 to 7 of the second. */
  shuffle32(a: number, b: number, c: number, d: number): this {
    return this.shuffle([a, b, c, d].flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]));
  }

  /** Appends 'i8x16.shuffle' for two 64-bit lanes: 0 and 1 of the first vector, 2 and 3 of the second. */
  shuffle64(a: number, b: number): this {
    return this.shuffle32(2 * a, 2 * a + 1, 2 * b, 2 * b + 1);
  }

  i32(value: number): this {
    this.code.push(0x41);
    pushSigned(this.code, BigInt(value | 0));
    return this;
  }

  i64(value: bigint | number): this {
    this.code.push(0x42);
    pushSigned(this.code, BigInt.asIntN(64, BigInt(value)));
    return this;
  }

  f32(value: number): this {
    this.code.push(0x43);
    conversion.setFloat32(0, value, true);
    return this.#bytes(4);
  }

  f64(value: number): this {
    this.code.push(0x44);
    conversion.setFloat64(0, value, true);
    return this.#bytes(8);
  }

  /** A constant vector from its 16 bytes. */
  v128(bytes: readonly number[]): this {
    this.code.push(0xfd, 0x0c, ...bytes);
    return this;
  }

  /** A constant vector with the same float32 in each lane. */
  f32x4(value: number): this {
    conversion.setFloat32(0, value, true);
    return this.#splat(4);
  }

  f64x2(value: number): this {
    conversion.setFloat64(0, value, true);
    return this.#splat(8);
  }

  i8x16(value: number): this {
    conversion.setInt8(0, value);
    return this.#splat(1);
  }

  i16x8(value: number): this {
    conversion.setInt16(0, value, true);
    return this.#splat(2);
  }

  i32x4(value: number): this {
    conversion.setInt32(0, value, true);
    return this.#splat(4);
  }

  i64x2(value: bigint | number): this {
    conversion.setBigInt64(0, BigInt.asIntN(64, BigInt(value)), true);
    return this.#splat(8);
  }

  /** A block: a branch to its label leaves it. `type` is the type of the value that it leaves on the stack, if any. */
  block(body: (label: Label) => void, type?: ValueType): this {
    return this.#nested(0x02, type, body);
  }

  /** A loop: a branch to its label starts the next round; it ends where the body ends. */
  loop(body: (label: Label) => void): this {
    return this.#nested(0x03, undefined, body);
  }

  /** Takes an i32 condition from the stack. `type` is the type of the value that both arms leave, if any. */
  if(then: (label: Label) => void, otherwise?: ((label: Label) => void) | null, type?: ValueType): this {
    return this.#nested(0x04, type, (label) => {
      then(label);
      if (otherwise) {
        this.code.push(0x05);
        otherwise(label);
      }
    });
  }

  br(label: Label): this {
    this.code.push(0x0c);
    pushUnsigned(this.code, this.#depth - label);
    return this;
  }

  brIf(label: Label): this {
    this.code.push(0x0d);
    pushUnsigned(this.code, this.#depth - label);
    return this;
  }

  /** Calls an imported function or another function of the same module. */
  call(target: ImportedFunction | FunctionBuilder): this {
    this.code.push(0x10);
    this.calls.push({ position: this.code.length, target });
    for (let i = 0; i < CALL_INDEX_BYTES; i++) this.code.push(0);
    return this;
  }

  /** 'memory.copy': destination, source and byte count are on the stack; the ranges may overlap. */
  memoryCopy(): this {
    this.code.push(0xfc, 0x0a, 0, 0);
    return this;
  }

  /** 'memory.fill': destination, byte value and byte count are on the stack. */
  memoryFill(): this {
    this.code.push(0xfc, 0x0b, 0);
    return this;
  }

  /** Sets aside what `body` writes, at the end of `fragment`. Its branches must stay inside. */
  into(fragment: Fragment, body: () => void): this {
    const { code, calls } = this;
    this.code = fragment.code;
    this.calls = fragment.calls;
    body();
    fragment.code = this.code;
    this.code = code;
    this.calls = calls;
    return this;
  }

  /** Appends what was set aside. */
  append(fragment: Fragment): this {
    const start = this.code.length;
    for (const { position, target } of fragment.calls) this.calls.push({ position: start + position, target });
    this.code = this.code.concat(fragment.code);
    return this;
  }

  #nested(opcode: number, type: ValueType | undefined, body: (label: Label) => void): this {
    this.code.push(opcode, type === undefined ? EMPTY_BLOCK_TYPE : VALUE_TYPE_CODES[type]);
    this.#depth++;
    body(this.#depth);
    this.#depth--;
    this.code.push(0x0b);
    return this;
  }

  #memory(opcode: number, offset: number, align: number): this {
    pushOpcode(this.code, opcode);
    pushUnsigned(this.code, align);
    pushUnsigned(this.code, offset);
    return this;
  }

  #bytes(count: number): this {
    for (let i = 0; i < count; i++) this.code.push(conversion.getUint8(i));
    return this;
  }

  #splat(laneBytes: number): this {
    this.code.push(0xfd, 0x0c);
    for (let i = 0; i < 16; i++) this.code.push(conversion.getUint8(i % laneBytes));
    return this;
  }
}

/** What every module of nabla imports as 'env'.memory. */
export interface MemoryImport {
  readonly shared: boolean;
}

function signatureKey(params: readonly ValueType[], results: readonly ValueType[]): string {
  return `${params.join(' ')}:${results.join(' ')}`;
}

/** Numbers signatures, imports and functions; the lists are in the order of the module's sections. */
class ModuleIndex {
  readonly signatures: { readonly params: readonly ValueType[]; readonly results: readonly ValueType[] }[] = [];
  readonly imports: ImportedFunction[] = [];
  readonly functions: readonly FunctionBuilder[];
  readonly #signatureNumbers = new Map<string, number>();
  readonly #importNumbers = new Map<string, number>();
  readonly #functionNumbers = new Map<FunctionBuilder, number>();

  constructor(roots: readonly FunctionBuilder[]) {
    const functions: FunctionBuilder[] = [];
    const visit = (f: FunctionBuilder): void => {
      if (this.#functionNumbers.has(f)) return;
      this.#functionNumbers.set(f, functions.length);
      functions.push(f);
      for (const { target } of f.calls) {
        if (target instanceof FunctionBuilder) visit(target);
        else this.#addImport(target);
      }
    };
    for (const f of roots) visit(f);
    this.functions = functions;
    for (const f of [...this.imports, ...functions]) this.#addSignature(f.params, f.results);
  }

  signature(f: ImportedFunction | FunctionBuilder): number {
    return this.#signatureNumbers.get(signatureKey(f.params, f.results)) ?? 0;
  }

  function(target: ImportedFunction | FunctionBuilder): number {
    if (target instanceof FunctionBuilder) return this.imports.length + (this.#functionNumbers.get(target) ?? 0);
    return this.#importNumbers.get(`${target.module}.${target.name}`) ?? 0;
  }

  #addImport(target: ImportedFunction): void {
    const key = `${target.module}.${target.name}`;
    if (this.#importNumbers.has(key)) return;
    this.#importNumbers.set(key, this.imports.length);
    this.imports.push(target);
  }

  #addSignature(params: readonly ValueType[], results: readonly ValueType[]): void {
    const key = signatureKey(params, results);
    if (this.#signatureNumbers.has(key)) return;
    this.#signatureNumbers.set(key, this.signatures.length);
    this.signatures.push({ params, results });
  }
}

function pushName(out: number[], name: string): void {
  pushUnsigned(out, name.length);
  for (let i = 0; i < name.length; i++) out.push(name.charCodeAt(i));
}

/** The magic number and the version. */
const HEADER: readonly number[] = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

function section(id: number, count: number, body: readonly number[]): number[] {
  const head: number[] = [];
  pushUnsigned(head, count);
  const result = [id];
  pushUnsigned(result, head.length + body.length);
  return result.concat(head, body);
}

function typeSection(index: ModuleIndex): number[] {
  const body: number[] = [];
  for (const { params, results } of index.signatures) {
    body.push(0x60);
    for (const types of [params, results]) {
      pushUnsigned(body, types.length);
      for (const type of types) body.push(VALUE_TYPE_CODES[type]);
    }
  }
  return body;
}

function importSection(index: ModuleIndex, memory: MemoryImport): number[] {
  const body: number[] = [];
  pushName(body, 'env');
  pushName(body, 'memory');
  // Limits 0 to 65536 pages, so that every memory of the right kind is accepted.
  body.push(2, memory.shared ? 3 : 1);
  pushUnsigned(body, 0);
  pushUnsigned(body, 65536);
  for (const f of index.imports) {
    pushName(body, f.module);
    pushName(body, f.name);
    body.push(0);
    pushUnsigned(body, index.signature(f));
  }
  return body;
}

function functionBody(f: FunctionBuilder, index: ModuleIndex): number[] {
  const runs: [number, ValueType][] = [];
  for (const type of f.locals) {
    const last = runs[runs.length - 1];
    if (last !== undefined && last[1] === type) last[0]++;
    else runs.push([1, type]);
  }
  const body: number[] = [];
  pushUnsigned(body, runs.length);
  for (const [count, type] of runs) {
    pushUnsigned(body, count);
    body.push(VALUE_TYPE_CODES[type]);
  }
  const code = f.code.slice();
  for (const { position, target } of f.calls) {
    let rest = index.function(target);
    for (let i = 0; i < CALL_INDEX_BYTES; i++) {
      code[position + i] = (rest & 0x7f) | (i < CALL_INDEX_BYTES - 1 ? 0x80 : 0);
      rest >>>= 7;
    }
  }
  return body.concat(code, 0x0b);
}

/** The functions that a module of `functions` imports. */
export function importsOf(functions: readonly FunctionBuilder[]): readonly ImportedFunction[] {
  return new ModuleIndex(functions).imports;
}

/**
 * Encodes functions, and those that they call, as a WebAssembly module in the binary format (WebAssembly core specification, chapter 5).
 * The module imports 'env'.memory and what its functions call, and exports each function whose `exported` is true, by its name.
 */
export function encodeModule(functions: readonly FunctionBuilder[], memory: MemoryImport): Uint8Array<ArrayBuffer> {
  const index = new ModuleIndex(functions);
  const declarations: number[] = [];
  const exports: number[] = [];
  const bodies: number[][] = [];
  let exportCount = 0;
  for (const f of index.functions) {
    pushUnsigned(declarations, index.signature(f));
    const body = functionBody(f, index);
    const length: number[] = [];
    pushUnsigned(length, body.length);
    bodies.push(length, body);
    if (!f.exported) continue;
    pushName(exports, f.name);
    exports.push(0);
    pushUnsigned(exports, index.function(f));
    exportCount++;
  }
  // Most kernels are compiled before the engine has warmed up: whole arrays are joined, which costs the same from the start, not byte by byte.
  return new Uint8Array(
    HEADER.concat(
      section(1, index.signatures.length, typeSection(index)),
      section(2, index.imports.length + 1, importSection(index, memory)),
      section(3, index.functions.length, declarations),
      section(7, exportCount, exports),
      section(10, index.functions.length, ([] as number[]).concat(...bodies)),
    ),
  );
}
