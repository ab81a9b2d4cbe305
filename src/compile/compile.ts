import { recording as recorder } from '../runtime/recorder.ts';
import { creation } from '../runtime/storage.ts';
import { giveAway } from '../tensor/accumulate.ts';
import { describeValue } from '../tensor/messages.ts';
import { mode } from '../tensor/modes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import { warnOnce } from '../util/warn.ts';
import { type Form, formOf, sameForm, signatureOf } from './arguments.ts';
import { differenceOf } from './compare.ts';
import { Explanation, type SignatureReport } from './explanation.ts';
import { Arena } from './program.ts';
import { Recording } from './recording.ts';
import { Refusal, type Trace, Variant } from './variant.ts';

/** How many runs may be unlike all before them until a function counts as one that cannot be replayed. */
const MOST_TRACES = 5;
const OPTIONS: ReadonlySet<string> = new Set(['reuseResults', 'verifyEvery']);
/** How many programs there are for calls with the same arguments. */
const MOST_VARIANTS = 8;
/** How many kinds of arguments are compiled. */
const MOST_SIGNATURES = 32;

/** Options of `compile`. */
export interface CompileOptions {
  /** Results lie where those of the replay before did, as gradients do: then a replay takes no memory at all, and `clone()` keeps a result. */
  readonly reuseResults?: boolean;
  /** Every so many replays a call runs as it is and is compared with the recording; where they differ, a warning says how, and the function is recorded again. */
  readonly verifyEvery?: number;
}

/** A function that runs as `fn` does. */
export interface Compiled<Args extends unknown[], Result> {
  (...args: Args): Result;
  /** What became of the calls so far: print it. */
  explain(): Explanation;
}

/** Calls with arguments of one form. */
class Signature {
  readonly key: string;
  variants: Variant[] = [];
  /** The calls that were recorded, until one comes that is like one of them. */
  traces: Trace[] = [];
  /** Why calls run as they are; null: they do not have to. */
  reason: string | null = null;
  eager = 0;

  constructor(key: string) {
    this.key = key;
  }
}

class Compiler<Args extends unknown[], Result> {
  readonly #fn: (...args: Args) => Result;
  readonly #signatures = new Map<string, Signature>();
  readonly #arena = new Arena();
  /** All variants, the one that was used last first. */
  #variants: Variant[] = [];
  /** Calls that ran as they are because of what was going on around them. */
  readonly #passed = new Map<string, number>();

  readonly #reuse: boolean;
  readonly #verifyEvery: number;

  constructor(fn: (...args: Args) => Result, options: CompileOptions) {
    this.#fn = fn;
    this.#reuse = options.reuseResults ?? false;
    this.#verifyEvery = options.verifyEvery ?? Number.POSITIVE_INFINITY;
    if (!(this.#verifyEvery >= 1)) throw new ArgumentError(`compile: verifyEvery must be at least 1, got ${options.verifyEvery}`);
  }

  call(args: Args): Result {
    const why = whatGoesOn();
    if (why !== null) return this.#pass(args, why);
    const variants = this.#variants;
    for (let i = 0; i < variants.length; i++) {
      const variant = variants[i] as Variant;
      if (!variant.accepts(args)) continue;
      if (i > 0) {
        variants.splice(i, 1);
        variants.unshift(variant);
      }
      if (variant.sinceCheck >= this.#verifyEvery) break;
      return variant.run() as Result;
    }
    return this.#callRecorded(args);
  }

  #pass(args: Args, why: string): Result {
    this.#passed.set(why, (this.#passed.get(why) ?? 0) + 1);
    return this.#fn(...args);
  }

  #callRecorded(args: Args): Result {
    const leaves: Tensor[] = [];
    const form = formOf(args, leaves);
    if (mode.grad && leaves.some((leaf) => leaf.tracked && leaf.node !== null))
      return this.#pass(args, 'an argument is part of a graph that was recorded outside: detach() it');
    const signature = this.#signatureFor(form, leaves);
    if (signature.reason !== null) {
      signature.eager++;
      return this.#fn(...args);
    }
    const checked = signature.variants.find((variant) => variant.sinceCheck >= this.#verifyEvery && variant.accepts(args)) ?? null;
    const recording = new Recording();
    leaves.forEach((leaf, i) => void recording.take(leaf, i));
    leaves.forEach((leaf, i) => {
      if (leaf.meta?.grad) recording.take(leaf.meta.grad, leaves.length + i);
    });
    const known = [...signature.traces, ...signature.variants.flatMap(({ trace }) => trace ?? [])].flatMap((trace) => [
      ...trace.recording.leaves,
    ]);
    const gradients = new Map([...known, ...leaves].map((leaf) => [leaf, leaf.meta?.grad ?? null] as const));
    // The trace keeps them.
    for (const grad of gradients.values()) if (grad !== null) giveAway(grad);
    const result = recording.run(() => this.#fn(...args));
    signature.eager++;
    if (result instanceof Promise) recording.refuse('the function is asynchronous: what runs after its first await is not seen');
    const results: Tensor[] = [];
    const resultForm = formOf(result, results);
    const trace = { recording, form, args: leaves, resultForm, results, gradients };
    if (checked === null || !this.#isStill(checked, signature, trace)) this.#consider(signature, trace);
    return result;
  }

  /** Whether a call that ran as it is did what its program does. If not, the program is dropped. */
  #isStill(variant: Variant, signature: Signature, now: Trace): boolean {
    variant.sinceCheck = 0;
    const difference = now.recording.reason ?? differenceOfTraces(variant.trace as Trace, now);
    if (difference === null) return true;
    warnOnce(
      `compile ${this.#fn.name} ${difference}`,
      `compile: the function does something else by now: ${difference}. The last ${this.#verifyEvery} replays may have been wrong`,
    );
    signature.variants = signature.variants.filter((other) => other !== variant);
    this.#variants = this.#variants.filter((other) => other !== variant);
    return false;
  }

  #signatureFor(form: Form, leaves: readonly Tensor[]): Signature {
    const items = form.kind === 'list' ? form.items : [];
    const key = `${items.map((item) => signatureOf(item, leaves)).join(', ')}${mode.grad ? '' : '; noGrad'}`;
    let signature = this.#signatures.get(key);
    if (signature === undefined) {
      signature = new Signature(key);
      if (this.#signatures.size >= MOST_SIGNATURES)
        signature.reason = `there are ${MOST_SIGNATURES} kinds of arguments already: pass numbers that change as tensors`;
      if (this.#signatures.size < 2 * MOST_SIGNATURES) this.#signatures.set(key, signature);
    }
    return signature;
  }

  /** Compiles what two runs have said alike. */
  #consider(signature: Signature, now: Trace): void {
    if (now.recording.reason !== null) {
      this.#refuse(signature, now.recording.reason);
      return;
    }
    let difference = '';
    for (const before of signature.traces) {
      const found = differenceOfTraces(before, now);
      if (found === null) {
        this.#build(signature, before, now);
        return;
      }
      difference = found;
    }
    signature.traces.push(now);
    if (signature.traces.length >= MOST_TRACES) this.#refuse(signature, difference);
  }

  #build(signature: Signature, before: Trace, now: Trace): void {
    if (signature.variants.length >= MOST_VARIANTS) {
      this.#refuse(signature, `what the function reads besides its arguments was another ${MOST_VARIANTS} times`);
      return;
    }
    try {
      const variant = new Variant(before, now, this.#arena, this.#reuse, this.#verifyEvery < Number.POSITIVE_INFINITY);
      signature.variants.push(variant);
      this.#variants.unshift(variant);
      signature.traces = [];
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refuse(signature, error.message);
    }
  }

  #refuse(signature: Signature, reason: string): void {
    signature.reason = reason;
    signature.traces = [];
  }

  explain(): Explanation {
    const signatures = [...this.#signatures.values()].map(({ key, variants, reason, eager }): SignatureReport => {
      const programs = variants.map(({ recorded, launches, epilogues, bytes, unsharedBytes, runs }) => ({
        recorded,
        launches,
        epilogues,
        bytes,
        unsharedBytes,
        runs,
      }));
      return { arguments: key, programs, eagerRuns: eager, reason };
    });
    return new Explanation(this.#fn.name, signatures, this.#passed);
  }
}

/** Why a call must run as it is, whatever it is; null: it need not. */
function whatGoesOn(): string | null {
  if (recorder.by !== null) return 'another compiled function recorded it as a part of itself';
  if (mode.interpreters !== 0) return 'it was transformed (vmap, jvp, grad)';
  if (mode.observer !== null) return 'it was profiled or checkpointed';
  if (mode.tracing !== null) return 'detectAnomaly was on';
  if (mode.saving !== null || mode.beforeWrite !== null) return 'hooks on saved tensors were on';
  if (creation.version < 0) return 'inference mode was on';
  return null;
}

function differenceOfTraces(before: Trace, now: Trace): string | null {
  const found = differenceOf(before.recording, now.recording);
  if (found !== null) return found;
  if (!sameForm(before.resultForm, now.resultForm) || before.results.length !== now.results.length)
    return 'the function returned something else in the next run, besides tensors';
  for (const [i, result] of now.results.entries()) {
    const [a, b] = [before.recording.operandOf(before.results[i] as Tensor), now.recording.operandOf(result)];
    if (a.buffer.index !== b.buffer.index || a.buffer.made !== b.buffer.made) return `result ${i} was another tensor in the next run`;
  }
  return null;
}

/**
 * A function that does what `fn` does, faster: two calls are recorded, and if they did the same, further calls with arguments of the same
 * shapes, strides and dtypes replay them: launches are fused, share memory, and run without a tape. `fn` may be pure, or a whole training step that calls
 * `backward()` and `optimizer.step()`.
 *
 * What changes from call to call must be an argument, a tensor, or of the library itself: optimizers, schedules of learning rates and random draws go
 * on as they would. Other JavaScript does not run again: its numbers are those of the recorded calls. What cannot be replayed runs as it is, and
 * `explain()` says why: a function that reads values (`item()`), whose numbers change, or whose result can still be differentiated. Results
 * are new tensors (unless `reuseResults` is set); gradients of leaves lie where those of the call before did, so `clone()` what is to be kept.
 *
 * Throws what `fn` throws, and ArgumentError where it is no function.
 *
 * @example
 * const square = compile((x) => x.mul(x).add(1));
 * const results = [1, 2, 3].map((value) => square(tensor([value])));
 * results[2]; // tensor([10.])
 * square.explain().signatures[0].programs[0].launches; // 1
 */
export function compile<Args extends unknown[], Result>(
  fn: (...args: Args) => Result,
  options: CompileOptions = {},
): Compiled<Args, Result> {
  if (typeof fn !== 'function') throw new ArgumentError(`compile: expected a function, got ${describeValue(fn)}`);
  checkOptions('compile', options, OPTIONS);
  const compiler = new Compiler(fn, options);
  return Object.assign((...args: Args) => compiler.call(args), { explain: () => compiler.explain() });
}
