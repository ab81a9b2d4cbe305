import type { DType } from '../dtype/dtype.ts';
import { type ComputeType, computeTypeOf, loadElement, storeElement } from './element.ts';
import { advance, repeat } from './loops.ts';
import { mathImport } from './math-imports.ts';
import { FunctionBuilder, type Local } from './wasm/encoder.ts';

/** How a scan combines elements. */
export type ScanCombination = 'sum' | 'prod' | 'max' | 'min' | 'logaddexp';

/** What a running combination is kept in: float32 sums in float64, as in PyTorch, so that long scans stay accurate. */
function accumulatorOf(kind: ScanCombination, out: DType): ComputeType {
  const keeps = kind === 'max' || kind === 'min';
  return out === 'float32' && !keeps ? 'f64' : computeTypeOf(out);
}

function convertFloat(f: FunctionBuilder, from: ComputeType, to: ComputeType): void {
  if (from === 'f32' && to === 'f64') f.op('f64.promote_f32');
  else if (from === 'f64' && to === 'f32') f.op('f32.demote_f64');
}

/**
 * `(x, y) → log(exp(x) + exp(y))`, which is max + log1p(exp(min - max)). Where both are the same infinity the difference would be NaN: the result is
 * that infinity.
 */
const logAddExp = new FunctionBuilder('logAddExp', ['f64', 'f64'], ['f64'], false);
{
  const f = logAddExp;
  const [x, y] = [0, 1];
  const low = f.local('f64');
  const high = f.local('f64');
  f.get(x).get(y).op('f64.min').set(low).get(x).get(y).op('f64.max').set(high);
  f.get(low).get(high).op('f64.eq').get(low).op('f64.abs').f64(Number.POSITIVE_INFINITY).op('f64.eq').op('i32.and');
  f.if(
    () => f.get(x),
    () => f.get(low).get(high).op('f64.sub').call(mathImport('exp', 1)).call(mathImport('log1p', 1)).get(high).op('f64.add'),
    'f64',
  );
}

/** accumulator = accumulator combined with value. */
function combine(f: FunctionBuilder, kind: ScanCombination, type: ComputeType, accumulator: Local, value: Local): void {
  f.get(accumulator);
  convertForLog(f, kind, type);
  f.get(value);
  convertForLog(f, kind, type);
  if (kind === 'sum') f.op(`${type}.add`);
  else if (kind === 'prod') f.op(`${type}.mul`);
  else {
    f.call(logAddExp);
    convertFloat(f, 'f64', type);
  }
  f.set(accumulator);
}

function convertForLog(f: FunctionBuilder, kind: ScanCombination, type: ComputeType): void {
  if (kind === 'logaddexp') convertFloat(f, type, 'f64');
}

/** Pushes whether the value becomes the running max or min: also if it equals it, or is NaN. */
function pushTakes(f: FunctionBuilder, kind: ScanCombination, type: ComputeType, accumulator: Local, value: Local): void {
  const isFloat = type === 'f32' || type === 'f64';
  const compares = kind === 'max' ? 'ge' : 'le';
  if (type === 'f32' || type === 'f64') f.get(value).get(accumulator).op(`${type}.${compares}`);
  else f.get(value).get(accumulator).op(`${type}.${compares}_s`);
  if (isFloat) f.get(value).get(value).op(`${type}.ne`).op('i32.or');
}

/**
 * The function `scan`: `(out, indices, input, n1, o1, x1, s1, n0, o0, x0, s0, count, o, x, s)` scans n1 × n0 lines of `count` elements. The steps of out,
 * indices (not written if the address is 0) and input in bytes are o1, x1, s1 and o0, x0, s0 from line to line, and o, x, s along a line.
 */
export function scanFunction(kind: ScanCombination, from: DType, to: DType): FunctionBuilder {
  const type = accumulatorOf(kind, to);
  const native = computeTypeOf(to);
  const f = new FunctionBuilder(
    'scan',
    Array.from({ length: 15 }, () => 'i32' as const),
  );
  const [out, indices, input, n1, o1, x1, s1, n0, o0, x0, s0, count, o, x, s] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
  const local = (): Local => f.local('i32');
  const [i1, i0, i] = [local(), local(), local()];
  const line = { out: local(), indices: local(), input: local() };
  const at = { out: local(), indices: local(), input: local() };
  const found = local();
  const accumulator = f.local(type);
  const value = f.local(type);
  const keeps = kind === 'max' || kind === 'min';
  const load = (into: Local): void => {
    loadElement(f, from, native, at.input);
    convertFloat(f, native, type);
    f.set(into);
  };
  const store = (): void => {
    f.get(at.out).get(accumulator);
    convertFloat(f, type, native);
    storeElement(f, to);
    if (keeps) f.get(indices).if(() => f.get(at.indices).get(found).op('i64.extend_i32_u').store('i64.store'));
  };
  const scanLine = (): void => {
    f.get(line.out).set(at.out).get(line.indices).set(at.indices).get(line.input).set(at.input).i32(0).set(found);
    load(accumulator);
    store();
    f.i32(1).set(i);
    f.block((done) => {
      f.loop((next) => {
        f.get(i).get(count).op('i32.ge_u').brIf(done);
        advance(f, at.out, o);
        advance(f, at.indices, x);
        advance(f, at.input, s);
        load(value);
        if (keeps) {
          pushTakes(f, kind, type, accumulator, value);
          f.if(() => f.get(value).set(accumulator).get(i).set(found));
        } else combine(f, kind, type, accumulator, value);
        store();
        f.get(i).i32(1).op('i32.add').set(i).br(next);
      });
    });
  };
  repeat(f, i1, n1, () => {
    f.get(out).set(line.out).get(indices).set(line.indices).get(input).set(line.input);
    repeat(f, i0, n0, () => {
      scanLine();
      advance(f, line.out, o0);
      advance(f, line.indices, x0);
      advance(f, line.input, s0);
    });
    advance(f, out, o1);
    // An address of 0 stays 0: there is no step without indices.
    advance(f, indices, x1);
    advance(f, input, s1);
  });
  return f;
}
