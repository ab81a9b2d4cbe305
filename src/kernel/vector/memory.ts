/** Vectors from and to memory, with conversion between the storage dtype and the compute dtype. */
import type { DTypeInfo } from '../../dtype/dtype.ts';
import type { Expr } from '../../scalar/expr.ts';
import { computeTypeOf, convert, loadElement, loadTruth, loadVectorDirectly, storeElement, VECTOR_SHAPE } from '../element.ts';
import type { FunctionBuilder, Local } from '../wasm/encoder.ts';
import { partOf, type VectorEmitter, type Vectors } from './emitter.ts';
import { LANE_TYPE, type VectorShape, vectorShapeOf } from './shape.ts';

/** Pushes consecutive elements, the first at `address` + `offset`, as a vector of the compute dtype. */
export function loadUnit(e: VectorEmitter, type: DTypeInfo, address: Local, offset: number): void {
  if (!loadUnitDirectly(e, type, address, offset)) {
    loadLanes(e, type, (lane) => ({ address, offset: offset + lane * type.itemsize }));
  }
}

/** Where one lane is. */
export interface LaneAddress {
  readonly address: Local;
  readonly offset: number;
}

/** Pushes a vector of elements that lie anywhere. */
export function loadLanes(e: VectorEmitter, type: DTypeInfo, at: (lane: number) => LaneAddress): void {
  const { f, shape } = e;
  for (let lane = 0; lane < e.lanes; lane++) {
    const { address, offset } = at(lane);
    if (lane > 0 && type.itemsize === laneBytes(e) && storesAsIs(e, type)) {
      loadOneLane(f, type.itemsize, lane, address, offset);
      continue;
    }
    loadLane(e, type, address, offset);
    if (lane === 0) f.op(`${shape}.splat`);
    else f.lane(`${shape}.replace_lane`, lane);
  }
}

/** Replaces one lane of the vector on the stack with an element that needs no conversion. */
function loadOneLane(f: FunctionBuilder, itemsize: number, lane: number, address: Local, offset: number): void {
  const vector = f.local('v128');
  f.set(vector).get(address).get(vector);
  const bits = (itemsize * 8) as 8 | 16 | 32 | 64;
  f.memoryLane(`v128.load${bits}_lane`, lane, offset);
}

/** Pushes an element as one lane's value. */
function loadLane(e: VectorEmitter, type: DTypeInfo, address: Local, offset: number): void {
  const { f } = e;
  if (e.type.kind !== 'bool' || type.kind === 'bool') {
    loadElement(f, type.name, LANE_TYPE[e.shape], address, offset);
    return;
  }
  // Whether it is not 0, before a conversion could cut off a fraction.
  loadTruth(f, type.name, address, offset);
}

/** The local of a constant. */
function constant(vectors: Vectors): Local {
  return partOf(vectors, 0);
}

function laneBytes(e: VectorEmitter): number {
  return 16 / e.lanes;
}

/** Whether elements of a dtype lie in memory as the lanes of the compute dtype do. */
function storesAsIs(e: VectorEmitter, type: DTypeInfo): boolean {
  if (e.type.kind === 'bool') return type.kind === 'bool';
  if (type.name === 'float16' || type.name === 'bfloat16') return false;
  return vectorShapeOf(type) === e.shape;
}

/** Pushes one element in every lane. */
export function loadUniform(e: VectorEmitter, type: DTypeInfo, address: Local): void {
  loadLane(e, type, address, 0);
  e.f.op(`${e.shape}.splat`);
}

/** Pushes the mask of consecutive bool elements where that is shorter than a comparison with 0; else returns false. */
export function loadUnitMask(e: VectorEmitter, type: DTypeInfo, address: Local, offset: number): boolean {
  if (type.kind !== 'bool' || e.maskShape !== 'i32x4') return false;
  e.f.get(address).load('v128.load32_zero', offset, 0);
  e.f.op('i16x8.extend_low_i8x16_u').op('i32x4.extend_low_i16x8_u').op('i32x4.neg');
  return true;
}

function loadUnitDirectly(e: VectorEmitter, type: DTypeInfo, address: Local, offset: number): boolean {
  const { f, shape } = e;
  if (storesAsIs(e, type)) {
    f.get(address).load('v128.load', offset, type.shift);
    return true;
  }
  if (e.type.kind === 'bool') return false;
  if (type.name === 'float16' && shape === 'f32x4') {
    f.get(address).load('v128.load16x4_s', offset, 1);
    f.get(e.withWidth(1, () => partOf(halfToFloat(e, [e.keep()]), 0)));
    return true;
  }
  const lane = LANE_TYPE[shape];
  return VECTOR_SHAPE[lane] === shape && loadVectorDirectly(f, type.name, lane, address, offset);
}

// ---- stores ----

/** Stores a node's value at consecutive elements of dtype `type`. */
export function storeUnit(e: VectorEmitter, type: DTypeInfo, node: Expr, part: number, address: Local, offset: number): void {
  if (storeUnitDirectly(e, type, node, part, address, offset)) return;
  storeLanes(e, type, node, part, (lane) => ({ address, offset: offset + lane * type.itemsize }));
}

/** Stores each lane of a node's value where `at` says. */
export function storeLanes(e: VectorEmitter, type: DTypeInfo, node: Expr, part: number, at: (lane: number) => LaneAddress): void {
  const { f } = e;
  const isBool = type.kind === 'bool';
  const shape = isBool ? e.maskShape : e.shape;
  const vector = partOf(isBool ? e.mask(node) : e.value(node), part);
  for (let lane = 0; lane < e.lanes; lane++) {
    const { address, offset } = at(lane);
    f.get(address).get(vector);
    extractLane(e, shape, lane);
    const scalar = LANE_TYPE[shape];
    if (isBool) {
      if (scalar === 'i64') f.op('i32.wrap_i64');
      f.i32(1).op('i32.and').store('i32.store8', offset);
    } else {
      convert(f, scalar, computeTypeOf(type.name));
      storeElement(f, type.name, offset);
    }
  }
}

function extractLane(e: VectorEmitter, shape: VectorShape, lane: number): void {
  if (shape === 'i16x8' || shape === 'i8x16') e.f.lane(`${shape}.extract_lane_${e.type.isSigned ? 's' : 'u'}`, lane);
  else e.f.lane(`${shape}.extract_lane`, lane);
}

function storeUnitDirectly(e: VectorEmitter, type: DTypeInfo, node: Expr, part: number, address: Local, offset: number): boolean {
  const { f } = e;
  if (type.kind === 'bool') {
    storeMask(e, partOf(e.mask(node), part), address, offset);
    return true;
  }
  if (storesAsIs(e, type)) {
    const value = partOf(e.value(node), part);
    f.get(address).get(value).store('v128.store', offset, type.shift);
    return true;
  }
  if (e.shape === 'f32x4') return storeFloat32(e, type, partOf(e.value(node), part), address, offset);
  if (e.shape === 'i32x4') return storeInt32(e, type, partOf(e.value(node), part), address, offset);
  if (e.shape === 'f64x2' && type.name === 'float32') {
    const value = partOf(e.value(node), part);
    f.get(address).get(value).op('f32x4.demote_f64x2_zero').memoryLane('v128.store64_lane', 0, offset, 2);
    return true;
  }
  if (e.shape === 'i64x2' && type.name === 'int32') {
    const value = partOf(e.value(node), part);
    f.get(address).get(value).get(value).shuffle32(0, 2, 0, 2).memoryLane('v128.store64_lane', 0, offset, 2);
    return true;
  }
  return false;
}

/** Stores the truth of four vectors of four lanes at once, as 16 bytes; false if that is not what there is to store. */
export function storeTruths(e: VectorEmitter, type: DTypeInfo, node: Expr, vectors: number, address: Local): boolean {
  if (type.kind !== 'bool' || vectors !== 4 || e.lanes !== 4) return false;
  const { f } = e;
  const masks = e.mask(node);
  f.get(address);
  f.get(partOf(masks, 0)).get(partOf(masks, 1)).op('i16x8.narrow_i32x4_s');
  f.get(partOf(masks, 2)).get(partOf(masks, 3)).op('i16x8.narrow_i32x4_s').op('i8x16.narrow_i16x8_s');
  f.get(constant(e.splat('i8x16', 1)))
    .op('v128.and')
    .store('v128.store', 0, 0);
  return true;
}

/** Stores an even number of vectors in a half type, two at once; false if that is not what there is to store. */
export function storeHalves(e: VectorEmitter, type: DTypeInfo, node: Expr, vectors: number, address: Local): boolean {
  const narrow = type.name === 'float16' ? floatToHalf : type.name === 'bfloat16' ? floatToBfloat : null;
  if (narrow === null || vectors % 2 !== 0 || e.shape !== 'f32x4') return false;
  const { f } = e;
  const values = e.value(node);
  for (let part = 0; part < vectors; part += 2) {
    const bits = e.withWidth(2, () => narrow(e, [partOf(values, part), partOf(values, part + 1)]));
    f.get(address)
      .get(partOf(bits, 0))
      .get(partOf(bits, 1))
      .op('i16x8.narrow_i32x4_u')
      .store('v128.store', 8 * part, 1);
  }
  return true;
}

/** Stores masks as bytes of 0 or 1. */
function storeMask(e: VectorEmitter, mask: Local, address: Local, offset: number): void {
  const { f } = e;
  f.get(address)
    .get(mask)
    .get(constant(e.splat('i8x16', 1)))
    .op('v128.and');
  if (e.lanes === 16) f.store('v128.store', offset, 0);
  else storeLowBytes(e, 1, offset);
}

/** With address and vector on the stack: stores the low `bytes` bytes of each lane, one after the other. */
function storeLowBytes(e: VectorEmitter, bytes: 1 | 2, offset: number): void {
  const { f } = e;
  const vector = e.keep();
  const order: number[] = [];
  for (let lane = 0; lane < e.lanes; lane++) for (let byte = 0; byte < bytes; byte++) order.push((lane * 16) / e.lanes + byte);
  while (order.length < 16) order.push(0);
  f.get(vector).get(vector).shuffle(order);
  const total = (e.lanes * bytes * 8) as 16 | 32 | 64;
  f.memoryLane(`v128.store${total}_lane`, 0, offset, 0);
}

function storeFloat32(e: VectorEmitter, type: DTypeInfo, value: Local, address: Local, offset: number): boolean {
  const { f } = e;
  switch (type.name) {
    case 'float64':
      f.get(address).get(value).op('f64x2.promote_low_f32x4').store('v128.store', offset, 3);
      f.get(address)
        .get(value)
        .get(value)
        .shuffle32(2, 3, 2, 3)
        .op('f64x2.promote_low_f32x4')
        .store('v128.store', offset + 16, 3);
      return true;
    case 'float16':
      f.get(address).get(e.withWidth(1, () => partOf(floatToHalf(e, [value]), 0)));
      storeLowBytes(e, 2, offset);
      return true;
    case 'bfloat16':
      f.get(address).get(e.withWidth(1, () => partOf(floatToBfloat(e, [value]), 0)));
      storeLowBytes(e, 2, offset);
      return true;
    case 'int32':
      f.get(address).get(value).op('i32x4.trunc_sat_f32x4_s').store('v128.store', offset, 2);
      return true;
    case 'int16':
    case 'int8':
    case 'uint8':
      f.get(address).get(value).op('i32x4.trunc_sat_f32x4_s');
      storeLowBytes(e, type.itemsize as 1 | 2, offset);
      return true;
    default:
      return false;
  }
}

function storeInt32(e: VectorEmitter, type: DTypeInfo, value: Local, address: Local, offset: number): boolean {
  const { f } = e;
  switch (type.name) {
    case 'float32':
      f.get(address).get(value).op('f32x4.convert_i32x4_s').store('v128.store', offset, 2);
      return true;
    case 'int64':
      f.get(address).get(value).op('i64x2.extend_low_i32x4_s').store('v128.store', offset, 3);
      f.get(address)
        .get(value)
        .op('i64x2.extend_high_i32x4_s')
        .store('v128.store', offset + 16, 3);
      return true;
    case 'int16':
    case 'int8':
    case 'uint8':
      f.get(address).get(value);
      storeLowBytes(e, type.itemsize as 1 | 2, offset);
      return true;
    default:
      return false;
  }
}

/** float16 bits, whose sign fills the upper half, as float32. Their exponents become right by a product, which is exact for subnormals too; infinity and NaN have the largest one. */
function halfToFloat(e: VectorEmitter, bits: Vectors): Vectors {
  const small = e.op2('v128.and', e.shift('i32x4.shl', bits, 13), e.splat('i32x4', 0x8fffe000 | 0));
  const value = e.op2('f32x4.mul', small, e.splat('f32x4', 2 ** 112));
  const isLarge = e.op2('f32x4.ge', e.op1('f32x4.abs', value), e.splat('f32x4', 65536));
  return e.op2('v128.or', value, e.op2('v128.and', isLarge, e.splat('i32x4', 0x7f800000)));
}

/**
 * float32 to float16 bits, to nearest even. Adding 2^13 of its own binade, or of the least normal one of float16, rounds a number to the unit of its result, which the low
 * bits of the sum count; the exponent is added above them. What is too large is cut to 65536 before, which becomes infinity.
 */
function floatToHalf(e: VectorEmitter, value: Vectors): Vectors {
  const magnitude = e.op1('f32x4.abs', value);
  const bounded = e.op2('f32x4.pmin', e.splat('f32x4', 65536), magnitude);
  const binade = e.op2('i32x4.max_s', e.op2('v128.and', bounded, e.splat('i32x4', 0x7f800000)), e.splat('i32x4', 113 << 23));
  const sum = e.op2('f32x4.add', bounded, e.op2('i32x4.add', binade, e.splat('i32x4', 13 << 23)));
  const exponent = e.op2('i32x4.sub', binade, e.shift('i32x4.shr_u', binade, 13));
  const rounded = e.op2('i32x4.sub', e.op2('i32x4.sub', sum, e.splat('i32x4', (13 << 23) + (113 << 10))), exponent);
  const sign = e.shift('i32x4.shr_u', e.op2('v128.xor', value, magnitude), 16);
  const quiet = e.op2('v128.and', e.op2('f32x4.ne', value, value), e.splat('i32x4', 0x200));
  return e.op2('v128.or', e.op2('v128.or', rounded, sign), quiet);
}

/** float32 to bfloat16 bits, to nearest even. */
function floatToBfloat(e: VectorEmitter, value: Vectors): Vectors {
  const odd = e.op2('v128.and', e.shift('i32x4.shr_u', value, 16), e.splat('i32x4', 1));
  const rounded = e.shift('i32x4.shr_u', e.op2('i32x4.add', e.op2('i32x4.add', value, e.splat('i32x4', 0x7fff)), odd), 16);
  return e.select(e.op2('f32x4.ne', value, value), e.splat('i32x4', 0x7fc0), rounded);
}
