import { type DTypeInfo, dtypeInfo } from '../../src/dtype/dtype.ts';
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from '../../src/dtype/half.ts';
import { heap } from '../../src/runtime/heap.ts';
import { addressOf, allocate } from '../../src/runtime/storage.ts';
import type { View } from '../../src/runtime/view.ts';
import { type Expr, evaluate, evaluateInteger, wrapInteger } from '../../src/scalar/expr.ts';

/** A view of fresh storage with room for every offset that the strides reach. */
export function makeView(type: DTypeInfo, shape: readonly number[], strides?: readonly number[], offset = 0): View {
  let size = 1;
  const dense: number[] = new Array(shape.length).fill(0);
  for (let d = shape.length - 1; d >= 0; d--) {
    dense[d] = size;
    size *= shape[d]!;
  }
  const own = strides ?? dense;
  let low = 0;
  let high = 0;
  for (let d = 0; d < shape.length; d++) {
    const reach = own[d]! * (shape[d]! - 1);
    if (reach < 0) low += reach;
    else high += reach;
  }
  const first = offset - low;
  const storage = allocate(Math.max(1, first + high + 1) * type.itemsize);
  const rowMajor = size <= 1 || shape.every((n, d) => n === 1 || own[d] === dense[d]);
  return { storage, offset: first, shape, strides: own, type, size, rowMajor };
}

/** The element offsets of a view in row-major order. */
export function offsets(view: View): number[] {
  let all = [view.offset];
  for (let d = 0; d < view.shape.length; d++) {
    all = all.flatMap((o) => Array.from({ length: view.shape[d]! }, (_, i) => o + i * view.strides[d]!));
  }
  return all;
}

export function read(type: DTypeInfo, address: number, index: number): number | bigint {
  const at = address / type.itemsize + index;
  switch (type.name) {
    case 'float32':
      return heap.f32[at]!;
    case 'float64':
      return heap.f64[at]!;
    case 'int64':
      return heap.i64[at]!;
    case 'int32':
      return heap.i32[at]!;
    case 'int16':
      return heap.i16[at]!;
    case 'int8':
      return heap.i8[at]!;
    case 'float16':
      return float16ToNumber(heap.u16[at]!);
    case 'bfloat16':
      return bfloat16ToNumber(heap.u16[at]!);
    default:
      return heap.u8[at]!;
  }
}

export function write(type: DTypeInfo, address: number, index: number, value: number | bigint): void {
  const at = address / type.itemsize + index;
  switch (type.name) {
    case 'float32':
      heap.f32[at] = Number(value);
      break;
    case 'float64':
      heap.f64[at] = Number(value);
      break;
    case 'int64':
      heap.i64[at] = BigInt(value);
      break;
    case 'int32':
      heap.i32[at] = Number(value);
      break;
    case 'int16':
      heap.i16[at] = Number(value);
      break;
    case 'int8':
      heap.i8[at] = Number(value);
      break;
    case 'float16':
      heap.u16[at] = numberToFloat16(Number(value));
      break;
    case 'bfloat16':
      heap.u16[at] = numberToBfloat16(Number(value));
      break;
    default:
      heap.u8[at] = Number(value);
  }
}

export function fill(view: View, values: readonly (number | bigint)[]): View {
  const address = addressOf(view.storage);
  offsets(view).forEach((o, i) => {
    write(view.type, address, o, values[i % values.length]!);
  });
  return view;
}

export function toArray(view: View): (number | bigint)[] {
  const address = addressOf(view.storage);
  return offsets(view).map((o) => read(view.type, address, o));
}

function truncate(x: number, type: DTypeInfo): bigint {
  const limit = type.itemsize <= 4 ? 2 ** 31 : 2 ** 63;
  if (Number.isNaN(x)) return 0n;
  if (x >= limit) return BigInt(limit) - 1n;
  return x < -limit ? -BigInt(limit) : BigInt(Math.trunc(x));
}

/** Converts a value as loads and stores do. */
export function convert(value: number | bigint, to: DTypeInfo): number | bigint {
  if (to.kind === 'bool') return Number(value) !== 0 ? 1 : 0;
  if (to.kind === 'int') {
    const whole = typeof value === 'bigint' ? value : truncate(value, to);
    const wrapped = wrapInteger(whole, to);
    return to.name === 'int64' ? wrapped : Number(wrapped);
  }
  const float = Number(value);
  switch (to.name) {
    case 'float32':
      return Math.fround(float);
    case 'float16':
      return float16ToNumber(numberToFloat16(Math.fround(float)));
    case 'bfloat16':
      return bfloat16ToNumber(numberToBfloat16(float));
    default:
      return float;
  }
}

/** What a launch must give at one place, from the operands as they are stored. */
export function expected(
  expr: Expr,
  operands: readonly (number | bigint)[],
  params: readonly number[],
  compute: DTypeInfo,
  output: DTypeInfo,
): number | bigint {
  // The half types are computed in float32: rounding to them happens on the way to memory only.
  const inner = compute.itemsize === 2 && compute.isFloat ? dtypeInfo('float32') : compute;
  if (inner.isFloat) {
    const loaded = operands.map((v) => Number(convert(v, inner)));
    return convert(evaluate(expr, loaded, params, inner), output);
  }
  const loaded = operands.map((v) => BigInt(convert(v, inner)));
  return convert(evaluateInteger(expr, loaded, params, inner), output);
}
