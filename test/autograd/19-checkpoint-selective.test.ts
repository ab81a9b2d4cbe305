import { afterEach, expect, test } from 'vitest';
import { autograd, matmul, memory, nn, ones, randn, sort, type Tensor, tensor } from '../../src/index.ts';
import { collectMemory } from '../../src/runtime/memory.ts';
import { mode } from '../../src/tensor/modes.ts';
import { listOperators } from '../../src/transform/checkpoint-trace.ts';
import {
  type CheckpointContext,
  CheckpointError,
  checkpoint,
  createSelectiveCheckpointContexts,
  type OperatorChoice,
  type PolicyFunction,
  type SelectiveOptions,
} from '../../src/utils.ts';
import { leaf, refused, values } from '../engine/support.ts';

afterEach(() => expect(mode.observer).toBeNull());

type Unary = (x: Tensor) => Tensor;

/** Operators that ran in the second run, those inside of others indented. */
let ran: string[] = [];

const selective = (f: Unary, policy: PolicyFunction | readonly OperatorChoice[], x: Tensor, options?: SelectiveOptions): Tensor => {
  const contextFn = (): readonly [CheckpointContext, CheckpointContext] => {
    const [first, second] = createSelectiveCheckpointContexts(policy, options);
    const lines: string[] = [];
    ran = lines;
    return [first, (body) => listOperators(lines, () => second(body))];
  };
  return checkpoint(f, [x], { contextFn });
};

const gradientOf = (y: Tensor, x: Tensor): unknown => values(autograd.grad(y.sum(), [x])[0]);
const names = (): string[] => ran.map((line) => line.replace(/\(.*/, ''));

const plainGradient = (f: Unary, x: Tensor): unknown => values(autograd.grad(f(x).sum(), [x])[0]);

test('operators in the list are not run again, all others are', () => {
  const x = randn([3, 3], { dtype: 'float64', requiresGrad: true });
  const f: Unary = (x) =>
    x
      .matmul(x as never)
      .sin()
      .matmul(x as never)
      .exp() as Tensor;
  const expected = plainGradient(f, x);
  const cases: [readonly OperatorChoice[], string[]][] = [
    [[], ['mm', 'sin', 'mm', 'exp']],
    [[matmul], ['sin', 'exp']],
    [
      ['sin', 'exp'],
      ['mm', 'mm'],
    ],
    [['mm', 'sin', 'exp'], []],
  ];
  for (const [policy, again] of cases) {
    expect(gradientOf(selective(f, policy, x), x)).toEqual(expected);
    expect(names()).toEqual(again);
  }
});

test('operators inside of operators: one with rules of its own is kept as a whole, others through what they are made of', () => {
  const x = randn([3, 3], { dtype: 'float64', requiresGrad: true });
  const f: Unary = (x) => (nn.functional.linear(x.sin() as never, x as never) as Tensor).exp() as Tensor;
  const expected = plainGradient(f, x);
  expect(gradientOf(selective(f, [nn.functional.linear as never], x), x)).toEqual(expected);
  expect(names()).toEqual(['sin', 'exp']);
  expect(gradientOf(selective(f, ['mm'], x), x)).toEqual(expected);
  expect(names()).toEqual(['sin', 'nn.functional.linear', '  permute', 'exp']);
  const composed: Unary = (x) => x.exp().var(0).sin() as Tensor;
  expect(
    gradientOf(
      selective(composed, () => 'mustSave', x),
      x,
    ),
  ).toEqual(plainGradient(composed, x));
});

test('test_output_already_has_autograd_meta: views, also of integers, are made again and not kept', () => {
  const x = leaf(2, 2);
  const y = tensor([0n, 1n]);
  const f: Unary = (x) =>
    x
      .view([4])
      .sin()
      .cos()
      .mul((y.view([1, 2]).sum() as Tensor).to('float64') as never) as Tensor;
  expect(
    gradientOf(
      selective(f, () => 'mustSave', x),
      x,
    ),
  ).toEqual(plainGradient(f, x));
  expect(names()).toEqual(['view', 'view']);
});

test('test_bad_inputs: a policy is a function or a list of operators', () => {
  refused(() => createSelectiveCheckpointContexts(2 as never), 'ArgumentError', /policy must be a function or a list of operators/);
  refused(() => createSelectiveCheckpointContexts([() => 1] as never), 'ArgumentError', /entry 0 of the list/);
  refused(() => createSelectiveCheckpointContexts(['sin', null] as never), 'ArgumentError', /entry 1 of the list is null/);
  refused(() => createSelectiveCheckpointContexts(['sin'], { mutable: true } as never), 'ArgumentError', /unknown option 'mutable'/);
  refused(
    () =>
      selective(
        (x) => x.sin() as Tensor,
        () => 'save' as never,
        leaf(2),
      ),
    'ArgumentError',
    /the policy returned .*save.* for sin/,
  );
});

test('test_policy_with_state: what a policy with a state decides in the first run holds in the second', () => {
  class Policy {
    calls: string[] = [];
    readonly decide: PolicyFunction = (context, operator, inputs) => {
      expect(context.output).toBeDefined();
      expect(inputs.length).toBe(1);
      this.calls.push(operator);
      return this.calls.length % 2 === 0 ? 'mustSave' : 'preferRecompute';
    };
  }
  const policy = new Policy();
  const x = leaf(3);
  const f: Unary = (x) => x.sin().sin().sin().sin().exp() as Tensor;
  expect(gradientOf(selective(f, policy.decide, x), x)).toEqual(plainGradient(f, x));
  expect(policy.calls).toEqual(['sin', 'sin', 'sin', 'sin', 'exp']);
  expect(names()).toEqual(['sin', 'sin', 'exp']);
});

test('policies may answer with words or with yes and no', () => {
  const x = leaf(3);
  const f: Unary = (x) => x.sin().cos().exp() as Tensor;
  const ranWith = (answer: unknown): string[] => {
    gradientOf(
      selective(f, () => answer as never, x),
      x,
    );
    return names();
  };
  for (const keep of ['mustSave', 'preferSave', true]) expect(ranWith(keep)).toEqual([]);
  for (const again of ['mustRecompute', 'preferRecompute', false]) expect(ranWith(again)).toEqual(['sin', 'cos', 'exp']);
});

test('test_storage_lifetime: what was kept is gone after the backward pass, while the result still lives', () => {
  const x = ones([1 << 16], { requiresGrad: true });
  const f: Unary = (x) => x.mul(2).exp().sin().mean() as Tensor;
  collectMemory();
  const before = memory().live;
  const y = selective(f, ['exp'], x);
  collectMemory();
  expect(memory().live - before).toBeGreaterThanOrEqual(4 << 16);
  y.backward();
  x.grad = null;
  collectMemory();
  expect(memory().live - before).toBeLessThan(2 << 16);
  expect(y.item()).toBeCloseTo(Math.sin(Math.exp(2)), 5);
});

test('test_version_counter: a kept result that was written in place is refused, unless that is allowed', () => {
  const x = leaf(2);
  const f: Unary = (x) => {
    const y = x.exp() as Tensor;
    const z = y.sin() as Tensor;
    y.detach().mul_(2);
    return z.cos() as Tensor;
  };
  const refusing = selective(f, ['exp'], x);
  let message = '';
  try {
    refusing.sum().backward();
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError);
    message = (error as Error).message;
  }
  expect(message).toMatch(/what exp returned was kept for the backward pass and has been changed in place since by mul_/);
  const allowed = selective(f, ['exp'], x, { allowCacheEntryMutation: true });
  allowed.sum().backward();
  expect((values(x.grad) as number[]).every(Number.isFinite)).toBe(true);
});

test('test_function_with_more_than_one_output: all results of an operator are kept', () => {
  const x = tensor([3, 1, 2], { dtype: 'float64', requiresGrad: true });
  const f: Unary = (x) => {
    const { values: ordered, indices } = sort(x.sin() as never) as unknown as { values: Tensor; indices: Tensor };
    return ordered
      .exp()
      .mul(indices.to('float64') as never)
      .cos() as Tensor;
  };
  expect(gradientOf(selective(f, [sort as never], x), x)).toEqual(plainGradient(f, x));
  expect(names().filter((name) => name === 'sort' || name === 'sin' || name === 'exp')).toEqual(['sin', 'exp']);
});

test('test_function_with_non_tensor_output: a custom function that also returns a number is kept with it', () => {
  let runs = 0;
  class SinWithExtra extends autograd.Function {
    static forward(x: Tensor): [Tensor, number] {
      runs++;
      return [x.sin() as Tensor, 7];
    }
    static setupContext(context: autograd.FunctionContext, inputs: [Tensor]): void {
      context.saveForBackward(inputs[0]);
    }
    static backward(context: autograd.FunctionContext, g: Tensor): Tensor {
      return g.mul((context.savedTensors[0] as Tensor).cos() as never) as Tensor;
    }
  }
  const x = leaf(3);
  const f: Unary = (x) => {
    const [y, extra] = (SinWithExtra as unknown as { apply(x: Tensor): [Tensor, number] }).apply(x.mul(2) as Tensor);
    return y.mul(extra).exp() as Tensor;
  };
  const expected = plainGradient((x) => x.mul(2).sin().mul(7).exp() as Tensor, x);
  for (const [policy, times, again] of [
    [['SinWithExtra'], 1, ['mul', 'mul', 'exp']],
    [[], 2, ['mul', 'SinWithExtra', '  sin', 'mul', 'exp']],
  ] as const) {
    runs = 0;
    expect(gradientOf(selective(f, policy, x), x)).toEqual(expected);
    expect([runs, names()]).toEqual([times, again]);
  }
});

test('test_can_only_trigger_recompute_once: a second backward pass is refused', () => {
  const x = leaf(2);
  const y = selective((x) => x.exp().sin().exp() as Tensor, ['exp'], x).sum() as Tensor;
  y.backward(null, { retainGraph: true });
  let thrown: unknown = null;
  try {
    y.backward(null, { retainGraph: true });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(CheckpointError);
  expect((thrown as Error).message).toMatch(/exp had returned was given up in an earlier backward pass.* can be differentiated once/);
  const plain = checkpoint((x: Tensor) => x.exp().sin().exp(), [x]).sum() as Tensor;
  plain.backward(null, { retainGraph: true });
  plain.backward();
});

test('a second run with other operators is refused by name', () => {
  let runs = 0;
  const f: Unary = (x) => (runs++ === 0 ? x.exp().sin() : x.cos().sin()) as Tensor;
  expect(() => selective(f, ['exp'], leaf(2)).sum().backward()).toThrow(/operator 1 was cos, where the first run had exp/);
});
