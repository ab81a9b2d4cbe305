/**
 * Running the garbage collector in the middle of a job, where the host can do that (Node).
 *
 * A weak reference keeps its target until the end of the job that made it or looked at it (ECMAScript, "KeptAlive"), so a plain loop would
 * never see one die. In V8 that list is cleared after a microtask checkpoint, and a script run in a context with its own microtask queue
 * makes one without running anybody else's microtasks. All of this is the host's behaviour and promised nowhere, so it is tried out before
 * it is relied on.
 */

import { builtin, type HostProcess } from './machine.ts';

/** A way to have unreachable objects collected at once. */
export interface Collector {
  /** Collects. After a major collection weak references to unreachable objects are empty; a minor one looks at young objects alone. */
  collect(kind: 'minor' | 'major'): void;
  /** Lets go of what weak references were made to or looked at. */
  clearKept(): void;
}

type GarbageCollection = (options?: { type: 'minor' }) => void;

interface Script {
  runInContext(context: object): unknown;
}

interface VmModule {
  Script: new (code: string) => Script;
  createContext(sandbox: object, options: { microtaskMode: 'afterEvaluate' }): object;
  runInNewContext(code: string): unknown;
}

interface V8Module {
  setFlagsFromString(flag: string): void;
}

/** Whether the host may have a collector that can be called: cheap to ask, and only a guess. */
export function hasCollector(): boolean {
  return typeof (globalThis as { process?: HostProcess }).process?.getBuiltinModule === 'function';
}

/** The collector of the host, or null where there is none or it does not do what a sweep needs. */
export function openCollector(): Collector | null {
  try {
    const vm = builtin<VmModule>('vm');
    if (vm === null) return null;
    const gc = findGarbageCollection(vm);
    if (gc === null) return null;
    const nothing = new vm.Script('0');
    const context = vm.createContext({}, { microtaskMode: 'afterEvaluate' });
    const clearKept = (): void => void nothing.runInContext(context);
    // `gc(undefined)` is a minor collection on some versions: a major one takes no argument at all.
    const collectMinor = minorCollection(gc);
    const collect = (kind: 'minor' | 'major'): void => {
      if (kind === 'minor') {
        collectMinor();
        return;
      }
      clearKept();
      gc();
    };
    if (!clears(collect)) return null;
    clearKept();
    return { collect, clearKept };
  } catch {
    return null;
  }
}

function findGarbageCollection(vm: VmModule): GarbageCollection | null {
  const exposed = (globalThis as { gc?: unknown }).gc;
  if (typeof exposed === 'function') return exposed as GarbageCollection;
  const v8 = builtin<V8Module>('v8');
  if (v8 === null) return null;
  v8.setFlagsFromString('--expose-gc');
  const gc = vm.runInNewContext('globalThis.gc');
  // Contexts made later by anyone else must not find a `gc` in their global scope.
  v8.setFlagsFromString('--no-expose-gc');
  return typeof gc === 'function' ? (gc as GarbageCollection) : null;
}

/** Options of the host that say how collections share their work between threads. */
const THREADED = /scavenge|single-threaded/;

/** Node's own, before anybody puts another in its place to control time. */
const atNextTurn = (globalThis as { setImmediate?: (callback: () => void) => { unref(): void } }).setImmediate;

/**
 * A minor collection on this thread alone. There is too little to collect for the work to be worth sharing, and waiting for a thread that has no processor at
 * the moment takes longer than all of it. The option stays until the program gives way to its event loop: switching it there and back costs 10 µs on Node 20,
 * and a loop that drops large results collects thousands of times in one job.
 */
function minorCollection(gc: GarbageCollection): () => void {
  const minor = { type: 'minor' } as const;
  const host = (globalThis as { process?: HostProcess }).process;
  const chosen = [...(host?.execArgv ?? []), host?.env?.['NODE_OPTIONS'] ?? ''].some((option) => THREADED.test(option));
  const v8 = host?.versions?.deno === undefined && !chosen ? builtin<V8Module>('v8') : null;
  if (v8 === null || atNextTurn === undefined) return () => gc(minor);
  let isAlone = false;
  const share = (): void => {
    isAlone = false;
    v8.setFlagsFromString('--parallel-scavenge');
  };
  return () => {
    if (!isAlone) {
      v8.setFlagsFromString('--no-parallel-scavenge');
      isAlone = true;
      atNextTurn(share).unref();
    }
    gc(minor);
  };
}

const TRIALS = 16;

function clears(collect: (kind: 'major') => void): boolean {
  const references = makeGarbage();
  collect('major');
  const dead = references.filter((reference) => reference.deref() === undefined).length;
  // The stack may still hold the last object or two.
  return dead >= TRIALS - 2;
}

function makeGarbage(): WeakRef<object>[] {
  return Array.from({ length: TRIALS }, (_, index) => new WeakRef({ index }));
}
