import { effect } from '../runtime/recorder.ts';
import { ArgumentError } from '../util/errors.ts';
import { Optimizer } from './optimizer.ts';

/** Any optimizer: schedulers read and write the options of its groups. */
export type AnyOptimizer = Optimizer<object>;

/** A group as schedulers see it. */
export type Group = AnyOptimizer['paramGroups'][number];

/** What `stateDict` of a scheduler gives: numbers, and lists of them. */
export type SchedulerState = Readonly<Record<string, unknown>>;

/**
 * The base of all schedules of learning rates. A schedule takes its first step when it is made; after that `step()` follows each epoch (or each batch),
 * after the optimizer's. A subclass says what a rate becomes, in terms of the rate now, so that schedules can be chained, and calls `begin()` at the end
 * of its constructor.
 *
 * @example
 * class Halved extends optim.lrScheduler.LRScheduler {
 *   constructor(optimizer) {
 *     super(optimizer);
 *     this.begin();
 *   }
 *   rate(current) {
 *     return this.lastEpoch === 0 ? current : current / 2;
 *   }
 * }
 * const optimizer = new optim.SGD([tensor([1], { requiresGrad: true })], { lr: 1 });
 * new Halved(optimizer).step();
 * optimizer.paramGroups[0].lr; // 0.5
 */
export abstract class LRScheduler {
  readonly optimizer: AnyOptimizer;
  /** How many steps were taken after the first. */
  lastEpoch = -1;
  /** The rates that the groups had at first. */
  baseLrs: number[] = [];

  constructor(optimizer: AnyOptimizer) {
    if (!(optimizer instanceof Optimizer)) throw new ArgumentError(`${new.target.name}: the first argument must be an optimizer`);
    this.optimizer = optimizer;
  }

  /** Takes the first step. */
  protected begin(): void {
    for (const group of this.optimizer.paramGroups) group['initialLr'] ??= group.lr;
    this.baseLrs = this.optimizer.paramGroups.map((group) => Number(group['initialLr']));
    this.step();
  }

  /** The next rate of a group, from its rate now and the one it had at first; `lastEpoch` is counted already. */
  protected abstract rate(current: number, base: number, index: number): number;

  /** Moves on by one epoch, or one batch. */
  step(): void {
    effect(() => {
      this.lastEpoch++;
      const rates = this.optimizer.paramGroups.map((group, i) => this.rate(group.lr, this.baseLrs[i] ?? group.lr, i));
      this.optimizer.paramGroups.forEach((group, i) => {
        group.lr = rates[i] as number;
      });
    });
  }

  /** Starts over at epoch 0, as when a sequence of schedules comes to this one. */
  restart(): void {
    this.lastEpoch = -1;
    this.optimizer.paramGroups.forEach((group, i) => {
      group.lr = this.baseLrs[i] ?? group.lr;
    });
    this.step();
  }

  /** The rates of all groups. */
  getLastLr(): number[] {
    return this.optimizer.paramGroups.map((group) => group.lr);
  }

  /** All numbers of the schedule; functions are not among them. */
  stateDict(): SchedulerState {
    return Object.fromEntries(Object.entries(this).filter(([, value]) => isPlain(value)));
  }

  /** Goes on where another run stopped. The optimizer's own state holds the rates. */
  loadStateDict(state: SchedulerState): void {
    for (const name of Object.keys(state)) {
      if (!(name in this)) throw new ArgumentError(`loadStateDict: ${this.constructor.name} has nothing named '${name}'`);
    }
    Object.assign(this, structuredClone(state));
  }
}

function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isPlain);
  return value === null || ['number', 'string', 'boolean'].includes(typeof value);
}

/** One value for each group: a list of as many, or one for all. */
export function forGroups<T>(name: string, option: string, optimizer: AnyOptimizer, value: T | readonly T[]): T[] {
  const count = optimizer.paramGroups.length;
  if (!Array.isArray(value)) return new Array<T>(count).fill(value as T);
  if (value.length !== count) throw new ArgumentError(`${name}: ${option} has ${value.length} entries for ${count} parameter groups`);
  return [...(value as readonly T[])];
}

/** Refuses what is no whole number of at least `least`. */
export function checkCount(name: string, option: string, value: number, least = 1): void {
  if (!Number.isInteger(value) || value < least)
    throw new ArgumentError(`${name}: ${option} must be a whole number of at least ${least}, got ${value}`);
}

/** The momentum of a group, whatever its optimizer calls it. Throws ArgumentError where it has none. */
export function setMomentum(name: string, group: Group, momentum: number): void {
  if (Array.isArray(group['betas'])) group['betas'] = [momentum, group['betas'][1]];
  else if (typeof group['momentum'] === 'number') group['momentum'] = momentum;
  else throw new ArgumentError(`${name}: the optimizer has no momentum to cycle: pass { cycleMomentum: false }`);
}
