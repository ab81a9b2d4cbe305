import { describeValue } from '../tensor/messages.ts';
import { mode } from '../tensor/modes.ts';
import { aliasOf, isTensor, type Tensor, type Wrapped } from '../tensor/tensor.ts';
import { ArgumentError } from '../util/errors.ts';

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

/** The tensors that a user's function returned; anything else is refused. */
export function returnedTensors(name: string, result: unknown): readonly Tensor[] {
  const outputs = Array.isArray(result) ? (result as readonly unknown[]) : [result];
  for (const [i, y] of outputs.entries()) {
    if (!isTensor(y)) {
      const what = y instanceof Promise ? 'a promise, but it must be synchronous' : describeValue(y);
      throw new ArgumentError(
        `${name}: the function must return a tensor or a list of tensors, got ${what}${Array.isArray(result) ? ` as result ${i}` : ''}`,
      );
    }
  }
  return outputs as readonly Tensor[];
}

export function outputsOf(result: Tensor | readonly Tensor[]): readonly Tensor[] {
  return Array.isArray(result) ? (result as readonly Tensor[]) : [result as Tensor];
}
