import { describeTensor, describeValue } from '../tensor/messages.ts';
import { mode } from '../tensor/modes.ts';
import { aliasOf, isTensor, type Tensor, type Wrapped } from '../tensor/tensor.ts';
import { ArgumentError, AutogradError } from '../util/errors.ts';

/** A handle whose value an interpreter looks at: it has the logical shape, and `wrapped` holds the rest. */
export function wrapHandle(like: Tensor, wrapped: Wrapped): Tensor {
  const handle = aliasOf(like);
  handle.wrapped = wrapped;
  return handle;
}

/** Runs `body` with one more interpreter: its level is the number of those that run. */
export function withInterpreter<R>(body: (level: number) => R): R {
  const before = mode.interpreters;
  mode.interpreters = before + 1;
  try {
    return body(before + 1);
  } finally {
    mode.interpreters = before;
  }
}

/** Refuses a handle that outlived the transform that made it. */
export function refuseEscaped(name: string, x: Tensor): never {
  throw new AutogradError(
    `${name}: ${describeTensor(x)} was kept from inside a vmap or jvp that has ended, where it stood for transformed values: return it from the function instead`,
  );
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
