import { ArgumentError, DeviceError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { averagesOf, type EventAverage, type ProfilerEvent, type SortKey, sorted } from './profiler-events.ts';
import { openRange, Recorder } from './profiler-recorder.ts';
import { formatBytes, formatTime, tableOf } from './profiler-table.ts';
import { traceOf } from './profiler-trace.ts';

/** What a profile writes down besides calls and times. */
export interface ProfileOptions {
  /** The shapes of the tensor inputs of each call. Default: false. */
  readonly recordShapes?: boolean;
  /** The bytes that each call allocated, and the most that was in use. Default: true. */
  readonly profileMemory?: boolean;
}

/** How `table` looks. */
export interface TableOptions {
  /** What the rows are ordered by: the largest come first, names in alphabetical order. Default: 'self', the time without inner calls. */
  readonly sortBy?: SortKey;
  /** How many rows at most. Default: 100. */
  readonly rowLimit?: number;
  /** One row for each combination of input shapes; the profile must have been made with `recordShapes`. */
  readonly groupByInputShape?: boolean;
}

const PROFILE_OPTIONS: ReadonlySet<string> = new Set(['recordShapes', 'profileMemory']);
const TABLE_OPTIONS: ReadonlySet<string> = new Set(['sortBy', 'rowLimit', 'groupByInputShape']);
const AVERAGE_OPTIONS: ReadonlySet<string> = new Set(['groupByInputShape']);
const SORT_KEYS: ReadonlySet<string> = new Set(['self', 'total', 'average', 'count', 'bytes', 'selfBytes', 'peakBytes', 'name']);

/**
 * What `profile` recorded. Times are in microseconds, sizes in bytes. `R`: what the profiled function returned.
 *
 * @example
 * const profiled = profile(() => ones([2, 2]).sin().sum());
 * profiled instanceof Profile; // true
 */
export class Profile<R = undefined> implements Disposable {
  /** What the profiled function returned. */
  readonly result: R;
  readonly #recorder: Recorder;
  readonly #shapes: boolean;
  readonly #memory: boolean;

  /** @internal Made by `profile`. */
  constructor(recorder: Recorder, options: ProfileOptions, result: R) {
    this.#recorder = recorder;
    this.#shapes = options.recordShapes === true;
    this.#memory = options.profileMemory !== false;
    this.result = result;
  }

  /** Every call, in the order in which they began; `children` leads to what ran inside one. */
  get events(): readonly ProfilerEvent[] {
    return this.#recorder.events;
  }

  /** How long the profile ran. */
  get duration(): number {
    return this.#recorder.elapsed;
  }

  /** The most that was in use at once, more than at the start: tensors that nothing reaches count until the collector finds them. */
  get peakBytes(): number {
    return this.#recorder.peakBytes;
  }

  /** Everything that was allocated, in operators or elsewhere (`ones`, `tensor`). */
  get allocatedBytes(): number {
    return this.#recorder.allocatedBytes;
  }

  /** Ends the recording, of profiles inside it too. */
  stop(): void {
    this.#recorder.stop();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /** The calls of each operator together, apart for forward and backward passes; the largest self time first. */
  keyAverages(options: Pick<TableOptions, 'groupByInputShape'> = {}): EventAverage[] {
    checkOptions('keyAverages', options, AVERAGE_OPTIONS);
    return this.#averages('keyAverages', options.groupByInputShape === true);
  }

  /** `keyAverages` as text. */
  table(options: TableOptions = {}): string {
    checkOptions('table', options, TABLE_OPTIONS);
    const { sortBy = 'self', rowLimit = 100, groupByInputShape = false } = options;
    if (!SORT_KEYS.has(sortBy)) throw new ArgumentError(`table: sortBy is '${sortBy}': it takes ${[...SORT_KEYS].join(', ')}`);
    const averages = sorted(this.#averages('table', groupByInputShape), sortBy);
    const selfTotal = averages.reduce((sum, average) => sum + average.self, 0);
    const rows = averages.slice(0, rowLimit);
    const footer = [`time in operators: ${formatTime(selfTotal)} of ${formatTime(this.duration)}`];
    if (this.#memory) footer.push(`allocated: ${formatBytes(this.allocatedBytes)}, most in use at once: ${formatBytes(this.peakBytes)}`);
    if (rows.length < averages.length) footer.push(`${averages.length - rows.length} more rows: pass a larger rowLimit`);
    return tableOf(rows, selfTotal, { memory: this.#memory, shapes: groupByInputShape }, footer);
  }

  /**
   * The profile as JSON text in the Trace Event Format: open it in https://ui.perfetto.dev or chrome://tracing. Spans nest as the calls did,
   * arrows lead from each call to its node of the backward pass, and a counter shows the bytes in use.
   */
  chromeTrace(): string {
    const { events, samples } = this.#recorder;
    return JSON.stringify({ displayTimeUnit: 'ms', traceEvents: traceOf(events, samples, this.#memory) });
  }

  /** Writes `chromeTrace()` to a file. Throws DeviceError where there is no file system. */
  async exportChromeTrace(path: string | URL): Promise<void> {
    const text = this.chromeTrace();
    await (await fileSystem()).writeFile(path, text);
  }

  toString(): string {
    return this.table();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.table();
  }

  #averages(name: string, byShape: boolean): EventAverage[] {
    if (byShape && !this.#shapes) {
      throw new ArgumentError(`${name}: groupByInputShape needs the shapes: make the profile with { recordShapes: true }`);
    }
    return averagesOf(this.events, byShape);
  }
}

/** A variable names the module, so that bundlers for browsers do not look for it. */
async function fileSystem(): Promise<typeof import('node:fs/promises')> {
  const specifier = 'node:fs/promises';
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ specifier)) as typeof import('node:fs/promises');
  } catch (error) {
    throw new DeviceError(`exportChromeTrace: this platform has no file system (${(error as Error).message}); save chromeTrace() yourself`);
  }
}

/**
 * Records which operators run in `body`, how often, how long and with how much memory, in forward and backward passes. Without a body: records
 * until the result is disposed of (`using profiler = profile();`) or `stop()` is called, also across `await`.
 *
 * Recording costs a microsecond or two for each call, which small operators feel; code that is not profiled pays nothing for it.
 * Throws ArgumentError for an asynchronous body, and what the body throws.
 *
 * @example
 * const x = ones([100, 100], { requiresGrad: true });
 * const profiled = profile(() => x.matmul(x).tanh().sum().backward());
 * profiled.table(); // a row for each of matmul, tanh, sum and their backward nodes
 * profiled.keyAverages().find((row) => row.name === 'tanh')?.count; // 1
 */
export function profile<R>(body: () => R, options?: ProfileOptions): Profile<R>;
export function profile(options?: ProfileOptions): Profile;
export function profile<R>(bodyOrOptions?: (() => R) | ProfileOptions, given: ProfileOptions = {}): Profile<R | undefined> {
  const body = typeof bodyOrOptions === 'function' ? bodyOrOptions : null;
  const options = body === null ? ((bodyOrOptions as ProfileOptions | undefined) ?? {}) : given;
  checkOptions('profile', options, PROFILE_OPTIONS);
  const recorder = new Recorder(options.recordShapes === true, options.profileMemory !== false);
  if (body === null) return new Profile(recorder, options, undefined);
  try {
    const result = body();
    if (result instanceof Promise) {
      throw new ArgumentError(
        'profile: the function must be synchronous, since the recording ends when it returns: write `using profiler = profile();` around the awaits',
      );
    }
    return new Profile(recorder, options, result);
  } finally {
    recorder.stop();
  }
}

/** A range that is open until it is disposed of. */
class Range implements Disposable {
  readonly #close: () => void;
  constructor(close: () => void) {
    this.#close = close;
  }
  [Symbol.dispose](): void {
    this.#close();
  }
}

/**
 * Names what `body` does: it becomes a range in the profiles that run now, around the operators inside. Without a body: a range that lasts until
 * it is disposed of (`using _ = recordFunction('load');`). Does nothing but run `body` when no profile runs.
 *
 * @example
 * const profiled = profile(() => recordFunction('layer 1', () => ones([2]).exp()));
 * profiled.events.map((event) => event.name); // ['layer 1', 'exp']
 */
export function recordFunction<R>(name: string, body: () => R): R;
export function recordFunction(name: string): Disposable;
export function recordFunction<R>(name: string, body?: () => R): R | Disposable {
  if (typeof name !== 'string') throw new ArgumentError(`recordFunction: name must be a string, got ${typeof name}`);
  const close = openRange(name);
  if (body === undefined) return new Range(close);
  let result: R;
  try {
    result = body();
  } catch (error) {
    close();
    throw error;
  }
  if (result instanceof Promise) return result.finally(close) as R;
  close();
  return result;
}
