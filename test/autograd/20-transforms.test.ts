/** The function transforms of nabla/func: trees, dimensions, chunks, randomness, refusals. */
import { autograd, manualSeed, nn, ones, rand, type Tensor, tensor, zeros } from 'nabla';
import { functionalCall, grad, gradAndValue, hessian, jacfwd, jacrev, jvp, linearize, stackModuleState, vjp, vmap } from 'nabla/func';
import { describe, expect, test } from 'vitest';
import { refused, values } from '../engine/support.ts';

const vector = (): Tensor => tensor([1, 2, 3]);
const matrix = (): Tensor =>
  tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);

describe('gradients', () => {
  test('behaviour func.grad nonscalar: refused', () => {
    refused(() => grad((x) => x)(ones([3])), 'AutogradError', /0-d tensor, got shape \[3\]/);
    refused(() => grad((x) => x)(ones([1])), 'AutogradError', /0-d tensor, got shape \[1\]/);
  });

  test('behaviour func.grad int: refused', () => {
    refused(() => grad((x) => x.sum())(ones([3], { dtype: 'int64' })), 'DTypeError', /int64/);
  });

  test('behaviour func.grad non tensor out: refused', () => {
    refused(() => grad((() => 3) as never)(ones([3])), 'ArgumentError', /the number 3/);
    refused(() => grad((x) => [x.sum()] as never)(ones([3])), 'ArgumentError', /one tensor, got an array/);
  });

  test('of trees: the gradient has the structure of the argument', () => {
    const loss = (parameters: { w: Tensor; b: Tensor[] }, x: Tensor): Tensor =>
      parameters.w
        .mul(x)
        .add(parameters.b[0] as Tensor)
        .sum();
    const gradient = grad(loss)({ w: vector(), b: [ones([3])] }, tensor([4, 5, 6]));
    expect(values(gradient.w)).toEqual([4, 5, 6]);
    expect(values(gradient.b[0])).toEqual([1, 1, 1]);
  });

  test('argnums: a position, several, from the end; wrong ones are refused', () => {
    const f = (a: Tensor, b: Tensor): Tensor => a.mul(b).sum();
    expect(values(grad(f, { argnums: 1 })(vector(), ones([3])))).toEqual([1, 2, 3]);
    expect(grad(f, { argnums: [0, -1] })(vector(), ones([3])).map(values)).toEqual([
      [1, 1, 1],
      [1, 2, 3],
    ]);
    refused(() => grad(f, { argnums: 2 })(vector(), ones([3])), 'ArgumentError', /argument 2.*called with 2/);
    refused(() => grad(f, { argnums: [] })(vector(), ones([3])), 'ArgumentError', /empty/);
    refused(() => grad(f, { argnums: [0, -2] })(vector(), ones([3])), 'ArgumentError', /twice/);
    refused(() => grad(f, { argnums: 0.5 })(vector(), ones([3])), 'ArgumentError', /positions/);
    refused(() => grad(f, { argnum: 1 } as never), 'ArgumentError', /unknown option 'argnum'/);
    refused(() => grad(((n: number) => ones([]).mul(n)) as never)(3 as never), 'ArgumentError', /argument 0 has no tensors/);
  });

  test('auxiliary results are handed through, without a graph', () => {
    const f = (x: Tensor): [Tensor, { twice: Tensor; name: string }] => [x.pow(2).sum(), { twice: x.mul(2), name: 'f' }];
    const [gradient, aux] = grad(f, { hasAux: true })(vector());
    expect([values(gradient), values(aux.twice), aux.name, aux.twice.requiresGrad]).toEqual([[2, 4, 6], [2, 4, 6], 'f', false]);
    const [again, [value, same]] = gradAndValue(f, { hasAux: true })(vector());
    expect([values(again), value.item(), values(same.twice)]).toEqual([[2, 4, 6], 14, [2, 4, 6]]);
    const [third, number] = gradAndValue((x: Tensor) => x.pow(2).sum())(vector());
    expect([values(third), number.item(), number.requiresGrad]).toEqual([[2, 4, 6], 14, false]);
    refused(() => grad(((x: Tensor) => x.sum()) as never, { hasAux: true })(vector() as never), 'ArgumentError', /\[output, aux\]/);
  });
});

describe('products with Jacobians', () => {
  test('vjp: any structure of results, any number of pulls, auxiliary results', () => {
    const f = (x: Tensor, y: Tensor) => ({ product: x.mul(y), sum: x.sum() });
    const [output, pull] = vjp(f, vector(), tensor([4, 5, 6]));
    expect([values(output.product), output.sum.item()]).toEqual([[4, 10, 18], 6]);
    for (let round = 0; round < 2; round++)
      expect(pull({ product: ones([3]), sum: tensor(10) }).map(values)).toEqual([
        [14, 15, 16],
        [1, 2, 3],
      ]);
    refused(() => pull({ product: ones([2]), sum: tensor(10) }), 'ShapeError', /\[2\].*\[3\]/);
    refused(() => pull({ product: ones([3]) } as never), 'ArgumentError', /no entry 'sum'/);
    refused(() => pull(ones([3]) as never), 'ArgumentError');
    const withAux = (x: Tensor): [Tensor, string] => [x.mul(2), 'aux'];
    const [y, pullBack, aux] = vjp(withAux, vector(), { hasAux: true });
    expect([values(y), pullBack(ones([3])).map(values), aux]).toEqual([[2, 4, 6], [[2, 2, 2]], 'aux']);
    refused(() => vjp((x) => x), 'ArgumentError');
  });

  test('jvp: any structure of arguments and results, zeros for what does not depend, auxiliary results', () => {
    const f = (p: { a: Tensor; b: Tensor }) => [p.a.mul(p.b), zeros([2])] as const;
    const [output, tangent] = jvp(f, [{ a: vector(), b: tensor([4, 5, 6]) }], [{ a: ones([3]), b: zeros([3]) }]);
    expect(output.map(values)).toEqual([
      [4, 10, 18],
      [0, 0],
    ]);
    expect(tangent.map(values)).toEqual([
      [4, 5, 6],
      [0, 0],
    ]);
    const withAux = (x: Tensor): [Tensor, { seen: Tensor }] => [x.mul(2), { seen: x }];
    const [y, dy, aux] = jvp(withAux, [vector()], [ones([3])], { hasAux: true });
    expect([values(y), values(dy), values(aux.seen), values(aux.seen.mul(1))]).toEqual([
      [2, 4, 6],
      [2, 2, 2],
      [1, 2, 3],
      [1, 2, 3],
    ]);
    refused(() => jvp(() => ones([1]), [vector()], [ones([3])], { strict: true }), 'AutogradError', /result 0 does not/);
    refused(() => jvp((x) => x, [vector()], [ones([3], { dtype: 'int64' })]), 'DTypeError');
    refused(() => jvp((x) => x, [vector()], []), 'ArgumentError', /0 tangents for 1/);
    refused(() => jvp((x) => x, vector() as never, [ones([3])]), 'ArgumentError', /arrays/);
    refused(() => jvp(f, [{ a: vector(), b: vector() }], [{ a: ones([3]) } as never]), 'ArgumentError', /no entry 'b'/);
    refused(() => jvp((x: Tensor[]) => x[0] as Tensor, [[vector()]], [[]]), 'ArgumentError', /array of 1, got 0/);
  });

  test('linearize runs the function once, and pushes any number of tangents', () => {
    let calls = 0;
    const f = (x: Tensor, y: Tensor): { product: Tensor; constant: Tensor } => {
      calls++;
      return { product: x.mul(y), constant: ones([1]) };
    };
    const [output, push] = linearize(f, vector(), tensor([4, 5, 6]));
    expect([values(output.product), values(push(ones([3]), zeros([3])).product)]).toEqual([
      [4, 10, 18],
      [4, 5, 6],
    ]);
    const second = push(zeros([3]), ones([3]));
    expect([values(second.product), values(second.constant), second.product.requiresGrad]).toEqual([[1, 2, 3], [0], false]);
    expect(calls).toBe(1);
    expect(values(linearize((x) => x.exp().sin(), vector())[1](ones([3])))).toEqual(
      values(jvp((x) => x.exp().sin(), [vector()], [ones([3])])[1]),
    );
    refused(() => push(ones([3])), 'ArgumentError', /1 tangents for 2/);
    refused(() => push(ones([2]), ones([3])), 'ShapeError');
  });

  test('what is linearized keeps its draws', () => {
    manualSeed(0);
    const [y, push] = linearize((x) => nn.functional.dropout(x), ones([50]));
    expect(values(push(ones([50])))).toEqual(values(y));
  });
});

describe('whole Jacobians', () => {
  test('behaviour func.jacrev/jacfwd/hessian: of a sum of cubes', () => {
    const f = (x: Tensor): Tensor => x.pow(3).sum();
    expect(values(jacrev(f)(ones([2])))).toEqual([3, 3]);
    expect(values(jacfwd(f)(ones([2])))).toEqual([3, 3]);
    expect(values(hessian(f)(ones([2])))).toEqual([
      [6, 0],
      [0, 6],
    ]);
  });

  test.each([
    ['jacrev', jacrev],
    ['jacfwd', jacfwd],
  ] as const)('%s: structures of results and arguments, chunks, auxiliary results', (_, which) => {
    const jacobian = which as typeof jacrev;
    const f = (x: Tensor, y: { z: Tensor }) => ({ product: x.mul(y.z), sum: x.sum() });
    const found = jacobian(f, { argnums: [0, 1] })(vector(), { z: tensor([4, 5, 6]) });
    expect(values(found.product[0].diagonal())).toEqual([4, 5, 6]);
    expect(values(found.product[1].z.diagonal())).toEqual([1, 2, 3]);
    expect(values(found.sum[0])).toEqual([1, 1, 1]);
    expect(values(found.sum[1].z)).toEqual([0, 0, 0]);
    const g = (x: Tensor): Tensor => x.pow(2).mul(x.sum());
    const whole = values(jacobian(g)(vector()));
    for (const chunkSize of [1, 2, 3, 10, null]) expect(values(jacobian(g, { chunkSize })(vector()))).toEqual(whole);
    const [jac, aux] = jacobian((x: Tensor): [Tensor, Tensor] => [x.mul(2), x.mul(10)], { hasAux: true })(vector());
    expect([values(jac.sum()), values(aux)]).toEqual([6, [10, 20, 30]]);
    refused(() => jacobian((x) => x, { chunkSize: 0 }), 'ArgumentError', /chunkSize/);
    refused(() => jacobian((() => 3) as never)(vector()), 'ArgumentError', /the number 3/);
  });

  test('hessian of several arguments: a list of lists; with auxiliary results', () => {
    const f = (x: Tensor, y: Tensor): Tensor => x.pow(2).mul(y).sum();
    const [[xx, xy], [yx, yy]] = hessian(f, { argnums: [0, 1] })(tensor([1, 2]), tensor([3, 4]));
    expect([xx, xy, yx, yy].map((h) => values(h.diagonal()))).toEqual([
      [6, 8],
      [2, 4],
      [2, 4],
      [0, 0],
    ]);
    const [h, aux] = hessian((x: Tensor): [Tensor, Tensor] => [x.pow(3).sum(), x.mul(2)], { hasAux: true })(tensor([1, 2]));
    expect([values(h.diagonal()), values(aux)]).toEqual([
      [6, 12],
      [2, 4],
    ]);
  });
});

describe('vmap', () => {
  test('behaviour func.vmap size mismatch: refused, with the sizes', () => {
    refused(() => vmap((a, b) => a.mul(b))(ones([3]), ones([4])), 'ShapeError', /3, 4.*argument 0 3 \(dimension 0 of \[3\]\)/);
  });

  test('behaviour func.vmap no tensors: refused', () => {
    refused(() => vmap((x) => x)(3 as never), 'ArgumentError', /the number 3/);
    refused(() => vmap(() => ones([1]))(), 'ArgumentError', /no argument is mapped/);
    refused(() => vmap((x) => x, { inDims: null })(ones([2])), 'ArgumentError', /no argument is mapped/);
  });

  test('behaviour func.vmap bad in_dims: refused', () => {
    refused(() => vmap((x) => x.sin(), { inDims: [0, 0] })(ones([3])), 'ArgumentError', /2 entries for 1 argument/);
    refused(() => vmap((x) => x, { inDims: 1 })(ones([3])), 'ShapeError', /dimension 1 of argument 0/);
    refused(() => vmap((x) => x, { inDims: -2 })(ones([3])), 'ShapeError', /dimension -2/);
    refused(() => vmap((x) => x, { inDims: 'a' as never })(ones([3])), 'ArgumentError');
    refused(() => vmap((x) => x, { inDims: [[0]] })(ones([3])), 'ArgumentError', /argument 0 is a tensor/);
    refused(() => vmap((x: Tensor[]) => x, { inDims: [[0, 0]] })([ones([3])]), 'ArgumentError', /array of 1.*one of 2/);
    refused(() => vmap((x: { a: Tensor }) => x, { inDims: [{ b: 0 }] })({ a: ones([3]) }), 'ArgumentError', /argument 0\.a/);
    refused(() => vmap((x) => x, { indims: 0 } as never), 'ArgumentError', /unknown option/);
  });

  test('behaviour func.vmap item: refused', () => {
    refused(() => vmap((x) => x.sum().item() as never)(ones([3, 3])), 'AutogradError', /^item: .*vmap/);
  });

  test('behaviour func.vmap random default: refused, with what to pass', () => {
    refused(() => vmap((x) => x.add(rand([2])))(ones([3, 2])), 'ArgumentError', /^rand: .*randomness: 'same'/);
    refused(() => vmap((x) => nn.functional.dropout(x))(ones([3, 2])), 'ArgumentError', /dropout/);
    refused(() => vmap((x) => x, { randomness: 'any' as never }), 'ArgumentError', /'error', 'different' or 'same'/);
  });

  test('randomness: one draw for each member, or one for all', () => {
    const draw = (x: Tensor): Tensor => x.mul(0).add(rand([2]));
    manualSeed(0);
    const different = vmap(draw, { randomness: 'different' })(ones([3, 2]));
    manualSeed(0);
    expect(values(different)).toEqual(values(rand([3, 2])));
    manualSeed(0);
    const same = vmap(draw, { randomness: 'same' })(ones([3, 2]));
    manualSeed(0);
    const row = values(rand([2]));
    expect(values(same)).toEqual([row, row, row]);
    // In chunks too.
    manualSeed(0);
    expect(values(vmap(draw, { randomness: 'same', chunkSize: 2 })(ones([3, 2])))).toEqual([row, row, row]);
    refused(() => vmap((x) => x.bernoulli(), { randomness: 'same' })(rand([3, 2])), 'ArgumentError', /'different'/);
    refused(() => vmap((x) => zeros([2]).uniform_().add(x), { randomness: 'different' })(ones([3, 2])), 'InPlaceError', /batch/);
    const masks = vmap((x) => nn.functional.dropout(x), { randomness: 'different' })(ones([20, 20])).toArray() as number[][];
    expect(new Set(masks.map(String)).size).toBeGreaterThan(1);
    const mask = vmap((x) => nn.functional.dropout(x), { randomness: 'same' })(ones([20, 20])).toArray() as number[][];
    expect(new Set(mask.map(String)).size).toBe(1);
    // A draw outside is a draw outside.
    expect(vmap((x) => x.add(1))(rand([2])).shape).toEqual([2]);
  });

  test('trees of arguments, dimensions and results', () => {
    const f = ({ a, b }: { a: Tensor; b: Tensor }, factor: number) => ({ product: a.mul(b).mul(factor), both: [a, b] as const });
    const found = vmap(f, { inDims: [{ a: 1, b: null }, null], outDims: { product: 1, both: [0, null] } })(
      { a: matrix(), b: tensor([10, 100]) },
      2,
    );
    expect(values(found.product)).toEqual([
      [20, 40, 60],
      [800, 1000, 1200],
    ]);
    expect(values(found.both[0])).toEqual(values(matrix().T));
    expect(values(found.both[1])).toEqual([10, 100]);
    expect(vmap((x) => x, { inDims: -1, outDims: -1 })(ones([2, 3])).shape).toEqual([2, 3]);
    expect(vmap((x) => [x, 'label'] as never, { outDims: [0, null] })(ones([2]))).toHaveLength(2);
  });

  test('wrong outDims are refused', () => {
    refused(() => vmap((x) => x, { outDims: null })(ones([3])), 'ArgumentError', /outDims is null/);
    expect(values(vmap(() => ones([2]), { outDims: null })(ones([3])))).toEqual([1, 1]);
    refused(() => vmap((x) => x, { outDims: 1 })(ones([3])), 'ShapeError', /dimension 1 of result/);
    refused(() => vmap((x) => [x, x], { outDims: [0] })(ones([3])), 'ArgumentError', /array of 2.*one of 1/);
    refused(() => vmap((x) => ({ x }), { outDims: { y: 0 } })(ones([3])), 'ArgumentError', /result\.x/);
    refused(() => vmap((x) => x, { outDims: [0] })(ones([3])), 'ArgumentError', /result is a tensor/);
  });

  test('chunks give what the whole gives', () => {
    const f = (x: Tensor, y: Tensor): Tensor[] => [x.mul(y).sum(), x];
    const whole = vmap(f, { inDims: [0, null] })(matrix(), vector()).map(values);
    for (const chunkSize of [1, 2, 5]) expect(vmap(f, { inDims: [0, null], chunkSize })(matrix(), vector()).map(values)).toEqual(whole);
    expect(vmap((x) => x, { chunkSize: 2, outDims: 1 })(ones([5, 3])).shape).toEqual([3, 5]);
    for (const chunkSize of [0, -1, 0.5]) refused(() => vmap((x) => x, { chunkSize }), 'ArgumentError', /chunkSize/);
  });

  test('an operator without a batching rule on no members at all', () => {
    expect(vmap((x) => x.unique() as Tensor)(ones([0, 3])).shape).toEqual([0, 1]);
  });
});

describe('modules as functions', () => {
  class Twin extends nn.Module {
    first = new nn.Linear(2, 2);
    second = this.first;
    scale = new nn.Parameter(tensor([2]));
    constructor() {
      super();
      this.registerBuffer('count', zeros([1]));
    }
    forward(x: Tensor): Tensor {
      const self = this as unknown as { count: Tensor };
      self.count = self.count.add(1);
      return this.second.forward(this.first.forward(x)).mul(this.scale);
    }
  }
  const identity = (): Tensor =>
    tensor([
      [1, 0],
      [0, 1],
    ]);

  test('functionalCall: other values by name; the module is as before', () => {
    const model = new Twin();
    const own = new Map(model.namedParameters());
    const state = { 'first.weight': identity(), 'first.bias': ones([2]), scale: tensor([10]), count: zeros([1]) };
    expect(values(functionalCall(model, state, tensor([1, 2])))).toEqual([30, 40]);
    for (const [name, parameter] of model.namedParameters()) expect(parameter).toBe(own.get(name));
    // What the module put in the place of a buffer is in the state, not in the module.
    expect([values(state.count), values(model.namedBuffers()[0]?.[1])]).toEqual([[1], [0]]);
    expect(values(functionalCall(model, new Map(Object.entries(state)), [tensor([1, 2])]))).toEqual([30, 40]);
    const parts = [{ 'first.weight': identity(), 'first.bias': ones([2]) }, { scale: tensor([10]) }];
    expect(values(functionalCall(model, parts, tensor([1, 2])))).toEqual([30, 40]);
  });

  test('functionalCall: shared tensors are replaced under all names, unless told otherwise', () => {
    const model = new Twin();
    const bias = { 'first.bias': zeros([2]), scale: tensor([1]) };
    const other = { ...bias, 'first.weight': identity(), 'second.weight': identity().mul(2) };
    refused(() => functionalCall(model, other, ones([2])), 'ArgumentError', /same tensor.*tieWeights/);
    // The two names are one place of one module: the later one stays.
    expect(functionalCall(model, other, ones([2]), { tieWeights: false }).shape).toEqual([2]);
    expect(values(functionalCall(model, { ...bias, 'second.weight': identity().mul(3) }, ones([2])))).toEqual([9, 9]);
  });

  test('functionalCall: refusals, after which the module is as before', () => {
    const model = new Twin();
    refused(() => functionalCall(model, { 'first.wieght': identity() }, ones([2])), 'ArgumentError', /first\.wieght.*first\.weight/);
    refused(() => functionalCall(model, { scale: ones([1]) }, ones([2]), { strict: true }), 'ArgumentError', /first\.weight/);
    refused(() => functionalCall(model, [{ scale: ones([1]) }, { scale: ones([1]) }], ones([2])), 'ArgumentError', /twice/);
    refused(() => functionalCall(model, { scale: 3 as never }, ones([2])), 'ArgumentError', /must be a tensor/);
    refused(() => functionalCall(model, 3 as never, ones([2])), 'ArgumentError');
    refused(() => functionalCall({} as never, {}, ones([2])), 'ArgumentError', /module/);
    const scale = model.scale;
    refused(() => functionalCall(model, { scale: ones([3]) }, ones([2])), 'ShapeError');
    expect(model.scale).toBe(scale);
  });

  test('functionalCall differentiates with respect to what is given', () => {
    const model = new nn.Linear(2, 1);
    const state = { weight: tensor([[3, 4]]), bias: tensor([5]) };
    const gradient = grad((s: typeof state, x: Tensor) => functionalCall(model, s, x).sum())(state, tensor([1, 2]));
    expect([values(gradient.weight), values(gradient.bias)]).toEqual([[[1, 2]], [1]]);
    expect(model.weight.grad).toBeNull();
  });

  test('stackModuleState: an ensemble in one call, with gradients for each member', () => {
    const models = [new nn.Linear(2, 1), new nn.Linear(2, 1), new nn.Linear(2, 1)];
    const [parameters, buffers] = stackModuleState(models);
    expect(Object.keys(parameters)).toEqual(['weight', 'bias']);
    expect(buffers).toEqual({});
    expect([parameters['weight']?.shape, parameters['weight']?.isLeaf, parameters['weight']?.requiresGrad]).toEqual([
      [3, 1, 2],
      true,
      true,
    ]);
    const x = rand([5, 2]);
    const call = (state: Record<string, Tensor>, input: Tensor): Tensor => functionalCall(models[0] as nn.Linear, state, input);
    const found = vmap(call, { inDims: [0, null] })(parameters, x);
    expect(values(found)).toEqual(models.map((model) => values(model.forward(x))));
    found.sum().backward();
    expect(values(parameters['bias']?.grad)).toEqual([[5], [5], [5]]);
    expect(models[0]?.weight.grad).toBeNull();
  });

  test('stackModuleState: refusals', () => {
    refused(() => stackModuleState([]), 'ArgumentError', /at least one/);
    refused(() => stackModuleState([new nn.Linear(2, 1), new nn.ReLU()]), 'ArgumentError', /Linear and ReLU/);
    refused(() => stackModuleState([new nn.Linear(2, 1), new nn.Linear(2, 1).eval()]), 'ArgumentError', /mode/);
    refused(() => stackModuleState([new nn.Linear(2, 1), new nn.Linear(3, 1)]), 'ShapeError');
    refused(() => stackModuleState([new nn.Linear(2, 1), new nn.Linear(2, 1, { bias: false })]), 'ArgumentError', /bias/);
    refused(() => stackModuleState([3 as never]), 'ArgumentError');
  });
});

test('the tape still sees what transforms run', () => {
  const w = vector().requiresGrad_();
  const inner = grad((x: Tensor) => x.pow(2).mul(w).sum())(ones([3]));
  inner.sum().backward();
  expect(values(w.grad)).toEqual([2, 2, 2]);
  const [h] = autograd.grad(jacrev((x: Tensor) => x.mul(w))(ones([3])).sum(), [w]);
  expect(values(h ?? null)).toEqual([1, 1, 1]);
});
