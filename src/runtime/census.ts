/**
 * Which blocks of a weak set are still there, where the host can tell (Node, Deno).
 *
 * In V8 a minor collection takes a hundredth of the time of a major one, but before V8 14 it leaves weak references alone. It does drop the dead
 * young members of weak sets. A program cannot list what is in one; the inspector that prints values for debugging can, and calls a method of each
 * member on the way. None of this is promised, so it is tried out before it is relied on, and every census counts somebody known to be there.
 */
import { Range } from './arena.ts';
import { Block, Cell } from './cell.ts';
import type { Collector } from './collector.ts';
import { builtin } from './machine.ts';

/** All members, and those alone. */
const MEMBERS = { showHidden: true, depth: 0, maxArrayLength: null };

const NOBODY: readonly Block[] = [];

type Inspect = (value: unknown, options: typeof MEMBERS) => string;

/** More than the inspector shows by default. */
const TRIALS = 128;
/** A minor collection that takes this many milliseconds is none, whatever it is called (Deno's takes half as long as a major one). */
const SLOW = 5;
/** How many of the dead the stack may still hold. */
const TOLERATED = 2;

/** Lists the members of weak sets of blocks. */
export class Census {
  readonly #inspect: Inspect;
  /** A member of every set. */
  readonly #witness = newBlock();

  constructor(inspect: Inspect) {
    this.#inspect = inspect;
    this.#witness.cell.counted = true;
  }

  /** An empty set. */
  newSet(): WeakSet<Block> {
    return new WeakSet([this.#witness]);
  }

  /** The members of sets that `newSet` made; null where they cannot be listed any more. */
  take(sets: readonly WeakSet<Block>[]): readonly Block[] | null {
    Block.witnesses = 0;
    try {
      for (const set of sets) this.#inspect(set, MEMBERS);
      if (Block.witnesses !== sets.length) return null;
      return Block.found.length === 0 ? NOBODY : [...Block.found];
    } catch {
      return null;
    } finally {
      Block.witnesses = -1;
      if (Block.found.length > 0) Block.found.length = 0;
    }
  }
}

/** A census that sees what minor collections do, or null where there is none. */
export function openCensus(collector: Collector): Census | null {
  const inspect = builtin<{ inspect?: Inspect }>('util')?.inspect;
  if (typeof inspect !== 'function') return null;
  const census = new Census(inspect);
  const set = census.newSet();
  const held: Block[] = [];
  let quickest = Number.POSITIVE_INFINITY;
  // Twice, because at the second time the set and some of its members are not young any more.
  for (let round = 0; round < 2; round += 1) {
    addTrials(set, held);
    const begin = performance.now();
    collector.collect('minor');
    quickest = Math.min(quickest, performance.now() - begin);
    const found = census.take([set]);
    if (found === null || found.length > held.length + TOLERATED) return null;
    const alive = new Set(found);
    if (!held.every((block) => alive.has(block))) return null;
  }
  return quickest < SLOW ? census : null;
}

function newBlock(): Block {
  return new Block(new Cell(0, 0, new Range(0, 0, null), 0, 0));
}

/** Adds blocks of which every other one is held. */
function addTrials(set: WeakSet<Block>, held: Block[]): void {
  for (let index = 0; index < TRIALS; index += 1) {
    const block = newBlock();
    set.add(block);
    if (index % 2 === 0) held.push(block);
  }
}
