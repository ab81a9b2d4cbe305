/** How much garbage may pile up before the next collection, from what the last ones cost. */

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
