/** What the user and the layers above can ask of the memory: reports, settings, and the error when it is full. */
import { MemoryError } from '../util/errors.ts';
import { checkOptions } from '../util/options.ts';
import type { Cell } from './cell.ts';
import { heap } from './heap.ts';
import { type Pool, pool, type Reclaim, setMemoryFailure } from './pool.ts';
import { UNIT_BYTES } from './sizes.ts';
import { checkMemory } from './storage.ts';

/** What is known about the memory; sizes are in bytes. */
export interface MemoryReport {
  /** In use by tensors, including dead ones that were not found yet. */
  readonly live: number;
  /** The most that `live` has been since the start or `resetPeakMemory`. */
  readonly peak: number;
  /** The part of the heap that was ever used: it never shrinks. */
  readonly reserved: number;
  /** How many large blocks are in use. */
  readonly blocks: number;
  /** How many slabs hold the small storages. */
  readonly slabs: number;
  /** Moved out of the heap into ordinary array buffers so far. */
  readonly evicted: number;
  /** Brought back from there so far. */
  readonly restored: number;
  /** How often dead blocks were looked for with the help of the collector. */
  readonly sweeps: number;
  /** How long that took altogether, in milliseconds. */
  readonly gcMilliseconds: number;
}

/** What can be chosen about the memory. */
export interface MemoryOptions {
  /**
   * How unreachable tensors are found: 'sweep' runs the garbage collector when enough may have piled up (Node), 'evict' moves what was not
   * used for long into array buffers (browsers), 'auto' takes the first where it works.
   */
  readonly reclaim?: 'auto' | Reclaim;
  /** How many bytes may pile up before that happens; null (default) adapts it to what collecting costs. */
  readonly budget?: number | null;
  /** The heap never grows past this: at most 4 GiB. */
  readonly maximumBytes?: number;
  /**
   * Whether tensors that were not used for longest move out of a full heap into ordinary array buffers, as long as the machine has memory, and
   * come back when they are used: true by default. Without it a full heap is a MemoryError.
   */
  readonly overflow?: boolean;
  /** Whether double releases are errors and released bytes are overwritten. */
  readonly debug?: boolean;
  /** Whether the heap is shared between threads; only before the first tensor is made. */
  readonly shared?: boolean;
}

const MEMORY_OPTIONS: ReadonlySet<string> = new Set(['reclaim', 'budget', 'maximumBytes', 'overflow', 'debug', 'shared']);

/**
 * Chooses how the memory behaves.
 *
 * @example
 * configureMemory({ reclaim: 'auto', budget: null });
 */
export function configureMemory(options: MemoryOptions): void {
  checkOptions('configureMemory', options, MEMORY_OPTIONS);
  if (options.shared !== undefined) heap.configure({ shared: options.shared });
  if (options.maximumBytes !== undefined) pool.maximumBytes = options.maximumBytes;
  if (options.overflow !== undefined) pool.overflow = options.overflow;
  if (options.debug !== undefined) checkMemory(options.debug);
  if (options.reclaim !== undefined || options.budget !== undefined) {
    pool.configure(options.reclaim === 'auto' ? null : (options.reclaim ?? null), options.budget ?? null);
  }
}

/**
 * Counts what is in use now.
 *
 * @example
 * const x = ones([256]);
 * memory().live >= x.nbytes; // true
 */
export function memory(): MemoryReport {
  pool.peakUnits = Math.max(pool.peakUnits, pool.liveUnits);
  let blocks = 0;
  let slabs = 0;
  for (const cell of pool.registry.values()) {
    if (cell.idle) continue;
    if (cell.slotUnits > 0) slabs += 1;
    else blocks += 1;
  }
  return {
    live: pool.liveUnits * UNIT_BYTES,
    peak: pool.peakUnits * UNIT_BYTES,
    reserved: pool.reservedBytes,
    blocks,
    slabs,
    evicted: pool.evictedUnits * UNIT_BYTES,
    restored: pool.restoredUnits * UNIT_BYTES,
    sweeps: pool.sweeps,
    gcMilliseconds: pool.collecting.milliseconds,
  };
}

/**
 * Lets `memory().peak` start again from what is live now.
 *
 * @example
 * collectMemory();
 * resetPeakMemory();
 * const before = memory().peak;
 * ones([1000]).exp().sum();
 * memory().peak > before; // true
 */
export function resetPeakMemory(): void {
  pool.peakUnits = pool.liveUnits;
}

/**
 * Finds all unreachable storages now, so that `memory().live` is exact. False where the host cannot collect in the middle of a job, as browsers.
 *
 * @example
 * collectMemory();
 * memory().live; // in bytes
 */
export function collectMemory(): boolean {
  return pool.collect();
}

const LISTED = 8;

setMemoryFailure((full: Pool, bytes: number): never => {
  const limit = Math.min(full.maximumBytes, heap.maximumBytes);
  const lines = [
    `Out of memory: ${formatBytes(bytes)} were asked for while ${formatBytes(full.liveUnits * UNIT_BYTES)} of at most ${formatBytes(limit)} are in use.`,
  ];
  const largest = describeLargest(full);
  if (largest.length > 0) lines.push(`The largest blocks in use: ${largest.join(', ')}.`);
  lines.push(
    'Use a smaller batch, compute without gradients where none are needed (noGrad), or drop references to results that are no longer needed.',
  );
  throw new MemoryError(lines.join('\n'));
});

/** The largest blocks in use, equal ones together. */
function describeLargest(full: Pool): string[] {
  const groups = new Map<string, { cell: Cell; count: number }>();
  for (const cell of full.registry.values()) {
    if (cell.idle || cell.slotUnits > 0) continue;
    const key = `${cell.units} ${cell.label}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { cell, count: 1 });
    else group.count += 1;
  }
  const sorted = [...groups.values()].sort((left, right) => right.cell.units * right.count - left.cell.units * left.count);
  return sorted.slice(0, LISTED).map(({ cell, count }) => {
    const size = formatBytes(cell.units * UNIT_BYTES);
    const label = cell.label === '' ? '' : ` (${cell.label})`;
    return count === 1 ? `${size}${label}` : `${count} of ${size}${label}`;
  });
}

function formatBytes(bytes: number): string {
  const names = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let power = 0;
  while (bytes >= 1024 && power < names.length - 1) {
    bytes /= 1024;
    power += 1;
  }
  return `${Number(bytes.toFixed(power === 0 ? 0 : 1))} ${names[power]}`;
}
