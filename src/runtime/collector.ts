/**
 * Running the garbage collector in the middle of a job, where the host can do that (Node).
 *
 * A weak reference keeps its target until the end of the job that made it or looked at it (ECMAScript, "KeptAlive"), so a plain loop would
 * never see one die. In V8 that list is cleared after a microtask checkpoint, and a script run in a context with its own microtask queue
 * makes one without running anybody else's microtasks. All of this is the host's behaviour and promised nowhere, so it is tried out before
 * it is relied on.
 */

/** A way to have unreachable objects collected at once. */
export interface Collector {
  /** Whether a minor collection clears weak references to young objects (V8 14 and later), which is much cheaper. */
  readonly minorClears: boolean;
  /** Collects; weak references to unreachable objects are empty afterwards. */
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

interface OsModule {
  totalmem(): number;
  freemem(): number;
}

interface HostProcess {
  cpuUsage?(): { readonly user: number; readonly system: number };
  getBuiltinModule?(name: string): unknown;
  constrainedMemory?(): number;
  availableMemory?(): number;
  readonly versions?: { readonly deno?: string };
}

// Reached at run time only, so that bundlers for the browser never see a module of Node's.
function builtin<T>(name: string): T | null {
  const host = (globalThis as { process?: HostProcess }).process;
  return (host?.getBuiltinModule?.(name) as T | undefined) ?? null;
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
    const collect = (kind: 'minor' | 'major'): void => {
      clearKept();
      if (kind === 'minor') gc({ type: 'minor' });
      else gc();
    };
    if (!clears('major', collect)) return null;
    const minorClears = clears('minor', collect);
    clearKept();
    return { minorClears, collect, clearKept };
  } catch {
    return null;
  }
}

/** How much memory the process may use, in bytes, where the host tells without asking its user (Deno would ask). */
export function machineMemory(): number {
  const host = (globalThis as { process?: HostProcess }).process;
  if (host?.versions?.deno !== undefined) return Number.POSITIVE_INFINITY;
  const total = builtin<OsModule>('os')?.totalmem() ?? Number.POSITIVE_INFINITY;
  const limit = host?.constrainedMemory?.() ?? 0;
  return limit > 0 && limit < total ? limit : total;
}

/** How much more memory the process can have, in bytes; infinite where the host does not tell. */
export function availableMemory(): number {
  const host = (globalThis as { process?: HostProcess }).process;
  if (host?.versions?.deno !== undefined) return Number.POSITIVE_INFINITY;
  return host?.availableMemory?.() ?? builtin<OsModule>('os')?.freemem() ?? Number.POSITIVE_INFINITY;
}

/** The time that processors spent on this process so far; where the host does not tell, the time that passed. */
export function processorMilliseconds(): number {
  const usage = (globalThis as { process?: HostProcess }).process?.cpuUsage?.();
  return usage === undefined ? performance.now() : (usage.user + usage.system) / 1000;
}

/** Has evicted bytes collected where the engine is slow to do so by itself: Bun keeps gigabytes of dead array buffers. */
export function collectEvicted(): void {
  (globalThis as { Bun?: { gc?(synchronous: boolean): void } }).Bun?.gc?.(true);
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

const TRIALS = 16;

function clears(kind: 'minor' | 'major', collect: (kind: 'minor' | 'major') => void): boolean {
  const references = makeGarbage();
  collect(kind);
  const dead = references.filter((reference) => reference.deref() === undefined).length;
  // The stack may still hold the last object or two.
  return dead >= TRIALS - 2;
}

function makeGarbage(): WeakRef<object>[] {
  return Array.from({ length: TRIALS }, (_, index) => new WeakRef({ index }));
}
