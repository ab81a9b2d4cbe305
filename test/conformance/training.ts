/**
 * Runs the training vectors: draws and initial weights from a seed, optimizer runs, learning-rate curves, whole trainings.
 *
 * How the recorded runs were made, which the files do not say:
 * - `optimizers`: loss = mse(tanh(x a + b), y) + 0.01 sum(a^4); parameters a and b, b in a second group with twice the rate where `twoGroups`.
 * - `schedulers`: SGD with momentum 0.9 over one parameter; the rate is read before each step (after it for a plateau's metric).
 * - `curves`: from one seed in this order: weights, data (randn), labels (randint), a randperm for each epoch; cross entropy.
 */
import { closeTo, compareDraws, compareTensor, type Tolerance, toleranceOf } from './compare.ts';
import type { Handle, Library } from './library.ts';
import { compareState, construct, type ModuleHandle } from './modules.ts';
import { reasonOf, type Verdict } from './operator-cases.ts';
import { bind, camelCase, camelPath } from './signature.ts';
import type { CurveCase, Encoded, EncodedTensor, InitCase, OptimizerCase, RandomCase, SchedulerCase } from './vectors.ts';

type Named = Readonly<Record<string, Encoded>>;

/** Draws whose last bits depend on the mathematical functions behind them. */
const TRANSFORMED = /normal|exponential|randn/;
const TRANSFORMED_UNITS = 2;
/** Comes out of a matrix decomposition, not out of a draw alone. */
const DECOMPOSED = /orthogonal/;
const OPTIMIZER_TOLERANCE: Tolerance = { relative: 1e-9, absolute: 1e-9 };
const SCHEDULE_TOLERANCE: Tolerance = { relative: 1e-12, absolute: 1e-12 };
const CURVE_TOLERANCE: Tolerance = { relative: 1e-3, absolute: 0 };
const STEPS = 12;

function optionsOf(library: Library, kwargs: Named): Record<string, unknown> {
  const noTensor = (): never => {
    throw new Error('a tensor among the options of a training vector');
  };
  return Object.fromEntries(Object.entries(kwargs).map(([name, value]) => [camelCase(name), library.decode(value, noTensor)]));
}

/** An object made by a constructor whose trailing argument is the options object. */
function make(library: Library, path: string, first: unknown, kwargs: Named): object {
  const Class = library.needClass(path);
  const { signature } = Class;
  if (typeof signature === 'string') return new Class(...bind(signature, [first], optionsOf(library, kwargs)));
  return new Class(first, optionsOf(library, kwargs));
}

function compareNumbers(actual: readonly number[], expected: readonly number[], tolerance: Tolerance, what: string): Verdict {
  if (actual.length !== expected.length) return `expected ${expected.length} values of ${what}, got ${actual.length}`;
  const wrong = expected.findIndex((value, index) => !closeTo(actual[index]!, value, tolerance));
  return wrong < 0 ? null : `${what} at step ${wrong}: expected ${expected[wrong]}, got ${actual[wrong]}`;
}

function draw(library: Library, { call, args, kwargs }: RandomCase): Handle {
  const values = args.map((arg) => library.decode(arg, (encoded) => library.make(encoded)));
  const options = optionsOf(library, kwargs);
  const trailing = Object.keys(options).length === 0 ? [] : [options];
  if (call === 'dropout') return library.need('nn.functional.dropout')(library.need('ones')(values[1]), values[0]) as Handle;
  if (call.startsWith('init.')) {
    const tensor = library.need('empty')(values[0]) as Handle;
    library.need(`nn.${camelPath(call)}`)(tensor, ...trailing);
    return tensor;
  }
  if (call.endsWith('_')) {
    const tensor = library.need('empty')(values.at(-1)) as Handle;
    library.method(camelCase(call))(tensor, ...values.slice(0, -1), ...trailing);
    return tensor;
  }
  const found = library.find(camelCase(call));
  if (call === 'randn' || call === 'rand') return library.need(call)(values, ...trailing) as Handle;
  return library.need(camelCase(call))(...bind(found?.signature ?? null, values, kwargs)) as Handle;
}

function compareDrawn(library: Library, call: string, actual: Handle, expected: EncodedTensor): Verdict {
  if (DECOMPOSED.test(call)) return compareTensor(library.snapshot(actual), expected, toleranceOf(expected.t));
  return compareDraws(library.snapshot(actual), expected, TRANSFORMED.test(call) ? TRANSFORMED_UNITS : 0);
}

function attempt(check: () => Verdict): Verdict {
  try {
    return check();
  } catch (error) {
    return reasonOf(error);
  }
}

/** Two draws in a row from a seed. */
export function runRandom(library: Library, sample: RandomCase): Verdict {
  return attempt(() => {
    library.need('manualSeed')(sample.seed);
    const first = compareDrawn(library, sample.call, draw(library, sample), sample.first);
    if (first !== null) return `first: ${first}`;
    const second = compareDrawn(library, sample.call, draw(library, sample), sample.second);
    return second === null ? null : `second: ${second}`;
  });
}

/** The initial weights of a module from a seed. */
export function runInit(library: Library, sample: InitCase): Verdict {
  return attempt(() => {
    library.need('manualSeed')(sample.seed);
    const module = construct(library, sample.module, sample.args, sample.kwargs, 'float32');
    const units = sample.module === 'Embedding' || sample.module === 'MultiheadAttention' ? TRANSFORMED_UNITS : 0;
    return compareState(module, sample.state, (actual, expected) => compareDraws(library.snapshot(actual), expected, units));
  });
}

interface OptimizerHandle {
  step(closure?: () => Handle): unknown;
  zeroGrad(): unknown;
  readonly paramGroups: readonly Readonly<Record<string, unknown>>[];
}

function item(library: Library, loss: unknown): number {
  return typeof loss === 'number' ? loss : Number(library.need('item')(loss));
}

/** Twelve steps of an optimizer on a small regression. */
export function runOptimizer(library: Library, sample: OptimizerCase): Verdict {
  return attempt(() => {
    const [a, b] = [library.make(sample.a, true), library.make(sample.b, true)];
    const [x, y] = [library.make(sample.x), library.make(sample.y)];
    const { lr } = sample.kwargs as { lr: number };
    const parameters = sample.twoGroups ? [{ params: [a] }, { params: [b], lr: 2 * lr }] : [a, b];
    const optimizer = make(library, `optim.${sample.optimizer}`, parameters, sample.kwargs) as OptimizerHandle;
    const need = (name: string) => library.need(name);
    const closure = (): Handle => {
      optimizer.zeroGrad();
      const predicted = need('tanh')(need('add')(need('matmul')(x, a), b));
      const penalty = need('mul')(need('sum')(need('pow')(a, 4)), 0.01);
      const loss = need('add')(need('nn.functional.mseLoss')(predicted, y), penalty) as Handle;
      library.method('backward')(loss);
      return loss;
    };
    const losses: number[] = [];
    for (let step = 0; step < STEPS; step++) {
      if (sample.optimizer === 'LBFGS') losses.push(item(library, optimizer.step(closure)));
      else {
        losses.push(item(library, closure()));
        optimizer.step();
      }
    }
    return (
      compareNumbers(losses, sample.losses, OPTIMIZER_TOLERANCE, 'loss') ??
      compareTensor(library.snapshot(a), sample.finalA, OPTIMIZER_TOLERANCE) ??
      compareTensor(library.snapshot(b), sample.finalB, OPTIMIZER_TOLERANCE)
    );
  });
}

/** A learning-rate curve, and that of the momentum where it is recorded. */
export function runScheduler(library: Library, sample: SchedulerCase): Verdict {
  return attempt(() => {
    const parameter = library.need('zeros')([1], { requiresGrad: true });
    const optimizer = make(library, 'optim.SGD', [parameter], { lr: sample.lr, momentum: 0.9 }) as OptimizerHandle;
    const path = library.has(`optim.lrScheduler.${sample.scheduler}`) ? 'optim.lrScheduler' : 'optim';
    const scheduler = make(library, `${path}.${sample.scheduler}`, optimizer, sample.kwargs) as { step(metric?: number): unknown };
    const rates: number[] = [];
    const momentums: number[] = [];
    const read = (): void => {
      rates.push(Number(optimizer.paramGroups[0]!.lr));
      momentums.push(Number(optimizer.paramGroups[0]!.momentum));
    };
    for (let step = 0; step < sample.lrs.length; step++) {
      if (sample.metrics === undefined) {
        read();
        optimizer.step();
        scheduler.step();
      } else {
        scheduler.step(sample.metrics[step]!);
        read();
      }
    }
    const wrong = compareNumbers(rates, sample.lrs, SCHEDULE_TOLERANCE, 'rate');
    return wrong ?? (sample.momentums === undefined ? null : compareNumbers(momentums, sample.momentums, SCHEDULE_TOLERANCE, 'momentum'));
  });
}

function buildLayers(library: Library, layers: CurveCase['layers']): ModuleHandle {
  const modules = layers.map(([name, ...rest]) => {
    const last = rest.at(-1);
    const kwargs = typeof last === 'object' && last !== null && !Array.isArray(last) ? (last as Named) : {};
    const args = rest.filter((value) => value !== kwargs);
    return construct(library, String(name), args, kwargs, 'float32');
  });
  const Sequential = library.needClass('nn.Sequential');
  return new Sequential(...modules) as ModuleHandle;
}

/** A whole training from a seed alone. */
export function runCurve(library: Library, sample: CurveCase): Verdict {
  return attempt(() => {
    const need = (name: string) => library.need(name);
    need('manualSeed')(sample.seed);
    const model = buildLayers(library, sample.layers);
    const count = sample.x[0]!;
    const data = need('randn')(sample.x);
    const labels = need('randint')(0, sample.classes, [count]);
    const parameters = [...model.namedParameters()].map(([, parameter]) => parameter);
    const optimizer = make(library, `optim.${sample.optimizer}`, parameters, sample.kwargs) as OptimizerHandle;
    const losses: number[] = [];
    for (let epoch = 0; epoch < sample.epochs; epoch++) {
      const order = need('randperm')(count);
      for (let start = 0; start < count; start += sample.batch) {
        const chosen = need('narrow')(order, 0, start, Math.min(sample.batch, count - start));
        const [batch, targets] = [need('indexSelect')(data, 0, chosen), need('indexSelect')(labels, 0, chosen)];
        optimizer.zeroGrad();
        const loss = need('nn.functional.crossEntropy')(model.forward(batch), targets);
        library.method('backward')(loss);
        optimizer.step();
        losses.push(item(library, loss));
      }
    }
    return compareNumbers(losses, sample.losses, CURVE_TOLERANCE, 'loss');
  });
}
