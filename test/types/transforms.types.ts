/** Function transforms: results have the structure of arguments and results of the function. */

import { autograd, ones, type Tensor } from 'nabla';
import { functionalCall, grad, gradAndValue, hessian, jacrev, jvp, linearize, vjp, vmap } from 'nabla/func';
import { Linear, Module } from 'nabla/nn';
import { same } from './assert.ts';

const x = ones([2]);
type Parameters = { w: Tensor; layers: Tensor[] };
const loss = (p: Parameters, input: Tensor): Tensor => p.w.mul(input).sum();

const gradient = grad(loss)({ w: x, layers: [x] }, x);
same<typeof gradient, Parameters>();
const [first, second] = grad(loss, { argnums: [0, 1] })({ w: x, layers: [x] }, x);
same<typeof first, Parameters>();
same<typeof second, Tensor>();
const slope = grad((a) => a.sum())(x);
same<typeof slope, Tensor>();
const withAux = grad((a: Tensor) => [a.sum(), 'aux'] as [Tensor, string], { hasAux: true })(x);
same<typeof withAux, [gradient: Tensor, aux: string]>();
const both = gradAndValue(loss)({ w: x, layers: [] }, x);
same<typeof both, [gradient: Parameters, value: Tensor]>();
// @ts-expect-error the second argument is missing
grad(loss)({ w: x, layers: [] });
// @ts-expect-error the function must return a tensor
grad((a: Tensor) => [a]);

const parts = (a: Tensor, b: Tensor) => ({ product: a.mul(b) as Tensor, sum: a.sum() as Tensor });
const [output, pull] = vjp(parts, x, x);
same<typeof output, { product: Tensor; sum: Tensor }>();
const cotangents = pull({ product: x, sum: x });
same<typeof cotangents, Tensor[]>();
const [value, tangent] = jvp(parts, [x, x], [x, null]);
same<typeof value, typeof tangent>();
same<typeof tangent, { product: Tensor; sum: Tensor }>();
const push = linearize(parts, x, x)[1];
same<ReturnType<typeof push>, { product: Tensor; sum: Tensor }>();

const jacobian = jacrev(parts, { argnums: [0, 1] })(x, x);
same<typeof jacobian, { product: [Tensor, Tensor]; sum: [Tensor, Tensor] }>();
const second2 = hessian((p: { w: Tensor }) => p.w.sum() as Tensor)({ w: x });
same<typeof second2, { w: { w: Tensor } }>();

const mapped = vmap((p: { a: Tensor<[3], 'float64'> }, n: number) => [p.a, n] as const, { inDims: [0, null], outDims: [0, null] });
same<ReturnType<typeof mapped>, readonly [Tensor<number[], 'float64'>, number]>();

class Net extends Module {
  readonly layer = new Linear(2, 2);
  forward(a: Tensor, scale: number): { out: Tensor } {
    return { out: this.layer.forward(a).mul(scale) };
  }
}
const called = functionalCall(new Net(), { 'layer.weight': x }, [x, 2]);
same<typeof called, { out: Tensor }>();
// @ts-expect-error forward takes a number too
functionalCall(new Net(), {}, [x, x]);

const { hessian: hessianAt, jacobian: jacobianAt } = autograd.functional;
const matrix = jacobianAt((a: Tensor) => a.mul(2), x);
same<typeof matrix, Tensor>();
const blocks = jacobianAt((a: Tensor, b: Tensor): [Tensor, Tensor] => [a.mul(b), a.sum()], [x, x] as [Tensor, Tensor]);
same<typeof blocks, [[Tensor, Tensor], [Tensor, Tensor]]>();
const rows = hessianAt((a: Tensor, b: Tensor) => a.mul(b).sum() as Tensor, [x, x] as [Tensor, Tensor]);
same<typeof rows, [[Tensor, Tensor], [Tensor, Tensor]]>();
