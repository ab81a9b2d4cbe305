/** The type that a result is assigned to must not change what it is, and `any` must not leak out of results. */

import { cat, type DTypeOf, einsum, nn, randn, type ShapeOf, stack, type Tensor, zeros } from 'nabla';

// return-type (contextual) inference must never fabricate a shape or dtype
const a23 = zeros([2, 3]);
// @ts-expect-error float32 is the default
const c1: Tensor<[2], 'int64'> = zeros([2]);
// @ts-expect-error [] is not [2]
const c2: Tensor<[2]> = a23.sum();
// @ts-expect-error [3] is not [1, 3]
const c3: Tensor<[1, 3]> = a23.sum(0);
// @ts-expect-error scalar operand does not change the shape
const c4: Tensor<[4, 2, 3]> = a23.add(1);
// @ts-expect-error
const c5: Tensor<[4, 2, 3], 'float64'> = a23.relu();
const c6: Tensor<[5, 3], 'float32'> = cat([a23, zeros([3, 3])]);
// @ts-expect-error dtype
const c7: Tensor<[5, 3], 'int32'> = cat([a23, zeros([3, 3])]);
// @ts-expect-error
const c8: Tensor<[3], 'float32'> = einsum('ij->i', a23);
function f(): Tensor<[2, 4]> {
  return a23.matmul(randn([3, 4]));
}
function g(): Tensor<[2, 5]> {
  // @ts-expect-error [2, 4] is not [2, 5]
  return a23.matmul(randn([3, 4]));
}
// @ts-expect-error
const c9: Tensor<[2, 9]> = new nn.Linear(3, 4).forward(a23);
// ---- any must not leak
type IsAny<T> = 0 extends 1 & T ? true : false;
type NoAny<X> = true extends IsAny<X> | IsAny<ShapeOf<X>> | IsAny<ShapeOf<X> extends readonly (infer E)[] ? E : 0> | IsAny<DTypeOf<X>>
  ? { anyLeaked: X }
  : X;
declare function noAny<X>(x: NoAny<X>): X;
declare const dyn: Tensor, m: nn.UnaryModule, ms: nn.UnaryModule[], nums: number[];
// biome-ignore lint/suspicious/noExplicitAny: what is tested
declare const any1: any;
noAny(dyn.add(dyn));
noAny(dyn.add(1));
noAny(dyn.matmul(a23));
noAny(a23.matmul(dyn));
noAny(dyn.sum(0));
noAny(dyn.reshape([2, -1]));
noAny(dyn.at(0, ':'));
noAny(m.forward(dyn));
noAny(new nn.Sequential(...ms).forward(dyn));
noAny(cat([dyn, a23]));
noAny(stack([dyn]));
noAny(einsum('ij->i', dyn));
noAny(zeros(nums));
noAny(dyn.shape);
noAny(dyn.shape[0]!);
noAny(dyn.dtype);
noAny(dyn.item());
noAny(dyn.transpose(0, 1));
noAny(dyn.permute([0, 1]));
noAny(dyn.flatten());
noAny(dyn.squeeze());
const y = a23.add(any1);
const z = a23.matmul(any1);
noAny(z.shape);

export { c1, c2, c3, c4, c5, c6, c7, c8, c9, f, g, y };
