/** The runner against a stand-in for the library: a few operators over arrays of doubles, with derivatives written by hand. */
import { describe, expect, test } from 'vitest';
import { emptyCounts, isWholeOnReals, tallyCase } from './counts.ts';
import { Library } from './library.ts';
import { findTarget, isComplexCase, runBadInput, runCase } from './operator-cases.ts';
import { fallenColumns, raise } from './ratchet.ts';
import { groupReasons } from './report.ts';
import { selectOperators } from './run.ts';
import type { EncodedTensor, OperatorCase, OperatorFile } from './vectors.ts';
import { anyAlong, broadcastMask } from './wraps.ts';

class NablaError extends Error {}

class Tensor {
  readonly values: number[];
  readonly requiresGrad: boolean;
  readonly dtype = 'float64';
  readonly version = 0;
  readonly derivative: number[];

  constructor(values: number[], requiresGrad = false, derivative: number[] = []) {
    this.values = values;
    this.requiresGrad = requiresGrad;
    this.derivative = derivative;
  }

  get shape(): number[] {
    return [this.values.length];
  }

  toBytes(): Uint8Array {
    return new Uint8Array(Float64Array.from(this.values).buffer);
  }

  twice(): Tensor {
    return new Tensor(this.values.map((value) => 2 * value));
  }

  get T(): Tensor {
    return this;
  }
}

function operator<F extends object>(name: string, signature: string, call: F): F {
  return Object.assign(call, { operator: { name, signature } });
}

const square = operator('square', 'input, *, scale', (x: Tensor, { scale = 1 } = {}) => {
  if (!(x instanceof Tensor)) throw new NablaError('square: input is not a tensor');
  return new Tensor(
    x.values.map((value) => scale * value * value),
    x.requiresGrad,
    x.values.map((value) => 2 * scale * value),
  );
});

const spoil = operator('spoil', 'input', (x: Tensor) => {
  x.values[0] = 99;
  throw new NablaError('too late');
});

const library = new Library({
  NablaError,
  Tensor,
  square,
  special: { spoil },
  fromBytes: (bytes: Uint8Array, _shape: number[], _dtype: string, { requiresGrad = false } = {}) =>
    new Tensor([...new Float64Array(bytes.buffer)], requiresGrad),
  autograd: {
    grad: ([output]: Tensor[], inputs: Tensor[], [g]: Tensor[]) =>
      inputs.map(() => new Tensor(output!.derivative.map((value, index) => value * g!.values[index]!))),
  },
  jvp: (fn: (...xs: Tensor[]) => Tensor[], inputs: Tensor[], [tangent]: Tensor[]) => {
    const outputs = fn(...inputs);
    return {
      outputs,
      tangents: outputs.map(({ derivative }) => new Tensor(derivative.map((value, index) => value * tangent!.values[index]!))),
    };
  },
});

function tensor(values: number[], g = false): EncodedTensor {
  const encoded = { t: 'float64', s: [values.length], d: Buffer.from(Float64Array.from(values).buffer).toString('base64') };
  return g ? { ...encoded, g } : encoded;
}

const sample: OperatorCase = {
  dtype: 'float64',
  args: [tensor([1, 2], true)],
  kwargs: { scale: 3 },
  out: tensor([3, 12]),
  cots: [tensor([1, 1])],
  grads: [tensor([6, 12])],
  tangents: [tensor([1, 0.5])],
  jvp: [tensor([6, 6])],
};
const file = (op: string, more: Partial<OperatorFile> = {}): OperatorFile => ({
  op,
  variant: '',
  random: false,
  cases: [],
  errors: [],
  ...more,
});
const target = (op: string) => findTarget(library, op, file(op));

describe('a case', () => {
  test('passes in value, gradient and tangent', () => {
    expect(runCase(library, target('square'), sample)).toEqual({ value: null, grads: null, tangents: null });
  });

  test('fails part by part, with a reason', () => {
    const wrong = { ...sample, grads: [tensor([6, 13])] };
    const result = runCase(library, target('square'), wrong);
    expect(result.value).toBeNull();
    expect(result.grads).toBe('0: 1 of 2 elements differ, first at [1]: expected 13, got 12');
  });

  test('fails everywhere, if the operator is missing', () => {
    const result = runCase(library, target('cube'), sample);
    expect(result.value).toBe('MissingError: the library has no cube (cube)');
    expect(result.grads).toBe(result.value);
    expect(result.tangents).toBe(result.value);
  });

  test('finds methods and attributes of the tensor', () => {
    expect(runCase(library, target('twice'), { dtype: 'float64', args: [tensor([1])], kwargs: {}, out: tensor([2]) }).value).toBeNull();
    expect(runCase(library, target('T'), { dtype: 'float64', args: [tensor([1])], kwargs: {}, out: tensor([1]) }).value).toBeNull();
  });

  test('is compared by layout alone, if it is drawn', () => {
    const drawn = findTarget(library, 'square', file('square', { random: true }));
    expect(runCase(library, drawn, { dtype: 'float64', args: [tensor([1])], kwargs: {}, out: tensor([77]) }).value).toBeNull();
  });
});

describe('a bad input', () => {
  const bad = (args: unknown[]) => ({ args, kwargs: {}, type: 'RuntimeError' });

  test('passes, if it is refused by an error of the library', () => {
    expect(runBadInput(library, target('square'), bad([2]))).toBeNull();
  });

  test('fails, if it is accepted, if the error is another, or if the operator is missing', () => {
    expect(runBadInput(library, target('square'), bad([tensor([1])]))).toBe('was not refused');
    expect(runBadInput(library, target('twice'), bad([2]))).toMatch(/^expected one of the library's errors, got TypeError/);
    expect(runBadInput(library, target('cube'), bad([2]))).toMatch(/the library has no cube/);
  });

  test('fails, if an input was changed', () => {
    expect(runBadInput(library, target('special.spoil'), bad([tensor([1])]))).toBe('refused, but tensor 0 was changed');
  });
});

describe('counting', () => {
  test('a complex case counts in its own column, when all its parts pass', () => {
    const counts = emptyCounts();
    tallyCase(counts, { value: null, grads: 'wrong' }, true);
    tallyCase(counts, { value: null, grads: null }, true);
    tallyCase(counts, { value: null, grads: 'wrong' }, false);
    expect(counts).toEqual({ values: [1, 1], grads: [0, 1], gradgrads: [0, 0], tangents: [0, 0], errors: [0, 0], complex: [1, 2] });
    expect(isWholeOnReals(counts)).toBe(false);
    expect(isWholeOnReals({ ...counts, grads: [1, 1] })).toBe(true);
    expect(isWholeOnReals(emptyCounts())).toBe(false);
  });

  test('complex are complex samples, tensors and numbers', () => {
    expect(isComplexCase({ ...sample, dtype: 'complex128' })).toBe(true);
    expect(isComplexCase({ ...sample, args: [[{ complex: [0, 1] }]] })).toBe(true);
    expect(isComplexCase({ ...sample, args: [{ t: 'complex64', s: [], d: '' }] })).toBe(true);
    expect(isComplexCase(sample)).toBe(false);
  });

  test('the record only rises, and says where a run stays below it', () => {
    expect(fallenColumns({ values: [3, 9] }, { values: [4, 9] })).toEqual(['values: 3 passed, 4 are recorded']);
    expect(fallenColumns({ values: [4, 9] }, undefined)).toEqual([]);
    expect(raise({ values: [3, 9], grads: [2, 2] }, { values: [4, 9] })).toEqual({ values: [4, 9], grads: [2, 2] });
  });

  test('like reasons are counted together', () => {
    const failure = { name: 'sum', part: 'value', detail: '', reason: 'expected shape [2, 3], got [3]' };
    expect(groupReasons([failure, { ...failure, name: 'mean', reason: 'expected shape [4], got []' }])).toEqual([
      '    2  value: expected shape […], got […]',
      '       sum mean',
    ]);
  });
});

test('a pattern selects whole names first, then parts', () => {
  const index = Object.fromEntries(
    ['sum', 'nansum', 'nn_functional_max_pool2d'].map((name) => [
      name,
      { op: name.replace('nn_functional_', 'nn.functional.'), variant: '', cases: 1 },
    ]),
  );
  expect(selectOperators(index, 'sum')).toEqual(['sum']);
  expect(selectOperators(index, 'maxPool2d')).toEqual(['nn_functional_max_pool2d']);
  expect(selectOperators(index, 'pool')).toEqual(['nn_functional_max_pool2d']);
});

test('masks are broadcast and reduced', () => {
  const mask = { shape: [1, 2], values: Uint8Array.of(0, 1) };
  expect([...broadcastMask(mask, [2, 2]).values]).toEqual([0, 1, 0, 1]);
  expect([...anyAlong(broadcastMask(mask, [2, 2]), [-1], true).values]).toEqual([1, 1]);
  expect(anyAlong(mask, null, false)).toEqual({ shape: [], values: Uint8Array.of(1) });
});
