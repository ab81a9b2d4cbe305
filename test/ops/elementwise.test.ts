import { describe, expect, test } from 'vitest';
import * as nabla from '../../src/index.ts';

const { add, allclose, clamp, div, equal, floorDivide, frexp, isclose, nextafter, nn, polygamma, remainder, tensor, vmap, where, xlogy } =
  nabla;

const values = (x: nabla.Tensor): unknown => x.toArray();

describe('scalars', () => {
  test('may stand where PyTorch lets them', () => {
    expect(values(tensor([1, 2]).rsub(10))).toEqual([9, 8]);
    expect(values(xlogy(2, tensor([1])))).toEqual([0]);
    expect(() => nabla.maximum(tensor([1]), 2 as never)).toThrow(nabla.ArgumentError);
    expect(() => nabla.eq(2 as never, tensor([1]))).toThrow(/input must be a tensor/);
  });

  test('wrap around in integer dtypes, except as bounds and choices', () => {
    const x = tensor([44n]).to('int8');
    expect(values(x.add(300))).toEqual([88]);
    expect(() => x.clamp(0, 300)).toThrow(/int8 cannot hold/);
    expect(() => where(tensor([true]), x, 300)).toThrow(/int8 cannot hold/);
  });

  test('promote with alpha as their product would', () => {
    expect(add(tensor([1n]), 2.5, { alpha: 2 }).dtype).toBe('float32');
    expect(() => add(tensor([1n]), 2, { alpha: 0.5 })).toThrow(/whole alpha/);
  });
});

describe('integer division', () => {
  const zero = tensor([1n, 0n]);

  test('by zero is refused before anything is written', () => {
    const target = tensor([4n, 6n]);
    for (const f of [floorDivide, remainder, nabla.fmod] as ((x: nabla.Tensor, y: nabla.Tensor) => nabla.Tensor)[])
      expect(() => f(target, zero)).toThrow(/division by zero/);
    expect(() => div(target, zero, { roundingMode: 'trunc' })).toThrow(/division by zero/);
    expect(() => target.floorDivide_(zero)).toThrow(/division by zero/);
    expect(() => remainder(3, zero)).toThrow(/division by zero/);
    expect(values(target)).toEqual([4, 6]);
  });

  test('is checked under vmap too', () => {
    expect(values(vmap((x: nabla.Tensor) => remainder(x, 3))(tensor([4n, 5n])))).toEqual([1, 2]);
    expect(() => vmap((x: nabla.Tensor) => remainder(7, x))(zero)).toThrow(/division by zero/);
  });
});

describe('methods', () => {
  test('whose tensor is not the first argument of the function', () => {
    expect(values(tensor([1, 2]).where(tensor([true, false]), 7))).toEqual([1, 7]);
    expect(allclose(tensor([1, 2]).polygamma(1), polygamma(1, tensor([1, 2])))).toBe(true);
  });

  test('cast, and give back the tensor itself where nothing changes', () => {
    const x = tensor([1.5, -2]);
    expect(x.to('float32') === x).toBe(true);
    expect((x.to('float32', { copy: true }) as unknown) === x).toBe(false);
    expect(values(x.long())).toEqual([1, -2]);
    expect(x.to({ dtype: 'float64' }).dtype).toBe('float64');
    expect(x.typeAs(tensor([true])).dtype).toBe('bool');
    expect(() => x.to('gpu' as never)).toThrow(nabla.NablaError);
  });

  test('write in place, also what is bool as a function', () => {
    const x = tensor([1, 5]);
    expect(values(x.lt_(3))).toEqual([1, 0]);
    expect(values(x.add_(1).clamp_(0, 1.5).reciprocal_())).toEqual([expect.closeTo(2 / 3), 1]);
    expect(() => (tensor([1n]) as nabla.Tensor).sigmoid_()).toThrow(nabla.DTypeError);
    expect(values(tensor([1, 2]).polygamma_(0).isfinite())).toEqual([true, true]);
  });

  test('need a tensor', () => {
    expect(() => nabla.Tensor.prototype.add.call(2 as never, tensor([1]))).toThrow(nabla.ArgumentError);
  });
});

describe('gradients at kinks', () => {
  const gradient = (f: (x: nabla.Tensor) => nabla.Tensor, at: number[]): unknown => {
    const x = tensor(at, { requiresGrad: true });
    f(x).sum().backward();
    return values(x.grad as nabla.Tensor);
  };

  test('are those of PyTorch', () => {
    expect(gradient((x) => clamp(x, 0, 1), [0, 1, -1])).toEqual([1, 1, 0]);
    expect(gradient(nn.functional.relu, [0, 1])).toEqual([0, 1]);
    expect(gradient(nn.functional.relu6, [0, 6])).toEqual([0, 0]);
    expect(gradient(nabla.abs, [0])).toEqual([0]);
    expect(gradient(nn.functional.hardswish, [-3, 3])).toEqual([0, 1]);
  });

  test('of steps are zeros, not nothing', () => {
    expect(gradient(nabla.floor, [1.5])).toEqual([0]);
    expect(gradient(nabla.sign, [1.5])).toEqual([0]);
  });
});

test('relu in place saves its result, not its input', () => {
  const x = tensor([-1, 2], { requiresGrad: true });
  const y = x.mul(2);
  y.relu_();
  y.sum().backward();
  expect(values(x.grad as nabla.Tensor)).toEqual([0, 2]);
});

test('activations write in place on request', () => {
  const x = tensor([-1, 2]);
  expect(nn.functional.leakyRelu(x, { negativeSlope: 0.5, inplace: true })).toBe(x);
  expect(values(x)).toEqual([-0.5, 2]);
});

test('frexp is exact and iterable', () => {
  const { mantissa, exponent } = frexp(tensor([3, -0, 1e-40]));
  expect(values(mantissa.mul(exponent.to('float32').exp2()).sub(tensor([3, -0, 1e-40])))).toEqual([0, 0, 0]);
  expect([...frexp(tensor([1]))].map((x) => x.dtype)).toEqual(['float32', 'int32']);
});

test('nextafter steps by one unit of every dtype', () => {
  for (const [dtype, unit] of [
    ['float64', 2 ** -52],
    ['float32', 2 ** -23],
    ['float16', 2 ** -10],
    ['bfloat16', 2 ** -7],
  ] as const) {
    const one = tensor([1], { dtype });
    expect(nextafter(one, one.add(1)).to('float64').sub(1).item()).toBe(unit);
  }
});

test('where with a condition alone gives coordinates', () => {
  expect(
    where(
      tensor([
        [0, 2],
        [3, 0],
      ]),
    ).map(values),
  ).toEqual([
    [0, 1],
    [1, 0],
  ]);
  expect(where(tensor(true)).map(values)).toEqual([[0]]);
  expect(where(tensor([false])).map(values)).toEqual([[]]);
});

test('closeness and equality', () => {
  const x = tensor([1, Number.NaN]);
  expect(values(isclose(x, x))).toEqual([true, false]);
  expect(allclose(x, x, { equalNan: true })).toBe(true);
  expect(equal(x, x)).toBe(false);
  expect(equal(tensor([1n]), tensor([1]))).toBe(true);
});
