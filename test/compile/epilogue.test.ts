/** Matrix products whose blocks elementwise launches complete: the bits are those of the product and then the launch, whatever the shapes, layouts and threads. */
import { addmm, exp, manualSeed, nn, noGrad, randn, setNumThreads, type Tensor, where } from 'nabla';
import { type Compiled, compile } from 'nabla/compile';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { thenTuning } from '../../src/backend/wasm/matmul-then.ts';
import { awaitThreads, untilShared } from '../threads/support.ts';

const F = nn.functional;
const tuning = { ...thenTuning };

beforeEach(() => {
  Object.assign(thenTuning, { leastElements: 1, storedAfter: 1, storedAt: ['wide', 'fused', 'plain'] });
});
afterEach(() => {
  Object.assign(thenTuning, tuning);
});
afterAll(() => setNumThreads(1));

function bytesOf(tensor: Tensor): Buffer {
  const { buffer, byteOffset, byteLength } = tensor.toTypedArray() as Float32Array;
  return Buffer.from(buffer.slice(byteOffset, byteOffset + byteLength));
}

function sameBytes(found: readonly Tensor[], expected: readonly Buffer[]): boolean {
  return found.length === expected.length && found.every((tensor, i) => bytesOf(tensor).equals(expected[i] as Buffer));
}

function epiloguesOf<A extends unknown[], R>(f: Compiled<A, R>): readonly string[] {
  return f.explain().signatures.flatMap(({ programs }) => programs.flatMap(({ epilogues }) => epilogues));
}

type Operands = readonly [a: Tensor, b: Tensor, row: Tensor, column: Tensor, same: Tensor];
type Completed = (...operands: Operands) => readonly Tensor[];

/** What completes a product, with as many outputs as it has. */
const PROGRAMS: Readonly<Record<string, Completed>> = {
  relu: (a, b) => [F.relu(a.matmul(b))],
  tanh: (a, b) => [a.matmul(b).tanh()],
  'gelu of more than the product': (a, b, row) => [F.gelu(a.matmul(b).add(row))],
  'a bias and relu': (a, b, row) => [F.relu(a.ndim === 2 ? addmm(row, a, b) : a.matmul(b).add(row))],
  'the product and what becomes of it': (a, b) => {
    const product = a.matmul(b);
    return [product, F.silu(product)];
  },
  'two outputs': (a, b, row, column, same) => {
    const sum = a.matmul(b).mul(column).add(row);
    return [sum, where(same.gt(0), sum, exp(same))];
  },
  'truth values': (a, b, row) => [a.matmul(b).gt(row)],
  'a sum with what has the same shape': (a, b, _row, _column, same) => [same.add(a.matmul(b))],
  'in place': (a, b, row) => {
    const product = a.matmul(b);
    return [product.mul_(2).add_(row).tanh_()];
  },
};

interface Shape {
  readonly batch: readonly number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

const SHAPES: readonly Shape[] = [
  { batch: [], m: 1, k: 40, n: 70 },
  { batch: [], m: 70, k: 5, n: 1 },
  { batch: [], m: 2, k: 3, n: 33 },
  { batch: [], m: 13, k: 11, n: 17 },
  { batch: [], m: 60, k: 64, n: 300 },
  { batch: [], m: 131, k: 32, n: 64 },
  { batch: [], m: 67, k: 600, n: 130 },
  { batch: [], m: 61, k: 16, n: 1100 },
  { batch: [], m: 640, k: 530, n: 64 },
  { batch: [30], m: 9, k: 8, n: 7 },
  { batch: [2, 3], m: 70, k: 65, n: 140 },
  { batch: [3], m: 64, k: 0, n: 5 },
];

function operandsOf({ batch, m, k, n }: Shape, dtype: 'float32' | 'float64', layout: number): Operands {
  const left = layout % 2 === 0 ? randn([...batch, m, k], { dtype }) : randn([...batch, k, m], { dtype }).transpose(-1, -2);
  const right = layout < 2 ? randn([...batch, k, n], { dtype }) : randn([...batch, n, k], { dtype }).transpose(-1, -2);
  return [left, right, randn([n], { dtype }), randn([...batch, m, 1], { dtype }), randn([...batch, m, n], { dtype })];
}

/** Runs all programs on operands of all shapes, and again on what is not multiplied by the same matrix for all members of a batch. */
function cases(dtype: 'float32' | 'float64'): (readonly [name: string, program: Completed, operands: Operands])[] {
  manualSeed(3);
  return Object.entries(PROGRAMS).flatMap(([name, program], i) =>
    SHAPES.map((shape, j) => [`${name} ${JSON.stringify(shape)}`, program, operandsOf(shape, dtype, (i + j) % 4)] as const),
  );
}

describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
  it('gives the bits of the product and then the launch', () => {
    noGrad(() => {
      let count = 0;
      for (const [name, program, operands] of cases(dtype)) {
        const compiled = compile((...given: Operands) => [...program(...given)]);
        const expected = program(...operands).map(bytesOf);
        for (let i = 0; i < 4; i++) expect(sameBytes(compiled(...operands), expected), name).toBe(true);
        count += epiloguesOf(compiled).length;
      }
      // All of them, but for what is added to a sum that a matrix begins with.
      expect(count).toBeGreaterThanOrEqual(Object.keys(PROGRAMS).length * SHAPES.length);
    });
  });

  it('gives them on two threads', async () => {
    const all = cases(dtype).map(([name, program, operands]) => {
      const compiled = compile((...given: Operands) => [...program(...given)]);
      return { name, compiled, operands, expected: noGrad(() => program(...operands).map(bytesOf)) };
    });
    await awaitThreads(2);
    await untilShared(() => {
      noGrad(() => {
        for (const { name, compiled, operands, expected } of all) expect(sameBytes(compiled(...operands), expected), name).toBe(true);
      });
    });
    noGrad(() => {
      for (const { name, compiled, operands, expected } of all)
        for (let i = 0; i < 3; i++) expect(sameBytes(compiled(...operands), expected), name).toBe(true);
    });
    setNumThreads(1);
  });
});
