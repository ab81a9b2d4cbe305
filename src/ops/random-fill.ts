import { type DTypeInfo, FLOAT32 } from '../dtype/dtype.ts';
import { backend } from '../runtime/backend.ts';
import { heap } from '../runtime/heap.ts';
import { defaultGenerator, type Generator, type HalfOption, type NumberArray } from '../runtime/random.ts';
import { recording } from '../runtime/recorder.ts';
import { addressOf, beginLaunch } from '../runtime/storage.ts';
import type { View } from '../runtime/view.ts';
import { draw } from '../tensor/draw.ts';
import { IDENTITY } from '../tensor/identity.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { DTypeError } from '../util/errors.ts';
import { emptyTensor } from './create.ts';

/** Random numbers into the elements of tensors. */

/** Has `write` fill the elements of a contiguous tensor: it gets a typed array over them, and asks the generator for all that it writes. */
export function fillElements<A extends NumberArray | BigInt64Array>(x: View, write: (elements: A) => unknown): void {
  fillView(x, (target) => void write(elementsIn(target) as A));
}

/** Has `write` fill a contiguous tensor, now and in each later run of what is recorded. */
export function fillView(x: View, write: (target: View) => void): void {
  if (recording.by === null) write(x);
  else recording.by.fill(x, write);
}

function elementsIn(x: View): NumberArray | BigInt64Array {
  beginLaunch();
  const start = (addressOf(x.storage) + x.offset * x.type.itemsize) / x.type.itemsize;
  const arrays: Record<string, NumberArray | BigInt64Array> = {
    float32: heap.f32,
    float64: heap.f64,
    int64: heap.i64,
    int32: heap.i32,
    int16: heap.i16,
    int8: heap.i8,
    uint8: heap.u8,
    bool: heap.u8,
  };
  const array = arrays[x.type.name];
  if (array === undefined) throw new DTypeError(`random draws are not defined for dtype ${x.type.name}`);
  return array.subarray(start, start + x.size) as NumberArray | BigInt64Array;
}

/** Draws numbers into an array. */
export type Fill = (generator: Generator, out: never, options: HalfOption & { bool?: boolean }) => unknown;

/** Fills a contiguous tensor; half types are drawn as float32 rounded by the draw itself. */
export function fillContiguous(x: Tensor, generator: Generator | null | undefined, fill: Fill): void {
  const source = generator ?? defaultGenerator;
  if (x.type.name === 'float16' || x.type.name === 'bfloat16') {
    const wide = emptyTensor(x.shape, FLOAT32);
    const half = x.type.name;
    fillElements(wide, (elements) => fill(source, elements as never, { half }));
    backend().map(IDENTITY.program, x, [wide], [], x.type);
  } else {
    const bool = x.type.name === 'bool';
    fillElements(x, (elements) => fill(source, elements as never, { bool }));
  }
}

/** A new tensor that `fill` fills; under vmap one for each member of the batch, or one for all. */
export function filled(
  name: string,
  shape: readonly number[],
  type: DTypeInfo,
  generator: Generator | null | undefined,
  fill: Fill,
): Tensor {
  return draw(name, [], shape, (_inputs, sizes) => {
    const result = emptyTensor(sizes, type);
    fillContiguous(result, generator, fill);
    return result;
  });
}
