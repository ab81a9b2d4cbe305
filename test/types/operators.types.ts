/** What operators and layers make of shapes and dtypes, and what they refuse. */

import { arange, cat, type Dim, type DType, dim, einsum, nn, ones, randint, randn, slice, stack, type Tensor, tensor, zeros } from 'nabla';
import { is, isDType } from './assert.ts';

declare const n: number, dyn: Tensor, dynF: Tensor<number[], 'float32'>;
const a23 = zeros([2, 3]),
  a34 = randn([3, 4]),
  v3 = ones([3]);
const B = dim('batch', 32);

// ---------------------------------------------------------------- factories (1-8)
is<[2, 3]>()(zeros([2, 3]));
is<[]>()(zeros([]));
is<[number, 3]>()(zeros([n, 3]));
is<number[]>()(zeros(null! as number[]));
is<[2, 3]>()(zeros([2, 3] as const));
is<[2, 3]>()(
  tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]),
);
is<[number]>()(tensor(null! as number[]));
is<[10]>()(arange(10));
// @ts-expect-error negative dim
zeros([2, -3]);
// @ts-expect-error fractional dim
zeros([2.5]);
// ---------------------------------------------------------------- broadcasting (11-27)
is<[2, 3]>()(a23.add(a23));
is<[2, 3]>()(a23.add(v3));
is<[2, 3]>()(v3.add(a23));
is<[2, 3]>()(a23.add(1));
is<[4, 2, 3]>()(a23.mul(zeros([4, 1, 3])));
is<[2, 3]>()(zeros([2, 1]).add(zeros([1, 3])));
is<[2, 3]>()(a23.add(zeros([])));
is<[number, 3]>()(zeros([n, 3]).add(v3));
is<[2, 3]>()(zeros([n, 3]).add(zeros([2, 3])));
is<[number, 3]>()(zeros([n, 3]).add(zeros([1, 3])));
is<[...number[], 2, 3]>()(dyn.add(a23));
is<number[]>()(dyn.add(dyn));
is<number[]>()(dyn.add(2));
is<[Dim<'batch'>, 3]>()(zeros([B, 3]).add(v3));
is<[Dim<'batch'>, 3]>()(zeros([B, 3]).add(zeros([B, 3])));
// @ts-expect-error 3 vs 4
a23.add(zeros([2, 4]));
// @ts-expect-error 2 vs 4 in a leading dim
a23.add(zeros([4, 3]));
// @ts-expect-error different symbolic dims
zeros([B, 3]).add(zeros([dim('time', 5), 3]));
// @ts-expect-error known tail conflicts although the rest is dynamic
zeros([n, 3]).mul(zeros([n, 4]));
// @ts-expect-error not a tensor
a23.add('x');
// ---------------------------------------------------------------- matmul (31-43)
is<[2, 4]>()(a23.matmul(a34));
is<[]>()(v3.matmul(v3));
is<[4]>()(v3.matmul(a34));
is<[2]>()(a23.matmul(v3));
is<[8, 12, 64, 64]>()(zeros([8, 12, 64, 32]).matmul(zeros([12, 32, 64])));
is<[number, 4]>()(zeros([n, 3]).matmul(a34));
is<[number, 4]>()(zeros([n, n]).matmul(a34));
is<number[]>()(dyn.matmul(a34));
is<number[]>()(a23.matmul(dyn));
is<[Dim<'batch'>, 10]>()(zeros([B, 784]).matmul(zeros([784, 10])));
// @ts-expect-error inner dims
a23.matmul(zeros([4, 5]));
// @ts-expect-error inner dims 1-d
a23.matmul(zeros([2]));
// @ts-expect-error batch dims
zeros([2, 3, 4]).matmul(zeros([5, 4, 6]));
// @ts-expect-error 0-d operand
zeros([]).matmul(a23);
// @ts-expect-error numbers are not allowed
a23.matmul(2);
// ---------------------------------------------------------------- reductions (46-60)
is<[]>()(a23.sum());
is<[3]>()(a23.sum(0));
is<[2]>()(a23.sum(-1));
is<[1, 3]>()(a23.sum(0, { keepdim: true }));
is<[1, 1]>()(a23.sum(undefined, { keepdim: true }));
is<[4]>()(zeros([2, 3, 4]).sum([0, 1]));
is<[1, 3, 1]>()(zeros([2, 3, 4]).mean([0, -1], { keepdim: true }));
is<[number]>()(a23.sum(n));
is<[number, number]>()(a23.sum(n, { keepdim: true }));
is<number[]>()(dyn.sum(0));
is<[2]>()(a23.argmax(1));
is<number[]>()(a23.sum(0, { keepdim: null! as boolean }));
// @ts-expect-error dim out of range
a23.sum(2);
// @ts-expect-error dim out of range
a23.mean(-3);
// @ts-expect-error dim out of range in list
a23.sum([0, 2]);
// @ts-expect-error softmax dim
a23.softmax(2);
// ---------------------------------------------------------------- reshape / view / flatten (62-78)
is<[3, 2]>()(a23.reshape([3, 2]));
is<[6]>()(a23.reshape([-1]));
is<[3, 2]>()(a23.reshape([3, -1]));
is<[32, 150528]>()(zeros([32, 3, 224, 224]).reshape([32, -1]));
is<[50257, 768]>()(zeros([38597376]).reshape([50257, 768]));
is<[38597376]>()(zeros([50257, 768]).reshape([-1]));
is<[32, 3, 3136, 16]>()(zeros([32, 3, 224, 224]).reshape([32, 3, -1, 16]));
is<[number, 784]>()(zeros([n, 28, 28]).reshape([-1, 784]));
is<[number, 784]>()(zeros([n, 28, 28]).reshape([n, 784]));
is<[number, 2, 392]>()(zeros([n, 28, 28]).view(n, 2, 392));
is<[Dim<'batch'>, 784]>()(zeros([B, 28, 28]).reshape([B, -1]));
is<[Dim<'batch'>, 784]>()(zeros([B, 784]).reshape([-1, 784]));
is<[2, number]>()(dyn.reshape([2, -1]));
is<number[]>()(a23.reshape(null! as number[]));
is<[2, 12]>()(zeros([2, 3, 4]).flatten(1));
is<[24]>()(zeros([2, 3, 4]).flatten());
is<[6, 4]>()(zeros([2, 3, 4]).flatten(0, 1));
is<[number, 12]>()(zeros([n, 3, 4]).flatten(1));
// @ts-expect-error 6 elements into 8
a23.reshape([4, 2]);
// @ts-expect-error not divisible
a23.reshape([4, -1]);
// @ts-expect-error two -1
a23.reshape([-1, -1]);
// @ts-expect-error view rest form
a23.view(4, 2);
// @ts-expect-error big
zeros([50257, 768]).reshape([50257, 767]);
// ---------------------------------------------------------------- transpose & co (85-101)
is<[3, 2]>()(a23.transpose(0, 1));
is<[2, 4, 3]>()(zeros([2, 3, 4]).transpose(-1, -2));
is<[4, 2, 3]>()(zeros([2, 3, 4]).permute([2, 0, 1]));
is<[number, number]>()(a23.transpose(n, 0));
is<[1, 2, 3]>()(a23.unsqueeze(0));
is<[2, 3, 1]>()(a23.unsqueeze(-1));
is<[2, 3]>()(zeros([2, 1, 3]).squeeze(1));
is<[2, 3]>()(zeros([1, 2, 1, 3]).squeeze());
is<[2, 1, 3]>()(zeros([2, 1, 3]).squeeze(0));
is<[4, 3]>()(v3.expand([4, 3]));
is<[2, 3]>()(a23.unsqueeze(0).sum(0).expand([-1, 3]));
is<[4, 3]>()(dyn.expand([4, 3]));
is<[5, 3]>()(zeros([n, 3]).expand([5, 3]));
// @ts-expect-error can not shrink
zeros([4, 3]).expand([1, 3]);
// @ts-expect-error
a23.expectShape([2, 1]);
is<number[]>()(dyn.transpose(0, 1));
// @ts-expect-error range
a23.transpose(0, 2);
// @ts-expect-error not a permutation
a23.permute([0, 0]);
// @ts-expect-error too few dims
zeros([2, 3, 4]).permute([1, 0]);
// @ts-expect-error unsqueeze range
a23.unsqueeze(4);
// @ts-expect-error expand
a23.expand([4, 3]);
// ---------------------------------------------------------------- cat / stack (101-112)
is<[5, 3]>()(cat([a23, zeros([3, 3])]));
is<[2, 7]>()(cat([a23, zeros([2, 4])], 1));
is<[2, 12]>()(cat([a23, zeros([2, 4]), zeros([2, 5])], -1));
is<[number, 3]>()(cat([a23, zeros([n, 3])]));
is<[number, 3]>()(cat(null! as Tensor<[2, 3], 'float32'>[]));
is<[2, 2, 3]>()(stack([a23, a23]));
is<[2, 3, 4]>()(stack([a23, a23, a23, a23], -1));
is<[number, 2, 3]>()(stack(null! as Tensor<[2, 3], 'float32'>[]));
// @ts-expect-error other dims differ
cat([a23, a34], 0);
// @ts-expect-error ranks differ
cat([a23, v3]);
// @ts-expect-error stack needs equal shapes
stack([a23, a34]);
// @ts-expect-error dim range
cat([a23, a23], 2);
// ---------------------------------------------------------------- indexing (113-126)
is<[3]>()(a23.at(0));
is<[]>()(a23.at(1, -1));
is<[2]>()(a23.at(':', 0));
is<[1, 2, 3]>()(a23.at(null));
is<[2, 2]>()(a23.at(':', slice(1, 3)));
is<[2, 4]>()(zeros([2, 3, 4]).at('...', 1, ':'));
is<[5, 10]>()(zeros([20, 10]).at(slice(5, 10)));
is<[5, 10]>()(zeros([20, 10]).at(slice(-5)));
is<[4, 10]>()(zeros([20, 10]).at(slice(0, 20, 5)));
is<[20, 10]>()(zeros([20, 10]).at(slice(0, 99)));
is<[number, 10]>()(zeros([20, 10]).at(slice(n)));
is<[10]>()(zeros([20, 10]).at(n));
is<number[]>()(zeros([20, 10]).at(randint(0, 20, [7])));
// @ts-expect-error index out of range
a23.at(2);
// @ts-expect-error too many indices
a23.at(0, 0, 0);
// ---------------------------------------------------------------- nn (128-146)
const { Conv2d, MaxPool2d } = nn;
const conv = new Conv2d(3, 64, 7, { stride: 2, padding: 3 });
is<[8, 64, 112, 112]>()(conv.forward(zeros([8, 3, 224, 224])));
is<[64, 112, 112]>()(conv.forward(zeros([3, 224, 224])));
is<[number, 64, 112, 112]>()(conv.forward(zeros([n, 3, 224, 224])));
is<[8, 64, 56, 56]>()(new MaxPool2d(3, { stride: 2, padding: 1 }).forward(conv.forward(zeros([8, 3, 224, 224]))));
is<[1, 8, 222, 220]>()(new Conv2d(3, 8, [3, 5]).forward(zeros([1, 3, 224, 224])));
is<[1, 8, 220, 220]>()(new Conv2d(3, 8, 3, { dilation: 2 }).forward(zeros([1, 3, 224, 224])));
is<[1, 768, 14, 14]>()(new Conv2d(3, 768, 16, { stride: 16 }).forward(zeros([1, 3, 224, 224])));
is<[...number[], 64, number, number]>()(conv.forward(dynF));
is<[8, 16, 28, 28]>()(new nn.ConvTranspose2d(3, 16, 2, { stride: 2 }).forward(zeros([8, 3, 14, 14])));
is<[8, 3, 1, 1]>()(new nn.AdaptiveAvgPool2d(1).forward(zeros([8, 3, 14, 14])));
is<[8, 3, number, 7]>()(new nn.AdaptiveMaxPool2d([null, 7]).forward(zeros([8, 3, 14, 14])));
is<[2, 4, 12]>()(nn.functional.conv1d(zeros([2, 6, 14]), zeros([4, 2, 3]), null, { groups: 3 }));
is<[2, 6, 29]>()(nn.functional.convTranspose1d(zeros([2, 4, 14]), zeros([4, 6, 3]), null, { stride: 2 }));
is<[2, 3, 7, 7]>()(nn.functional.maxPool2d(zeros([2, 3, 14, 14]), 2));
is<[2, 3, number, number]>()(nn.functional.avgPool2d(zeros([2, 3, 15, 15]), 2, { ceilMode: true }));
// @ts-expect-error channels and groups
nn.functional.conv1d(zeros([2, 4, 14]), zeros([4, 2, 3]), null, { groups: 3 });
is<[32, 10]>()(new nn.Linear(784, 10).forward(zeros([32, 784])));
is<[2, 5, 10]>()(new nn.Linear(784, 10).forward(zeros([2, 5, 784])));
is<[...number[], 10]>()(new nn.Linear(784, 10).forward(dynF));
is<[...number[], number]>()(new nn.Linear(n, n).forward(dynF));
is<[8, 1024, 768]>()(new nn.Embedding(50257, 768).forward(randint(0, 50257, [8, 1024])));
const lenet = new nn.Sequential(
  new Conv2d(1, 6, 5, { padding: 2 }),
  new nn.ReLU(),
  new MaxPool2d(2),
  new Conv2d(6, 16, 5),
  new nn.ReLU(),
  new MaxPool2d(2),
  new nn.Flatten(),
  new nn.Linear(400, 120),
  new nn.ReLU(),
  new nn.Linear(120, 84),
  new nn.ReLU(),
  new nn.Linear(84, 10),
);
is<[64, 10]>()(lenet.forward(zeros([64, 1, 28, 28])));
// @ts-expect-error 32x32 gives 576 features, not 400
lenet.forward(zeros([64, 1, 32, 32]));
// @ts-expect-error channels
conv.forward(zeros([8, 1, 224, 224]));
// @ts-expect-error kernel larger than input
new Conv2d(3, 8, 7).forward(zeros([1, 3, 5, 5]));
// @ts-expect-error rank
conv.forward(zeros([8, 3]));
// @ts-expect-error features
new nn.Linear(784, 10).forward(zeros([32, 28, 28]));
// @ts-expect-error layers do not chain
new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(64, 10));
// @ts-expect-error conv layers do not chain
new nn.Sequential(new Conv2d(3, 8, 3), new Conv2d(16, 8, 3));
// ---------------------------------------------------------------- einsum (149-158)
is<[2, 4]>()(einsum('ij,jk->ik', a23, a34));
is<[8, 12, 64, 64]>()(einsum('bhqd,bhkd->bhqk', zeros([8, 12, 64, 32]), zeros([8, 12, 64, 32])));
is<[]>()(einsum('ij->', a23));
is<[3, 2]>()(einsum('ij->ji', a23));
is<[number, 4]>()(einsum('ij,jk->ik', zeros([n, 3]), a34));
is<[number, number]>()(einsum('ij,jk->ik', dyn, a34));
is<number[]>()(einsum(null! as string, a23, a34));
// @ts-expect-error j is 3 and 4
einsum('ij,jk->ik', a23, zeros([4, 5]));
// @ts-expect-error rank
einsum('ijk->i', a23);
// @ts-expect-error unknown output index
einsum('ij->ik', a23);
// @ts-expect-error operand count
einsum('ij,jk->ik', a23);
// ---------------------------------------------------------------- dtype (160-172)
isDType<'float32'>()(zeros([2]));
isDType<'int64'>()(zeros([2], { dtype: 'int64' }));
isDType<'float32'>()(zeros([2], { dtype: 'int32' }).add(zeros([2])));
isDType<'complex64'>()(zeros([2], { dtype: 'complex64' }).mul(zeros([2])));
isDType<'float32'>()(arange(4).div(2));
isDType<'int64'>()(arange(4).add(2));
isDType<'bool'>()(a23.gt(0));
isDType<'float32'>()(a23.where(a23.gt(0), 0));
isDType<'int64'>()(a23.gt(0).sum());
isDType<'float64'>()(a23.to('float64').exp());
isDType<DType>()(dyn.add(a23.to('float32')) as Tensor<number[], DType>);
// @ts-expect-error where needs a bool condition
a23.where(a23, a23);
// @ts-expect-error no such dtype
a23.to('float31');
const it: number = a23.sum().item();
const ib: boolean = zeros([], { dtype: 'bool' }).item();
// @ts-expect-error item needs one element
a23.item();
// @ts-expect-error backward needs a scalar
a23.backward();
a23.sum().backward();
dyn.backward();
dyn.item();
// ---------------------------------------------------------------- gradual assignability (177-190)
const g1: Tensor<[2, 3], 'float32'> = dynF;
const g2: Tensor<[2, 3], 'float32'> = zeros([n, 3]);
const g3: Tensor = a23;
const g4: Tensor<[number, 3]> = a23;
const g5: Tensor<[2, 3], 'float32'> = dyn;
const g6: Tensor<[...number[], 3]> = a23;
const g7: Tensor<[Dim<'batch'>, 3]> = zeros([n, 3]);
declare function strict(x: Tensor<[32, 784], 'float32'>): void;
strict(dyn);
strict(zeros([n, 784]));
// @ts-expect-error definite mismatch
strict(zeros([32, 10]));
// @ts-expect-error definite rank mismatch
strict(zeros([784]));
// @ts-expect-error definite dtype mismatch
strict(zeros([32, 784], { dtype: 'int64' }));
// @ts-expect-error literal vs literal
const g8: Tensor<[4, 3]> = a23;
// shape property
const s0: 2 = a23.shape[0];
const [h0, w0] = a23.shape;
const hh: 2 = h0;
const sd: readonly number[] = dyn.shape;
const ln: 2 = a23.shape.length;
// @ts-expect-error no third dim
a23.shape[2];
is<[2, 3]>()(dyn.expectShape([2, 3]));
// @ts-expect-error impossible expectation
a23.expectShape([2, 4]);

export { g1, g2, g3, g4, g5, g6, g7, g8, hh, ib, it, ln, s0, sd, w0 };
