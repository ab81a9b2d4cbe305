import { ArgumentError } from '../util/errors.ts';
import { type AnyOptimizer, checkCount, forGroups, LRScheduler, setMomentum } from './scheduler.ts';

/** Schedules that go up and down, and move the momentum the other way. */

/** Options of `CyclicLR`. */
export interface CyclicLROptions {
  /** The lower end, for all groups or for each. */
  readonly baseLr: number | readonly number[];
  /** The upper end, for all groups or for each. */
  readonly maxLr: number | readonly number[];
  /** Default 2000. */
  readonly stepSizeUp?: number;
  /** Default `stepSizeUp`. */
  readonly stepSizeDown?: number | null;
  /** 'triangular' keeps the height, 'triangular2' halves it in each cycle, 'exp_range' multiplies it by `gamma` in each step. */
  readonly mode?: 'triangular' | 'triangular2' | 'exp_range';
  readonly gamma?: number;
  /** A factor of the height in place of the mode's. */
  readonly scaleFn?: ((x: number) => number) | null;
  /** Whether `scaleFn` gets the cycle, from 1, or the step. */
  readonly scaleMode?: 'cycle' | 'iterations';
  /** Move the momentum the other way. Default true. */
  readonly cycleMomentum?: boolean;
  /** Default 0.8. */
  readonly baseMomentum?: number | readonly number[];
  /** Default 0.9. */
  readonly maxMomentum?: number | readonly number[];
}

const SCALES: Readonly<Record<string, (x: number, gamma: number) => number>> = {
  triangular: () => 1,
  triangular2: (cycle) => 1 / 2 ** (cycle - 1),
  exp_range: (step, gamma) => gamma ** step,
};

/**
 * The rate goes straight up and down between two ends (Smith, "Cyclical Learning Rates for Training Neural Networks", 2017). Throws ArgumentError for an
 * unknown mode, or where the optimizer has no momentum to cycle.
 *
 * @example
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.CyclicLR(optimizer, { baseLr: 0, maxLr: 1, stepSizeUp: 2 });
 * scheduler.step();
 * scheduler.getLastLr(); // [0.5]
 */
export class CyclicLR extends LRScheduler {
  static readonly signature: string =
    'optimizer, *, base_lr, max_lr, step_size_up, step_size_down, mode, gamma, scale_fn, scale_mode, cycle_momentum, base_momentum, max_momentum';
  readonly #maxLrs: readonly number[];
  readonly #up: number;
  readonly #total: number;
  readonly #scale: (cycle: number) => number;
  readonly #momenta: readonly { readonly base: number; readonly max: number }[] | null;

  constructor(optimizer: AnyOptimizer, options: CyclicLROptions) {
    super(optimizer);
    const { mode = 'triangular', gamma = 1, scaleFn = null, scaleMode = 'cycle', baseMomentum = 0.8, maxMomentum = 0.9 } = options;
    const lows = forGroups('CyclicLR', 'baseLr', optimizer, options.baseLr);
    this.#maxLrs = forGroups('CyclicLR', 'maxLr', optimizer, options.maxLr);
    this.#up = options.stepSizeUp ?? 2000;
    this.#total = this.#up + (options.stepSizeDown ?? this.#up);
    const own = SCALES[mode];
    if (own === undefined && scaleFn === null) throw new ArgumentError(`CyclicLR: unknown mode '${mode}'`);
    const byStep = scaleFn === null ? mode === 'exp_range' : scaleMode === 'iterations';
    const scale = scaleFn ?? own ?? (() => 1);
    this.#scale = (cycle) => scale(byStep ? this.lastEpoch : cycle, gamma);
    const bases = forGroups('CyclicLR', 'baseMomentum', optimizer, baseMomentum);
    const tops = forGroups('CyclicLR', 'maxMomentum', optimizer, maxMomentum);
    this.#momenta = (options.cycleMomentum ?? true) ? bases.map((base, i) => ({ base, max: tops[i] as number })) : null;
    optimizer.paramGroups.forEach((group, i) => {
      group.lr = lows[i] as number;
      group['initialLr'] = group.lr;
    });
    this.begin();
  }

  protected override rate(_: number, base: number, index: number): number {
    const cycle = Math.floor(1 + this.lastEpoch / this.#total);
    const x = 1 + this.lastEpoch / this.#total - cycle;
    const ratio = this.#up / this.#total;
    const height = (x <= ratio ? x / ratio : (x - 1) / (ratio - 1)) * this.#scale(cycle);
    const group = this.optimizer.paramGroups[index];
    const momentum = this.#momenta?.[index];
    if (group !== undefined && momentum !== undefined)
      setMomentum('CyclicLR', group, momentum.max - (momentum.max - momentum.base) * height);
    return base + ((this.#maxLrs[index] as number) - base) * height;
  }
}

/** Options of `OneCycleLR`. */
export interface OneCycleLROptions {
  /** The highest rate, for all groups or for each. */
  readonly maxLr: number | readonly number[];
  /** How many steps there will be; or `epochs` and `stepsPerEpoch`. */
  readonly totalSteps?: number | null;
  readonly epochs?: number | null;
  readonly stepsPerEpoch?: number | null;
  /** The share of steps that go up. Default 0.3. */
  readonly pctStart?: number;
  /** Default 'cos'. */
  readonly annealStrategy?: 'cos' | 'linear';
  /** Move the momentum the other way. Default true. */
  readonly cycleMomentum?: boolean;
  /** Default 0.85. */
  readonly baseMomentum?: number | readonly number[];
  /** Default 0.95. */
  readonly maxMomentum?: number | readonly number[];
  /** The first rate is `maxLr / divFactor`. Default 25. */
  readonly divFactor?: number;
  /** The last rate is the first one over this. Default 10,000. */
  readonly finalDivFactor?: number;
  /** Down to the first rate as fast as up, and from there to the last one. */
  readonly threePhase?: boolean;
}

type Level = 'initial' | 'max' | 'min';
interface Phase {
  readonly end: number;
  readonly from: Level;
  readonly to: Level;
  readonly momentumFrom: 'base' | 'max';
  readonly momentumTo: 'base' | 'max';
}

function phasesOf(total: number, share: number, three: boolean): Phase[] {
  const up: Phase = { end: share * total - 1, from: 'initial', to: 'max', momentumFrom: 'max', momentumTo: 'base' };
  if (!three) return [up, { end: total - 1, from: 'max', to: 'min', momentumFrom: 'base', momentumTo: 'max' }];
  return [
    up,
    { end: 2 * share * total - 2, from: 'max', to: 'initial', momentumFrom: 'base', momentumTo: 'max' },
    { end: total - 1, from: 'initial', to: 'min', momentumFrom: 'max', momentumTo: 'max' },
  ];
}

const ANNEAL: Readonly<Record<string, (from: number, to: number, share: number) => number>> = {
  cos: (from, to, share) => to + ((from - to) / 2) * (Math.cos(Math.PI * share) + 1),
  linear: (from, to, share) => (to - from) * share + from,
};

function totalOf(options: OneCycleLROptions): number {
  const { totalSteps = null, epochs = null, stepsPerEpoch = null } = options;
  if (totalSteps !== null) {
    checkCount('OneCycleLR', 'totalSteps', totalSteps);
    return totalSteps;
  }
  if (epochs === null || stepsPerEpoch === null) throw new ArgumentError('OneCycleLR: pass totalSteps, or epochs and stepsPerEpoch');
  checkCount('OneCycleLR', 'epochs', epochs);
  checkCount('OneCycleLR', 'stepsPerEpoch', stepsPerEpoch);
  return epochs * stepsPerEpoch;
}

/**
 * One cycle for a whole training: up to `maxLr` and down to nearly 0, step by batch (Smith and Topin, "Super-Convergence", 2019). Throws ArgumentError for
 * options that make no sense, and for more steps than there were to be.
 *
 * @example
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * const scheduler = new optim.lrScheduler.OneCycleLR(optimizer, { maxLr: 1, totalSteps: 10, divFactor: 4, annealStrategy: 'linear' });
 * scheduler.getLastLr(); // [0.25]
 */
export class OneCycleLR extends LRScheduler {
  static readonly signature: string =
    'optimizer, *, max_lr, total_steps, epochs, steps_per_epoch, pct_start, anneal_strategy, cycle_momentum, base_momentum, max_momentum, div_factor, final_div_factor, three_phase';
  readonly totalSteps: number;
  readonly #phases: readonly Phase[];
  readonly #anneal: (from: number, to: number, share: number) => number;
  readonly #levels: readonly Readonly<Record<Level, number>>[];
  readonly #momenta: readonly { readonly base: number; readonly max: number }[] | null;

  constructor(optimizer: AnyOptimizer, options: OneCycleLROptions) {
    super(optimizer);
    const {
      pctStart = 0.3,
      annealStrategy = 'cos',
      baseMomentum = 0.85,
      maxMomentum = 0.95,
      divFactor = 25,
      finalDivFactor = 1e4,
    } = options;
    this.totalSteps = totalOf(options);
    if (!(pctStart >= 0 && pctStart <= 1)) throw new ArgumentError(`OneCycleLR: pctStart is a share from 0 to 1, got ${pctStart}`);
    const anneal = ANNEAL[annealStrategy];
    if (anneal === undefined) throw new ArgumentError(`OneCycleLR: annealStrategy must be 'cos' or 'linear', got '${annealStrategy}'`);
    this.#anneal = anneal;
    this.#phases = phasesOf(this.totalSteps, pctStart, options.threePhase ?? false);
    this.#levels = forGroups('OneCycleLR', 'maxLr', optimizer, options.maxLr).map((max) => {
      const initial = max / divFactor;
      return { initial, max, min: initial / finalDivFactor };
    });
    const bases = forGroups('OneCycleLR', 'baseMomentum', optimizer, baseMomentum);
    const tops = forGroups('OneCycleLR', 'maxMomentum', optimizer, maxMomentum);
    this.#momenta = (options.cycleMomentum ?? true) ? bases.map((base, i) => ({ base, max: tops[i] as number })) : null;
    optimizer.paramGroups.forEach((group, i) => {
      group['initialLr'] = this.#levels[i]?.initial;
    });
    this.begin();
  }

  override step(): void {
    if (this.lastEpoch >= this.totalSteps) throw new ArgumentError(`OneCycleLR: all of the ${this.totalSteps} steps are taken`);
    super.step();
  }

  protected override rate(_: number, base: number, index: number): number {
    const last = this.#phases.length - 1;
    const at = this.#phases.findIndex((phase, i) => this.lastEpoch <= phase.end || i === last);
    const { end, from, to, momentumFrom, momentumTo } = this.#phases[at] as Phase;
    const begin = at === 0 ? 0 : (this.#phases[at - 1] as Phase).end;
    const share = (this.lastEpoch - begin) / (end - begin);
    const momentum = this.#momenta?.[index];
    const group = this.optimizer.paramGroups[index];
    if (group !== undefined && momentum !== undefined)
      setMomentum('OneCycleLR', group, this.#anneal(momentum[momentumFrom], momentum[momentumTo], share));
    const levels = this.#levels[index];
    return levels === undefined ? base : this.#anneal(levels[from], levels[to], share);
  }
}
