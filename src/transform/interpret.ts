import { mode } from '../tensor/modes.ts';
import { aliasOf, type Tensor, type Wrapped } from '../tensor/tensor.ts';

/** A handle whose value an interpreter looks at: it has the logical shape, and `wrapped` holds the rest. */
export function wrapHandle(like: Tensor, wrapped: Wrapped): Tensor {
  const handle = aliasOf(like);
  handle.wrapped = wrapped;
  return handle;
}

/** Runs `body` with one more interpreter: its level is the number of those that run. */
export function withInterpreter<R>(body: (level: number) => R): R {
  mode.interpreters++;
  try {
    return body(mode.interpreters);
  } finally {
    mode.interpreters--;
  }
}

export function outputsOf(result: Tensor | readonly Tensor[]): readonly Tensor[] {
  return Array.isArray(result) ? (result as readonly Tensor[]) : [result as Tensor];
}
