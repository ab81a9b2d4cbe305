import { type DTypeInfo, FLOAT32 } from '../dtype/dtype.ts';
import { backend } from '../runtime/backend.ts';
import { heap } from '../runtime/heap.ts';
import { defaultGenerator, type Generator, type HalfOption, type NumberArray } from '../runtime/random.ts';
import { addressOf, beginLaunch } from '../runtime/storage.ts';
import { draw } from '../tensor/draw.ts';
import { IDENTITY } from '../tensor/identity.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { DTypeError } from '../util/errors.ts';
import { emptyTensor } from './create.ts';

/** Random numbers into the elements of tensors. */

/** A typed array over the elements of a contiguous tensor, for the length of a fill. */
export function elementsIn(x: Tensor): NumberArray | BigInt64Array {
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
  if (array === undefined) throw new DTypeError(`random draws are not defined for dtype ${x.dtype}`);
  return array.subarray(start, start + x.size) as NumberArray | BigInt64Array;
}

/** Draws numbers into an array. */
export type Fill = (generator: Generator, out: never, options: HalfOption & { bool?: boolean }) => unknown;

/** Fills a contiguous tensor; half types are drawn as float32 rounded by the draw itself. */
export function fillContiguous(x: Tensor, generator: Generator | null | undefined, fill: Fill): void {
  const source = generator ?? defaultGenerator;
  if (x.type.name === 'float16' || x.type.name === 'bfloat16') {
    const wide = emptyTensor(x.shape, FLOAT32);
    fill(source, elementsIn(wide) as never, { half: x.type.name });
    backend().map(IDENTITY.program, x, [wide], [], x.type);
  } else fill(source, elementsIn(x) as never, { bool: x.type.name === 'bool' });
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
