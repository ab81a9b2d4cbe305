/** Runs vectors against a library and counts. */
import { type Count, type Counts, emptyCounts, TRAINING_PARTS, tally, tallyCase } from './counts.ts';
import type { Library } from './library.ts';
import { runModuleCase } from './modules.ts';
import { findTarget, isComplexCase, runBadInput, runCase, type Verdict } from './operator-cases.ts';
import type { Failure } from './report.ts';
import { camelPath } from './signature.ts';
import { runCurve, runInit, runOptimizer, runRandom, runScheduler } from './training.ts';
import type { IndexEntry, OperatorCase, TrainingFile, VectorSet } from './vectors.ts';

export interface Run {
  readonly counts: Counts;
  readonly failures: Failure[];
}

/** Decides which names to run. */
export type Selection = (name: string) => boolean;

/** Lets finalizers run and the collector breathe. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function briefly(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? String(value);
  if (Array.isArray(value)) return `[${value.map(briefly).join(', ')}]`;
  if ('t' in value && 's' in value) return `${String(value.t)}[${(value.s as number[]).join(',')}]${'st' in value ? '~' : ''}`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${key}: ${briefly(item)}`)
    .join(', ')}}`;
}

function describe({ args, kwargs }: Pick<OperatorCase, 'args' | 'kwargs'>): string {
  const named = Object.entries(kwargs).map(([key, value]) => `${key}=${briefly(value)}`);
  const text = [...args.map(briefly), ...named].join(', ');
  return `(${text.length > 160 ? `${text.slice(0, 160)}…` : text})`;
}

/**
 * Names that a pattern selects: those that it matches as a whole (of the file or the operator), else those whose last part it matches, else
 * those that contain it.
 */
export function selectOperators(index: Readonly<Record<string, IndexEntry>>, pattern: string | null): string[] {
  const names = Object.keys(index);
  if (pattern === null) return names;
  const whole = new RegExp(`^(?:${pattern})$`);
  const part = new RegExp(pattern);
  const last = (path: string): string => path.slice(path.lastIndexOf('.') + 1);
  const opOf = (name: string): string => index[name]!.op;
  const rules: ((name: string) => boolean)[] = [
    (name) => [name, opOf(name), camelPath(opOf(name))].some((text) => whole.test(text)),
    (name) => [last(opOf(name)), camelPath(last(opOf(name)))].some((text) => whole.test(text)),
    (name) => part.test(name) || part.test(opOf(name)),
  ];
  for (const rule of rules) {
    const selected = names.filter(rule);
    if (selected.length > 0) return selected;
  }
  return [];
}

export class Runner {
  readonly library: Library;
  readonly vectors: VectorSet;
  readonly run: Run = { counts: { operators: {}, modules: {}, training: {} }, failures: [] };

  constructor(library: Library, vectors: VectorSet) {
    this.library = library;
    this.vectors = vectors;
  }

  private note(name: string, part: string, detail: string, verdict: Verdict | undefined): void {
    if (typeof verdict === 'string') this.run.failures.push({ name, part, detail, reason: verdict });
  }

  private runOperator(name: string): void {
    const file = this.vectors.operator(name);
    const counts = emptyCounts();
    const target = findTarget(this.library, name, file);
    for (const [number, sample] of file.cases.entries()) {
      const result = runCase(this.library, target, sample);
      const complex = isComplexCase(sample);
      tallyCase(counts, result, complex);
      const detail = `case ${number} ${describe(sample)}`;
      for (const [part, verdict] of Object.entries(result)) this.note(name, complex ? `complex ${part}` : part, detail, verdict as Verdict);
    }
    for (const [number, bad] of file.errors.entries()) {
      const verdict = runBadInput(this.library, target, bad);
      tally(counts.errors, verdict);
      this.note(name, 'errors', `bad input ${number} ${describe(bad)}`, verdict);
    }
    this.run.counts.operators[name] = counts;
  }

  async operators(names: readonly string[], progress: (name: string) => void = () => {}): Promise<void> {
    for (const name of names) {
      progress(name);
      this.runOperator(name);
      await breathe();
    }
  }

  async modules(selected: Selection): Promise<void> {
    for (const [number, sample] of this.vectors.modules().entries()) {
      if (!selected(sample.module)) continue;
      const verdict = runModuleCase(this.library, sample);
      this.run.counts.modules[sample.module] ??= [0, 0];
      tally(this.run.counts.modules[sample.module]!, verdict);
      const kwargs = { ...sample.kwargs, training: sample.training };
      this.note(`nn.${sample.module}`, 'module', `case ${number} ${describe({ args: sample.args, kwargs })}`, verdict);
      if (number % 50 === 0) await breathe();
    }
  }

  private part<T>(
    part: keyof TrainingFile,
    cases: readonly T[],
    run: (library: Library, sample: T) => Verdict,
    label: (sample: T) => string,
  ): void {
    const count: Count = [0, 0];
    for (const sample of cases) {
      const verdict = run(this.library, sample);
      tally(count, verdict);
      this.note(`training.${part}`, 'training', label(sample), verdict);
    }
    this.run.counts.training[part] = count;
  }

  training(selected: Selection): void {
    const wanted = TRAINING_PARTS.filter(selected);
    if (wanted.length === 0) return;
    const file = this.vectors.training();
    for (const part of wanted) {
      if (part === 'random') this.part(part, file.random, runRandom, ({ call, seed, args }) => `${call}(${briefly(args)}) seed ${seed}`);
      if (part === 'init') this.part(part, file.init, runInit, ({ module, seed }) => `${module} seed ${seed}`);
      if (part === 'optimizers')
        this.part(part, file.optimizers, runOptimizer, ({ optimizer, kwargs }) => `${optimizer} ${briefly(kwargs)}`);
      if (part === 'schedulers')
        this.part(part, file.schedulers, runScheduler, ({ scheduler, kwargs }) => `${scheduler} ${briefly(kwargs)}`);
      if (part === 'curves') this.part(part, file.curves, runCurve, ({ name, optimizer }) => `${name} ${optimizer}`);
    }
  }

  /** Every operator, module and training vector. */
  async everything(): Promise<void> {
    await this.operators(selectOperators(this.vectors.index(), null));
    await this.modules(() => true);
    this.training(() => true);
  }
}
