import { ArgumentError, AutogradError } from '../util/errors.ts';
import { describeTensor, describeValue } from './messages.ts';
import { isTensor, type Tensor } from './tensor.ts';

/** Versions by hand, for code that writes a tensor's memory behind the back of autograd. */

function listed(name: string, tensors: Tensor | readonly Tensor[]): readonly Tensor[] {
  const list = isTensor(tensors) ? [tensors] : tensors;
  if (!Array.isArray(list) || !list.every(isTensor))
    throw new ArgumentError(`${name}: expected a tensor or a list of tensors, got ${describeValue(tensors)}`);
  return list;
}

/**
 * Counts a write into each of these tensors, so that a backward pass that needs their old values is refused: for memory that was changed by other
 * means than operators. Inference tensors, which count nothing, are left alone.
 *
 * @example
 * const x = ones([2]);
 * autograd.graph.incrementVersion(x);
 * x.version; // 1
 */
export function incrementVersion(tensors: Tensor | readonly Tensor[]): void {
  for (const x of listed('incrementVersion', tensors)) {
    if (x.storage.version < 0) continue;
    x.storage.version++;
    x.storage.writer = 'incrementVersion';
    x.storage.writtenShape = x.shape;
  }
}

/**
 * Runs `body` and puts the versions of these tensors back to what they were: backward passes will not notice what it wrote, so their gradients are
 * wrong unless it left the values as they were.
 *
 * @example
 * const x = ones([2]);
 * autograd.graph.unsafePreserveVersionCounter(x, () => x.mul_(2));
 * x.version; // 0
 */
export function unsafePreserveVersionCounter<R>(tensors: Tensor | readonly Tensor[], body: () => R): R {
  const list = listed('unsafePreserveVersionCounter', tensors);
  const before = list.map((x) => x.storage.version);
  try {
    return body();
  } finally {
    unsafeSetVersionCounter(list, before);
  }
}

/**
 * Sets the versions of these tensors. Throws ArgumentError for a version that is not a whole number from 0 on, and AutogradError for an inference tensor.
 *
 * @example
 * const x = ones([2]);
 * autograd.graph.unsafeSetVersionCounter([x], [5]);
 * x.version; // 5
 */
export function unsafeSetVersionCounter(tensors: readonly Tensor[], versions: readonly number[]): void {
  const list = listed('unsafeSetVersionCounter', tensors);
  if (versions.length !== list.length)
    throw new ArgumentError(`unsafeSetVersionCounter: ${versions.length} versions for ${list.length} tensors: give one for each`);
  list.forEach((x, i) => {
    const version = versions[i] as number;
    if (x.storage.version < 0 && version >= 0)
      throw new AutogradError(`unsafeSetVersionCounter: ${describeTensor(x)} was made in inferenceMode, where writes are not counted`);
    if (!Number.isSafeInteger(version) || (version < 0 && x.storage.version >= 0))
      throw new ArgumentError(`unsafeSetVersionCounter: a version is a whole number from 0 on, got ${version} for ${describeTensor(x)}`);
  });
  list.forEach((x, i) => {
    x.storage.version = versions[i] as number;
  });
}
