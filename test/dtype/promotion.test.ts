import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import {
  BFLOAT16,
  BOOL,
  COMPLEX64,
  COMPLEX128,
  DTYPES,
  type DType,
  type DTypeInfo,
  dtypeInfo,
  FLOAT16,
  FLOAT32,
  FLOAT64,
  INT8,
  INT16,
  INT32,
  INT64,
  UINT8,
} from '../../src/dtype/dtype.ts';
import {
  canCast,
  defaultComplex,
  getDefaultDtype,
  promoteTypes,
  resultType,
  scalarType,
  setDefaultDtype,
  toComplexType,
  toFloatType,
} from '../../src/dtype/promotion.ts';
import { DTypeError } from '../../src/util/errors.ts';

const type = fc.constantFrom(...DTYPES);
const runs = { numRuns: 500 };
const dim = (t: DTypeInfo) => ({ type: t, ndim: 1 });
const zero = (t: DTypeInfo) => ({ type: t, ndim: 0 });
const scalar = (v: number | boolean) => ({ type: scalarType(v), ndim: 0, wrapped: true });

afterEach(() => setDefaultDtype('float32'));

test('the table of dtypes is consistent', () => {
  DTYPES.forEach((t, i) => {
    expect(t.index).toBe(i);
    expect(2 ** t.shift).toBe(t.itemsize);
    expect(dtypeInfo(t.name)).toBe(t);
    expect([t.isFloat, t.isInteger, t.isComplex, t === BOOL].filter(Boolean)).toHaveLength(1);
  });
  expect(() => dtypeInfo('float31' as DType)).toThrow(DTypeError);
  expect(() => dtypeInfo('float31' as DType)).toThrow(/float31.*float32/);
});

describe('promoteTypes', () => {
  test('is commutative, idempotent, and has bool as its neutral element', () => {
    fc.assert(
      fc.property(type, type, (a, b) => {
        expect(promoteTypes(a, b)).toBe(promoteTypes(b, a));
        expect(promoteTypes(a, a)).toBe(a);
        expect(promoteTypes(a, BOOL)).toBe(a);
      }),
      runs,
    );
  });

  test('absorbs: promoting once more with an operand changes nothing', () => {
    fc.assert(
      fc.property(type, type, (a, b) => void expect(promoteTypes(promoteTypes(a, b), a)).toBe(promoteTypes(a, b))),
      runs,
    );
  });

  test('is associative', () => {
    fc.assert(
      fc.property(type, type, type, (a, b, c) => {
        expect(promoteTypes(promoteTypes(a, b), c)).toBe(promoteTypes(a, promoteTypes(b, c)));
      }),
      { numRuns: 2000 },
    );
  });

  test.each(
    (
      [
        [UINT8, INT8, INT16],
        [UINT8, INT16, INT16],
        [UINT8, INT64, INT64],
        [FLOAT16, BFLOAT16, FLOAT32],
        [FLOAT16, INT64, FLOAT16],
        [BFLOAT16, UINT8, BFLOAT16],
        [FLOAT32, COMPLEX64, COMPLEX64],
        [FLOAT64, COMPLEX64, COMPLEX128],
        [INT64, COMPLEX64, COMPLEX64],
        [BFLOAT16, COMPLEX64, COMPLEX64],
        [COMPLEX64, COMPLEX128, COMPLEX128],
        [BOOL, BOOL, BOOL],
      ] as const
    ).map(([a, b, expected]) => ({ title: `${a.name} with ${b.name} is ${expected.name}`, a, b, expected })),
  )('$title', ({ a, b, expected }) => {
    expect(promoteTypes(a, b)).toBe(expected);
  });
});

describe('resultType', () => {
  test('of tensors of one rank is their promotion', () => {
    fc.assert(
      fc.property(type, type, (a, b) => {
        expect(resultType([dim(a), dim(b)])).toBe(promoteTypes(a, b));
        expect(resultType([zero(a), zero(b)])).toBe(promoteTypes(a, b));
      }),
      runs,
    );
  });

  test('does not depend on the order of operands', () => {
    const operand = fc.record({ type, ndim: fc.constantFrom(0, 1), wrapped: fc.boolean() });
    const operands = fc.array(
      operand.map((o) => (o.wrapped ? { ...o, ndim: 0 } : o)),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(operands, (list) => void expect(resultType([...list].reverse())).toBe(resultType(list))),
      runs,
    );
  });

  // Facts of torch.result_type.
  test.each<[string, Parameters<typeof resultType>[0], DTypeInfo]>([
    ['a 0-d tensor of the same kind does not count', [dim(FLOAT32), zero(FLOAT64)], FLOAT32],
    ['whatever its width', [dim(UINT8), zero(INT64)], UINT8],
    ['a 0-d tensor of a higher kind does', [dim(INT32), zero(FLOAT64)], FLOAT64],
    ['and makes a float complex without widening it', [dim(FLOAT32), zero(COMPLEX128)], COMPLEX64],
    ['but a double stays double', [dim(FLOAT64), zero(COMPLEX64)], COMPLEX128],
    ['and an integer takes the complex dtype', [dim(INT64), zero(COMPLEX128)], COMPLEX128],
    ['a whole scalar leaves integers', [dim(INT8), scalar(2)], INT8],
    ['and floats', [dim(FLOAT16), scalar(2)], FLOAT16],
    ['and makes bool int64', [dim(BOOL), scalar(2)], INT64],
    ['a fractional scalar makes integers the default float', [dim(INT64), scalar(2.5)], FLOAT32],
    ['and leaves a half', [dim(BFLOAT16), scalar(2.5)], BFLOAT16],
    ['a scalar yields to a 0-d tensor of its kind', [zero(INT8), scalar(1000)], INT8],
    ['but not to one of a lower kind', [zero(INT8), scalar(0.5)], FLOAT32],
    ['a bool scalar changes nothing', [dim(UINT8), scalar(true)], UINT8],
    ['all three ranks', [dim(INT32), zero(INT64), scalar(0.5)], FLOAT32],
    ['scalars alone', [scalar(1), scalar(true)], INT64],
  ])('%s', (_, operands, expected) => expect(resultType(operands)).toBe(expected));
});

test('scalars: whole numbers are integers, others the default float', () => {
  expect(scalarType(3)).toBe(INT64);
  expect(scalarType(-0)).toBe(INT64);
  expect(scalarType(2n ** 60n)).toBe(INT64);
  expect(scalarType(2.5)).toBe(FLOAT32);
  expect(scalarType(Number.NaN)).toBe(FLOAT32);
  expect(scalarType(Number.POSITIVE_INFINITY)).toBe(FLOAT32);
  expect(scalarType(false)).toBe(BOOL);
});

test('the default dtype', () => {
  setDefaultDtype('float64');
  expect(getDefaultDtype()).toBe(FLOAT64);
  expect(scalarType(2.5)).toBe(FLOAT64);
  expect(toFloatType(UINT8)).toBe(FLOAT64);
  expect(toFloatType(FLOAT16)).toBe(FLOAT16);
  expect(defaultComplex()).toBe(COMPLEX128);
  expect(resultType([dim(INT16), scalar(0.5)])).toBe(FLOAT64);
  expect(() => setDefaultDtype('int64')).toThrow(/floating dtype, got int64/);
  expect(getDefaultDtype()).toBe(FLOAT64);
});

test('canCast never goes to a lower kind, and promotion always may', () => {
  expect(canCast(FLOAT64, FLOAT32)).toBe(true);
  expect(canCast(FLOAT32, INT64)).toBe(false);
  expect(canCast(INT64, BOOL)).toBe(false);
  expect(canCast(COMPLEX64, FLOAT64)).toBe(false);
  expect(canCast(INT32, UINT8)).toBe(true);
  fc.assert(
    fc.property(type, type, (a, b) => void expect(canCast(a, promoteTypes(a, b))).toBe(true)),
    runs,
  );
  expect(toComplexType(FLOAT64)).toBe(COMPLEX128);
  expect(INT16.isSigned).toBe(true);
});
