/**
 * Sweeps: finding dead blocks with the help of a collector that can be called, in Node and Deno. Minor sweeps look at young blocks, often; major ones at all,
 * rarely. Browsers have no such collector: the build for them has `sweeps.browser.ts` in the place of this module.
 */
import type { Block, Cell } from './cell.ts';
import { openCensus } from './census.ts';
import { type Collector, hasCollector, openCollector } from './collector.ts';
import { machineMemory, processorMilliseconds } from './machine.ts';
import { type BudgetRange, Pacer, YoungPacer } from './pacer.ts';
import { type Pool, pool, type Sweeper } from './pool.ts';
import { MEGABYTE } from './sizes.ts';
import { YoungBlocks } from './young.ts';

/** How much is allocated before the first sweep. */
const FIRST_BUDGET = 64 * MEGABYTE;
/** How many megabytes are allocated between two sweeps of young blocks: at best, so that with what an operator reads they stay in the largest cache; at most. */
const YOUNG_BUDGET = 12;
const YOUNG_LIMIT = 48;

class Sweeps implements Sweeper {
  readonly #pool: Pool;
  #collector: Collector | null = null;
  /** Chosen by the user, in units. */
  #budget: number | null = null;
  /** Blocks whose death a cheap sweep finds, where the host can tell. */
  #young: YoungBlocks | null = null;
  #minor = new YoungPacer({ minimum: 0, start: 0, maximum: 0 });
  #major = new Pacer({ minimum: 0, start: 0, maximum: 0 });
  #liveAfterMajor = 0;

  constructor(of: Pool) {
    this.#pool = of;
  }

  configure(budget: number | null): void {
    this.#budget = budget;
    if (this.#collector !== null) this.#setPacers();
    this.#liveAfterMajor = this.#pool.liveUnits;
  }

  open(): boolean {
    if (this.#collector !== null) return true;
    this.#collector = openCollector();
    if (this.#collector === null) return false;
    const census = openCensus(this.#collector);
    if (census !== null) this.#young = new YoungBlocks(census);
    this.#setPacers();
    return true;
  }

  watch(block: Block): void {
    if (this.#young !== null) this.#young.add(block);
    else block.cell.alive = new WeakRef(block);
  }

  isOld(cell: Cell): boolean {
    return this.#young !== null && cell.alive !== null;
  }

  get limitUnits(): number {
    const live = this.#pool.liveUnits;
    // The first sweep comes early: it finds out what sweeps can do here.
    if (this.#collector === null) return live + (this.#budget ?? FIRST_BUDGET);
    const limit = this.#limitOfMajor();
    return this.#young === null ? limit : Math.min(live + this.#minor.budget, limit);
  }

  sweep(units: number): void {
    if (this.#young !== null) {
      this.#timedMinorSweep(this.#young);
      // Close to the next major sweep, minor ones would come too often.
      if (this.#limitOfMajor() - this.#pool.liveUnits - units > this.#minor.budget / 2) return;
    }
    const busy = processorMilliseconds();
    const begin = performance.now();
    this.sweepAll();
    this.#major.adapt(begin, performance.now(), processorMilliseconds() - busy);
  }

  sweepAll(): void {
    this.#pool.dropSlabs(false);
    this.#collect('major');
    this.#liveAfterMajor = this.#pool.liveUnits;
  }

  #setPacers(): void {
    this.#minor = new YoungPacer(this.#range(YOUNG_BUDGET, YOUNG_LIMIT, 256));
    this.#major = new Pacer(this.#range(64, 256, 512));
  }

  /** A range of budgets given in megabytes, less on small machines; the chosen budget where there is one. */
  #range(minimum: number, start: number, maximum: number): BudgetRange {
    if (this.#budget !== null) return { minimum: this.#budget, start: this.#budget, maximum: this.#budget };
    const share = Math.min(1, machineMemory() / (8 * 2 ** 30)) * MEGABYTE;
    return { minimum: minimum * share, start: start * share, maximum: maximum * share };
  }

  #timedMinorSweep(young: YoungBlocks): void {
    const before = this.#pool.liveUnits;
    const begin = performance.now();
    this.#pool.dropSlabs(true);
    this.#collect('minor');
    this.#minor.adapt(begin, performance.now(), before - this.#pool.liveUnits, young.died);
  }

  /** The live units past which a major sweep is due: a program that keeps a lot is not swept for a little. */
  #limitOfMajor(): number {
    const kept = this.#liveAfterMajor;
    return kept + Math.min(Math.max(this.#major.budget, kept / 4), this.#major.range.maximum);
  }

  #collect(kind: 'minor' | 'major'): void {
    const collector = this.#collector as Collector;
    const young = this.#young;
    const begin = performance.now();
    collector.collect(kind);
    if (kind === 'major') for (const cell of this.#pool.registry.values()) this.#examine(cell);
    if (young?.settle(this.#pool) === false) this.#young = null;
    // What weak references were made to or looked at may die from here on.
    if (kind === 'major' || young?.madeOld === true) collector.clearKept();
    this.#pool.sweeps += 1;
    this.#pool.collecting.milliseconds += performance.now() - begin;
  }

  #examine(cell: Cell): void {
    if (cell.alive === null) return;
    const block = cell.alive.deref();
    if (block !== undefined) this.#pool.alive(block);
    // A launch may still hold the address of a block whose last reference is gone.
    else if (cell.lastUse < this.#pool.clock && cell.pins === 0) this.#pool.dead(cell);
  }
}

if (hasCollector()) pool.install(new Sweeps(pool));
