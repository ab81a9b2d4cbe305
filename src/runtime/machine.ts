/** What the host tells about the machine and the process: Node, Deno and Bun. Browsers tell nothing (`machine.browser.ts`). */

interface OsModule {
  availableParallelism(): number;
  totalmem(): number;
  freemem(): number;
}

/** What is used of `process`. */
export interface HostProcess {
  cpuUsage?(): { readonly user: number; readonly system: number };
  getBuiltinModule?(name: string): unknown;
  constrainedMemory?(): number;
  availableMemory?(): number;
  readonly execArgv?: readonly string[];
  readonly env?: { readonly NODE_OPTIONS?: string; readonly NABLA_NUM_THREADS?: string };
  readonly versions?: { readonly deno?: string; readonly bun?: string };
}

/** A module of Node's, where there is one: reached at run time only, so that bundlers for the browser never see it. */
export function builtin<T>(name: string): T | null {
  const host = (globalThis as { process?: HostProcess }).process;
  return (host?.getBuiltinModule?.(name) as T | undefined) ?? null;
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

/** More threads than this are not used unless they are asked for. */
const THREADS = 8;

/** Whether memory can be shared with threads: Node's are the ones that were tried. */
export function canShareMemory(): boolean {
  const versions = (globalThis as { process?: HostProcess }).process?.versions;
  return versions !== undefined && versions.deno === undefined && versions.bun === undefined;
}

/** How many threads there are to compute with, unless the program says otherwise. */
export function hostThreads(): number {
  if (!canShareMemory()) return 1;
  const wished = Number((globalThis as { process?: HostProcess }).process?.env?.NABLA_NUM_THREADS);
  if (Number.isInteger(wished) && wished >= 1) return wished;
  return Math.min(builtin<OsModule>('os')?.availableParallelism() ?? 1, THREADS);
}
