import { effect, recording } from '../runtime/recorder.ts';
import { elementsOf } from '../tensor/data.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { isTensor } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';
import { type AnyOptimizer, forGroups, LRScheduler } from './scheduler.ts';

/** Schedules that depend on others, or on how the training goes. */

/** Options of `ReduceLROnPlateau`. */
export interface PlateauOptions {
  /** Whether the metric is to fall or to rise. Default 'min'. */
  readonly mode?: 'min' | 'max';
  /** What the rate is multiplied by: below 1. Default 0.1. */
  readonly factor?: number;
  /** How many steps without improvement are put up with. Default 10. */
  readonly patience?: number;
  /** What counts as an improvement. Default 1e-4. */
  readonly threshold?: number;
  /** Whether that is a share of the best metric or a difference. Default 'rel'. */
  readonly thresholdMode?: 'rel' | 'abs';
  /** Steps after a reduction that are not counted. Default 0. */
  readonly cooldown?: number;
  /** The least rate, for all groups or for each. Default 0. */
  readonly minLr?: number | readonly number[];
  /** A smaller change is not made. Default 1e-8. */
  readonly eps?: number;
}

/**
 * Lowers the rate when a metric stops getting better. Throws ArgumentError for a factor that is not below 1, or an unknown mode.
 *
 * @example
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.ReduceLROnPlateau(optimizer, { factor: 0.5, patience: 0 });
 * scheduler.step(3);
 * scheduler.step(3);
 * scheduler.getLastLr(); // [0.5]
 */
export class ReduceLROnPlateau extends LRScheduler {
  static readonly signature: string = 'optimizer, *, mode, factor, patience, threshold, threshold_mode, cooldown, min_lr, eps';
  readonly #options: Required<Omit<PlateauOptions, 'minLr'>>;
  readonly #least: readonly number[];
  /** The best metric so far. */
  best: number;
  badEpochs = 0;
  cooldownLeft = 0;

  constructor(optimizer: AnyOptimizer, options: PlateauOptions = {}) {
    super(optimizer);
    const { minLr = 0, ...given } = options;
    const all = {
      mode: 'min',
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      thresholdMode: 'rel',
      cooldown: 0,
      eps: 1e-8,
      ...given,
    } as const;
    if (!(all.factor < 1)) throw new ArgumentError(`ReduceLROnPlateau: factor must be below 1, got ${all.factor}`);
    if (all.mode !== 'min' && all.mode !== 'max')
      throw new ArgumentError(`ReduceLROnPlateau: mode must be 'min' or 'max', got '${String(all.mode)}'`);
    if (all.thresholdMode !== 'rel' && all.thresholdMode !== 'abs')
      throw new ArgumentError(`ReduceLROnPlateau: thresholdMode must be 'rel' or 'abs', got '${String(all.thresholdMode)}'`);
    this.#options = all;
    this.#least = forGroups('ReduceLROnPlateau', 'minLr', optimizer, minLr);
    this.best = all.mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    this.lastEpoch = 0;
  }

  /** Takes note of a metric: a number or a tensor of one element. */
  override step(metric?: number | Tensor): void {
    const value = isTensor(metric) ? Number(elementsOf(metric)[0]) : metric;
    if (typeof value !== 'number') throw new ArgumentError('ReduceLROnPlateau: step needs the metric, a number');
    recording.by?.refuse('ReduceLROnPlateau.step() decides on the value of its metric');
    this.lastEpoch++;
    const better = this.#isBetter(value);
    if (better) this.best = value;
    this.badEpochs = better ? 0 : this.badEpochs + 1;
    if (this.cooldownLeft > 0) {
      this.cooldownLeft--;
      this.badEpochs = 0;
    }
    if (this.badEpochs <= this.#options.patience) return;
    this.optimizer.paramGroups.forEach((group, i) => {
      group.lr = this.rate(group.lr, group.lr, i);
    });
    this.cooldownLeft = this.#options.cooldown;
    this.badEpochs = 0;
  }

  protected override rate(current: number, _: number, index: number): number {
    const next = Math.max(current * this.#options.factor, this.#least[index] ?? 0);
    return current - next > this.#options.eps ? next : current;
  }

  #isBetter(value: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options;
    if (mode === 'min') return value < (thresholdMode === 'rel' ? this.best * (1 - threshold) : this.best - threshold);
    return value > (thresholdMode === 'rel' ? this.best * (1 + threshold) : this.best + threshold);
  }
}

function requireSchedules(name: string, schedulers: readonly LRScheduler[], optimizer: AnyOptimizer | undefined): void {
  if (schedulers.length === 0) throw new ArgumentError(`${name}: needs at least one schedule`);
  for (const scheduler of schedulers) {
    if (scheduler instanceof ReduceLROnPlateau)
      throw new ArgumentError(`${name}: ReduceLROnPlateau needs a metric and cannot be part of it`);
    if (scheduler.optimizer !== optimizer) throw new ArgumentError(`${name}: all schedules must be of one optimizer`);
  }
}

/** A schedule made of others of one optimizer, which do all the changing. */
abstract class ComposedScheduler extends LRScheduler {
  readonly #schedulers: readonly LRScheduler[];

  constructor(optimizer: AnyOptimizer, schedulers: readonly LRScheduler[]) {
    super(optimizer);
    requireSchedules(new.target.name, schedulers, optimizer);
    this.#schedulers = schedulers;
    this.lastEpoch = 0;
  }

  /** What it is made of: no property of its own, since those are its state. */
  protected get schedulers(): readonly LRScheduler[] {
    return this.#schedulers;
  }

  protected override rate(current: number): number {
    return current;
  }

  override stateDict(): Readonly<Record<string, unknown>> {
    return { ...super.stateDict(), schedulers: this.#schedulers.map((scheduler) => scheduler.stateDict()) };
  }

  override loadStateDict(state: Readonly<Record<string, unknown>>): void {
    const { schedulers, ...own } = state;
    super.loadStateDict(own);
    (schedulers as Readonly<Record<string, unknown>>[]).forEach((each, i) => {
      this.#schedulers[i]?.loadStateDict(each);
    });
  }
}

/** Options of `SequentialLR`. */
export interface SequentialLROptions {
  readonly schedulers: readonly LRScheduler[];
  /** The steps at which the next schedule starts: one less than there are schedules. */
  readonly milestones: readonly number[];
}

/**
 * Schedules one after the other, each from its own beginning. Throws ArgumentError where the milestones are not one less than the schedules, or a schedule
 * is of another optimizer.
 *
 * @example
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const warmUp = new optim.lrScheduler.ConstantLR(optimizer, { factor: 0.5, totalIters: 2 });
 * const decay = new optim.lrScheduler.ExponentialLR(optimizer, { gamma: 0.5 });
 * const scheduler = new optim.lrScheduler.SequentialLR(optimizer, { schedulers: [warmUp, decay], milestones: [1] });
 * scheduler.getLastLr(); // [0.5]
 */
export class SequentialLR extends ComposedScheduler {
  static readonly signature: string = 'optimizer, *, schedulers, milestones';
  readonly #milestones: readonly number[];

  constructor(optimizer: AnyOptimizer, options: SequentialLROptions) {
    super(optimizer, options.schedulers);
    if (options.milestones.length !== options.schedulers.length - 1)
      throw new ArgumentError(
        `SequentialLR: ${options.schedulers.length} schedules need ${options.schedulers.length - 1} milestones, got ${options.milestones.length}`,
      );
    this.#milestones = options.milestones;
    // Making them took their first steps, of all of them: only the first one's counts.
    this.schedulers[0]?.restart();
  }

  override step(): void {
    effect(() => this.#next());
  }

  #next(): void {
    this.lastEpoch++;
    const at = this.#milestones.filter((milestone) => milestone <= this.lastEpoch).length;
    const scheduler = this.schedulers[at] as LRScheduler;
    if (at > 0 && this.#milestones[at - 1] === this.lastEpoch) scheduler.restart();
    else scheduler.step();
  }
}

/**
 * Schedules at the same time: each one's change is made in each step. Throws ArgumentError where they are not of one optimizer.
 *
 * @example
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const slow = new optim.lrScheduler.ExponentialLR(optimizer, { gamma: 0.5 });
 * const scheduler = new optim.lrScheduler.ChainedScheduler([slow]);
 * scheduler.step();
 * scheduler.getLastLr(); // [0.5]
 */
export class ChainedScheduler extends ComposedScheduler {
  static readonly signature: string = 'schedulers';

  constructor(schedulers: readonly LRScheduler[]) {
    super(schedulers[0]?.optimizer as AnyOptimizer, schedulers);
  }

  override step(): void {
    effect(() => {
      this.lastEpoch++;
      for (const scheduler of this.schedulers) scheduler.step();
    });
  }
}
