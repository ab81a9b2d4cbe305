import { creation } from '../runtime/storage.ts';
import { ArgumentError } from '../util/errors.ts';
import { mode, type TaskModes } from './modes.ts';
import { enter, follow } from './task-storage.ts';

/** Modes around functions whose work goes on after they have returned: promises and generators. */

/**
 * Runs `body` with recording on or off, and with storages that begin with `version` (null: as now). The same holds for what it goes on with later: after
 * each `await` of a promise that it returns, and whenever a generator that it returns is resumed. Throws ArgumentError for a promise where no task can carry the modes.
 */
export function runUnder<R>(name: string, grad: boolean, version: number | null, body: () => R): R {
  const result = enter(modesFor(grad, version), body);
  if (typeof result !== 'object' || result === null) return result;
  if (typeof (result as { then?: unknown }).then === 'function') {
    if (!follow()) throw asynchronous(name);
    return result;
  }
  const tag = Object.prototype.toString.call(result);
  return tag === '[object Generator]' || tag === '[object AsyncGenerator]' ? resumedUnder(name, grad, version, result) : result;
}

/** Nothing is recorded in inference mode, unless a transform records there already. A version of null leaves that mode as it is. */
export function modesFor(grad: boolean, version: number | null): TaskModes {
  const next = version ?? creation.version;
  return { grad: grad && (next >= 0 || mode.grad), version: next };
}

function asynchronous(name: string): ArgumentError {
  return new ArgumentError(
    `${name}: the function must be synchronous here, since nothing on this platform tells which task runs after an await (AsyncLocalStorage, as Node has it): call ${name} around the parts between awaits`,
  );
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
