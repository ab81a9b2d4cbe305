/** Hooks on all that is saved, and saving on the host. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { autograd, fromBytes, noGrad, ones, randn, scope, type Tensor, tensor, zeros } from 'nabla';
import * as func from 'nabla/func';
import { checkpoint } from 'nabla/utils';
import { describe, expect, test } from 'vitest';
import { leaf, refused, total, values } from '../engine/support.ts';
import { collected } from './garbage.ts';

const { graph } = autograd;
const same = (x: Tensor): Tensor => x;
const twice = (x: Tensor): Tensor => x.mul(2);
const half = (x: Tensor): Tensor => x.div(2);

const random = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64', requiresGrad: true });
const savedOf = (x: Tensor) => graph.savedValues(x.gradFn as autograd.graph.Node);

describe('hooks on all that is saved', () => {
  test('behaviour saved_tensors_hooks pack/unpack: twice for x times x', () => {
    const order: string[] = [];
    graph.savedTensorsHooks(
      (t) => {
        order.push('pack');
        return t;
      },
      (t) => {
        order.push('unpack');
        return t;
      },
      () => {
        const x = leaf(2);
        x.mul(x).sum().backward();
      },
    );
    expect(order).toEqual(['pack', 'pack', 'unpack', 'unpack']);
  });

  test('test_saved_variable_packing_unpacking_saved_original_with_default_hooks: hold for what is recorded inside, and end with it', () => {
    const a = random(5);
    const warnings: string[] = [];
    const y = graph.savedTensorsHooks(
      (x) => {
        warnings.push('pack');
        return x.mul(2);
      },
      half,
      () => a.mul(a),
    );
    expect(warnings).toEqual(['pack', 'pack']);
    total(y).backward();
    expect(values(a.grad)).toEqual(values(a.detach().mul(2)));

    a.grad = null;
    const z = graph.savedTensorsHooks(twice, same, () => a.mul(a));
    total(z).backward();
    expect(values(a.grad)).toEqual(values(a.detach().mul(4)));

    a.grad = null;
    total(a.mul(a)).backward();
    expect(values(a.grad)).toEqual(values(a.detach().mul(2)));
    expect(() =>
      graph.savedTensorsHooks(twice, same, () => {
        throw new RangeError('mine');
      }),
    ).toThrow(RangeError);
    a.grad = null;
    total(a.mul(a)).backward();
    expect(values(a.grad)).toEqual(values(a.detach().mul(2)));
  });

  test('test_saved_variable_packing_unpacking_did_not_save_original_with_default_hooks: saved results come back with their history', () => {
    const a = random(5);
    const y = graph.savedTensorsHooks(
      (x) => x.detach().clone(),
      (x) => x,
      () => a.exp(),
    );
    expect(savedOf(y)[0]?.unpack().gradFn === y.gradFn).toBe(true);
    const [g] = autograd.grad(total(y), a, null, { createGraph: true });
    total(g as Tensor).backward();
    expect([values(g), values(a.grad)]).toEqual([values(y), values(y)]);
  });

  test('test_setting_default_saved_variable_hooks_twice_should_not_fail: they nest', () => {
    const result = graph.savedTensorsHooks(same, same, () => graph.savedTensorsHooks(same, same, () => 7));
    expect(result).toBe(7);
  });

  test('test_setting_default_saved_variable_hooks_twice_should_use_inner: the innermost hold, and the outer again after them', () => {
    const [a, b, c] = [random(5), random(5), random(5)];
    const [y, z] = graph.savedTensorsHooks(
      (x) => x.mul(3),
      same,
      () => {
        const inner = graph.savedTensorsHooks(
          (x) => x.mul(5),
          same,
          () => b.mul(b),
        );
        return [inner, c.mul(c)];
      },
    ) as [Tensor, Tensor];
    total(y).backward();
    total(z).backward();
    total(a.mul(a)).backward();
    const factor = (x: Tensor, by: number) => expect(values(x.grad)).toEqual(values(x.detach().mul(by).add(x.detach().mul(by))));
    factor(b, 5);
    factor(c, 3);
    factor(a, 1);
  });

  test('test_default_saved_tensors_hooks_double_backward: each recorded operation has the hooks of its own time', () => {
    const hooks = <R>(body: () => R): R => graph.savedTensorsHooks(twice, same, body);
    const factor = (run: (a: Tensor) => void) => {
      const a = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
      run(a);
      return values((a.grad as Tensor).div(a.detach().mul(6)));
    };
    const gradient = (s: Tensor, a: Tensor) => autograd.grad(s, a, null, { createGraph: true })[0] as Tensor;
    const cube = (a: Tensor) => total(a.pow(3));
    expect(factor((a) => total(gradient(cube(a), a)).backward())).toEqual([1, 1]);
    expect(
      factor((a) => {
        const s = hooks(() => cube(a));
        total(gradient(s, a)).backward();
      }),
    ).toEqual([2, 2]);
    expect(
      factor((a) => {
        const s = cube(a);
        hooks(() => total(gradient(s, a)).backward());
      }),
    ).toEqual([4, 4]);
    expect(factor((a) => hooks(() => total(gradient(cube(a), a)).backward()))).toEqual([8, 8]);
  });

  test('test_disabling_saved_tensor_hooks: hooks are refused with the message, and disabling inside of hooks as well', () => {
    refused(
      () => graph.disableSavedTensorsHooks('error message', () => graph.savedTensorsHooks(same, same, () => {})),
      'AutogradError',
      /^error message$/,
    );
    expect(graph.savedTensorsHooks(same, same, () => 1)).toBe(1);
    refused(
      () => graph.savedTensorsHooks(same, same, () => graph.disableSavedTensorsHooks('error message', () => {})),
      'AutogradError',
      /^error message$/,
    );
    refused(() => graph.disableSavedTensorsHooks('no host', () => graph.saveOnHost(() => {})), 'AutogradError', /^no host$/);
    refused(() => graph.disableSavedTensorsHooks(1 as never, () => {}), 'ArgumentError', /message must be a string/);
  });

  test('behaviour disable_saved_tensors_hooks: nope', () => {
    refused(() => graph.disableSavedTensorsHooks('nope', () => graph.savedTensorsHooks(same, same, () => {})), 'AutogradError', /^nope$/);
  });

  test('test_disabling_saved_tensor_hooks_nested: the innermost message holds, and the outer again after it', () => {
    const enter = () => graph.savedTensorsHooks(same, same, () => 'in');
    graph.disableSavedTensorsHooks('outer', () => {
      graph.disableSavedTensorsHooks('inner', () => refused(enter, 'AutogradError', /^inner$/));
      refused(enter, 'AutogradError', /^outer$/);
    });
    expect(enter()).toBe('in');
  });

  test('test_saved_tensor_hooks_custom_error_propagation: errors of both functions pass through as they are', () => {
    class MyError extends Error {}
    const fail = (): never => {
      throw new MyError('mine');
    };
    const a = random(5);
    expect(() => graph.savedTensorsHooks(fail, same, () => a.mul(a))).toThrow(MyError);
    const y = graph.savedTensorsHooks(same, fail, () => a.mul(a));
    expect(() => total(y).backward()).toThrow(MyError);
    expect(a.grad).toBe(null);
    total(a.mul(a)).backward();
    expect(values(a.grad)).toEqual(values(a.detach().mul(2)));
  });

  test('test_saved_tensor_hooks_custom_function_intermediates: what a function made and saved passes through them', () => {
    class Func extends autograd.Function {
      static forward(context: autograd.FunctionContext, x: Tensor) {
        const intermediate = x.exp();
        context.saveForBackward(intermediate.clone(), intermediate.detach().requiresGrad_());
        return x.exp();
      }
      static backward(context: autograd.FunctionContext, g: Tensor) {
        const [intermediate] = context.savedTensors as [Tensor];
        return g.mul(intermediate);
      }
    }
    const a = random(5);
    let packed = 0;
    const y = graph.savedTensorsHooks(
      (x) => {
        packed++;
        return x.toArray();
      },
      (list) => tensor(list as number[], { dtype: 'float64' }),
      () => Func.apply(a),
    );
    total(y).backward();
    expect(packed).toBe(2);
    expect(values(a.grad)).toEqual(values(a.detach().exp()));
  });

  test('test_unpack_hooks_exec_count: only what is read is packed, once, and unpacked once, in the pass', () => {
    const counts = { pack: 0, unpack: 0 };
    const x = ones([4], { dtype: 'float64', requiresGrad: true });
    const y = ones([4], { dtype: 'float64' });
    const counting = <R>(body: () => R): R =>
      graph.savedTensorsHooks(
        (t) => {
          counts.pack++;
          return t;
        },
        (t) => {
          counts.unpack++;
          return t;
        },
        body,
      );
    counting(() => {
      const out = x.mul(y);
      expect(counts).toEqual({ pack: 1, unpack: 0 });
      out.sum().backward();
    });
    expect(counts).toEqual({ pack: 1, unpack: 1 });
    const z = y.clone().mul(3).requiresGrad_();
    const quotient = counting(() => x.div(z));
    expect(counts).toEqual({ pack: 3, unpack: 1 });
    quotient.sum().backward();
    expect(counts).toEqual({ pack: 3, unpack: 3 });
    counting(() => noGrad(() => x.mul(x)));
    counting(() => x.add(z).sum());
    expect(counts.pack).toBe(3);
  });

  test('test_saved_tensors_hook_version_counter_not_shared: writes to what was unpacked do not count for the original', () => {
    const versions: number[][] = [];
    class Writes extends autograd.Function {
      static forward(context: autograd.FunctionContext, x: Tensor) {
        context.saveForBackward(x);
        return x.sin();
      }
      static backward(context: autograd.FunctionContext, g: Tensor) {
        const [x] = context.savedTensors as [Tensor];
        const before = a.version;
        x.add_(1);
        versions.push([a.version - before, x.version]);
        return g;
      }
    }
    const a = tensor(1, { dtype: 'float64', requiresGrad: true });
    const replacement = a.detach().clone();
    const b = graph.savedTensorsHooks(
      () => replacement,
      same,
      () => Writes.apply(a),
    );
    b.backward();
    expect(versions).toEqual([[0, 1]]);
    expect([values(a), values(replacement)]).toEqual([1, 2]);
  });

  test('test_pack_hook_with_inplace_modification_should_fail: refused, for inputs and for results', () => {
    const inPlace = (x: Tensor): Tensor => noGrad(() => x.mul_(2));
    const a = random(5);
    refused(
      () => graph.savedTensorsHooks(inPlace, same, () => a.exp()),
      'InPlaceError',
      /savedTensorsHooks: the pack function changed.*in place/,
    );
    refused(() => graph.savedTensorsHooks(inPlace, same, () => a.mul(1).sin()), 'InPlaceError', /pack function/);
  });

  test('behaviour pack hook modifies inplace: refused', () => {
    refused(
      () =>
        graph.savedTensorsHooks(
          (t) => t.add_(1),
          same,
          () => {
            const x = leaf(2).mul(1);
            return x.mul(x).sum();
          },
        ),
      'InPlaceError',
      /in place/,
    );
  });

  test('behaviour unpack hook returns non-tensor: refused with what it was', () => {
    const y = graph.savedTensorsHooks(
      same,
      () => 1 as never,
      () => {
        const x = leaf(2);
        return x.mul(x).sum();
      },
    );
    refused(() => y.backward(), 'ArgumentError', /returned the number 1.*shape \[2\]/);
  });

  test('a tensor of another shape or dtype is refused with both', () => {
    const x = leaf(2);
    const shape = graph.savedTensorsHooks(
      same,
      (t) => t.sum(),
      () => x.sin(),
    );
    refused(() => total(shape).backward(), 'ArgumentError', /shape \[\].*shape \[2\]/);
    const type = graph.savedTensorsHooks(
      same,
      (t) => t.to('float32'),
      () => x.sin(),
    );
    refused(() => total(type).backward(), 'ArgumentError', /float32.*float64/);
  });

  test('test_saving_variable_to_disk: what is saved can live in a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'saved-'));
    let count = 0;
    try {
      const a = random(5);
      const y = graph.savedTensorsHooks(
        (x) => {
          const name = join(folder, String(count++));
          writeFileSync(name, x.toBytes());
          return name;
        },
        (name) => fromBytes(new Uint8Array(readFileSync(name)), [5], 'float64'),
        () => a.mul(a),
      );
      total(y).backward();
      expect([count, values(a.grad)]).toEqual([2, values(a.detach().mul(2))]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('test_wrapped_number_saved_tensors_hooks: numbers never reach them', () => {
    const shapes: unknown[] = [];
    const x = leaf(2);
    const y = graph.savedTensorsHooks(
      (t) => {
        shapes.push(t.shape);
        return t;
      },
      same,
      () => x.mul(2).add(3).div(4).pow(2),
    );
    total(y).backward();
    expect(shapes).toEqual([[2]]);
  });

  test('a scope for using ends at the end of its block', () => {
    let count = 0;
    const x = leaf(2);
    {
      using _hooks = graph.savedTensorsHooks((t) => {
        count++;
        return t;
      }, same);
      x.sin();
    }
    x.sin();
    {
      using _none = graph.disableSavedTensorsHooks('no');
      refused(() => graph.savedTensorsHooks(same, same), 'AutogradError', /^no$/);
    }
    expect(count).toBe(1);
  });

  test('an asynchronous body is refused, and the hooks are gone', () => {
    let count = 0;
    const counting = (t: Tensor) => {
      count++;
      return t;
    };
    refused(() => graph.savedTensorsHooks(counting, same, async () => {}), 'ArgumentError', /must be synchronous/);
    leaf(2).sin();
    expect(count).toBe(0);
    refused(() => graph.savedTensorsHooks(1 as never, same, () => {}), 'ArgumentError', /pack must be a function/);
  });

  test('the functions run as plain code: nothing in them is recorded or packed', () => {
    let depth = 0;
    const seen: boolean[] = [];
    const x = leaf(2);
    const y = graph.savedTensorsHooks(
      (t) => {
        expect(++depth).toBe(1);
        const packed = autograd.enableGrad(() => t.mul(t));
        depth--;
        return packed;
      },
      (t) => {
        const back = t.sqrt();
        seen.push(back.requiresGrad);
        return back;
      },
      () => x.sin(),
    );
    total(y).backward();
    expect(seen).toEqual([false]);
    expect((values(x.grad) as number[])[0]).toBeCloseTo(Math.cos(1), 12);
  });

  test('leaves come back connected: a second derivative reaches them through packed values', () => {
    const x = tensor([3], { dtype: 'float64', requiresGrad: true });
    const y = graph.savedTensorsHooks(
      (t) => t.toArray(),
      (list) => tensor(list as number[], { dtype: 'float64' }),
      () => x.pow(3),
    );
    const [g] = autograd.grad(total(y), x, null, { createGraph: true });
    total(g as Tensor).backward();
    expect([values(g), values(x.grad)]).toEqual([[27], [18]]);
  });

  test('a composed operator shows its own inputs, each value once, and differentiates twice through what was packed', () => {
    const x = random(3, 4);
    const shown: Tensor[] = [];
    const [y, plain] = [true, false].map((packing) => {
      const out = () => x.softmax(1).mul(x).std(0).sum();
      if (!packing) return out();
      return graph.savedTensorsHooks(
        (t) => {
          shown.push(t);
          return t.toArray();
        },
        (list) => tensor(list as number[][], { dtype: 'float64' }),
        out,
      );
    }) as [Tensor, Tensor];
    expect(shown.includes(x)).toBe(true);
    const results = [y, plain].map((out) => {
      x.grad = null;
      const [g] = autograd.grad(out, x, null, { createGraph: true });
      total((g as Tensor).pow(2)).backward();
      return [values(g), values(x.grad)];
    });
    expect(results[0]).toEqual(results[1]);
  });

  test('a scope keeps what was packed into tensors', () => {
    const x = random(3);
    const y = scope(() =>
      graph.savedTensorsHooks(
        (t) => ({ copy: t.clone() }),
        ({ copy }) => copy,
        () => x.sin().cos(),
      ),
    );
    zeros([100]);
    total(y).backward();
    const plain = x.detach().clone().requiresGrad_();
    total(plain.sin().cos()).backward();
    expect(values(x.grad)).toEqual(values(plain.grad));
  });
});

describe('with transforms', () => {
  const x = randn([3, 4], { dtype: 'float64' });
  const f = (v: Tensor): Tensor => v.softmax(0).mul(v.sin()).sum();
  const { grad } = func;
  const runs: Record<string, () => Tensor> = {
    grad: () => grad(f)(x) as Tensor,
    'vmap of grad': () => func.vmap(grad(f) as (v: Tensor) => Tensor)(x),
    'grad of grad': () => grad((v: Tensor) => (grad(f)(v) as Tensor).pow(2).sum())(x) as Tensor,
    'jvp of grad': () => func.jvp(grad(f) as (v: Tensor) => Tensor, [x], [x])[1] as Tensor,
    'grad of vmap': () => grad((v: Tensor) => func.vmap(f)(v).sum())(x) as Tensor,
    'grad of jvp': () => grad((v: Tensor) => func.jvp(f, [v], [v])[1] as Tensor)(x) as Tensor,
  };
  const ways: Record<string, (body: () => Tensor) => Tensor> = {
    savedTensorsHooks: (body) => graph.savedTensorsHooks(twice, half, body),
    saveOnHost: (body) => graph.saveOnHost(body),
    allowMutationOnSavedTensors: (body) => graph.allowMutationOnSavedTensors(body),
  };
  for (const [way, around] of Object.entries(ways)) {
    for (const [name, run] of Object.entries(runs)) {
      test(`${way} changes nothing about ${name}`, () => {
        expect(values(around(run))).toEqual(values(run()));
      });
    }
  }
});

describe('saving on the host', () => {
  test('test_graph_save_on_cpu: values, dtypes and strides come back as they were', () => {
    for (const dtype of ['float32', 'float64', 'float16', 'bfloat16'] as const) {
      const x = randn([2, 3, 4]).to(dtype).requiresGrad_();
      const layouts = [x, x.permute([2, 0, 1]), x.select(1, 1), x.narrow(2, 1, 2), x.select(0, 0).unsqueeze(0).expand([2, 3, 4]), x.sum()];
      for (const view of layouts) {
        const y = graph.saveOnHost(() => view.mul(view));
        const back = savedOf(y)[0]?.unpack() as Tensor;
        expect(back === view).toBe(false);
        expect([values(back), back.dtype, back.shape]).toEqual([values(view), dtype, view.shape]);
        expect(back.gradFn === view.gradFn).toBe(true);
      }
      const [, permuted, , , expanded] = layouts as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
      for (const view of [x, permuted, expanded]) {
        const back = savedOf(graph.saveOnHost(() => view.mul(view)))[0]?.unpack() as Tensor;
        expect(back.stride()).toEqual(view.stride());
      }
    }
    const x = random(3, 4);
    const run = (around: (body: () => Tensor) => Tensor) => {
      x.grad = null;
      const out = around(() => x.exp().matmul(x.T).softmax(1).mul(x.sin().sum()).sum());
      out.backward();
      return values(x.grad);
    };
    expect(run(graph.saveOnHost)).toEqual(run((body) => body()));
  });

  test('empty tensors and single numbers come back, too', () => {
    for (const shape of [[0, 3], []]) {
      const x = zeros(shape, { dtype: 'float64', requiresGrad: true });
      const back = savedOf(graph.saveOnHost(() => x.mul(x)))[0]?.unpack() as Tensor;
      expect([back.shape, back.dtype]).toEqual([shape, 'float64']);
    }
  });

  test('takes the memory of the values from the graph, composed operators included', async () => {
    const x = random(64);
    const [out, references] = graph.saveOnHost(() => {
      const first = x.sin();
      const second = first.softmax(0);
      const third = second.mul(second);
      return [third.sum(), [first, second, third].map((t) => new WeakRef(t.storage))] as const;
    });
    for (const reference of references) expect(await collected(reference)).toBe(true);
    out.backward();
    const plain = x.detach().clone().requiresGrad_();
    const soft = plain.sin().softmax(0);
    soft.mul(soft).sum().backward();
    expect(values(x.grad)).toEqual(values(plain.grad));
  });

  test('test_save_on_cpu_and_checkpoint: works around a checkpoint and inside of one', () => {
    const a = random(2, 2);
    const f = (x: Tensor) => x.pow(2).mul(x.sin());
    const run = (out: () => Tensor) => {
      a.grad = null;
      total(out()).backward();
      return values(a.grad);
    };
    const expected = run(() => f(f(a)));
    expect(run(() => graph.saveOnHost(() => checkpoint(f, [f(a)])))).toEqual(expected);
    expect(run(() => checkpoint((x: Tensor) => graph.saveOnHost(() => f(f(x))), [a]))).toEqual(expected);
    expect(run(() => graph.saveOnHost(() => checkpoint((x: Tensor) => graph.saveOnHost(() => f(f(x))), [a])))).toEqual(expected);
  });
});
