import { describe, expect, test } from 'vitest';
import {
  autograd,
  configureMemory,
  manualSeed,
  memory,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  randn,
  scope,
  type Tensor,
  tensor,
  vmap,
  zeros,
} from '../../src/index.ts';
import { collectMemory } from '../../src/runtime/memory.ts';
import { outermostTask } from '../../src/tensor/engine.ts';
import { mode } from '../../src/tensor/modes.ts';
import {
  CheckpointError,
  type CheckpointOptions,
  checkpoint,
  checkpointSequential,
  setCheckpointDebugEnabled,
  setCheckpointEarlyStop,
} from '../../src/utils.ts';
import { leaf, refused, values } from '../engine/support.ts';

const { grad } = autograd;

/** The message of the CheckpointError that `body` throws. */
function mismatch(body: () => unknown): string {
  let thrown: unknown = null;
  try {
    body();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(CheckpointError);
  expect((thrown as CheckpointError).code).toBe('CHECKPOINT');
  return (thrown as Error).message;
}

describe('behaviours', () => {
  test('behaviour checkpoint default use_reentrant: without options the gradient is right', () => {
    const x = leaf(2);
    checkpoint((a: Tensor) => a.sin(), [x])
      .sum()
      .backward();
    expect(values(x.grad)).toEqual([Math.cos(1), Math.cos(1)]);
  });

  test('behaviour checkpoint nonreentrant mismatch: a second run that saves less is refused', () => {
    let runs = 0;
    const f = (a: Tensor): Tensor => (++runs === 1 ? a.sin().exp() : a.sin());
    const message = mismatch(() =>
      checkpoint(f, [leaf(2)], { useReentrant: false })
        .sum()
        .backward(),
    );
    expect(message).toMatch(/saved 1 tensor for the backward pass when it first ran, and 0 tensors when it ran again/);
    expect(message).toMatch(/The first one missing is float64 of shape \[2\], saved by exp/);
  });
});

test('test_checkpointing: a reentrant checkpoint in a module runs over 2000 inputs', () => {
  const module = new nn.Sequential(new nn.Linear(10, 10), new nn.ReLU(), new nn.Linear(10, 5), new nn.ReLU());
  const inputs: Tensor[] = [];
  for (let i = 0; i < 2000; i++) inputs.push(rand([1, 10], { requiresGrad: true }));
  let total: Tensor = zeros([]);
  for (const x of inputs)
    total = total.add(checkpoint((x: Tensor) => module.forward(x as never) as Tensor, [x], { useReentrant: true }).sum()) as Tensor;
  total.mean().backward();
  expect(inputs.every((x) => x.grad !== null)).toBe(true);
  const [weight] = [...module.parameters()];
  const found = values(weight?.grad ?? null);
  module.zeroGrad();
  let plain: Tensor = zeros([]);
  for (const x of inputs) plain = plain.add((module.forward(x.detach() as never) as Tensor).sum()) as Tensor;
  plain.backward();
  const expected = (values(weight?.grad ?? null) as number[][]).flat();
  (found as number[][]).flat().forEach((each, i) => void expect(each).toBeCloseTo(expected[i] as number, 1));
});

test('test_checkpointing_without_reentrant: gradients equal those without a checkpoint, whether the input wants one or not', () => {
  const module = new nn.Sequential(new nn.Linear(10, 10), new nn.Tanh(), new nn.Linear(10, 5));
  const scaled = (x: Tensor, options: { scale: Tensor }): Tensor =>
    (module.forward(x as never) as Tensor).mul(options.scale as never) as Tensor;
  for (const wanted of [true, false]) {
    const gradients = (run: (x: Tensor, options: { scale: Tensor }) => Tensor): unknown => {
      const x = ones([3, 10], { requiresGrad: wanted });
      const scale = tensor([2, 3, 4, 5, 6], { requiresGrad: true });
      module.zeroGrad();
      run(x, { scale }).sum().backward();
      return [values(x.grad), values(scale.grad), ...[...module.parameters()].map((p) => values(p.grad))];
    };
    const expected = gradients(scaled);
    expect(gradients((x, options) => checkpoint(scaled, [x, options]))).toEqual(expected);
    expect((expected as unknown[])[0] === null).toBe(!wanted);
  }
});

test('test_checkpointing_without_reentrant_correct_grad: backward() and grad() give the same', () => {
  const a = leaf(2, 2);
  const run = (): Tensor => checkpoint((x: Tensor) => x.exp().sin(), [a]).sum();
  run().backward();
  const accumulated = values(a.grad);
  expect(values(grad(run(), [a])[0])).toEqual(accumulated);
  expect(values(grad(a.exp().sin().sum(), [a])[0])).toEqual(accumulated);
});

test('test_checkpointing_without_reentrant_custom_function_works: what a custom function saves is computed again, and read as often as it likes', () => {
  const seen: unknown[] = [];
  class Custom extends autograd.Function {
    static forward(context: autograd.FunctionContext, x: Tensor, y: Tensor): Tensor {
      const z = x.mul(y);
      context.saveForBackward(x, y, z);
      return z.add(1) as Tensor;
    }
    static backward(context: autograd.FunctionContext, g: Tensor): Tensor[] {
      const [x, y, z] = context.savedTensors as [Tensor, Tensor, Tensor];
      const again = context.savedTensors as [Tensor, Tensor, Tensor];
      seen.push([values(x), values(y), values(z)], again[2] === z);
      return [g.mul(y), g.mul(x)] as Tensor[];
    }
  }
  let runs = 0;
  const f = (x: Tensor, y: Tensor): Tensor => {
    runs++;
    return Custom.apply(x.exp(), y).sin();
  };
  const x = tensor([0], { dtype: 'float64', requiresGrad: true });
  const y = tensor([3], { dtype: 'float64', requiresGrad: true });
  checkpoint(f, [x, y]).sum().backward();
  expect([seen, runs]).toEqual([[[[1], [3], [3]], true], 2]);
  expect([values(x.grad), values(y.grad)]).toEqual([[3 * Math.cos(4)], [Math.cos(4)]]);
});

test('test_checkpointing_without_reentrant_with_context_fn: each run has its context; a reentrant checkpoint refuses them', () => {
  const order: string[] = [];
  const context = (name: string) => (body: () => never) => {
    order.push(`into ${name}`);
    try {
      return body();
    } finally {
      order.push(`out of ${name}`);
    }
  };
  let made = 0;
  const contextFn = () => {
    made++;
    return [context('first'), context('second')] as never;
  };
  const x = leaf(2);
  const y = checkpoint((a: Tensor) => a.exp().sin(), [x], { contextFn });
  expect([order, made]).toEqual([['into first', 'out of first'], 1]);
  y.sum().backward();
  expect(order.slice(2)).toEqual(['into second', 'out of second']);
  expect(made).toBe(1);
  refused(
    () => checkpoint((a: Tensor) => a.sin(), [x], { useReentrant: true, contextFn }),
    'ArgumentError',
    /contextFn does not go with useReentrant/,
  );
});

test('test_checkpoint_warns_if_use_reentrant_not_passed_explcitly: nothing is printed, left out means the form without re-entrance', () => {
  const before = console.warn;
  const printed: unknown[] = [];
  console.warn = (...args: unknown[]) => void printed.push(args);
  try {
    const x = leaf(2);
    const y = checkpoint((a: Tensor) => a.exp().sin(), [x]);
    expect(y.gradFn?.name).toBe('SinBackward');
    expect(checkpoint((a: Tensor) => a.exp().sin(), [x], { useReentrant: true }).gradFn?.name).toBe('CheckpointFunctionBackward');
    expect(values(grad(y.sum(), [x])[0])).toEqual(values(grad(x.exp().sin().sum(), [x])[0]));
  } finally {
    console.warn = before;
  }
  expect(printed).toEqual([]);
});

test('test_checkpoint_sequential_warns_if_use_reentrant_not_passed_explcitly: the same for a sequence', () => {
  const model = new nn.Sequential(new nn.Linear(4, 4), new nn.Tanh(), new nn.Linear(4, 4), new nn.Tanh(), new nn.Linear(4, 2));
  const gradients = (run: (x: Tensor) => Tensor): unknown => {
    const x = ones([2, 4], { requiresGrad: true });
    model.zeroGrad();
    const y = run(x);
    y.sum().backward();
    return [values(y), values(x.grad), ...[...model.parameters()].map((p) => values(p.grad))];
  };
  const expected = gradients((x) => model.forward(x as never) as Tensor);
  for (const segments of [1, 2, 3, 5]) {
    expect(gradients((x) => checkpointSequential(model as never, segments, x))).toEqual(expected);
    expect(gradients((x) => checkpointSequential(model as never, segments, x, { useReentrant: true }))).toEqual(expected);
  }
  refused(() => checkpointSequential(model as never, 6, ones([2, 4])), 'ArgumentError', /from 1 to the number of steps, 5, got 6/);
  refused(() => checkpointSequential(model as never, 0, ones([2, 4])), 'ArgumentError', /got 0/);
});

describe('test_checkpoint_detects_non_determinism', () => {
  const saveThree = (x: Tensor): Tensor => x.sin().exp().sin().exp() as Tensor;
  const saveOne = (x: Tensor): Tensor => x.sin().exp() as Tensor;
  const alternating = (first: (x: Tensor) => Tensor, then: (x: Tensor) => Tensor) => {
    let runs = 0;
    return (x: Tensor): Tensor => (runs++ === 0 ? first(x) : then(x));
  };
  const run = (first: (x: Tensor) => Tensor, then: (x: Tensor) => Tensor, options: CheckpointOptions = {}): string =>
    mismatch(() =>
      checkpoint(alternating(first, then), [leaf(3)], options)
        .sum()
        .backward(),
    );

  test('test_checkpoint_detects_non_determinism: fewer tensors the second time', () => {
    const message = run(saveThree, saveOne);
    expect(message).toMatch(/saved 3 tensors .* and 1 tensor when it ran again/);
    expect(message).toMatch(/first one missing is float64 of shape \[3\], saved by sin/);
  });

  test('test_checkpoint_detects_non_determinism: more tensors the second time, where the second run is not left early', () => {
    expect(run(saveOne, saveThree, { earlyStop: false })).toMatch(
      /saved 1 tensor .* and 3 tensors .*first one more is float64 of shape \[3\], saved by sin/,
    );
    const x = leaf(3);
    checkpoint(alternating(saveOne, saveThree), [x]).sum().backward();
    expect(values(x.grad)).toEqual(values(grad(saveOne(x).sum(), [x])[0]));
  });

  test('test_checkpoint_detects_non_determinism: other shapes and dtypes are named with the operators', () => {
    const wider = (x: Tensor): Tensor => x.expand([2, 3]).sin().exp().sum() as Tensor;
    const narrow = (x: Tensor): Tensor => x.to('float32').sin().exp().sum() as Tensor;
    const once = (x: Tensor): Tensor => x.sin().exp().sum() as Tensor;
    expect(run(once, wider, { earlyStop: false })).toMatch(/ran again/);
    const inner = (x: Tensor): Tensor => x.mul(2).sin().sum() as Tensor;
    const cast = (x: Tensor): Tensor => x.mul(2).to('float32').cos().sum() as Tensor;
    expect(run(inner, cast)).toMatch(/tensor 0 was float64 of shape \[3\], saved by sin; it became float32 of shape \[3\], saved by cos/);
    expect(narrow(leaf(2)).dtype).toBe('float32');
    const x = leaf(3);
    checkpoint(
      alternating(
        (a) => a.mul(2).sin() as Tensor,
        (a) => a.mul(2).cos() as Tensor,
      ),
      [x],
    )
      .sum()
      .backward();
    expect(x.grad).not.toBeNull();
  });

  test('test_checkpoint_detects_non_determinism: determinismCheck none compares numbers only', () => {
    const inner = (x: Tensor): Tensor => x.mul(2).sin().sum() as Tensor;
    const other = (x: Tensor): Tensor => x.mul(2).to('float32').sin().sum() as Tensor;
    const body = (): void =>
      checkpoint(alternating(inner, other), [leaf(3)], { determinismCheck: 'none' })
        .sum()
        .backward();
    expect(body).toThrow(/the unpack function returned a tensor of shape \[3\] and dtype float32/);
    refused(() => checkpoint(inner, [leaf(3)], { determinismCheck: 'strict' as never }), 'ArgumentError', /'default' or 'none'/);
  });

  test('test_checkpoint_detects_non_determinism: debug lists the operators of both runs', () => {
    const message = run(saveThree, saveOne, { debug: true });
    expect(message).toContain(
      'Operators of the first run:\n  sin(float64[3])\n  exp(float64[3])\n> sin(float64[3])\n  exp(float64[3])\nOperators of the second run:\n  sin(float64[3])\n  exp(float64[3])',
    );
    expect(run(saveThree, saveOne)).toContain('{ debug: true }');
    expect(setCheckpointDebugEnabled(true, () => run(saveThree, saveOne))).toContain('Operators of the first run');
    expect(setCheckpointDebugEnabled(false, () => run(saveThree, saveOne, { debug: true }))).not.toContain('Operators of the first run');
  });
});

test('test_access_saved_tensor_twice_without_recomputation_works: outside of a backward pass each access runs the function; after it all is freed', () => {
  let runs = 0;
  const f = (a: Tensor): Tensor => {
    runs++;
    return a.mul(2).exp() as Tensor;
  };
  const a = leaf(2);
  const y = checkpoint(f, [a]);
  expect(runs).toBe(1);
  const saved = (): Tensor => autograd.graph.savedValues(y.gradFn as never)[0]?.unpack() as Tensor;
  expect(values(saved())).toEqual(values(y));
  expect(runs).toBe(2);
  saved();
  expect(runs).toBe(3);
  y.sum().backward();
  expect(runs).toBe(4);
  expect(() => saved()).toThrow();
  expect(runs).toBe(4);
});

test('test_checkpoint_valid_reset_on_error: grad() through a reentrant checkpoint is refused, and backward() works after that', () => {
  const a = rand([2, 2], { requiresGrad: true });
  const b = checkpoint((x: Tensor) => x.exp(), [a], { useReentrant: true }).sum();
  refused(() => grad(b, [a]), 'AutogradError', /useReentrant: true, gradients of single tensors/);
  const c = checkpoint((x: Tensor) => x.exp(), [a], { useReentrant: true }).sum();
  c.backward();
  expect(values(a.grad)).toEqual(values(a.exp()));
  refused(() => c.backward(null, { inputs: [a] }), 'AutogradError');
});

test('test_checkpointing_without_reentrant_detached_tensor: outputs without gradients are refused by a reentrant checkpoint alone', () => {
  class NoGrad extends nn.Module {
    readonly linear = new nn.Linear(2, 2, { bias: false });
    readonly other = new nn.Linear(2, 2, { bias: false });
    forward(x: Tensor): Tensor {
      return noGrad(() => this.other.forward(this.linear.forward(x as never) as never)) as Tensor;
    }
  }
  const module = new NoGrad();
  const x = ones([1, 2], { requiresGrad: true });
  refused(
    () =>
      checkpoint((y: Tensor) => module.forward(y), [x], { useReentrant: true })
        .sum()
        .backward(),
    'AutogradError',
    /at least one output of the function must require a gradient/,
  );
  const y = checkpoint((y: Tensor) => module.forward(y), [x], { useReentrant: false });
  expect(y.requiresGrad).toBe(false);
  refused(() => y.sum().backward(), 'AutogradError', /does not require a gradient/);
});

test('test_checkpointing_without_reentrant_saved_object_identity: an input that wants no gradient is the same object when it is read', () => {
  let read: Tensor | null = null;
  class Keep extends autograd.Function {
    static forward(context: autograd.FunctionContext, x: Tensor, y: Tensor): Tensor {
      context.saveForBackward(y);
      return x.clone();
    }
    static backward(context: autograd.FunctionContext, g: Tensor): (Tensor | null)[] {
      read = context.savedTensors[0] as Tensor;
      return [g, null];
    }
  }
  const a = tensor(1, { requiresGrad: true });
  const b = tensor(1);
  Keep.apply(a, b).backward();
  expect(read).toBe(b);
  read = null;
  checkpoint((x: Tensor, y: Tensor) => Keep.apply(x, y), [a, b]).backward();
  expect(read).toBe(b);
});

test('test_checkpointing_without_reentrant_parameter_used_in_an_out: a hook on a weight used inside and outside runs once', () => {
  const weight = rand([10, 10], { requiresGrad: true });
  let calls = 0;
  weight.registerHook(() => {
    calls++;
  });
  const x = rand([10, 10], { requiresGrad: true });
  const h = weight.matmul(x as never) as Tensor;
  const out = checkpoint((x: Tensor) => x.matmul(weight as never) as Tensor, [h]);
  out.sum().backward();
  expect(calls).toBe(1);
  const found = values(weight.grad) as number[][];
  const [expected] = grad((weight.matmul(x as never).matmul(weight as never) as Tensor).sum(), [weight]);
  expect(found).toEqual(values(expected));
});

test('test_checkpointing_without_reentrant_arbitrary_input_output: objects go in and come out', () => {
  const weight = leaf(5, 5);
  const f = (data: { x: Tensor; name: string }): { result: Tensor; name: string } => ({
    result: (data.x.matmul(weight as never) as Tensor).tanh() as Tensor,
    name: `${data.name} went through`,
  });
  const first = checkpoint(f, [{ x: leaf(1, 5), name: 'it' }]);
  const second = checkpoint((d: { result: Tensor }) => f({ x: d.result, name: 'again' }), [first]);
  expect([first.name, second.name]).toEqual(['it went through', 'again went through']);
  second.result.sum().backward();
  const found = values(weight.grad);
  const plain = f({ x: f({ x: leaf(1, 5), name: '' }).result, name: '' }).result;
  expect(found).toEqual(values(grad(plain.sum(), [weight])[0]));
});

describe('beyond the catalogue', () => {
  test('the random generator is where it was for the second run, and goes on from where it is', () => {
    const x = ones([200], { requiresGrad: true });
    const drop = (a: Tensor): Tensor => nn.functional.dropout(a.mul(1) as never, 0.5).exp() as Tensor;
    const y = checkpoint(drop, [x]);
    const mask = (values(y) as number[]).map((each) => each > 1.5);
    rand([3]);
    y.sum().backward();
    expect((values(x.grad) as number[]).map((each) => each > 0)).toEqual(mask);
    const z = checkpoint(drop, [x], { preserveRngState: false });
    x.grad = null;
    z.sum().backward();
    const differing = (values(x.grad) as number[]).filter((g, i) => g > 0 !== ((values(z) as number[])[i] as number) > 1.5);
    expect(differing.length).toBeGreaterThan(0);
  });

  test('draws after the second run are those that would have come without it', () => {
    const draw = (through: (f: (a: Tensor) => Tensor, x: Tensor) => Tensor): unknown => {
      const x = leaf(4);
      const y = through((a) => nn.functional.dropout(a.mul(2) as never, 0.5).sin() as Tensor, x);
      y.sum().backward();
      return values(rand([3]));
    };
    const seeded = (body: () => unknown): unknown => {
      manualSeed(7);
      return body();
    };
    expect(seeded(() => draw((f, x) => checkpoint(f, [x])))).toEqual(seeded(() => draw((f, x) => f(x))));
  });

  test('one backward pass runs the function once more, also where composites walk graphs of their own, and again for another', () => {
    let runs = 0;
    const f = (x: Tensor): Tensor => {
      runs++;
      return x
        .exp()
        .var(0)
        .add(x.sin().mean(0) as never)
        .softmax(0)
        .sqrt() as Tensor;
    };
    const x = randn([4, 3], { dtype: 'float64', requiresGrad: true });
    const y = checkpoint(f, [x]).pow(2).sum() as Tensor;
    y.backward(null, { retainGraph: true });
    expect(runs).toBe(2);
    const first = values(x.grad);
    x.grad = null;
    y.backward();
    expect(runs).toBe(3);
    expect(values(x.grad)).toEqual(first);
    refused(() => y.backward(), 'AutogradError', /retainGraph/);
    expect(outermostTask()).toBeNull();
    expect(mode.saving).toBeNull();
  });

  test('second derivatives and gradient checks pass', () => {
    const x = randn([3], { dtype: 'float64', requiresGrad: true });
    const f = (x: Tensor): Tensor =>
      checkpoint(
        (a: Tensor) =>
          a
            .exp()
            .sin()
            .mul(a as never)
            .softmax(0),
        [x],
      ) as Tensor;
    expect(autograd.gradcheck(f, [x])).toBe(true);
    expect(autograd.gradgradcheck(f, [x])).toBe(true);
  });

  test('under vmap each member has its gradient', () => {
    const x = randn([4, 3], { dtype: 'float64', requiresGrad: true });
    const f = (x: Tensor): Tensor => x.exp().sin().sum() as Tensor;
    const y = (vmap((row: Tensor) => checkpoint(f, [row])) as unknown as (x: Tensor) => Tensor)(x);
    const [found] = grad(y.sum(), [x]);
    expect(values(found)).toEqual(values(grad(f(x), [x])[0]));
  });

  test('an input that was changed in place after the first run is refused', () => {
    const x = leaf(2).mul(1) as Tensor;
    const y = checkpoint((a: Tensor) => a.exp().sin(), [x]);
    x.add_(1);
    refused(() => y.sum().backward(), 'AutogradError', /checkpoint/);
  });

  test('an error of the second run reaches the caller, and leaves the modes as they were', () => {
    let runs = 0;
    const y = checkpoint(
      (a: Tensor) => {
        if (runs++ > 0) throw new RangeError('mine');
        return a.exp().sin();
      },
      [leaf(2)],
    );
    expect(() => y.sum().backward()).toThrow('mine');
    expect([mode.saving, mode.grad, mode.observer, outermostTask()]).toEqual([null, true, null, null]);
    expect(runs).toBe(2);
  });

  test('nothing is kept without gradients, and nothing is run twice where only inputs are read', () => {
    let runs = 0;
    const x = leaf(2);
    const y = noGrad(() => checkpoint((a: Tensor) => a.exp(), [x]));
    expect(y.requiresGrad).toBe(false);
    const z = checkpoint(
      (a: Tensor) => {
        runs++;
        return a.sin();
      },
      [x],
    );
    z.sum().backward();
    expect(runs).toBe(1);
  });

  test('a scope inside of the function frees what the second run made, and no more', () => {
    const x = leaf(3);
    const f = (x: Tensor): Tensor => scope(() => x.exp().sin().exp().sin() as Tensor);
    checkpoint(f, [x]).sum().backward();
    expect(values(x.grad)).toEqual(values(grad(f(x).sum(), [x])[0]));
  });

  test('the memory of the intermediate results is not kept', () => {
    configureMemory({ reclaim: 'sweep' });
    const x = ones([1 << 18], { requiresGrad: true });
    const deep = (x: Tensor): Tensor => {
      let y = x;
      for (let i = 0; i < 20; i++) y = y.sin() as Tensor;
      return y;
    };
    const grown = (run: () => Tensor): number => {
      collectMemory();
      const before = memory().live;
      const y = run();
      collectMemory();
      const after = memory().live;
      expect(y.requiresGrad).toBe(true);
      return after - before;
    };
    const plain = grown(() => deep(x));
    const saved = grown(() => checkpoint(deep, [x]));
    expect(plain).toBeGreaterThan(18 * 4 * (1 << 18));
    expect(saved).toBeLessThan(3 * 4 * (1 << 18));
    configureMemory({ reclaim: 'auto' });
  });

  test('a training step with checkpoints moves the parameters as one without', () => {
    const train = (through: boolean): unknown => {
      manualSeed(3);
      const model = new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Linear(8, 2));
      const optimizer = new optim.SGD([...model.parameters()], { lr: 0.1 });
      const x = randn([5, 4]);
      for (let i = 0; i < 3; i++) {
        optimizer.zeroGrad();
        const y = through ? checkpointSequential(model as never, 2, x as Tensor) : (model.forward(x as never) as Tensor);
        y.pow(2).mean().backward();
        optimizer.step();
      }
      return [...model.parameters()].map(values);
    };
    expect(train(true)).toEqual(train(false));
  });

  test('what cannot be a checkpoint is refused', () => {
    const x = leaf(2);
    refused(() => checkpoint(3 as never, [x] as never), 'ArgumentError', /fn must be a function/);
    refused(() => checkpoint((a: Tensor) => a, x as never), 'ArgumentError', /inputs must be a list/);
    refused(() => checkpoint((a: Tensor) => a, [x], { reentrant: true } as never), 'ArgumentError', /unknown option 'reentrant'/);
    refused(() => checkpoint(async (a: Tensor) => a, [x]), 'ArgumentError', /synchronous/);
    refused(() => checkpoint((a: Tensor) => a, [x], { useReentrant: true, debug: true }), 'ArgumentError', /debug does not go with/);
    refused(
      () => vmap((row: Tensor) => checkpoint((a: Tensor) => a.sin(), [row], { useReentrant: true }))(leaf(2, 2) as never),
      'AutogradError',
      /inside vmap/,
    );
    const y = checkpoint((a: Tensor) => a.exp(), [x], { useReentrant: true }).sum();
    refused(() => y.backward(null, { createGraph: true }), 'AutogradError', /cannot itself be differentiated/);
    expect(setCheckpointEarlyStop(true, () => 1)).toBe(1);
  });
});
