/** Elementwise launches. The common case, every operand contiguous or one element, must cost next to nothing before the kernel runs. */
import type { DTypeInfo } from '../../dtype/dtype.ts';
import { DTYPES, FLOAT32, FLOAT64 } from '../../dtype/dtype.ts';
import { type Access, compileMap, PLAN } from '../../kernel/map.ts';
import { instantiate, type KernelFunction } from '../../kernel/wasm/instantiate.ts';
import { heap } from '../../runtime/heap.ts';
import { addressOf, allocatePermanent, beginLaunch, type Storage } from '../../runtime/storage.ts';
import type { View } from '../../runtime/view.ts';
import { arg, constant, type Expr, MapProgram, ne, or } from '../../scalar/expr.ts';
import { DTypeError } from '../../util/errors.ts';
import { partOf, realPairs } from './complex.ts';
import { accessOf, type Loops, planLoops, tile } from './map-plan.ts';

const IDENTITY = arg(0);
const TYPES = DTYPES.length;

/** Evaluates a scalar expression at each element: see `Backend.map`. */
export function map(program: MapProgram, out: View, ins: readonly View[], params: readonly number[], compute: DTypeInfo): void {
  const n = out.size;
  if (n === 0) return;
  if (out.contiguous && out.type.kind !== 'complex') {
    switch (ins.length) {
      case 0: {
        const key = out.type.index * TYPES + compute.index;
        const kernel = program.lastKey === key ? (program.lastKernel as KernelFunction) : flatKernel(program, key, out, ins, compute);
        beginLaunch();
        kernel(n, addressOfView(out), ...params);
        return;
      }
      case 1: {
        const a = ins[0] as View;
        if (!isFlat(a, n)) break;
        const uniform = a.size === n ? 0 : 1;
        const key = (((a.type.index * TYPES + out.type.index) * TYPES + compute.index) << 1) | uniform;
        const kernel = program.lastKey === key ? (program.lastKernel as KernelFunction) : flatKernel(program, key, out, ins, compute);
        beginLaunch();
        launch1(kernel, n, out, a, params);
        return;
      }
      case 2: {
        const a = ins[0] as View;
        const b = ins[1] as View;
        if (!isFlat(a, n) || !isFlat(b, n)) break;
        const uniform = (a.size === n ? 0 : 1) | (b.size === n ? 0 : 2);
        const types = ((a.type.index * TYPES + b.type.index) * TYPES + out.type.index) * TYPES + compute.index;
        const key = (types << 2) | uniform;
        const kernel = program.lastKey === key ? (program.lastKernel as KernelFunction) : flatKernel(program, key, out, ins, compute);
        beginLaunch();
        launch2(kernel, n, out, a, b, params);
        return;
      }
      case 3: {
        const a = ins[0] as View;
        const b = ins[1] as View;
        const c = ins[2] as View;
        if (!isFlat(a, n) || !isFlat(b, n) || !isFlat(c, n)) break;
        const uniform = (a.size === n ? 0 : 1) | (b.size === n ? 0 : 2) | (c.size === n ? 0 : 4);
        const types = (((a.type.index * TYPES + b.type.index) * TYPES + c.type.index) * TYPES + out.type.index) * TYPES + compute.index;
        const key = (types << 3) | uniform;
        const kernel = program.lastKey === key ? (program.lastKernel as KernelFunction) : flatKernel(program, key, out, ins, compute);
        beginLaunch();
        launch3(kernel, n, out, a, b, c, params);
        return;
      }
    }
  }
  mapGeneral(program, out, ins, params, compute);
}

/** Whether an operand is read from front to back, or is one element for all. */
function isFlat(view: View, size: number): boolean {
  return (view.size === 1 || (view.size === size && view.contiguous)) && view.type.kind !== 'complex';
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

/** The kernel of a flat launch; it becomes the one that the program remembers. */
function flatKernel(program: MapProgram, key: number, out: View, ins: readonly View[], compute: DTypeInfo): KernelFunction {
  let kernel = program.kernels.get(key) as KernelFunction | undefined;
  if (kernel === undefined) {
    const n = out.size;
    const access = ins.map((view) => (view.size === n ? 'unit' : 'uniform') as Access);
    kernel = compileKernel(program, out.type, ins, compute, 'unit', access, false);
    program.kernels.set(key, kernel);
  }
  program.lastKey = key;
  program.lastKernel = kernel;
  return kernel;
}

function compileKernel(
  program: MapProgram,
  output: DTypeInfo,
  ins: readonly View[],
  compute: DTypeInfo,
  outputAccess: 'unit' | 'strided',
  inputAccess: readonly Access[],
  nested: boolean,
): KernelFunction {
  const signature = {
    expr: program.expr,
    compute: computeFor(program.expr, output, ins, compute),
    output,
    inputs: ins.map((view) => view.type),
    paramCount: program.paramCount,
    outputAccess,
    inputAccess,
    nested,
  };
  return instantiate([compileMap('map', signature)], heap.memory).map as KernelFunction;
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

/** Where the plans of nested kernels are written: one launch at a time. */
let planStorage: Storage | null = null;
const PLAN_BYTES = 8192;

function planAddress(): number {
  planStorage ??= allocatePermanent(PLAN_BYTES);
  return addressOf(planStorage);
}

function mapGeneral(program: MapProgram, out: View, ins: readonly View[], params: readonly number[], compute: DTypeInfo): void {
  if (out.type.kind === 'complex' || ins.some((view) => view.type.kind === 'complex')) {
    mapComplex(program, out, ins);
    return;
  }
  const plan = planAddress();
  const loops = planLoops(out, ins);
  const tiled = ins.length > 0 ? tile(loops, out.size) : null;
  beginLaunch();
  if (tiled === null) {
    launchLoops(program, out, ins, params, compute, loops, plan);
    return;
  }
  launchLoops(program, out, ins, params, compute, tiled.whole, plan);
  if (tiled.rest !== null) launchLoops(program, out, ins, params, compute, tiled.rest, plan);
}

function launchLoops(
  program: MapProgram,
  out: View,
  ins: readonly View[],
  params: readonly number[],
  compute: DTypeInfo,
  loops: Loops,
  plan: number,
): void {
  const along = loops.strides[0] as number[];
  const outputAccess = loops.sizes[0] === 1 || along[0] === out.type.itemsize ? 'unit' : 'strided';
  const inputAccess = ins.map((view, k) => accessOf(along[k + 1] as number, view.type.itemsize));
  const nested = loops.sizes.length > 1 || outputAccess === 'strided' || inputAccess.includes('strided');
  const types = ins.map((view) => view.type.index).join(' ');
  const key = `${types}>${out.type.index} ${compute.index} ${outputAccess} ${inputAccess.join(' ')} ${nested}`;
  let kernel = program.kernels.get(key) as KernelFunction | undefined;
  if (kernel === undefined) {
    kernel = compileKernel(program, out.type, ins, compute, outputAccess, inputAccess, nested);
    program.kernels.set(key, kernel);
  }
  const addresses: number[] = [addressOfView(out) + (loops.starts[0] as number)];
  for (let k = 0; k < ins.length; k++) addresses.push(addressOfView(ins[k] as View) + (loops.starts[k + 1] as number));
  if (!nested) {
    kernel(loops.sizes[0] as number, ...addresses, ...params);
    return;
  }
  writePlan(loops, plan);
  kernel(loops.sizes[0] as number, plan, ...addresses, ...params);
}

/** Writes the plan that `PLAN` describes. */
function writePlan(loops: Loops, address: number): void {
  const { sizes, strides } = loops;
  const inner = strides[0] as number[];
  const operands = inner.length;
  if (PLAN.words(operands, sizes.length - 1) * 4 > PLAN_BYTES) throw new RangeError('an elementwise launch has too many axes and operands');
  const words = heap.i32;
  let at = address >>> 2;
  for (let k = 0; k < operands; k++) words[at++] = inner[k] as number;
  words[at++] = sizes.length - 1;
  for (let loop = 1; loop < sizes.length; loop++) {
    words[at++] = sizes[loop] as number;
    words[at++] = 0;
    const own = strides[loop] as number[];
    const inside = strides[loop - 1] as number[];
    // The inner loop moves pointers of its own: rows start where the loop around them says.
    const rounds = loop === 1 ? 0 : (sizes[loop - 1] as number);
    for (let k = 0; k < operands; k++) words[at++] = (own[k] as number) - (inside[k] as number) * rounds;
  }
}

// ---- complex ----

const NOT_ZERO = new MapProgram(or(ne(arg(0), 0), ne(arg(1), 0)), 2);
const COPY = new MapProgram(IDENTITY, 1);
const ZERO = new MapProgram(constant(0), 0);

/** Copies and casts between complex and other dtypes; complex arithmetic is made of real parts above. */
function mapComplex(program: MapProgram, out: View, ins: readonly View[]): void {
  const input = ins[0];
  if (program.expr !== IDENTITY || input === undefined) {
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
