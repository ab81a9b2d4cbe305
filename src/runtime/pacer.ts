/** How much garbage may pile up before the next collection, from what the last ones cost. */

/** Above this share of the time spent collecting, more garbage may pile up. */
const TOO_MUCH = 0.1;
/** Below this share, less may: a smaller working set stays in the cache. The gap keeps the budget from swinging. */
const TOO_LITTLE = 0.02;

/** A budget in units that doubles when collecting costs too much time and halves when it costs little. */
export class Pacer {
  budget: number;
  readonly #minimum: number;
  readonly #maximum: number;
  #lastEnd = -1;

  constructor(start: number, minimum: number, maximum: number) {
    this.#minimum = minimum;
    this.#maximum = maximum;
    this.budget = Math.min(Math.max(start, minimum), maximum);
  }

  get maximum(): number {
    return this.#maximum;
  }

  /** Tells that a collection ran from `begin` to `end`, in milliseconds. `useful`: whether it freed a fair part of the budget. */
  adapt(begin: number, end: number, useful: boolean): void {
    if (this.#lastEnd >= 0) {
      const share = (end - begin) / Math.max(begin - this.#lastEnd, 1e-3);
      if (share > TOO_MUCH || !useful) this.budget = Math.min(this.budget * 2, this.#maximum);
      else if (share < TOO_LITTLE) this.budget = Math.max(this.budget / 2, this.#minimum);
    }
    this.#lastEnd = end;
  }
}
