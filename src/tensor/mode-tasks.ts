import { creation } from '../runtime/storage.ts';
import { ArgumentError } from '../util/errors.ts';
import { mode } from './modes.ts';

/**
 * Modes around functions whose work goes on after they have returned: promises and generators.
 *
 * A mode is a field that is read everywhere, and a function that runs under one sets it and puts it back. What runs after an `await` is out of its
 * reach. So the function is also run as a task that carries its modes (AsyncLocalStorage, where the platform has it), and when the first promise
 * comes back the fields become accessors that ask the running task. Programs without such promises keep the plain fields.
 */

/** The modes that a task carries. */
export interface TaskModes {
  grad: boolean;
  /** The version that new storages begin with: -1 in inference mode. */
  version: number;
}

/** What is used of AsyncLocalStorage. */
interface TaskStorage {
  run<R>(modes: TaskModes, body: () => R): R;
  getStore(): TaskModes | undefined;
  disable(): void;
}

/** undefined: not looked for yet. */
let tasks: TaskStorage | null | undefined;
/** Whether a promise came back under a mode, so that the fields ask the running task. */
let following = false;
/** Whether the storage is on, at most for the rest of the current job. */
let on = false;
/** The modes of everything that runs outside of such tasks. */
const outside: TaskModes = { grad: true, version: 0 };

function taskStorage(): TaskStorage | null {
  if (tasks !== undefined) return tasks;
  const host = globalThis as {
    process?: { getBuiltinModule?: (name: string) => { AsyncLocalStorage: new () => TaskStorage } | undefined };
  };
  const hooks = host.process?.getBuiltinModule?.('node:async_hooks');
  tasks = hooks === undefined ? null : new hooks.AsyncLocalStorage();
  return tasks;
}

/**
 * Runs `body` with recording on or off, and with storages that begin with `version` (null: as now). The same holds for what it goes on with later: after
 * each `await` of a promise that it returns, and whenever a generator that it returns is resumed. Throws ArgumentError for a promise where no task can carry the modes.
 */
export function runUnder<R>(name: string, grad: boolean, version: number | null, body: () => R): R {
  const result = enter(modesFor(grad, version), body);
  if (typeof result !== 'object' || result === null) return result;
  if (typeof (result as { then?: unknown }).then === 'function') {
    if (tasks === null) throw asynchronous(name);
    follow();
    return result;
  }
  const tag = Object.prototype.toString.call(result);
  return tag === '[object Generator]' || tag === '[object AsyncGenerator]' ? resumedUnder(name, grad, version, result) : result;
}

/** Nothing is recorded in inference mode, unless a transform records there already. A version of null leaves that mode as it is. */
export function modesFor(grad: boolean, version: number | null): TaskModes {
  const next = version ?? creation.version;
  return { grad: grad && (next >= 0 || (mode.grad && version === null)), version: next };
}

function asynchronous(name: string): ArgumentError {
  return new ArgumentError(
    `${name}: the function must be synchronous here, since nothing on this platform tells which task runs after an await (AsyncLocalStorage, as Node has it): call ${name} around the parts between awaits`,
  );
}

function enter<R>(modes: TaskModes, body: () => R): R {
  const storage = taskStorage();
  if (following) return (storage as TaskStorage).run(modes, body);
  const before = { grad: mode.grad, version: creation.version };
  mode.grad = modes.grad;
  creation.version = modes.version;
  if (!on && storage !== null) switchOn(storage);
  try {
    return storage === null ? body() : storage.run(modes, body);
  } finally {
    mode.grad = before.grad;
    creation.version = before.version;
  }
}

/**
 * While the storage is on, every promise of the program pays for it; but to switch it on and off takes longer than many a body that runs under a mode.
 * So the first such body of a job switches it on, by running in it, and it stays on until the job has ended.
 */
function switchOn(storage: TaskStorage): void {
  on = true;
  // Before it is on: this promise is cheaper then.
  void Promise.resolve().then(() => {
    on = false;
    if (!following) storage.disable();
  });
}

/** A generator whose body runs under `modes`, and whose caller keeps his own between its yields. */
function resumedUnder<R extends object>(name: string, grad: boolean, version: number | null, generator: R): R {
  const resumed = Object.create(Object.getPrototypeOf(generator));
  for (const method of ['next', 'return', 'throw']) {
    const resume = (generator as Record<string, unknown>)[method] as (...args: unknown[]) => unknown;
    resumed[method] = (...args: unknown[]) => runUnder(name, grad, version, () => resume.apply(generator, args));
  }
  return resumed;
}

/** Lets the fields ask the running task from here on. What encloses this call puts back the values of its own task when it ends. */
function follow(): void {
  if (following) return;
  following = true;
  outside.grad = mode.grad;
  outside.version = creation.version;
  carry(mode, 'grad', 'grad');
  carry(creation, 'version', 'version');
}

function carry<K extends keyof TaskModes>(target: object, field: string, key: K): void {
  const storage = tasks as TaskStorage;
  const running = (): TaskModes => storage.getStore() ?? outside;
  // On the prototype: an object whose own field became an accessor would be slow to read.
  Object.setPrototypeOf(
    target,
    Object.create(Object.getPrototypeOf(target), {
      [field]: {
        get: () => running()[key],
        set: (value: TaskModes[K]) => {
          running()[key] = value;
        },
      },
    }),
  );
  delete (target as Record<string, unknown>)[field];
}
