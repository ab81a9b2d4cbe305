/** How much garbage may pile up before the next collection, from what the last ones cost. */
import { MEGABYTE } from './sizes.ts';

/** Above this share of the time spent collecting, more garbage may pile up. */
const TOO_MUCH = 0.1;
/** Below this share, less may: a smaller working set stays in the cache. The gap keeps the budget from swinging. */
const TOO_LITTLE = 0.02;
/** Collections that take this many milliseconds are dear: those of a program with many objects. */
const DEAR = 24;
/** A slow collection among quick ones was disturbed, not dear: the quickest of the last few counts. */
const REMEMBERED = 4;
const NEEDED = 2;

/** The bounds of a budget, in units. */
export interface BudgetRange {
  readonly minimum: number;
  readonly start: number;
  readonly maximum: number;
}

/**
 * A budget in units. It moves between its minimum and its start with the share of time that collecting takes, and past its start, up to the
 * maximum, only where every collection is dear: what a program keeps resident must settle early and not creep up by chance.
 */
export class Pacer {
  budget: number;
  readonly range: BudgetRange;
  readonly #costs: number[] = [];
  #lastEnd = -1;

  constructor(range: BudgetRange) {
    this.range = range;
    this.budget = range.start;
  }

  /**
   * Tells that a collection ran from `begin` to `end`, in milliseconds, and took `busy` milliseconds of processors' time: on a machine that does other
   * work too, what was only waited for does not make a collection dear.
   */
  adapt(begin: number, end: number, busy = Number.POSITIVE_INFINITY): void {
    const cost = Math.min(end - begin, busy);
    this.#costs.push(cost);
    if (this.#costs.length > REMEMBERED) this.#costs.shift();
    const dear = this.#costs.length >= NEEDED && Math.min(...this.#costs) > DEAR;
    if (this.#lastEnd >= 0) {
      const { minimum, start, maximum } = this.range;
      const share = cost / Math.max(begin - this.#lastEnd, 1e-3);
      const most = Math.max(dear ? maximum : start, this.budget);
      if (share > TOO_MUCH) this.budget = Math.min(this.budget * 2, most);
      else if (share < TOO_LITTLE) this.budget = Math.max(this.budget / 2, minimum);
    }
    this.#lastEnd = end;
  }
}

/** A sweep of young blocks is dear where a megabyte that it frees costs more milliseconds than this: writing to memory that is in no cache costs more. */
const DEAR_MEGABYTE = 0.02;
/** What finding one dead block may cost besides, in milliseconds: that is the same however rare sweeps are. */
const BURIAL = 0.0003;
/** Then sweeps become rarer, if they take more than this share of the time. */
const NOTICED = 0.05;
/** Cheap sweeps become more frequent. */
const CHEAP_MEGABYTE = 0.01;
const UNNOTICED = 0.02;

/** A sweep that frees less than this share of the budget finds little. */
const LITTLE = 0.25;

/**
 * A budget, in units, for sweeps of young blocks. It starts at the minimum, so that a loop writes where the cache has what it wrote before. Where sweeps are
 * dear it grows, up to its start: what a program keeps resident must settle early. Where they find little too, in a program that keeps what it makes, it
 * grows up to the maximum.
 */
export class YoungPacer {
  budget: number;
  readonly range: BudgetRange;
  #lastEnd = -1;
  #lastCost = Number.POSITIVE_INFINITY;

  constructor(range: BudgetRange) {
    this.range = range;
    this.budget = range.minimum;
  }

  /** Tells that a sweep ran from `begin` to `end`, in milliseconds, and freed so many units in so many blocks. */
  adapt(begin: number, end: number, freed: number, blocks: number): void {
    // The quicker one of two: whoever shares the processor may have interrupted the other.
    const cost = Math.min(end - begin - blocks * BURIAL, this.#lastCost);
    const share = this.#lastEnd < 0 ? 0 : cost / Math.max(begin - this.#lastEnd, 1e-3);
    this.#lastCost = end - begin - blocks * BURIAL;
    this.#lastEnd = end;
    const megabytes = freed / MEGABYTE;
    const { minimum, start, maximum } = this.range;
    const most = freed < this.budget * LITTLE ? maximum : Math.max(start, this.budget);
    if (cost > megabytes * DEAR_MEGABYTE && share > NOTICED) this.budget = Math.min(this.budget * 2, most);
    else if (cost < megabytes * CHEAP_MEGABYTE || share < UNNOTICED) this.budget = Math.max(this.budget / 2, minimum);
  }
}
