import type { DType } from '../dtype/dtype.ts';
import { computeTypeOf, itemBytes, loadElement } from './element.ts';
import { advance, advanceBy, repeat } from './loops.ts';
import { FunctionBuilder } from './wasm/encoder.ts';

/** What moves elements of a size unchanged: [load, store]. */
const MOVES = {
  1: ['i32.load8_u', 'i32.store8'],
  2: ['i32.load16_u', 'i32.store16'],
  4: ['i32.load', 'i32.store'],
  8: ['i64.load', 'i64.store'],
} as const;

/**
 * The function `argReduce`: `(values, indices, input, n1, s1, n0, s0, count, step)` finds, for each of n1 × n0 places s1 and s0 bytes apart, the largest or
 * smallest of `count` elements `step` bytes apart: the first of them, or the first NaN. Writes int64 indices and, unless `values` is 0, the elements,
 * both consecutively.
 */
export function argReduceFunction(kind: 'max' | 'min', type: DType): FunctionBuilder {
  const compute = computeTypeOf(type);
  const isFloat = compute === 'f32' || compute === 'f64';
  const bytes = itemBytes(type);
  const f = new FunctionBuilder('argReduce', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
  const [values, indices, input, n1, s1, n0, s0, count, step] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const [i1, i0, place, address, index, found] = [
    f.local('i32'),
    f.local('i32'),
    f.local('i32'),
    f.local('i32'),
    f.local('i32'),
    f.local('i32'),
  ];
  const best = f.local(compute);
  const value = f.local(compute);
  /** Pushes whether `value` takes the place of `best`: for floats also where one of them is NaN. */
  const pushBetter = (): void => {
    f.get(value).get(best);
    if (isFloat) f.op(kind === 'max' ? `${compute}.le` : `${compute}.ge`).op('i32.eqz');
    else f.op(kind === 'max' ? `${compute}.gt_s` : `${compute}.lt_s`);
  };
  const find = (): void => {
    f.get(place).set(address).i32(0).set(index).i32(0).set(found);
    loadElement(f, type, compute, address);
    f.set(best);
    f.block((done) => {
      // Nothing beats a NaN, so the search ends at the first one.
      if (isFloat) f.get(best).get(best).op(`${compute}.ne`).brIf(done);
      f.loop((next) => {
        f.get(index).i32(1).op('i32.add').tee(index).get(count).op('i32.ge_u').brIf(done);
        advance(f, address, step);
        loadElement(f, type, compute, address);
        f.set(value);
        pushBetter();
        f.op('i32.eqz').brIf(next);
        f.get(value).set(best).get(index).set(found);
        if (isFloat) f.get(value).get(value).op(`${compute}.ne`).brIf(done);
        f.br(next);
      });
    });
  };
  repeat(f, i1, n1, () => {
    f.get(input).set(place);
    repeat(f, i0, n0, () => {
      find();
      f.get(indices).get(found).op('i64.extend_i32_u').store('i64.store');
      advanceBy(f, indices, 8);
      f.get(values).if(() => {
        const [load, store] = MOVES[bytes as keyof typeof MOVES];
        f.get(values).get(place).get(found).get(step).op('i32.mul').op('i32.add').load(load).store(store);
        advanceBy(f, values, bytes);
      });
      advance(f, place, s0);
    });
    advance(f, input, s1);
  });
  return f;
}
