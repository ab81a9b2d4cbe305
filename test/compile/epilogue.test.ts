/** Matrix products whose blocks elementwise launches complete: the bits are those of the product and then the launch, whatever the shapes, layouts and threads. */
import { addmm, exp, manualSeed, nn, noGrad, randn, setNumThreads, type Tensor, where } from 'nabla';
import { type Compiled, compile } from 'nabla/compile';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { thenTuning } from '../../src/backend/wasm/matmul-then.ts';
import { withEpilogues } from '../../src/compile/epilogue.ts';
import { type CallItem, type Item, type MapItem, Buffer as Memory, Operand } from '../../src/compile/items.ts';
import { FLOAT32 } from '../../src/dtype/dtype.ts';
import { arg, MapProgram, add as plus } from '../../src/scalar/expr.ts';
import { awaitThreads, untilShared } from '../threads/support.ts';

const F = nn.functional;
const tuning = { ...thenTuning };

beforeEach(() => {
  Object.assign(thenTuning, { always: true, leastElements: 1, storedAfter: 1, storedAt: ['wide', 'fused', 'plain'] });
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

/** Programs on operands of all shapes, every second one in either dtype. */
function cases(dtype: 'float32' | 'float64'): (readonly [name: string, program: Completed, operands: Operands])[] {
  manualSeed(3);
  return Object.entries(PROGRAMS).flatMap(([name, program], i) =>
    SHAPES.flatMap((shape, j) => {
      const isOther = (i + j) % 2 === 0;
      if (isOther === (dtype === 'float32')) return [];
      return [[`${name} ${JSON.stringify(shape)}`, program, operandsOf(shape, dtype, (i + (j >> 1)) % 4)] as const];
    }),
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
      expect(count).toBeGreaterThanOrEqual(cases(dtype).length);
    });
  });

  it('gives them on two threads', async () => {
    const some = cases(dtype).filter((_, i) => i % 4 === (dtype === 'float32' ? 0 : 3));
    const all = some.map(([name, program, operands]) => {
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

it('is done where it is quicker, and explained', () => {
  Object.assign(thenTuning, { ...tuning, storedAt: ['wide', 'fused', 'plain'] });
  const layer = new nn.Linear(32, 256);
  const compiled = compile((x: Tensor) => F.relu(layer.forward(x)));
  const large = randn([300, 32]);
  noGrad(() => {
    for (let i = 0; i < 4; i++) expect(sameBytes([compiled(large)], [bytesOf(F.relu(layer.forward(large)))])).toBe(true);
  });
  expect(epiloguesOf(compiled)).toEqual(['nn.functional.linear+nn.functional.relu']);
  expect(String(compiled.explain())).toContain('2 launches became 1');
  expect(String(compiled.explain())).toContain('completed within matrix products: nn.functional.linear+nn.functional.relu');
  // Computing gelu takes as long wherever the product lies, and a small product less time than its blocks.
  const computed = compile((x: Tensor) => F.gelu(layer.forward(x)));
  const small = compile((x: Tensor) => F.relu(layer.forward(x)));
  noGrad(() => {
    for (let i = 0; i < 3; i++) {
      computed(large);
      small(large.narrow(0, 0, 20));
    }
  });
  // Nor does the cache lose it soon, where the stores cannot do it.
  thenTuning.storedAt = [];
  const cached = compile((x: Tensor) => F.relu(layer.forward(x)));
  noGrad(() => {
    for (let i = 0; i < 3; i++) cached(large);
  });
  expect(epiloguesOf(cached)).toEqual([]);
  expect([...epiloguesOf(computed), ...epiloguesOf(small)]).toEqual([]);
});

describe('what lies between', () => {
  const buffers = Object.fromEntries(
    ['a', 'b', 'product', 'result', 'other', 'elsewhere'].map((name) => [name, new Memory({ byteLength: 256 } as never, true, false)]),
  ) as Readonly<Record<string, Memory>>;
  const whole = { offset: 0, shape: [8, 8], strides: [8, 1], type: FLOAT32, size: 64, rowMajor: true };
  const at = (name: string): Operand => new Operand(buffers[name] as Memory, whole);
  const call = (name: string, reads: string, writes: string): CallItem => {
    const [read, written] = [reads, writes].map((names) => names.split(' ').map(at)) as [Operand[], Operand[]];
    return { kind: 'call', operator: name, name, run: () => {}, args: [...written, ...read], reads: read, writes: written };
  };
  const product = call('matmul', 'a b', 'product');
  const sum: MapItem = {
    kind: 'map',
    operator: 'add',
    program: new MapProgram(plus(arg(0), arg(1)), 2),
    out: at('result'),
    ins: [at('product'), at('other')],
    params: [],
    compute: FLOAT32,
  };
  /** What the list of the product, launches between, and the sum becomes: names of launches; and what the product and the sum write if they are one. */
  const become = (between: readonly Item[], seen: readonly string[] = []): string => {
    const items = withEpilogues([product, ...between, sum], new Set(seen.map((name) => buffers[name] as Memory)));
    const nameOf = (buffer: Memory): string => Object.keys(buffers).find((name) => buffers[name] === buffer) as string;
    return items
      .map((item) => {
        if (item.kind !== 'call') return item.kind;
        const written = new Set(item.writes.map(({ buffer }) => nameOf(buffer)));
        return item.name === 'matmul then map' ? `both(${[...written].join()})` : item.name;
      })
      .join(' ');
  };

  it.each([
    ['nothing', [], 'both(result)'],
    ['what has nothing to do with it', [call('x', 'elsewhere', 'elsewhere')], 'both(result) x'],
    ['a read of the product', [call('x', 'product', 'elsewhere')], 'both(product,result) x'],
    ['a write of what the launch reads', [call('x', 'elsewhere', 'other')], 'x both(result)'],
    ['a write of what both read', [call('x', 'elsewhere', 'other a')], 'matmul x map'],
    ['a write of what the product reads', [call('x', 'elsewhere', 'b')], 'both(result) x'],
    ['a read of the product for what the launch reads', [call('x', 'product', 'other')], 'matmul x map'],
    ['a read of what the launch writes', [call('x', 'result', 'elsewhere')], 'x both(result)'],
    ['a write of what the launch writes', [call('x', 'elsewhere', 'result')], 'x both(result)'],
    ['a write of the product', [call('x', 'elsewhere', 'product')], 'matmul x map'],
    ['an effect', [{ kind: 'effect', work: () => {} } as Item], 'matmul effect map'],
  ] as const)('%s', (_, between, expected) => {
    expect(become(between)).toBe(expected);
  });

  it('keeps a product that is seen', () => {
    expect(become([], ['product'])).toBe('both(product,result)');
  });
});

it('completes the hidden layers of a training step, and their gradients', () => {
  const steps = [0, 1].map(() => {
    manualSeed(5);
    const model = new nn.Sequential(new nn.Linear(12, 33), new nn.ReLU(), new nn.Linear(33, 17), new nn.Tanh(), new nn.Linear(17, 4));
    const step = (x: Tensor): Tensor => {
      for (const parameter of model.parameters()) parameter.grad = null;
      const loss = model.forward(x).square().mean();
      loss.backward();
      return loss;
    };
    return { model, step };
  });
  const [plain, other] = steps as [(typeof steps)[0], (typeof steps)[0]];
  const compiled = compile(other.step);
  for (let i = 0; i < 5; i++) {
    const x = randn([29, 12]);
    expect(sameBytes([compiled(x)], [bytesOf(plain.step(x))])).toBe(true);
    const gradients = [plain, other].map(({ model }) => [...model.parameters()].map(({ grad }) => grad as Tensor));
    expect(sameBytes(gradients[1] as Tensor[], (gradients[0] as Tensor[]).map(bytesOf))).toBe(true);
  }
  expect(epiloguesOf(compiled).length).toBeGreaterThanOrEqual(4);
});
