import { describe, expect, test } from 'vitest';
import { autograd, enableGrad, isGradEnabled, noGrad, ones, setGradEnabled, type Tensor } from '../../src/index.ts';
import { leaf, refused, total, values } from '../engine/support.ts';

const asMethod = { kind: 'method', name: 'method' } as unknown as ClassMethodDecoratorContext;

describe('modes around functions', () => {
  test('test_no_grad: nothing is recorded in a callback, a scope or a decorated method, and the mode nests and ends', () => {
    const x = leaf(2);
    const y = ones([2], { dtype: 'float64' }).mul(4);
    const method = noGrad(function (this: { factor: number }, a: Tensor, b: Tensor): Tensor {
      return a.add(b).mul(this.factor);
    }, asMethod);
    const scoped = (): Tensor => {
      using _ = noGrad();
      return x.add(y);
    };
    for (const w of [noGrad(() => x.add(y)), scoped(), method.call({ factor: 1 }, x, y)]) {
      expect([w.requiresGrad, w.gradFn, values(w)]).toEqual([false, null, [5, 5]]);
      refused(() => w.backward(ones([2], { dtype: 'float64' })), 'AutogradError', /noGrad/);
    }
    noGrad(() => {
      expect(enableGrad(() => x.add(y).requiresGrad)).toBe(true);
      expect(noGrad(() => isGradEnabled())).toBe(false);
      expect(isGradEnabled()).toBe(false);
    });
    expect([isGradEnabled(), x.add(y).requiresGrad]).toEqual([true, true]);
    refused(() => noGrad(x as never), 'ArgumentError', /noGrad: the body must be a function/);
  });

  test('test_enable_grad_decorator_no_paren: a method decorated with enableGrad records, also inside noGrad', () => {
    const x = leaf(1);
    const double = enableGrad((a: Tensor): Tensor => a.mul(2), asMethod);
    expect(noGrad(() => double(x).requiresGrad)).toBe(true);
    expect(noGrad(() => x.mul(2).requiresGrad)).toBe(false);
  });

  test('test_set_grad_enabled: says whether to record, for a callback or to the end of a scope', () => {
    const x = leaf(1);
    expect(setGradEnabled(false, () => x.mul(2).requiresGrad)).toBe(false);
    expect(setGradEnabled(true, () => x.mul(2).requiresGrad)).toBe(true);
    setGradEnabled(false, () => expect(setGradEnabled(true, () => x.mul(2).requiresGrad)).toBe(true));
    const off = setGradEnabled(false);
    expect(x.mul(2).requiresGrad).toBe(false);
    const on = setGradEnabled(true);
    expect(x.mul(2).requiresGrad).toBe(true);
    on[Symbol.dispose]();
    expect(isGradEnabled()).toBe(false);
    off[Symbol.dispose]();
    expect(isGradEnabled()).toBe(true);
  });

  test('test_set_grad_enabled_wraps: decorating changes no mode, only calls do', () => {
    const decorated = [noGrad, enableGrad].map((mode) => mode(() => isGradEnabled(), asMethod));
    expect(isGradEnabled()).toBe(true);
    expect(decorated.map((f) => f())).toEqual([false, true]);
    expect(isGradEnabled()).toBe(true);
    noGrad(() => {
      const inner = enableGrad(() => isGradEnabled(), asMethod);
      expect([isGradEnabled(), inner(), isGradEnabled()]).toEqual([false, true, false]);
    });
  });
});

test('a function is run whatever else is passed, and anything may be returned', () => {
  const enabled = (): boolean => isGradEnabled();
  expect([enabled, enabled].map(noGrad as never)).toEqual([false, false]);
  expect(noGrad(enabled, null as never)).toBe(false);
  for (const result of [null, undefined, 0, 'text', {}, [1]]) expect(noGrad(() => result)).toBe(result);
  refused(
    () => noGrad(3 as never),
    'ArgumentError',
    /^noGrad: the body must be a function, got .*3.*; leave it out for a scope \(using _ = noGrad\(\)\)$/,
  );
  refused(() => setGradEnabled(true, 3 as never), 'ArgumentError', /^setGradEnabled: the body must be a function, got .*3/);
  refused(() => enableGrad(3 as never), 'ArgumentError', /^enableGrad: the body must be a function, got .*3/);
});

test('noGrad is a decorator of methods', () => {
  class Model {
    readonly factor = 3;
    @noGrad
    predict(x: Tensor): Tensor {
      return x.mul(this.factor);
    }
  }
  const y = new Model().predict(leaf(2));
  expect([y.requiresGrad, values(y)]).toEqual([false, [3, 3]]);
});

describe('modes around generators', () => {
  test('test_set_grad_generator_functions: the mode is on while the generator runs, its caller keeps his between the yields', () => {
    const steps = function* (): Generator<boolean> {
      for (let i = 0; i < 10; i++) {
        expect(isGradEnabled()).toBe(false);
        yield isGradEnabled();
      }
    };
    for (const seen of noGrad(steps)) expect([seen, isGradEnabled()]).toEqual([false, true]);
    noGrad(() => {
      const on = enableGrad(function* () {
        yield isGradEnabled();
        yield isGradEnabled();
      });
      for (const seen of on) expect([seen, isGradEnabled()]).toEqual([true, false]);
    });
    const x = leaf(1);
    const rows = noGrad(function* () {
      yield x.mul(1);
      yield x.mul(2);
    });
    expect([...rows].map((row) => row.requiresGrad)).toEqual([false, false]);
    expect([...noGrad(() => [1, 2].values())]).toEqual([1, 2]);
  });

  test('test_set_grad_generator_functions_recursive: generators under different modes that resume each other find their own', () => {
    const on = (depth: number): Generator<void> =>
      enableGrad(function* () {
        expect(isGradEnabled()).toBe(true);
        if (depth > 0) {
          off(depth - 1);
          expect(isGradEnabled()).toBe(true);
          for (const _ of recursive(depth - 1)) expect(isGradEnabled()).toBe(true);
        }
        yield;
        expect(isGradEnabled()).toBe(true);
      });
    const recursive = (depth: number): Generator<void> =>
      noGrad(function* () {
        expect(isGradEnabled()).toBe(false);
        if (depth > 0) for (const _ of on(depth - 1)) expect(isGradEnabled()).toBe(false);
        yield;
        expect(isGradEnabled()).toBe(false);
      });
    const off = (depth: number): void =>
      noGrad(() => {
        if (depth > 0) enableGrad(() => off(depth - 1));
        expect(isGradEnabled()).toBe(false);
      });
    expect([...on(6)].length).toBe(1);
    for (const _ of recursive(5)) expect(isGradEnabled()).toBe(true);
    expect(isGradEnabled()).toBe(true);
  });

  test('test_set_grad_coroutines: values that are sent in keep the modes apart', () => {
    const conversation = noGrad(function* (): Generator<number, string, number> {
      expect(isGradEnabled()).toBe(false);
      for (let i = 0; i < 5; i++) {
        expect(yield i).toBe(10 * i);
        expect(isGradEnabled()).toBe(false);
      }
      return 'done';
    });
    let step = conversation.next();
    for (let i = 0; !step.done; i++) {
      expect([step.value, isGradEnabled()]).toEqual([i, true]);
      step = enableGrad(() => conversation.next(10 * i));
    }
    expect(step.value).toBe('done');
  });

  test('test_set_grad_coroutines_benign_exceptions: an error that is thrown in and caught leaves both modes', () => {
    const robust = noGrad(function* (): Generator<string> {
      for (let i = 0; ; i++) {
        try {
          expect(isGradEnabled()).toBe(false);
          yield `value ${i}`;
        } catch (error) {
          expect(isGradEnabled()).toBe(false);
          yield `caught ${(error as Error).message}`;
        }
      }
    });
    expect(robust.next().value).toBe('value 0');
    for (let i = 1; i < 4; i++) {
      expect(robust.throw(new Error(`thrown ${i}`)).value).toBe(`caught thrown ${i}`);
      expect(isGradEnabled()).toBe(true);
      expect(robust.next().value).toBe(`value ${i}`);
    }
  });

  test('test_set_grad_coroutines_critical_exceptions: an error that leaves the generator restores the mode of its caller', () => {
    const fragile = noGrad(function* (): Generator<number> {
      try {
        yield 1;
      } catch {
        expect(isGradEnabled()).toBe(false);
        throw new RangeError('another');
      }
    });
    fragile.next();
    expect(() => fragile.throw(new Error('thrown in'))).toThrow(RangeError);
    expect(isGradEnabled()).toBe(true);
    expect(fragile.next().done).toBe(true);
  });

  test('test_set_grad_coroutines_exit: what a generator does when it is closed runs in its mode', () => {
    const states: boolean[] = [];
    const closing = (mode: typeof noGrad): Generator<number> =>
      mode(function* () {
        try {
          yield 1;
        } finally {
          states.push(isGradEnabled());
        }
      });
    for (const mode of [noGrad, enableGrad as typeof noGrad]) {
      const generator = closing(mode);
      generator.next();
      expect(noGrad(() => generator.return(7))).toEqual({ value: 7, done: true });
      for (const _ of closing(mode)) break;
    }
    expect(states).toEqual([false, false, true, true]);
    expect(isGradEnabled()).toBe(true);
  });
});

describe('modes and custom functions', () => {
  class Identity extends autograd.Function {
    static forward(_context: autograd.FunctionContext, x: Tensor): Tensor {
      return x;
    }
    static backward(_context: autograd.FunctionContext, g: Tensor): Tensor {
      return g.mul(2);
    }
  }

  test('test_no_grad_python_function: under noGrad the result of a custom function does not require a gradient', () => {
    const x = leaf(2);
    expect([noGrad(() => Identity.apply(x).requiresGrad), Identity.apply(x).requiresGrad]).toEqual([false, true]);
  });

  test('test_no_grad_input: a custom function that returns its input leaves it as it is under noGrad', () => {
    const x = leaf(2);
    const y = noGrad(() => Identity.apply(x));
    expect([x.requiresGrad, x.isLeaf, y.gradFn]).toEqual([true, true, null]);
  });

  test('test_grad_mode_restored_reentrant: a backward pass inside of one leaves the mode as it was, with and without createGraph', () => {
    class Inner extends autograd.Function {
      static forward(_context: autograd.FunctionContext, x: Tensor): Tensor {
        return x.mul(2);
      }
      static backward(_context: autograd.FunctionContext, g: Tensor): Tensor {
        const before = isGradEnabled();
        for (const createGraph of [false, true]) {
          enableGrad(() => {
            const z = leaf(2);
            total(z.pow(2)).backward(null, { createGraph });
          });
          expect(isGradEnabled()).toBe(before);
        }
        return g.mul(2);
      }
    }
    for (const createGraph of [false, true]) {
      const x = leaf(2);
      const [g] = autograd.grad(total(Inner.apply(x)), x, null, { createGraph });
      expect(values(g)).toEqual([2, 2]);
      expect(isGradEnabled()).toBe(true);
    }
  });

  test('test_first_grad_fn_access_in_no_grad_mode: the history of a view may be made again under noGrad', () => {
    const x = leaf(2, 2);
    const y = x.mul(1);
    const v = y.T;
    y.mul_(3);
    const name = noGrad(() => v.gradFn?.name);
    expect(name).toBe('AsStridedBackward');
    total(v).backward();
    expect(values(x.grad)).toEqual([
      [3, 3],
      [3, 3],
    ]);
  });
});

describe('recorded behaviours', () => {
  test('behaviour no_grad: factory requires_grad: a leaf made inside may require a gradient', () => {
    expect(noGrad(() => leaf(3)).requiresGrad).toBe(true);
  });

  test('behaviour no_grad result: neither requires a gradient nor has a history', () => {
    const y = noGrad(() => leaf(3).mul(2));
    expect([y.requiresGrad, y.isLeaf, y.gradFn]).toEqual([false, true, null]);
  });
});
