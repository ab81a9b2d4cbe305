/** Anomaly detection: what it says of a gradient that is not a number. */
import { AutogradError, autograd, noGrad, ones, type Tensor, tensor } from 'nabla';
import { afterEach, describe, expect, test } from 'vitest';
import { placeAmong } from '../../src/tensor/tracing.ts';
import { leaf, total, values } from '../engine/support.ts';

type Context = autograd.FunctionContext;

function messageOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    expect(error).toBeInstanceOf(AutogradError);
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

afterEach(() => void autograd.setDetectAnomaly(false));

/** Gives NaN for the second gradient where `fails`. */
class Mine extends autograd.Function {
  static forward(context: Context, a: Tensor, b: Tensor, fails: boolean) {
    context.fails = fails;
    return a.add(b);
  }
  static backward(context: Context, g: Tensor): [Tensor, Tensor, null] {
    return [g, context.fails === true ? g.mul(Number.NaN) : g.mul(1), null];
  }
}

function callMine(a: Tensor, b: Tensor, fails = true): Tensor {
  return Mine.apply(a, b, fails);
}

describe('NaN in a gradient', () => {
  test('test_anomaly_detect_nan: names the operator, the input and the place of the call', () => {
    const run = (): void => total(callMine(leaf(3), leaf(3))).backward();
    expect(run).not.toThrow();
    const message = messageOf(() => autograd.detectAnomaly(run));
    const [first, recorded, place] = message.split('\n');
    expect(first).toMatch(
      /^MineBackward: returned NaN in the gradient of its input 1, a tensor of shape \[3\] and dtype float64\. The NaN was born in this/,
    );
    expect([recorded, place]).toEqual(['It was recorded here:', expect.stringMatching(/callMine .*17-anomaly\.test\.ts/)]);
    // An input without a gradient may get anything.
    const constant = (): void => total(callMine(leaf(3), ones([3], { dtype: 'float64' }))).backward();
    expect(() => autograd.detectAnomaly(constant)).not.toThrow();
    // What was recorded before says how to see the place.
    const y = callMine(leaf(3), leaf(3));
    expect(messageOf(() => autograd.detectAnomaly(() => total(y).backward()))).toMatch(
      /autograd\.detectAnomaly\(\(\) => …\), forward pass included/,
    );
  });

  test('behaviour set_detect_anomaly nan: is an error', () => {
    const run = (): void => total(tensor([0, 0], { requiresGrad: true }).sqrt().mul(0)).backward();
    expect(messageOf(() => autograd.detectAnomaly(run))).toMatch(
      /^SqrtBackward: returned NaN in the gradient of its input 0.*born in this backward pass/,
    );
  });

  test('behaviour anomaly check_nan False: is none', () => {
    const x = tensor([0, 0], { requiresGrad: true });
    autograd.detectAnomaly(() => total(x.sqrt().mul(0)).backward(), { checkNan: false });
    expect(values(x.grad)).toEqual([Number.NaN, Number.NaN]);
  });

  test('test_anomaly_mode_no_check_nan: nested, the inner setting holds, then the outer again', () => {
    const run = (): void => total(callMine(leaf(3), leaf(3))).backward();
    const state = (): boolean[] => [autograd.isAnomalyEnabled(), autograd.isAnomalyCheckNanEnabled()];
    autograd.detectAnomaly(
      () => {
        expect(state()).toEqual([true, false]);
        expect(run).not.toThrow();
        autograd.detectAnomaly(() => {
          expect(state()).toEqual([true, true]);
          expect(run).toThrow(/returned NaN/);
        });
        expect(state()).toEqual([true, false]);
        expect(run).not.toThrow();
      },
      { checkNan: false },
    );
    expect(state()).toEqual([false, false]);
    expect(run).not.toThrow();
  });

  test('that was in the forward pass already: says in what, and which operator made the first', () => {
    const run = (): void => {
      const x = tensor([-1, 1], { dtype: 'float64', requiresGrad: true });
      const y = x.log();
      total(y.mul(y).exp()).backward();
    };
    const message = messageOf(() => autograd.detectAnomaly(run));
    expect(message).toMatch(
      /^ExpBackward: returned NaN .*The NaN was in the forward pass already: in a tensor of shape \[2\] and dtype float64 \(made by Exp\), which/,
    );
    expect(message).toMatch(/\nThe first NaN that was saved is in the result of log\.\nIt was recorded here:\n.*run .*17-anomaly/);
  });

  test('that came in with the gradient is no new one', () => {
    const run = (): void =>
      leaf(1)
        .mul(2)
        .backward(tensor([Number.NaN], { dtype: 'float64' }));
    expect(messageOf(() => autograd.detectAnomaly(run))).toMatch(/MulBackward.*The gradient that arrived there held NaN already/);
  });

  test('of integers, or where nothing is recorded, is not looked for', () => {
    autograd.setDetectAnomaly(true);
    const x = ones([2], { requiresGrad: true });
    x.max(0).values.backward();
    noGrad(() => x.mul(Number.NaN));
    expect(x.grad?.toArray()).toEqual([1, 0]);
  });
});

describe('the trace of a derivative of a derivative', () => {
  function inner(x: Tensor): Tensor {
    return x.pow(1.5);
  }

  test('test_nested_anomaly_detect_nan: leads from the node that was recorded in the first backward pass to that of the forward pass', () => {
    const run = (): void => {
      const x = tensor([0, 1], { dtype: 'float64', requiresGrad: true });
      const y = inner(x);
      const [g] = autograd.grad(total(y), x, null, { createGraph: true }) as [Tensor];
      // The derivative of √x at 0 is infinite.
      total(g.mul(tensor([0, 1], { dtype: 'float64' }))).backward();
    };
    const message = messageOf(() => autograd.detectAnomaly(run));
    expect(message).toMatch(/returned NaN in the gradient/);
    const [, parent] = message.split('That was in the backward pass of PowBackward');
    expect(parent).toMatch(/^\.\nIt was recorded here:\n.*inner .*17-anomaly\.test\.ts/);
    // A third level has two above it.
    const third = (): void => {
      const x = tensor([0, 1], { dtype: 'float64', requiresGrad: true });
      const [g] = autograd.grad(total(x.pow(2.5)), x, null, { createGraph: true }) as [Tensor];
      const [h] = autograd.grad(total(g), x, null, { createGraph: true }) as [Tensor];
      total(h.mul(tensor([0, 1], { dtype: 'float64' }))).backward();
    };
    expect(messageOf(() => autograd.detectAnomaly(third)).split('That was in the backward pass of').length).toBe(3);
  });

  test('test_anomaly_grad_warnings: an error of another kind stays the same, with the trace added', () => {
    const simulated = new TypeError('simulated');
    class Bad extends autograd.Function {
      static forward(_context: Context, x: Tensor) {
        return x.mul(1);
      }
      static backward(): never {
        throw simulated;
      }
    }
    const run = (): void => total(Bad.apply(leaf(2))).backward();
    expect(() => autograd.detectAnomaly(run)).toThrow(simulated);
    expect(simulated.message).toMatch(
      /^simulated\nThis happened in the backward pass of BadBackward\.\nIt was recorded here:\n.*17-anomaly/,
    );
    expect(simulated.stack).toContain(simulated.message);
  });

  const settle = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      (globalThis as { gc?: () => void }).gc?.();
    }
  };

  test('test_anomaly_assign_parent_cleanup: what is remembered of nodes lives no longer than they', async () => {
    const watched = autograd.detectAnomaly(() => {
      const x = leaf(2);
      const y = x.pow(3);
      const [g] = autograd.grad(total(y), x, null, { createGraph: true }) as [Tensor];
      return [new WeakRef(y.gradFn as object), new WeakRef(g.gradFn as object)];
    });
    await settle();
    expect(watched.map((reference) => reference.deref())).toEqual([undefined, undefined]);
  });

  test('test_nested_anomaly_printstack_cleanup: also after a trace was written', async () => {
    const watched = (() => {
      let reference: WeakRef<object> | null = null;
      messageOf(() =>
        autograd.detectAnomaly(() => {
          const x = tensor([0, 1], { dtype: 'float64', requiresGrad: true });
          const y = inner(x);
          reference = new WeakRef(y.gradFn as object);
          const [g] = autograd.grad(total(y), x, null, { createGraph: true }) as [Tensor];
          total(g.mul(tensor([0, 1], { dtype: 'float64' }))).backward();
        }),
      );
      return reference as unknown as WeakRef<object>;
    })();
    await settle();
    expect(watched.deref()).toBe(undefined);
  });
});

describe('turning it on', () => {
  function overwriteWhatWasSaved(): void {
    const y = ones([2], { requiresGrad: true }).mul(1).exp();
    y.add_(1);
    y.sum().backward();
  }

  test('errors about overwritten values say how, and show both places then', () => {
    expect(messageOf(overwriteWhatWasSaved)).toContain('autograd.detectAnomaly(() => …)');
    const [, recorded, written] = messageOf(() => autograd.detectAnomaly(overwriteWhatWasSaved)).split(/\nIt was \w+ here:\n/);
    expect(recorded?.split('\n')[0]).toMatch(/overwriteWhatWasSaved .*17-anomaly\.test\.ts/);
    expect(written?.split('\n')[0]).toMatch(/overwriteWhatWasSaved .*17-anomaly\.test\.ts/);
    expect(written).not.toBe(recorded);
    expect(autograd.isAnomalyEnabled()).toBe(false);
  });

  test('as a scope, and by a switch that can be undone', () => {
    {
      using _ = autograd.detectAnomaly();
      expect(autograd.isAnomalyCheckNanEnabled()).toBe(true);
      using __ = autograd.setDetectAnomaly(false);
      expect(autograd.isAnomalyEnabled()).toBe(false);
    }
    expect(autograd.isAnomalyEnabled()).toBe(false);
    {
      using _ = autograd.detectAnomaly({ checkNan: false });
      expect([autograd.isAnomalyEnabled(), autograd.isAnomalyCheckNanEnabled()]).toEqual([true, false]);
    }
    autograd.setDetectAnomaly(true);
    expect(autograd.isAnomalyEnabled()).toBe(true);
  });

  test('an error in the body turns it off again; an asynchronous body is refused', () => {
    expect(() =>
      autograd.detectAnomaly(() => {
        throw new Error('mine');
      }),
    ).toThrow('mine');
    expect(autograd.isAnomalyEnabled()).toBe(false);
    expect(() => autograd.detectAnomaly(async () => 0)).toThrow(/synchronous/);
    expect(autograd.isAnomalyEnabled()).toBe(false);
  });
});

describe('the frames that are shown', () => {
  const frame = (file: string): string => `    at f (${file}:1:2)`;
  const shown = (own: string, ...files: string[]): string[] =>
    placeAmong(frame(own), files.map(frame))
      .split('\n')
      .map((line) => /\(([^:]*(?::\/[^:]*)?):/.exec(line)?.[1] ?? '');

  test("are the user's, in all forms of the package", () => {
    const user = 'file:///app/train.js';
    for (const root of ['file:///app/node_modules/nabla/dist', 'file:///home/nabla/src', 'http://localhost/nabla/dist'])
      expect(shown(`${root}/tensor/tracing.js`, `${root}/tensor/node.js`, `${root}/api/attach.js`, user)).toEqual([user]);
    const bundle = 'file:///app/node_modules/nabla/dist/node';
    expect(shown(`${bundle}/shared-ABC123.js`, `${bundle}/index.js`, user, 'node:internal/modules/run')).toEqual([user]);
    const windows = 'C:\\app\\node_modules\\nabla\\dist\\node';
    expect(placeAmong(frame(`${windows}\\index.js`), [frame(`${windows}\\shared-A.js`), frame('C:\\app\\train.js')])).toBe(
      frame('C:\\app\\train.js'),
    );
  });

  test("are more in an application's own bundle, where the user's cannot be told from the others", () => {
    const app = 'file:///srv/server.js';
    expect(shown(app, ...Array(40).fill(app))).toHaveLength(25);
    const bundle = 'file:///app/node_modules/nabla/dist/node/index.js';
    expect(shown(bundle, ...Array(40).fill('file:///app/train.js'))).toHaveLength(10);
    // Nothing but the library: that is better than nothing.
    expect(shown(bundle, bundle, bundle)).toEqual([bundle, bundle]);
  });
});
