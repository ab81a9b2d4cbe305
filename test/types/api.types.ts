/** The library as it is called: forms that the other files do not use, dtypes, writing in place, and code that says nothing about shapes. */

import * as nabla from 'nabla';
import { type DType, type NestedElements, nn, type ShapeOf, type Tensor } from 'nabla';
import { is, isDType, same } from './assert.ts';

declare const n: number, dyn: Tensor, condition: boolean;
const a23 = nabla.zeros([2, 3]);
const v3 = nabla.ones([3]);
const int3 = nabla.arange(3);
const bool23 = a23.gt(0);

// ---------------------------------------------------------------- creation
is<[2, 3]>()(nabla.zeros(2, 3));
isDType<'float64'>()(nabla.zeros(2, 3, { dtype: 'float64' }));
is<[2, 3]>()(nabla.zeros(2, 3, { dtype: 'float64', requiresGrad: true }));
is<[number]>()(nabla.zeros(n));
is<number[]>()(nabla.zeros(...(null! as number[])));
is<[]>()(nabla.full([], 2));
isDType<'int64'>()(nabla.full([2], 7));
isDType<'float32'>()(nabla.full([2], 0.5));
isDType<'bool'>()(nabla.full([2], true));
isDType<DType>()(nabla.full([2], n));
is<[2, 2]>()(nabla.tensor([[1n], [2n]]).expand(2, 2));
isDType<'int64'>()(nabla.tensor([1n]));
isDType<'float64'>()(nabla.tensor(new Float64Array(2)));
isDType<'int32'>()(nabla.tensor([1, 2], { dtype: 'int32' }));
isDType<'complex64'>()(nabla.tensor([{ re: 1, im: 2 }]));
is<[2, 3]>()(nabla.tensor(a23));
is<[5]>()(nabla.arange(1, 10, 2));
is<[9]>()(nabla.arange(1, 10));
isDType<'float32'>()(nabla.arange(0, 1, 0.25));
is<[3, 4]>()(nabla.eye(3, 4));
is<[3, 3]>()(nabla.eye(3, { dtype: 'int64' }));
isDType<'int64'>()(nabla.eye(3, { dtype: 'int64' }));
is<[7]>()(nabla.linspace(0, 1, 7));
is<[2, 3]>()(nabla.zerosLike(a23));
isDType<'bool'>()(nabla.onesLike(a23, { dtype: 'bool' }));
is<[4]>()(a23.newZeros([4]));
is<[3]>()(nabla.randint(10, [3]));
is<[2, 2]>()(nabla.randint(0, 10, [2, 2]));
is<[5]>()(nabla.randperm(5));
is<[2, 3]>()(nabla.normal(0, 1, [2, 3]));
// @ts-expect-error no such option
nabla.zeros([2], { dtyp: 'int64' });
// @ts-expect-error no such dtype
nabla.zeros([2], { dtype: 'float31' });
// @ts-expect-error negative size
nabla.zeros(2, -3);

// ---------------------------------------------------------------- functions are the methods
is<[2, 3]>()(nabla.add(a23, v3));
is<[2, 3]>()(nabla.add(2, a23));
is<[3]>()(nabla.sum(a23, 0));
is<[2, 4]>()(nabla.matmul(a23, nabla.ones([3, 4])));
is<[3, 2]>()(nabla.transpose(a23, 0, 1));
is<[2, 3]>()(nabla.nn.functional.relu(a23));
// @ts-expect-error 3 vs 4
nabla.add(a23, nabla.zeros([4]));
// @ts-expect-error no tensor
nabla.add(1, 2);
const each: ((x: Tensor) => Tensor)[] = [nabla.sin, nabla.relu, nn.functional.gelu];
const two: ((x: Tensor, y: Tensor) => Tensor)[] = [nabla.add, nabla.matmul, nabla.maximum];

// ---------------------------------------------------------------- shapes as numbers, dimensions as lists
is<[3, 2]>()(a23.reshape(3, 2));
is<[3, 2]>()(a23.reshape(-1, 2));
is<[3, 2]>()(a23.permute(1, 0));
is<[4, 2, 3]>()(a23.expand(4, -1, -1));
is<[3, 2]>()(a23.T);
is<[3, 2]>()(a23.mT);
is<[2, 3]>()(a23.T.T);
is<[2, 3]>()(a23.data);
same<typeof a23.grad, Tensor<[2, 3], 'float32'> | null>();
// @ts-expect-error 6 elements into 8
a23.reshape(4, 2);
// @ts-expect-error not a permutation
a23.permute(0, 0);

// ---------------------------------------------------------------- reductions
const pair = a23.max(1);
is<[2]>()(pair.values);
isDType<'int64'>()(pair.indices);
is<[]>()(a23.max());
is<[2, 3]>()(a23.max(v3));
is<[2, 1]>()(a23.max(1, { keepdim: true }).indices);
isDType<'int64'>()(int3.sum());
isDType<'float32'>()(int3.mean(null, { dtype: 'float32' }));
isDType<'float64'>()(a23.sum(0, { dtype: 'float64' }));
isDType<'bool'>()(a23.gt(0).any(1));
is<[2]>()(a23.std(1, { correction: 0 }));
is<[3]>()(nabla.varMean(a23, 0).mean);
is<[2, 2]>()(a23.topk(2).values);
is<[2, 3]>()(a23.sort(0).indices);
is<[]>()(a23.norm());
// @ts-expect-error no third dimension
a23.max(2);
// @ts-expect-error integers have no mean
int3.mean();
// @ts-expect-error k
a23.topk(4);

// ---------------------------------------------------------------- parts
is<[3]>()(a23.select(0, 1));
is<[2, 2]>()(a23.narrow(1, 0, 2));
const [left, right] = a23.splitWithSizes([1, 2], 1);
is<[2, 1]>()(left);
is<[2, 2]>()(right);
is<[3]>()(a23.unbind(0)[0]!);
is<[1, 3]>()(a23.chunk(2)[0]!);
is<[2, 2]>()(a23.slice(1, 0, 2));
is<[2, 4]>()(a23.indexSelect(1, nabla.randint(3, [4])));
is<[2, 2]>()(a23.gather(1, nabla.randint(3, [2, 2])));
is<[number]>()(a23.maskedSelect(bool23));
is<[number, 2]>()(a23.nonzero());
// @ts-expect-error an index is an integer
a23.gather(1, a23);
// @ts-expect-error a mask is bool
a23.maskedFill(a23, 0);

// ---------------------------------------------------------------- dtypes
isDType<'float64'>()(a23.double());
isDType<'int32'>()(a23.to({ dtype: 'int32' }));
isDType<'bool'>()(a23.typeAs(bool23));
isDType<'float32'>()(int3.sin());
isDType<'float32'>()(nabla.zeros([2], { dtype: 'complex64' }).abs());
isDType<'float32'>()(int3.div(2));
isDType<'int64'>()(int3.div(2, { roundingMode: 'floor' }));
isDType<'float32'>()(int3.clamp(0.5));
isDType<'int64'>()(int3.where(int3.gt(1), 0));
// @ts-expect-error no minus of bool
bool23.neg();
// @ts-expect-error bits of floats
a23.bitwiseAnd(a23);
// @ts-expect-error a product does not promote
a23.matmul(nabla.ones([3, 4], { dtype: 'float64' }));

// ---------------------------------------------------------------- in place
is<[2, 3]>()(a23.add_(v3).mul_(2).relu_().clamp_(0, 1));
is<[2, 3]>()(a23.uniform_().copy_(v3));
// @ts-expect-error does not fit
v3.add_(a23);
// @ts-expect-error a float does not fit into integers
int3.add_(0.5);
// @ts-expect-error nor does a sine
int3.sin_();
// @ts-expect-error nor a quotient
int3.div_(2);
// @ts-expect-error [4] into [3]
a23.set([0], nabla.ones([4]));
is<[2, 3]>()(a23.set([0, nabla.slice(1)], 1));

// ---------------------------------------------------------------- values
const one: number = nabla.ones([1, 1]).item();
const list: number[][] = a23.toArray();
const flags: boolean[] = v3.gt(0).toArray();
const floats: Float32Array = a23.toTypedArray();
const whole: BigInt64Array = int3.toTypedArray();
const unknown: NestedElements = dyn.toArray();

// ---------------------------------------------------------------- gradients
const w = new nabla.Variable(a23, { requiresGrad: true });
is<[2, 3]>()(w);
is<[2, 3]>()(nabla.Variable(a23, true));
is<[3]>()(new nn.Parameter(v3));
w.sum().backward();
w.backward(a23);
w.backward([
  [1, 2, 3],
  [4, 5, 6],
]);
is<[2, 3]>()(w.detach());
const asType: nabla.Variable<[2, 3]> = w;
// @ts-expect-error not a scalar
w.backward();
// @ts-expect-error the gradient of a [2, 3] is a [2, 3]
w.backward(v3);
// @ts-expect-error integers have no gradient
new nn.Parameter(int3);

// ---------------------------------------------------------------- losses
is<[]>()(nn.functional.crossEntropy(nabla.zeros([8, 10]), nabla.arange(8)));
is<[8]>()(nn.functional.crossEntropy(nabla.zeros([8, 10]), nabla.arange(8), { reduction: 'none' }));
is<[]>()(nn.functional.mseLoss(a23, a23));
// @ts-expect-error [8, 1] and [8] would make 64 losses
nn.functional.mseLoss(nabla.zeros([8, 1]), nabla.zeros([8]));

// ---------------------------------------------------------------- code that says nothing about shapes
function standardized(x: Tensor, dim?: number | readonly number[]): Tensor {
  return x.sub(x.mean(dim, { keepdim: true })).div(x.std(dim, { keepdim: true }).add(1e-5));
}
function blend(x: Tensor, y: Tensor | number, mask?: Tensor): Tensor {
  const mixed = mask === undefined ? x.add(y) : x.where(mask, y);
  return mixed.clamp(typeof y === 'number' ? y : null, null);
}
function total(xs: readonly Tensor[]): Tensor {
  let sum: Tensor = nabla.zeros([]);
  for (const x of xs) sum = sum.add(x.sum());
  return nabla.stack(xs.map((x) => x.flatten())).mul(sum);
}
const options = { keepdim: condition };
same<ShapeOf<ReturnType<typeof standardized>>, number[]>();
dyn.sum(0, options);
dyn
  .reshape(...dyn.shape)
  .matmul(dyn.T)
  .at(n, '...', null, nabla.slice(n));
nabla.cat([dyn, dyn.mul(2)], n);
is<[2, 3]>()(standardized(a23).expectShape([2, 3]));
is<[2, number]>()(dyn.expectShape([2, -1]));

export { asType, blend, each, flags, floats, list, one, total, two, unknown, whole };
