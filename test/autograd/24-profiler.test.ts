import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { averagesOf, ProfilerEvent } from '../../src/api/profiler-events.ts';
import { autograd, ones, optim, randn, type Tensor, tensor, vmap } from '../../src/index.ts';
import { profile, recordFunction } from '../../src/profiler.ts';
import { mode } from '../../src/tensor/modes.ts';
import { refused } from '../engine/support.ts';

afterEach(() => expect(mode.observer, 'a profile was left running').toBeNull());

const namesOf = (events: readonly ProfilerEvent[]): string[] => events.map((event) => event.name);

/** An event from `start` to `end`, inside `parent`. */
function event(name: string, start: number, end: number, parent: ProfilerEvent | null = null): ProfilerEvent {
  const made = new ProfilerEvent(name, 'operator', start, parent);
  made.end = end;
  return made;
}

test('test_profiler: records the operators that run inside it, and no others', () => {
  const x = randn([10, 10]);
  x.exp();
  const profiled = profile(() => {
    const y = x.mul(2).add(4);
    y.sub(1);
    return y;
  });
  x.log();
  expect(namesOf(profiled.events)).toEqual(['mul', 'add', 'sub']);
  expect(profiled.result.shape).toEqual([10, 10]);
  for (const each of profiled.events) {
    expect(each.kind).toBe('operator');
    expect(each.inBackward).toBe(false);
    expect(each.end).toBeGreaterThanOrEqual(each.start);
  }
  expect(profiled.duration).toBeGreaterThanOrEqual(profiled.events.reduce((sum, each) => sum + each.duration, 0));
});

test('test_profiler_seq_nr: a forward call and its node of the backward pass share a number', () => {
  const x = randn([10, 10], { requiresGrad: true });
  const y = randn([10, 10], { requiresGrad: true });
  const profiled = profile(() => {
    const z = x.add(y);
    const s = z.sum(null);
    s.backward();
    return [z.gradFn?.sequence, s.gradFn?.sequence];
  });
  const numberOf = (name: string, kind: string) => profiled.events.find((each) => each.name === name && each.kind === kind)?.sequenceNumber;
  expect([numberOf('add', 'operator'), numberOf('sum', 'operator')]).toEqual(profiled.result);
  expect(numberOf('AddBackward', 'backward')).toBe(numberOf('add', 'operator'));
  expect(numberOf('SumBackward', 'backward')).toBe(numberOf('sum', 'operator'));
  expect(numberOf('add', 'operator')).not.toBe(numberOf('sum', 'operator'));
  const unrecorded = profile(() => ones([2]).exp());
  expect(unrecorded.events[0]?.sequenceNumber).toBe(-1);
});

test('test_record_function_callbacks: each entry into a range is one event', () => {
  const x = ones([1]);
  const profiled = profile(() => {
    for (let i = 0; i < 3; i++) recordFunction('foo', () => x.mul(2));
  });
  expect(profiled.keyAverages().find((row) => row.name === 'foo')?.count).toBe(3);
  expect(profiled.events.filter((each) => each.name === 'foo').map((each) => each.kind)).toEqual(['range', 'range', 'range']);
});

test('test_profiler_aggregation_fake: self time is what the inner calls leave over, and depth does not count twice', () => {
  const outer = event('outer', 0, 100);
  const middle = event('middle', 10, 60, outer);
  const inner = event('inner', 20, 30, middle);
  const late = event('inner', 70, 75, outer);
  expect([outer, middle, inner, late].map((each) => each.selfDuration)).toEqual([45, 40, 10, 5]);
  const recursive = event('outer', 80, 90, outer);
  const rows = averagesOf([outer, middle, inner, late, recursive], false);
  expect(rows.map(({ name, count, total, self }) => [name, count, total, self])).toEqual([
    ['outer', 2, 100, 45],
    ['middle', 1, 50, 40],
    ['inner', 2, 15, 15],
  ]);
});

test('test_profiler_aggregation_fake: spans of real calls lie inside one another and side by side, never across', () => {
  const x = randn([8, 8], { requiresGrad: true });
  const { events } = profile(() => recordFunction('all', () => x.softmax(0).var(0).mean().backward()));
  for (const each of events) {
    let at = each.start;
    for (const child of each.children) {
      expect(child.parent).toBe(each);
      expect(child.start).toBeGreaterThanOrEqual(at);
      expect(child.end).toBeGreaterThanOrEqual(child.start);
      at = child.end;
    }
    expect(each.end).toBeGreaterThanOrEqual(at);
    expect(each.selfDuration).toBeGreaterThanOrEqual(-1e-6);
  }
});

test('test_profiler_aggregation_table: as a string a profile is its table', () => {
  const profiled = profile(() => ones([64]).mul(2).sum());
  expect(String(profiled)).toBe(profiled.table());
  const lines = profiled.table().split('\n');
  expect(lines[0]).toMatch(/^name +pass +calls +self +self % +total +total\/call +bytes +self bytes +peak$/);
  expect(lines.some((line) => /^mul +forward +1 .* 256 B +256 B /.test(line))).toBe(true);
  expect(lines.at(-2)).toMatch(/^time in operators: [\d.]+ (us|ms) of [\d.]+ (us|ms)$/);
  expect(profiled.table({ rowLimit: 1 })).toMatch(/\n1 more rows: pass a larger rowLimit$/);
  expect(profiled.table({ sortBy: 'name' }).split('\n')[2]).toMatch(/^mul /);
});

test('test_profiler_function_event_avg: averages add up calls, times and bytes', () => {
  const first = event('add', 10, 15);
  const second = event('add', 20, 30);
  first.selfBytes = 100;
  second.selfBytes = 50;
  second.peakBytes = 70;
  const inside = event('mul', 21, 25, second);
  inside.selfBytes = 7;
  const [row] = averagesOf([first, second, inside], false);
  expect(row).toEqual({
    name: 'add',
    kind: 'operator',
    inBackward: false,
    inputShapes: null,
    count: 2,
    total: 15,
    self: 11,
    average: 7.5,
    bytes: 157,
    selfBytes: 150,
    peakBytes: 70,
  });
});

test('test_profiler_shapes: shapes of the inputs are recorded where they are asked for', () => {
  const body = () => {
    ones([3, 4]).matmul(ones([4, 2]));
    ones([2, 5]).exp();
    return ones([7]).exp();
  };
  const shaped = profile(body, { recordShapes: true });
  const exps = shaped.events.filter((each) => each.name === 'exp');
  expect(exps.map((each) => each.inputShapes)).toEqual([[[2, 5]], [[7]]]);
  const matmul = shaped.events.find((each) => each.inputShapes?.length === 2);
  expect(matmul?.inputShapes).toEqual([
    [3, 4],
    [4, 2],
  ]);
  expect(shaped.keyAverages().filter((row) => row.name === 'exp')).toHaveLength(1);
  expect(
    shaped
      .keyAverages({ groupByInputShape: true })
      .filter((row) => row.name === 'exp')
      .map((row) => row.inputShapes),
  ).toHaveLength(2);
  expect(shaped.table({ groupByInputShape: true })).toMatch(/\[\[2,5\]\]/);
  const plain = profile(body);
  expect(plain.events.every((each) => each.inputShapes === null)).toBe(true);
  refused(() => plain.keyAverages({ groupByInputShape: true }), 'ArgumentError', /recordShapes/);
});

test('test_record_function: ranges nest with each other and with operators, in order', () => {
  const x = ones([10, 10]);
  const wrapped = (y: typeof x) => recordFunction('inner', () => y.mul(2));
  const profiled = profile(() =>
    recordFunction('outer', () => {
      wrapped(x);
      using _range = recordFunction('block');
      x.add(4);
      return wrapped(x);
    }),
  );
  expect(namesOf(profiled.events)).toEqual(['outer', 'inner', 'mul', 'block', 'add', 'inner', 'mul']);
  const [outer, inner, , block] = profiled.events as [ProfilerEvent, ProfilerEvent, ProfilerEvent, ProfilerEvent];
  expect(namesOf(outer.children)).toEqual(['inner', 'block']);
  expect(namesOf(inner.children)).toEqual(['mul']);
  expect(namesOf(block.children)).toEqual(['add', 'inner']);
});

test('a range that is left by an error ends there, and so does a profile', () => {
  const profiler = profile();
  expect(() =>
    recordFunction('bad', () => {
      throw new RangeError('mine');
    }),
  ).toThrow('mine');
  recordFunction('good', () => null);
  profiler.stop();
  expect(profiler.events.map((each) => [each.name, each.parent])).toEqual([
    ['bad', null],
    ['good', null],
  ]);
  expect(() =>
    profile(() => {
      throw new RangeError('mine');
    }),
  ).toThrow('mine');
  expect(mode.observer).toBeNull();
});

test('using: a profile records to the end of its block, and over awaits', async () => {
  let kept: ReturnType<typeof profile> | null = null;
  {
    using profiler = profile();
    kept = profiler;
    ones([2]).exp();
    await recordFunction('later', async () => {
      await Promise.resolve();
      ones([2]).log();
    });
  }
  ones([2]).sin();
  expect(kept.events.map((each) => [each.name, each.parent?.name ?? null])).toEqual([
    ['exp', null],
    ['later', null],
    ['log', 'later'],
  ]);
  refused(() => profile(async () => 1), 'ArgumentError', /using profiler/);
});

test('profiles nest: both see what runs in the inner one', () => {
  const outer = profile();
  const inner = profile(() => ones([2]).exp());
  ones([2]).sin();
  outer.stop();
  expect(namesOf(inner.events)).toEqual(['exp']);
  expect(namesOf(outer.events)).toEqual(['exp', 'sin']);
  const first = profile();
  const second = profile();
  first.stop();
  expect(mode.observer).toBeNull();
  ones([2]).exp();
  expect(second.events).toEqual([]);
});

test('forward and backward passes are told apart, in-place writes and optimizer steps are seen', () => {
  const x = ones([4], { requiresGrad: true });
  const optimizer = new optim.SGD([x], { lr: 0.5 });
  const profiled = profile(() => {
    x.exp().sum().backward();
    optimizer.step();
    ones([2]).add_(1);
  });
  const rows = profiled.keyAverages();
  expect(rows.find((row) => row.name === 'exp')?.inBackward).toBe(false);
  expect(rows.find((row) => row.name === 'ExpBackward')?.inBackward).toBe(true);
  expect(rows.find((row) => row.name === 'expand')?.inBackward).toBe(true);
  expect(rows.filter((row) => row.kind === 'write').map((row) => row.name)).toContain('add_');
  expect(rows.filter((row) => row.kind === 'write').length).toBeGreaterThanOrEqual(2);
});

test('in-place writes are events of their own, by every way that they take', () => {
  const x = ones([3, 3]);
  const profiled = profile(() => {
    x.zero_();
    x.fill_(2);
    x.copy_(ones([3]));
    x.relu_();
    x.t().add_(1);
    x.indexAdd_(0, tensor([0n]), ones([1, 3]));
    x.indexFill_(0, tensor([2n]), 2);
  });
  const writes = profiled.events.filter((each) => each.kind === 'write' && each.parent === null).map((each) => each.name);
  expect(writes).toEqual(['zero_', 'fill_', 'copy_', 'relu_', 'add_', 'indexAdd_', 'indexFill_']);
  expect(x.toArray()).toEqual([
    [3, 3, 3],
    [2, 2, 2],
    [2, 2, 2],
  ]);
});

test('bytes: each operator reports what it allocated, and the profile the most that was in use', () => {
  const x = ones([1000]);
  const profiled = profile(() => {
    const y = x.exp();
    return [y, y.add(1), ones([10]), y.view([10, 100])];
  });
  const bytes = Object.fromEntries(profiled.events.map((each) => [each.name, each.bytes]));
  expect(bytes).toEqual({ exp: 4000, add: 4000, view: 0 });
  expect(profiled.allocatedBytes).toBe(8040);
  expect(profiled.peakBytes).toBeGreaterThanOrEqual(8040);
  expect(profiled.peakBytes).toBeLessThan(10_000);
  const without = profile(() => x.exp(), { profileMemory: false });
  expect([without.allocatedBytes, without.events[0]?.bytes]).toEqual([0, 0]);
  expect(without.table()).not.toMatch(/bytes/);
});

test('custom functions are events, with what they run inside', () => {
  class Twice extends autograd.Function {
    static forward(_context: autograd.FunctionContext, x: Tensor): Tensor {
      return x.mul(2) as Tensor;
    }
    static backward(_context: autograd.FunctionContext, g: Tensor): Tensor {
      return g.mul(2) as Tensor;
    }
  }
  const profiled = profile(() =>
    Twice.apply(ones([2], { requiresGrad: true }))
      .sum()
      .backward(),
  );
  expect(namesOf(profiled.events).slice(0, 2)).toEqual(['Twice', 'mul']);
  expect(profiled.events[1]?.parent).toBe(profiled.events[0]);
  expect(namesOf(profiled.events)).toContain('TwiceBackward');
});

test('operators inside transforms are recorded as they run', () => {
  const profiled = profile(() => vmap((x) => x.exp())(ones([3, 2])));
  expect(namesOf(profiled.events)).toEqual(['exp', 'exp']);
  expect(profiled.events[1]?.parent).toBe(profiled.events[0]);
});

test('options are checked', () => {
  refused(() => profile({ withShapes: true } as never), 'ArgumentError', /unknown option 'withShapes': it takes recordShapes/);
  refused(() => profile(() => 1).table({ sortBy: 'cpu' as never }), 'ArgumentError', /sortBy is 'cpu'/);
  refused(() => recordFunction(3 as never), 'ArgumentError', /name must be a string/);
  expect(recordFunction('alone', () => 5)).toBe(5);
});

interface Entry {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly id?: number;
  readonly args?: Record<string, unknown>;
}

test('the trace is in the Trace Event Format: spans nest in each thread, arrows have two ends, counters count', async () => {
  const x = randn([8, 8], { requiresGrad: true });
  const profiled = profile(() => recordFunction('step', () => x.matmul(x).sum().backward()), { recordShapes: true });
  const folder = mkdtempSync(join(tmpdir(), 'nabla-trace-'));
  const path = join(folder, 'trace.json');
  await profiled.exportChromeTrace(path);
  const text = readFileSync(path, 'utf8');
  rmSync(folder, { recursive: true });
  expect(text).toBe(profiled.chromeTrace());
  const { traceEvents } = JSON.parse(text) as { traceEvents: Entry[] };
  const spans = traceEvents.filter((entry) => entry.ph === 'X');
  expect(spans).toHaveLength(profiled.events.length);
  const open: Entry[] = [];
  for (const span of spans) {
    for (const key of ['ts', 'dur', 'pid', 'tid'] as const) expect(Number.isFinite(span[key]), `${span.name}.${key}`).toBe(true);
    expect(span.dur).toBeGreaterThanOrEqual(0);
    while (open.length > 0 && (open.at(-1) as Entry).ts + (open.at(-1) as Entry).dur < span.ts + span.dur) open.pop();
    const around = open.at(-1);
    if (around !== undefined) expect(span.ts).toBeGreaterThanOrEqual(around.ts);
    open.push(span);
  }
  expect(spans[0]?.name).toBe('step');
  const sum = profiled.events.find((each) => each.name === 'sum');
  const arrows = traceEvents.filter((entry) => entry.id === sum?.sequenceNumber);
  expect(arrows.map((entry) => entry.ph)).toEqual(['s', 'f']);
  expect(arrows[0]?.ts).toBe(sum?.start);
  expect(arrows[1]?.ts).toBe(profiled.events.find((each) => each.name === 'SumBackward')?.start);
  const counters = traceEvents.filter((entry) => entry.ph === 'C');
  expect(counters.length).toBe(profiled.events.length);
  expect(counters.every((entry) => typeof entry.args?.['bytes'] === 'number')).toBe(true);
  expect(traceEvents.filter((entry) => entry.ph === 'M').map((entry) => entry.name)).toEqual(['process_name', 'thread_name']);
});
