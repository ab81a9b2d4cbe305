import type { DType } from '../dtype/dtype.ts';
import { computeTypeOf, itemBytes, loadElement, storeElement } from './element.ts';
import { advance, advanceBy, repeat } from './loops.ts';
import { FunctionBuilder, type Local } from './wasm/encoder.ts';

/** What happens to the elements that indices name: they are fetched, replaced, or added to. */
export type IndexedMove = 'gather' | 'set' | 'add';

const VECTOR_BYTES = 16;

/** One loop: how often, and the bytes that each of the three sides steps. */
interface Level {
  readonly count: Local;
  readonly near: Local;
  readonly far: Local;
  readonly index: Local;
}

/**
 * The function `move`: `(near, far, index, size, step, n2, a2, b2, i2, n1, a1, b1, i1, n0, a0, b0, i0)` goes over n2 × n1 × n0 positions, which lie a
 * bytes apart on the near side, b on the far side and i among the int64 indices. An index leads `step` bytes further on the far side for each unit;
 * negative ones count from `size`. All are known to be in range. `type` is a carrier of the elements' size, or for `add` their dtype.
 */
export function indexedFunction(mode: IndexedMove, type: DType): FunctionBuilder {
  const f = new FunctionBuilder('move', Array(17).fill('i32'));
  const [near, far, index, size, step] = [0, 1, 2, 3, 4];
  const level = (first: number): Level => ({ count: first, near: first + 1, far: first + 2, index: first + 3 });
  const [outer, middle, inner] = [level(5), level(9), level(13)];
  const counters = [f.local('i32'), f.local('i32'), f.local('i32')] as const;
  const [near1, far1, index1, near0, far0, index0, place] = f.localsOf('i32', 7);
  const bytes = itemBytes(type);

  /** place = base + index · step, where a negative index counts from the end. */
  const findPlace = (base: Local): void => {
    f.get(index0).load('i32.load').tee(place);
    f.get(place).i32(31).op('i32.shr_s').get(size).op('i32.and').op('i32.add');
    f.get(step).op('i32.mul').get(base).op('i32.add').set(place);
  };
  const moveOne = (): void => {
    const [to, from] = mode === 'gather' ? [near0, place] : [place, near0];
    f.get(to);
    if (mode === 'add') loadElement(f, type, computeTypeOf(type), to);
    loadElement(f, type, computeTypeOf(type), from);
    if (mode === 'add') f.op(`${computeTypeOf(type)}.add`);
    storeElement(f, type);
  };
  /** Every element has its own index. */
  const moveEach = (): void => {
    repeat(f, counters[0], inner.count, () => {
      findPlace(far0);
      moveOne();
      advance(f, near0, inner.near);
      advance(f, far0, inner.far);
      advance(f, index0, inner.index);
    });
  };
  const moveSteps = (): void => {
    repeat(f, counters[0], inner.count, () => {
      moveOne();
      advance(f, near0, inner.near);
      advance(f, place, inner.far);
    });
  };
  /** One index for a row that lies in one piece on both sides. */
  const moveRun = (): void => {
    if (mode !== 'add') {
      const [to, from] = mode === 'gather' ? [near0, place] : [place, near0];
      f.get(to).get(from).get(inner.count).i32(bytes).op('i32.mul').memoryCopy();
      return;
    }
    if (type === 'float32' || type === 'float64')
      addVectors(f, type === 'float32' ? 'f32x4.add' : 'f64x2.add', {
        near: near0,
        place,
        counter: counters[0],
        count: inner.count,
        bytes,
      });
    // What is left over; the counter starts from what the vectors did not take.
    const rest = f.local('i32');
    if (type === 'float32' || type === 'float64')
      f.get(inner.count)
        .i32(VECTOR_BYTES / bytes - 1)
        .op('i32.and')
        .set(rest);
    else f.get(inner.count).set(rest);
    repeat(f, counters[0], rest, () => {
      moveOne();
      advanceBy(f, near0, bytes);
      advanceBy(f, place, bytes);
    });
  };
  const moveRow = (): void => {
    findPlace(far0);
    f.get(inner.near).i32(bytes).op('i32.eq').get(inner.far).i32(bytes).op('i32.eq').op('i32.and');
    f.if(moveRun, moveSteps);
  };

  repeat(f, counters[2], outer.count, () => {
    f.get(near).set(near1).get(far).set(far1).get(index).set(index1);
    repeat(f, counters[1], middle.count, () => {
      f.get(near1).set(near0).get(far1).set(far0).get(index1).set(index0);
      f.get(inner.index).if(moveEach, moveRow);
      advance(f, near1, middle.near);
      advance(f, far1, middle.far);
      advance(f, index1, middle.index);
    });
    advance(f, near, outer.near);
    advance(f, far, outer.far);
    advance(f, index, outer.index);
  });
  return f;
}

/** Adds whole vectors of the near row to the far one, and moves both on. */
function addVectors(
  f: FunctionBuilder,
  add: 'f32x4.add' | 'f64x2.add',
  {
    near,
    place,
    counter,
    count,
    bytes,
  }: { readonly near: Local; readonly place: Local; readonly counter: Local; readonly count: Local; readonly bytes: number },
): void {
  const vectors = f.local('i32');
  f.get(count)
    .i32(Math.log2(VECTOR_BYTES / bytes))
    .op('i32.shr_u')
    .set(vectors);
  repeat(f, counter, vectors, () => {
    f.get(place).get(place).load('v128.load', 0, 2).get(near).load('v128.load', 0, 2).op(add).store('v128.store', 0, 2);
    advanceBy(f, near, VECTOR_BYTES);
    advanceBy(f, place, VECTOR_BYTES);
  });
}

/**
 * The function `outside`: `(index, low, limit, n2, i2, n1, i1, n0, i0)` says whether one of the n2 × n1 × n0 int64 indices, i bytes apart, is below `low` or
 * not below `low + limit`.
 */
export function outsideFunction(): FunctionBuilder {
  const f = new FunctionBuilder('outside', Array(9).fill('i32'), ['i32']);
  const [index, low, limit, n2, i2, n1, i1, n0, i0] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const counters = [f.local('i32'), f.local('i32'), f.local('i32')] as const;
  const [line, element, found] = [f.local('i32'), f.local('i32'), f.local('i32')];
  repeat(f, counters[2], n2, () => {
    f.get(index).set(line);
    repeat(f, counters[1], n1, () => {
      f.get(line).set(element);
      repeat(f, counters[0], n0, () => {
        f.get(element).load('i64.load').get(low).op('i64.extend_i32_s').op('i64.sub');
        f.get(limit).op('i64.extend_i32_u').op('i64.ge_u').get(found).op('i32.or').set(found);
        advance(f, element, i0);
      });
      advance(f, line, i1);
    });
    advance(f, index, i2);
  });
  f.get(found);
  return f;
}
