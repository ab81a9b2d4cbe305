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

// The words of the shared memory, which `worker-source.ts` knows too: those that are written together, and those of each worker, have cache lines of their own.
/** Which chunks nobody has claimed: the first of them, and from the 16th bit on, the one after the last; 0 where there are none. */
const LEFT = 0;
/** How many workers may take part: the others are parked. */
const LIMIT = 16;
/** Whether the caller sleeps until a worker has nothing in hand. */
const CALLER_SLEEPS = 17;
/** How many chunks failed; which ones is in the words from `FAILURES` on. */
const FAILED = 18;
const STEPS = 32;
const WIDTH = 33;
/** Of each step: where the bytes of the module lie, how many, and which export it is. */
const CODES = 48;
const FAILURES = 128;
/** Of each worker: the chunk that it has in hand or is about to claim, counted from 1; its state; how many chunks it has done; whether it is to wake. */
const WORKERS = 1024;
const PER_WORKER = 16;
const STATE = 1;
const COUNT = 2;
const WOKEN = 3;
const WORDS = 2048;

const GONE = 0;
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
const SHARED = 7e3;
/** Work within a millisecond for which sleepers are woken. */
const WAKING = 70e3;
/** Work for which threads are started. */
const STARTING = 20e6;

// Milliseconds. On a machine that is busy with something else, waiting for a worker that was interrupted may take longer than it saves.
/** How much time may have been lost before nothing is shared for a while. */
const MOST_LOST = 1;
/** How much that was saved counts against what is lost later: some interruptions, which any machine has, do not end what pays. */
const MOST_SAVED = 8;
/** What waking is taken to cost where it is not seen: a worker may take the place of the caller. */
const WAKING_COST = 0.1;
const FIRST_REST = 20;
const LONGEST_REST = 1000;
/** How long the caller waits until it sleeps, and between two looks at whether a worker is still there. */
const PATIENCE = 0.05;
const LOOK = 20;

const ENDED = 'something else ended it';

interface Port {
  /** In Node true, as long as the other end is there. */
  postMessage(value: unknown): unknown;
}

interface NodeWorker {
  unref(): void;
  on(event: 'error', heard: (error: unknown) => void): void;
  on(event: 'exit', heard: () => void): void;
}

interface WorkerThreads {
  Worker: new (source: string, options: object) => NodeWorker;
  MessageChannel: new () => { port1: Port; port2: Port };
  receiveMessageOnPort(port: Port): unknown;
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
  /** Whether sleepers are woken for each part of the launch that comes. */
  #wakes = false;
  /** Whether each worker is still there, where the host can tell without its event loop. */
  readonly #isThere: (() => boolean)[] = [];
  /** Milliseconds that sharing saved lately, less those it lost. */
  #saved = 0;
  /** Until when nothing is shared, and how long the next rest lasts. */
  #restUntil = 0;
  #rest = FIRST_REST;
  #mayWait = true;
  /** Chunks that workers had in hand when they ended. */
  readonly #lost: number[] = [];

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
    this.#wake();
  }

  /** A word of each worker. */
  #each(word: number): Int32Array {
    return this.#words.subarray(WORKERS, WORKERS + PER_WORKER * this.#started).filter((_, i) => i % PER_WORKER === word);
  }

  /** How many workers are there, asleep or not. */
  get ready(): number {
    return this.#each(STATE).filter((state) => state > GONE).length;
  }

  /** How many chunks workers have done. */
  get chunksOfWorkers(): number {
    return this.#each(COUNT).reduce((sum, n) => sum + n, 0);
  }

  rows(nanoseconds: number, steps: readonly Code[]): Float64Array | null {
    if (this.count === 1) return null;
    this.#wakes = this.eager || nanoseconds >= WAKING;
    if (this.eager) {
      this.#start();
      return this.#room(steps);
    }
    if (nanoseconds < SHARED) return null;
    let awake = 0;
    let asleep = 0;
    for (let i = 0; i < this.#started; i++) {
      const state = Atomics.load(this.#words, WORKERS + PER_WORKER * i + STATE);
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
      // They wake while the caller writes the rows.
      this.#wake();
      if (nanoseconds < WAKING) this.#judge(-WAKING_COST);
      else awake++;
    }
    return awake === 0 ? null : this.#room(steps);
  }

  #wake(): void {
    for (let i = 0; i < this.#started; i++) {
      const worker = WORKERS + PER_WORKER * i;
      if (Atomics.load(this.#words, worker + STATE) !== ASLEEP || Atomics.exchange(this.#words, worker + WOKEN, 1) === 1) continue;
      Atomics.notify(this.#words, worker + WOKEN);
    }
  }

  #room(steps: readonly Code[]): Float64Array | null {
    for (let i = 0; i < steps.length; i++) if (!this.#place(steps[i] as Code)) return null;
    return this.#rows;
  }

  run(steps: readonly Code[], chunks: number, width: number, repeatable: boolean): void {
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
    Atomics.store(words, LEFT, chunks << 16);
    // A worker may have gone to sleep since: it took the place of the caller, or the launch runs in several parts.
    if (this.#wakes) this.#wake();
    if (this.eager && this.ready > 0) while (Atomics.load(words, LEFT) === chunks << 16 && performance.now() < start + 1000);
    let mine = 0;
    let before = start;
    let longest = 0;
    try {
      for (let left = Atomics.load(words, LEFT); left > 0; left = Atomics.load(words, LEFT)) {
        const first = left & 0xffff;
        if (Atomics.compareExchange(words, LEFT, left, first + 1 === left >> 16 ? 0 : left + 1) !== left) continue;
        mine++;
        this.#runChunk(steps, first, width);
        const now = performance.now();
        longest = Math.max(longest, now - before);
        before = now;
      }
    } finally {
      // Also if a kernel fails: workers must not write into memory that goes to something else.
      Atomics.store(words, LEFT, 0);
      for (let i = 0; i < this.#started; i++) if (Atomics.load(words, WORKERS + PER_WORKER * i) > 0) this.#wait(i, before);
    }
    if (mine > 1 && !this.eager) {
      // In the longest one the caller may have been interrupted.
      const others = (before - start - longest) / (mine - 1);
      const each = longest > 3 * others ? others : (before - start) / mine;
      this.#judge(each * chunks - (performance.now() - start));
    }
    const failed = Atomics.exchange(words, FAILED, 0);
    for (let i = 0; i < failed; i++) this.#runChunk(steps, words[FAILURES + i] as number, width);
    if (this.#lost.length > 0) this.#redo(steps, width, repeatable);
  }

  /** Does the chunks that workers had in hand when they were ended from outside. */
  #redo(steps: readonly Code[], width: number, repeatable: boolean): void {
    const chunks = this.#lost.splice(0);
    if (!repeatable)
      throw new Error('a thread was ended from outside in the middle of an operator: a part of what it was to write is missing');
    for (const chunk of chunks) this.#runChunk(steps, chunk, width);
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

  /** Waits until a worker has nothing in hand, or is no more. */
  #wait(index: number, since: number): void {
    const words = this.#words;
    const hand = WORKERS + PER_WORKER * index;
    let look = since + LOOK;
    for (let turns = 1, chunk = Atomics.load(words, hand); chunk > 0; chunk = Atomics.load(words, hand), turns++) {
      if (turns % 64 > 0) continue;
      const now = performance.now();
      if (this.#mayWait && now - since > PATIENCE) this.#sleep(hand, chunk);
      if (now < look) continue;
      look = now + LOOK;
      if (this.#isThere[index]?.() !== false) continue;
      // It runs no more, and what it had in hand it may have done, or not have claimed.
      this.#end(index, ENDED);
      if (Atomics.exchange(words, hand, 0) > 0) this.#lost.push(chunk - 1);
    }
  }

  #sleep(hand: number, chunk: number): void {
    const words = this.#words;
    Atomics.store(words, CALLER_SLEEPS, 1);
    try {
      Atomics.wait(words, hand, chunk, 1);
    } catch {
      // The main thread of a page must not sleep.
      this.#mayWait = false;
    }
    Atomics.store(words, CALLER_SLEEPS, 0);
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
      this.#rest = Math.min(3 * this.#rest, LONGEST_REST);
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

  #end(index: number, reason: unknown): void {
    if (Atomics.exchange(this.#words, WORKERS + PER_WORKER * index + STATE, GONE) !== GONE || reason !== ENDED)
      warnOnce('threads', `a thread ended (${reason}): computation goes on without it. setNumThreads(1) does without threads`);
  }

  #startWorker(index: number, memory: WebAssembly.Memory, shared: SharedArrayBuffer): void {
    const lost = (error: unknown): void => this.#end(index, (error as { message?: string } | null)?.message ?? error);
    const data = { memory, shared, index };
    try {
      const node = builtin<WorkerThreads>('worker_threads');
      if (node !== null) {
        const { port1, port2 } = new node.MessageChannel();
        // Neither the program's loaders nor its options are for a thread that runs kernels alone.
        const options = {
          eval: true,
          workerData: { ...data, port2 },
          transferList: [port2],
          execArgv: [],
          env: {},
          trackUnmanagedFds: false,
        };
        const worker = new node.Worker(`${WORKER_SOURCE}work(require('worker_threads').workerData)`, options);
        // Its event cannot come while the caller waits; but the other end of a channel closes when a worker ends, which can be seen at once.
        if (port1.postMessage(0) === true)
          this.#isThere[index] = () => {
            node.receiveMessageOnPort(port1);
            return port1.postMessage(0) === true;
          };
        worker.on('error', lost);
        worker.on('exit', () => lost(ENDED));
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
