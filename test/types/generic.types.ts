/** Functions that are generic over sizes, shapes and modules; unions; loops; recursion. */

import { type DType, nn, randn, type Shape, Tensor, zeros } from 'nabla';
import { is } from './assert.ts';

// functions generic over shapes, recursion, unions, loops
const a23 = zeros([2, 3]);
declare const cond: boolean;
// g1 dim-generic, annotated result
function mlp<B extends number>(x: Tensor<[B, 784], 'float32'>): Tensor<[B, 10], 'float32'> {
  return x
    .matmul(randn([784, 128]))
    .relu()
    .matmul(randn([128, 10]));
}
is<[32, 10]>()(mlp(zeros([32, 784])));
// g2 dim-generic with broadcasting inside
function affine<B extends number>(x: Tensor<[B, 784], 'float32'>) {
  return x.matmul(randn([784, 10])).add(zeros([10]));
}
is<[32, 10]>()(affine(zeros([32, 784])));
// g3 shape-generic
function sq<S extends Shape, D extends DType>(x: Tensor<S, D>) {
  return x.mul(x);
}
is<[2, 3]>()(sq(a23));
// g4 shape-generic, several ops
function norm<S extends Shape>(x: Tensor<S, 'float32'>) {
  return x.sub(x.mean()).div(x.mul(x).sum().sqrt());
}
const n4 = norm(a23);
is<[2, 3]>()(n4);
// g5 two dims, reshape inside
function heads<B extends number, T extends number>(x: Tensor<[B, T, 768], 'float32'>) {
  return x.reshape([x.shape[0], x.shape[1], 12, 64]).permute([0, 2, 1, 3]);
}
const n5 = heads(zeros([8, 128, 768]));
is<[8, 12, 128, 64]>()(n5);
// g6 attention
function attn<B extends number, T extends number>(q: Tensor<[B, 12, T, 64], 'float32'>, k: Tensor<[B, 12, T, 64], 'float32'>) {
  return q.matmul(k.transpose(-1, -2)).div(8).softmax(-1);
}
const n6 = attn(zeros([8, 12, 128, 64]), zeros([8, 12, 128, 64]));
is<[8, 12, 128, 128]>()(n6);
// g7 module-generic
function apply<M extends nn.UnaryModule, X extends Tensor>(m: M, x: X) {
  return m.forward(x);
}
const n7 = apply(new nn.Linear(3, 4), a23);
// g8 wrong inside a generic function
function bad<B extends number>(x: Tensor<[B, 784], 'float32'>) {
  // @ts-expect-error 784 vs 785
  return x.matmul(randn([785, 10]));
}
// g9 caller mismatch
// @ts-expect-error
mlp(zeros([32, 10]));
// u1 union dims
declare const two3: 2 | 3;
is<[2 | 3, 4]>()(zeros([two3, 4]).relu());
const u1 = zeros([two3, 4]).add(zeros([2, 4]));
is<[2, 4]>()(u1);
const u2 = zeros([two3, 4]).matmul(zeros([4, 5]));
is<[2 | 3, 5]>()(u2);
const u3 = zeros([two3, 4]).reshape([8]);
const u4 = zeros([two3, 4]).reshape([-1]);
// @ts-expect-error disjoint
zeros([two3, 4]).add(zeros([5, 4]));
// u5 union tensors
const t5 = cond ? zeros([2, 3]) : zeros([4, 3]);
is<[2, 5] | [4, 5]>()(t5.matmul(zeros([3, 5])));
is<[3]>()(t5.sum(0));
t5.reshape([-1]);
t5.at(0);
t5.transpose(0, 1);
t5.add(t5);
// @ts-expect-error both members mismatch
t5.matmul(zeros([7, 5]));
// l1 evolving let
// biome-ignore lint/suspicious/noImplicitAnyLet: what is tested
let e;
e = zeros([2, 3]);
e = e.reshape([3, 2]);
is<[3, 2]>()(e);
e = e.sum(0);
is<[2]>()(e);
// l2 evolving let in a loop
// biome-ignore lint/suspicious/noImplicitAnyLet: what is tested
let l;
l = zeros([2, 3]);
for (let i = 0; i < 3; i++) {
  l = l.matmul(zeros([3, 3]));
}
is<[2, 3]>()(l);
// l3 loop with annotated dynamic
let d: Tensor = zeros([1]);
for (let i = 0; i < 3; i++) d = d.unsqueeze(0);
is<number[]>()(d);
// r1 recursion un-annotated result
function fact(x: Tensor, k: number): Tensor {
  return k ? fact(x.mul(x), k - 1) : x;
}
// r2 recursion, shape generic
function pow2<S extends Shape>(x: Tensor<S, 'float32'>, k: number): Tensor<S, 'float32'> {
  return k ? pow2(x.relu(), k - 1) : x;
}
is<[2, 3]>()(pow2(a23, 3));
// s1 subclasses
declare class Parameter<S extends Shape = number[], D extends DType = DType> extends Tensor<S, D> {
  constructor();
  optimizerState: number;
}
declare const p1: Parameter<[2, 3], 'float32'>;
is<[2, 3]>()(p1.add(1));
is<[2, 4]>()(p1.matmul(zeros([3, 4])));
const p2: Tensor<[2, 3], 'float32'> = p1;
const ps: Tensor[] = [p1];
// @ts-expect-error
p1.add(zeros([4]));

export { bad, fact, n7, p2, ps, u3, u4 };
