import { type DType, dtypeInfo } from '../dtype/dtype.ts';
import { FunctionBuilder, type Local } from './wasm/encoder.ts';

/** The types that kernels accumulate in. */
export type ComputeType = 'f32' | 'f64' | 'i32' | 'i64';

/** How many bytes a value of each compute type has in memory. */
export const COMPUTE_BYTES: Record<ComputeType, number> = { f32: 4, f64: 8, i32: 4, i64: 8 };

/** The vector shape that holds values of each compute type. */
export const VECTOR_SHAPE = { f32: 'f32x4', f64: 'f64x2', i32: 'i32x4', i64: 'i64x2' } as const;

/** How many values of each compute type a vector holds. */
export const LANES: Record<ComputeType, number> = { f32: 4, f64: 2, i32: 4, i64: 2 };

/** The type that kernels with results of a real dtype accumulate in. */
export function computeTypeOf(type: DType): ComputeType {
  if (type === 'float64') return 'f64';
  if (type === 'int64') return 'i64';
  return type === 'float32' || type === 'float16' || type === 'bfloat16' ? 'f32' : 'i32';
}

/** Whether values of a dtype lie in memory just as its compute type does. */
export function isNative(type: DType): boolean {
  return type === 'float32' || type === 'float64' || type === 'int32' || type === 'int64';
}

/** float16 bits to f32: scaling by 2^112 moves the exponent and normalises subnormals exactly; what lands at 2^16 or above was infinite or NaN. */
const halfToFloat = new FunctionBuilder('halfToFloat', ['i32'], ['f32'], false);
{
  const f = halfToFloat;
  const value = f.local('f32');
  f.get(0)
    .i32(0x7fff)
    .op('i32.and')
    .i32(13)
    .op('i32.shl')
    .op('f32.reinterpret_i32')
    .f32(2 ** 112)
    .op('f32.mul')
    .set(value);
  f.get(value).op('i32.reinterpret_f32');
  f.i32(0x7f800000).i32(0).get(value).f32(65536).op('f32.ge').op('select').op('i32.or');
  f.get(0).i32(0x8000).op('i32.and').i32(16).op('i32.shl').op('i32.or').op('f32.reinterpret_i32');
}

/** The same for the vector on the stack: four lanes, each with float16 bits in its low half. Not a function, since calls cost more. */
function halvesToFloats(f: FunctionBuilder): void {
  const bits = f.local('v128');
  const value = f.local('v128');
  f.tee(bits)
    .i32x4(0x7fff)
    .op('v128.and')
    .i32(13)
    .op('i32x4.shl')
    .f32x4(2 ** 112)
    .op('f32x4.mul')
    .tee(value);
  f.get(value).f32x4(65536).op('f32x4.ge').i32x4(0x7f800000).op('v128.and').op('v128.or');
  f.get(bits).i32x4(0x8000).op('v128.and').i32(16).op('i32x4.shl').op('v128.or');
}

/**
 * f32 to float16 bits, to nearest even. Adding a power of two whose unit in the last place is that of the result rounds subnormals; normal
 * numbers round by adding just under half a unit to the bits, plus the lowest bit that stays.
 */
const floatToHalf = new FunctionBuilder('floatToHalf', ['f32'], ['i32'], false);
{
  const f = floatToHalf;
  const bits = f.local('i32');
  f.get(0).op('f32.abs').op('i32.reinterpret_f32').set(bits);
  f.get(0).op('i32.reinterpret_f32').i32(16).op('i32.shr_u').i32(0x8000).op('i32.and');
  const nan = (): FunctionBuilder => f.i32(0x7e00);
  const isLarge = (): FunctionBuilder => f.i32(0x7c00);
  const isSubnormal = (): FunctionBuilder =>
    f.get(0).op('f32.abs').f32(0.5).op('f32.add').op('i32.reinterpret_f32').i32(0x3f000000).op('i32.sub');
  const isNormal = (): FunctionBuilder =>
    f
      .get(bits)
      .i32(0xfff - (112 << 23))
      .op('i32.add')
      .get(bits)
      .i32(13)
      .op('i32.shr_u')
      .i32(1)
      .op('i32.and')
      .op('i32.add')
      .i32(13)
      .op('i32.shr_u');
  f.get(bits).i32(0x7f800000).op('i32.gt_u');
  f.if(
    nan,
    () => {
      f.get(bits).i32(0x477ff000).op('i32.ge_u');
      f.if(
        isLarge,
        () => {
          f.get(bits)
            .i32(113 << 23)
            .op('i32.lt_u')
            .if(isSubnormal, isNormal, 'i32');
        },
        'i32',
      );
    },
    'i32',
  );
  f.op('i32.or');
}

/** f32 to bfloat16 bits, to nearest even. */
const floatToBfloat = new FunctionBuilder('floatToBfloat', ['f32'], ['i32'], false);
{
  const f = floatToBfloat;
  const bits = f.local('i32');
  f.get(0).op('i32.reinterpret_f32').set(bits);
  f.get(0)
    .get(0)
    .op('f32.ne')
    .if(
      () => f.i32(0x7fc0),
      () =>
        f.get(bits).i32(0x7fff).op('i32.add').get(bits).i32(16).op('i32.shr_u').i32(1).op('i32.and').op('i32.add').i32(16).op('i32.shr_u'),
      'i32',
    );
}

/** Pushes the element at `address` + `offset` as the type that WebAssembly loads it as, which is returned. */
function loadRaw(f: FunctionBuilder, type: DType, address: Local, offset: number): ComputeType {
  f.get(address);
  switch (type) {
    case 'float32':
      f.load('f32.load', offset);
      return 'f32';
    case 'float64':
      f.load('f64.load', offset);
      return 'f64';
    case 'int64':
      f.load('i64.load', offset);
      return 'i64';
    case 'int32':
      f.load('i32.load', offset);
      return 'i32';
    case 'int16':
      f.load('i32.load16_s', offset);
      return 'i32';
    case 'int8':
      f.load('i32.load8_s', offset);
      return 'i32';
    case 'uint8':
    case 'bool':
      f.load('i32.load8_u', offset);
      return 'i32';
    case 'float16':
      f.load('i32.load16_u', offset).call(halfToFloat);
      return 'f32';
    case 'bfloat16':
      f.load('i32.load16_u', offset).i32(16).op('i32.shl').op('f32.reinterpret_i32');
      return 'f32';
    default:
      throw new TypeError(`kernels load complex numbers as pairs, not as ${type}`);
  }
}

/** Converts the value on the stack; float to integer truncates and saturates. */
export function convert(f: FunctionBuilder, from: ComputeType, to: ComputeType): void {
  if (from === to) return;
  const isInteger = from === 'i32' || from === 'i64';
  if (to === 'f32') f.op(from === 'f64' ? 'f32.demote_f64' : `f32.convert_${from as 'i32' | 'i64'}_s`);
  else if (to === 'f64') f.op(from === 'f32' ? 'f64.promote_f32' : `f64.convert_${from as 'i32' | 'i64'}_s`);
  else if (to === 'i32') f.op(isInteger ? 'i32.wrap_i64' : `i32.trunc_sat_${from as 'f32' | 'f64'}_s`);
  else f.op(isInteger ? 'i64.extend_i32_s' : `i64.trunc_sat_${from as 'f32' | 'f64'}_s`);
}

/** Pushes the element of a real dtype at `address` + `offset`, converted to `to`. */
export function loadElement(f: FunctionBuilder, type: DType, to: ComputeType, address: Local, offset = 0): void {
  convert(f, loadRaw(f, type, address, offset), to);
}

/** Pushes 1 where the element is not zero (NaN is not zero), else 0, as an i32. */
export function loadTruth(f: FunctionBuilder, type: DType, address: Local, offset = 0): void {
  switch (loadRaw(f, type, address, offset)) {
    case 'f32':
      f.f32(0).op('f32.ne');
      return;
    case 'f64':
      f.f64(0).op('f64.ne');
      return;
    case 'i64':
      f.i64(0).op('i64.ne');
      return;
    case 'i32':
      if (type !== 'bool') f.i32(0).op('i32.ne');
      return;
  }
}

/** Stores the compute value on the stack, under which its address lies, as an element of `type`. */
export function storeElement(f: FunctionBuilder, type: DType, offset = 0): void {
  switch (type) {
    case 'float32':
      f.store('f32.store', offset);
      return;
    case 'float64':
      f.store('f64.store', offset);
      return;
    case 'int64':
      f.store('i64.store', offset);
      return;
    case 'int32':
      f.store('i32.store', offset);
      return;
    case 'int16':
      f.store('i32.store16', offset);
      return;
    case 'int8':
    case 'uint8':
      f.store('i32.store8', offset);
      return;
    case 'bool':
      f.i32(0).op('i32.ne').store('i32.store8', offset);
      return;
    case 'float16':
      f.call(floatToHalf).store('i32.store16', offset);
      return;
    case 'bfloat16':
      f.call(floatToBfloat).store('i32.store16', offset);
      return;
    default:
      throw new TypeError(`kernels store complex numbers as pairs, not as ${type}`);
  }
}

/** Pushes as many consecutive elements as a vector of `to` holds, converted. */
export function loadVector(f: FunctionBuilder, type: DType, to: ComputeType, address: Local, offset = 0): void {
  if (!loadVectorDirectly(f, type, to, address, offset))
    loadLaneByLane(f, to, (lane, itemsize) => loadElement(f, type, to, address, offset + lane * itemsize), type);
}

/** `loadTruth` for four consecutive elements. */
export function loadTruthVector(f: FunctionBuilder, type: DType, address: Local, offset = 0): void {
  if (type === 'float64' || type === 'int64') {
    loadLaneByLane(f, 'i32', (lane, itemsize) => loadTruth(f, type, address, offset + lane * itemsize), type);
    return;
  }
  const compute = computeTypeOf(type);
  loadVector(f, type, compute, address, offset);
  if (type === 'bool') return;
  if (compute === 'f32') f.f32x4(0).op('f32x4.ne');
  else f.i32x4(0).op('i32x4.ne');
  f.op('i32x4.neg');
}

/** How many bytes an element of a real dtype has. */
export function itemBytes(type: DType): number {
  const { isComplex, itemsize } = dtypeInfo(type);
  if (isComplex) throw new TypeError(`kernels take complex numbers as pairs, not ${type}`);
  return itemsize;
}

function loadLaneByLane(f: FunctionBuilder, to: ComputeType, load: (lane: number, itemsize: number) => void, type: DType): void {
  const shape = VECTOR_SHAPE[to];
  const itemsize = itemBytes(type);
  load(0, itemsize);
  f.op(`${shape}.splat`);
  for (let lane = 1; lane < LANES[to]; lane++) {
    load(lane, itemsize);
    f.lane(`${shape}.replace_lane`, lane);
  }
}

/** Pushes consecutive elements where one or two vector instructions convert them; false, and nothing pushed, where none do. */
export function loadVectorDirectly(f: FunctionBuilder, type: DType, to: ComputeType, address: Local, offset: number): boolean {
  if (isNative(type) && computeTypeOf(type) === to) {
    f.get(address).load('v128.load', offset, Math.log2(itemBytes(type)));
    return true;
  }
  switch (to) {
    case 'f32':
      if (type === 'float16') halvesToFloats(f.get(address).load('v128.load16x4_u', offset, 1));
      else if (type === 'bfloat16') f.get(address).load('v128.load16x4_u', offset, 1).i32(16).op('i32x4.shl');
      else if (type === 'int32') f.get(address).load('v128.load', offset, 2).op('f32x4.convert_i32x4_s');
      else if (type === 'float64')
        f.get(address)
          .load('v128.load', offset, 3)
          .op('f32x4.demote_f64x2_zero')
          .get(address)
          .load('v128.load', offset + 16, 3)
          .op('f32x4.demote_f64x2_zero')
          .shuffle64(0, 2);
      else if (loadSmallIntegers(f, type, address, offset)) f.op('f32x4.convert_i32x4_s');
      else return false;
      return true;
    case 'f64':
      if (type === 'float32') f.get(address).load('v128.load64_zero', offset, 2).op('f64x2.promote_low_f32x4');
      else if (type === 'int32') f.get(address).load('v128.load64_zero', offset, 2).op('f64x2.convert_low_i32x4_s');
      else return false;
      return true;
    case 'i32':
      if (type === 'int64')
        f.get(address)
          .load('v128.load', offset, 3)
          .get(address)
          .load('v128.load', offset + 16, 3)
          .shuffle32(0, 2, 4, 6);
      else if (type === 'float32') f.get(address).load('v128.load', offset, 2).op('i32x4.trunc_sat_f32x4_s');
      else return loadSmallIntegers(f, type, address, offset);
      return true;
    case 'i64':
      return loadWideIntegers(f, type, address, offset);
  }
}

/** Four integers of 8 or 16 bits as i32x4; `load` takes the bytes of those of 8 bits. */
function loadSmallIntegers(
  f: FunctionBuilder,
  type: DType,
  address: Local,
  offset: number,
  load: 'v128.load32_zero' | 'v128.load16_splat' = 'v128.load32_zero',
): boolean {
  if (type === 'int16') f.get(address).load('v128.load16x4_s', offset, 1);
  else if (type === 'int8') f.get(address).load(load, offset, 0).op('i16x8.extend_low_i8x16_s').op('i32x4.extend_low_i16x8_s');
  else if (type === 'uint8' || type === 'bool')
    f.get(address).load(load, offset, 0).op('i16x8.extend_low_i8x16_u').op('i32x4.extend_low_i16x8_u');
  else return false;
  return true;
}

/** Two integers of up to 32 bits as i64x2. */
function loadWideIntegers(f: FunctionBuilder, type: DType, address: Local, offset: number): boolean {
  if (type === 'int32') f.get(address).load('v128.load32x2_s', offset, 2);
  else if (type === 'int16')
    f.get(address).load('v128.load32_zero', offset, 1).op('i32x4.extend_low_i16x8_s').op('i64x2.extend_low_i32x4_s');
  else if (loadSmallIntegers(f, type, address, offset, 'v128.load16_splat'))
    f.op(type === 'int8' ? 'i64x2.extend_low_i32x4_s' : 'i64x2.extend_low_i32x4_u');
  else return false;
  return true;
}
