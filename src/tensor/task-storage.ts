import { builtin } from '../runtime/machine.ts';
import { creation } from '../runtime/storage.ts';
import { mode, type TaskModes } from './modes.ts';

/**
 * Modes that follow a function past its first `await`.
 *
 * A mode is a field that is read everywhere, and a function that runs under one sets it and puts it back. What runs after an `await` is out of its
 * reach. So the function is also run as a task that carries its modes (AsyncLocalStorage, where the platform has it), and when the first promise
 * comes back the fields become accessors that ask the running task. Programs without such promises keep the plain fields.
 */

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
  const hooks = builtin<{ readonly AsyncLocalStorage: new () => TaskStorage }>('node:async_hooks');
  tasks = hooks === null ? null : new hooks.AsyncLocalStorage();
  return tasks;
}

/** Runs `body` under `modes`, which are carried on where the platform can do that, and puts back those before. */
export function enter<R>(modes: TaskModes, body: () => R): R {
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

/**
 * Lets the fields ask the running task from here on; false where no task can carry them. What encloses this call puts back the values of its own task
 * when it ends.
 */
export function follow(): boolean {
  if (tasks === null) return false;
  if (following) return true;
  following = true;
  outside.grad = mode.grad;
  outside.version = creation.version;
  carry(mode, 'grad', 'grad');
  carry(creation, 'version', 'version');
  return true;
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
