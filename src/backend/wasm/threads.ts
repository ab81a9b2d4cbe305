/** What programs say about threads. It brings the team along, and how launches are cut for it. */
import { heap } from '../../runtime/heap.ts';
import { startTeam, team } from '../../runtime/threads.ts';
import { ArgumentError } from '../../util/errors.ts';
import { sharing } from './parallel.ts';
import { shareCut } from './share-cut.ts';
import { shareFlat, shareLoops } from './share-map.ts';
import { shareRows } from './share-rows.ts';

/** The most threads that can be asked for. */
const MOST = 64;

/** Lets launches be shared. */
export function startThreads(): void {
  sharing.launches = { flat: shareFlat, loops: shareLoops, cut: shareCut, rows: shareRows };
  startTeam();
}

/**
 * Sets how many threads compute large operators, the calling one among them: 1 does everything on the calling thread. Results do not depend on it, to the last bit. Threads start
 * with the first large operators, and sleep while there are none. Node has as many as the machine has processors, 8 at most, from the start (the environment variable `NABLA_NUM_THREADS` says
 * another number); a page has 1 until it calls this, and needs cross-origin isolation for more.
 *
 * Throws ArgumentError for anything but a whole number from 1 to 64.
 *
 * @example
 * setNumThreads(2);
 * ones([1000, 1000]).add(1).sum().item(); // 2000000
 */
export function setNumThreads(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MOST)
    throw new ArgumentError(`setNumThreads: give a whole number of threads from 1 to ${MOST}, not ${count}`);
  startThreads();
  team.setCount(count);
}

/**
 * How many threads compute large operators, the calling one among them. 1 where there can be no more: in a page that is not cross-origin isolated.
 *
 * @example
 * setNumThreads(1);
 * getNumThreads(); // 1
 */
export function getNumThreads(): number {
  return heap.isShared ? team.count : 1;
}
