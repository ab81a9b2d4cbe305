/** The checks find what is wrong: each is shown an operator with one defect. */
import { describe, expect, test } from 'vitest';
import { mul, sum, tensor } from '../../src/index.ts';
import { t } from '../../src/op/contract.ts';
import { compositeOperator, described, makeOperator } from '../../src/ops/family.ts';
import { clone, expand, reshape } from '../../src/ops/structural.ts';
import { applyOne } from '../../src/tensor/apply.ts';
import { Tensor, viewOf } from '../../src/tensor/tensor.ts';
import { ShapeError } from '../../src/util/errors.ts';
import { CHECKS } from './checks/index.ts';
import { leaks } from './checks/memory.ts';
import { layOut } from './layouts.ts';
import { numbersOf } from './numbers.ts';
import { type Call, collect, type Entry } from './operators.ts';
import { CheckFailure } from './report.ts';

type Definition = Parameters<typeof makeOperator<null>>[0];

const samples = [{ args: [t([2, 3])] }, { args: [t([4])] }];

function entryOf(call: (x: Tensor) => unknown, more: object = {}): Entry {
  const f = described('broken', call as (x: Tensor) => Tensor, { signature: 'input', samples, ...more });
  return { description: f.operator, call: f as unknown as Call, paths: ['broken'] };
}

/** Three times the input, which is right in every way, with parts replaced by wrong ones. */
function tripled(wrong: Partial<Definition>): Entry {
  const operator = makeOperator<null>({
    name: 'broken',
    forward: ([x]) =>
      layOut(
        numbersOf(x as Tensor).map((value) => 3 * value),
        (x as Tensor).shape,
        (x as Tensor).dtype,
      ),
    derivative: { kind: 'linear', transpose: (g) => mul(g, 3) },
    batching: { kind: 'leading' },
    ...wrong,
  });
  return entryOf((x) => applyOne(operator, [x], null));
}

function failing(entry: Entry): string[] {
  return CHECKS.filter((check) => {
    try {
      check.run(entry);
      return false;
    } catch (error) {
      if (!(error instanceof CheckFailure)) throw error;
      return true;
    }
  }).map((check) => check.name);
}

describe('the checks', () => {
  test('pass an operator without defects', () => {
    expect(failing(tripled({}))).toEqual([]);
  });

  test('find a wrong gradient', () => {
    expect(failing(tripled({ derivative: { kind: 'linear', transpose: (g) => mul(g, 2) } }))).toEqual(['gradient', 'forward']);
  });

  test('find a missing gradient', () => {
    expect(failing(tripled({ derivative: { kind: 'none' } }))).toContain('gradient');
  });

  test('find a wrong tangent', () => {
    const derivative: Definition['derivative'] = {
      kind: 'rules',
      vjp: ([g]) => [mul(g as Tensor, 3)],
      jvp: ([v]) => [mul(v as Tensor, 4)],
    };
    expect(failing(tripled({ derivative }))).toEqual(['forward']);
  });

  test('find a gradient that is cut off from its cotangent', () => {
    const derivative: Definition['derivative'] = {
      kind: 'rules',
      vjp: ([g]) => [mul((g as Tensor).detach(), 3)],
      jvp: ([v]) => [mul(v as Tensor, 3)],
    };
    expect(failing(tripled({ derivative }))).toContain('second');
  });

  test('find a wrong batching rule', () => {
    expect(failing(tripled({ batching: { kind: 'rule', rule: ([x]) => clone(x as Tensor) } }))).toEqual(['vmap']);
  });

  test('find a kernel that takes any memory for contiguous', () => {
    const forward = ([x]: readonly Tensor[]): Tensor => {
      const { shape, storage, type, size } = x as Tensor;
      const flat = viewOf(x as Tensor, [Math.min(size, storage.byteLength / type.itemsize)], [1], 0);
      return layOut(
        numbersOf(flat).map((value) => 3 * value),
        shape,
        type.name,
      );
    };
    expect(failing(tripled({ forward }))).toContain('layouts');
  });

  test('find a result in the memory of an input that is said to be fresh', () => {
    const forward = ([x]: readonly Tensor[]): Tensor =>
      viewOf(x as Tensor, (x as Tensor).shape, (x as Tensor).strides, (x as Tensor).offset);
    expect(failing(tripled({ forward, derivative: { kind: 'linear', transpose: (g) => g } }))).toEqual(['aliasing']);
  });

  test('find an operator that changes its input', () => {
    const entry = entryOf((x) => {
      x.storage.version++;
      return clone(x);
    });
    expect(failing(entry)).toContain('value');
  });

  test('find an operator that does not repeat itself', () => {
    let calls = 0;
    expect(failing(entryOf((x) => mul(x, ++calls)))).toContain('value');
  });

  test('find a result that says it is contiguous and is not', () => {
    const entry = entryOf(
      (x) => {
        const y = viewOf(
          x,
          x.shape,
          [...x.strides].reverse().map((stride) => (stride === 1 ? x.size / (x.shape[0] as number) : stride)),
          0,
        );
        y.rowMajor = true;
        return y;
      },
      { samples: [{ args: [t([1, 1, 3])] }, { args: [t([2, 2])] }] },
    );
    expect(failing(entry)).toContain('value');
  });

  test('find an error that is not one of the library', () => {
    const entry = entryOf((x) => {
      if (x.type.isInteger) throw new TypeError('no such kernel');
      return clone(x);
    });
    expect(failing(entry)).toEqual(['dtypes']);
  });

  test('find a result that float32 changes', () => {
    expect(failing(entryOf((x) => (x.dtype === 'float32' ? mul(x, 1.001) : clone(x))))).toEqual(['dtypes']);
  });

  test('find bad calls that pass, and messages that say something else', () => {
    expect(failing(entryOf((x) => clone(x), { bad: [{ args: [t([2])], error: /dimension/ }] }))).toEqual(['bad']);
    const refusing = entryOf(
      (x) => {
        throw new ShapeError(`broken: ${x.shape}`);
      },
      { samples: [], bad: [{ args: [t([2])], error: /dimension/ }] },
    );
    expect(failing(refusing)).toEqual(['bad']);
  });

  test('find a rule that is not the derivative of the composition', () => {
    const operator = compositeOperator<null>('broken', ([x]) => mul(x as Tensor, x as Tensor), {
      kind: 'rules',
      saves: { inputs: [0] },
      vjp: ([g], context) => [mul(mul(g as Tensor, context.input(0)), 3)],
    });
    expect(failing(entryOf((x) => applyOne(operator, [x], null)))).toContain('rules');
  });

  test('find a gradient of another shape', () => {
    const derivative: Definition['derivative'] = { kind: 'linear', transpose: (g) => reshape(g, [g.size]) };
    expect(failing(tripled({ derivative }))).toContain('gradient');
  });

  test('find an in-place method that says nothing of its write', () => {
    const prototype = Tensor.prototype as unknown as Record<string, (this: Tensor) => Tensor>;
    const right = prototype.neg_ as (this: Tensor) => Tensor;
    prototype.neg_ = function (this: Tensor) {
      right.call(this.data);
      return this;
    };
    const entry = collect().find(({ description }) => description.name === 'neg') as Entry;
    try {
      expect(failing(entry)).toEqual(['in place']);
    } finally {
      prototype.neg_ = right;
    }
    expect(failing(entry)).toEqual([]);
  });

  test('find memory that stays', async () => {
    const held: Tensor[] = [];
    const leaking = entryOf((x) => {
      held.push(mul(x, 2));
      return sum(x);
    });
    const saving = entryOf((x) => expand(sum(x), [3]));
    // Held are the products and, by their graph, the inputs.
    expect((await leaks([leaking, saving])).map(({ bytes }) => bytes)).toEqual([160]);
    expect(tensor([held.length]).item()).toBeGreaterThan(0);
  });
});
