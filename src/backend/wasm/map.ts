/** Elementwise launches. The common case, every operand contiguous or one element, must cost next to nothing before the kernel runs. */
import type { DTypeInfo } from '../../dtype/dtype.ts';
import { DTYPES, FLOAT32, FLOAT64 } from '../../dtype/dtype.ts';
import { type Access, compileMap } from '../../kernel/map.ts';
import { isHeavy } from '../../kernel/vector/cost.ts';
import type { KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocatePermanent, beginLaunch, type Storage } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { arg, constant, type Expr, MapProgram, ne, or } from '../../scalar/expr.ts';
import { DTypeError } from '../../util/errors.ts';
import { partOf, realPairs } from './complex.ts';
import { needsTiles, planLoops, planRest, planTiles, sizes, starts, strides, writePlan } from './map-plan.ts';
import { SHARED_SIZE, sharing } from './parallel.ts';
import './start-threads.ts';
import { flatTrial, kernelFor, launchesFor, looped, loopedTrial, WIDENED } from './widen.ts';

const IDENTITY = arg(0);
const TYPES = DTYPES.length;
/** From this many elements on, reading less takes less time than telling that there is less to read. */
const MANY = 2048;

/** Evaluates a scalar expression at each element: see `Backend.map`. */
export function map(program: MapProgram, out: View, ins: readonly View[], params: readonly number[], compute: DTypeInfo): void {
  const n = out.size;
  if (n === 0) return;
  if (out.rowMajor && out.type.kind !== 'complex') {
    switch (ins.length) {
      case 0: {
        const key = (out.type.index * TYPES + compute.index) * 2 + isLarge(n);
        if (program.lastKey !== key && n < MANY && earlyFills > 0 && fillEarly(program, out, params, compute)) return;
        const kernel = program.lastKey === key ? (program.lastKernel as KernelFunction) : flatKernel(program, key, out, ins, compute);
        beginLaunch();
        if (n < SHARED_SIZE || sharing.launches?.flat(program, kernel, out, ins, params) !== true) kernel(n, addressOfView(out), ...params);
        return;
      }
      case 1: {
        const a = ins[0] as View;
        if (!isFlat(a, n)) break;
        const uniform = a.size === n ? 0 : 1;
        const key = (((a.type.index * TYPES + out.type.index) * TYPES + compute.index) << 2) | (uniform << 1) | isLarge(n);
        const kernel = program.lastKey === key ? (program.lastKernel as KernelFunction) : flatKernel(program, key, out, ins, compute);
        beginLaunch();
        if (n < SHARED_SIZE || sharing.launches?.flat(program, kernel, out, ins, params) !== true) launch1(kernel, n, out, a, params);
        return;
      }
      case 2: {
        const a = ins[0] as View;
        const b = ins[1] as View;
        if (!isFlat(a, n) || !isFlat(b, n)) break;
        if (a === b && n >= MANY && program.more.length === 0) {
          map(program.joined, out, [a], params, compute);
          return;
        }
        const uniform = (a.size === n ? 0 : 1) | (b.size === n ? 0 : 2);
        const types = ((a.type.index * TYPES + b.type.index) * TYPES + out.type.index) * TYPES + compute.index;
        const key = (types << 3) | (uniform << 1) | isLarge(n);
        const kernel = program.lastKey === key ? (program.lastKernel as KernelFunction) : flatKernel(program, key, out, ins, compute);
        beginLaunch();
        if (n < SHARED_SIZE || sharing.launches?.flat(program, kernel, out, ins, params) !== true) launch2(kernel, n, out, a, b, params);
        return;
      }
      case 3: {
        const a = ins[0] as View;
        const b = ins[1] as View;
        const c = ins[2] as View;
        if (!isFlat(a, n) || !isFlat(b, n) || !isFlat(c, n)) break;
        const uniform = (a.size === n ? 0 : 1) | (b.size === n ? 0 : 2) | (c.size === n ? 0 : 4);
        const types = (((a.type.index * TYPES + b.type.index) * TYPES + c.type.index) * TYPES + out.type.index) * TYPES + compute.index;
        const key = (types << 4) | (uniform << 1) | isLarge(n);
        const kernel = program.lastKey === key ? (program.lastKernel as KernelFunction) : flatKernel(program, key, out, ins, compute);
        beginLaunch();
        if (n < SHARED_SIZE || sharing.launches?.flat(program, kernel, out, ins, params) !== true) launch3(kernel, n, out, a, b, c, params);
        return;
      }
      default:
        if (ins.length > SHORT_KEY || !areFlat(ins, n)) break;
        launchMany(program, out, ins, params, compute);
        return;
    }
  }
  mapGeneral(program, out, ins, params, compute);
}

/** How many small fills are still left to the host's own. */
let earlyFills = 16;

/** Most programs begin with a few small fills, for which compiling a kernel takes longer than anything else in them; the host's own writes the same. */
function fillEarly({ expr }: MapProgram, out: View, params: readonly number[], compute: DTypeInfo): boolean {
  if (expr.op !== 'param' || out.type !== compute || (compute !== FLOAT32 && compute !== FLOAT64)) return false;
  earlyFills--;
  beginLaunch();
  const first = addressOfView(out) / compute.itemsize;
  (compute === FLOAT32 ? heap.f32 : heap.f64).fill(params[expr.index] as number, first, first + out.size);
  return true;
}

/** Large launches have kernels of their own, which may become wider. */
function isLarge(size: number): number {
  return size >= WIDENED ? 1 : 0;
}

/** Whether an operand is read from front to back, or is one element for all. */
function isFlat(view: View, size: number): boolean {
  return (view.size === 1 || (view.size === size && view.rowMajor)) && view.type.kind !== 'complex';
}

function areFlat(ins: readonly View[], size: number): boolean {
  for (let k = 0; k < ins.length; k++) if (!isFlat(ins[k] as View, size)) return false;
  return true;
}

function addressOfView(view: View): number {
  return addressOf(view.storage) + view.offset * view.type.itemsize;
}

function launch1(kernel: KernelFunction, n: number, out: View, a: View, params: readonly number[]): void {
  const o = addressOfView(out);
  const x = addressOfView(a);
  if (params.length === 0) kernel(n, o, x);
  else if (params.length === 1) kernel(n, o, x, params[0] as number);
  else if (params.length === 2) kernel(n, o, x, params[0] as number, params[1] as number);
  else kernel(n, o, x, ...params);
}

function launch2(kernel: KernelFunction, n: number, out: View, a: View, b: View, params: readonly number[]): void {
  const o = addressOfView(out);
  const x = addressOfView(a);
  const y = addressOfView(b);
  if (params.length === 0) kernel(n, o, x, y);
  else if (params.length === 1) kernel(n, o, x, y, params[0] as number);
  else kernel(n, o, x, y, ...params);
}

function launch3(kernel: KernelFunction, n: number, out: View, a: View, b: View, c: View, params: readonly number[]): void {
  const o = addressOfView(out);
  const x = addressOfView(a);
  const y = addressOfView(b);
  const z = addressOfView(c);
  if (params.length === 0) kernel(n, o, x, y, z);
  else kernel(n, o, x, y, z, ...params);
}

/** A flat launch with more operands than the common ones. */
function launchMany(program: MapProgram, out: View, ins: readonly View[], params: readonly number[], compute: DTypeInfo): void {
  const n = out.size;
  let key = (out.type.index * TYPES + compute.index) * 2 + isLarge(n);
  for (let k = 0; k < ins.length; k++) {
    const view = ins[k] as View;
    key = (key * TYPES + view.type.index) * 2 + (view.size === n ? 0 : 1);
  }
  const kernel = program.lastKey === key ? (program.lastKernel as KernelFunction) : flatKernel(program, key, out, ins, compute);
  beginLaunch();
  if (n >= SHARED_SIZE && sharing.launches?.flat(program, kernel, out, ins, params) === true) return;
  const o = addressOfView(out);
  const a = addressOfView(ins[0] as View);
  const b = addressOfView(ins[1] as View);
  const c = addressOfView(ins[2] as View);
  const d = addressOfView(ins[3] as View);
  if (ins.length === 4) kernel(n, o, a, b, c, d, ...params);
  else if (ins.length === 5) kernel(n, o, a, b, c, d, addressOfView(ins[4] as View), ...params);
  else kernel(n, o, a, b, c, d, ...ins.slice(4).map(addressOfView), ...params);
}

/** The kernel of a flat launch; it becomes the one that the program remembers. */
function flatKernel(program: MapProgram, key: number, out: View, ins: readonly View[], compute: DTypeInfo): KernelFunction {
  let kernel = program.kernels.get(key) as KernelFunction | undefined;
  if (kernel === undefined) {
    const n = out.size;
    const access = ins.map((view) => (view.size === n ? 'unit' : 'uniform') as Access);
    kernel = compileKernel(program, key, out, ins, compute, 'unit', access, false);
  }
  program.lastKey = key;
  program.lastKernel = kernel;
  return kernel;
}

function compileKernel(
  program: MapProgram,
  key: number | string,
  out: View,
  ins: readonly View[],
  compute: DTypeInfo,
  outputAccess: 'unit' | 'strided',
  inputAccess: readonly Access[],
  nested: boolean,
): KernelFunction {
  const output = out.type;
  const inputs = ins.map((view) => view.type);
  const signature = {
    expr: program.expr,
    more: program.more,
    compute: computeFor(program.expr, output, ins, compute),
    output,
    inputs,
    paramCount: program.paramCount,
    outputAccess,
    inputAccess,
    nested,
  };
  const remember = (kernel: KernelFunction): void => {
    program.kernels.set(key, kernel);
    if (program.lastKey === key) program.lastKernel = kernel;
  };
  const isFlatLaunch = typeof key === 'number' && key >= 0;
  const outputs = [output, ...inputs.slice(0, program.more.length)];
  const trial = isFlatLaunch ? flatTrial(outputs) : loopedTrial(outputs.length);
  const kernel = kernelFor(
    (name) => compileMap(name, signature),
    isLarge(out.size) === 1 && isHeavy([program.expr, ...program.more]),
    trial,
    remember,
    'plain',
    launchesFor(out.size),
  );
  program.kernels.set(key, kernel);
  return kernel;
}

/** A copy or cast says the same in the dtype of either side: the wider one has the fewer lanes to convert one by one. */
function computeFor(expr: Expr, output: DTypeInfo, ins: readonly View[], compute: DTypeInfo): DTypeInfo {
  const input = ins[0]?.type;
  if (expr !== IDENTITY || input === undefined) return compute;
  if (output.kind === 'bool') return input;
  if (input === output || output.isFloat || !input.isFloat) return input.itemsize > output.itemsize && !output.isFloat ? input : output;
  return input;
}

// ---- every other layout ----

const NO_VIEWS: readonly View[] = [];

/** Where the plans of nested kernels are written: one launch at a time. */
let planStorage: Storage | null = null;
const PLAN_BYTES = 8192;

function planAddress(): number {
  // Not `allocate`: the plan may first be needed while a tracker runs, which would free it.
  planStorage ??= allocatePermanent(PLAN_BYTES);
  return addressOf(planStorage);
}

function mapGeneral(program: MapProgram, out: View, ins: readonly View[], params: readonly number[], compute: DTypeInfo): void {
  if (hasComplex(out, ins)) {
    mapComplex(program, out, ins);
    return;
  }
  looped.out = out;
  looped.ins = ins;
  launchGeneral(program, out, ins, params, compute);
  // Not longer than the launch: the memory of the operands would stay with it.
  looped.out = null;
  looped.ins = NO_VIEWS;
}

function launchGeneral(program: MapProgram, out: View, ins: readonly View[], params: readonly number[], compute: DTypeInfo): void {
  const plan = planAddress();
  const operands = ins.length + 1;
  const loops = planLoops(out, ins);
  beginLaunch();
  if (ins.length === 0 || !needsTiles(loops, operands, out.size)) {
    launchLoops(program, out, ins, params, compute, loops, plan);
    return;
  }
  const rest = planTiles(loops, operands);
  launchLoops(program, out, ins, params, compute, loops + 1, plan);
  if (rest === 0) return;
  planRest(loops, operands, rest);
  launchLoops(program, out, ins, params, compute, loops, plan);
}

function hasComplex(out: View, ins: readonly View[]): boolean {
  if (out.type.kind === 'complex') return true;
  for (let k = 0; k < ins.length; k++) if ((ins[k] as View).type.kind === 'complex') return true;
  return false;
}

/** Inputs up to which what a kernel depends on fits into a number. */
const SHORT_KEY = 8;
const ACCESSES: readonly Access[] = ['unit', 'uniform', 'strided'];

/** How an operand lies along the inner loop: an index into `ACCESSES`. */
function accessAlong(operand: number, itemsize: number): number {
  const stride = strides[operand] as number;
  return stride === itemsize ? 0 : stride === 0 ? 1 : 2;
}

/** The output is never uniform: a stride of 0 means that there is one element. */
function outputAccess(out: View): number {
  return accessAlong(0, out.type.itemsize) === 0 || sizes[0] === 1 ? 0 : 2;
}

/** A number below -1 for what the kernel depends on, apart from those of flat launches. */
function shortKey(out: View, ins: readonly View[], compute: DTypeInfo, loops: number): number {
  let key = (((out.type.index * TYPES + compute.index) * 3 + outputAccess(out)) * 2 + (loops > 1 ? 1 : 0)) * 2 + isLarge(out.size);
  for (let k = 0; k < ins.length; k++) {
    const type = (ins[k] as View).type;
    key = (key * TYPES + type.index) * 3 + accessAlong(k + 1, type.itemsize);
  }
  return -2 - key;
}

function longKey(out: View, ins: readonly View[], compute: DTypeInfo, loops: number): string {
  const inputs = ins.map(({ type }, k) => `${type.index}.${accessAlong(k + 1, type.itemsize)}`);
  return `${out.type.index}.${outputAccess(out)} ${inputs.join(' ')} ${compute.index} ${loops > 1} ${isLarge(out.size)}`;
}

function launchLoops(
  program: MapProgram,
  out: View,
  ins: readonly View[],
  params: readonly number[],
  compute: DTypeInfo,
  loops: number,
  plan: number,
): void {
  const kernel = nestedKernel(program, out, ins, compute, loops);
  const nested = isNested(out, ins, loops);
  if (out.size >= SHARED_SIZE && sharing.launches?.loops(program, kernel, out, ins, params, loops, nested) === true) return;
  const size = sizes[0] as number;
  const o = addressOfView(out) + (starts[0] as number);
  if (!nested) {
    kernel(size, o, ...addresses(ins), ...params);
    return;
  }
  writePlan(heap.i32, plan >>> 2, loops, ins.length + 1);
  if (ins.length === 0 || ins.length > 2 || params.length > 0) {
    kernel(size, plan, o, ...addresses(ins), ...params);
    return;
  }
  const x = addressOfView(ins[0] as View) + (starts[1] as number);
  if (ins.length === 1) kernel(size, plan, o, x);
  else kernel(size, plan, o, x, addressOfView(ins[1] as View) + (starts[2] as number));
}

function addresses(ins: readonly View[]): number[] {
  return ins.map((view, k) => addressOfView(view) + (starts[k + 1] as number));
}

/** Whether a plan is needed: for outer loops, or for strides along the inner one. */
function isNested(out: View, ins: readonly View[], loops: number): boolean {
  if (loops > 1 || outputAccess(out) !== 0) return true;
  for (let k = 0; k < ins.length; k++) if (accessAlong(k + 1, (ins[k] as View).type.itemsize) === 2) return true;
  return false;
}

function nestedKernel(program: MapProgram, out: View, ins: readonly View[], compute: DTypeInfo, loops: number): KernelFunction {
  if (ins.length > SHORT_KEY) {
    const key = longKey(out, ins, compute, loops);
    return (program.kernels.get(key) as KernelFunction | undefined) ?? compileNested(program, key, out, ins, compute, loops);
  }
  const key = shortKey(out, ins, compute, loops);
  if (program.lastKey === key) return program.lastKernel as KernelFunction;
  const kernel = (program.kernels.get(key) as KernelFunction | undefined) ?? compileNested(program, key, out, ins, compute, loops);
  program.lastKey = key;
  program.lastKernel = kernel;
  return kernel;
}

function compileNested(
  program: MapProgram,
  key: number | string,
  out: View,
  ins: readonly View[],
  compute: DTypeInfo,
  loops: number,
): KernelFunction {
  const access = ins.map((view, k) => ACCESSES[accessAlong(k + 1, view.type.itemsize)] as Access);
  const outAccess = outputAccess(out) === 0 ? 'unit' : 'strided';
  return compileKernel(program, key, out, ins, compute, outAccess, access, isNested(out, ins, loops));
}

// ---- complex ----

const NOT_ZERO = new MapProgram(or(ne(arg(0), 0), ne(arg(1), 0)), 2);
const COPY = new MapProgram(IDENTITY, 1);
const ZERO = new MapProgram(constant(0), 0);

/** Copies and casts between complex and other dtypes; complex arithmetic is made of real parts above. */
function mapComplex(program: MapProgram, out: View, ins: readonly View[]): void {
  const input = ins[0];
  if (program.expr !== IDENTITY || program.more.length > 0 || input === undefined) {
    throw new DTypeError('an elementwise kernel computes on real numbers: complex operands come as their real and imaginary parts');
  }
  const part = (view: View): DTypeInfo => (view.type.name === 'complex64' ? FLOAT32 : FLOAT64);
  if (input.type.kind !== 'complex') {
    map(COPY, partOf(out, 0), [input], [], part(out));
    map(ZERO, partOf(out, 1), [], [], part(out));
  } else if (out.type.kind === 'bool') {
    map(NOT_ZERO, out, [partOf(input, 0), partOf(input, 1)], [], part(input));
  } else if (out.type.kind !== 'complex') {
    map(COPY, out, [partOf(input, 0)], [], part(input));
  } else {
    map(COPY, realPairs(out), [realPairs(input)], [], part(out));
  }
}
