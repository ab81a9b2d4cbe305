import { execFileSync } from 'node:child_process';
import { inspect } from 'node:util';
import * as nabla from 'nabla';
import {
  ArgumentError,
  AutogradError,
  arange,
  type DType,
  DTypeError,
  fromBytes,
  full,
  IndexError,
  InPlaceError,
  isComplex,
  isFloatingPoint,
  isNonzero,
  type LentArray,
  MemoryError,
  noGrad,
  numel,
  ones,
  optim,
  ShapeError,
  tensor,
  vmap,
  zeros,
} from 'nabla';
import { describe, expect, test } from 'vitest';
import { heap } from '../../src/runtime/heap.ts';

const DTYPES: readonly DType[] = [
  'float32',
  'float64',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint8',
  'bool',
  'complex64',
  'complex128',
  'float16',
  'bfloat16',
];

describe('tensor() from', () => {
  test('numbers, booleans, bigints, complex numbers', () => {
    expect(tensor([1, 2]).dtype).toBe('float32');
    expect(tensor([true, false]).dtype).toBe('bool');
    expect(tensor([1n, 2n]).dtype).toBe('int64');
    expect(tensor([1n, true]).dtype).toBe('int64');
    expect(tensor([1n, 0.5]).dtype).toBe('float32');
    expect(tensor([{ re: 1, im: 2 }, 3]).toArray()).toEqual([
      { re: 1, im: 2 },
      { re: 3, im: 0 },
    ]);
  });

  test('typed arrays, alone and nested', () => {
    expect(tensor(new Float64Array([1.5])).dtype).toBe('float64');
    expect(tensor(new BigInt64Array([-1n])).toTypedArray()).toEqual(new BigInt64Array([-1n]));
    expect(tensor(new Uint8ClampedArray([300])).toArray()).toEqual([255]);
    expect(tensor(Buffer.from([1, 2])).dtype).toBe('uint8');
    expect(tensor([new Float32Array([1, 2]), new Float32Array([3, 4])]).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(tensor(new Uint16Array([65535]), { dtype: 'int32' }).item()).toBe(65535);
    expect(() => tensor(new Uint16Array([1]) as never)).toThrow(/Uint16Array has no dtype of ours: pass \{ dtype \}/);
    expect(() => tensor(new DataView(new ArrayBuffer(4)) as never)).toThrow(ArgumentError);
  });

  test('another tensor: a copy without history', () => {
    const x = ones([2], { requiresGrad: true });
    const copy = tensor(x.mul(2));
    expect(copy.requiresGrad).toBe(false);
    expect(vmap((row) => tensor(row).mul(2))(tensor([[1, 2]])).toArray()).toEqual([[2, 4]]);
  });

  test.each([
    [[[1, 2], [3]], /dimension 1 has 2 entries at first and 1 entries later/],
    [[[1, 2], 3], /dimension 1 has 2 entries at first and a single value later/],
    [[1, [2]], /a single value at first and a list of 1 later/],
  ])('ragged arrays %j is refused', (data, message) => {
    expect(() => tensor(data as never)).toThrow(ShapeError);
    expect(() => tensor(data as never)).toThrow(message);
  });

  test.each([[undefined], [null], ['abc'], [['a']], [[ones([])]]])('%s is refused', (data) => {
    expect(() => tensor(data as never)).toThrow(ArgumentError);
  });

  test.each([
    ['uint8', 256],
    ['uint8', -256],
    ['int8', -129],
    ['int16', 70000],
    ['int32', 2 ** 31],
    ['int64', 2n ** 63n],
    ['int64', Number.NaN],
    ['int32', Number.POSITIVE_INFINITY],
  ] as const)('what %s cannot hold (%s) is refused', (dtype, value) => {
    expect(() => tensor([value], { dtype })).toThrow(/does not fit/);
    expect(() => full([1], value, { dtype })).toThrow(/does not fit/);
  });

  test('what just fits', () => {
    expect(tensor([-1, 255], { dtype: 'uint8' }).toArray()).toEqual([255, 255]);
    expect(tensor([-128.9, 127.9], { dtype: 'int8' }).toArray()).toEqual([-128, 127]);
    expect(tensor([-(2n ** 63n)]).toBigInt()).toBe(-(2n ** 63n));
  });

  test('creation without a shape or a value is refused', () => {
    expect(() => (zeros as () => unknown)()).toThrow(/no shape was given: write zeros\(\[2, 3\]\)/);
    expect(() => full([2], undefined as never)).toThrow(/fillValue must be a number/);
  });

  test('strided bytes must lie inside', () => {
    expect(fromBytes(new Uint8Array([1, 2, 3]), [2, 2], 'uint8', { strides: [1, 1] }).toArray()).toEqual([
      [1, 2],
      [2, 3],
    ]);
    expect(() => fromBytes(new Uint8Array(3), [2, 2], 'uint8', { strides: [2, 1] })).toThrow(/does not lie inside/);
    expect(() => fromBytes(new Uint8Array(3), [2], 'uint8', { strides: [-1] })).toThrow(/does not lie inside/);
    expect(() => fromBytes(new Uint8Array(3), [1], 'int16', { strides: [1] })).toThrow(/no whole number/);
  });
});

describe.each(DTYPES)('%s', (dtype) => {
  const values = arange(6).reshape(2, 3).to(dtype);

  test('prints whole, as a view, without dimensions, empty, and inside objects', () => {
    for (const x of [values, values.T, ones([], { dtype }), zeros([0, 3], { dtype }), values.select(0, 1)]) {
      const text = inspect(x);
      expect(text).toMatch(/^tensor\(/);
      expect(String(x)).toBe(text);
      expect(`${x}`).toBe(text);
      expect(inspect({ x })).toContain('tensor(');
    }
  });

  test('goes to arrays and back', () => {
    const again = tensor(values.toArray() as never, { dtype });
    expect(again.dtype).toBe(dtype);
    expect(again.toArray()).toEqual(values.toArray());
    expect(values.T.toBytes()).toEqual(tensor(values.T.toArray() as never, { dtype }).toBytes());
  });

  test('lends its elements', () => {
    const view = values.T;
    const bytes = view.withData((elements: LentArray) => new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength).slice());
    expect(bytes).toEqual(view.toBytes());
  });

  test('casts to every dtype', () => {
    for (const other of DTYPES) {
      const cast = values.to(other);
      expect(cast.dtype).toBe(other);
      expect(cast.to('bool').toArray()).toEqual(values.to('bool').toArray());
    }
  });
});

describe('item()', () => {
  test('is a number while exact, and names toBigInt() beyond', () => {
    expect(tensor([2n ** 53n - 1n]).item()).toBe(2 ** 53 - 1);
    expect(() => tensor([2n ** 53n + 1n]).item()).toThrow(/toBigInt\(\)/);
    expect(tensor([2n ** 62n + 1n]).toBigInt()).toBe(2n ** 62n + 1n);
    expect(tensor(true).item()).toBe(true);
    expect(tensor({ re: 1, im: -2 }).item()).toEqual({ re: 1, im: -2 });
    expect(() => (ones([2]) as nabla.Tensor).item()).toThrow(ShapeError);
    expect(() => (zeros([0]) as nabla.Tensor).item()).toThrow(ShapeError);
    expect(() => tensor([0.5]).toBigInt()).toThrow(DTypeError);
  });
});

describe('withData', () => {
  test('lends without copying, and writes where asked', () => {
    const x = ones([2, 2]);
    const total = x.withData((elements: LentArray) => (elements as Float32Array).reduce((sum, value) => sum + value, 0));
    expect(total).toBe(4);
    const before = x.version;
    x.T.withData((elements: LentArray) => elements.set([1, 2, 3, 4] as never), { write: true });
    expect(x.toArray()).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(x.version).toBe(before + 1);
  });

  test('a write makes saved values stale', () => {
    const x = ones([2], { requiresGrad: true });
    const y = x.mul(1);
    const z = y.exp();
    noGrad(() => y.withData((elements: LentArray) => elements.fill(0 as never), { write: true }));
    noGrad(() => z.withData((elements: LentArray) => elements.fill(0 as never), { write: true }));
    expect(() => z.sum().backward()).toThrow(/changed in place.*withData/);
  });

  test('refuses writes that the tape could not follow, promises, and growth of the memory', () => {
    const leaf = ones([2], { requiresGrad: true });
    expect(() => leaf.withData(() => 0, { write: true })).toThrow(InPlaceError);
    expect(() => leaf.mul(2).withData(() => 0, { write: true })).toThrow(InPlaceError);
    expect(() =>
      ones([2])
        .expand(3, 2)
        .withData(() => 0, { write: true }),
    ).toThrow(InPlaceError);
    expect(() => ones([2]).withData(async () => 0)).toThrow(/synchronous/);
    expect(() => vmap((row) => row.withData(() => row))(ones([2, 2]))).toThrow(AutogradError);
  });

  test('growth of the memory leaves lent elements where they are, or is an error that says so', () => {
    const grow = (): number =>
      ones([2]).withData((view) => {
        zeros([64 << 20]);
        return view.length;
      });
    // An array over memory that threads share outlives its growth.
    if (heap.isShared) expect(grow()).toBe(2);
    else expect(grow).toThrow(MemoryError);
  });

  test('memory of one thread alone cuts lent elements off when it grows', () => {
    const program = `
      import { configureMemory, ones, zeros } from './src/index.ts';
      configureMemory({ shared: false });
      try { ones([2]).withData(() => { zeros([64 << 20]); }); } catch (error) { console.log(error.constructor.name); }`;
    const printed = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { encoding: 'utf8' });
    expect(printed.trim()).toBe('MemoryError');
  });
});

describe('facts', () => {
  const x = zeros([2, 3], { dtype: 'float64' });
  test('of memory', () => {
    expect([x.device, x.itemsize, x.nbytes, x.elementSize(), x.numel(), x.nelement(), numel(x)]).toEqual(['cpu', 8, 48, 8, 6, 6, 6]);
    expect([x.dim(), x.ndimension(), x.stride(), x.stride(-1), x.storageOffset(), x.isContiguous()]).toEqual([2, 2, [3, 1], 1, 0, true]);
    expect(() => x.stride(2)).toThrow(IndexError);
    expect(x.cpu()).toBe(x);
  });
  test('of dtypes and values', () => {
    expect([x.isFloatingPoint(), x.isComplex(), x.isSigned(), isFloatingPoint(x), isComplex(x)]).toEqual([true, false, true, true, false]);
    expect(ones([1], { dtype: 'uint8' }).isSigned()).toBe(false);
    expect([isNonzero(tensor(0.5)), tensor([0]).isNonzero(), tensor([{ re: 0, im: 1 }]).isNonzero()]).toEqual([true, false, true]);
    expect(() => x.isNonzero()).toThrow(ShapeError);
    expect(x.isSameSize(ones([2, 3]))).toBe(true);
    expect(x.isSameSize(ones([3, 2]))).toBe(false);
  });
});

describe('JavaScript around tensors', () => {
  test('iterates over rows that are views with history', () => {
    const x = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { requiresGrad: true },
    );
    const [first, second] = x;
    first
      ?.mul(second as never)
      .sum()
      .backward();
    expect(x.grad?.toArray()).toEqual([
      [3, 4],
      [1, 2],
    ]);
    expect(() => [...ones([])]).toThrow(/no dimension to go along/);
    expect(() => new optim.SGD(x as never, { lr: 1 })).toThrow(/give a list/);
  });
  test('JSON has the elements', () => {
    expect(JSON.stringify({ x: tensor([[1, 2]]) })).toBe('{"x":[[1,2]]}');
  });
  test('operators of the language throw', () => {
    const x = ones([1]) as never;
    expect(() => +x).toThrow(AutogradError);
    expect(() => x + 1).toThrow(/a\.add\(b\)/);
  });
});

describe('dtypes by name', () => {
  test('have the short names of PyTorch', () => {
    expect([nabla.float, nabla.double, nabla.half, nabla.long, nabla.int, nabla.short, nabla.cfloat, nabla.cdouble]).toEqual([
      'float32',
      'float64',
      'float16',
      'int64',
      'int32',
      'int16',
      'complex64',
      'complex128',
    ]);
  });
  test('promote and cast', () => {
    expect(nabla.promoteTypes('int64', 'float16')).toBe('float16');
    expect(nabla.promoteTypes('uint8', 'int8')).toBe('int16');
    expect(nabla.canCast('float64', 'float32')).toBe(true);
    expect(nabla.canCast('float64', 'int64')).toBe(false);
    expect(() => nabla.promoteTypes('float31' as never, 'int8')).toThrow(/unknown dtype 'float31'/);
  });
  test('another device is refused by its name', () => {
    expect(ones([1]).to('cpu').dtype).toBe('float32');
    expect(() => ones([1]).to('cuda:0' as never)).toThrow(/there is no device 'cuda:0'/);
    expect(() => ones([1], { device: 'cuda' as never })).toThrow(/there is no device 'cuda'/);
  });
});

describe('setDefaultDtype', () => {
  test('reaches creation, operators and printing', () => {
    nabla.setDefaultDtype('float64');
    try {
      expect([tensor([1]), ones([1]), full([1], 0.5), nabla.rand([1]), nabla.linspace(0, 1, 2)].map((x) => x.dtype)).toEqual(
        Array(5).fill('float64'),
      );
      expect([arange(2), full([1], 1)].map((x) => x.dtype)).toEqual(['int64', 'int64']);
      expect(arange(2).div(2).dtype).toBe('float64');
      expect(tensor({ re: 1, im: 0 }).dtype).toBe('complex128');
      expect(String(ones([1]))).toBe('tensor([1.])');
      expect(String(ones([1], { dtype: 'float32' }))).toBe('tensor([1.], dtype=float32)');
      expect(nabla.getDefaultDtype()).toBe('float64');
    } finally {
      nabla.setDefaultDtype('float32');
    }
    expect(() => nabla.setDefaultDtype('int64')).toThrow(DTypeError);
  });
});

describe('random state', () => {
  test('goes back and forth', () => {
    nabla.manualSeed(5);
    expect(nabla.initialSeed()).toBe(5n);
    const state = nabla.getRngState();
    const first = nabla.randn([4]).toArray();
    expect(nabla.forkRng(() => nabla.randn([100]).shape)).toEqual([100]);
    const second = nabla.randn([4]).toArray();
    nabla.setRngState(state);
    expect([nabla.randn([4]).toArray(), nabla.randn([4]).toArray()]).toEqual([first, second]);
    expect(typeof nabla.seed()).toBe('bigint');
  });
  test('of a generator of one’s own', () => {
    const generator = new nabla.Generator().manualSeed(3);
    const state = generator.getState();
    const first = nabla.rand([2], { generator }).toArray();
    expect(nabla.rand([2], { generator: new nabla.Generator().setState(state) }).toArray()).toEqual(first);
    expect(nabla.rand([2], { generator: generator.clone() }).toArray()).toEqual(nabla.rand([2], { generator }).toArray());
  });
  test('what is no state is refused, with nothing changed', () => {
    const before = nabla.getRngState().toArray();
    expect(() => nabla.setRngState(zeros([5056], { dtype: 'uint8' }))).toThrow(/not the state of a generator/);
    expect(() => nabla.setRngState(zeros([3], { dtype: 'uint8' }))).toThrow(ArgumentError);
    expect(() => nabla.setRngState(ones([5056]))).toThrow(DTypeError);
    expect(nabla.getRngState().toArray()).toEqual(before);
    expect(() => nabla.forkRng(async () => 0)).toThrow(/synchronous/);
  });
});

describe('misspelt options', () => {
  test('are refused by the doors that no operator guards', () => {
    const x = ones([2], { requiresGrad: true });
    expect(() => x.sum().backward(null, { retain_graph: true } as never)).toThrow(/unknown option 'retain_graph'/);
    expect(() => nabla.autograd.grad(x.sum(), [x], null, { createGraf: true } as never)).toThrow(/it takes retainGraph, createGraph/);
    expect(() => (zeros as (...args: unknown[]) => unknown)([2], { dtyp: 'int64' })).toThrow(/unknown option 'dtyp'/);
  });
});

describe('backward()', () => {
  test('takes the gradient as plain numbers too, as the lesson writes it', () => {
    const x = ones([3], { requiresGrad: true });
    x.pow(2).add(3).backward([0.1, 1, 10]);
    expect(x.grad?.toTypedArray()).toEqual(Float32Array.of(0.2, 2, 20));
    expect(() => x.mul(1).backward([1, 2])).toThrow(ShapeError);
    expect(() => x.mul(1).backward('1' as never)).toThrow(/the gradient must be a tensor/);
  });
  test('hooks must be functions', () => {
    const x = ones([3], { requiresGrad: true });
    expect(() => x.registerHook(5 as never)).toThrow(/registerHook: the hook must be a function/);
    expect(() => x.registerPostAccumulateGradHook(null as never)).toThrow(ArgumentError);
  });
});

test.each<[string, () => unknown]>([
  ['SGD', () => new optim.SGD([ones([1])], { momentom: 0.9 } as never)],
  ['AdamW', () => new optim.AdamW([ones([1])], { beta: [0, 0] } as never)],
  ['Linear', () => new nabla.nn.Linear(2, 3, { biass: false } as never)],
  ['ReLU', () => new nabla.nn.ReLU({ inPlace: true } as never)],
  ['Dropout', () => new nabla.nn.Dropout(0.5, { p: 0.1, training: true } as never)],
  ['LayerNorm', () => new nabla.nn.LayerNorm(3, { epsilon: 1 } as never)],
  ['MSELoss', () => new nabla.nn.MSELoss({ reduce: 'sum' } as never)],
  ['configureMemory', () => nabla.configureMemory({ limit: 1 } as never)],
  ['setPrintOptions', () => nabla.setPrintOptions({ digits: 1 } as never)],
  ['vmap', () => vmap((x) => x, { inDim: 0 } as never)],
])('%s refuses options of other names', (name, call) => {
  expect(call).toThrow(new RegExp(`^${name}: unknown option '.*': it takes `));
});

test('floats that an integer dtype cannot hold saturate at int64 or int32, narrower dtypes keep the low bits, NaN becomes 0', () => {
  const x = tensor([Number.NaN, 1e20, -1e20, 300.7, -129]);
  expect(x.to('int64').toTypedArray()).toEqual(BigInt64Array.of(0n, 2n ** 63n - 1n, -(2n ** 63n), 300n, -129n));
  expect(x.to('int32').toArray()).toEqual([0, 2 ** 31 - 1, -(2 ** 31), 300, -129]);
  expect(x.to('int8').toArray()).toEqual([0, -1, 0, 44, 127]);
  expect(x.to('bool').toArray()).toEqual([true, true, true, true, true]);
});

test('bigints beyond the exact numbers stay exact as operands and fillers, and are refused beyond int64', () => {
  const big = 2n ** 61n + 1n;
  const x = tensor([2n ** 62n]);
  expect(x.add(big).toBigInt()).toBe(2n ** 62n + big);
  expect(nabla.sub(big, tensor([1n])).toBigInt()).toBe(big - 1n);
  expect(x.clone().add_(big).toBigInt()).toBe(2n ** 62n + big);
  expect(nabla.add(x, big, { alpha: 1 }).toBigInt()).toBe(2n ** 62n + big);
  expect(tensor([big]).eq(big).item()).toBe(true);
  expect(
    tensor([big])
      .eq(big - 1n)
      .item(),
  ).toBe(false);
  expect(
    tensor([big, 0n])
      .clamp(big - 2n)
      .toArray(),
  ).toEqual([big, big - 2n]);
  expect(full([1], big).toBigInt()).toBe(big);
  expect(nabla.fullLike(x, big).toBigInt()).toBe(big);
  expect(x.clone().fill_(big).toBigInt()).toBe(big);
  expect(tensor([1], { dtype: 'int32' }).add(1n).dtype).toBe('int32');
  expect(tensor([1]).mul(big).dtype).toBe('float32');
  expect(() => x.add(2n ** 63n)).toThrow(/does not fit into int64/);
});

test('real and imag', () => {
  const x = ones([2]);
  expect(x.real).toBe(x);
  expect(() => x.imag).toThrow(/no imaginary part/);
});

test('new Tensor(…) says how tensors are made', () => {
  const make = nabla.Tensor as unknown as new (...args: unknown[]) => unknown;
  expect(() => new make()).toThrow(/make tensors with tensor\(data\)/);
  expect(() => new make([1, 2])).toThrow(ArgumentError);
});
