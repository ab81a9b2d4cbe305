/**
 * Threads: workers that run chunks of a launch beside the caller, on the same memory.
 *
 * A launch is a number of rows of arguments. Who is free takes the next one, by compare-and-swap on how many are left, the caller too, so nobody waits for a worker
 * that sleeps, has not started, or does not come: the caller waits only for chunks that somebody has in hand. Workers spin for a while after each launch and then sleep.
 */
import { warnOnce } from '../util/warn.ts';
import { heap } from './heap.ts';
import { builtin, hostThreads } from './machine.ts';
import { type Code, type Team, threads } from './team.ts';
import { WORKER_SOURCE } from './worker-source.ts';

// The words of the shared memory, which `worker-source.ts` knows too.
/** How many chunks nobody has claimed. */
const LEFT = 0;
/** How many chunks are not done. */
const UNDONE = 1;
/** How many workers may take part: the others are parked. */
const LIMIT = 2;
/** Whether the caller sleeps until `UNDONE` changes. */
const CALLER_SLEEPS = 3;
const STEPS = 4;
const WIDTH = 5;
/** How many chunks failed; which ones, counted from 1, is in the words from `FAILURES` on. */
const FAILED = 6;
/** Of each step: where the bytes of the module lie, how many, and which export it is. */
const CODES = 16;
/** Of each worker: see below. */
const STATES = 64;
/** Of each worker: how many chunks it has done. */
const COUNTS = 128;
const FAILURES = 192;
const WORDS = 1024;

const AWAKE = 1;
const ASLEEP = 2;

const ROWS_AT = WORDS * 4;
/** How many arguments there is room for. */
const ROW_VALUES = 8192;
const CODE_AT = ROWS_AT + ROW_VALUES * 8;
/** The memory of code is taken as it is written. */
const CODE_BYTES = 1 << 22;

// Nanoseconds. What is shared has to last longer than the hand-over (0.3 µs), what wakes longer than waking (20 µs for the caller), what starts longer than starting.
/** A launch that is worth sharing with threads that are awake. */
const SHARED = 8e3;
/** Work within a millisecond for which sleepers are woken. */
const WAKING = 150e3;
/** Work for which threads are started. */
const STARTING = 20e6;

// Milliseconds. On a machine that is busy with something else, waiting for a worker that was interrupted may take longer than it saves.
/** How much time may have been lost before nothing is shared for a while. */
const MOST_LOST = 0.3;
/** How much that was saved counts against what is lost later. */
const MOST_SAVED = 0.5;
/** What waking is taken to cost where it is not seen: a worker may take the place of the caller. */
const WAKING_COST = 0.1;
const FIRST_REST = 10;
const LONGEST_REST = 1000;

interface NodeWorker {
  unref(): void;
  on(event: 'error', heard: (error: unknown) => void): void;
  on(event: 'exit', heard: () => void): void;
}

interface WorkerThreads {
  Worker: new (source: string, options: object) => NodeWorker;
}

class Threads implements Team {
  /** How many threads compute, the caller among them. */
  count: number;
  /** For tests: shares whatever it can, however small and however busy the machine, and lets workers begin. */
  eager = false;
  #shared: SharedArrayBuffer | null = null;
  #words: Int32Array = new Int32Array(WORDS);
  #rows: Float64Array = new Float64Array(0);
  readonly #arguments: number[] = [];
  #codeEnd = CODE_AT;
  #started = 0;
  /** Nanoseconds of work that could have been shared, since when it last was. */
  #missed: number;
  #lastMissed = 0;
  /** Whether sleepers are woken for the launch that comes. */
  #wakes = false;
  /** Milliseconds that sharing saved lately, less those it lost. */
  #saved = 0;
  /** Until when nothing is shared, and how long the next rest lasts. */
  #restUntil = 0;
  #rest = FIRST_REST;
  #mayWait = true;

  constructor(count: number, missed: number) {
    this.count = count;
    this.#missed = missed;
  }

  setCount(count: number): void {
    this.count = heap.isShared ? count : 1;
    this.#missed = STARTING;
    if (this.#shared === null) return;
    Atomics.store(this.#words, LIMIT, this.count - 1);
    Atomics.notify(this.#words, LIMIT);
    Atomics.notify(this.#words, LEFT);
  }

  /** How many workers are there, asleep or not. */
  get ready(): number {
    return this.#words.subarray(STATES, STATES + this.#started).filter((state) => state > 0).length;
  }

  /** How many chunks workers have done. */
  get chunksOfWorkers(): number {
    return this.#words.subarray(COUNTS, COUNTS + this.#started).reduce((sum, n) => sum + n, 0);
  }

  rows(nanoseconds: number, steps: readonly Code[]): Float64Array | null {
    if (this.count === 1) return null;
    if (this.eager) {
      this.#start();
      this.#wakes = true;
      return this.#room(steps);
    }
    if (nanoseconds < SHARED) return null;
    let awake = 0;
    let asleep = 0;
    for (let i = 0; i < this.#started; i++) {
      const state = Atomics.load(this.#words, STATES + i);
      if (state === AWAKE) awake++;
      else if (state === ASLEEP) asleep++;
    }
    const now = performance.now();
    if (now < this.#restUntil) return null;
    if (this.#started < this.count - 1 || awake === 0) {
      if (this.#started >= this.count - 1 && now - this.#lastMissed > 1) this.#missed = 0;
      this.#lastMissed = now;
      this.#missed += nanoseconds;
      if (this.#started < this.count - 1 && this.#missed >= STARTING) this.#start();
    }
    if (asleep > 0 && (nanoseconds >= WAKING || (awake === 0 && this.#missed >= WAKING))) {
      this.#missed = 0;
      if (nanoseconds < WAKING) {
        Atomics.notify(this.#words, LEFT);
        this.#judge(-WAKING_COST);
      } else {
        this.#wakes = true;
        awake++;
      }
    }
    return awake === 0 ? null : this.#room(steps);
  }

  #room(steps: readonly Code[]): Float64Array | null {
    for (let i = 0; i < steps.length; i++) if (!this.#place(steps[i] as Code)) return null;
    return this.#rows;
  }

  run(steps: readonly Code[], chunks: number, width: number): void {
    const words = this.#words;
    words[STEPS] = steps.length;
    words[WIDTH] = width;
    for (let i = 0; i < steps.length; i++) {
      const { at, bytes, index } = steps[i] as Code;
      words[CODES + 3 * i] = at;
      words[CODES + 3 * i + 1] = bytes.length;
      words[CODES + 3 * i + 2] = index;
    }
    const start = performance.now();
    Atomics.store(words, UNDONE, chunks);
    Atomics.store(words, LEFT, chunks);
    if (this.#wakes) Atomics.notify(words, LEFT);
    this.#wakes = false;
    if (this.eager && this.ready > 0) while (Atomics.load(words, LEFT) === chunks && performance.now() < start + 1000);
    let mine = 0;
    let before = start;
    let longest = 0;
    try {
      for (let left = Atomics.load(words, LEFT); left > 0; left = Atomics.load(words, LEFT)) {
        if (Atomics.compareExchange(words, LEFT, left, left - 1) !== left) continue;
        mine++;
        this.#runChunk(steps, left - 1, width);
        const now = performance.now();
        longest = Math.max(longest, now - before);
        before = now;
      }
    } finally {
      // Also if a kernel fails: workers must not write into memory that goes to something else.
      const over = mine + Atomics.exchange(words, LEFT, 0);
      if (Atomics.sub(words, UNDONE, over) > over) this.#wait(before);
    }
    // In the longest one the caller may have been interrupted.
    if (mine > 1 && !this.eager) this.#judge(((before - start - longest) / (mine - 1)) * chunks - (performance.now() - start));
    for (let failed = Atomics.exchange(words, FAILED, 0); failed > 0; failed--)
      this.#runChunk(steps, (words[FAILURES + failed - 1] as number) - 1, width);
  }

  #runChunk(steps: readonly Code[], chunk: number, width: number): void {
    const args = this.#arguments;
    args.length = width;
    let at = chunk * steps.length * width;
    for (let step = 0; step < steps.length; step++) {
      for (let i = 0; i < width; i++) args[i] = this.#rows[at++] as number;
      (steps[step] as Code).call.apply(null, args);
    }
  }

  /** Waits for the chunks that workers have in hand. */
  #wait(since: number): void {
    const words = this.#words;
    for (let turns = 1, undone = Atomics.load(words, UNDONE); undone > 0; undone = Atomics.load(words, UNDONE), turns++) {
      if (turns % 64 > 0 || !this.#mayWait || performance.now() - since < 0.05) continue;
      Atomics.store(words, CALLER_SLEEPS, 1);
      try {
        Atomics.wait(words, UNDONE, undone, 1);
      } catch {
        // The main thread of a page must not sleep.
        this.#mayWait = false;
      }
      Atomics.store(words, CALLER_SLEEPS, 0);
    }
  }

  /** Adds up what sharing saved, in milliseconds: where it loses, because something else runs on the machine, nothing is shared for a while. */
  #judge(saved: number): void {
    this.#saved += saved;
    if (this.#saved > MOST_SAVED) {
      this.#saved = MOST_SAVED;
      this.#rest = Math.max(FIRST_REST, this.#rest / 2);
    } else if (this.#saved < -MOST_LOST) {
      this.#saved = 0;
      this.#restUntil = performance.now() + this.#rest;
      this.#rest = Math.min(2 * this.#rest, LONGEST_REST);
    }
  }

  /** Writes the bytes of a module to where the workers find them. */
  #place(code: Code): boolean {
    if (code.at === -1) {
      const end = this.#codeEnd + code.bytes.length;
      if (end > CODE_AT + CODE_BYTES) code.at = -2;
      else {
        code.at = this.#codeEnd;
        new Uint8Array(this.#shared as SharedArrayBuffer).set(code.bytes, code.at);
        this.#codeEnd = end;
      }
    }
    return code.at >= 0;
  }

  #start(): void {
    const { memory } = heap;
    if (this.#shared === null) {
      this.#shared = new SharedArrayBuffer(CODE_AT + CODE_BYTES);
      this.#words = new Int32Array(this.#shared, 0, WORDS);
      this.#rows = new Float64Array(this.#shared, ROWS_AT, ROW_VALUES);
    }
    Atomics.store(this.#words, LIMIT, this.count - 1);
    while (this.#started < this.count - 1) this.#startWorker(this.#started++, memory, this.#shared);
  }

  #startWorker(index: number, memory: WebAssembly.Memory, shared: SharedArrayBuffer): void {
    const lost = (error: unknown): void => {
      Atomics.store(this.#words, STATES + index, 0);
      const reason = error instanceof Error ? error.message : String((error as { message?: string } | null)?.message ?? error);
      warnOnce('threads', `a thread ended (${reason}): computation goes on without it. setNumThreads(1) does without threads`);
    };
    const data = { memory, shared, index };
    try {
      const node = builtin<WorkerThreads>('worker_threads');
      if (node !== null) {
        // Neither the program's loaders nor its options are for a thread that runs kernels alone.
        const options = { eval: true, workerData: data, execArgv: [], env: {}, trackUnmanagedFds: false };
        const worker = new node.Worker(`${WORKER_SOURCE}work(require('worker_threads').workerData)`, options);
        worker.on('error', lost);
        worker.on('exit', () => Atomics.store(this.#words, STATES + index, 0));
        worker.unref();
        return;
      }
      const url = URL.createObjectURL(new Blob([`${WORKER_SOURCE}onmessage = (event) => work(event.data)`], { type: 'text/javascript' }));
      const worker = new Worker(url);
      worker.onerror = lost;
      worker.postMessage(data);
    } catch (error) {
      lost(error);
    }
  }
}

/** @internal The threads of the process. */
export const team: Threads = new Threads(hostThreads(), 0);

/** Lets launches know of the threads. */
export function startTeam(): void {
  threads.team = team;
}
