import type { DType } from '../dtype/dtype.ts';
import { computeTypeOf, itemBytes, loadElement, loadTruth, storeElement } from './element.ts';
import { advance, advanceBy, repeat } from './loops.ts';
import { FunctionBuilder } from './wasm/encoder.ts';

/**
 * The function `gather`: `(out, input, n3, s3, n2, s2, n1, s1, n0, s0)` writes the n3 × n2 × n1 × n0 elements that lie s3, s2, s1 and s0 bytes apart
 * consecutively to `out`, converted from `from` to `to`.
 */
export function gatherFunction(from: DType, to: DType): FunctionBuilder {
  const f = new FunctionBuilder('gather', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [out, input, n3, s3, n2, s2, n1, s1, n0, s0] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const counters = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')] as const;
  const [plane, line, element] = [f.local('i32'), f.local('i32'), f.local('i32')];
  const bytes = itemBytes(to);
  const moveOne = (): void => {
    f.get(out);
    if (to === 'bool') loadTruth(f, from, element);
    else loadElement(f, from, computeTypeOf(to), element);
    storeElement(f, to);
    advanceBy(f, out, bytes);
    advance(f, element, s0);
  };
  const moveLine = (): void => {
    f.get(line).set(element);
    repeat(f, counters[0], n0, moveOne);
  };
  const moveRun = (): void => {
    f.get(out).get(line).get(n0).i32(bytes).op('i32.mul').memoryCopy();
    f.get(out).get(n0).i32(bytes).op('i32.mul').op('i32.add').set(out);
  };
  repeat(f, counters[3], n3, () => {
    f.get(input).set(plane);
    repeat(f, counters[2], n2, () => {
      f.get(plane).set(line);
      repeat(f, counters[1], n1, () => {
        if (from === to) f.get(s0).i32(bytes).op('i32.eq').if(moveRun, moveLine);
        else moveLine();
        advance(f, line, s1);
      });
      advance(f, plane, s2);
    });
    advance(f, input, s3);
  });
  return f;
}
