import { creation } from '../runtime/storage.ts';
import { mode, type TaskModes } from './modes.ts';

/** Modes end where the function returns: browsers do not tell which task runs after an `await`. */
export function enter<R>(modes: TaskModes, body: () => R): R {
  const before = { grad: mode.grad, version: creation.version };
  mode.grad = modes.grad;
  creation.version = modes.version;
  try {
    return body();
  } finally {
    mode.grad = before.grad;
    creation.version = before.version;
  }
}

export function follow(): boolean {
  return false;
}
